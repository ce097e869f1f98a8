"""Receipts: what a provider tells later is stored as it came, and understood and applied in a step of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.messaging.models import Receipt, SendAttempt
from hcrm.messaging.providers.base import Understood
from hcrm.messaging.service.evidence import record_result

Reading = Callable[[Mapping[str, Any]], Understood]
"""A raw receipt -> what it says, in our words; one for each provider."""


def keep_receipt(session: Session, *, provider: str, event_key: str, raw: Mapping[str, Any], now: datetime) -> bool:
    """Store a receipt as it came; False when this event was stored before. Nothing else happens."""
    stored = session.scalars(
        insert(Receipt)
        .values(provider=provider, event_key=event_key[:200], received_at=now, raw=dict(raw))
        .on_conflict_do_nothing(index_elements=[Receipt.event_key])
        .returning(Receipt.id)
    ).one_or_none()
    return stored is not None


def apply_receipt(session: Session, receipt_id: int, read: Reading, *, now: datetime) -> bool:
    """Understand a stored receipt and apply it by rank; whether it told anything about a message of ours.

    A receipt about nothing that we know stays as it came, marked as looked at.
    """
    row = session.scalars(
        select(Receipt).where(Receipt.id == receipt_id, Receipt.applied_at.is_(None)).with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return False
    row.applied_at = now
    told = read(row.raw)
    attempt_id = None if told.result is None else attempt_of(session, row.provider, told)
    if attempt_id is None or told.result is None:
        return False
    row.attempt_id, row.status = attempt_id, told.result.status
    record_result(session, attempt_id, told.result, now=now)
    return True


def attempt_of(session: Session, provider: str, told: Understood) -> int | None:
    """The attempt that a receipt is about; None when there is none.

    The address that was called names it, and is believed only together with its message; else the provider's own id.
    """
    found = None
    if told.attempt_id is not None and told.message_id is not None:
        found = session.scalars(
            select(SendAttempt.id).where(
                SendAttempt.id == told.attempt_id,
                SendAttempt.message_id == told.message_id,
                SendAttempt.provider == provider,
            )
        ).one_or_none()
    if found is None and told.provider_sid:
        found = session.scalars(
            select(SendAttempt.id)
            .where(SendAttempt.provider == provider, SendAttempt.provider_sid == told.provider_sid)
            .limit(1)
        ).one_or_none()
    return found
