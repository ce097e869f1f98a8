"""Cells of a workbook as the text that a person would have typed: dates in ISO form, numbers without decimals."""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta
from typing import Any, Final

ERRORS: Final = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA"})
EXACT: Final = 10**15
"""From here on a spreadsheet loses the last digits of a number."""
_ZEROS: Final = re.compile(r"0{2,}")
_HALF: Final = timedelta(microseconds=500_000)


def cell_text(cell: Any) -> str:
    """A cell of openpyxl as text."""
    value = cell.value
    return as_text(value, "" if value is None or isinstance(value, str) else cell.number_format or "")


def as_text(value: Any, number_format: str) -> str:
    """A cell as text; a number formatted with leading zeros has them."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("_x000D_", "").replace("\r\n", "\n").replace("\0", "")
    if isinstance(value, datetime):
        return _moment(value, number_format)
    if is_number(value):
        return _number(value, number_format)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _moment(value: datetime, number_format: str) -> str:
    """Excel keeps times as fractions of a day: they are right to the second. A format without hours means a day."""
    try:
        rounded = (value + _HALF).replace(microsecond=0)
    except OverflowError:
        rounded = value.replace(microsecond=0)
    if rounded.time() == time.min and "h" not in number_format.casefold():
        return rounded.date().isoformat()
    return rounded.isoformat(" ")


def _number(value: Any, number_format: str) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e18:
        value = int(value)
    text = str(value)
    if _ZEROS.fullmatch(number_format) and text.isdigit():
        return text.zfill(len(number_format))
    return text


def is_number(value: Any) -> bool:
    """Whether a cell holds a number and not text."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_inexact(value: Any) -> bool:
    """Whether a number has lost digits at its end."""
    return is_number(value) and abs(value) >= EXACT
