"""What a row of the work list says beside its task: patient, ward, last attempt, number to dial."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Actor
from hcrm.accounts.queries import user_names
from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.followup.domain.worklist import WorkGroup
from hcrm.followup.models import AttemptRow, TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.today import Listed
from hcrm.organization.domain import DepartmentSnapshot
from hcrm.organization.queries import departments
from hcrm.patients.domain import ContactSnapshot, PatientSnapshot
from hcrm.patients.models import ContactPoint, Patient
from hcrm.patients.queries import contacts, patient_snapshots


@dataclass(frozen=True, slots=True)
class LastAttempt:
    """The latest call of a task."""

    at: datetime
    connection: Connection
    disposition: Disposition | None
    user_id: int | None


@dataclass(frozen=True, slots=True)
class WorkRow:
    """One row of the list, ready to be shown."""

    task: TaskRow
    group: WorkGroup | None
    patient: PatientSnapshot
    department: DepartmentSnapshot | None
    contact: ContactSnapshot | None
    shared_by: int
    last_attempt: LastAttempt | None
    held_by: str | None
    held_by_me: bool
    given_to: str | None = None


Wards = Mapping[int, Mapping[int, DepartmentSnapshot]]
"""Departments by facility and id."""


def wards_of(session: Session, actor: Actor) -> Wards:
    """The departments of the facilities in which the person works."""
    return {each: departments(session, each) for each in actor.facility_ids}


def work_rows(session: Session, listed: Sequence[Listed], user_id: int, wards: Wards) -> list[WorkRow]:
    """The rows for these tasks, in the same order. ``wards``: those of the facilities that the tasks are of."""
    if not listed:
        return []
    patient_ids = {each.task.patient_id for each in listed}
    people = patient_snapshots(session, patient_ids)
    numbers = contacts(session, patient_ids)
    latest = last_attempts(session, [each.task.id for each in listed if each.task.attempt_count])
    concerned = {one for each in listed for one in (each.held_by, each.task.assignee_user_id) if one is not None}
    holders = user_names(session, concerned)
    first = {patient_id: next((one for one in known if one.usable), None) for patient_id, known in numbers.items()}
    shared = shared_numbers(session, [one for one in first.values() if one is not None])
    return [
        WorkRow(
            task=each.task,
            group=each.group,
            patient=people[each.task.patient_id],
            department=wards[each.task.facility_id].get(each.task.department_id or 0),
            contact=first.get(each.task.patient_id),
            shared_by=_shared_by(first.get(each.task.patient_id), shared),
            last_attempt=latest.get(each.task.id),
            held_by=None if each.held_by is None else holders.get(each.held_by, ""),
            held_by_me=each.held_by == user_id,
            given_to=holders.get(each.task.assignee_user_id or 0),
        )
        for each in listed
    ]


def _shared_by(contact: ContactSnapshot | None, shared: dict[str, int]) -> int:
    return 0 if contact is None or contact.number is None else shared.get(contact.number, 0)


def last_attempts(session: Session, task_ids: Collection[int]) -> dict[int, LastAttempt]:
    """The latest call of each task that had one."""
    if not task_ids:
        return {}
    rows = session.execute(
        select(
            AttemptRow.task_id,
            AttemptRow.started_at,
            AttemptRow.connection,
            AttemptRow.disposition,
            AttemptRow.user_id,
        )
        .distinct(AttemptRow.task_id)
        .where(AttemptRow.task_id == func.any(id_array(task_ids)))
        .order_by(AttemptRow.task_id, AttemptRow.started_at.desc(), AttemptRow.id.desc())
    )
    return {task_id: LastAttempt(*rest) for task_id, *rest in rows}


def shared_numbers(session: Session, known: Sequence[ContactSnapshot]) -> dict[str, int]:
    """How many persons of the facility have each of these numbers, where that is more than one."""
    digits = {each.number.lstrip("+")[::-1] for each in known if each.number is not None}
    if not digits:
        return {}
    rows = session.execute(
        select(ContactPoint.number, func.count(Patient.person_id.distinct()))
        .join(Patient, Patient.id == ContactPoint.patient_id)
        .where(
            ContactPoint.facility_id.in_({each.facility_id for each in known}),
            ContactPoint.number_reversed.in_(digits),
            ContactPoint.retired_at.is_(None),
        )
        .group_by(ContactPoint.number)
        .having(func.count(Patient.person_id.distinct()) > 1)
    )
    return {number: count for number, count in rows if number is not None}
