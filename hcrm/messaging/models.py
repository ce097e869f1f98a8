"""The tables of messaging: outbox, attempts, receipts, replies, conversations, templates and the console's ledger."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Numeric,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    bindparam,
    text,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime, text_enum
from hcrm.messaging.domain import (
    AttemptStatus,
    ConversationState,
    InboundState,
    MessageStatus,
    Outcome,
    Purpose,
    Reason,
    TemplateStatus,
)

PHONE = String(20)

Status = TypeVar("Status", bound=StrEnum)


def one_of(column: InstrumentedAttribute[Status], values: Collection[Status]) -> ColumnElement[bool]:
    """``column IN (values)`` with the values written out, not as parameters.

    A partial index is used only where the planner sees the values; a prepared statement with parameters hides them.
    """
    return column.in_(bindparam(None, list(values), expanding=True, literal_execute=True))


class OutboxMessage(Base):
    """A message to one phone, from the wish to send it to the last receipt."""

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_due",
            "priority",
            "next_try_at",
            "id",
            postgresql_where=text("status IN ('scheduled', 'queued', 'temporary_failure')"),
        ),
        Index("ix_outbox_message_in_doubt", "id", postgresql_where=text("status IN ('sending', 'unknown')")),
        Index("ix_outbox_message_patient", "patient_id", "decided_at"),
        Index("ix_outbox_message_number", "facility_id", "to_number", "decided_at"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"))
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id"), index=True)
    task_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    purpose: Mapped[Purpose] = mapped_column(text_enum(Purpose, "message_purpose"))
    priority: Mapped[int] = mapped_column(SmallInteger)
    template_code: Mapped[Code]
    language: Mapped[str | None] = mapped_column(String(16))
    values: Mapped[JsonObject]
    key: Mapped[str] = mapped_column(String(200), unique=True)
    to_number: Mapped[str | None] = mapped_column(PHONE)
    from_number: Mapped[str | None] = mapped_column(PHONE)
    contact_point_id: Mapped[int | None] = mapped_column(ForeignKey("contact_point.id"))
    status: Mapped[MessageStatus] = mapped_column(text_enum(MessageStatus, "message_status"))
    reason: Mapped[Reason | None] = mapped_column(text_enum(Reason, "message_reason"))
    not_before: Mapped[UtcDateTime]
    expires_at: Mapped[UtcDateTime]
    next_try_at: Mapped[UtcDateTime]
    created_at: Mapped[UtcDateTime]
    decided_at: Mapped[UtcDateTime | None]
    decision: Mapped[JsonObject]
    body: Mapped[str | None] = mapped_column(Text)
    segments: Mapped[int | None] = mapped_column(SmallInteger)
    template_version: Mapped[int | None] = mapped_column(SmallInteger)
    failed_tries: Mapped[int] = mapped_column(SmallInteger, default=0)
    accepted_at: Mapped[UtcDateTime | None]
    sent_at: Mapped[UtcDateTime | None]
    delivered_at: Mapped[UtcDateTime | None]
    conversation_topic: Mapped[str | None] = mapped_column(String(64))
    conversation_subject_id: Mapped[int | None] = mapped_column(BigInteger)
    conversation_expires_at: Mapped[UtcDateTime | None]
    awaits_reply: Mapped[bool] = mapped_column(default=False)
    in_reply_to: Mapped[int | None] = mapped_column(ForeignKey("inbound_message.id"))
    settled_at: Mapped[UtcDateTime | None]
    settled_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class SendAttempt(Base):
    """One hand-over of a message to the provider, held with a lease on the database's own clock.

    ``segments`` and ``price`` are what the provider charged, where it tells. ``look_again_at`` (the database's clock):
    when the provider is asked again what became of it; ``looks`` counts how often it was.
    """

    __tablename__ = "send_attempt"
    __table_args__ = (
        UniqueConstraint("message_id", "number"),
        Index(
            "ix_send_attempt_open",
            "lease_until",
            postgresql_where=text("status IN ('claimed', 'calling', 'unknown')"),
        ),
        Index("ix_send_attempt_provider_sid", "provider", "provider_sid"),
        Index("ix_send_attempt_look_again", "look_again_at", postgresql_where=text("look_again_at IS NOT NULL")),
    )

    id: Mapped[BigId]
    message_id: Mapped[int] = mapped_column(ForeignKey("outbox_message.id"))
    number: Mapped[int] = mapped_column(SmallInteger)
    lease_until: Mapped[UtcDateTime]
    worker: Mapped[Code]
    provider: Mapped[Code]
    provider_sid: Mapped[str | None] = mapped_column(String(64))
    status: Mapped[AttemptStatus] = mapped_column(text_enum(AttemptStatus, "attempt_status"))
    error_code: Mapped[str | None] = mapped_column(String(32))
    started_at: Mapped[UtcDateTime | None]
    finished_at: Mapped[UtcDateTime | None]
    segments: Mapped[int | None] = mapped_column(SmallInteger)
    price: Mapped[Decimal | None] = mapped_column(Numeric(12, 5))
    price_currency: Mapped[str | None] = mapped_column(String(3))
    look_again_at: Mapped[UtcDateTime | None]
    looks: Mapped[int] = mapped_column(SmallInteger, default=0)


class Receipt(Base):
    """What a provider told about an attempt: stored as it came, understood and applied afterwards.

    ``status`` and ``attempt_id`` stay empty where the provider told something that we do not know.
    """

    __tablename__ = "receipt"
    __table_args__ = (Index("ix_receipt_open", "id", postgresql_where=text("applied_at IS NULL")),)

    id: Mapped[BigId]
    provider: Mapped[Code]
    event_key: Mapped[str] = mapped_column(String(200), unique=True)
    attempt_id: Mapped[int | None] = mapped_column(ForeignKey("send_attempt.id"), index=True)
    status: Mapped[MessageStatus | None] = mapped_column(text_enum(MessageStatus, "receipt_status"))
    received_at: Mapped[UtcDateTime]
    applied_at: Mapped[UtcDateTime | None]
    raw: Mapped[JsonObject]


class RefusedWebhook(Base):
    """How many calls from outside were refused on a day (UTC), by why; nothing else of them is kept."""

    __tablename__ = "refused_webhook"

    on_day: Mapped[date] = mapped_column(primary_key=True)
    why: Mapped[str] = mapped_column(String(32), primary_key=True)
    count: Mapped[int]


class SendAllowance(Base):
    """The token bucket of a sender number or a facility, shared by all workers, on the database's own clock."""

    __tablename__ = "send_allowance"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    tokens: Mapped[float]
    counted_at: Mapped[UtcDateTime]


class ProviderPause(Base):
    """Whether a provider is left in peace: after failures in a row nothing is handed to it until ``until``.

    The times are the database's own clock's.
    """

    __tablename__ = "provider_pause"

    provider: Mapped[Code] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(SmallInteger)
    until: Mapped[UtcDateTime]


class InboundMessage(Base):
    """A text from a phone: stored before anything else is done with it.

    ``reading``: the rules that were asked when it was taken, with the time.
    """

    __tablename__ = "inbound_message"
    __table_args__ = (
        UniqueConstraint("provider", "provider_message_id"),
        Index("ix_inbound_message_open", "facility_id", "received_at", postgresql_where=text("state <> 'handled'")),
        Index("ix_inbound_message_number", "facility_id", "from_number", "received_at"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    provider: Mapped[Code]
    provider_message_id: Mapped[str] = mapped_column(String(100))
    from_number: Mapped[str] = mapped_column(PHONE)
    to_number: Mapped[str] = mapped_column(PHONE)
    body: Mapped[str] = mapped_column(Text)
    media_count: Mapped[int] = mapped_column(SmallInteger, default=0)
    received_at: Mapped[UtcDateTime]
    state: Mapped[InboundState] = mapped_column(text_enum(InboundState, "inbound_state"))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"))
    keyword: Mapped[str | None] = mapped_column(String(16))
    outcome: Mapped[Outcome | None] = mapped_column(text_enum(Outcome, "inbound_outcome"))
    note: Mapped[str] = mapped_column(Text, default="")
    claimed_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    claimed_at: Mapped[UtcDateTime | None]
    handled_at: Mapped[UtcDateTime | None]
    handled_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    reading: Mapped[JsonObject] = mapped_column(server_default=text("'{}'"))


class Conversation(Base):
    """An exchange with one phone about one subject; at most one per pair of numbers waits for a reply."""

    __tablename__ = "conversation"
    __table_args__ = (
        Index(
            "uq_conversation_waiting",
            "our_number",
            "their_number",
            unique=True,
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_conversation_subject", "topic", "subject_id"),
        Index("ix_conversation_open", "expires_at", postgresql_where=text("state <> 'finished'")),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    our_number: Mapped[str] = mapped_column(PHONE)
    their_number: Mapped[str] = mapped_column(PHONE)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey("patient.id"), index=True)
    topic: Mapped[Code]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[ConversationState] = mapped_column(text_enum(ConversationState, "conversation_state"))
    opened_at: Mapped[UtcDateTime]
    expires_at: Mapped[UtcDateTime]


class NumberState(Base):
    """Whether a number has said STOP to a facility; ``stopped_at`` empty once it said START again."""

    __tablename__ = "number_state"

    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    number: Mapped[str] = mapped_column(PHONE, primary_key=True)
    stopped_at: Mapped[UtcDateTime | None]
    started_at: Mapped[UtcDateTime | None]
    source: Mapped[Code]


class MessageTemplate(Base):
    """The wording of a message in one language and version; ``registrations``: template number by provider."""

    __tablename__ = "message_template"
    __table_args__ = (UniqueConstraint("code", "language", "version"),)

    id: Mapped[BigId]
    code: Mapped[Code]
    language: Mapped[str] = mapped_column(String(16))
    version: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[Purpose] = mapped_column(text_enum(Purpose, "template_kind"))
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[TemplateStatus] = mapped_column(text_enum(TemplateStatus, "template_status"))
    registrations: Mapped[JsonObject] = mapped_column(default=dict)
    created_at: Mapped[UtcDateTime]
    created_by: Mapped[int | None] = mapped_column(BigInteger)


class ConsoleDelivery(Base):
    """The console provider's ledger: one row per text handed to it. No unique key, so that a double would show."""

    __tablename__ = "console_delivery"

    id: Mapped[BigId]
    attempt_id: Mapped[int] = mapped_column(BigInteger, index=True)
    to_number: Mapped[str] = mapped_column(PHONE, index=True)
    from_number: Mapped[str] = mapped_column(PHONE)
    body: Mapped[str] = mapped_column(Text)
    delivered_at: Mapped[UtcDateTime]
    received_status: Mapped[MessageStatus] = mapped_column(text_enum(MessageStatus, "console_status"))
