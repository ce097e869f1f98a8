"""The nursery of senders that kill themselves: one for all tests of a run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

NURSERY = Path(__file__).with_name("crash_nursery.py")


@pytest.fixture(scope="session")
def nursery() -> Iterator[Callable[..., int]]:
    """``nursery(url=…, …)`` makes one sender and waits for its end; the signal that it died of, or 0."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}  # noqa: TID251
    command = [sys.executable, str(NURSERY)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        def make(**order: Any) -> int:
            with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rw") as line:
                line.write(json.dumps(order) + "\n")
                line.flush()
                return int(line.readline())

        yield make
        assert process.stdin is not None
        process.stdin.close()
