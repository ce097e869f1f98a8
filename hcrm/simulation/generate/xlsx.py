"""A feed as XLSX: one sheet of text cells, times as real date cells; the same bytes for the same rows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from hcrm.simulation.generate.parameters import Style
from hcrm.simulation.generate.rows import CSV_HEADS, HEADS, Cells

MADE_ON: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Stands in every file for when it was made."""
MOST_ROWS: Final = 1_048_576
"""What a sheet holds; the rest goes on the next one."""
_DAYS: Final = frozenset(CSV_HEADS.index(head) for head in ("birth_date", "deceased_at"))
_MOMENTS: Final = frozenset(CSV_HEADS.index(head) for head in ("admitted_at", "discharged_at", "event_time"))


class Workbook:
    """One XLSX file; rows are written as they come and kept on disk, not in memory. ``close`` completes it."""

    def __init__(self, path: Path, style: Style) -> None:
        options = {"constant_memory": True, "strings_to_numbers": False, "strings_to_formulas": False,
                   "strings_to_urls": False}  # fmt: skip
        self._book: Any = xlsxwriter.Workbook(str(path), options)
        self._book.set_properties({"created": MADE_ON.replace(tzinfo=None)})
        self._day = self._book.add_format({"num_format": "yyyy-mm-dd"})
        self._moment = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._heads = HEADS[style]
        self._sheets = 0
        self._new_sheet()

    def add(self, rows: Iterable[Cells]) -> None:
        """Write rows below those there are."""
        for row in rows:
            if self._at >= MOST_ROWS:
                self._new_sheet()
            self._write(row)

    def close(self) -> None:
        """Complete the file. Raises ``OSError``."""
        try:
            self._book.close()
        except FileCreateError as problem:
            raise OSError(str(problem)) from problem

    def _new_sheet(self) -> None:
        self._sheets += 1
        self._sheet: Any = self._book.add_worksheet("discharges" if self._sheets == 1 else f"discharges {self._sheets}")
        self._sheet.write_row(0, 0, self._heads)
        self._at = 1

    def _write(self, row: Cells) -> None:
        sheet, at = self._sheet, self._at
        for column, cell in enumerate(row):
            if not cell:
                continue
            if column in _MOMENTS:
                sheet.write_datetime(at, column, datetime.fromisoformat(cell), self._moment)
            elif column in _DAYS:
                sheet.write_datetime(at, column, date.fromisoformat(cell), self._day)
            else:
                sheet.write_string(at, column, cell)
        self._at += 1
