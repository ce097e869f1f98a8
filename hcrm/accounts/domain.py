"""Who may do what: roles, actions, and the one decision that every endpoint and every query's scope goes through."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 200


class Language(StrEnum):
    """Languages of the screens."""

    EN = "en"
    ZH_HANS = "zh_Hans"


class Role(StrEnum):
    """What a person is in a facility."""

    NURSE = "nurse"
    PHYSICIAN = "physician"
    SERVICE_AGENT = "service_agent"
    OUTREACH_WORKER = "outreach_worker"
    DEPARTMENT_HEAD = "department_head"
    MANAGER = "manager"
    COMPLAINTS_OFFICER = "complaints_officer"
    QUALITY_OFFICER = "quality_officer"
    ADMINISTRATOR = "administrator"
    GROUP_ADMINISTRATOR = "group_administrator"
    AUDITOR = "auditor"


class Action(StrEnum):
    """What an endpoint lets a person do; the value is the word kept in the audit."""

    USE_ACCOUNT = "use_account"
    VIEW_TODAY = "view_today"
    WORK_TASKS = "work_tasks"
    ASSIGN_TASKS = "assign_tasks"
    VIEW_RECALLS = "view_recalls"
    PLAN_VISITS = "plan_visits"
    VIEW_PATIENT = "view_patient"
    EDIT_PATIENT = "edit_patient"
    VERIFY_DEATH = "verify_death"
    MERGE_PATIENTS = "merge_patients"
    VIEW_ALERTS = "view_alerts"
    WORK_ALERTS = "work_alerts"
    VIEW_INBOX = "view_inbox"
    WORK_INBOX = "work_inbox"
    EDIT_TEMPLATES = "edit_templates"
    EDIT_PLANS = "edit_plans"
    EDIT_SURVEYS = "edit_surveys"
    PUBLISH_SURVEYS = "publish_surveys"
    EDIT_SHARED_SURVEYS = "edit_shared_surveys"
    VIEW_APPOINTMENTS = "view_appointments"
    BOOK_APPOINTMENTS = "book_appointments"
    EDIT_SESSIONS = "edit_sessions"
    VIEW_FIGURES = "view_figures"
    VIEW_FIGURE_PATIENTS = "view_figure_patients"
    RUN_MEETING = "run_meeting"
    EDIT_MEASURES = "edit_measures"
    REVIEW_STAFF = "review_staff"
    IMPORT_RECORDS = "import_records"
    ADMINISTER = "administer"
    VIEW_AUDIT = "view_audit"
    VIEW_HANDSET = "view_handset"


DEPARTMENT_ROLES = frozenset({Role.NURSE, Role.PHYSICIAN, Role.DEPARTMENT_HEAD})
"""Roles that may be bound to departments; all others are for the whole facility."""

_EVERYONE = frozenset({Action.USE_ACCOUNT, Action.VIEW_HANDSET})
_VISITS = frozenset({Action.VIEW_APPOINTMENTS, Action.BOOK_APPOINTMENTS})
_CALLS = _VISITS | {Action.VIEW_TODAY, Action.WORK_TASKS, Action.VIEW_PATIENT, Action.EDIT_PATIENT}
_SESSIONS = frozenset({Action.VIEW_APPOINTMENTS, Action.EDIT_SESSIONS})
_ALERTS = frozenset({Action.VIEW_ALERTS, Action.WORK_ALERTS})
_INBOX = frozenset({Action.VIEW_INBOX, Action.WORK_INBOX})
_FIGURES = frozenset({Action.VIEW_FIGURES, Action.VIEW_FIGURE_PATIENTS})

ACTIONS: Mapping[Role, frozenset[Action]] = {
    Role.NURSE: _EVERYONE | _CALLS | _ALERTS | _INBOX,
    Role.PHYSICIAN: _EVERYONE | _CALLS | _ALERTS | {Action.VERIFY_DEATH},
    Role.SERVICE_AGENT: _EVERYONE | _CALLS | _ALERTS | _INBOX | {Action.MERGE_PATIENTS},
    Role.OUTREACH_WORKER: _EVERYONE | _CALLS | {Action.VIEW_ALERTS, Action.PLAN_VISITS},
    Role.DEPARTMENT_HEAD: _EVERYONE
    | _CALLS
    | _SESSIONS
    | _ALERTS
    | _INBOX
    | _FIGURES
    | {Action.VERIFY_DEATH, Action.EDIT_TEMPLATES, Action.EDIT_SURVEYS, Action.ASSIGN_TASKS}
    | {Action.RUN_MEETING, Action.REVIEW_STAFF},
    Role.MANAGER: _EVERYONE
    | _SESSIONS
    | _ALERTS
    | _FIGURES
    | {
        Action.ASSIGN_TASKS,
        Action.PLAN_VISITS,
        Action.VIEW_RECALLS,
        Action.VIEW_TODAY,
        Action.VIEW_PATIENT,
        Action.VERIFY_DEATH,
        Action.EDIT_TEMPLATES,
    }
    | {Action.EDIT_SURVEYS, Action.PUBLISH_SURVEYS, Action.EDIT_PLANS}
    | {Action.RUN_MEETING, Action.EDIT_MEASURES},
    Role.COMPLAINTS_OFFICER: _EVERYONE | _ALERTS | _INBOX | {Action.VIEW_PATIENT, Action.VIEW_FIGURES},
    Role.QUALITY_OFFICER: _EVERYONE
    | _ALERTS
    | _FIGURES
    | {Action.VIEW_PATIENT, Action.MERGE_PATIENTS, Action.VIEW_RECALLS}
    | {Action.RUN_MEETING, Action.EDIT_MEASURES},
    Role.ADMINISTRATOR: _EVERYONE
    | {Action.EDIT_TEMPLATES, Action.EDIT_SURVEYS, Action.EDIT_PLANS, Action.IMPORT_RECORDS, Action.ADMINISTER}
    | {Action.PUBLISH_SURVEYS, Action.EDIT_SHARED_SURVEYS},
    Role.GROUP_ADMINISTRATOR: _EVERYONE
    | _FIGURES
    | {Action.IMPORT_RECORDS, Action.ADMINISTER, Action.VIEW_PATIENT, Action.VIEW_ALERTS}
    | {Action.EDIT_SURVEYS, Action.PUBLISH_SURVEYS, Action.EDIT_SHARED_SURVEYS},
    Role.AUDITOR: _EVERYONE | {Action.VIEW_AUDIT, Action.VIEW_PATIENT},
}
"""What each role may do in its facility. Absent means no."""


@dataclass(frozen=True, slots=True)
class MembershipSnapshot:
    """A role in a facility; ``department_id`` None = all departments."""

    facility_id: int
    role: Role
    department_id: int | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """A logged-in person with everything the access decision needs."""

    user_id: int
    username: str
    display_name: str
    language: Language
    memberships: tuple[MembershipSnapshot, ...]

    @property
    def facility_ids(self) -> tuple[int, ...]:
        """Facilities of the memberships, in the order given, each once."""
        return tuple(dict.fromkeys(each.facility_id for each in self.memberships))

    @property
    def roles(self) -> tuple[Role, ...]:
        """Roles of the memberships, in the order given, each once."""
        return tuple(dict.fromkeys(each.role for each in self.memberships))


def at_facility(actor: Actor, facility_id: int | None) -> Actor:
    """The same person with the memberships of one facility only; all of them without one, or where it has none."""
    here = tuple(each for each in actor.memberships if each.facility_id == facility_id)
    return replace(actor, memberships=here) if here else actor


@dataclass(frozen=True, slots=True)
class Scope:
    """Where an actor may do one action: facilities, and in each the departments (None = all of them)."""

    departments: Mapping[int, frozenset[int] | None]

    @property
    def facility_ids(self) -> frozenset[int]:
        return frozenset(self.departments)

    def covers(self, facility_id: int, department_ids: Iterable[int] | None = None) -> bool:
        """True when the facility is inside and at least one of ``department_ids`` is.

        ``department_ids`` None asks about the facility as such. Something without any department (an empty
        iterable) is covered only where all departments are.
        """
        if facility_id not in self.departments:
            return False
        allowed = self.departments[facility_id]
        if allowed is None or department_ids is None:
            return True
        return not allowed.isdisjoint(department_ids)


def scope_of(actor: Actor, action: Action) -> Scope:
    """Facilities and departments in which ``actor`` may do ``action``."""
    found: dict[int, frozenset[int] | None] = {}
    for membership in actor.memberships:
        if action not in ACTIONS[membership.role]:
            continue
        known = found.get(membership.facility_id, frozenset())
        if known is None or membership.department_id is None:
            found[membership.facility_id] = None
        else:
            found[membership.facility_id] = known | {membership.department_id}
    return Scope(found)


def permitted(
    actor: Actor, action: Action, facility_id: int | None = None, department_ids: Iterable[int] | None = None
) -> bool:
    """The one access decision.

    Without ``facility_id``: may the actor do this anywhere at all? With it: in that facility, and, when
    ``department_ids`` is given (the departments a stay or patient touched), for at least one of them.
    Everybody who is logged in may use their own account.
    """
    if action is Action.USE_ACCOUNT:
        return True
    scope = scope_of(actor, action)
    if facility_id is None:
        return bool(scope.departments)
    return scope.covers(facility_id, department_ids)


class PasswordProblem(StrEnum):
    """Why a password is not accepted."""

    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    IS_USERNAME = "is_username"
    UNCHANGED = "unchanged"


def password_problem(password: str, username: str) -> PasswordProblem | None:
    """The first rule that ``password`` breaks: 12 to 200 characters, and not the user name."""
    if len(password) < MIN_PASSWORD_LENGTH:
        return PasswordProblem.TOO_SHORT
    if len(password) > MAX_PASSWORD_LENGTH:
        return PasswordProblem.TOO_LONG
    if password.strip().casefold() == username.casefold():
        return PasswordProblem.IS_USERNAME
    return None


class ThrottleKind(StrEnum):
    """What failed log-ins are counted by."""

    ACCOUNT = "account"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class ThrottleRule:
    """``attempts`` failures inside ``window`` lock for ``lock``."""

    attempts: int
    window: timedelta
    lock: timedelta


THROTTLE: Mapping[ThrottleKind, ThrottleRule] = {
    ThrottleKind.ACCOUNT: ThrottleRule(5, timedelta(minutes=15), timedelta(minutes=15)),
    # Many people of a hospital share one outside address.
    ThrottleKind.ADDRESS: ThrottleRule(50, timedelta(minutes=15), timedelta(minutes=15)),
}


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How long a session lasts: ``idle`` since it was last used, ``lifetime`` since the log-in whatever was done."""

    idle: timedelta
    lifetime: timedelta


def session_ended(started_at: datetime, seen_at: datetime, limits: SessionLimits, now: datetime) -> bool:
    """True when a session that began at ``started_at`` and was last used at ``seen_at`` may not be used any more."""
    return now - seen_at > limits.idle or now - started_at > limits.lifetime
