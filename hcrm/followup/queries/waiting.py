"""Messages that wait for tasks, locked before the tasks are ended."""

from __future__ import annotations

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.messaging.domain import DUE_STATES
from hcrm.messaging.models import OutboxMessage, one_of


def lock_waiting(session: Session, concerned: ColumnElement[bool]) -> None:
    """Lock the messages not handed over yet of the open tasks that are ``concerned``, until the transaction ends.

    A sender holds a message first and writes to its task afterwards. Whoever ends tasks and withdraws their messages
    goes the same way, else each could wait for the other.
    """
    if not session.scalar(select(exists().where(one_of(OutboxMessage.status, DUE_STATES)))):
        return
    session.execute(
        select(OutboxMessage.id)
        .join(TaskRow, TaskRow.id == OutboxMessage.task_id)
        .where(
            concerned,
            TaskRow.status.in_((TaskStatus.OPEN, TaskStatus.ON_HOLD)),
            one_of(OutboxMessage.status, DUE_STATES),
        )
        .order_by(OutboxMessage.id)
        .with_for_update(of=OutboxMessage)
    )
