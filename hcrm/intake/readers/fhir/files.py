"""Files of FHIR, in runs as other files are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from hcrm.intake.domain import Chunk, CsvShape, Layout, RowError
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.fhir.documents import Document, is_of_lines, lines_of, whole
from hcrm.intake.readers.fhir.records import Found, records_of
from hcrm.intake.readers.fhir.references import KEPT, Shelf
from hcrm.intake.readers.hl7v2 import Incoming, Reading
from hcrm.patients.domain import StayRow

_WORDS: Final = re.compile("[A-Za-z]+")
RUN: Final = 5_000
"""Records in one transaction."""


def fhir_shape() -> CsvShape:
    """The shape of a file of FHIR: one column, the resource."""
    return CsvShape(
        layout=Layout.FHIR,
        encoding="utf-8",
        delimiter="",
        header_row=0,
        header_line=0,
        heads=("resource",),
        columns={},
        ignored=(),
        date_orders={},
        ambiguous=(),
        samples=(),
    )


def read_chunks(order: Order) -> Iterator[Chunk]:
    """What a file records in runs; the runs are the same each time, so reading can be resumed.

    Rows and messages do not share a run. Raises ``FileRefused`` when the file is not JSON.
    """
    reading = Reading.of(order.profile, order.timezone, order.region)
    run = _Run(min(order.size, RUN))
    for document, shelf in _documents(order):
        for found in records_of(document, reading, order.now, shelf):
            if run.must_end_before(found):
                yield from run.chunk(order.skip)
            run.take(found, document.end)
    yield from run.chunk(order.skip)


def _documents(order: Order) -> Iterator[tuple[Document, Shelf | None]]:
    if not is_of_lines(order.path):
        yield whole(order.path), None
        return
    with ExitStack() as stack:
        shelf = stack.enter_context(Shelf())
        for beside in companions(order.path):
            _put_all(beside, shelf)
        file = stack.enter_context(order.path.open("rb"))
        for document in lines_of(file):
            if _is_kept(document):
                shelf.put(document.content)
        file.seek(0)
        for document in lines_of(file):
            yield document, shelf


def companions(path: Path) -> list[Path]:
    """The files of one export, a type of resource in each, that stays in ``path`` refer to.

    A file of Encounters finds ``Patient.ndjson`` and the like beside it, by the type in their names.
    """
    if "Encounter" not in _WORDS.findall(path.stem):
        return []
    beside = (each for each in path.parent.iterdir() if each.suffix == path.suffix and each != path and each.is_file())
    return sorted(each for each in beside if KEPT.intersection(_WORDS.findall(each.stem)))


def _put_all(path: Path, shelf: Shelf) -> None:
    with path.open("rb") as file:
        for document in lines_of(file):
            if _is_kept(document):
                shelf.put(document.content)


def _is_kept(document: Document) -> bool:
    return document.content.get("resourceType") in KEPT


class _Run:
    """Gathers records for one transaction, all rows or all messages."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._position = 0
        self._end = 0
        self._start()

    def _start(self) -> None:
        self._rows: list[StayRow] = []
        self._messages: list[Incoming] = []
        self._errors: list[RowError] = []
        self._skipped = self._count = 0

    def must_end_before(self, found: Found) -> bool:
        """Whether what was gathered has to be written before ``found`` is taken."""
        if self._count >= self._size:
            return True
        if isinstance(found.record, Incoming):
            return bool(self._rows or self._skipped or self._refused())
        return bool(self._messages)

    def _refused(self) -> bool:
        return bool(self._errors) and not self._messages

    def take(self, found: Found, end: int) -> None:
        self._position += 1
        self._count += 1
        self._end = end
        self._errors.extend(found.remarks)
        if isinstance(found.record, Incoming):
            self._messages.append(found.record)
        elif found.record is not None:
            self._rows.append(found.record)
        elif not found.remarks:
            self._skipped += 1

    def chunk(self, skip: int) -> Iterator[Chunk]:
        """What was gathered since the last call, unless it is settled already or nothing."""
        if self._count and self._position > skip:
            yield Chunk(self._position, self._rows, self._errors, self._skipped, self._end, self._messages)
        self._start()
