"""Writes made-up stays as the discharge export of a hospital: CSV with English or Chinese column heads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hcrm.simulation.generate.parameters import Style
from hcrm.simulation.generate.records import Record, Stay
from hcrm.simulation.generate.rows import CSV_HEADS, HEADS, TOLD, Table, csv_text

__all__ = ["CSV_HEADS", "write_csv", "write_records"]


def write_csv(path: Path, stays: Iterable[Stay], style: Style = "en") -> int:
    """Write stays that have ended to ``path`` (UTF-8, one head row); returns how many."""
    table = Table(style)
    return _write(path, (table.row(stay, stay.discharged_at or stay.admitted_at) for stay in stays), style)


def write_records(path: Path, records: Iterable[Record], style: Style = "en") -> int:
    """Write those ``records`` to ``path`` that a table can say; returns how many."""
    table = Table(style)
    return _write(path, (table.row(each.stay, each.event_at) for each in records if each.event in TOLD), style)


def _write(path: Path, rows: Iterable[tuple[str, ...]], style: Style) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_text([HEADS[style]]))
        for row in rows:
            file.write(csv_text([row]))
            count += 1
    return count
