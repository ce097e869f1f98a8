"""Hand-overs whose sender vanished: freed, or left in doubt until evidence or a person settles them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.messaging.domain import (
    AttemptStatus,
    ConversationRequest,
    MessageRequest,
    MessageStatus,
    Purpose,
    move,
)
from hcrm.messaging.models import OutboxMessage, SendAttempt, one_of
from hcrm.messaging.providers.base import SendResult
from hcrm.messaging.service.evidence import record_result
from hcrm.messaging.service.outbox import enqueue

RESEND_WITHIN = timedelta(days=1)


class MessageNotInDoubt(ValueError):
    """The message is not, or no longer, one that nobody knows the fate of; the argument is its id."""


def release_unbegun(session: Session, *, now: datetime, limit: int) -> int:
    """Free messages whose sender vanished before it called the provider; returns how many. They are sent as usual."""
    return _free(session, _expired(session, AttemptStatus.CLAIMED, limit), now)


def put_back(session: Session, attempt_ids: Collection[int], *, now: datetime) -> int:
    """Free messages that this sender claimed and will not hand over now; returns how many."""
    attempts = session.scalars(
        select(SendAttempt)
        .where(SendAttempt.id.in_(attempt_ids), SendAttempt.status == AttemptStatus.CLAIMED)
        .order_by(SendAttempt.id)
        .with_for_update()
    ).all()
    return _free(session, attempts, now)


def _free(session: Session, attempts: Collection[SendAttempt], now: datetime) -> int:
    for attempt in attempts:
        attempt.status = AttemptStatus.RELEASED
        message = session.get_one(OutboxMessage, attempt.message_id, with_for_update=True, populate_existing=True)
        if message.status is MessageStatus.SENDING:
            message.status = move(message.status, MessageStatus.QUEUED)
            message.next_try_at = now
    session.flush()
    return len(attempts)


def mark_unknown(session: Session, *, now: datetime, limit: int) -> int:
    """Mark messages whose sender vanished while it called the provider; returns how many. None is sent again."""
    attempts = _expired(session, AttemptStatus.CALLING, limit)
    for attempt in attempts:
        record_result(session, attempt.id, SendResult(MessageStatus.UNKNOWN), now=now)
    return len(attempts)


def _expired(session: Session, status: AttemptStatus, limit: int) -> list[SendAttempt]:
    return list(
        session.scalars(
            select(SendAttempt)
            .where(one_of(SendAttempt.status, [status]), SendAttempt.lease_until < func.clock_timestamp())
            .order_by(SendAttempt.lease_until)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )


def send_again(session: Session, message_id: int, *, now: datetime, actor_user_id: int) -> int:
    """A person decides to send a message of unknown fate once more; the id of the new message, a new generation.

    Raises ``MessageNotInDoubt``.
    """
    row = _settled_by(session, message_id, now, actor_user_id, "message.send_again")
    stem, _, generation = row.key.rpartition(":")
    about = None
    if row.conversation_topic is not None and row.conversation_subject_id is not None:
        about = ConversationRequest(
            row.conversation_topic, row.conversation_subject_id, row.awaits_reply, row.conversation_expires_at
        )
    key = f"{stem}:{int(generation) + 1}" if generation.isdigit() else f"{row.key}:1"
    request = MessageRequest(
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        task_id=row.task_id,
        purpose=Purpose(row.purpose),
        template_code=row.template_code,
        values=row.values,
        key=key,
        not_before=now,
        expires_at=max(row.expires_at, now + RESEND_WITHIN),
        conversation=about,
        to_number=row.to_number if row.in_reply_to else None,
        in_reply_to=row.in_reply_to,
        language=row.language,
    )
    return enqueue(session, request, now=now)


def leave_it(session: Session, message_id: int, *, now: datetime, actor_user_id: int) -> None:
    """A person decides not to send a message of unknown fate again. Raises ``MessageNotInDoubt``."""
    _settled_by(session, message_id, now, actor_user_id, "message.left_unknown")


def _settled_by(session: Session, message_id: int, now: datetime, actor_user_id: int, action: str) -> OutboxMessage:
    row = session.scalars(
        update(OutboxMessage)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.status == MessageStatus.UNKNOWN,
            OutboxMessage.settled_at.is_(None),
        )
        .values(settled_at=now, settled_by=actor_user_id)
        .returning(OutboxMessage)
    ).one_or_none()
    if row is None:
        raise MessageNotInDoubt(message_id)
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind="outbox_message",
        object_id=row.id,
        patient_id=row.patient_id,
    )
    return row
