"""Makes senders that kill themselves: all is imported once, each sender is a fork that dies by SIGKILL.

It says on which port it listens, and ends when its standard input does. Each
connection is one order for a sender, a line of JSON: ``url`` of the database, ``folder``, ``address`` of the stand-in
for Twilio, ``point`` and ``nth`` (where it dies; no point: it works until nothing is due), ``at_once``. The answer is a
line: the signal that it died of, or 0.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock, Thread

from hcrm.clock import FixedClock
from hcrm.messaging.jobs import send_due
from hcrm.messaging.providers.base import OutgoingSms, SendResult
from hcrm.messaging.providers.twilio_sms import TwilioAccount, TwilioSms
from hcrm.settings import Settings
from hcrm.wiring import make_runtime
from tests.factories_twilio import ACCOUNT, PUBLIC, TOKEN

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
LEASE = timedelta(milliseconds=1500)
POINTS = (
    "claimed", "claim committed", "call begun", "call committed", "before call", "after call", "provider answered",
    "result written", "result committed",
)  # fmt: skip


class CrashAt:
    """Ends the process when ``point`` is reached for the ``nth`` time, by whichever thread."""

    def __init__(self, point: str, nth: int) -> None:
        self._point, self._nth = point, nth
        self._seen: Counter[str] = Counter()
        self._lock = Lock()

    def __call__(self, point: str) -> None:
        with self._lock:
            self._seen[point] += 1
            if point == self._point and self._seen[point] == self._nth:
                os.kill(os.getpid(), signal.SIGKILL)


class CrashingTwilio(TwilioSms):
    """The real provider with two more points: before it calls, and when it has been answered."""

    crash: CrashAt

    def send(self, sms: OutgoingSms) -> SendResult:
        self.crash("before call")
        result = super().send(sms)
        self.crash("after call")
        return result


def send(order: dict) -> None:
    """Send until killed, or until nothing is due or ``seconds`` are over."""
    settings = Settings(
        instance_dir=Path(order["folder"]), database_url=order["url"], secret_key="a secret key that only tests know"
    )
    provider = CrashingTwilio(TwilioAccount(ACCOUNT, PUBLIC, TOKEN, order["address"]), timeout=5)
    provider.at_once = order.get("at_once", 1)
    provider.crash = CrashAt(order.get("point", ""), order.get("nth", 0))
    send_due(
        make_runtime(settings, FixedClock(NOW)), provider, lease=LEASE, batch=5, seconds=order.get("seconds", 20),
        worker=str(os.getpid()), fault_point=provider.crash,
    )  # fmt: skip


def raise_one(order: dict) -> int:
    """Let a child do it; the signal that it died of, or its code as a negative number."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            send(order)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status)


def answer(connection: socket.socket) -> None:
    """Take one order, in a process of its own that waits for the child."""
    if os.fork():
        connection.close()
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with connection, connection.makefile("rw") as line:
        line.write(f"{raise_one(json.loads(line.readline()))}\n")
    os._exit(0)


def end_with_the_test() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody else waits for those who answered
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=end_with_the_test, daemon=True).start()
        print(listening.getsockname()[1], flush=True)  # noqa: T201  # the test waits for it
        while True:
            answer(listening.accept()[0])


if __name__ == "__main__":
    main()
