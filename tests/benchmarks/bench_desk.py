"""How long nurses wait for Today and Call, with several at work at once and many discharges in the database.

Two web processes answer, each for half of the clients; a client asks for Today, opens the first call of its list,
gives it back, and pauses, as a nurse does. Told are the median, the 95th percentile and the slowest answer on the
clock. ``python -m tests.benchmarks.bench_desk [DISCHARGES] [CLIENTS]``.
"""

from __future__ import annotations

import multiprocessing
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import text

from hcrm import schema
from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.app import create_app
from hcrm.clock import FixedClock, stopwatch
from hcrm.db import make_engine
from hcrm.organization.service import ensure_facility
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.benchmarks.bench_pages import NOW, PASSWORD, ZONE
from tests.benchmarks.many_discharges import DEPARTMENTS, analyse, fill
from tests.databases import begin_run, end_run, open_server, servers_to_test

DISCHARGES = 100_000
CLIENTS = 8
PROCESSES = 2
ROUNDS = 8
PAUSE_SECONDS = 3.0
AIM_MS = 150

Times = dict[str, list[float]]


def measure(discharges: int, clients: int) -> Times:
    """Fill a database of its own, let the clients work, and drop it; milliseconds by page."""
    server = open_server(servers_to_test()[-1])
    name = server.create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            schema.upgrade(server.admin_url(name))
            settings = Settings(
                instance_dir=Path(folder), database_url=server.url(name), secret_key="k" * 32, hospital_timezone=ZONE
            )
            _fill(settings, discharges, clients)
            owner = make_engine(server.admin_url(name), role=None)
            with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                analyse(connection)
            owner.dispose()
            return _work(settings, clients)
    finally:
        server.drop(name)


def _fill(settings: Settings, discharges: int, clients: int) -> None:
    runtime = make_runtime(settings, FixedClock(NOW))
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        facility = ensure_facility(session, code="BENCH", name="Bench Hospital", timezone=ZONE, country="CN", now=NOW)
        fill(session.connection(), facility_id=facility, zone=ZONE, now=NOW, discharges=discharges)
        wards = session.scalars(text("SELECT id FROM department ORDER BY code")).all()
        for number in range(clients):
            create_user(
                session,
                username=f"nurse{number}",
                password=PASSWORD,
                display_name=f"Nurse {number}",
                language="en",
                memberships=[MembershipSnapshot(facility, Role.NURSE, wards[number % DEPARTMENTS])],
                now=NOW,
            )
    runtime.engine.dispose()


def _work(settings: Settings, clients: int) -> Times:
    context = multiprocessing.get_context("spawn")
    shares = [range(first, clients, PROCESSES) for first in range(PROCESSES)]
    with context.Pool(PROCESSES) as pool:
        found = pool.starmap(_process, [(settings, share) for share in shares])
    return {page: [one for each in found for one in each[page]] for page in found[0]}


def _process(settings: Settings, numbers: Sequence[int]) -> Times:
    """One web process and its clients."""
    runtime = make_runtime(settings, FixedClock(NOW))
    app = create_app(settings, runtime)
    app.config.update(WTF_CSRF_ENABLED=False)
    clients = [_logged_in(app.test_client(), number) for number in numbers]
    for client in clients:
        _round(client, runtime)
    with ThreadPoolExecutor(len(clients)) as pool:
        found = list(pool.map(lambda client: _rounds(client, runtime), clients))
    runtime.engine.dispose()
    return {page: [one for each in found for one in each[page]] for page in ("/today", "/calls")}


def _logged_in(client: FlaskClient, number: int) -> FlaskClient:
    client.post("/login", data={"username": f"nurse{number}", "password": PASSWORD})
    return client


def _rounds(client: FlaskClient, runtime: Runtime) -> Times:
    found: Times = {"/today": [], "/calls": []}
    for _ in range(ROUNDS):
        for page, taken in _round(client, runtime).items():
            found[page].append(taken)
        time.sleep(PAUSE_SECONDS)
    return found


def _round(client: FlaskClient, _runtime: Runtime) -> dict[str, float]:
    today, page = _ask(client, "/today")
    call = re.search(r'href="(/calls/\d+)" data-open', page)
    if call is None:
        raise RuntimeError("nobody is left to call")
    opened, _page = _ask(client, call[1])
    client.post(f"{call[1]}/release")
    return {"/today": today, "/calls": opened}


def _ask(client: FlaskClient, address: str) -> tuple[float, str]:
    started = stopwatch()
    answer = client.get(address)
    taken = 1000 * (stopwatch() - started)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status}")
    return taken, answer.text


def report_of(times: Times, discharges: int, clients: int) -> str:
    """The result as lines of text."""
    lines = [f"Today and Call with {discharges:,} discharges, {clients} nurses at once (aim: p95 <= {AIM_MS} ms)"]
    for page, taken in times.items():
        most = statistics.quantiles(taken, n=20)[-1]
        lines.append(
            f"  {page:8} median {statistics.median(taken):4.0f} ms, p95 {most:4.0f}, slowest {max(taken):4.0f}"
        )
    return "\n".join(lines)


def main(discharges: int = DISCHARGES, clients: int = CLIENTS) -> int:
    """Measure and print; 1 when a page misses the aim."""
    begin_run()
    try:
        times = measure(discharges, clients)
    finally:
        end_run()
    sys.stdout.write(report_of(times, discharges, clients) + "\n")
    return int(any(statistics.quantiles(taken, n=20)[-1] > AIM_MS for taken in times.values()))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
