"""Leases on the database's own clock: each message that goes out is an attempt that one sender holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hcrm.messaging.domain import AttemptStatus
from hcrm.messaging.models import OutboxMessage, SendAttempt
from hcrm.messaging.providers.base import Providers


def lease_all(
    session: Session, rows: Sequence[OutboxMessage], *, worker: str, providers: Providers, lease: timedelta
) -> dict[int, int]:
    """Give each message an attempt under a lease on the database's clock; ids of the attempts by message."""
    lease_until = session.execute(select(func.clock_timestamp() + lease)).scalar_one()
    earlier = dict(
        session.execute(
            select(SendAttempt.message_id, func.max(SendAttempt.number))
            .where(SendAttempt.message_id.in_([row.id for row in rows]))
            .group_by(SendAttempt.message_id)
        )
        .tuples()
        .all()
    )
    attempts = [
        SendAttempt(
            message_id=row.id,
            number=earlier.get(row.id, 0) + 1,
            lease_until=lease_until,
            worker=worker,
            provider=providers.for_number(row.to_number or "").name,
            status=AttemptStatus.CLAIMED,
        )
        for row in rows
    ]
    session.add_all(attempts)
    session.flush()
    return {attempt.message_id: attempt.id for attempt in attempts}


def begin_call(session: Session, attempt_id: int, *, now: datetime, lease: timedelta) -> bool:
    """Say that the provider is called from now on; False when the lease has run out and somebody else may decide.

    Only after this is committed may the provider be called: an attempt that was claimed and never began was surely not
    handed over.
    """
    return attempt_id in begin_calls(session, [attempt_id], now=now, lease=lease)


def begin_calls(session: Session, attempt_ids: Collection[int], *, now: datetime, lease: timedelta) -> set[int]:
    """As ``begin_call`` for several attempts; the ids of those that have begun."""
    found = session.scalars(
        update(SendAttempt)
        .where(
            SendAttempt.id.in_(attempt_ids),
            SendAttempt.status == AttemptStatus.CLAIMED,
            SendAttempt.lease_until > func.clock_timestamp(),
        )
        .values(status=AttemptStatus.CALLING, started_at=now, lease_until=func.clock_timestamp() + lease)
        .returning(SendAttempt.id),
        execution_options={"synchronize_session": False},
    )
    return set(found)
