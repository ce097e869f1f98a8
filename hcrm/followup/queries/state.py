"""The derived state of a task in SQL: the twin of ``followup.domain.task.task_state``."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, literal, literal_column

from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskState, TaskStatus
from hcrm.followup.models import TaskRow


def is_leased() -> ColumnElement[bool]:
    """Somebody holds the task, by the database's own clock."""
    return and_(TaskRow.lease_user_id.is_not(None), TaskRow.lease_until > func.clock_timestamp())


def waits_for_people() -> ColumnElement[bool]:
    """Open calls and home visits. Said in constants: so the planner knows the partial indexes of these in a prepared
    statement too.
    """
    status, channels = TaskStatus.OPEN, (StepChannel.PHONE, StepChannel.HOME_VISIT)
    return and_(
        TaskRow.status == literal_column(f"'{status}'"),
        TaskRow.channel.in_([literal_column(f"'{each}'") for each in channels]),
    )


def task_state_expression(now: datetime) -> ColumnElement[str]:
    """The state at ``now`` as text, with the values of ``TaskState``."""
    moment = literal(now)
    return case(
        (TaskRow.status == TaskStatus.ON_HOLD, TaskState.ON_HOLD.value),
        (TaskRow.status == TaskStatus.COMPLETED, TaskState.COMPLETED.value),
        (TaskRow.status == TaskStatus.FAILED, TaskState.FAILED.value),
        (TaskRow.status == TaskStatus.CANCELLED, TaskState.CANCELLED.value),
        (TaskRow.status == TaskStatus.ENTERED_IN_ERROR, TaskState.ENTERED_IN_ERROR.value),
        (is_leased(), TaskState.IN_PROGRESS.value),
        (moment < TaskRow.window_starts_at, TaskState.DRAFT.value),
        (moment <= TaskRow.due_at, TaskState.READY.value),
        else_=TaskState.OVERDUE.value,
    )
