"""Batches: one per file brought in, and where it stands."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.intake.domain import (
    BatchSnapshot,
    BatchStatus,
    CsvShape,
    FileFacts,
    FileRefused,
    Profile,
    add_counts,
)
from hcrm.intake.models import ImportBatch
from hcrm.intake.queries import batch as batch_snapshot
from hcrm.intake.queries import batches_of_file
from hcrm.intake.readers.formats import format_of

FILE_LOCK: Final = 4_201_003
"""Stands in the advisory lock that one import of a file holds for as long as it runs."""

_GOING: Final = frozenset({BatchStatus.RUNNING, BatchStatus.INTERRUPTED})


class IllegalBatchMove(Exception):
    """The batch is not in a state in which this can be done."""


_MOVES: Final[Mapping[BatchStatus, frozenset[BatchStatus]]] = {
    BatchStatus.UPLOADED: frozenset({BatchStatus.QUEUED, BatchStatus.DISCARDED}),
    BatchStatus.QUEUED: frozenset({BatchStatus.RUNNING, BatchStatus.DISCARDED, BatchStatus.FAILED}),
    BatchStatus.RUNNING: frozenset({BatchStatus.FINISHED, BatchStatus.FAILED, BatchStatus.INTERRUPTED}),
    BatchStatus.INTERRUPTED: frozenset({BatchStatus.RUNNING, BatchStatus.FAILED, BatchStatus.DISCARDED}),
    BatchStatus.FINISHED: frozenset({BatchStatus.UNDONE}),
    BatchStatus.FAILED: frozenset(),
    BatchStatus.DISCARDED: frozenset(),
    BatchStatus.UNDONE: frozenset(),
}


def lock_file(connection: Connection, facility_id: int, sha256: str, *, wait: bool = True) -> bool:
    """Take the lock of one file in one facility on ``connection``; it is held until that connection ends.

    So a batch that says ``running`` while its lock is free has been killed. Returns False when it is taken and
    ``wait`` is False.
    """
    function = "pg_advisory_lock" if wait else "pg_try_advisory_lock"
    found = connection.execute(text(f"SELECT {function}(:key)"), {"key": _lock_key(facility_id, sha256)}).scalar()
    return wait or bool(found)


def unlock_file(connection: Connection, facility_id: int, sha256: str) -> None:
    """Give the lock back."""
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _lock_key(facility_id, sha256)})


def _lock_key(facility_id: int, sha256: str) -> int:
    digest = hashlib.sha256(f"{FILE_LOCK}:{facility_id}:{sha256}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def start_batch(
    session: Session,
    *,
    facility_id: int,
    file: FileFacts,
    format: str,  # noqa: A002 - the word of the batch
    profile: Profile,
    timezone: str,
    stated_at: datetime | None,
    with_plans: bool,
    user_id: int | None,
    shape: CsvShape,
    now: datetime,
) -> BatchSnapshot:
    """A running batch for a file that a command reads; the caller holds the file's lock.

    One that was interrupted in the same reading of the same file goes on from its position. ``stated_at`` is when the
    records were true; unless it is given, the same file keeps the time of its first import, so that importing an old
    file again never overrules newer records.
    """
    earlier = batches_of_file(session, facility_id, file.sha256)
    for known in reversed(earlier):
        same = (known.profile, known.timezone, known.with_plans) == (profile, timezone, with_plans)
        if known.status in _GOING and same and (stated_at is None or stated_at == known.stated_at):
            return _move(session, known.id, BatchStatus.RUNNING, now=now)
    batch = _add_batch(
        session,
        facility_id=facility_id,
        file=file,
        stored_name=None,
        format=format,
        profile=profile,
        timezone=timezone,
        stated_at=stated_at or first_stated_at(earlier) or now,
        with_plans=with_plans,
        user_id=user_id,
        shape=shape,
        status=BatchStatus.RUNNING,
        now=now,
    )
    return _read(session, batch.id)


def _add_batch(
    session: Session,
    *,
    facility_id: int,
    file: FileFacts,
    stored_name: str | None,
    format: str,  # noqa: A002 - the word of the batch
    profile: Profile,
    timezone: str,
    stated_at: datetime,
    with_plans: bool,
    user_id: int | None,
    shape: CsvShape,
    status: BatchStatus,
    now: datetime,
) -> ImportBatch:
    """A batch of which nothing is read yet."""
    batch = ImportBatch(
        facility_id=facility_id,
        user_id=user_id,
        file_name=file.name[:255],
        file_sha256=file.sha256,
        file_bytes=file.bytes,
        stored_name=stored_name,
        format=format,
        profile=profile.to_json(),
        timezone=timezone,
        stated_at=stated_at,
        with_plans=with_plans,
        status=status,
        position=0,
        counts=add_counts({}, {}),
        shape=shape.to_json(),
        preview=None,
        failure=None,
        created_at=now,
        started_at=now if status is BatchStatus.RUNNING else None,
        finished_at=None,
    )
    session.add(batch)
    session.flush()
    return batch


def first_stated_at(earlier: Sequence[BatchSnapshot]) -> datetime | None:
    """The stated time of the first import of a file that wrote anything."""
    return next((each.stated_at for each in earlier if each.position), None)


def move_batch(
    session: Session,
    *,
    batch_id: int,
    to: BatchStatus,
    now: datetime,
    failure: FileRefused | None = None,
    user_id: int | None = None,
) -> BatchSnapshot:
    """Take a batch to another state and audit what that means. Raises ``IllegalBatchMove``."""
    moved = _move(session, batch_id, to, now=now, failure=failure)
    if to in {BatchStatus.FINISHED, BatchStatus.FAILED, BatchStatus.QUEUED, BatchStatus.DISCARDED}:
        counts = {key: count for key, count in moved.counts.items() if count and ":" not in key}
        record(
            session,
            now=now,
            action=f"import.{to}",
            actor_user_id=user_id if user_id is not None else moved.user_id,
            facility_id=moved.facility_id,
            object_kind="import_batch",
            object_id=batch_id,
            details=counts if to is BatchStatus.FINISHED else {},
        )
    return moved


def _move(
    session: Session, batch_id: int, to: BatchStatus, *, now: datetime, failure: FileRefused | None = None
) -> BatchSnapshot:
    batch = session.get_one(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if to is not batch.status and to not in _MOVES[batch.status]:
        raise IllegalBatchMove(f"{batch.status} -> {to}")
    batch.status = to
    if to is BatchStatus.RUNNING and batch.started_at is None:
        batch.started_at = now
    if to in {BatchStatus.FINISHED, BatchStatus.FAILED, BatchStatus.DISCARDED}:
        batch.finished_at = now
        batch.stored_name = None
    if failure is not None:
        batch.failure = failure.to_json()
    session.flush()
    return _read(session, batch_id)


def store_upload(
    session: Session,
    *,
    facility_id: int,
    user_id: int | None,
    file: FileFacts,
    stored_name: str,
    profile: Profile,
    timezone: str,
    shape: CsvShape,
    now: datetime,
) -> int:
    """A batch for a file that somebody has uploaded and has yet to confirm; returns its id."""
    earlier = batches_of_file(session, facility_id, file.sha256)
    batch = _add_batch(
        session,
        facility_id=facility_id,
        file=file,
        stored_name=stored_name,
        format=format_of(shape),
        profile=profile,
        timezone=timezone,
        stated_at=first_stated_at(earlier) or now,
        with_plans=True,
        user_id=user_id,
        shape=shape,
        status=BatchStatus.UPLOADED,
        now=now,
    )
    record(
        session,
        now=now,
        action="import.uploaded",
        actor_user_id=user_id,
        facility_id=facility_id,
        object_kind="import_batch",
        object_id=batch.id,
        details={"bytes": file.bytes},
    )
    return batch.id


def keep_mapping(
    session: Session,
    *,
    batch_id: int,
    profile: Profile,
    shape: CsvShape,
    with_plans: bool,
    preview: Mapping[str, Any] | None,
) -> BatchSnapshot:
    """Keep how an uploaded file is to be read and what a check of it found. Raises ``IllegalBatchMove``."""
    batch = session.get_one(ImportBatch, batch_id, with_for_update=True)
    if batch.status is not BatchStatus.UPLOADED:
        raise IllegalBatchMove(f"{batch.status}: the mapping is settled")
    batch.profile = profile.to_json()
    batch.shape = shape.to_json()
    batch.with_plans = with_plans
    batch.preview = None if preview is None else dict(preview)
    session.flush()
    return _read(session, batch_id)


def _read(session: Session, batch_id: int) -> BatchSnapshot:
    found = batch_snapshot(session, batch_id)
    if found is None:
        raise LookupError(f"no batch {batch_id}")
    return found
