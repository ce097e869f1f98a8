"""How fast discharge records are imported, with plans, against PostgreSQL's own COPY of the same rows.

Both are measured in the same run on the same database: the base is ``COPY … FROM STDIN (FORMAT csv)`` of the same file
into a bare table of text columns with a primary key, the median of three. Reading and checking alone, without a
database, is measured as well. On a machine that has other work to do the clock tells less than the processors, so their
time is measured on both sides. ``python -m tests.benchmarks.bench_import [ROWS]``.
"""

from __future__ import annotations

import os
import platform
import resource
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy import make_url

from hcrm import schema
from hcrm.clock import SystemClock, stopwatch
from hcrm.intake.domain import Profile
from hcrm.intake.jobs import import_files
from hcrm.intake.readers.csv_rows import Order, read_chunks, sniff
from hcrm.organization.service import ensure_facility
from hcrm.settings import Settings
from hcrm.simulation.feed import CSV_HEADS, write_csv
from hcrm.simulation.hospital import Hospital, Stay
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.databases import begin_run, end_run, open_server, servers_to_test

ROWS = 200_000
TARGET = 0.05
ZONE = "Asia/Shanghai"


class Spent(NamedTuple):
    """Seconds on the clock, and of the processors: in this process, in those it started, in the database."""

    clock: float
    own: float
    started: float
    database: float

    @property
    def processors(self) -> float:
        return self.own + self.started + self.database


@dataclass(frozen=True, slots=True)
class Measured:
    """What COPY, reading alone and the import took, and what the import made and used."""

    rows: int
    copy: Spent
    reading_seconds: float
    importing: Spent
    tasks: int
    peak_megabytes: float

    @property
    def share(self) -> float:
        return self.copy.clock / self.importing.clock

    @property
    def share_of_processors(self) -> float:
        return self.copy.processors / self.importing.processors


@contextmanager
def measuring(connection: psycopg.Connection) -> Iterator[list[Spent]]:
    """Puts what the work inside took into the list; sessions of the database that end meanwhile are not counted."""
    result: list[Spent] = []
    before = _counters(connection)
    yield result
    result.append(Spent(*(after - was for after, was in zip(_counters(connection), before, strict=True))))


def _counters(connection: psycopg.Connection) -> Spent:
    own, started = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    sessions = connection.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()").fetchall()
    return Spent(
        clock=stopwatch(),
        own=own.ru_utime + own.ru_stime,
        started=started.ru_utime + started.ru_stime,
        database=sum(_processor_seconds(pid) for (pid,) in sessions),
    )


def _processor_seconds(pid: int) -> float:
    """What a process of this machine has used; 0 where that cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_file(folder: Path, rows: int) -> Path:
    """A discharge feed whose last days are the days before today."""
    path = folder / "discharges.csv"
    per_day = max(rows // 90, 1)
    first = SystemClock().now().date() - timedelta(days=150)
    write_csv(path, islice(_stays(Hospital(seed=1, per_day=per_day, country="CN"), first), rows))
    return path


def _stays(hospital: Hospital, first: date) -> Iterator[Stay]:
    for _day, stays in hospital.days(first, 149):
        yield from stays


def measure_copy(url: str, path: Path) -> Spent:
    """What COPY into a bare table with a primary key takes."""
    columns = ", ".join(f"{head} text" for head in CSV_HEADS)
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS bare")
        connection.execute(f"CREATE TABLE bare ({columns}, PRIMARY KEY (visit_number))")  # type: ignore[arg-type]
        connection.commit()
        with measuring(connection) as spent:
            with (
                connection.cursor().copy("COPY bare FROM STDIN (FORMAT csv, HEADER true)") as copy,
                path.open("rb") as file,
            ):
                while block := file.read(1 << 20):
                    copy.write(block)
            connection.commit()
        connection.execute("DROP TABLE bare")
    return spent[0]


def measure_reading(path: Path) -> float:
    """Seconds for reading and checking all rows in one process."""
    order = Order(path, sniff(path), Profile(), ZONE, "CN", SystemClock().now())
    began = stopwatch()
    for _chunk in read_chunks(order):
        pass
    return stopwatch() - began


def measure(rows: int = ROWS) -> Measured:
    """Make a file and a fresh database, import the one into the other, and drop both."""
    server = open_server(servers_to_test()[-1])
    name = server.create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _measure(server.url(name), server.admin_url(name), Path(folder), rows)
    finally:
        server.drop(name)


def _measure(url: str, admin_url: str, folder: Path, rows: int) -> Measured:
    schema.upgrade(admin_url)
    plain_url = make_url(admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    path = make_file(folder, rows)
    settings = Settings(instance_dir=folder, database_url=url, secret_key="k" * 32, hospital_timezone=ZONE)
    runtime = make_runtime(settings, SystemClock())
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, now)
        facility = ensure_facility(session, code="BENCH", name="Bench", timezone=ZONE, country="CN", now=now)
    copies = [measure_copy(plain_url, path) for _ in range(3)]
    reading = measure_reading(path)
    with psycopg.connect(plain_url, autocommit=True) as connection:
        with measuring(connection) as importing:
            report = import_files(runtime, facility_id=facility, paths=[path])
        assert report.counts["created"] == report.counts["rows_read"] == rows, report.counts
        runtime.engine.dispose()
        (tasks,) = connection.execute("SELECT count(*) FROM task").fetchone() or (0,)
    return Measured(
        rows=rows,
        copy=statistics.median_low(copies),
        reading_seconds=reading,
        importing=importing[0],
        tasks=tasks,
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def report_of(measured: Measured) -> str:
    """The measurement in words."""
    rows, copy, importing = measured.rows, measured.copy, measured.importing
    per = 10_000 / rows
    return (
        f"Import of {rows:,} rows with plans ({measured.tasks:,} tasks): {rows / importing.clock:,.0f} rows/s, "
        f"{measured.share:.1%} of COPY into a bare table ({rows / copy.clock:,.0f} rows/s); "
        f"the target is {TARGET:.0%}.\n"
        f"Processor time for 10,000 rows: importing {importing.own * per:.2f} s, "
        f"reading {importing.started * per:.2f} s, database {importing.database * per:.2f} s; "
        f"COPY {copy.own * per:.3f} s and {copy.database * per:.3f} s, that is {measured.share_of_processors:.1%}.\n"
        f"Reading and checking alone: {rows / measured.reading_seconds:,.0f} rows/s in one process. "
        f"Largest memory of the importing process: {measured.peak_megabytes:,.0f} MB.\n"
        f"Machine: {platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}."
    )


def main(rows: int = ROWS) -> int:
    """Measure, print, and fail when the target is missed."""
    begin_run()
    try:
        measured = measure(rows)
    finally:
        end_run()
    sys.stdout.write(report_of(measured) + "\n")
    return 0 if measured.share >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS))
