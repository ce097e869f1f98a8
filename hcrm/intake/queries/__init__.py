"""Reading batches, what was said about their rows, and messages of interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hcrm.intake.domain import (
    BatchSnapshot,
    BatchStatus,
    MessageSnapshot,
    MessageStatus,
    Profile,
    RowError,
    Severity,
)
from hcrm.intake.models import ImportBatch, ImportRowError, InterfaceMessage, InterfaceMessageDay
from hcrm.intake.queries.profiles import profiles_named, stored_profile, stored_profiles


def batch(session: Session, batch_id: int) -> BatchSnapshot | None:
    """The batch with this id."""
    row = session.get(ImportBatch, batch_id, populate_existing=True)
    return None if row is None else _snapshot(row)


def batches(session: Session, facility_ids: frozenset[int], *, limit: int, offset: int = 0) -> list[BatchSnapshot]:
    """Batches of some facilities, the newest first."""
    found = session.scalars(
        select(ImportBatch)
        .where(ImportBatch.facility_id.in_(facility_ids), ImportBatch.status != BatchStatus.DISCARDED)
        .order_by(ImportBatch.created_at.desc(), ImportBatch.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_snapshot(row) for row in found]


def batches_in(session: Session, *statuses: BatchStatus) -> list[BatchSnapshot]:
    """All batches in these states, the oldest first."""
    found = session.scalars(select(ImportBatch).where(ImportBatch.status.in_(statuses)).order_by(ImportBatch.id))
    return [_snapshot(row) for row in found]


def batches_of_file(session: Session, facility_id: int, sha256: str) -> list[BatchSnapshot]:
    """The batches of the same file in a facility, the oldest first."""
    found = session.scalars(
        select(ImportBatch)
        .where(ImportBatch.facility_id == facility_id, ImportBatch.file_sha256 == sha256)
        .order_by(ImportBatch.id)
    )
    return [_snapshot(row) for row in found]


def row_errors(
    session: Session,
    batch_id: int,
    severity: Severity,
    *,
    code: str = "",
    limit: int | None = None,
    after_line: int = 0,
) -> Iterator[RowError]:
    """What was said about rows of a batch, by line; fetched in blocks."""
    query = (
        select(ImportRowError)
        .where(
            ImportRowError.batch_id == batch_id,
            ImportRowError.severity == severity,
            ImportRowError.line > after_line,
        )
        .order_by(ImportRowError.line, ImportRowError.id)
        .limit(limit)
    )
    if code:
        query = query.where(ImportRowError.code == code)
    for row in session.scalars(query.execution_options(yield_per=1_000)):
        cells: list[Any] = row.row
        yield RowError(row.line, row.field, row.code, row.severity, dict(row.params), tuple(cells))


def first_of_each_kind(session: Session, batch_id: int) -> dict[tuple[Severity, str], RowError]:
    """The first remark of each kind about rows of a batch, by severity and code."""
    rows = session.scalars(
        select(ImportRowError)
        .where(ImportRowError.batch_id == batch_id)
        .distinct(ImportRowError.severity, ImportRowError.code)
        .order_by(ImportRowError.severity, ImportRowError.code, ImportRowError.line)
    )
    return {
        (row.severity, row.code): RowError(row.line, row.field, row.code, row.severity, dict(row.params))
        for row in rows
    }


def facilities_with_waiting(session: Session) -> list[int]:
    """Facilities for which messages of interfaces wait."""
    return list(session.scalars(select(InterfaceMessage.facility_id).where(_WAITING).distinct()))


def open_messages(
    session: Session, facility_ids: frozenset[int], status: MessageStatus, *, limit: int, offset: int = 0
) -> list[MessageSnapshot]:
    """Messages that wait, or were refused, the newest first."""
    found = session.scalars(
        select(InterfaceMessage)
        .where(
            InterfaceMessage.facility_id.in_(facility_ids), _WAITING if status is MessageStatus.WAITING else _REFUSED
        )
        .order_by(InterfaceMessage.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [_message(row) for row in found]


def open_message_count(session: Session, facility_ids: frozenset[int], status: MessageStatus) -> int:
    """How many messages ``open_messages`` would list."""
    condition = _WAITING if status is MessageStatus.WAITING else _REFUSED
    query = select(func.count()).select_from(InterfaceMessage)
    return session.scalar(query.where(InterfaceMessage.facility_id.in_(facility_ids), condition)) or 0


def messages_since(session: Session, facility_ids: frozenset[int], since: datetime) -> dict[MessageStatus, int]:
    """How many messages have come since, by what became of them."""
    rows = session.execute(
        select(InterfaceMessage.status, func.count().label("count"))
        .where(InterfaceMessage.facility_id.in_(facility_ids), InterfaceMessage.received_at >= since)
        .group_by(InterfaceMessage.status)
    )
    found = {row.status: row.count for row in rows}
    return {status: found.get(status, 0) for status in MessageStatus}  # type: ignore[misc]


def thinned_messages(session: Session, facility_ids: frozenset[int]) -> dict[MessageStatus, int]:
    """How many older messages are kept as counts alone, by what became of them."""
    rows = session.execute(
        select(InterfaceMessageDay.status, func.sum(InterfaceMessageDay.count).label("how_many"))
        .where(InterfaceMessageDay.facility_id.in_(facility_ids))
        .group_by(InterfaceMessageDay.status)
    )
    return {row.status: int(row.how_many) for row in rows}


def message(session: Session, message_id: int) -> MessageSnapshot | None:
    """The message with this id."""
    row = session.get(InterfaceMessage, message_id)
    return None if row is None else _message(row)


def _message(row: InterfaceMessage) -> MessageSnapshot:
    return MessageSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        sender=row.sender,
        control_id=row.control_id,
        event=row.event,
        status=row.status,
        code=row.code,
        field=row.field,
        params=dict(row.params or {}),
        waits_on=row.waits_on or "",
        event_at=row.event_at,
        received_at=row.received_at,
    )


# The literals stand in the statements: a partial index is not seen behind a parameter.
_WAITING: Final = text("interface_message.status = 'waiting'")
_REFUSED: Final = text("interface_message.status = 'refused'")


def _snapshot(row: ImportBatch) -> BatchSnapshot:
    return BatchSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        user_id=row.user_id,
        file_name=row.file_name,
        file_sha256=row.file_sha256,
        file_bytes=row.file_bytes,
        stored_name=row.stored_name,
        format=row.format,
        profile=Profile.from_json(row.profile),
        timezone=row.timezone,
        stated_at=row.stated_at,
        with_plans=row.with_plans,
        status=row.status,
        position=row.position,
        counts=dict(row.counts),
        shape=row.shape,
        preview=row.preview,
        failure=row.failure,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


__all__ = [
    "batch",
    "batches",
    "batches_in",
    "batches_of_file",
    "facilities_with_waiting",
    "first_of_each_kind",
    "message",
    "messages_since",
    "open_message_count",
    "open_messages",
    "profiles_named",
    "row_errors",
    "stored_profile",
    "stored_profiles",
    "thinned_messages",
]
