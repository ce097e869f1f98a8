"""Who is there to work: absences and stand-ins, the accounts of physicians, colleagues, and how much each has to do."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Action, Actor, Role, scope_of
from hcrm.accounts.queries import UserSnapshot, user_names, users
from hcrm.followup.domain.desk import Absence, who_works, works_for
from hcrm.followup.domain.plan import PerformerRole
from hcrm.followup.domain.worklist import PERFORMERS
from hcrm.followup.models import AbsenceRow, AttemptRow, ClinicianAccountRow, TaskRow
from hcrm.organization.models import Clinician
from hcrm.organization.queries import facility

CALLERS = (Role.NURSE, Role.PHYSICIAN, Role.SERVICE_AGENT, Role.OUTREACH_WORKER, Role.DEPARTMENT_HEAD)
"""Roles that tasks can be given to."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Whose work a person does today, and which physicians keep their calls for themselves for a while.

    ``own``: the users whose work is this person's. ``patients_of``: clinicians whose patients are theirs. ``present``:
    clinicians with an account whose person, or a stand-in, works today. ``wait``: how long a call stays with them.
    """

    own: frozenset[int]
    patients_of: frozenset[int] = frozenset()
    present: frozenset[int] = frozenset()
    wait: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class AbsenceItem:
    """An absence with its names."""

    id: int
    absence: Absence
    name: str
    stand_in: str | None


def absences(session: Session, facility_ids: Collection[int], day: date) -> list[Absence]:
    """Absences that are not over on this day."""
    return [_absence(row) for row in _absence_rows(session, facility_ids, day)]


def absence_items(session: Session, facility_id: int, day: date, user_ids: Collection[int]) -> list[AbsenceItem]:
    """Those of these users with names, the earliest first."""
    rows = [row for row in _absence_rows(session, [facility_id], day) if row.user_id in user_ids]
    names = user_names(session, {one for row in rows for one in (row.user_id, row.stand_in_user_id) if one})
    return [
        AbsenceItem(row.id, _absence(row), names.get(row.user_id, ""), names.get(row.stand_in_user_id or 0))
        for row in rows
    ]


def _absence_rows(session: Session, facility_ids: Collection[int], day: date) -> list[AbsenceRow]:
    return list(
        session.scalars(
            select(AbsenceRow)
            .where(AbsenceRow.facility_id.in_(facility_ids), AbsenceRow.until_on >= day)
            .order_by(AbsenceRow.from_on, AbsenceRow.id)
        )
    )


def _absence(row: AbsenceRow) -> Absence:
    return Absence(row.user_id, row.from_on, row.until_on, row.stand_in_user_id)


def clinician_accounts(session: Session, facility_ids: Collection[int]) -> dict[int, int]:
    """Users by the clinician that they are in the hospital's records."""
    rows = session.execute(
        select(ClinicianAccountRow.clinician_id, ClinicianAccountRow.user_id).where(
            ClinicianAccountRow.facility_id.in_(facility_ids)
        )
    )
    return dict(rows.tuples().all())


def desk_of(session: Session, actor: Actor, now: datetime) -> Desk:
    """Whose work this person does at this moment, by the calendar day of their facility."""
    if not actor.facility_ids:
        return Desk(frozenset({actor.user_id}))
    at = facility(session, actor.facility_ids[0])
    day = now.astimezone(at.zone).date()
    away = absences(session, actor.facility_ids, day)
    accounts = clinician_accounts(session, actor.facility_ids)
    own = works_for(actor.user_id, away, day)
    return Desk(
        own=own,
        patients_of=frozenset(one for one, user_id in accounts.items() if user_id in own),
        present=frozenset(one for one, user_id in accounts.items() if who_works(user_id, away, day) is not None),
        wait=timedelta(hours=at.settings.physician_hours),
    )


def kept_by_others(desk: Desk, now: datetime) -> ColumnElement[bool]:
    """The twin of ``domain.desk.kept_until``: calls that for now only another attending physician has."""
    others = sorted(desk.present - desk.patients_of)
    if not others or not desk.wait:
        return false()
    return and_(
        TaskRow.performer_role == PerformerRole.PHYSICIAN,
        TaskRow.clinician_id.in_(others),
        TaskRow.window_starts_at > now - desk.wait,
        func.coalesce(TaskRow.assignee_user_id, 0).not_in(desk.own),
    )


def is_own(desk: Desk) -> ColumnElement[bool]:
    """Tasks that were given to this person or to whom they stand in for, and calls of their own patients."""
    mine = TaskRow.assignee_user_id.in_(sorted(desk.own))
    if not desk.patients_of:
        return mine
    attending = and_(
        TaskRow.assignee_user_id.is_(None),
        TaskRow.performer_role == PerformerRole.PHYSICIAN,
        TaskRow.clinician_id.in_(sorted(desk.patients_of)),
    )
    return or_(mine, attending)


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody whom tasks can be given to: the roles, and the departments (None: all)."""

    user_id: int
    name: str
    username: str
    roles: tuple[Role, ...]
    performs: frozenset[PerformerRole] = field(default=frozenset())


def colleagues(session: Session, actor: Actor, action: Action) -> list[Colleague]:
    """Active people of the actor's departments and facilities who can do what the actor gives out, by name."""
    scope = scope_of(actor, action)
    given_out = {one for role in actor.roles for one in PERFORMERS.get(role, ())}
    found = []
    for each in users(session, scope.facility_ids):
        roles = tuple(
            dict.fromkeys(
                one.role
                for one in each.memberships
                if one.role in CALLERS and _within(scope.departments.get(one.facility_id, frozenset()), one)
            )
        )
        performs = frozenset(one for role in roles for one in PERFORMERS[role])
        if each.active and performs & given_out:
            found.append(Colleague(each.user_id, each.display_name, each.username, roles, performs))
    return found


def _within(wards: frozenset[int] | None, membership: object) -> bool:
    department_id = getattr(membership, "department_id", None)
    return wards is None or department_id is None or department_id in wards


@dataclass(frozen=True, slots=True)
class Load:
    """What one person (None: nobody) has to do and did today."""

    user_id: int | None
    open: int = 0
    due_today: int = 0
    overdue: int = 0
    attempts: int = 0
    done: int = 0


def attempts_and_done(
    session: Session, facility_ids: Collection[int], since: datetime
) -> tuple[dict[int, int], dict[int, int]]:
    """Calls made and tasks completed since a moment, by user."""
    attempts = session.execute(
        select(AttemptRow.user_id, func.count())
        .where(AttemptRow.facility_id.in_(facility_ids), AttemptRow.started_at >= since)
        .group_by(AttemptRow.user_id)
    )
    done = session.execute(
        select(TaskRow.ended_by_user_id, func.count())
        .where(TaskRow.facility_id.in_(facility_ids), TaskRow.completed_at >= since)
        .group_by(TaskRow.ended_by_user_id)
    )
    return {one or 0: count for one, count in attempts}, {one or 0: count for one, count in done}


def doctors(session: Session, facility_id: int) -> list[tuple[int, str, str, UserSnapshot | None]]:
    """The clinicians of the records with their account: id, code, name, account; by name."""
    known = {each.user_id: each for each in users(session, [facility_id])}
    linked = clinician_accounts(session, [facility_id])
    rows = session.execute(
        select(Clinician.id, Clinician.code, Clinician.name)
        .where(Clinician.facility_id == facility_id)
        .order_by(Clinician.name, Clinician.id)
    )
    return [(one, code, name, known.get(linked.get(one, 0))) for one, code, name in rows]
