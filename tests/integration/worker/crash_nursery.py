"""Makes senders that kill themselves: all is imported and warmed up once, each sender is a fork that dies by SIGKILL.

Run as ``crash_nursery.py DATABASE_URL FOLDER TWILIO_ADDRESS``. Each line on standard input is a sender to be made, as
JSON: ``point`` and ``nth`` (where it dies; no point: it works until nothing is due), ``at_once``. Each is answered by a
line: the signal it died of, or 0.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock

from hcrm.clock import FixedClock
from hcrm.messaging.jobs import send_due
from hcrm.messaging.providers.base import OutgoingSms, SendResult
from hcrm.messaging.providers.twilio_sms import TwilioAccount, TwilioSms
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime
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


def work(runtime: Runtime, address: str, order: dict) -> None:
    """Send until killed, or until nothing is due or ``seconds`` are over."""
    provider = CrashingTwilio(TwilioAccount(ACCOUNT, PUBLIC, TOKEN, address), timeout=5)
    provider.at_once = order.get("at_once", 1)
    provider.crash = CrashAt(order.get("point", ""), order.get("nth", 0))
    seconds = order.get("seconds", 20)
    send_due(
        runtime, provider, lease=LEASE, batch=5, seconds=seconds, worker=str(os.getpid()), fault_point=provider.crash
    )


def main(url: str, folder: str, address: str) -> None:
    settings = Settings(instance_dir=Path(folder), database_url=url, secret_key="a secret key that only tests know")
    runtime = make_runtime(settings, FixedClock(NOW))
    work(runtime, address, {"seconds": 0})  # what is compiled once now is there in every fork
    runtime.engine.dispose()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                runtime.engine.dispose(close=False)
                work(runtime, address, json.loads(line))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        print(os.WTERMSIG(status) if os.WIFSIGNALED(status) else -os.WEXITSTATUS(status), flush=True)  # noqa: T201  # the answer to the order


if __name__ == "__main__":
    main(*sys.argv[1:])
