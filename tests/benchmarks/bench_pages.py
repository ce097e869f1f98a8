"""How long the server needs for the pages people open most, with a year of a large hospital in the database.

100,000 discharges with 300,000 tasks and 133,000 answers are written by SQL into a database of their own. Each page is
asked for ten times after two to warm up. Told are the median and the slowest on the clock, which decide, and the
processor time of the web process and of the database, which tell more on a machine that does other work too.
``python -m tests.benchmarks.bench_pages [DISCHARGES]``.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import process_time

import psycopg
from flask.testing import FlaskClient
from sqlalchemy import text

from hcrm import schema
from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.app import create_app
from hcrm.clock import FixedClock, stopwatch
from hcrm.db import make_engine
from hcrm.organization.service import ensure_facility
from hcrm.reporting.jobs import add_up_days
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.benchmarks.many_discharges import analyse, fill
from tests.databases import begin_run, end_run, open_server, servers_to_test

DISCHARGES = 100_000
ASKED = 10
AIM_MS = 300
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ZONE = "Asia/Shanghai"
PASSWORD = "a password for measuring only"
PAGES: Sequence[tuple[str, str]] = (
    ("manager", "/overview"),
    ("manager", "/overview?period=2026-01"),
    ("manager", "/figures/departments?period=2026-01"),
    ("manager", "/figures/patients?figure=tasks&part=not_in_time&human=1&tier=1&period=2026-01"),
    ("manager", "/figures/patients?figure=revisits&part=numerator&period=2026-01"),
    ("nurse", "/today"),
    ("nurse", "/patients"),
)
SEARCHED = "mily12399"
"""The middle of a name, typed into the search of ``/patients``."""


@dataclass(frozen=True, slots=True)
class Timed:
    """One page: its median and slowest answer and the processor time of both sides for one, in milliseconds.

    ``database`` leaves out what parallel workers did, and is None where the server is on another machine.
    """

    page: str
    median: float
    slowest: float
    web: float
    database: float | None

    @property
    def too_slow(self) -> bool:
        """Whether a page that has an aim misses it."""
        return self.page.partition("?")[0] in {"/overview", "/today"} and self.median > AIM_MS


def measure(discharges: int = DISCHARGES) -> list[Timed]:
    """Fill a database of its own, time every page, and drop it."""
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
            owner = make_engine(server.admin_url(name), role=None)
            with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                analyse(connection)
                while add_up_days(runtime):
                    pass
                analyse(connection)
            owner.dispose()
            with server.connect(name) as watching:
                return _measure(runtime, facility_id, watching)
    finally:
        server.drop(name)


def _measure(runtime: Runtime, facility_id: int, watching: psycopg.Connection) -> list[Timed]:
    app = create_app(runtime.settings, runtime)
    app.config.update(WTF_CSRF_ENABLED=False)
    clients = {role: _logged_in(app.test_client(), runtime, facility_id, role) for role in (Role.MANAGER, Role.NURSE)}
    timed = [_timed(clients[Role(role)], page, watching) for role, page in PAGES]
    runtime.engine.dispose()
    return timed


def _fill(runtime: Runtime, discharges: int) -> int:
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        facility_id = ensure_facility(
            session, code="BENCH", name="Bench Hospital", timezone=ZONE, country="CN", now=NOW
        )
        fill(session.connection(), facility_id=facility_id, zone=ZONE, now=NOW, discharges=discharges)
    return facility_id


def _logged_in(client: FlaskClient, runtime: Runtime, facility_id: int, role: Role) -> FlaskClient:
    with unit_of_work(runtime.sessions) as session:
        department_id = None
        if role is Role.NURSE:
            department_id = session.scalar(text("SELECT min(id) FROM department WHERE code = 'B03'"))
        create_user(
            session,
            username=role.value,
            password=PASSWORD,
            display_name=role.value,
            language="en",
            memberships=[MembershipSnapshot(facility_id, role, department_id)],
            now=NOW,
        )
    client.post("/login", data={"username": role.value, "password": PASSWORD})
    return client


def _timed(client: FlaskClient, page: str, watching: psycopg.Connection) -> Timed:
    _ask(client, page)
    _ask(client, page)
    web, database = process_time(), _database_time(watching)
    taken = [_ask(client, page) for _ in range(ASKED)]
    web, after = process_time() - web, _database_time(watching)
    used = None if database is None or after is None else 1000 * (after - database) / ASKED
    return Timed(page, statistics.median(taken), max(taken), 1000 * web / ASKED, used)


def _ask(client: FlaskClient, page: str) -> float:
    """Milliseconds on the clock until the page is there."""
    started = stopwatch()
    answer = client.post(page, data={"q": SEARCHED}) if page == "/patients" else client.get(page)
    if answer.status_code != 200:
        raise RuntimeError(f"{page}: {answer.status}")
    return 1000 * (stopwatch() - started)


def _database_time(watching: psycopg.Connection) -> float | None:
    """Seconds of processor time that the program's connections have used, as Linux counts them."""
    rows = watching.execute(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'hcrm'"
    )
    ticks = 0
    for (pid,) in rows.fetchall():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def report_of(timed: Sequence[Timed], discharges: int) -> str:
    """The result as lines of text, with a sentence for each page that misses its aim."""
    lines = [f"Server time of pages with {discharges:,} discharges (aim of /overview and /today: {AIM_MS} ms)"]
    for each in timed:
        database = "?" if each.database is None else f"{each.database:.0f}"
        processor = f"processor: web {each.web:.0f}, database {database}"
        lines.append(f"  {each.median:6.0f} ms (slowest {each.slowest:.0f}; {processor})  {each.page}")
    lines += [
        f"{each.page} takes {each.median:.0f} ms, which misses the aim of {AIM_MS} ms."
        for each in timed
        if each.too_slow
    ]
    return "\n".join(lines)


def main(discharges: int = DISCHARGES) -> int:
    """Measure, print, and fail when /overview or /today takes longer than aimed at."""
    begin_run()
    try:
        timed = measure(discharges)
    finally:
        end_run()
    sys.stdout.write(report_of(timed, discharges) + "\n")
    return int(any(each.too_slow for each in timed))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else DISCHARGES))
