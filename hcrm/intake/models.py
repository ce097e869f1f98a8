"""Tables of the intake: files brought in with the rows that were refused, and messages of interfaces."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, String, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime, text_enum
from hcrm.intake.domain import BatchStatus, MessageStatus, Severity


class ImportBatch(Base):
    """One file brought into one facility: where it came from, how it is read, how far it is and what came of it."""

    __tablename__ = "import_batch"
    __table_args__ = (
        Index("ix_import_batch_facility_id_file_sha256", "facility_id", "file_sha256"),
        Index("ix_import_batch_facility_id_created_at", "facility_id", "created_at"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"), index=True)
    file_name: Mapped[str] = mapped_column(String(255))
    file_sha256: Mapped[str] = mapped_column(String(64))
    file_bytes: Mapped[int]
    stored_name: Mapped[str | None] = mapped_column(String(64))
    """The upload's name in the instance folder; none for files that the command reads where they are."""
    format: Mapped[Code]
    profile: Mapped[JsonObject]
    timezone: Mapped[str] = mapped_column(String(64))
    stated_at: Mapped[UtcDateTime]
    """What the records say was true at this time: the event time of rows without one of their own."""
    with_plans: Mapped[bool]
    status: Mapped[BatchStatus] = mapped_column(text_enum(BatchStatus, "status"))
    position: Mapped[int]
    """Data rows of the file that are settled: committed or refused."""
    counts: Mapped[JsonObject]
    shape: Mapped[JsonObject]
    """What the file is: encoding, heads, which column means what."""
    preview: Mapped[JsonObject | None]
    """What a check of the file found before anything was written: counts, refused rows, first rows."""
    failure: Mapped[JsonObject | None]
    """Why the file could not be read: a code and its parameters."""
    created_at: Mapped[UtcDateTime]
    started_at: Mapped[UtcDateTime | None]
    finished_at: Mapped[UtcDateTime | None]


class ImportRowError(Base):
    """One remark about one row of a file: refused with a reason, or taken with a warning."""

    __tablename__ = "import_row_error"
    __table_args__ = (Index("ix_import_row_error_batch_id_severity_line", "batch_id", "severity", "line"),)

    id: Mapped[BigId]
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"))
    line: Mapped[int]
    field: Mapped[Code]
    code: Mapped[Code]
    severity: Mapped[Severity] = mapped_column(text_enum(Severity, "severity"))
    params: Mapped[JsonObject]
    row: Mapped[list[Any]] = mapped_column(JSONB)
    """The row's cells as they stood in the file, in the order of the head."""


class InterfaceMessage(Base):
    """One HL7 message that came in, from a file or over a connection.

    What a sender sends twice is one message: ``digest`` is a hash of all but its header, so that a control id that a
    sender uses anew does not hide what it says. The text of what was applied is not kept, its facts are.
    """

    __tablename__ = "interface_message"
    __table_args__ = (
        UniqueConstraint("facility_id", "control_id", "digest", "sender"),
        Index("ix_interface_message_facility_id_received_at", "facility_id", "received_at"),
        Index(
            "ix_interface_message_open",
            "facility_id",
            "status",
            "waits_on",
            postgresql_where=text("status IN ('waiting', 'refused')"),
        ),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int]
    sender: Mapped[str] = mapped_column(String(200, collation="C"))
    control_id: Mapped[str] = mapped_column(String(200, collation="C"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    event: Mapped[Code]
    status: Mapped[MessageStatus] = mapped_column(text_enum(MessageStatus, "message_status"))
    code: Mapped[Code]
    """Why it waits or was refused."""
    field: Mapped[Code]
    params: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    waits_on: Mapped[str | None] = mapped_column(String(200, collation="C"))
    """The visit or patient that has to be known first: ``visit:…`` or ``mrn:…``."""
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """What a waiting message says, ready to be applied."""
    raw: Mapped[str | None] = mapped_column(Text)
    """The text of a refused message, cut to what a person can look through."""
    event_at: Mapped[UtcDateTime | None]
    received_at: Mapped[UtcDateTime]
    settled_at: Mapped[UtcDateTime | None]
    """When a message that waited was applied or left out."""
    batch_id: Mapped[int | None]


class InterfaceMessageDay(Base):
    """How many messages of one kind came on a day (UTC) that are no longer kept one by one."""

    __tablename__ = "interface_message_day"
    __table_args__ = (PrimaryKeyConstraint("facility_id", "day", "event", "status"),)

    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    day: Mapped[date]
    event: Mapped[Code]
    status: Mapped[MessageStatus] = mapped_column(text_enum(MessageStatus, "message_status"))
    count: Mapped[int]


class PostedDocument(Base):
    """A document that was posted and taken; the same bytes again are about the same moment and change nothing."""

    __tablename__ = "posted_document"
    __table_args__ = (
        PrimaryKeyConstraint("facility_id", "digest"),
        Index("ix_posted_document_received_at", "received_at"),
    )

    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    digest: Mapped[bytes] = mapped_column(LargeBinary)
    received_at: Mapped[UtcDateTime]
    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id"), index=True)


class MappingProfile(Base):
    """How one kind of file is read, kept under a name to be used again."""

    __tablename__ = "mapping_profile"
    __table_args__ = (UniqueConstraint("facility_id", "name"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    name: Mapped[str] = mapped_column(String(64))
    content: Mapped[JsonObject]
    created_at: Mapped[UtcDateTime]
    created_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    updated_at: Mapped[UtcDateTime]
