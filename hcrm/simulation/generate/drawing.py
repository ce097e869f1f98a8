"""What to write, and the pieces of it: what each department adds to a hospital's file of a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, Protocol

from hcrm.simulation.generate.fhir import Bundles
from hcrm.simulation.generate.hl7 import Messages
from hcrm.simulation.generate.parameters import Facility, Parameters, Style
from hcrm.simulation.generate.records import Event, Record
from hcrm.simulation.generate.rows import Cells, Table, csv_text
from hcrm.simulation.generate.stream import Stream

Format = Literal["csv", "xlsx", "hl7", "fhir"]
_DISCHARGED = Event.DISCHARGED


@dataclass(frozen=True, slots=True)
class Order:
    """What to write: ``count`` days from ``first`` on, in which format.

    ``style`` is the language of words and departments; ``all_rows`` adds to tables the rows of admissions and moves,
    which messages always have; ``daily`` makes a file of each day.
    """

    parameters: Parameters
    first: date
    count: int
    format: Format = "csv"
    style: Style = "en"
    all_rows: bool = False
    daily: bool = False

    @property
    def admissions(self) -> bool:
        return self.all_rows or self.format in {"hl7", "fhir"}


class Piece(NamedTuple):
    """What one department adds to a hospital's file: text, or rows for a workbook."""

    facility: int
    department: int
    content: bytes | list[Cells]


class Day(NamedTuple):
    """The pieces of a day in the order of the files, and how many records they hold of each event."""

    day: date
    pieces: list[Piece]
    counts: Counter[str]


class _Writer(Protocol):
    def text(self, records: list[Record]) -> str: ...


class _Csv:
    def __init__(self, style: Style) -> None:
        self._table = Table(style)

    def text(self, records: list[Record]) -> str:
        return csv_text(self._table.rows(records))


def draw(order: Order, departments: Sequence[int] | None = None) -> Iterator[Day]:
    """The days of some departments (None: of all)."""
    writers = [_writer(order, facility) for facility in order.parameters.group()]
    table = Table(order.style) if order.format == "xlsx" else None
    stream = Stream(order.parameters, admissions=order.admissions, departments=departments)
    for day, parts in stream.days(order.first, order.count):
        counts: Counter[str] = Counter()
        pieces = []
        for facility, department, records in parts:
            others = [record.event.value for record in records if record.event is not _DISCHARGED]
            counts.update(others)
            counts[_DISCHARGED.value] += len(records) - len(others)
            content = table.rows(records) if table else writers[facility].text(records).encode()
            pieces.append(Piece(facility, department, content))
        yield put_together(day, pieces, counts)


def put_together(day: date, pieces: list[Piece], counts: Counter[str]) -> Day:
    """A day whose pieces stand in the order of hospitals and their departments, whoever drew them."""
    return Day(day, sorted(pieces, key=_place), counts)


def _place(piece: Piece) -> tuple[int, int]:
    return piece.facility, piece.department


def _writer(order: Order, facility: Facility) -> _Writer:
    if order.format == "hl7":
        return Messages(facility, order.style)
    if order.format == "fhir":
        return Bundles(facility, order.style, order.parameters.zone)
    return _Csv(order.style)
