"""Work that is due by the clock, in chunks of one transaction each."""

from __future__ import annotations

from collections.abc import Callable

from hcrm.appointments import service
from hcrm.unit_of_work import Runtime, unit_of_work

CHUNK = 100


def send_reminders(runtime: Runtime) -> int:
    """Hand due reminders to the outbox; how many were looked at."""
    return _in_chunks(runtime, service.release_due)


def lapse_offers(runtime: Runtime) -> int:
    """Take back offered places that nobody has taken, and offer them on; how many."""
    return _in_chunks(runtime, service.lapse_due)


def notice_missed(runtime: Runtime) -> int:
    """Write down who did not come; how many."""
    return _in_chunks(runtime, service.notice_missed)


def _in_chunks(runtime: Runtime, work: Callable[..., int]) -> int:
    total = 0
    while True:
        with unit_of_work(runtime.sessions) as session:
            done = work(session, now=runtime.clock.now(), limit=CHUNK)
        total += done
        if done < CHUNK:
            return total
