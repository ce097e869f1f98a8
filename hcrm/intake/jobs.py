"""Imports from beginning to end: for commands, for simulations, and for the worker that takes up uploads."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from hcrm.clock import stopwatch
from hcrm.intake import queries, service
from hcrm.intake.domain import (
    KEPT_CHANGES,
    BatchSnapshot,
    BatchStatus,
    Chunk,
    CsvShape,
    FileFacts,
    FileRefused,
    ImportReport,
    Profile,
    Progress,
    RowError,
)
from hcrm.intake.readers.csv_rows import CHUNK, Order
from hcrm.intake.readers.files import cells_at, drop_uploads, expand_paths, file_facts, upload_folder
from hcrm.intake.readers.formats import format_of, shape_of
from hcrm.intake.readers.process import chunks
from hcrm.intake.readers.profiles import check_zone
from hcrm.logs import get_logger
from hcrm.organization.queries import facilities, facility
from hcrm.unit_of_work import Runtime, commit_soon, unit_of_work

UPLOADS_KEPT: Final = timedelta(days=7)
"""How long an upload waits for somebody to confirm it."""

LARGE_FILE: Final = 1024**2
"""Bytes from which on the garbage collector rests while a file is written; to make it rest takes time as well."""

RUNS_BETWEEN_COLLECTIONS: Final = 8
"""The garbage of a run is a few megabytes; to look for it takes as long as three hundred rows."""

ShowProgress = Callable[[Progress], None]
TakeRemarks = Callable[[Path, CsvShape, Sequence[RowError]], None]

log = get_logger(__name__)


class _NothingWritten(Exception):
    """Rolls a dry run back."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One file with everything that is needed to read it."""

    path: Path
    shape: CsvShape
    facts: FileFacts
    profile: Profile
    timezone: str
    region: str


def import_files(
    runtime: Runtime,
    *,
    facility_id: int,
    paths: Sequence[Path],
    profile: Profile | None = None,
    timezone: str | None = None,
    dry_run: bool = False,
    with_plans: bool = True,
    actor_user_id: int | None = None,
    progress: ShowProgress | None = None,
    stated_at: datetime | None = None,
    remarks: TakeRemarks | None = None,
    kind: str = "auto",
) -> ImportReport:
    """Import files and folders, a transaction per run of 10,000 records; the same file again changes nothing.

    ``timezone`` is for times without a zone and for the calendar days of the stays (default: the facility's).
    ``dry_run`` does everything in one transaction that is rolled back. ``remarks`` gets what is said about rows as it
    comes. ``kind`` is one of ``formats.FORMATS``. A file that cannot be read is reported in ``refused_files``; the
    others go on. Raises ``FileRefused`` when a path does not exist or the time zone is unknown.
    """
    began = stopwatch()
    report = ImportReport()
    profile = profile or Profile()
    with unit_of_work(runtime.sessions) as session:
        hospital = facility(session, facility_id)
    zone = check_zone(profile.timezone or timezone or hospital.timezone).key
    for path in expand_paths(paths):
        report.files.append(path.name)
        try:
            source = _source(path, profile, zone, hospital.country, kind=kind)
            report.notes.extend((path.name, note) for note in source.shape.notes)
            run = _Run(runtime, facility_id, source, report, progress, remarks)
            if dry_run:
                run.rehearse(stated_at or runtime.clock.now())
            else:
                run.carry_out(stated_at, with_plans=with_plans, user_id=actor_user_id)
        except FileRefused as refusal:
            report.refused_files.append((path.name, refusal))
    report.seconds = stopwatch() - began
    return report


def _source(path: Path, profile: Profile, timezone: str, region: str, name: str = "", kind: str = "auto") -> _Source:
    shape = shape_of(path, profile, name, kind)
    return _Source(path, shape, file_facts(path, shape, name), profile, timezone, region)


class _Run:
    """The import of one file."""

    def __init__(
        self,
        runtime: Runtime,
        facility_id: int,
        source: _Source,
        report: ImportReport,
        progress: ShowProgress | None,
        remarks: TakeRemarks | None,
    ) -> None:
        self._runtime = runtime
        self._facility_id = facility_id
        self._source = source
        self._report = report
        self._progress = progress
        self._remarks = remarks
        self._rows = 0

    def rehearse(self, stated_at: datetime) -> None:
        """Count what an import would do, and take it all back."""
        with suppress(_NothingWritten), unit_of_work(self._runtime.sessions) as session:
            for chunk in chunks(self._order()):
                room = KEPT_CHANGES - len(self._report.changes)
                counts, remarks, changes = service.rehearse_chunk(
                    session,
                    facility_id=self._facility_id,
                    stated_at=stated_at,
                    chunk=chunk,
                    timezone=self._source.timezone,
                    now=self._runtime.clock.now(),
                    compare=room > 0,
                )
                self._report.changes.extend((self._source.facts.name, change) for change in changes[: max(room, 0)])
                self._tell(chunk, counts, remarks)
            raise _NothingWritten

    def carry_out(self, stated_at: datetime | None, *, with_plans: bool, user_id: int | None) -> None:
        """Import a file that lies where the command found it."""
        source = self._source
        with held_file(self._runtime, self._facility_id, source.facts.sha256):
            with unit_of_work(self._runtime.sessions) as session:
                batch = service.start_batch(
                    session,
                    facility_id=self._facility_id,
                    file=source.facts,
                    format=format_of(source.shape),
                    profile=source.profile,
                    timezone=source.timezone,
                    stated_at=stated_at,
                    with_plans=with_plans,
                    user_id=user_id,
                    shape=source.shape,
                    now=self._runtime.clock.now(),
                )
            self.go_on(batch)

    def go_on(self, batch: BatchSnapshot) -> None:
        """Read and write from where ``batch`` stands to its end. The caller holds the file's lock."""
        self._report.batch_ids.append(batch.id)
        if batch.position:
            self._report.resumed += 1
            self._report.add(batch.file_name, {k: v for k, v in batch.counts.items() if ":" not in k}, ())
            self._rows = batch.counts.get("rows_read", 0)
        to = BatchStatus.INTERRUPTED
        try:
            with _collecting_between_runs() if self._is_large() else nullcontext():
                for number, chunk in enumerate(chunks(self._order(skip=batch.position)), 1):
                    self._settle(batch.id, chunk)
                    del chunk  # or it is in memory together with the next two
                    if self._is_large() and number % RUNS_BETWEEN_COLLECTIONS == 0:
                        gc.collect()
            to = BatchStatus.FINISHED
        finally:
            with unit_of_work(self._runtime.sessions) as session:
                service.move_batch(session, batch_id=batch.id, to=to, now=self._runtime.clock.now())
            log.info("import of a file ended", batch_id=batch.id, status=to.value, rows=self._rows)

    def _is_large(self) -> bool:
        """Whether its rows would keep the garbage collector busy; a day's feed is read before that had begun."""
        return self._source.facts.bytes > LARGE_FILE

    def _settle(self, batch_id: int, chunk: Chunk) -> None:
        with unit_of_work(self._runtime.sessions) as session:
            commit_soon(session)
            counts, remarks = service.settle_chunk(
                session,
                batch_id=batch_id,
                chunk=chunk,
                timezone=self._source.timezone,
                cells_of=lambda lines: cells_at(self._source.path, self._source.shape, lines),
                now=self._runtime.clock.now(),
            )
        self._tell(chunk, counts, remarks)

    def _tell(self, chunk: Chunk, counts: dict[str, int], remarks: Sequence[RowError]) -> None:
        source = self._source
        self._rows += counts["rows_read"]
        self._report.add(source.facts.name, counts, remarks)
        if self._remarks is not None:
            self._remarks(source.path, source.shape, remarks)
        if self._progress is not None:
            self._progress(Progress(source.facts.name, chunk.bytes_read, source.facts.bytes, self._rows))

    def _order(self, skip: int = 0) -> Order:
        source = self._source
        now = self._runtime.clock.now()
        return Order(source.path, source.shape, source.profile, source.timezone, source.region, now, CHUNK, skip)


@contextmanager
def _collecting_between_runs() -> Iterator[None]:
    """Leave the garbage collector off while a run is written: going through its rows again and again costs a fifth.

    A process that has frozen what it holds for good keeps it so.
    """
    was_on = gc.isenabled()
    frozen_before = gc.get_freeze_count() > 0
    if not frozen_before:
        gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        if not frozen_before:
            gc.unfreeze()
        if was_on:
            gc.enable()


@contextmanager
def held_file(runtime: Runtime, facility_id: int, sha256: str) -> Iterator[None]:
    """Hold the lock of a file, waiting for whoever imports it at the moment."""
    with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        service.lock_file(connection, facility_id, sha256)
        try:
            yield
        finally:
            service.unlock_file(connection, facility_id, sha256)


@contextmanager
def _file_if_free(runtime: Runtime, batch: BatchSnapshot) -> Iterator[bool]:
    with runtime.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        free = service.lock_file(connection, batch.facility_id, batch.file_sha256, wait=False)
        try:
            yield free
        finally:
            if free:
                service.unlock_file(connection, batch.facility_id, batch.file_sha256)


def run_pending_batches(runtime: Runtime) -> int:
    """Import the uploads that were confirmed, and take up those whose worker was killed; returns how many.

    Batches of a command that was killed are marked interrupted: bringing the same file again goes on with them.
    """
    forget_old_uploads(runtime)
    with unit_of_work(runtime.sessions) as session:
        waiting = queries.batches_in(session, BatchStatus.QUEUED, BatchStatus.RUNNING, BatchStatus.INTERRUPTED)
    done = 0
    for batch in waiting:
        with _file_if_free(runtime, batch) as free:
            done += int(free and _take_up(runtime, batch.id))
    return done


def _take_up(runtime: Runtime, batch_id: int) -> bool:
    with unit_of_work(runtime.sessions) as session:
        batch = queries.batch(session, batch_id)
        if batch is None or batch.status not in {BatchStatus.QUEUED, BatchStatus.RUNNING, BatchStatus.INTERRUPTED}:
            return False
        if batch.stored_name is None:
            if batch.status is BatchStatus.RUNNING:
                service.move_batch(session, batch_id=batch_id, to=BatchStatus.INTERRUPTED, now=runtime.clock.now())
            return False
        hospital = facility(session, batch.facility_id)
        batch = service.move_batch(session, batch_id=batch_id, to=BatchStatus.RUNNING, now=runtime.clock.now())
    stored = batch.stored_name
    try:
        path = upload_folder(runtime.settings.instance_dir) / str(stored)
        source = _source(path, batch.profile, batch.timezone, hospital.country, batch.file_name)
        _Run(runtime, batch.facility_id, source, ImportReport(), None, None).go_on(batch)
    except FileRefused as refusal:
        with unit_of_work(runtime.sessions) as session:
            service.move_batch(
                session, batch_id=batch_id, to=BatchStatus.FAILED, now=runtime.clock.now(), failure=refusal
            )
    drop_uploads(runtime.settings.instance_dir, [stored])
    return True


def apply_waiting_messages(runtime: Runtime) -> int:
    """Apply messages of interfaces that have waited for what other sources have brought since; returns how many."""
    with unit_of_work(runtime.sessions) as session:
        places = [
            service.Place(each, facility(session, each).timezone) for each in queries.facilities_with_waiting(session)
        ]
    done = 0
    for place in places:
        after, more = 0, True
        while more:
            with unit_of_work(runtime.sessions) as session:
                after, applied = service.apply_waiting(session, place, after_id=after, now=runtime.clock.now())
            done += applied
            more = after > 0
    return done


def thin_messages(runtime: Runtime) -> int:
    """Drop messages of interfaces that were applied long ago, keeping their counts; returns how many."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        places = [each.id for each in facilities(session)]
        service.forget_posted(session, now=now)
    done = 0
    for place in places:
        gone = service.AT_ONCE
        while gone == service.AT_ONCE:
            with unit_of_work(runtime.sessions) as session:
                gone = service.thin_messages(session, facility_id=place, now=now)
            done += gone
    return done


def forget_old_uploads(runtime: Runtime) -> int:
    """Discard uploads that nobody has confirmed for a week, and delete their files; returns how many."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        uploads = queries.batches_in(session, BatchStatus.UPLOADED)
        old = [batch for batch in uploads if batch.created_at < now - UPLOADS_KEPT]
        for batch in old:
            service.move_batch(session, batch_id=batch.id, to=BatchStatus.DISCARDED, now=now)
    drop_uploads(runtime.settings.instance_dir, [batch.stored_name for batch in old])
    return len(old)
