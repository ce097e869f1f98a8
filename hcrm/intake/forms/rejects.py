"""Refused rows as a table that can be corrected and imported again: the original columns and why."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from hcrm.intake.domain import RowError
from hcrm.intake.forms.labels import row_sentence

REASON_HEADS: Final = ("line", "field", "code", "message")
_FORMULA: Final = re.compile(r"[=+\-@\t\r]")
_NUMBER: Final = re.compile(r"[+-]?[\d ().:/-]*")


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; the reader takes the quote off again."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def rejects_head(heads: Sequence[str]) -> list[str]:
    """The column heads of the table."""
    return [*map(safe_cell, heads), *REASON_HEADS]


def rejects_row(remark: RowError, width: int) -> list[str]:
    """One refused row; ``width`` is the number of original columns. Cells beyond them are joined to the last."""
    cells = [*remark.cells, *([""] * (width - len(remark.cells)))]
    if len(cells) > width:
        cells = [*cells[: width - 1], " ".join(cells[width - 1 :])]
    return [*map(safe_cell, cells), str(remark.line), remark.field, remark.code, row_sentence(remark)]


def rejects_csv(heads: Sequence[str], remarks: Iterable[RowError]) -> Iterator[str]:
    """The table as text, piece by piece; with a byte order mark, for spreadsheets."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write("\ufeff")
    writer.writerow(rejects_head(heads))
    for remark in remarks:
        writer.writerow(rejects_row(remark, len(heads)))
        if buffer.tell() > 1 << 15:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()
