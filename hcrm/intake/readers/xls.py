"""Old Excel workbooks (XLS), shown to the reader of workbooks as openpyxl shows new ones.

Nothing in such a file is packed, so its size bounds what it can become. It is read whole into memory, which is why a
large one is refused.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import xlrd  # type: ignore[import-untyped]
from xlrd.biffh import error_text_from_code  # type: ignore[import-untyped]
from xlrd.compdoc import CompDocError  # type: ignore[import-untyped]
from xlrd.xldate import XLDateError, xldate_as_datetime  # type: ignore[import-untyped]

from hcrm.intake.domain import FileRefused

MAGIC: Final = b"\xd0\xcf\x11\xe0"
LARGEST: Final = 32 << 20
"""Bytes of a file; about five million cells at most."""

DAMAGES: Final = (CompDocError, AssertionError, struct.error, xlrd.XLRDError, RecursionError, MemoryError)
"""What xlrd raises, beside what other damaged files raise, for a workbook that is not as it should be."""

_DAY: Final = "yyyy-mm-dd"
_STATES: Final = ("visible", "hidden", "veryHidden")


class Cell(NamedTuple):
    """A cell as openpyxl would give it; ``data_type`` is ``e`` for an error."""

    value: Any
    data_type: str = "n"
    number_format: str = ""


def is_old_workbook(path: Path) -> bool:
    """Whether the file is an old Office document. Raises ``FileRefused``: ``not_found`` or ``unreadable``."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except FileNotFoundError:
        raise FileRefused("not_found", file=path.name) from None
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None


def refuse_large(path: Path, name: str) -> None:
    """Raises ``FileRefused`` (``xls_too_large``)."""
    if path.stat().st_size > LARGEST:
        raise FileRefused("xls_too_large", file=name)


class Book:
    """A workbook; its sheets are read when they are asked for.

    Raises ``FileRefused``: ``xls_too_large``, or ``xls_no_table`` for another old document and a protected workbook.
    """

    def __init__(self, path: Path) -> None:
        refuse_large(path, path.name)
        try:
            self._book = xlrd.open_workbook(
                file_contents=path.read_bytes(), logfile=io.StringIO(), on_demand=True, ragged_rows=True
            )
        except xlrd.XLRDError:
            raise FileRefused("xls_no_table", file=path.name) from None
        begins = self._book._sh_abs_posn  # noqa: SLF001  # where each sheet begins in the file
        if len(set(begins)) < len(begins):
            raise CompDocError("sheets that are one and the same would be read again and again")
        self._read: int | None = None
        self.worksheets = [Sheet(self._book, at, self._sheet) for at in range(self._book.nsheets)]

    def _sheet(self, at: int) -> Any:
        """One sheet, read now; only one at a time is in memory."""
        if self._read not in {None, at}:
            self._book.unload_sheet(self._read)
        self._read = at
        return self._book.sheet_by_index(at)

    def __getitem__(self, title: str) -> Sheet:
        return next(each for each in self.worksheets if each.title == title)

    def close(self) -> None:
        """Give the memory back."""
        self._book.release_resources()


class Sheet:
    """One sheet of a workbook."""

    def __init__(self, book: Any, at: int, read: Callable[[int], Any]) -> None:
        self._book = book
        self._at = at
        self._read = read
        self.title = str(book.sheet_names()[at])
        visibility = book._sheet_visibility  # noqa: SLF001  # known before a sheet is read, and nowhere else
        self.sheet_state = _STATES[visibility[at]] if visibility[at] < len(_STATES) else "hidden"

    def reset_dimensions(self) -> None:
        """Nothing: an old workbook says how far its rows go by the rows themselves."""

    @property
    def max_row(self) -> int:
        return int(self._read(self._at).nrows)

    def iter_rows(self, max_row: int) -> Iterator[Sequence[Cell]]:
        """The rows, each as far as it goes."""
        sheet = self._read(self._at)
        for number in range(min(sheet.nrows, max_row)):
            yield [
                _cell(kind, value, self._book.datemode)
                for kind, value in zip(sheet.row_types(number), sheet.row_values(number), strict=True)
            ]


def _cell(kind: int, value: Any, datemode: int) -> Cell:
    match kind:
        case xlrd.XL_CELL_TEXT:
            return Cell(value, "s")
        case xlrd.XL_CELL_NUMBER:
            return Cell(value)
        case xlrd.XL_CELL_DATE:
            return _date(value, datemode)
        case xlrd.XL_CELL_BOOLEAN:
            return Cell(bool(value), "b")
        case xlrd.XL_CELL_ERROR:
            return Cell(error_text_from_code.get(value, "#N/A"), "e")
        case _:
            return Cell(None)


def _date(value: float, datemode: int) -> Cell:
    """A number that is shown as a date; one that no calendar has stays a number."""
    try:
        moment: datetime = xldate_as_datetime(value, datemode)
    except (XLDateError, OverflowError, ValueError):
        return Cell(value)
    return Cell(moment, "d", _DAY if float(value).is_integer() else "")
