"""How many HL7 messages the listener stores for good and acknowledges per second.

The listener is a process of its own, started as an administrator does; the sender is the tests' interface engine in
another. Every message is on disk before its acknowledgment. ``python -m tests.benchmarks.bench_mllp [COUNT]``.
"""

from __future__ import annotations

import os
import platform
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from hcrm import schema
from hcrm.clock import SystemClock, stopwatch
from hcrm.organization.service import ensure_facility
from hcrm.settings import Settings
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.databases import begin_run, end_run, open_server, servers_to_test
from tests.hl7_messages import feed
from tests.interface_engine import InterfaceEngine

COUNT = 6_000
TARGET = 300
ZONE = "Asia/Shanghai"
SHAPES = ((8, 1), (32, 1), (8, 16))
"""Connections, and messages that each sends ahead of their acknowledgments."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Messages per second with so many connections and messages ahead."""

    connections: int
    ahead: int
    speed: float


@contextmanager
def listener(url: str, folder: Path) -> Iterator[int]:
    """``hcrm listen-mllp`` on a free port."""
    environment = {**os.environ, "DATABASE_URL": url, "HCRM_INSTANCE_DIR": str(folder), "SECRET_KEY": "k" * 32}  # noqa: TID251
    command = [sys.executable, "-c", "from hcrm.cli import main; main()", "listen-mllp", "--port", "0"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+) ", process.stdout.readline())
            assert found is not None, "the listener did not start"
            yield int(found[1])
        finally:
            process.terminate()


def measure(count: int = COUNT) -> tuple[list[Measured], float]:
    """Make a fresh database, send a feed of messages to it for each shape, and drop it.

    Gives the speeds, and the processor time that the listener needed for one message, in milliseconds.
    """
    server = open_server(servers_to_test()[-1])
    name = server.create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _measure(server.url(name), server.admin_url(name), Path(folder), count)
    finally:
        server.drop(name)


def _measure(url: str, admin_url: str, folder: Path, count: int) -> tuple[list[Measured], float]:
    schema.upgrade(admin_url)
    runtime = make_runtime(Settings(instance_dir=folder, database_url=url, secret_key="k" * 32), SystemClock())
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, now)
        ensure_facility(session, code="BENCH", name="Bench", timezone=ZONE, country="CN", now=now)
    runtime.engine.dispose()
    measured = []
    used = _processor_time()
    with listener(url, folder) as port:
        InterfaceEngine(port).send(feed(200, now - timedelta(days=30), "WARM"))
        for connections, ahead in SHAPES:
            messages = feed(count, now - timedelta(days=20), f"S{connections}A{ahead}P")
            began = stopwatch()
            ledger = InterfaceEngine(port, connections, ahead).send(messages)
            measured.append(Measured(connections, ahead, count / (stopwatch() - began)))
            assert [codes for codes in ledger.values() if codes != ["AA"]] == []
    used = _processor_time() - used
    _check(admin_url, 200 + count * len(SHAPES))
    return measured, 1000 * used / (200 + count * len(SHAPES))


def _processor_time() -> float:
    """Seconds of processor time of the processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _check(admin_url: str, messages: int) -> None:
    """Every message was applied, and every stay is finished and followed up."""
    plain = make_url(admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        found = connection.execute(
            "SELECT (SELECT count(*) FROM interface_message WHERE status = 'applied'),"
            " (SELECT count(*) FROM encounter WHERE status = 'finished'), (SELECT count(*) FROM enrolment)"
        ).fetchone()
    assert found == (messages, messages // 4, messages // 4), found


def report_of(measured: list[Measured], processor: float) -> str:
    """The measurement in words."""
    lines = [
        f"MLLP with {each.connections} connections, {each.ahead} ahead: {each.speed:,.0f} messages/s durable."
        for each in measured
    ]
    lines.append(f"Processor time of the listener: {processor:.1f} ms per message, its start included.")
    lines.append(f"The target is {TARGET} messages/s with 8 connections.")
    lines.append(f"Machine: {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}.")
    return "\n".join(lines)


def main(count: int = COUNT) -> int:
    """Measure, print, and fail when the target is missed."""
    begin_run()
    try:
        measured, processor = measure(count)
    finally:
        end_run()
    sys.stdout.write(report_of(measured, processor) + "\n")
    return 0 if max(each.speed for each in measured) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT))
