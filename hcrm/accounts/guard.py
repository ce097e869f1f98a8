"""The door of every page: who is logged in, and whether they may do what the endpoint is for.

An endpoint says what it is for with ``@requires(action)`` or ``@public``. A hook before each request enforces it, and
an endpoint that says nothing is closed to everybody.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast
from urllib.parse import urlencode

from flask import Flask, abort, current_app, jsonify, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import UserMixin, current_user, login_user, logout_user

from hcrm.accounts import queries
from hcrm.accounts.domain import Action, Actor, SessionLimits, at_facility, permitted, session_ended
from hcrm.accounts.service import session_key
from hcrm.audit.domain import Outcome
from hcrm.audit.service import record
from hcrm.extensions import login_manager
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.web import is_safe_address, now, settings, wants_json

View = TypeVar("View", bound=Callable[..., Any])

PUBLIC = "public"
PICKED = "facility_id"
"""Where a session keeps the facility that its user has picked."""
NUMBER = "number"
"""Where a session keeps its own secret number, by which it is ended for good at log-out."""
_MARK = "hcrm_access"
LIBRARY_ENDPOINTS = frozenset({"static", "bootstrap.static"})
"""Endpoints made by libraries that serve files everybody may have."""
PASSWORD_ENDPOINTS = frozenset({"accounts.password", "accounts.logout", "accounts.choose_language"})
"""What remains open to a person who has to choose a new password first."""
SEEN_EVERY_SECONDS = 30
BACKGROUND = "X-Background"
"""The header of what a page asks for by itself: it is no sign that somebody is there, so it keeps no session alive."""


def requires(action: Action) -> Callable[[View], View]:
    """Only people whose memberships permit ``action`` somewhere; what the page shows is narrowed by its scope."""

    def mark(view: View) -> View:
        setattr(view, _MARK, action)
        return view

    return mark


def public(view: View) -> View:
    """Open to everybody without a log-in."""
    setattr(view, _MARK, PUBLIC)
    return view


def access_of(app: Flask, endpoint: str) -> Action | str | None:
    """What an endpoint declares: an action, ``"public"``, or None for nothing (closed)."""
    if endpoint in LIBRARY_ENDPOINTS:
        return PUBLIC
    return getattr(app.view_functions.get(endpoint), _MARK, None)


class LoggedIn(UserMixin):  # type: ignore[misc]  # flask_login ships no types
    """The user of the session, as Flask-Login wants it.

    ``actor`` has the memberships of the facility that the person has picked, ``facility_ids`` are all of theirs.
    """

    def __init__(self, user: queries.SessionUser, facility_id: int | None = None) -> None:
        self.facility_ids = user.actor.facility_ids
        self.actor = at_facility(user.actor, facility_id)
        self.must_change_password = user.must_change_password
        self.session_epoch = user.session_epoch

    def get_id(self) -> str:
        return f"{self.actor.user_id}:{self.session_epoch}"


def current_actor() -> Actor:
    """The person who is logged in. Only for endpoints that require an action (``RuntimeError`` elsewhere)."""
    actor = actor_or_none()
    if actor is None:
        raise RuntimeError("nobody is logged in on this page")
    return actor


def actor_or_none() -> Actor | None:
    """The person who is logged in, if anybody is."""
    return current_user.actor if current_user.is_authenticated else None


def own_facilities() -> tuple[int, ...]:
    """All facilities of the person who is logged in, whichever is picked."""
    return current_user.facility_ids if current_user.is_authenticated else ()


def picked_facility() -> int | None:
    """The facility that the person works in now; None for all of theirs."""
    picked = session.get(PICKED)
    return picked if picked in own_facilities() else None


def pick_facility(facility_id: int | None) -> None:
    """Keep for this session which facility the person works in; None for all of theirs.

    404, audited, for a facility that is not theirs.
    """
    if facility_id is not None and facility_id not in own_facilities():
        audit_denial(Action.USE_ACCOUNT.value)
        abort(404)
    session[PICKED] = facility_id


def must_change_password() -> bool:
    """True when somebody else chose the password of the person who is logged in."""
    return bool(current_user.is_authenticated and current_user.must_change_password)


def begin_session(user: queries.SessionUser) -> None:
    """Log in: the session starts anew, so that nothing known before the log-in (its CSRF token too) stays valid."""
    session.clear()
    started = now().timestamp()
    session.update(
        started_at=started, seen_at=started, language=user.actor.language.value, number=secrets.token_urlsafe(16)
    )
    login_user(LoggedIn(user))


def session_number() -> str:
    """The secret number of this session; empty when nobody is logged in."""
    return str(session.get(NUMBER) or "")


def forget_session() -> None:
    """Take everything of the session out of the cookie."""
    logout_user()
    session.clear()


def require_object(action: Action, facility_id: int, department_ids: Iterable[int] | None = None) -> None:
    """Stop unless the person may do ``action`` to this very thing, in this facility and one of these departments.

    404 when the facility is not theirs at all (its things do not exist for them) 403 otherwise; both are audited.
    """
    actor = current_actor()
    departments = None if department_ids is None else tuple(department_ids)
    if permitted(actor, action, facility_id, departments):
        return
    theirs = facility_id in actor.facility_ids
    audit_denial(action.value, facility_id=facility_id if theirs else None)
    abort(403 if theirs else 404)


def audit_denial(action: str, *, facility_id: int | None = None) -> None:
    """Record a refusal, in a transaction of its own because the one at hand is rolled back."""
    runtime = cast("Runtime", current_app.extensions["hcrm"])
    actor = actor_or_none()
    with unit_of_work(runtime.sessions) as database:
        record(
            database,
            now=now(),
            action=action,
            actor_user_id=actor.user_id if actor else None,
            facility_id=facility_id,
            object_kind="endpoint",
            object_id=_object_id(),
            outcome=Outcome.DENIED,
            details={"endpoint": request.endpoint or "", "method": request.method},
        )


def _object_id() -> int | None:
    """The first number in the address, which is the id of what was asked for."""
    return next((value for value in (request.view_args or {}).values() if isinstance(value, int)), None)


@login_manager.user_loader  # type: ignore[untyped-decorator]  # flask_login ships no types
def load_user(session_id: str) -> LoggedIn | None:
    """The user of a session that is still good: not logged out, not too old, not idle too long, of the account's
    present epoch.
    """
    user_id, _, epoch = session_id.partition(":")
    if not user_id.isdigit() or not session_number() or _session_is_over():
        return None
    with unit_of_work() as database:
        user = queries.session_user(database, int(user_id), session_key(session_number()))
    if user is None or str(user.session_epoch) != epoch:
        return None
    return LoggedIn(user, session.get(PICKED))


def _session_is_over() -> bool:
    started, seen = session.get("started_at"), session.get("seen_at")
    if not isinstance(started, int | float) or not isinstance(seen, int | float):
        return True
    limits = SessionLimits(settings().session_idle, settings().session_lifetime)
    return session_ended(_moment(started), _moment(seen), limits, now())


def _moment(timestamp: float) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def check_request() -> ResponseReturnValue | None:
    """Before each request: let it through, send it to the log-in, or refuse it."""
    if request.endpoint is None:
        return None
    access = access_of(current_app, request.endpoint)
    if access == PUBLIC:
        return None
    if not current_user.is_authenticated:
        return _to_login()
    if BACKGROUND not in request.headers:
        _note_seen()
    if must_change_password() and request.endpoint not in PASSWORD_ENDPOINTS:
        return redirect(url_for("accounts.password"))
    if not isinstance(access, Action) or not permitted(current_actor(), access):
        audit_denial(str(access or "undeclared"))
        abort(403)
    return None


def _note_seen() -> None:
    moment = now().timestamp()
    if moment - session["seen_at"] >= SEEN_EVERY_SECONDS:
        session["seen_at"] = moment


def _to_login() -> ResponseReturnValue:
    ended = "_user_id" in session
    if ended:
        forget_session()
    if wants_json():
        return jsonify(error="login_needed"), 401
    target = request.full_path.rstrip("?") if request.method == "GET" else ""
    question = {"next": target} if target not in ("", "/") and is_safe_address(target) else {}
    if ended:
        question["ended"] = "1"
    return redirect(url_for("accounts.login") + (f"?{urlencode(question)}" if question else ""))


def init_app(app: Flask) -> None:
    """Put the door in front of every request."""
    app.before_request(check_request)
    app.jinja_env.globals["may"] = _may


def _may(action: str) -> bool:
    """For templates: True when the person who is logged in may do ``action`` anywhere."""
    actor = actor_or_none()
    return actor is not None and permitted(actor, Action(action))
