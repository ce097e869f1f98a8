"""The business clock: the only place that reads the time of day.

Domain functions and services take ``now`` as an argument. Leases and locks use the database's own clock instead.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as time_of_day
from typing import Protocol


class Clock(Protocol):
    """Tells the business time as an aware UTC datetime."""

    def now(self) -> datetime: ...


class SystemClock:
    """The time of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FixedClock:
    """A clock that stands still until it is moved; for simulations and tests."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        return self._at

    def move_to(self, at: datetime) -> None:
        """Move to ``at``; it may not go backwards (``ValueError``)."""
        if at < self._at:
            raise ValueError("a clock does not go backwards")
        self._at = at.astimezone(UTC)

    def advance(self, by: timedelta) -> None:
        self.move_to(self._at + by)


def stopwatch() -> float:
    """Seconds from an arbitrary start, for measuring how long something took."""
    return time.perf_counter()


def pause(seconds: float) -> None:
    """Wait; for polling what has no better signal."""
    time.sleep(seconds)


def local_moment(day: date, at: time_of_day, zone: tzinfo) -> datetime:
    """The moment in UTC when the wall clock in ``zone`` shows ``at`` on ``day``.

    A time that daylight saving skips becomes the one as much later as the gap is long; of a time that comes twice it is
    the first.
    """
    return datetime.combine(day, at.replace(fold=0), zone).astimezone(UTC)
