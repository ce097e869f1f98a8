"""Log-in, log-out and the language of the screens."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import abort, flash, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts import service
from hcrm.accounts.domain import Action, Language
from hcrm.accounts.forms import LoginForm, too_many_tries
from hcrm.accounts.guard import (
    actor_or_none,
    begin_session,
    current_actor,
    forget_session,
    pick_facility,
    public,
    requires,
    session_number,
)
from hcrm.accounts.routes.blueprint import blueprint
from hcrm.audit.service import record
from hcrm.unit_of_work import unit_of_work
from hcrm.web import LANGUAGES, choose_language, is_safe_address, now, settings


@blueprint.route("/login", methods=["GET", "POST"])
@public
def login() -> ResponseReturnValue:
    """The log-in; afterwards the page that was asked for, else the start page."""
    form = LoginForm()
    if request.method == "GET" and actor_or_none() is not None:
        return redirect("/")
    problem, status = None, 200
    if form.validate_on_submit():
        problem, status = _log_in(form)
        if problem is None:
            target = request.args.get("next", "")
            return redirect(target if is_safe_address(target) else "/")
    return render_template("accounts/login.html", form=form, problem=problem), status


def _log_in(form: LoginForm) -> tuple[str | None, int]:
    """Begin a session; else why not, in a sentence, and the status that says so.

    The try is counted and committed before the password is looked at.
    """
    credentials = {"username": form.username.data, "address": request.remote_addr or ""}
    with unit_of_work() as database:
        closed_until = service.take_attempt(database, **credentials, now=now())
    if closed_until is not None:
        return too_many_tries(closed_until), 429
    with unit_of_work() as database:
        user = service.authenticate(database, **credentials, password=form.password.data, now=now())
    if user is None:
        return _("The user name or the password is not right."), 401
    begin_session(user)
    return None, 200


@blueprint.post("/logout")
@requires(Action.USE_ACCOUNT)
def logout() -> ResponseReturnValue:
    """End the session, also for whoever has a copy of its cookie."""
    with unit_of_work() as database:
        service.end_session(
            database, user_id=current_actor().user_id, number=session_number(), lifetime=settings().session_lifetime,
            now=now(),
        )  # fmt: skip
    forget_session()
    flash(_("You are logged out."), "good")
    return redirect("/login")


@blueprint.post("/facility")
@requires(Action.USE_ACCOUNT)
def choose_facility() -> ResponseReturnValue:
    """Work in one of one's facilities, or in all of them, from now on; the first screen there."""
    chosen = request.form.get("facility", type=int)
    pick_facility(chosen)
    user_id = current_actor().user_id
    with unit_of_work() as database:
        record(
            database,
            now=now(),
            action="session.facility_chosen",
            actor_user_id=user_id,
            facility_id=chosen,
            object_kind="facility",
            object_id=chosen,
        )
    return redirect("/")


@blueprint.get("/language/<code>", endpoint="choose_language")
@public
def choose_language_page(code: str) -> ResponseReturnValue:
    """Change the language of the screens, remember it, and go back to the page one came from."""
    if code not in LANGUAGES:
        abort(404)
    actor = actor_or_none()
    if actor is not None:
        with unit_of_work() as database:
            service.choose_language(database, user_id=actor.user_id, language=Language(code))
    came_from = urlsplit(request.referrer or "")
    path = came_from.path + (f"?{came_from.query}" if came_from.query else "")
    back = path if came_from.netloc == request.host and is_safe_address(path) else "/"
    response = redirect(back)
    choose_language(code, response, secure=settings().secure_cookies)
    return response
