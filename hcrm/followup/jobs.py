"""Work of follow-up that is due by the clock."""

from __future__ import annotations

from hcrm.followup import service
from hcrm.unit_of_work import Runtime, unit_of_work

CHUNK = 500
ALERTS = 100


def release_due_steps(runtime: Runtime) -> int:
    """Hand the steps by text message that are due to the outbox, chunk by chunk; how many there were."""
    released = 0
    while True:
        with unit_of_work(runtime.sessions) as session:
            done = service.release_due(session, now=runtime.clock.now(), limit=CHUNK)
        released += done
        if done < CHUNK:
            return released


def climb_ladders(runtime: Runtime) -> int:
    """Pass up the alerts that nobody acknowledged in time, chunk by chunk; how many there were.

    Any number of workers may do so at once: each alert is taken by one of them, and a step is recorded once.
    """
    passed = 0
    while True:
        with unit_of_work(runtime.sessions) as session:
            done = service.climb_ladders(session, now=runtime.clock.now(), limit=ALERTS)
        passed += done
        if done < ALERTS:
            return passed
