"""How long nurses wait for Today and Call: several at work at once, many discharges in the database, and an import.

Two web processes answer, each for half of the clients; a client asks for Today, opens the first call of its list,
gives it back, and pauses, as a nurse does. First nothing else runs, then a file is brought in meanwhile. Told are the
median, the 95th percentile and the slowest answer on the clock, and the processor time of a round (both pages and the
giving back) in the web processes and in the database.
``python -m tests.benchmarks.bench_desk [DISCHARGES] [CLIENTS]``; a million discharges are 300 departments.
"""

from __future__ import annotations

import multiprocessing
import re
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from flask.testing import FlaskClient
from sqlalchemy import event

from hcrm.app import create_app
from hcrm.clock import FixedClock, SystemClock, stopwatch
from hcrm.intake.jobs import import_files
from hcrm.settings import Settings
from hcrm.wiring import make_runtime
from tests.benchmarks import bench_import, kept_database
from tests.benchmarks.hospital_group import NOW, ZONE
from tests.databases import begin_run, end_run, open_server, servers_to_test

DISCHARGES = 100_000
CLIENTS = 8
PROCESSES = 2
ROUNDS = 8
PAUSE_SECONDS = 3.0
AIM_MS = 150
IMPORTED_ROWS = 200_000
FACILITY = 1
PAGES = ("/today", "/calls")


@dataclass(frozen=True, slots=True)
class Waited:
    """Milliseconds on the clock by page, and of the processors for a round."""

    pages: dict[str, list[float]]
    web: float
    database: float

    def most(self, page: str) -> float:
        """The 95th percentile."""
        return statistics.quantiles(self.pages[page], n=20)[-1]


def measure(discharges: int, clients: int) -> dict[str, Waited]:
    """Let the clients work in a copy of the kept database, alone and beside an import, and drop it."""
    server = open_server(servers_to_test()[-1])
    name = kept_database.copy(server, discharges)
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(
                instance_dir=Path(folder), database_url=server.url(name), secret_key="k" * 32, hospital_timezone=ZONE
            )
            return measure_in(settings, clients)
    finally:
        server.drop(name)


def measure_in(settings: Settings, clients: int) -> dict[str, Waited]:
    """The same in a database that is there."""
    alone = _work(settings, clients)
    with _importing(settings):
        beside = _work(settings, clients)
    return {"nothing else running": alone, "an import running": beside}


@contextmanager
def _importing(settings: Settings) -> Iterator[None]:
    """A file is brought in for as long as the work inside takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = bench_import.make_file(Path(folder), IMPORTED_ROWS)
        process = multiprocessing.get_context("spawn").Process(target=_import, args=(settings, path))
        process.start()
        try:
            time.sleep(PAUSE_SECONDS)
            yield
            if process.exitcode is not None:
                raise RuntimeError("the import was over too early")
        finally:
            process.kill()
            process.join()


def _import(settings: Settings, path: Path) -> None:
    import_files(make_runtime(settings, SystemClock()), facility_id=FACILITY, paths=[path], with_plans=True)


def _work(settings: Settings, clients: int) -> Waited:
    context = multiprocessing.get_context("spawn")
    shares = [range(first, clients, PROCESSES) for first in range(PROCESSES)]
    with context.Pool(PROCESSES) as pool:
        found = pool.starmap(_process, [(settings, share) for share in shares])
    rounds = clients * ROUNDS
    return Waited(
        pages={page: [one for pages, _web, _database in found for one in pages[page]] for page in PAGES},
        web=1000 * sum(web for _pages, web, _database in found) / rounds,
        database=1000 * sum(database for _pages, _web, database in found) / rounds,
    )


def _process(settings: Settings, numbers: Sequence[int]) -> tuple[dict[str, list[float]], float, float]:
    """One web process and its clients: milliseconds by page, its processor seconds and those of its connections."""
    runtime = make_runtime(settings, FixedClock(NOW))
    sessions: list[int] = []
    event.listen(runtime.engine, "connect", lambda connection, _record: sessions.append(connection.info.backend_pid))
    app = create_app(settings, runtime)
    app.config.update(WTF_CSRF_ENABLED=False)
    clients = [_logged_in(app.test_client(), number) for number in numbers]
    for _ in range(3):
        for client in clients:
            _round(client)
    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(_round, clients))  # opens the connections
        own, database = _spent(sessions)
        found = list(pool.map(_rounds, clients))
        own_after, database_after = _spent(sessions)
    runtime.engine.dispose()
    pages = {page: [one for each in found for one in each[page]] for page in PAGES}
    return pages, own_after - own, database_after - database


def _spent(sessions: Sequence[int]) -> tuple[float, float]:
    """Processor seconds so far of this process, and of these sessions of the database."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime, sum(map(bench_import.processor_seconds, sessions))


def _logged_in(client: FlaskClient, number: int) -> FlaskClient:
    client.post("/login", data={"username": f"nurse{number + 1}", "password": kept_database.PASSWORD})
    return client


def _rounds(client: FlaskClient) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {page: [] for page in PAGES}
    for _ in range(ROUNDS):
        for page, taken in _round(client).items():
            found[page].append(taken)
        time.sleep(PAUSE_SECONDS)
    return found


def _round(client: FlaskClient) -> dict[str, float]:
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


def report_of(found: dict[str, Waited], discharges: int, clients: int) -> str:
    """The result as lines of text."""
    lines = [f"Today and Call with {discharges:,} discharges, {clients} nurses at once (aim: p95 <= {AIM_MS} ms)"]
    for state, waited in found.items():
        lines.append(f"  {state}: {waited.web:.0f} ms of the web and {waited.database:.0f} of the database for a round")
        for page, taken in waited.pages.items():
            least = (
                f"median {statistics.median(taken):4.0f} ms, p95 {waited.most(page):4.0f}, slowest {max(taken):4.0f}"
            )
            lines.append(f"    {page:8} {least}")
    return "\n".join(lines)


def main(discharges: int = DISCHARGES, clients: int = CLIENTS) -> int:
    """Measure and print; 1 when a page misses the aim."""
    begin_run()
    try:
        found = measure(discharges, clients)
    finally:
        end_run()
    sys.stdout.write(report_of(found, discharges, clients) + "\n")
    return int(any(waited.most(page) > AIM_MS for waited in found.values() for page in PAGES))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3])))
