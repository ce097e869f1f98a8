"""Reads messages: by id, by task, on a patient's timeline, and those nobody can be sure of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import Session

from hcrm.messaging.domain import (
    DUE_STATES,
    Attempt,
    AttemptStatus,
    Check,
    HandedOver,
    MessageSnapshot,
    MessageStatus,
    TemplateStatus,
)
from hcrm.messaging.models import (
    Conversation,
    InboundMessage,
    MessageTemplate,
    OutboxMessage,
    Receipt,
    SendAttempt,
    one_of,
)
from hcrm.patients.domain import TimelineEntry


def message_snapshot(row: OutboxMessage) -> MessageSnapshot:
    """The frozen picture of a row."""
    return MessageSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        task_id=row.task_id,
        purpose=row.purpose,
        template_code=row.template_code,
        status=row.status,
        reason=row.reason,
        not_before=row.not_before,
        expires_at=row.expires_at,
        next_try_at=row.next_try_at,
        created_at=row.created_at,
        decided_at=row.decided_at,
        accepted_at=row.accepted_at,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        to_number=row.to_number,
        body=row.body,
        segments=row.segments,
        conversation_topic=row.conversation_topic,
        conversation_subject_id=row.conversation_subject_id,
        key=row.key,
        checks=tuple(
            Check(code=each["code"], passed=each["passed"], fact=each.get("fact", ""))
            for each in row.decision.get("checks", [])
        ),
        checked_at=_checked_at(row),
        settled_at=row.settled_at,
    )


def _checked_at(row: OutboxMessage) -> datetime | None:
    """When the checks were made; a withdrawal afterwards has a time of its own."""
    at = row.decision.get("at")
    return datetime.fromisoformat(at) if at else row.decided_at


def attempts(session: Session, message_id: int) -> list[Attempt]:
    """The hand-overs of a message, first one first."""
    rows = session.scalars(select(SendAttempt).where(SendAttempt.message_id == message_id).order_by(SendAttempt.number))
    return [
        Attempt(row.number, row.provider, row.status, row.error_code, row.started_at, row.finished_at) for row in rows
    ]


def messages(session: Session, message_ids: Collection[int]) -> list[MessageSnapshot]:
    """Messages with these ids, in the order of their ids."""
    return _snapshots(session, select(OutboxMessage).where(OutboxMessage.id.in_(message_ids)))


def messages_of_tasks(session: Session, task_ids: Collection[int]) -> dict[int, list[MessageSnapshot]]:
    """Messages by the task that they belong to, oldest first; tasks without messages are absent."""
    found: dict[int, list[MessageSnapshot]] = defaultdict(list)
    for message in _snapshots(session, select(OutboxMessage).where(OutboxMessage.task_id.in_(task_ids))):
        assert message.task_id is not None
        found[message.task_id].append(message)
    return dict(found)


def replies_to(session: Session, inbound_id: int) -> list[MessageSnapshot]:
    """The messages that answered a text, oldest first."""
    return _snapshots(session, select(OutboxMessage).where(OutboxMessage.in_reply_to == inbound_id))


def _snapshots(session: Session, statement: Select[tuple[OutboxMessage]]) -> list[MessageSnapshot]:
    return [message_snapshot(row) for row in session.scalars(statement.order_by(OutboxMessage.id))]


def timeline(session: Session, patient_ids: Sequence[int]) -> list[TimelineEntry]:
    """Messages to and from patients with their true state; those that wait appear at the time they are due."""
    return [*_outbound_entries(session, patient_ids), *_inbound_entries(session, patient_ids)]


def _outbound_entries(session: Session, patient_ids: Sequence[int]) -> list[TimelineEntry]:
    entries = []
    for message in _snapshots(session, select(OutboxMessage).where(OutboxMessage.patient_id.in_(patient_ids))):
        waits = message.status in DUE_STATES
        entries.append(
            TimelineEntry(
                at=message.next_try_at if waits else (message.decided_at or message.created_at),
                kind="message",
                title_code=f"messaging.sms_{message.purpose.value}",
                params={
                    "text": message.body or "",
                    "about": (message.conversation_topic, message.conversation_subject_id),
                },
                state=_state(message),
                object_kind="outbox_message",
                object_id=message.id,
                encounter_id=message.encounter_id,
            )
        )
    return entries


def _state(message: MessageSnapshot) -> str:
    """The status, with the reason where there is one."""
    because = f".{message.reason.value}" if message.reason else ""
    return f"messaging.{message.status.value}{because}"


def _inbound_entries(session: Session, patient_ids: Sequence[int]) -> list[TimelineEntry]:
    rows = session.execute(
        select(InboundMessage, Conversation.topic, Conversation.subject_id)
        .outerjoin(Conversation, Conversation.id == InboundMessage.conversation_id)
        .where(InboundMessage.patient_id.in_(patient_ids))
        .order_by(InboundMessage.id)
    )
    return [
        TimelineEntry(
            at=row.received_at,
            kind="message",
            title_code="messaging.inbound",
            params={"text": row.body, "about": (topic, subject_id)},
            state=f"messaging.{row.state.value}",
            object_kind="inbound_message",
            object_id=row.id,
        )
        for row, topic, subject_id in rows
    ]


@dataclass(frozen=True, slots=True)
class Wording:
    """A published text; ``registrations`` is the number that a provider registered it under, by provider."""

    body: str
    language: str
    version: int
    registrations: Mapping[str, str]


def published_wordings(session: Session, codes: Collection[str] | None = None) -> dict[tuple[str, str], Wording]:
    """The newest published wording by (code, language); of these ``codes``, or of all."""
    asked = true() if codes is None else MessageTemplate.code.in_(codes)
    rows = session.execute(
        select(
            MessageTemplate.code,
            MessageTemplate.language,
            MessageTemplate.body,
            MessageTemplate.version,
            MessageTemplate.registrations,
        )
        .where(MessageTemplate.status == TemplateStatus.PUBLISHED, asked)
        .order_by(MessageTemplate.version)
    )
    return {
        (code, language): Wording(body, language, version, registrations)
        for code, language, body, version, registrations in rows
    }


def in_doubt(session: Session, facility_ids: Collection[int], *, waited: timedelta) -> list[MessageSnapshot]:
    """Messages handed over without any evidence ``waited`` after their lease ran out, that nobody has settled yet."""
    doubtful = (
        select(SendAttempt.message_id)
        .where(
            one_of(SendAttempt.status, [AttemptStatus.UNKNOWN]),
            SendAttempt.lease_until < func.clock_timestamp() - waited,
        )
        .scalar_subquery()
    )
    return _snapshots(
        session,
        select(OutboxMessage).where(
            one_of(OutboxMessage.status, [MessageStatus.UNKNOWN]),
            OutboxMessage.settled_at.is_(None),
            OutboxMessage.facility_id.in_(facility_ids),
            OutboxMessage.id.in_(doubtful),
        ),
    )


def unfinished_attempts(session: Session, *, not_older_than: timedelta, limit: int) -> list[HandedOver]:
    """Attempts without evidence whose provider should be asked, newest lease first, by the database's clock."""
    return _asked(
        session,
        select(SendAttempt, OutboxMessage)
        .join(OutboxMessage, OutboxMessage.id == SendAttempt.message_id)
        .where(
            one_of(SendAttempt.status, [AttemptStatus.UNKNOWN]),
            SendAttempt.lease_until > func.clock_timestamp() - not_older_than,
        )
        .order_by(SendAttempt.lease_until.desc())
        .limit(limit),
    )


def attempts_to_look_at(session: Session, *, limit: int) -> list[HandedOver]:
    """Attempts that the provider is to be asked about again, for their end or their price."""
    return _asked(
        session,
        select(SendAttempt, OutboxMessage)
        .join(OutboxMessage, OutboxMessage.id == SendAttempt.message_id)
        .where(SendAttempt.look_again_at <= func.clock_timestamp())
        .order_by(SendAttempt.look_again_at)
        .limit(limit),
    )


def _asked(session: Session, statement: Select[tuple[SendAttempt, OutboxMessage]]) -> list[HandedOver]:
    rows = [(attempt, message) for attempt, message in session.execute(statement)]
    alike = _alike(session, {message.to_number for _, message in rows if message.to_number is not None})
    return [
        HandedOver(
            attempt_id=attempt.id,
            provider=attempt.provider,
            provider_sid=attempt.provider_sid,
            to_number=message.to_number or "",
            kept_body=message.body or "",
            lease_until=attempt.lease_until,
            taken_sids=frozenset(
                sid for other, _, _, sid in alike[message.to_number or ""] if sid is not None and other != attempt.id
            ),
            rivals=sum(
                status is AttemptStatus.UNKNOWN and body == message.body and other != attempt.id
                for other, status, body, _ in alike[message.to_number or ""]
            ),
        )
        for attempt, message in rows
    ]


def _alike(
    session: Session, numbers: Collection[str]
) -> defaultdict[str, list[tuple[int, AttemptStatus, str | None, str | None]]]:
    """Attempts by the phone they went to: id, status, text and the provider's own id."""
    found: defaultdict[str, list[tuple[int, AttemptStatus, str | None, str | None]]] = defaultdict(list)
    rows = session.execute(
        select(
            OutboxMessage.to_number, SendAttempt.id, SendAttempt.status, OutboxMessage.body, SendAttempt.provider_sid
        )
        .join(OutboxMessage, OutboxMessage.id == SendAttempt.message_id)
        .where(OutboxMessage.to_number.in_(numbers))
    )
    for number, *attempt in rows:
        found[number or ""].append((attempt[0], attempt[1], attempt[2], attempt[3]))
    return found


def open_receipts(session: Session, *, limit: int) -> list[tuple[int, str]]:
    """Receipts that are stored and not yet applied, oldest first: id and provider."""
    rows = session.execute(
        select(Receipt.id, Receipt.provider).where(Receipt.applied_at.is_(None)).order_by(Receipt.id).limit(limit)
    )
    return [(receipt_id, provider) for receipt_id, provider in rows]
