"""A worker that kills its own process with SIGKILL when its sender reaches a point for the n-th time.

Run as ``crashing_worker.py DATABASE_URL FOLDER`` it works until it is told to stop. Without arguments it makes workers:
each line on standard input names one as JSON (``url``, ``folder``, ``point``, ``nth``), is a fork, for all is imported
once, and is answered by a line: the signal it died of, or the negative of its code.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hcrm.clock import FixedClock
from hcrm.messaging.jobs import send_due
from hcrm.messaging.providers.base import OutgoingSms, SendResult
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime
from hcrm.wiring import make_runtime
from hcrm.worker.jobs import Job
from hcrm.worker.runner import run

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
LEASE = timedelta(milliseconds=1500)


class CrashAt:
    """Ends the process when ``point`` is reached for the ``nth`` time."""

    def __init__(self, point: str, nth: int) -> None:
        self._point, self._nth = point, nth
        self._seen: Counter[str] = Counter()

    def __call__(self, point: str) -> None:
        self._seen[point] += 1
        if point == self._point and self._seen[point] == self._nth:
            os.kill(os.getpid(), signal.SIGKILL)


class CrashingConsole(ConsoleProvider):
    """The console provider with two more points: before its ledger is written, and after."""

    crash: CrashAt

    def send(self, sms: OutgoingSms) -> SendResult:
        self.crash("before ledger")
        result = super().send(sms)
        self.crash("after ledger")
        return result


def work(url: str, folder: str, point: str = "", nth: int = 0) -> None:
    """Work at sending alone, five messages to a batch, twenty ticks a second."""
    settings = Settings(instance_dir=Path(folder), database_url=url, secret_key="a secret key that only tests know")
    runtime = make_runtime(settings, FixedClock(NOW))
    provider = CrashingConsole(runtime.engine, runtime.clock)
    provider.crash = CrashAt(point, nth)

    def send(runtime: Runtime) -> int:
        return send_due(runtime, provider, lease=LEASE, batch=5, fault_point=provider.crash)

    run(runtime, jobs=(Job("send_messages", send, timedelta(milliseconds=50), needs_leader=False),))


def make_workers() -> None:
    """A worker for each line, one after the other."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                work(**json.loads(line))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), flush=True)  # noqa: T201  # the answer to the order


if __name__ == "__main__":
    if sys.argv[1:]:
        work(*sys.argv[1:])
    else:
        make_workers()
