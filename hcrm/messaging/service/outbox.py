"""The outbox: messages are stored in the transaction that wants them, and withdrawn while they are not handed over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.events import MessagesChanged, publish
from hcrm.ids import chunks
from hcrm.messaging.domain import DUE_STATES, MessageRequest, MessageStatus, Reason
from hcrm.messaging.models import OutboxMessage, one_of
from hcrm.patients.queries import records_of_persons

CHUNK = 1_000
SUPPRESSING = frozenset({Reason.DECEASED, Reason.OPTED_OUT, Reason.NO_CONSENT})
"""Withdrawn for one of these, a message was held back for the person's sake; for others the plan changed."""


def enqueue(session: Session, request: MessageRequest, *, now: datetime) -> int:
    """Store one message to be sent; the id of the message with this key, also when it was stored before."""
    return enqueue_many(session, [request], now=now)[request.key]


def enqueue_many(session: Session, requests: Sequence[MessageRequest], *, now: datetime) -> dict[str, int]:
    """Store messages to be sent; ids by key, also of those that were stored before and stay as they are."""
    found: dict[str, int] = {}
    for part in chunks(requests, CHUNK):
        rows = [_row(request, now) for request in {request.key: request for request in part}.values()]
        stored = session.execute(
            insert(OutboxMessage)
            .on_conflict_do_nothing(index_elements=[OutboxMessage.key])
            .returning(OutboxMessage.key, OutboxMessage.id),
            rows,
        )
        found.update(stored.tuples().all())
        missing = [row["key"] for row in rows if row["key"] not in found]
        if missing:
            known = session.execute(select(OutboxMessage.key, OutboxMessage.id).where(OutboxMessage.key.in_(missing)))
            found.update(known.tuples().all())
    return found


def _row(request: MessageRequest, now: datetime) -> dict[str, Any]:
    about = request.conversation
    return {
        "facility_id": request.facility_id,
        "patient_id": request.patient_id,
        "encounter_id": request.encounter_id,
        "task_id": request.task_id,
        "purpose": request.purpose,
        "priority": request.purpose.priority,
        "template_code": request.template_code,
        "language": request.language,
        "values": {name: _plain(value) for name, value in request.values.items()},
        "key": request.key,
        "to_number": request.to_number,
        "status": MessageStatus.SCHEDULED if request.not_before > now else MessageStatus.QUEUED,
        "not_before": request.not_before,
        "expires_at": request.expires_at,
        "next_try_at": request.not_before,
        "created_at": now,
        "decision": {},
        "conversation_topic": about.topic if about else None,
        "conversation_subject_id": about.subject_id if about else None,
        "conversation_expires_at": about.expires_at if about else None,
        "awaits_reply": about.awaits_reply if about else False,
        "in_reply_to": request.in_reply_to,
    }


def _plain(value: str | Mapping[str, str]) -> str | dict[str, str]:
    return value if isinstance(value, str) else dict(value)


def withdraw(
    session: Session,
    *,
    reason: Reason,
    now: datetime,
    task_ids: Collection[int] = (),
    patient_ids: Collection[int] = (),
    numbers: Collection[tuple[int, str]] = (),
) -> int:
    """Take back what is not handed over yet; returns how many messages that were.

    By task, by patient (all records of the person), or by (facility, number) already chosen. What a sender holds at
    this moment is past withdrawing.
    """
    ids: list[int] = []
    for part in chunks(list(task_ids), CHUNK):
        ids += _withdraw(session, OutboxMessage.task_id.in_(part), reason, now)
    for part in chunks(list(patient_ids), CHUNK):
        records = records_of_persons(session, part)
        ids += _withdraw(session, OutboxMessage.patient_id.in_(records), reason, now)
    for facility_id, number in numbers:
        ids += _withdraw(session, OutboxMessage.id.in_(_bound_for(session, facility_id, number)), reason, now)
    announce(session, ids, now=now)
    return len(ids)


def _bound_for(session: Session, facility_id: int, number: str) -> Sequence[int]:
    """Messages that wait for a phone, locked. One that a sender decides about at this moment is left to the sender,
    who looks at STOP as well: waiting for it here could block both.
    """
    return session.scalars(
        select(OutboxMessage.id)
        .where(
            OutboxMessage.facility_id == facility_id,
            OutboxMessage.to_number == number,
            OutboxMessage.status.in_(DUE_STATES),
            OutboxMessage.in_reply_to.is_(None),
        )
        .with_for_update(skip_locked=True)
    ).all()


def _withdraw(session: Session, which: ColumnElement[bool], reason: Reason, now: datetime) -> Iterable[int]:
    status = MessageStatus.SUPPRESSED if reason in SUPPRESSING else MessageStatus.CANCELLED
    statement = (
        update(OutboxMessage)
        .where(which, OutboxMessage.status.in_(DUE_STATES))
        .values(status=status, reason=reason, decided_at=now)
        .returning(OutboxMessage.id)
    )
    return session.scalars(statement, execution_options={"synchronize_session": "fetch"}).all()


def expire(session: Session, *, now: datetime, limit: int) -> int:
    """End up to ``limit`` messages whose latest time is over; returns how many."""
    late = (
        select(OutboxMessage.id)
        .where(one_of(OutboxMessage.status, DUE_STATES), OutboxMessage.expires_at <= now)
        .order_by(OutboxMessage.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = list(session.scalars(late))
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(ids))
        .values(status=MessageStatus.EXPIRED, reason=Reason.OUTSIDE_WINDOW, decided_at=now)
    )
    announce(session, ids, now=now)
    return len(ids)


def announce(session: Session, message_ids: Collection[int], *, now: datetime) -> None:
    """Tell the rest of the program that these messages reached another status."""
    if message_ids:
        publish(session, MessagesChanged(now=now, message_ids=tuple(sorted(message_ids))))
