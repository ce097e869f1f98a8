"""Values as PostgreSQL's ``COPY`` reads them from text, for whoever writes many rows at once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from hcrm.patients.domain.facts import canonical

NULL = "\x01"
"""Stands for null in ``COPY``; no text of a patient may hold it."""

BOOLEAN: Mapping[bool | None, str] = {None: NULL, True: "t", False: "f"}
"""Truth values as ``COPY`` reads them."""

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_MEANT = re.compile(r"[\\\t\n\r]")


def copy_block(rows: Sequence[Sequence[str]]) -> str:
    """``copy_line`` of all ``rows``, which have as many cells each: looked through at once, for few need an escape."""
    text = "\n".join(["\t".join(cells) for cells in rows]) + "\n"
    tabs = len(rows) * (len(rows[0]) - 1)
    if "\\" in text or "\r" in text or text.count("\n") > len(rows) or text.count("\t") > tabs:
        return "".join(map(copy_line, rows))
    return text


def copy_line(cells: Sequence[str]) -> str:
    """One line of ``COPY`` in text format; what has a meaning there is escaped."""
    return copy_cells(cells) + "\n"


def copy_cells(cells: Sequence[str]) -> str:
    """Part of a line of ``COPY``: ``cells`` with tabs between them; what has a meaning there is escaped."""
    line = "\t".join(cells)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(cells):
        line = "\t".join([_MEANT.sub(lambda found: _ESCAPES[found[0]], cell) for cell in cells])
    return line


def moment_text(moment: datetime | None) -> str:
    """A moment as ``COPY`` reads it."""
    return NULL if moment is None else canonical(moment)[1:-1].decode()


same_moment_text = lru_cache(maxsize=256)(moment_text)
"""``moment_text`` for moments that many rows share."""


@lru_cache(maxsize=50_000)
def day_text(day: date | None) -> str:
    """A day as ``COPY`` reads it."""
    return NULL if day is None else day.isoformat()


def number_text(number: int | None) -> str:
    """A whole number as ``COPY`` reads it."""
    return NULL if number is None else str(number)


def text_list(values: Iterable[str]) -> str:
    """Texts as one parameter, to be split by ``string_to_array(%s, chr(1))``: cheaper than an array of the driver."""
    return "\x01".join(values)


def text_array(values: Sequence[str]) -> str:
    """An array of text as PostgreSQL reads it from text."""
    if not values:
        return "{}"
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + '","'.join(quoted) + '"}'


def json_list(values: Sequence[Any]) -> str:
    """A list as a document that PostgreSQL reads from text."""
    return canonical(values).decode() if values else "[]"
