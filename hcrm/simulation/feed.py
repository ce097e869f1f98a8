"""A made-up hospital's records as its interface brings them: a file for each time, in one of the four formats.

HL7 v2 tells everything as it happens. Tables have no words for what is taken back, nor for merges, and come once a stay
is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hcrm.simulation.generate.drawing import Format
from hcrm.simulation.generate.fhir import Bundles
from hcrm.simulation.generate.files import SUFFIXES
from hcrm.simulation.generate.hl7 import Messages
from hcrm.simulation.generate.parameters import Style
from hcrm.simulation.generate.records import Event, Record, Stay
from hcrm.simulation.generate.rows import CSV_HEADS, HEADS, TOLD, Table, csv_text
from hcrm.simulation.generate.xlsx import Workbook
from hcrm.simulation.hospital import Hospital

__all__ = ["CSV_HEADS", "TOLD_BY_MESSAGES", "Feed", "write_csv"]

TOLD_BY_MESSAGES = frozenset(Event)
"""What messages can say: everything."""


@dataclass(frozen=True, slots=True)
class Feed:
    """The records of a hospital from day to day, and how they are written; the same ones each time."""

    hospital: Callable[[], Hospital]
    format: Format = "hl7"

    @property
    def tells(self) -> frozenset[Event]:
        """The events that the format has words for."""
        return TOLD_BY_MESSAGES if self.format in {"hl7", "fhir"} else TOLD

    def records(self, first: date, count: int) -> Iterator[tuple[date, list[Record]]]:
        """What there is to tell on each of ``count`` days from ``first`` on; messages also tell who comes and moves."""
        told = self.tells
        days = self.hospital().records(first, count, admissions=told is TOLD_BY_MESSAGES)
        return ((day, [each for each in records if each.event in told]) for day, records in days)

    def write(self, folder: Path, name: str, records: Sequence[Record]) -> Path:
        """Write ``records`` to a file in ``folder``; ``name`` is without its ending."""
        path = folder / f"{name}.{SUFFIXES[self.format]}"
        hospital = self.hospital()
        parameters = hospital.parameters()
        facility, style = parameters.group()[0], parameters.style
        if self.format == "xlsx":
            workbook = Workbook(path, style)
            workbook.add(Table(style).rows(records))
            workbook.close()
        elif self.format == "csv":
            _write_csv(path, Table(style).rows(records), style)
        elif self.format == "hl7":
            path.write_bytes(Messages(facility, style).text(records).encode())
        else:
            path.write_bytes(Bundles(facility, style, parameters.zone).text(records).encode())
        return path


def write_csv(path: Path, stays: Iterable[Stay], style: Style = "en") -> int:
    """Write stays that have ended to ``path`` (UTF-8, one head row); returns how many."""
    table = Table(style)
    return _write_csv(path, (table.row(stay, stay.discharged_at or stay.admitted_at) for stay in stays), style)


def _write_csv(path: Path, rows: Iterable[tuple[str, ...]], style: Style) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text([HEADS[style]]))
        for row in rows:
            file.write(csv_text([row]))
            count += 1
    return count
