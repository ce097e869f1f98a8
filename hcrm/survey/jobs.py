"""Work that is due by the clock."""

from __future__ import annotations

from hcrm.survey.service import expire_due, remind_due
from hcrm.unit_of_work import Runtime, unit_of_work


def expire_responses(runtime: Runtime) -> int:
    """Close responses whose time is over, in chunks of one transaction each; returns how many."""
    total = 0
    while True:
        with unit_of_work(runtime.sessions) as session:
            done = expire_due(session, runtime.clock.now())
        total += done
        if done == 0:
            return total


def remind_of_surveys(runtime: Runtime) -> int:
    """Remind those who have answered nothing, in chunks of one transaction each; returns how many."""
    total = 0
    while True:
        with unit_of_work(runtime.sessions) as session:
            done = remind_due(session, runtime.clock.now())
        total += done
        if done == 0:
            return total
