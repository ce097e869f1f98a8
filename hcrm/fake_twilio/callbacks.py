"""Tells about messages as Twilio does: signed calls to the address that a message names, late, lost or twice."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from heapq import heappop, heappush
from itertools import count
from threading import Condition, Thread
from urllib.parse import urlencode, urlsplit

from hcrm.clock import stopwatch
from hcrm.fake_twilio.behaviour import Dice

AT_ONCE = 8
TIMEOUT_SECONDS = 15

Call = tuple[str, Mapping[str, str]]


def signature(token: str, address: str, values: Mapping[str, str]) -> str:
    """Twilio's signature: HMAC-SHA1 of the address and the sorted form, in base64."""
    told = address + "".join(name + values[name] for name in sorted(values))
    return base64.b64encode(hmac.new(token.encode(), told.encode(), hashlib.sha1).digest()).decode()


def post(token: str, address: str, values: Mapping[str, str]) -> int:
    """Call ``address`` with a signed form; the status of the answer, 0 when there was none."""
    parts = urlsplit(address)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=TIMEOUT_SECONDS)
    headers = {
        "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
        "X-Twilio-Signature": signature(token, address, values),
    }
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        connection.request("POST", path, urlencode(values), headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


class Caller:
    """Makes calls when their time has come."""

    def __init__(self, token: str) -> None:
        self._token = token
        self._calls: list[tuple[float, int, Call]] = []
        self._order = count()
        self._changed = Condition()
        self._open = True
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._thread = Thread(target=self._run, name="callbacks", daemon=True)
        self._thread.start()

    def later(self, seconds: float, address: str, values: Mapping[str, str]) -> None:
        """Call ``address`` after ``seconds``."""
        with self._changed:
            heappush(self._calls, (stopwatch() + seconds, next(self._order), (address, values)))
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                while self._open and (not self._calls or self._calls[0][0] > stopwatch()):
                    self._changed.wait(self._calls[0][0] - stopwatch() if self._calls else None)
                if not self._open:
                    return
                call = heappop(self._calls)[2]
            self._pool.submit(post, self._token, *call)

    def close(self) -> None:
        """Make no more calls."""
        with self._changed:
            self._open = False
            self._changed.notify()
        self._thread.join()
        self._pool.shutdown(wait=False, cancel_futures=True)


def plan(
    dice: Dice, steps: list[str], *, after: float, lost: float, doubled: float, shuffled: float
) -> list[tuple[float, str]]:
    """When each status is told: (seconds from now, status), with losses, doubles and wrong order."""
    told = []
    for number, status in enumerate(steps, 1):
        at = after * number
        if dice.falls(shuffled):
            at += after * len(steps)
        if not dice.falls(lost):
            told.append((at, status))
        if dice.falls(doubled):
            told.append((at + after, status))
    return told
