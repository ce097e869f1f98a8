"""Whether a text may have been taken, told by how the connection failed."""

from __future__ import annotations

import ssl

import pytest
from urllib3.exceptions import (
    ConnectTimeoutError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from hcrm.messaging.providers.kept_connections import KeptConnections, never_connected

NO_CONNECTION = NewConnectionError(None, "refused")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "problem",
    [
        NO_CONNECTION,
        ConnectTimeoutError(),
        ProxyError("the proxy is away", NO_CONNECTION),
        SSLError(ssl.SSLCertVerificationError("not the one")),
    ],
)
def test_without_a_connection_nothing_can_have_been_taken(problem):
    assert never_connected(problem)


@pytest.mark.parametrize(
    "problem",
    [
        ProtocolError("the connection broke"),
        ReadTimeoutError(None, "/", "no answer"),  # type: ignore[arg-type]
        SSLError(ssl.SSLEOFError("it broke")),
        ProxyError("the proxy broke off", ProtocolError()),
    ],
)
def test_after_that_nobody_can_know(problem):
    assert not never_connected(problem)


def test_nobody_at_the_other_end_is_said_at_once_and_nothing_is_tried_twice():
    with pytest.raises(NewConnectionError):
        KeptConnections("http://127.0.0.1:1", 2.0, most=1).request("POST", "http://127.0.0.1:1/x", data={"a": "b"})
