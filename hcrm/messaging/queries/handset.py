"""Reads the simulated phones: what the console provider's ledger delivered, and what the phones wrote."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.messaging.models import ConsoleDelivery, InboundMessage, OutboxMessage, SendAttempt

PHONES = 40
TEXTS = 60


@dataclass(frozen=True, slots=True)
class Phone:
    """A simulated phone; ``id`` is the ledger's first entry for it, so that no number stands in an address."""

    id: int
    facility_id: int
    patient_id: int | None
    number: str
    our_number: str
    last_body: str
    last_at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Bubble:
    """One text as the phone shows it; ``mine`` when the phone's holder wrote it."""

    at: datetime
    body: str
    mine: bool


def phones(session: Session, facility_ids: Collection[int]) -> list[Phone]:
    """The phones of these facilities that got texts, the latest first."""
    per_phone = (
        select(
            func.min(ConsoleDelivery.id).label("first"),
            func.max(ConsoleDelivery.id).label("last"),
            func.count().label("count"),
            OutboxMessage.facility_id,
        )
        .join(SendAttempt, SendAttempt.id == ConsoleDelivery.attempt_id)
        .join(OutboxMessage, OutboxMessage.id == SendAttempt.message_id)
        .where(OutboxMessage.facility_id.in_(facility_ids))
        .group_by(ConsoleDelivery.to_number, OutboxMessage.facility_id)
        .order_by(func.max(ConsoleDelivery.id).desc())
        .limit(PHONES)
        .subquery()
    )
    rows = session.execute(
        select(per_phone.c.first, OutboxMessage, per_phone.c.count, ConsoleDelivery)
        .join(ConsoleDelivery, ConsoleDelivery.id == per_phone.c.last)
        .join(SendAttempt, SendAttempt.id == ConsoleDelivery.attempt_id)
        .join(OutboxMessage, OutboxMessage.id == SendAttempt.message_id)
        .order_by(per_phone.c.last.desc())
    )
    return [_phone(first, message, count, last) for first, message, count, last in rows]


def phone(session: Session, phone_id: int) -> Phone | None:
    """One phone by its id; None when the ledger has no such entry."""
    found = session.execute(
        select(ConsoleDelivery, OutboxMessage)
        .join(SendAttempt, SendAttempt.id == ConsoleDelivery.attempt_id)
        .join(OutboxMessage, OutboxMessage.id == SendAttempt.message_id)
        .where(ConsoleDelivery.id == phone_id)
    ).one_or_none()
    if found is None:
        return None
    row, message = found
    return _phone(row.id, message, 0, row)


def _phone(first: int, message: OutboxMessage, count: int, last: ConsoleDelivery) -> Phone:
    return Phone(
        id=first,
        facility_id=message.facility_id,
        patient_id=message.patient_id,
        number=last.to_number,
        our_number=last.from_number,
        last_body=last.body,
        last_at=last.delivered_at,
        count=count,
    )


def bubbles(session: Session, which: Phone) -> list[Bubble]:
    """The last texts between a phone and the hospital, oldest first."""
    got = session.scalars(
        select(ConsoleDelivery)
        .where(ConsoleDelivery.to_number == which.number, ConsoleDelivery.from_number == which.our_number)
        .order_by(ConsoleDelivery.id.desc())
        .limit(TEXTS)
    )
    wrote = session.scalars(
        select(InboundMessage)
        .where(InboundMessage.from_number == which.number, InboundMessage.to_number == which.our_number)
        .order_by(InboundMessage.id.desc())
        .limit(TEXTS)
    )
    found = [(row.delivered_at, 1, row.id, Bubble(row.delivered_at, row.body, mine=False)) for row in got]
    found += [(row.received_at, 0, row.id, Bubble(row.received_at, row.body, mine=True)) for row in wrote]
    return [bubble for *_, bubble in sorted(found, key=lambda each: each[:3])][-TEXTS:]
