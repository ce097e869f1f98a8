"""How long it takes to try a plan on a month of 30,000 discharges, against what is in force.

The stays are written by SQL into a database of their own, with diagnoses that several plans look at, a fifth of them
with an operation. Told are the time of the whole page on the clock, which decides, and of its two parts: reading the
month, and the pure expansion with the draft and with what is in force.
``python -m tests.benchmarks.bench_trial [DISCHARGES]``.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm import schema
from hcrm.accounts.domain import Role
from hcrm.app import create_app
from hcrm.clock import FixedClock, stopwatch
from hcrm.followup.domain.trial import Assumptions, try_plans
from hcrm.followup.queries.plans import published_plans
from hcrm.followup.queries.trial import Month, past_discharges
from hcrm.followup.service import begin_draft
from hcrm.organization.queries import calendar, facility
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import make_runtime
from tests.benchmarks.bench_pages import NOW, ZONE, _fill, _logged_in
from tests.databases import begin_run, end_run, open_server, servers_to_test

DISCHARGES = 30_000
ASKED = 5
AIM_SECONDS = 3.0
MONTH = Month(date(2026, 2, 1), date(2026, 2, 28))

_ONE_MONTH = """
UPDATE encounter
SET discharged_on = DATE '2026-02-01' + (id % 28)::int,
    admitted_on = DATE '2026-02-01' + (id % 28)::int - (id % 9)::int,
    principal_diagnosis = (ARRAY['I50.9', 'K80.2', 'C34.1', 'O80.0', 'J44.1', 'S72.0', 'E11.2', 'N18.5'])[1 + id % 8],
    diagnoses = ARRAY[(ARRAY['I50.9', 'K80.2', 'C34.1', 'O80.0', 'J44.1', 'S72.0', 'E11.2', 'N18.5'])[1 + id % 8],
                      'I10', 'E11.9', 'Z92.1'],
    procedures = CASE WHEN id % 5 = 0 THEN '[["81.51", "Hip replacement", null]]'::jsonb ELSE '[]'::jsonb END,
    planned = id % 3 = 0
"""


@dataclass(frozen=True, slots=True)
class Tried:
    """Seconds on the clock: the median page, reading the month, and the expansion with one set of plans."""

    page: float
    reading: float
    expansion: float


def measure(discharges: int = DISCHARGES) -> Tried:
    """Fill a database of its own, try a draft, and drop it."""
    server = open_server(servers_to_test()[-1])
    name = server.create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            schema.upgrade(server.admin_url(name))
            settings = Settings(
                instance_dir=Path(folder), database_url=server.url(name), secret_key="k" * 32, hospital_timezone=ZONE
            )
            runtime = make_runtime(settings, FixedClock(NOW))
            facility_id = _fill(runtime, discharges)
            with unit_of_work(runtime.sessions) as session:
                session.execute(text(_ONE_MONTH))
            found = _measure(runtime, facility_id)
            runtime.engine.dispose()
            return found
    finally:
        server.drop(name)


def _measure(runtime: Runtime, facility_id: int) -> Tried:
    app = create_app(runtime.settings, runtime)
    app.config.update(WTF_CSRF_ENABLED=False)
    client = _logged_in(app.test_client(), runtime, facility_id, Role.MANAGER)
    with unit_of_work(runtime.sessions) as session:
        plan_id = _draft(session, facility_id)
    taken = []
    for _ in range(1 + ASKED):
        started = stopwatch()
        answer = client.get(f"/plans/{plan_id}/try")
        taken.append(stopwatch() - started)
        if answer.status_code != 200:
            raise RuntimeError(answer.status)
    with unit_of_work(runtime.sessions) as session:
        started = stopwatch()
        past = past_discharges(session, facility_id, MONTH)
        read = stopwatch()
        plans, zone = published_plans(session, facility_id), facility(session, facility_id).zone
        try_plans(plans, past.stays, calendar(session, facility_id), zone, Assumptions(), {})
        return Tried(statistics.median(taken[1:]), read - started, stopwatch() - read)


def _draft(session: Session, facility_id: int) -> int:
    shipped = session.execute(text("SELECT id FROM plan WHERE code = 'three_level'")).scalar_one()
    person = session.execute(text("SELECT min(id) FROM user_account")).scalar_one()
    return begin_draft(session, plan_id=shipped, facility_id=facility_id, actor_user_id=person, now=NOW)


def main(discharges: int = DISCHARGES) -> int:
    """Measure, print, and fail when the page takes longer than aimed at."""
    begin_run()
    try:
        found = measure(discharges)
    finally:
        end_run()
    parts = f"reading the month {found.reading:.2f} s, each expansion {found.expansion:.2f} s"
    lines = [
        f"A plan tried on {discharges:,} discharges of a month, against what is in force (aim: {AIM_SECONDS:.0f} s)",
        f"  {found.page:6.2f} s for the page: {parts}",
    ]
    if found.page > AIM_SECONDS:
        lines.append(f"It takes {found.page:.1f} s, which misses the aim of {AIM_SECONDS:.0f} s.")
    sys.stdout.write("\n".join(lines) + "\n")
    return int(found.page > AIM_SECONDS)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else DISCHARGES))
