"""Reads discharge records from XLSX and XLS: one sheet of a workbook, by the same rules as a CSV table.

Formulas are never computed: the value that the spreadsheet program left in the file counts.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice, repeat
from pathlib import Path
from typing import Any, Final, NamedTuple
from zipfile import BadZipFile

from openpyxl import load_workbook  # type: ignore[import-untyped]

from hcrm.intake.domain import DATE_FIELDS, Chunk, CsvShape, FileRefused, Layout, Profile
from hcrm.intake.readers import xls
from hcrm.intake.readers.csv_rows import Order, chunks_of, refuse_unreadable
from hcrm.intake.readers.csv_rows.heads import missing_fields
from hcrm.intake.readers.csv_rows.phones import number_reader
from hcrm.intake.readers.csv_rows.shape import (
    LONGEST_HEAD,
    MOST_COLUMNS,
    SAMPLE_RECORDS,
    SHOWN_ROWS,
    best_head,
    columns_of,
    notes_of,
    orders_of,
    see_all,
)
from hcrm.intake.readers.csv_rows.text import Mark
from hcrm.intake.readers.xlsx_archive import check_archive
from hcrm.intake.readers.xlsx_cells import ERRORS, cell_text, is_inexact, is_number
from hcrm.patients.domain import LineType

LAST_ROW: Final = 1_048_576
SHOWN_SHEETS: Final = 20
_LOOKED_AT: Final = 1_000
"""Rows from which the usual length of numbers is known before the first of them is judged."""
_NUMBERS: Final = frozenset({"mrn", "visit_number"})
_PHONES: Final = frozenset({"phone", "contact_phone"})

_DAMAGES: Final = (
    ArithmeticError, AttributeError, BadZipFile, LookupError, OSError, SyntaxError, TypeError, ValueError, *xls.DAMAGES,
)  # fmt: skip
"""What openpyxl and xlrd raise for a workbook that is not as it should be."""

warnings.filterwarnings("ignore", category=UserWarning, module=r"openpyxl\..*")


class _Table(NamedTuple):
    """What a sheet seems to hold; ``lines`` are the rows of its first records."""

    title: str
    records: list[list[str]]
    lines: list[int]
    head: int
    columns: Mapping[str, tuple[int, ...]]

    @property
    def heads(self) -> tuple[str, ...]:
        return tuple(self.records[self.head])


def workbook_shape(path: Path, profile: Profile, name: str = "") -> CsvShape:
    """What the sheet of a workbook that holds the records seems to be.

    Raises ``FileRefused``: those of ``check_archive``, ``empty_file``, ``sheet_missing``, ``several_sheets`` or
    ``no_sheet`` (each with the names of the sheets), ``no_heads``, ``mixed_dates`` and what a profile can be refused
    for. A shape may lack required columns or have ambiguous dates, as that of a CSV file.
    """
    name = name or path.name
    _check(path)
    with _opened(path) as books:
        table = _chosen(books[0], profile, name)
    if len(table.heads) > MOST_COLUMNS or any(len(each) > LONGEST_HEAD for each in table.heads):
        raise FileRefused("no_heads", file=name)
    samples = [row for row in table.records[table.head + 1 :] if any(row)]
    shape = CsvShape(
        layout=Layout.WORKBOOK,
        encoding="utf-8",
        delimiter=",",
        header_row=table.head + 1,
        header_line=table.lines[table.head],
        heads=table.heads,
        columns=table.columns,
        ignored=_unused(table),
        date_orders={},
        ambiguous=(),
        samples=tuple(map(tuple, samples[:SHOWN_ROWS])),
        notes=notes_of(path, Layout.WORKBOOK, table.columns, profile),
        sheet=table.title,
    )
    return _with_dates(path, shape, samples, profile, name)


def _check(path: Path) -> bool:
    """Whether the workbook, which is safe to open, holds formulas whose cells have to be looked at."""
    if xls.is_old_workbook(path):
        xls.refuse_large(path, path.name)
        return False
    return bool(check_archive(path))


def _unused(table: _Table) -> tuple[int, ...]:
    used = {position for positions in table.columns.values() for position in positions}
    return tuple(position for position in range(len(table.heads)) if position not in used)


def _with_dates(path: Path, shape: CsvShape, samples: Sequence[Sequence[str]], profile: Profile, name: str) -> CsvShape:
    """How dates written as text are to be read; looks at all rows if the first ones leave a doubt."""
    fields = [field for field in DATE_FIELDS if shape.columns.get(field)]
    evidence = {} if profile.date_formats else see_all(samples, fields, shape.columns)
    if any(seen.day_first or seen.month_first or seen.either for seen in evidence.values()):
        with sheet_records(path, shape, "") as records:
            evidence = see_all((cells for _, cells in islice(records, shape.header_row, None)), fields, shape.columns)
    for field, seen in evidence.items():
        if seen.mixed:
            raise FileRefused("mixed_dates", file=name, head=shape.heads[shape.columns[field][0]])
    ambiguous = tuple(field for field, seen in evidence.items() if seen.ambiguous)
    return replace(shape, date_orders=orders_of(evidence, shape.columns, profile), ambiguous=ambiguous)


def _chosen(book: Any, profile: Profile, name: str) -> _Table:
    """The sheet that the profile names, else the only one with the heads that records need."""
    titles = [sheet.title for sheet in book.worksheets]
    shown = titles[:SHOWN_SHEETS]
    if profile.sheet:
        if profile.sheet not in titles:
            raise FileRefused("sheet_missing", file=name, sheet=profile.sheet, sheets=shown)
        tables = [_table(book[profile.sheet], profile, name)]
    else:
        visible = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
        tables = [_table(sheet, profile, name) for sheet in visible]
    filled = [table for table in tables if table.records]
    fitting = [table for table in filled if not missing_fields(table.columns)]
    if not filled:
        raise FileRefused("empty_file", file=name)
    if len(fitting) > 1:
        raise FileRefused("several_sheets", file=name, sheets=[table.title for table in fitting[:SHOWN_SHEETS]])
    if not fitting and len(filled) > 1:
        raise FileRefused("no_sheet", file=name, sheets=shown)
    return (fitting or filled)[0]


def _table(sheet: Any, profile: Profile, name: str) -> _Table:
    numbered = list(islice(_rows_of(sheet), SAMPLE_RECORDS))
    records = [[cell_text(cell).strip() for cell in row] for _, row in numbered]
    head = profile.header_row - 1 if profile.header_row else best_head(records) if records else 0
    if profile.header_row > len(records):
        raise FileRefused("header_row_missing", file=name, row=profile.header_row)
    if not records:
        return _Table(sheet.title, [], [], 0, {})
    while records[head] and not records[head][-1]:
        records[head].pop()
    lines = [line for line, _ in numbered]
    try:
        columns = columns_of(tuple(records[head]), Layout.WORKBOOK, profile)
    except FileRefused:
        if profile.sheet:
            raise
        columns = {}
    return _Table(sheet.title, records, lines, head, columns)


def _rows_of(sheet: Any) -> Iterator[tuple[int, Sequence[Any]]]:
    """Rows that hold anything, with their number."""
    sheet.reset_dimensions()
    for number, row in enumerate(sheet.iter_rows(max_row=LAST_ROW), start=1):
        if any(cell.value is not None and cell.value != "" for cell in row):
            yield number, row


@contextmanager
def _opened(path: Path, *, formulas: bool = False) -> Iterator[list[Any]]:
    """The workbook with the values of its formulas and, where asked for, once more with the formulas themselves.

    Raises ``FileRefused`` (``xlsx_broken``), also for what shows only while it is read.
    """
    books: list[Any] = []
    stack = ExitStack()
    try:
        if xls.is_old_workbook(path):
            books.append(xls.Book(path))
        for data_only in (True, False)[: 0 if books else 1 + formulas]:
            file = stack.enter_context(path.open("rb"))  # by its name, openpyxl would judge what it is
            books.append(load_workbook(file, read_only=True, data_only=data_only, keep_links=False))
        yield books
    except FileRefused:
        raise
    except _DAMAGES as error:
        raise FileRefused("xlsx_broken", file=path.name) from error
    finally:
        for book in books:
            book.close()
        stack.close()


class SheetRecords:
    """The records of a sheet, each with the number of its row, and what is to be said about how they are kept."""

    def __init__(self, books: Sequence[Any], shape: CsvShape, region: str) -> None:
        self._sheets = [book[shape.sheet] for book in books]
        self._width = len(shape.heads)
        self._head_line = shape.header_line
        self._fields = {at: field for field, positions in shape.columns.items() for at in positions}
        self._longest: dict[int, int] = {}
        self._number = number_reader(region) if region else None
        self.rows = max(self._sheets[0].max_row or 0, 1)
        self.line = 0
        self.raw = ""
        self.nul_lines: set[int] = set()
        self.marks: dict[int, list[Mark]] = {}

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        values = self._with_formulas()
        first = list(islice(values, _LOOKED_AT))
        for number, row, _ in first:
            self._measure(number, row)
        for source in (iter(first), values):
            for self.line, row, formulas in source:
                cells = [cell_text(cell) for cell in row]
                if self.line > self._head_line:
                    self._measure(self.line, row)
                    self._judge(row, cells, formulas)
                yield self.line, self._fitted(cells)

    def _fitted(self, cells: list[str]) -> list[str]:
        """As many cells as there are heads; empty ones behind them are formatting."""
        missing = self._width - len(cells)
        if missing > 0:
            return [*cells, *repeat("", missing)]
        return cells if any(cells[self._width :]) else cells[: self._width]

    def _with_formulas(self) -> Iterator[tuple[int, Sequence[Any], frozenset[int]]]:
        """Rows with the positions of their formulas."""
        if len(self._sheets) == 1:
            yield from ((number, row, frozenset()) for number, row in _rows_of(self._sheets[0]))
            return
        both = [enumerate(_every_row(sheet), start=1) for sheet in self._sheets]
        for (number, row), (_, written) in zip(*both, strict=False):
            formulas = frozenset(at for at, cell in enumerate(written) if cell.data_type == "f")
            if formulas or any(cell.value is not None and cell.value != "" for cell in row):
                yield number, row, formulas

    def _measure(self, number: int, row: Sequence[Any]) -> None:
        """How long the numbers in a column are."""
        if number <= self._head_line:
            return
        for at, cell in enumerate(row):
            if self._fields.get(at) in _NUMBERS and cell.value is not None:
                digits = cell_text(cell)
                if digits.isdigit():
                    self._longest[at] = max(self._longest.get(at, 0), len(digits))

    def _judge(self, row: Sequence[Any], cells: Sequence[str], formulas: frozenset[int]) -> None:
        marks = [mark for at, cell in enumerate(row) if at in self._fields for mark in self._marks(at, cell, cells[at])]
        empty = [at for at in sorted(formulas) if at in self._fields and (at >= len(cells) or not cells[at])]
        if empty:
            marks.insert(0, Mark(self._fields[empty[0]], "formula_not_computed", {}, refuses=True))
        elif formulas & self._fields.keys():
            marks.append(Mark(self._fields[min(formulas & self._fields.keys())], "formula_value", {}))
        if marks:
            self.marks[self.line] = marks

    def _marks(self, at: int, cell: Any, text: str) -> Iterator[Mark]:
        field, value = self._fields[at], cell.value
        if cell.data_type == "e" and value in ERRORS:
            yield Mark(field, "cell_error", {"value": value}, refuses=True)
        if field in _NUMBERS | _PHONES and is_inexact(value):
            yield Mark(field, "digits_lost", {"value": text[:80]})
        elif is_number(value) and self._is_short(at, text):
            yield Mark(field, "zeros_lost", {"value": text[:80]})

    def _is_short(self, at: int, text: str) -> bool:
        """Whether a number lacks zeros in front, as far as the others or the plan of numbers tell."""
        field = self._fields[at]
        if field in _PHONES:
            return self._lost_zero(text)
        return field in _NUMBERS and text.isdigit() and len(text) < self._longest.get(at, 0)

    def _lost_zero(self, digits: str) -> bool:
        """Whether only a zero in front makes a number that exists."""
        if self._number is None:
            return False
        now, before = self._number(digits), self._number(f"0{digits}")
        return before.number is not None and before.number != now.number and now.line_type is LineType.UNKNOWN


def _every_row(sheet: Any) -> Iterator[Sequence[Any]]:
    sheet.reset_dimensions()
    return iter(sheet.iter_rows(max_row=LAST_ROW))


@contextmanager
def sheet_records(path: Path, shape: CsvShape, region: str) -> Iterator[SheetRecords]:
    """The records of the sheet that ``shape`` names. Raises ``FileRefused`` (``xlsx_broken``)."""
    with _opened(path, formulas=_check(path)) as books:
        yield SheetRecords(books, shape, region)


def read_chunks(order: Order) -> Iterator[Chunk]:
    """The sheet in runs of ``order.size`` records, as ``csv_rows.read_chunks`` gives them."""
    refuse_unreadable(order.shape, order.path.name)
    size = order.path.stat().st_size
    with sheet_records(order.path, order.shape, order.region) as records:
        yield from chunks_of(records, order, lambda: min(size, size * records.line // records.rows))


def cells_at(path: Path, shape: CsvShape, lines: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The cells of these rows."""
    wanted = set(lines)
    with sheet_records(path, shape, "") as records:
        return {line: tuple(cells) for line, cells in records if line in wanted}
