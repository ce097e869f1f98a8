"""Reads discharge records from CSV: plain tables with English or Chinese heads, and Synthea's layout."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from hcrm.intake.domain import (
    DATE_FIELDS,
    Chunk,
    CsvShape,
    FileRefused,
    Layout,
    Profile,
    RowError,
    RowRefused,
    Severity,
)
from hcrm.intake.readers.csv_rows.rows import TableRows
from hcrm.intake.readers.csv_rows.shape import refuse_unreadable, sniff
from hcrm.intake.readers.csv_rows.synthea import COMPANIONS, SyntheaRows
from hcrm.intake.readers.csv_rows.text import Mark, Records, open_text
from hcrm.intake.readers.csv_rows.words import TOTAL_WORDS
from hcrm.patients.domain import StayRow

CHUNK: Final = 10_000
FIRST_ENDS: Final = (1_000, 4_000)
"""Where a first run of ``CHUNK`` records is cut, so that whoever writes need not wait for all of it."""

REMEMBERED_ROWS: Final = 1_000_000
"""Repeated rows and visit numbers are recognised over this many rows of a file; the memory for it stays flat."""
DEFAULT_REGION: Final = "CN"


class Order(NamedTuple):
    """What to read and how; can be handed to another process. ``skip`` records are settled already."""

    path: Path
    shape: CsvShape
    profile: Profile
    timezone: str
    region: str
    now: datetime
    size: int = CHUNK
    skip: int = 0


class TableRecords(Protocol):
    """The records of a table, each with its line, as ``text.Records`` gives them."""

    raw: str
    nul_lines: set[int]
    marks: dict[int, list[Mark]]

    def __iter__(self) -> Iterator[tuple[int, list[str] | None]]: ...


def read(
    path: Path, profile: Profile | None, timezone: str, now: datetime, region: str = DEFAULT_REGION
) -> Iterator[StayRow | RowError]:
    """All rows and remarks of a file, in its order (a row after the remarks about it).

    Raises ``FileRefused`` when the file cannot be read at all.
    """
    profile = profile or Profile()
    shape = sniff(path, profile)
    for chunk in read_chunks(Order(path, shape, profile, timezone, region, now)):
        items: list[StayRow | RowError] = [*chunk.errors, *chunk.rows]
        yield from sorted(items, key=_line)


def _line(item: StayRow | RowError) -> int:
    return item.line


def read_chunks(order: Order) -> Iterator[Chunk]:
    """The file in runs of up to ``order.size`` records; they are the same each time, so reading can be resumed."""
    refuse_unreadable(order.shape, order.path.name)
    with open_text(order.path, order.shape.encoding) as file:
        records = Records(file, order.shape.delimiter, len(order.shape.heads))
        yield from chunks_of(records, order, file.buffer.tell)


def chunks_of(records: TableRecords, order: Order, bytes_read: Callable[[], int]) -> Iterator[Chunk]:
    """The records of a table below its head in runs; ``bytes_read`` tells how far in the file they are."""
    gatherer = _Gatherer(order.shape, _builder(order))
    position = -order.shape.header_row
    for line, cells in records:
        position += 1
        if position <= 0:
            continue
        gatherer.take(line, cells, records)
        if _ends_run(position, order.size):
            chunk = gatherer.chunk(position, bytes_read())
            if position > order.skip:
                yield chunk
    if position > 0 and not _ends_run(position, order.size) and position > order.skip:
        yield gatherer.chunk(position, bytes_read())


def _ends_run(position: int, size: int) -> bool:
    return position % size == 0 or (position in FIRST_ENDS and size == CHUNK)


def _builder(order: Order) -> TableRows:
    zone = ZoneInfo(order.profile.timezone or order.timezone)
    if order.shape.layout is Layout.SYNTHEA:
        return SyntheaRows(order.shape, order.profile, zone, order.region, order.now, order.path.parent)
    return TableRows(order.shape, order.profile, zone, order.region, order.now)


class _Gatherer:
    """Collects the rows and remarks of a run, and remembers which rows and visits the file had before."""

    def __init__(self, shape: CsvShape, builder: TableRows) -> None:
        self._width = len(shape.heads)
        self._heads = list(shape.heads)
        self._dates = [at for field in DATE_FIELDS for at in shape.columns.get(field, ())]
        self._builder = builder
        self._seen: dict[int, int] = {}
        self._start()

    def _start(self) -> None:
        self._rows: list[StayRow] = []
        self._errors: list[RowError] = []
        self._skipped = 0

    def chunk(self, position: int, bytes_read: int) -> Chunk:
        """What was gathered since the last call."""
        chunk = Chunk(position, self._rows, self._errors, self._skipped, bytes_read)
        self._start()
        return chunk

    def take(self, line: int, raw: list[str] | None, records: TableRecords) -> None:
        """Take one record; ``None`` stands for one whose quote was never closed."""
        if raw is None:
            self._refuse(line, "", "unclosed_quote", {}, (records.raw,))
            return
        cells = list(map(str.strip, raw))
        remarks = self._builder.remarks
        remarks.clear()
        try:
            if len(cells) != self._width:
                self._fit(cells)
            if records.marks:
                self._heed(records.marks.pop(line, ()))
            row = self._builder.build(line, cells)
            self._compare(row, cells)
        except RowRefused as refusal:
            if self._is_no_record(cells):
                self._skipped += 1
            else:
                self._refuse(line, refusal.field, refusal.code, refusal.params, tuple(raw))
            return
        self._rows.append(row)
        if line in records.nul_lines:
            remarks.append(("", "nul_removed", {}))
        if remarks:
            self._warn(line, remarks, tuple(raw))

    def _heed(self, marks: Sequence[Mark]) -> None:
        for mark in marks:
            if mark.refuses:
                raise RowRefused(mark.code, mark.field, **mark.params)
            self._builder.remark(mark.field, mark.code, **mark.params)

    def _fit(self, cells: list[str]) -> None:
        missing = self._width - len(cells)
        if missing > 0:
            cells.extend([""] * missing)
            self._builder.remark("", "short_row", missing=missing)
        elif any(cells[self._width :]):
            raise RowRefused("too_many_cells", cells=len(cells), heads=self._width)

    def _compare(self, row: StayRow, cells: list[str]) -> None:
        """Remark an exact repetition; refuse a visit number that the file gave to another patient before."""
        key = hash(row.visit_number)
        patient = hash(row.mrn) & 0xFFFF_FFFF
        mark = (hash(tuple(cells)) & 0x3FFF_FFFF) << 32 | patient
        known = self._seen.get(key)
        if known is None:
            if len(self._seen) >= REMEMBERED_ROWS:
                self._seen.clear()
            self._seen[key] = mark
        elif known == mark:
            self._builder.remark("", "duplicate_row")
        elif known & 0xFFFF_FFFF != patient:
            raise RowRefused("visit_of_another_patient", "visit_number", value=row.visit_number[:80])

    def _is_no_record(self, cells: Sequence[str]) -> bool:
        """Empty rows, totals and signatures below the table, and the head once more on a new page."""
        first = next((cell for cell in cells if cell), "")
        if not first or list(cells[: self._width]) == self._heads:
            return True
        dated = any(cells[at] for at in self._dates if at < len(cells))
        return not dated and first.casefold().startswith(TOTAL_WORDS)

    def _refuse(self, line: int, field: str, code: str, params: dict[str, Any], cells: tuple[str, ...]) -> None:
        self._errors.append(RowError(line, field, code, Severity.REJECTED, params, cells))

    def _warn(self, line: int, remarks: Sequence[tuple[str, str, dict[str, Any]]], cells: tuple[str, ...]) -> None:
        for field, code, params in remarks:
            self._errors.append(RowError(line, field, code, Severity.WARNING, params, cells))


__all__ = [
    "CHUNK",
    "COMPANIONS",
    "FileRefused",
    "Order",
    "chunks_of",
    "read",
    "read_chunks",
    "refuse_unreadable",
    "sniff",
]
