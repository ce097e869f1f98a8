"""What single people did in a month, and the register of follow-ups that inspectors ask for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, not_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Role
from hcrm.accounts.models import Membership, UserAccount
from hcrm.followup.domain.figures import FigureClass
from hcrm.followup.domain.task import TaskReason, TaskStatus
from hcrm.followup.models import AlertRow, AttemptRow, TaskRow
from hcrm.followup.queries import figures
from hcrm.patients.models import Patient, PatientIdentifier
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.queries.places import facility_zones
from hcrm.reporting.queries.tasks import TaskFilter, task_conditions

REVIEWED = (Role.NURSE, Role.PHYSICIAN)
"""Whose work the head of a department reviews."""

MOST = 5000
"""So many lines a register has at most."""


def members(session: Session, facility_id: int, departments: Collection[int] | None) -> dict[int, str]:
    """Active nurses and physicians of these departments (None: all), by name."""
    here = [Membership.facility_id == facility_id, Membership.role.in_(REVIEWED), UserAccount.active]
    if departments is not None:
        here.append(Membership.department_id.in_(sorted(departments)))
    rows = session.execute(
        select(UserAccount.id, UserAccount.display_name)
        .join(Membership, Membership.user_id == UserAccount.id)
        .where(*here)
        .distinct()
        .order_by(UserAccount.display_name, UserAccount.id)
    )
    return {key: name for key, name in rows}  # noqa: C416 - rows are no tuples for the type checker


@dataclass(frozen=True, slots=True)
class Work:
    """The calls and visits of one person: due, of these honestly not reached, completed, completed in time."""

    due: int = 0
    unable: int = 0
    completed: int = 0
    in_time: int = 0

    @property
    def counted(self) -> int:
        """What the shares are of: who could not be reached counts against nobody."""
        return self.due - self.unable


def work_of(session: Session, selection: Selection, users: Iterable[int], now: datetime) -> dict[int, Work]:
    """The calls and visits of these people whose windows end in the period; they belong to who ended them, or else to
    whom they are assigned.
    """
    staff = func.coalesce(TaskRow.ended_by_user_id, TaskRow.assignee_user_id)
    found: dict[int, Work] = {}
    for zone in facility_zones(session, selection).values():
        unable = and_(TaskRow.status == TaskStatus.FAILED, TaskRow.reason == TaskReason.UNABLE_TO_CONTACT)
        statement = (
            select(
                staff,
                func.count(),
                func.count().filter(unable),
                func.count().filter(figures.completed()),
                func.count().filter(figures.completed_in_time(zone)),
            )
            .where(
                *task_conditions(selection, TaskFilter(human=True)),
                figures.figure_class(now) == FigureClass.DUE.value,
                staff.in_(sorted(users)),
            )
            .group_by(staff)
        )
        found |= {user: Work(*counts) for user, *counts in session.execute(statement)}
    return found


def alerts_of(
    session: Session, facility_id: int, begin: datetime, end: datetime, users: Iterable[int]
) -> dict[int, int]:
    """How many alerts came from calls that these people made in a time."""
    statement = (
        select(TaskRow.ended_by_user_id, func.count(AlertRow.id.distinct()))
        .join(AlertRow, AlertRow.task_id == TaskRow.id)
        .where(
            TaskRow.facility_id == facility_id,
            TaskRow.ended_by_user_id.in_(sorted(users)),
            TaskRow.ended_at >= begin,
            TaskRow.ended_at < end,
        )
        .group_by(TaskRow.ended_by_user_id)
    )
    return {user: alerts for user, alerts in session.execute(statement) if user is not None}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the register: a call or visit, who it was for, and what came of it."""

    mrn: str
    name: str
    discharged_on: date
    department_id: int | None
    step_code: str
    due_on: date
    attempts: int
    first_attempt_at: datetime | None
    completed_at: datetime | None
    status: str
    reason: str | None
    done_by: str


def register(session: Session, selection: Selection) -> list[Line]:
    """Calls and visits of a place whose windows end in the period, by day of discharge; entered in error left out."""
    mrn = (
        select(func.min(PatientIdentifier.value))
        .where(PatientIdentifier.patient_id == TaskRow.patient_id, PatientIdentifier.system == "mrn")
        .scalar_subquery()
    )
    tries = select(func.count(AttemptRow.id)).where(AttemptRow.task_id == TaskRow.id).scalar_subquery()
    statement = (
        select(
            func.coalesce(mrn, ""),
            Patient.full_name,
            TaskRow.discharged_on,
            TaskRow.department_id,
            TaskRow.step_code,
            TaskRow.due_on,
            tries,
            TaskRow.first_attempt_at,
            TaskRow.completed_at,
            TaskRow.status,
            TaskRow.reason,
            func.coalesce(UserAccount.display_name, ""),
        )
        .join(Patient, Patient.id == TaskRow.patient_id)
        .outerjoin(UserAccount, UserAccount.id == TaskRow.ended_by_user_id)
        .where(
            *task_conditions(selection, TaskFilter(human=True)),
            not_(TaskRow.status == TaskStatus.ENTERED_IN_ERROR),
        )
        .order_by(TaskRow.discharged_on, TaskRow.id)
        .limit(MOST)
    )
    return [Line(*row) for row in session.execute(statement)]


def unable_by_reason(session: Session, selection: Selection) -> dict[str, int]:
    """Calls that ended without reaching anybody, by what the last try met (wrong numbers come from registration)."""
    last = (
        select(AttemptRow.connection)
        .where(AttemptRow.task_id == TaskRow.id)
        .order_by(AttemptRow.started_at.desc(), AttemptRow.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    each = (
        select(last.label("met"))
        .where(
            *task_conditions(selection, TaskFilter(human=True)),
            TaskRow.status == TaskStatus.FAILED,
            TaskRow.reason == TaskReason.UNABLE_TO_CONTACT,
        )
        .subquery()
    )
    rows = session.execute(select(each.c.met, func.count()).group_by(each.c.met).order_by(func.count().desc()))
    return {met or "": tasks for met, tasks in rows}
