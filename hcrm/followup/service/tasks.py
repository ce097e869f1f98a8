"""Tasks in the hands of people and events: held, completed, cancelled with a reason, and taken back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    DateTime,
    Subquery,
    and_,
    case,
    cast,
    func,
    literal_column,
    null,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.orm import Session, aliased

from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.figures import SURVEY_PREFIX
from hcrm.followup.domain.task import BY_HAND_REASONS, BusinessStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.waiting import lock_waiting
from hcrm.messaging.domain import Reason
from hcrm.messaging.service import withdraw

LEASE = timedelta(minutes=5)
"""How long a task stays held after the last sign of life of the screen that opened it; it gives one every minute."""

CALLABLE_FOR = timedelta(days=60)
"""How long a step that was missed may still be on somebody's list; an older one is left as it is."""

_NO_SYNC = {"synchronize_session": False}
_UNFINISHED = (TaskStatus.OPEN, TaskStatus.ON_HOLD)


class UnknownTask(LookupError):
    """There is no task with this id."""


class TaskHeld(RuntimeError):
    """Somebody else has the task open; ``user_id`` says who."""

    def __init__(self, user_id: int) -> None:
        super().__init__(user_id)
        self.user_id = user_id


class TaskClosed(RuntimeError):
    """The task is not open any more; ``status`` is what it became."""

    def __init__(self, status: TaskStatus) -> None:
        super().__init__(status.value)
        self.status = status


class ReasonNotAllowed(ValueError):
    """A person may not cancel for this reason."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What open tasks become, why, and by whom (None: by an event)."""

    status: TaskStatus
    reason: TaskReason | None = None
    user_id: int | None = None


def is_survey() -> ColumnElement[bool]:
    """A step that asks how satisfied the patient is."""
    return func.coalesce(TaskRow.questionnaire_code, "").startswith(SURVEY_PREFIX)


def of_patients(patient_ids: Collection[int]) -> ColumnElement[bool]:
    """Tasks of these patient records."""
    enrolments = select(EnrolmentRow.id).where(EnrolmentRow.patient_id == func.any(id_array(patient_ids)))
    single = and_(TaskRow.enrolment_id.is_(None), TaskRow.patient_id == func.any(id_array(patient_ids)))
    return or_(TaskRow.enrolment_id.in_(enrolments), single)


def of_enrolments(enrolment_ids: Collection[int]) -> ColumnElement[bool]:
    """Tasks of these runs of plans."""
    return TaskRow.enrolment_id == func.any(id_array(enrolment_ids))


def end_open(
    session: Session,
    concerned: ColumnElement[bool],
    ending: Ending,
    *,
    now: datetime,
    happened_at: datetime | None = None,
    missed_too: bool = False,
) -> list[int]:
    """End or hold the open tasks that are ``concerned``; their ids. Messages that wait for them are withdrawn.

    ``happened_at`` is when the cause happened, if that was before ``now``. What was already missed by then stays
    missed, unless ``missed_too``.
    """
    at = happened_at or now
    lock_waiting(session, concerned)
    running = concerned if missed_too else and_(concerned, TaskRow.due_at > at)
    held = ending.status is TaskStatus.ON_HOLD
    from_status = (TaskStatus.OPEN,) if held else _UNFINISHED
    ended = list(
        session.scalars(
            update(TaskRow)
            .where(TaskRow.status.in_(from_status), running)
            .values(
                status=ending.status,
                reason=ending.reason,
                ended_at=None if held else at,
                ended_by_user_id=ending.user_id,
                callback_at=None,
                business_status=None,
            )
            .returning(TaskRow.id),
            execution_options=_NO_SYNC,
        )
    )
    _tell(session, ended, now)
    return ended


def close_missed(
    session: Session, concerned: ColumnElement[bool], reason: TaskReason, *, now: datetime, at: datetime
) -> None:
    """Take what was missed before ``at`` off the lists: it stays missed in the figures, and nobody calls any more."""
    ended = session.scalars(
        update(TaskRow)
        .where(concerned, TaskRow.status.in_(_UNFINISHED), TaskRow.due_at <= at, TaskRow.due_at > now - CALLABLE_FOR)
        .values(
            status=TaskStatus.FAILED,
            reason=reason,
            business_status=BusinessStatus.MISSED_WINDOW,
            ended_at=at,
            callback_at=None,
        )
        .returning(TaskRow.id),
        execution_options=_NO_SYNC,
    )
    _tell(session, list(ended), now)


def end_open_since(
    session: Session, since: Mapping[int, datetime], ending: Ending, *, now: datetime, kept_if_reopened: bool = False
) -> list[int]:
    """End the open tasks of many runs of plans at once, each from its own moment (by enrolment id); their ids.

    What was already missed at that moment stays missed in the figures, but nobody calls for it any more. With
    ``kept_if_reopened`` what a person has opened again since that moment stays.
    """
    if not since:
        return []
    lock_waiting(session, of_enrolments(since))
    concerned = _concerned_since(since, now, kept_if_reopened=kept_if_reopened)
    ended = list(
        session.scalars(
            update(TaskRow)
            .where(TaskRow.id == concerned.c.id)
            .values(
                status=case((concerned.c.missed, TaskStatus.FAILED.value), else_=ending.status.value),
                reason=ending.reason,
                ended_at=concerned.c.at,
                ended_by_user_id=ending.user_id,
                callback_at=None,
                business_status=case((concerned.c.missed, BusinessStatus.MISSED_WINDOW.value), else_=null()),
            )
            .returning(TaskRow.id),
            execution_options=_NO_SYNC,
        )
    )
    _tell(session, ended, now)
    return ended


_Running = aliased(TaskRow)


def _concerned_since(since: Mapping[int, datetime], now: datetime, *, kept_if_reopened: bool) -> Subquery:
    """The tasks that ``end_open_since`` ends: ``id``, whether they were ``missed`` by then, and the moment ``at``."""
    causes = select(
        func.unnest(cast(list(since), ARRAY(BigInteger))).label("enrolment_id"),
        func.unnest(cast(list(since.values()), ARRAY(DateTime(timezone=True)))).label("at"),
    ).subquery("cause")
    # Lateral with an offset: run by run through the index. As a plain join it is planned, while there are no
    # statistics (a first import), as a loop over all tasks. The condition of the partial index is said literally, for
    # a prepared statement's general plan does not know the parameters.
    task = _Running
    running = (
        select(task.id, (task.due_at <= causes.c.at).label("missed"))
        .where(
            task.enrolment_id == causes.c.enrolment_id,
            task.status != literal_column(f"'{TaskStatus.ENTERED_IN_ERROR}'"),
            task.status.in_(_UNFINISHED),
            or_(task.due_at > causes.c.at, task.due_at > now - CALLABLE_FOR),
            *([or_(task.reopened_at.is_(None), task.reopened_at < causes.c.at)] if kept_if_reopened else []),
        )
        .offset(0)
        .lateral("running")
    )
    return (
        select(running.c.id, running.c.missed, causes.c.at)
        .select_from(causes.join(running, true()))
        .subquery("concerned")
    )


def _tell(session: Session, ended: list[int], now: datetime) -> None:
    """Messages that wait for these tasks are withdrawn, and whoever wants to know is told."""
    if ended:
        withdraw(session, reason=Reason.PLAN_CANCELLED, now=now, task_ids=ended)
        publish(session, TasksChanged(now=now, task_ids=tuple(ended)))


def open_task(session: Session, *, task_id: int, user_id: int) -> None:
    """Take or renew the lease on a task, on the database's clock. One person holds it, whoever asks at the same time.

    Raises ``UnknownTask``, ``TaskClosed`` and ``TaskHeld``.
    """
    clock = func.clock_timestamp()
    taken = session.scalar(
        update(TaskRow)
        .where(
            TaskRow.id == task_id,
            TaskRow.status == TaskStatus.OPEN,
            or_(TaskRow.lease_user_id.is_(None), TaskRow.lease_user_id == user_id, TaskRow.lease_until <= clock),
        )
        .values(lease_user_id=user_id, lease_until=clock + LEASE)
        .returning(TaskRow.id),
        execution_options=_NO_SYNC,
    )
    if taken is not None:
        return
    found = session.execute(select(TaskRow.status, TaskRow.lease_user_id).where(TaskRow.id == task_id)).one_or_none()
    if found is None:
        raise UnknownTask(task_id)
    if found.status is not TaskStatus.OPEN or found.lease_user_id is None:
        raise TaskClosed(found.status)
    raise TaskHeld(found.lease_user_id)


def release_task(session: Session, *, task_id: int, user_id: int) -> None:
    """Give the lease back, if this person has it."""
    session.execute(
        update(TaskRow)
        .where(TaskRow.id == task_id, TaskRow.lease_user_id == user_id)
        .values(lease_user_id=None, lease_until=None),
        execution_options=_NO_SYNC,
    )


def cancel_tasks(
    session: Session, *, task_ids: Collection[int], reason: TaskReason, user_id: int, now: datetime
) -> list[int]:
    """Cancel open tasks by hand, for one of ``BY_HAND_REASONS``; the ids of those that were open.

    ``other`` stays in the figures as due. Raises ``ReasonNotAllowed``.
    """
    if reason not in BY_HAND_REASONS:
        raise ReasonNotAllowed(reason.value)
    ending = Ending(TaskStatus.CANCELLED, reason, user_id)
    return end_open(session, TaskRow.id == func.any(id_array(task_ids)), ending, now=now, missed_too=True)


def complete_task(session: Session, *, task_id: int, now: datetime, reached_at: datetime | None = None) -> bool:
    """Complete an open task; False when it is not open any more."""
    return bool(complete_tasks(session, task_ids=[task_id], now=now, reached_at=reached_at))


def complete_tasks(
    session: Session, *, task_ids: Collection[int], now: datetime, reached_at: datetime | None = None
) -> list[int]:
    """Complete those of the tasks that are open; their ids."""
    done = session.scalars(
        update(TaskRow)
        .where(TaskRow.id.in_(task_ids), TaskRow.status.in_(_UNFINISHED))
        .values(
            status=TaskStatus.COMPLETED,
            reason=None,
            business_status=None,
            completed_at=now,
            ended_at=now,
            callback_at=None,
            first_attempt_at=func.coalesce(TaskRow.first_attempt_at, now),
            reached_at=func.coalesce(TaskRow.reached_at, reached_at),
        )
        .returning(TaskRow.id),
        execution_options=_NO_SYNC,
    ).all()
    if done:
        publish(session, TasksChanged(now=now, task_ids=tuple(done)))
    return list(done)
