"""How long the server needs for every page of figures with a million discharges, at eight connections at once.

Two processes answer, each for half of the clients, who ask for a page again as soon as they have it. Told are for each
page the median and the 99th percentile on the clock, the processor time of the web process for one page, its
statements, and beside them the page's own statements on roll-ups run bare at the same eight connections (the median).
The aims: p99 at most 100 ms and the median at most twice the bare statements; for lists of patients of a month p99 at
most 300 ms. The whole is measured without and with an import that runs meanwhile, its days being added up as the
worker does. ``python -m tests.benchmarks.bench_reports [DISCHARGES [ROUNDS [PAGE …]]]``.
"""

from __future__ import annotations

import multiprocessing
import statistics
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from multiprocessing.synchronize import Event
from pathlib import Path
from time import process_time
from typing import Any

import psycopg
from flask.testing import FlaskClient
from sqlalchemy import event, make_url

from hcrm.app import create_app
from hcrm.clock import FixedClock, pause, stopwatch
from hcrm.intake.jobs import import_files
from hcrm.reporting.jobs import add_up_days
from hcrm.settings import Settings
from hcrm.simulation.feed import write_csv
from hcrm.simulation.hospital import Hospital
from hcrm.unit_of_work import Runtime
from hcrm.wiring import make_runtime
from tests.benchmarks.hospital_group import NOW, ZONE
from tests.benchmarks.kept_database import PASSWORD, copy
from tests.databases import begin_run, end_run, open_server, servers_to_test

DISCHARGES, ROUNDS = 1_000_000, 12
CLIENTS, PROCESSES = 8, 2
AIM_MS, AIM_LIST_MS, AIM_RATIO = 100, 300, 2.0
WORKER_SECONDS = 5
IMPORTED_ROWS = 60_000
MONTH = "period=2026-01"
PAGES: Sequence[tuple[str, str]] = (
    ("manager1", "/overview"),
    ("manager1", f"/overview?{MONTH}"),
    ("manager1", f"/figures/departments?{MONTH}"),
    ("manager1", f"/figures/returns?{MONTH}"),
    ("manager1", f"/figures/returns?measure=unexpected_0_31d_cn&{MONTH}"),
    ("manager1", f"/figures/returns?measure=ed_return_72h&by=month&{MONTH}"),
    ("manager1", f"/figures/returns?by=diagnosis&{MONTH}"),
    ("manager1", f"/figures/followup?{MONTH}"),
    ("manager1", f"/figures/followup?by=clinician&{MONTH}"),
    ("manager1", f"/figures/said?{MONTH}"),
    ("manager1", f"/figures/bulletin?{MONTH}"),
    ("manager1", f"/figures/targets?{MONTH}"),
    ("manager1", f"/figures/improvements?{MONTH}"),
    ("head2", f"/overview?{MONTH}"),
    ("head2", f"/figures/review?{MONTH}"),
    ("nurse2", f"/figures/my-work?{MONTH}"),
    ("manager1", f"/figures/followup.csv?{MONTH}"),
    ("manager1", f"/figures/revisits.csv?{MONTH}"),
    ("manager1", f"/figures/report.xlsx?{MONTH}"),
    ("manager1", f"/figures/patients?figure=tasks&part=not_in_time&human=1&tier=1&{MONTH}"),
    ("manager1", f"/figures/patients?figure=discharges&part=followed_up&{MONTH}"),
    ("manager1", f"/figures/patients?figure=revisits&part=numerator&{MONTH}"),
    ("manager1", f"/figures/patients?figure=revisits&part=denominator&{MONTH}"),
    ("manager1", f"/figures/patients?figure=answers&part=satisfied&question=overall&{MONTH}"),
)
"""Who asks for which page; the first hospital has two fifths of all discharges."""

LISTS = "/figures/patients"


@dataclass(frozen=True, slots=True)
class Timed:
    """One page: milliseconds of each answer, processor milliseconds of the web process for one, and its statements.

    ``bare`` are the milliseconds of the page's statements on roll-ups without the program, each time all of them.
    """

    page: str
    taken: tuple[float, ...]
    web: float
    statements: int
    bare: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        return statistics.median(self.taken)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.taken, n=100, method="inclusive")[98]

    @property
    def ratio(self) -> float | None:
        return self.median / statistics.median(self.bare) if self.bare else None

    @property
    def aim(self) -> int:
        return AIM_LIST_MS if self.page.startswith(LISTS) else AIM_MS


def measure(discharges: int, rounds: int, pages: Sequence[tuple[str, str]]) -> tuple[list[Timed], list[Timed]]:
    """A copy of the kept database; every page without and with an import."""
    server = open_server(servers_to_test()[-1])
    name = copy(server, discharges)
    try:
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings(
                instance_dir=Path(folder), database_url=server.url(name), secret_key="k" * 32, hospital_timezone=ZONE
            )
            with server.connect(name) as connection:
                connection.execute("CHECKPOINT")
            calm = _measure(settings, rounds, pages)
            with _importing(settings, Path(folder)):
                return calm, _measure(settings, rounds, pages)
    finally:
        server.drop(name)


def _measure(settings: Settings, rounds: int, pages: Sequence[tuple[str, str]]) -> list[Timed]:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    with context.Pool(PROCESSES, _with_barrier, (barrier,)) as pool:
        found = pool.starmap(_process, [(settings, rounds, pages)] * PROCESSES, chunksize=1)
    return [
        replace(
            each[0],
            taken=tuple(taken for one in each for taken in one.taken),
            bare=tuple(taken for one in each for taken in one.bare),
            web=statistics.mean(one.web for one in each),
        )
        for each in zip(*found, strict=True)
    ]


_together: Any = None


def _with_barrier(barrier: Any) -> None:
    global _together  # noqa: PLW0603 - how a pool hands its processes what cannot be sent later
    _together = barrier


def _process(settings: Settings, rounds: int, pages: Sequence[tuple[str, str]]) -> list[Timed]:
    """One web process and its clients; both processes ask for the same page at the same time."""
    runtime = make_runtime(settings, FixedClock(NOW))
    app = create_app(settings, runtime)
    app.config.update(WTF_CSRF_ENABLED=False)
    here = CLIENTS // PROCESSES
    clients = {user: [_logged_in(app.test_client(), user) for _ in range(here)] for user in {who for who, _ in pages}}
    with ThreadPoolExecutor(here) as pool:
        found = [_page(pool, runtime, clients[who], page, rounds) for who, page in pages]
    runtime.engine.dispose()
    return found


def _page(pool: ThreadPoolExecutor, runtime: Runtime, clients: Sequence[FlaskClient], page: str, rounds: int) -> Timed:
    with _statements(runtime) as run:
        _ask(clients[0], page)
    _ask(clients[0], page)
    _together.wait()
    web = process_time()
    taken = [one for each in pool.map(lambda client: _again(client, page, rounds), clients) for one in each]
    web = process_time() - web
    _together.wait()
    rolled = [each for each in run if "report_" in each[0] and each[0].lstrip().startswith("SELECT")]
    bare = [one for each in pool.map(lambda _: _barely(runtime, rolled, rounds), clients) for one in each]
    return Timed(page, tuple(taken), 1000 * web / len(taken), len(run), tuple(bare))


def _again(client: FlaskClient, page: str, rounds: int) -> list[float]:
    return [_ask(client, page) for _ in range(rounds)]


def _ask(client: FlaskClient, page: str) -> float:
    """Milliseconds on the clock until the page is there."""
    started = stopwatch()
    answer = client.get(page)
    taken = 1000 * (stopwatch() - started)
    if answer.status_code != 200:
        raise RuntimeError(f"{page}: {answer.status}")
    return taken


@contextmanager
def _statements(runtime: Runtime) -> Any:
    """The statements that run inside, with their parameters."""
    found: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        found.append((statement, parameters))

    event.listen(runtime.engine, "before_cursor_execute", note)
    yield found
    event.remove(runtime.engine, "before_cursor_execute", note)


def _barely(runtime: Runtime, statements: Sequence[tuple[str, Any]], rounds: int) -> list[float]:
    """Milliseconds of all these statements on a connection of their own, so many times."""
    if not statements:
        return []
    address = make_url(runtime.settings.database_url or "").set(drivername="postgresql")
    found = []
    with psycopg.connect(address.render_as_string(hide_password=False), options="-c jit=off") as connection:
        for _ in range(rounds + 1):
            started = stopwatch()
            for statement, parameters in statements:
                connection.execute(statement, parameters).fetchall()
            found.append(1000 * (stopwatch() - started))
    return found[1:]


def _logged_in(client: FlaskClient, user: str) -> FlaskClient:
    client.post("/login", data={"username": user, "password": PASSWORD})
    return client


@contextmanager
def _importing(settings: Settings, folder: Path) -> Any:
    """A feed of the last months comes in, over and over with other patients, and the worker adds up its days."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    processes = [context.Process(target=work, args=(settings, folder, stop)) for work in (_import, _add_up)]
    for process in processes:
        process.start()
    pause(2 * WORKER_SECONDS)
    yield
    stop.set()
    for process in processes:
        process.join()


def _import(settings: Settings, folder: Path, stop: Event) -> None:
    runtime = make_runtime(settings, FixedClock(NOW))
    seed = 0
    while not stop.is_set():
        seed += 1
        path = folder / f"feed-{seed}.csv"
        hospital = Hospital(seed=seed, per_day=IMPORTED_ROWS // 90, country="CN", prefix=f"S{seed}")
        write_csv(path, _some(hospital, NOW.date() - timedelta(days=90), stop))
        import_files(runtime, facility_id=1, paths=[path])


def _some(hospital: Hospital, first: date, stop: Event) -> Any:
    for _day, stays in hospital.days(first, 89):
        if stop.is_set():
            return
        yield from stays


def _add_up(settings: Settings, _folder: Path, stop: Event) -> None:
    runtime = make_runtime(settings, FixedClock(NOW))
    while not stop.is_set():
        add_up_days(runtime)
        pause(WORKER_SECONDS)


def report_of(timed: Sequence[Timed], title: str) -> str:
    """The result as lines of text."""
    lines = [title, "  median    p99   web CPU   bare  ratio  statements  page"]
    for each in timed:
        bare = f"{statistics.median(each.bare):6.1f} {each.ratio:5.1f}" if each.bare else "     –     –"
        missed = " MISSED" if each.p99 > each.aim else ""
        lines.append(
            f"{each.median:8.1f} {each.p99:6.0f} {each.web:8.1f} {bare} {each.statements:8d}    {each.page}{missed}"
        )
    return "\n".join(lines) + "\n"


def main(discharges: int = DISCHARGES, rounds: int = ROUNDS, only: Sequence[str] = ()) -> int:
    """Measure, print, and fail when a page misses its aim."""
    begin_run()
    pages = [each for each in PAGES if not only or any(part in each[1] for part in only)]
    try:
        calm, importing = measure(discharges, rounds, pages)
    finally:
        end_run()
    sys.stdout.write(report_of(calm, f"{discharges:,} discharges, {CLIENTS} connections"))
    sys.stdout.write(report_of(importing, "the same while an import runs"))
    return int(any(each.p99 > each.aim for each in [*calm, *importing]))


if __name__ == "__main__":
    sizes = [int(each) for each in sys.argv[1:3]]
    sys.exit(main(*sizes, only=sys.argv[3:]))
