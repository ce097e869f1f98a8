"""Background work of the figures."""

from __future__ import annotations

from hcrm.reporting.service.rollup import work_off
from hcrm.unit_of_work import Runtime, unit_of_work

AT_ONCE = 20
"""So many transactions at most before other jobs have their turn."""


def add_up_days(runtime: Runtime) -> int:
    """Add up the days that have changed since; returns how many."""
    total = 0
    for _ in range(AT_ONCE):
        with unit_of_work(runtime.sessions) as session:
            done = work_off(session, runtime.clock.now())
        total += done
        if done == 0:
            break
    return total
