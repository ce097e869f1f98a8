import select

import pytest
from sqlalchemy import text

from hcrm.db import make_engine
from tests.databases import DatabaseServer

pytestmark = pytest.mark.database


def test_a_connection_that_the_server_closed_while_it_rested_is_made_anew(
    database_server: DatabaseServer, database_url: str
) -> None:
    engine = make_engine(database_url)
    with engine.connect() as connection:
        first = connection.scalar(text("SELECT pg_backend_pid()"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) == first
    with database_server.connect() as owner:
        owner.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) != first
    engine.dispose()


def test_a_connection_that_was_told_something_while_it_rested_is_used_on(database_url: str) -> None:
    engine, other = make_engine(database_url), make_engine(database_url)
    with engine.connect() as connection:
        first = connection.scalar(text("SELECT pg_backend_pid()"))
        connection.execute(text("LISTEN news"))
        connection.commit()
        socket = connection.connection.driver_connection.fileno()  # type: ignore[union-attr]
    with other.connect() as connection:
        connection.execute(text("NOTIFY news, 'said'"))
        connection.commit()
    assert select.select([socket], [], [], 10)[0], "the notice did not come"
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT pg_backend_pid()")) == first
    for each in (engine, other):
        each.dispose()
