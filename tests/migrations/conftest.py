"""Empty databases that migrations are run on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import DatabaseServer


@pytest.fixture
def empty_database(database_server: DatabaseServer) -> Iterator[str]:
    """The name of a database without anything in it."""
    name = database_server.create()
    yield name
    database_server.drop(name)
