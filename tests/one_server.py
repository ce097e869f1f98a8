"""For folders whose tests run on one server: what differs between servers is tested below ``tests/integration``."""

from __future__ import annotations

import pytest

from tests.databases import DatabaseServer, open_server, servers_to_test


@pytest.fixture(scope="session", name="database_server")
def first_server() -> DatabaseServer:
    """The first of the servers that this run tests on."""
    return open_server(servers_to_test()[0])
