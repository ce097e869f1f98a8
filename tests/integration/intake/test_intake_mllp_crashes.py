"""A listener that is killed again and again loses no message and applies none twice, by the sender's own ledger."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from hcrm.followup.service.plans import install_default_plan
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import NOW
from tests.hl7_messages import feed
from tests.interface_engine import InterfaceEngine, run_apart

LONG = int(os.environ.get("HCRM_CRASH_ROUNDS", "0")) > 0  # noqa: TID251  # make crash-test asks for more
CONNECTIONS = 8


class KilledListener:
    """``hcrm listen-mllp`` on one port, started anew after each ``kill -9``."""

    def __init__(self, runtime: Runtime) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._environment = {
            **os.environ,  # noqa: TID251
            "DATABASE_URL": str(runtime.settings.database_url),
            "HCRM_INSTANCE_DIR": str(runtime.settings.instance_dir),
            "SECRET_KEY": "k" * 32,
            "HCRM_LOG_LEVEL": "ERROR",
        }
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", "from hcrm.cli import main; main()", "listen-mllp", "--port", str(self.port)]
        process = subprocess.Popen(command, env=self._environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert b"Listening" in process.stdout.readline()
        return process

    def crash(self) -> None:
        """Kill the process with SIGKILL and start it anew."""
        self.stop(signal.SIGKILL)
        self._process = self._start()

    def stop(self, number: int) -> None:
        self._process.send_signal(number)
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


async def play(listener: KilledListener, messages: list[str], crashes: int) -> InterfaceEngine:
    """Send all messages while the listener dies at random moments."""
    engine = InterfaceEngine(listener.port, CONNECTIONS, ahead=4, wait=20.0)
    chance = random.Random(len(messages))
    sending = asyncio.create_task(engine.send_all(messages))
    for crash in range(1, crashes + 1):
        reached = len(messages) * (crash - chance.random() * 0.8) / (crashes + 1)
        while len(engine.ledger) < reached and not sending.done():
            engine.answered.clear()
            await engine.answered.wait()
        await asyncio.sleep(chance.random() * 0.05)
        assert not sending.done(), "the listener was too fast to be killed"
        await asyncio.to_thread(listener.crash)
    await sending
    return engine


@pytest.mark.crash
@pytest.mark.parametrize(("count", "crashes"), [(10_000, 5)] if LONG else [(160, 1)])
def test_after_kill_9_every_message_is_applied_once(runtime: Runtime, facility: int, count: int, crashes: int) -> None:
    with unit_of_work(runtime.sessions) as session:
        install_default_plan(session, NOW)
    messages = feed(count, NOW - timedelta(days=20))
    listener = KilledListener(runtime)
    try:
        began = time.monotonic()
        engine = run_apart(play(listener, messages, crashes))
        seconds = time.monotonic() - began
    finally:
        listener.stop(signal.SIGTERM)
    assert {tuple(codes) for codes in engine.ledger.values()} == {("AA",)}
    assert len(engine.ledger) == count
    assert engine.reconnected >= crashes
    with runtime.engine.connect() as connection:
        found = connection.execute(
            text(
                "SELECT (SELECT count(*) FROM interface_message WHERE status = 'applied'),"
                " (SELECT count(*) FROM encounter_fact), (SELECT count(*) FROM encounter WHERE status = 'finished'),"
                " (SELECT count(*) FROM patient), (SELECT count(*) FROM enrolment)"
            )
        ).one()
    assert tuple(found) == (count, count, *[count // 4] * 3), f"after {seconds:.0f} s"
