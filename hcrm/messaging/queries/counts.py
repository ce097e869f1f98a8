"""Counts for whoever watches the program: calls from outside that were refused, and how much waits to be sent."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.messaging.domain import DUE_STATES, MessageStatus
from hcrm.messaging.models import OutboxMessage, RefusedWebhook, one_of


def refused_calls(session: Session) -> dict[str, int]:
    """How many calls from outside were refused so far, by why."""
    rows = session.execute(select(RefusedWebhook.why, func.sum(RefusedWebhook.count)).group_by(RefusedWebhook.why))
    return {why: int(count) for why, count in rows}


def waiting_messages(session: Session) -> dict[str, int]:
    """How many messages wait to be handed over (also those that are not due yet), and how many are in doubt."""
    queued = select(func.count()).where(one_of(OutboxMessage.status, DUE_STATES))
    doubt = select(func.count()).where(
        one_of(OutboxMessage.status, [MessageStatus.UNKNOWN]), OutboxMessage.settled_at.is_(None)
    )
    return {"queued": session.execute(queued).scalar_one(), "in_doubt": session.execute(doubt).scalar_one()}
