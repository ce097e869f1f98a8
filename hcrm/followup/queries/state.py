"""Conditions on tasks in SQL: whether somebody holds one, whether it waits for people."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, func, literal_column

from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
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
