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
    engine = make_engine(database_url)
    with engine.connect() as listening, engine.connect() as speaking:
        first = listening.scalar(text("SELECT pg_backend_pid()"))
        listening.execute(text("LISTEN news"))
        listening.commit()
        for _ in range(3):
            speaking.execute(text("NOTIFY news, 'said'"))
            speaking.commit()
    with engine.connect() as one, engine.connect() as other:
        used = {each.scalar(text("SELECT pg_backend_pid()")) for each in (one, other)}
    assert first in used
    engine.dispose()
