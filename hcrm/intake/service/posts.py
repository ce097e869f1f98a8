"""Documents that other systems post: each taken once, as a whole or not at all.

What a system posts on one day (UTC) is one batch, so that its refused records are found where all others are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.intake.domain import (
    BatchStatus,
    Chunk,
    CsvShape,
    FileFacts,
    Profile,
    RowError,
    Severity,
    add_counts,
)
from hcrm.intake.models import ImportBatch, PostedDocument
from hcrm.intake.readers.fhir.files import fhir_shape
from hcrm.intake.readers.fhir.posted import Posted
from hcrm.intake.readers.process import prepared
from hcrm.intake.service.rows import settle_chunk
from hcrm.patients.service import lock_facility
from hcrm.tokens.domain import TokenSnapshot

DATABASE_AWAY: Final = (OperationalError, InterfaceError)
"""What a call raises while the database cannot be reached."""


class Taken(NamedTuple):
    """What came of a document: its counts, what was refused of it, and whether it had come before."""

    counts: dict[str, int]
    refused: list[RowError]
    repeated: bool = False


class DocumentRefused(Exception):
    """Something in a document that counts as a whole cannot be taken; nothing of it was stored."""

    def __init__(self, refused: Sequence[RowError]) -> None:
        super().__init__(len(refused))
        self.refused = list(refused)


def take_document(session: Session, *, token: TokenSnapshot, posted: Posted, timezone: str, now: datetime) -> Taken:
    """Store what a document records; the same bytes again change nothing, whenever they come.

    Records without a time of their own are about the moment of the first post. Raises ``DocumentRefused`` when the
    document counts as a whole and something of it is refused: the caller rolls back.
    """
    lock_facility(session, token.facility_id)
    if _has_come(session, token.facility_id, posted.digest):
        return Taken(add_counts({}, {"rows_read": posted.entries, "unchanged": posted.entries}), [], repeated=True)
    if posted.refused and not posted.each_by_itself:
        raise DocumentRefused(posted.refused)
    batch = _batch_of_day(session, token, timezone, now)
    batch.stated_at = now
    counts, refused = _settle(session, batch, posted, timezone, now)
    if refused and not posted.each_by_itself:
        raise DocumentRefused(refused)
    if not refused:
        session.add(
            PostedDocument(facility_id=token.facility_id, digest=posted.digest, received_at=now, batch_id=batch.id)
        )
    session.flush()
    return Taken(add_counts({}, counts), refused)


def keep_refused(
    session: Session, *, token: TokenSnapshot, refused: Sequence[RowError], size: int, timezone: str, now: datetime
) -> None:
    """Keep the records of a document that was refused as a whole, for people to look at."""
    lock_facility(session, token.facility_id)
    batch = _batch_of_day(session, token, timezone, now)
    _run(session, batch, Chunk(0, [], list(refused), 0, size), timezone, now)


def _has_come(session: Session, facility_id: int, digest: bytes) -> bool:
    query = select(PostedDocument.digest).where(
        PostedDocument.facility_id == facility_id, PostedDocument.digest == digest
    )
    return session.scalar(query) is not None


def _settle(
    session: Session, batch: ImportBatch, posted: Posted, timezone: str, now: datetime
) -> tuple[dict[str, int], list[RowError]]:
    """Rows first, then messages: patients without stays, and merges, which need those whom the stays bring."""
    said = [*posted.refused, *posted.warnings]
    counts, remarks = _run(session, batch, Chunk(0, posted.rows, said, posted.skipped, posted.size), timezone, now)
    if posted.messages:
        more, further = _run(session, batch, Chunk(0, [], [], 0, 0, posted.messages), timezone, now)
        counts, remarks = add_counts(counts, more), [*remarks, *further]
    return counts, [each for each in remarks if each.severity is Severity.REJECTED]


def _run(
    session: Session, batch: ImportBatch, chunk: Chunk, timezone: str, now: datetime
) -> tuple[dict[str, int], list[RowError]]:
    position = batch.position + len(chunk.rows) + len(chunk.messages) + len(chunk.errors)
    batch.file_bytes += chunk.bytes_read
    batch.finished_at = now
    session.flush()
    chunk = prepared(chunk, ZoneInfo(timezone))._replace(position=position, bytes_read=batch.file_bytes)
    return settle_chunk(session, batch_id=batch.id, chunk=chunk, timezone=timezone, cells_of=lambda _lines: {}, now=now)


def _batch_of_day(session: Session, token: TokenSnapshot, timezone: str, now: datetime) -> ImportBatch:
    """The batch of what this token has posted today; it is made with the first document. Audited once."""
    key = hashlib.sha256(f"posted:{token.id}:{now.astimezone(UTC):%Y-%m-%d}".encode()).hexdigest()
    found = session.scalar(
        select(ImportBatch)
        .where(
            ImportBatch.facility_id == token.facility_id,
            ImportBatch.file_sha256 == key,
            ImportBatch.status == BatchStatus.FINISHED,
        )
        .with_for_update()
    )
    return found or _new_batch(session, token, FileFacts(token.name, key, 0), fhir_shape(), timezone, now)


def _new_batch(
    session: Session, token: TokenSnapshot, file: FileFacts, shape: CsvShape, timezone: str, now: datetime
) -> ImportBatch:
    batch = ImportBatch(
        facility_id=token.facility_id,
        user_id=None,
        file_name=f"POST /fhir · {file.name}",
        file_sha256=file.sha256,
        file_bytes=0,
        stored_name=None,
        format="fhir",
        profile=Profile().to_json(),
        timezone=timezone,
        stated_at=now,
        with_plans=True,
        status=BatchStatus.FINISHED,
        position=0,
        counts=add_counts({}, {}),
        shape=shape.to_json(),
        preview=None,
        failure=None,
        created_at=now,
        started_at=now,
        finished_at=now,
    )
    session.add(batch)
    session.flush()
    record(
        session,
        now=now,
        action="import.posted",
        facility_id=token.facility_id,
        actor_user_id=None,
        object_kind="import_batch",
        object_id=batch.id,
        details={"access_token": token.id},
    )
    return batch
