"""What can be settled in the same call: the other open calls of one person that the same caller may make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.domain import Actor
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.followup.queries.state import waits_for_people
from hcrm.followup.queries.today import Listed, is_for, not_own_check
from hcrm.organization.queries import facility
from hcrm.patients.models import Encounter, Patient


def one_task(session: Session, task_id: int) -> TaskRow:
    """The task with this id, which exists."""
    return session.get_one(TaskRow, task_id)


def together(session: Session, task: TaskRow, actor: Actor, now: datetime) -> list[TaskRow]:
    """The other calls to this person that are due too and that this caller may make, the one that ends first first.

    What waits for a later time does not belong to it.
    """
    if task.channel is not StepChannel.PHONE:
        return []
    shown = timedelta(days=facility(session, task.facility_id).settings.overdue_shown_days)
    return list(
        session.scalars(
            select(TaskRow)
            .where(
                TaskRow.encounter_id.in_(_stays_of_same_person(task.patient_id)),
                TaskRow.id != task.id,
                TaskRow.facility_id == task.facility_id,
                waits_for_people(),
                TaskRow.channel == StepChannel.PHONE,
                TaskRow.window_starts_at <= now,
                TaskRow.due_at > now - shown,
                or_(TaskRow.callback_at.is_(None), TaskRow.callback_at <= now),
                is_for(actor),
                not_own_check(actor.user_id),
            )
            .order_by(TaskRow.due_at, TaskRow.id)
        )
    )


def _stays_of_same_person(patient_id: int) -> Select[tuple[int]]:
    """Ids of all stays of the person whom this record is about."""
    own, same = aliased(Patient), aliased(Patient)
    return (
        select(Encounter.id)
        .join(same, same.id == Encounter.patient_id)
        .join(own, own.person_id == same.person_id)
        .where(own.id == patient_id)
    )


def one_row_each(listed: Iterable[Listed], now: datetime) -> tuple[list[Listed], dict[int, list[TaskRow]]]:
    """The list with one row for all calls that one patient gets now, and the others by the task that is shown."""
    shown: dict[int, Listed] = {}
    kept: list[Listed] = []
    others: dict[int, list[TaskRow]] = {}
    for each in listed:
        task = each.task
        first = shown.get(task.patient_id)
        if first is not None and _is_due_call(task, now) and task.facility_id == first.task.facility_id:
            others.setdefault(first.task.id, []).append(task)
            continue
        if first is None and _is_due_call(task, now):
            shown[task.patient_id] = each
        kept.append(each)
    return kept, others


def _is_due_call(task: TaskRow, now: datetime) -> bool:
    waits = task.callback_at is not None and task.callback_at > now
    return task.channel is StepChannel.PHONE and task.status is TaskStatus.OPEN and not waits
