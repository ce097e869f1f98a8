"""Writing many rows at once: ids in blocks, ``COPY`` for new rows, one statement for all changed ones.

Errors of the database never carry values of a row on: a failed ``COPY`` would quote the line.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain, islice
from typing import Any, cast

import psycopg
from psycopg.sql import SQL, Composable, Identifier, Literal
from sqlalchemy import Connection, Table
from sqlalchemy.orm import Session

from hcrm.patients.domain import binary, canonical
from hcrm.patients.domain.lines import NULL, copy_block
from hcrm.patients.service.behind import behind_of

_AS_TEXT = SQL("NULL {}").format(Literal(NULL))

BLOCK_ROWS = 1_000
"""Rows handed to the server at a time: it stores one block while the next is made."""


class BulkWriteFailed(Exception):
    """The database refused rows of a chunk; tells its SQLSTATE and the constraint, never a value."""

    def __init__(self, sqlstate: str | None, constraint: str | None) -> None:
        super().__init__(f"SQLSTATE {sqlstate}, constraint {constraint}")
        self.sqlstate = sqlstate
        self.constraint = constraint


def raw_connection(session: Session) -> psycopg.Connection[tuple[Any, ...]]:
    """The driver's connection under the session's transaction, with nothing being written to it."""
    behind = behind_of(session)
    if behind is not None:
        behind.wait()
    return _driver_connection(session)


def _driver_connection(session: Session) -> psycopg.Connection[tuple[Any, ...]]:
    connection: Connection = session.connection()
    return cast("psycopg.Connection[tuple[Any, ...]]", connection.connection.driver_connection)


def fetch(session: Session, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Rows of ``query`` (``%s`` placeholders), past the ORM."""
    with raw_connection(session).cursor() as cursor:
        return cursor.execute(query, parameters).fetchall()


def through_indexes(session: Session) -> None:
    """Until the transaction ends, find rows by their keys.

    A run asks for thousands of rows of tables that have grown much since statistics were made of them (in a first
    import there are none). A planner that knows little takes them for small and reads all of them, again in each run.
    For the same reason look-ups of many keys are lateral, with an offset that keeps them so: key by key. The rows that
    a run adds to a table stay in memory until their days are marked for the figures, instead of going to a file.
    """
    fetch(session, "SELECT set_config('enable_seqscan', 'off', true), set_config('work_mem', '64MB', true)")


def reserve_ids(session: Session, table: Table, count: int) -> Sequence[int]:
    """``count`` ids of ``table`` that nobody else will get."""
    if not count:
        return ()
    taken = SQL("SELECT nextval({}) AS id FROM generate_series(1, %s)").format(Literal(f"{table.name}_id_seq"))
    first, last = fetch(session, SQL("SELECT min(id), max(id) FROM ({}) AS t").format(taken).as_string(), count)[0]
    if last - first + 1 == count:
        return range(first, last + 1)
    return [each for (each,) in fetch(session, taken.as_string(), count)]


def copy_rows(session: Session, table: Table, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Add ``rows``, whose values stand in the order of ``columns`` as text (``NULL`` for null).

    Raises ``BulkWriteFailed``, while something is written behind (``behind``) perhaps later.
    """
    rest = iter(rows)
    blocks = iter(lambda: list(islice(rest, BLOCK_ROWS)), [])
    _copy(session, table, columns, (copy_block(block).encode() for block in blocks))


def copy_lines(session: Session, table: Table, columns: Sequence[str], lines: Iterable[str]) -> None:
    """Add rows that are lines of ``COPY`` already. Raises ``BulkWriteFailed`` as ``copy_rows`` does."""
    rest = iter(lines)
    blocks = iter(lambda: "".join(islice(rest, BLOCK_ROWS)), "")
    _copy(session, table, columns, map(str.encode, blocks))


def copy_binary(session: Session, table: Table, columns: Sequence[str], rows: Iterable[bytes]) -> None:
    """Add rows in the binary format of ``COPY``. Raises ``BulkWriteFailed`` as ``copy_rows`` does."""
    rest = iter(rows)
    blocks = iter(lambda: b"".join(islice(rest, BLOCK_ROWS)), b"")
    _copy(session, table, columns, chain((binary.HEADER,), blocks, (binary.TRAILER,)), SQL("FORMAT binary"))


def _copy(
    session: Session,
    table: Table,
    columns: Sequence[str],
    blocks: Iterable[bytes],
    options: Composable = _AS_TEXT,
) -> None:
    statement = SQL("COPY {} ({}) FROM STDIN ({})").format(
        Identifier(table.name), SQL(", ").join(map(Identifier, columns)), options
    )
    connection = _driver_connection(session)

    def store(made: Iterable[bytes]) -> None:
        with connection.cursor() as cursor:
            try:
                with cursor.copy(statement) as copy:
                    for block in made:
                        copy.write(block)
            except psycopg.Error as error:
                raise BulkWriteFailed(error.sqlstate, error.diag.constraint_name) from None

    behind = behind_of(session)
    if behind is None:
        store(blocks)
    else:
        behind.store(store, blocks)


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
