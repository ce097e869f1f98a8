"""Writing many rows at once: ids in blocks, ``COPY`` for new rows, one statement for all changed ones.

Errors of the database never carry values of a row on: a failed ``COPY`` would quote the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any, cast

import psycopg
from psycopg.sql import SQL, Identifier, Literal
from sqlalchemy import Connection, Table
from sqlalchemy.orm import Session

from hcrm.patients.domain import canonical

NULL = "\x01"
"""Stands for null in ``COPY``; no text of a patient may hold it."""

_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_MEANT = re.compile(r"[\\\t\n\r]")

BLOCK_ROWS = 1_000
"""Rows handed to the server at a time: it stores one block while the next is made."""


class BulkWriteFailed(Exception):
    """The database refused rows of a chunk; tells its SQLSTATE and the constraint, never a value."""

    def __init__(self, sqlstate: str | None, constraint: str | None) -> None:
        super().__init__(f"SQLSTATE {sqlstate}, constraint {constraint}")
        self.sqlstate = sqlstate
        self.constraint = constraint


def raw_connection(session: Session) -> psycopg.Connection[tuple[Any, ...]]:
    """The driver's connection under the session's transaction."""
    connection: Connection = session.connection()
    return cast("psycopg.Connection[tuple[Any, ...]]", connection.connection.driver_connection)


def fetch(session: Session, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of ``query`` (``%s`` placeholders), past the ORM."""
    with raw_connection(session).cursor() as cursor:
        return cursor.execute(query, parameters).fetchall()


def reserve_ids(session: Session, table: Table, count: int) -> list[int]:
    """``count`` ids of ``table`` that nobody else will get."""
    if not count:
        return []
    query = SQL("SELECT array_agg(nextval({})) FROM generate_series(1, %s)").format(Literal(f"{table.name}_id_seq"))
    return cast("list[int]", fetch(session, query.as_string(), count)[0][0])


def copy_rows(session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Add ``rows``, whose values stand in the order of ``columns`` as text (``NULL`` for null).

    Raises ``BulkWriteFailed``.
    """
    rest = iter(rows)
    blocks = iter(lambda: list(islice(rest, BLOCK_ROWS)), [])
    _copy(session, table, columns, map(copy_block, blocks))


def copy_lines(session: Session, table: Table, columns: Sequence[str], lines: Iterable[str]) -> None:
    """Add rows that are lines of ``COPY`` already. Raises ``BulkWriteFailed``."""
    rest = iter(lines)
    _copy(session, table, columns, iter(lambda: "".join(islice(rest, BLOCK_ROWS)), ""))


def _copy(session: Session, table: Table, columns: Sequence[str], blocks: Iterable[str]) -> None:
    statement = SQL("COPY {} ({}) FROM STDIN (NULL {})").format(
        Identifier(table.name), SQL(", ").join(map(Identifier, columns)), Literal(NULL)
    )
    with raw_connection(session).cursor() as cursor:
        try:
            with cursor.copy(statement) as copy:
                for block in blocks:
                    copy.write(block)
        except psycopg.Error as error:
            raise BulkWriteFailed(error.sqlstate, error.diag.constraint_name) from None


def copy_block(rows: Sequence[Sequence[str]]) -> str:
    """``copy_line`` of all ``rows``, which have as many cells each: looked through at once, for few need an escape."""
    text = "\n".join(["\t".join(cells) for cells in rows]) + "\n"
    tabs = len(rows) * (len(rows[0]) - 1)
    if "\\" in text or "\r" in text or text.count("\n") > len(rows) or text.count("\t") > tabs:
        return "".join(map(copy_line, rows))
    return text


def copy_line(cells: Sequence[str]) -> str:
    """One line of ``COPY`` in text format; what has a meaning there is escaped."""
    line = "\t".join(cells)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") >= len(cells):
        line = "\t".join([_MEANT.sub(lambda found: _ESCAPES[found[0]], cell) for cell in cells])
    return line + "\n"


BOOLEAN: Mapping[bool | None, str] = {None: NULL, True: "t", False: "f"}
"""Truth values as ``COPY`` reads them."""


def moment_text(moment: datetime | None) -> str:
    """A moment as ``COPY`` reads it."""
    return NULL if moment is None else moment.isoformat()


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


def update_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Overwrite columns of rows known by ``id``; all ``rows`` name the same columns. Raises ``BulkWriteFailed``."""
    if not rows:
        return
    columns = [name for name in rows[0] if name != "id"]
    statement = SQL(
        "UPDATE {table} AS old SET {changes} FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) AS new"
        " WHERE old.id = new.id"
    ).format(
        table=Identifier(table.name),
        changes=SQL(", ").join(SQL("{0} = new.{0}").format(Identifier(name)) for name in columns),
    )
    text = (b"[" + b",".join(map(canonical, rows)) + b"]").decode()
    with raw_connection(session).cursor() as cursor:
        try:
            cursor.execute(statement, (text,))
        except psycopg.Error as error:
            raise BulkWriteFailed(error.sqlstate, error.diag.constraint_name) from None


def text_array(values: Sequence[str]) -> str:
    """An array of text as PostgreSQL reads it from text."""
    if not values:
        return "{}"
    quoted = (value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + '","'.join(quoted) + '"}'


def json_list(values: Sequence[Any]) -> str:
    """A list as a document that PostgreSQL reads from text."""
    return canonical(values).decode() if values else "[]"
