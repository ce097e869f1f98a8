"""A runtime whose every unit of work joins one transaction, so that a simulated day is kept whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from sqlalchemy import Connection, text
from sqlalchemy.orm import sessionmaker

from hcrm.unit_of_work import Runtime
from hcrm.wiring import session_info


@contextmanager
def whole_or_nothing(runtime: Runtime) -> Iterator[tuple[Runtime, Connection]]:
    """All that is done with the runtime given is kept at the end; after an error or a kill nothing of it is."""
    info = session_info(runtime.settings)
    with runtime.engine.connect() as connection, connection.begin():
        sessions = sessionmaker(connection, info=info, join_transaction_mode="rollback_only")
        yield replace(runtime, sessions=sessions), connection


def sequences(connection: Connection) -> dict[str, int]:
    """The last id that each sequence has given out."""
    rows = connection.execute(
        text("SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL")
    )
    return dict(rows.tuples().all())


def wind_back(connection: Connection, known: dict[str, int]) -> None:
    """Let every sequence go on after ``known``: ids that a day took with it when it was lost are given out again.

    Ids that are in use, because somebody else wrote since, are not.
    """
    for name, last in sequences(connection).items():
        if last == known.get(name):
            continue
        table = name.removesuffix("_id_seq")
        used = connection.execute(text(f'SELECT max(id) FROM "{table}"')).scalar_one()  # noqa: S608 - from the catalogue
        after = max(known.get(name, 0), used or 0)
        connection.execute(
            text("SELECT setval(CAST(:name AS regclass), :last, :given)"),
            {"name": f'"{name}"', "last": after or 1, "given": after > 0},
        )
