"""What can be settled in the same call: the other open calls of one person that the same caller may make."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.domain import Actor
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.followup.queries.state import waits_for_people
from hcrm.followup.queries.today import Day, Listed, is_for, not_own_check
from hcrm.patients.models import Encounter, Patient

_This, _Own, _Same = aliased(TaskRow), aliased(Patient), aliased(Patient)


def one_task(session: Session, task_id: int) -> TaskRow:
    """The task with this id, which exists."""
    return session.get_one(TaskRow, task_id)


def together(session: Session, task_id: int, actor: Actor, day: Day) -> list[TaskRow]:
    """The other calls to the person of this call that are due too and that this caller may make, the one that ends
    first first. What waits for a later time does not belong to it.
    """
    now = day.now
    return list(
        session.scalars(
            select(TaskRow)
            .join(Encounter, Encounter.id == TaskRow.encounter_id)
            .join(_Same, _Same.id == Encounter.patient_id)
            .join(_Own, _Own.person_id == _Same.person_id)
            .join(_This, and_(_This.patient_id == _Own.id, _This.facility_id == TaskRow.facility_id))
            .where(
                _This.id == task_id,
                _This.channel == StepChannel.PHONE,
                TaskRow.id != task_id,
                waits_for_people(),
                TaskRow.channel == StepChannel.PHONE,
                TaskRow.window_starts_at <= now,
                TaskRow.due_at > now - day.overdue_shown,
                or_(TaskRow.callback_at.is_(None), TaskRow.callback_at <= now),
                is_for(actor),
                not_own_check(actor.user_id),
            )
            .order_by(TaskRow.due_at, TaskRow.id)
        )
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
