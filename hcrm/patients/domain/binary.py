"""Values as PostgreSQL's ``COPY`` reads them in its binary format: each with its length before it.

The server need not read dates and numbers from text, which is a third of its work for rows that hold many of them.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, timedelta
from typing import Final

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""Begins what is sent."""

TRAILER: Final = b"\xff\xff"
"""Ends what is sent."""

NOTHING: Final = b"\xff\xff\xff\xff"
"""Null, of whatever type."""

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(2000, 1, 1)
_MICROSECOND: Final = timedelta(microseconds=1)
_INT8, _INT4, _INT2, _LENGTH = (struct.Struct(form).pack for form in (">iq", ">ii", ">ih", ">i"))

row_start: Final = struct.Struct(">hiq").pack
"""The number of columns, and the first of them, an id: ``row_start(columns, 8, id)``."""


def bigint(number: int | None) -> bytes:
    """A ``bigint``."""
    return NOTHING if number is None else _INT8(8, number)


def smallint(number: int | None) -> bytes:
    """A ``smallint``."""
    return NOTHING if number is None else _INT2(2, number)


def text(value: str | None) -> bytes:
    """Text of any type."""
    if value is None:
        return NOTHING
    encoded = value.encode()
    return _LENGTH(len(encoded)) + encoded


def truth(value: bool) -> bytes:  # noqa: FBT001 - a value like the others
    """A ``boolean``."""
    return b"\0\0\0\1\1" if value else b"\0\0\0\1\0"


def moment(value: datetime) -> bytes:
    """A ``timestamptz``."""
    return _INT8(8, (value - _EPOCH) // _MICROSECOND)


def day(value: date) -> bytes:
    """A ``date``."""
    return _INT4(4, (value - _FIRST_DAY).days)
