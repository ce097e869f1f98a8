"""Tables of the audit. The runtime role may insert and read here, never update or delete."""

from __future__ import annotations

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.audit.domain import ActorKind, Outcome
from hcrm.db import Base, BigId, JsonObject, UtcDateTime, text_enum


class AuditEntry(Base):
    """Who saw or changed what, when. Ids are plain numbers without foreign keys: an entry outlives what it names."""

    __tablename__ = "audit_entry"

    id: Mapped[BigId]
    at: Mapped[UtcDateTime]
    actor_kind: Mapped[ActorKind] = mapped_column(text_enum(ActorKind, "actor_kind"))
    actor_user_id: Mapped[int | None]
    facility_id: Mapped[int | None]
    action: Mapped[str] = mapped_column(String(64))
    object_kind: Mapped[str] = mapped_column(String(64))
    object_id: Mapped[int | None]
    patient_id: Mapped[int | None]
    outcome: Mapped[Outcome] = mapped_column(text_enum(Outcome, "outcome"))
    details: Mapped[JsonObject]

    __table_args__ = (
        Index("ix_audit_entry_facility_id_at", "facility_id", "at"),
        Index("ix_audit_entry_patient_id_at", "patient_id", "at", postgresql_where=text("patient_id IS NOT NULL")),
        Index(
            "ix_audit_entry_actor_user_id_at", "actor_user_id", "at", postgresql_where=text("actor_user_id IS NOT NULL")
        ),
    )


class AuditSeal(Base):
    """A sealed batch: every entry after the seal before it, up to ``last_entry_id``, chained by hash."""

    __tablename__ = "audit_seal"

    id: Mapped[BigId]
    first_entry_id: Mapped[int] = mapped_column(unique=True)
    last_entry_id: Mapped[int] = mapped_column(unique=True)
    entry_count: Mapped[int]
    previous_hash: Mapped[str] = mapped_column(String(64), unique=True)
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    sealed_at: Mapped[UtcDateTime]
