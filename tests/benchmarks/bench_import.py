"""How fast discharge records are imported, with plans, against PostgreSQL's own COPY of the same rows.

Both are measured in the same run on the same database: the base is ``COPY … FROM STDIN (FORMAT csv)`` of the same file
into a bare table of text columns with a primary key, the median of three. Reading and checking alone, without a
database, is measured as well. On a machine that has other work to do the clock tells less than the processors, so their
time is measured on both sides. ``python -m tests.benchmarks.bench_import [ROWS] [FORM]``, where FORM is one of

``shipped`` (the default)
    with the plans of the product, which give a stay between none and ten steps;
``five``
    with one plan of five steps for each stay; three rows in ten are of patients seen before (the large form is
    ``1000000 five``);
``none``
    the same rows without plans.

After each the same file is imported again, which changes nothing.
"""

from __future__ import annotations

import csv
import os
import platform
import random
import resource
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import psycopg
from sqlalchemy import make_url, text
from sqlalchemy.orm import Session

from hcrm import schema
from hcrm.clock import SystemClock, stopwatch
from hcrm.followup.domain.plan import VersionStatus, plan_from_mapping, plan_to_mapping
from hcrm.followup.models import PlanRow, PlanVersionRow
from hcrm.intake.domain import Profile
from hcrm.intake.jobs import import_files
from hcrm.intake.readers.csv_rows import Order, read_chunks, sniff
from hcrm.organization.service import ensure_facility
from hcrm.patients.domain import EncounterClass
from hcrm.settings import Settings
from hcrm.simulation.feed import CSV_HEADS, write_csv
from hcrm.simulation.hospital import Hospital, Stay
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.databases import begin_run, end_run, open_server, servers_to_test

ROWS = 200_000
TARGETS = {"shipped": 0.05, "five": 0.10, "none": 0.20}
SEEN_BEFORE = 3
"""Of ten rows, so many are of patients who were in hospital before, in the forms ``five`` and ``none``."""
PERSON = (
    "mrn", "family_name", "given_name", "sex", "birth_date", "phone", "phone_owner", "language", "contact_name",
    "contact_relationship", "address",
)  # fmt: skip
"""Columns that belong to the patient."""
REMEMBERED = 50_000
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

    form: str
    rows: int
    copy: Spent
    reading_seconds: float
    importing: Spent
    again: Spent
    tasks: int
    patients: int
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
        database=sum(processor_seconds(pid) for (pid,) in sessions),
    )


def processor_seconds(pid: int) -> float:
    """What a process of this machine has used; 0 where that cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def make_file(folder: Path, rows: int, form: str = "shipped") -> Path:
    """A discharge feed whose last days are the days before today."""
    path = folder / "discharges.csv"
    per_day = max(rows // 90, 1)
    first = SystemClock().now().date() - timedelta(days=150)
    write_csv(path, islice(_stays(Hospital(seed=1, per_day=per_day, country="CN"), first), rows))
    return path if form == "shipped" else _with_returning_patients(path)


def _with_returning_patients(path: Path) -> Path:
    """The same stays, three in ten of them of a patient of one of the last ``REMEMBERED`` rows before."""
    draw = random.Random(1)
    earlier: list[list[str]] = []
    changed = path.with_name("returning.csv")
    with path.open(encoding="utf-8", newline="") as file, changed.open("w", encoding="utf-8", newline="") as written:
        rows, writer = csv.reader(file), csv.writer(written)
        heads = next(rows)
        writer.writerow(heads)
        columns = [heads.index(name) for name in PERSON]
        died = heads.index("deceased_at")
        for number, row in enumerate(rows):
            if earlier and number % 10 < SEEN_BEFORE and not row[died]:
                for at, cell in zip(columns, draw.choice(earlier), strict=True):
                    row[at] = cell
            elif not row[died]:
                earlier.append([row[at] for at in columns])
                if len(earlier) > REMEMBERED:
                    earlier[draw.randrange(REMEMBERED)] = earlier.pop()
            writer.writerow(row)
    return changed


def install_five_steps(session: Session, now: datetime) -> None:
    """One plan of five steps for every stay, in place of those of the product."""
    session.execute(text("UPDATE plan SET active = false"))
    steps = [
        {
            "code": f"step_{number}",
            "name_en": f"Step {number}",
            "name_zh": f"第{number}步",
            "tier": 1 if channel == "phone" else None,
            "channel": channel,
            "performer": "physician" if channel == "phone" else "system",
            "from_day": number,
            "until_day": 2 * number + 1,
            "target_time": "10:00",
            **({"template": "welcome"} if channel == "sms" else {"questionnaires": {"*": "CLIN_GEN"}}),
        }
        for number, channel in enumerate(("sms", "phone", "sms", "phone", "phone"), 1)
    ]
    entry = {
        "code": "bench",
        "name_en": "Five steps",
        "name_zh": "五步",
        "eligibility": {"classes": [each.value for each in EncounterClass]},
        "steps": steps,
    }
    plan = plan_from_mapping(entry)
    row = PlanRow(facility_id=None, code="bench", name_en="Five steps", name_zh="五步", scope=plan.scope, position=1,
                  active=True)  # fmt: skip
    session.add(row)
    session.flush()
    session.add(PlanVersionRow(plan_id=row.id, version=1, status=VersionStatus.PUBLISHED,
                               definition=plan_to_mapping(plan), published_at=now))  # fmt: skip
    session.flush()


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


def measure(rows: int = ROWS, form: str = "shipped") -> Measured:
    """Make a file and a fresh database, import the one into the other, and drop both."""
    server = open_server(servers_to_test()[-1])
    name = server.create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _measure(server.url(name), server.admin_url(name), Path(folder), rows, form)
    finally:
        server.drop(name)


def _measure(url: str, admin_url: str, folder: Path, rows: int, form: str) -> Measured:
    schema.upgrade(admin_url)
    plain_url = make_url(admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    path = make_file(folder, rows, form)
    settings = Settings(instance_dir=folder, database_url=url, secret_key="k" * 32, hospital_timezone=ZONE)
    runtime = make_runtime(settings, SystemClock())
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, now)
        facility = ensure_facility(session, code="BENCH", name="Bench", timezone=ZONE, country="CN", now=now)
        if form == "five":
            install_five_steps(session, now)
    copies = [measure_copy(plain_url, path) for _ in range(3)]
    reading = measure_reading(path)
    with psycopg.connect(plain_url, autocommit=True) as connection:
        plans = form != "none"
        with measuring(connection) as importing:
            report = import_files(runtime, facility_id=facility, paths=[path], with_plans=plans)
        assert report.counts["created"] == report.counts["rows_read"] == rows, report.counts
        with measuring(connection) as again:
            report = import_files(runtime, facility_id=facility, paths=[path], with_plans=plans)
        assert report.counts["unchanged"] == rows, report.counts
        runtime.engine.dispose()
        (tasks,) = connection.execute("SELECT count(*) FROM task").fetchone() or (0,)
        (patients,) = connection.execute("SELECT count(*) FROM patient").fetchone() or (0,)
    return Measured(
        form=form,
        rows=rows,
        copy=statistics.median_low(copies),
        reading_seconds=reading,
        importing=importing[0],
        again=again[0],
        tasks=tasks,
        patients=patients,
        peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def report_of(measured: Measured) -> str:
    """The measurement in words."""
    rows, copy, importing, again = measured.rows, measured.copy, measured.importing, measured.again
    per = 10_000 / rows
    plans = f"with plans ({measured.tasks:,} tasks)" if measured.tasks else "without plans"
    return (
        f"Import of {rows:,} rows of {measured.patients:,} patients {plans}: {rows / importing.clock:,.0f} rows/s, "
        f"{measured.share:.1%} of COPY into a bare table ({rows / copy.clock:,.0f} rows/s); "
        f"the target is {TARGETS[measured.form]:.0%}.\n"
        f"Processor time for 10,000 rows: importing {importing.own * per:.2f} s, "
        f"reading {importing.started * per:.2f} s, database {importing.database * per:.2f} s; "
        f"COPY {copy.own * per:.3f} s and {copy.database * per:.3f} s, that is {measured.share_of_processors:.1%}.\n"
        f"Again, nothing new: {rows / again.clock:,.0f} rows/s; processor time for 10,000 rows: importing "
        f"{again.own * per:.2f} s, reading {again.started * per:.2f} s, database {again.database * per:.2f} s.\n"
        f"Reading and checking alone: {rows / measured.reading_seconds:,.0f} rows/s in one process. "
        f"Largest memory of the importing process: {measured.peak_megabytes:,.0f} MB.\n"
        f"Machine: {platform.machine()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.0f}, "
        f"Python {platform.python_version()}."
    )


def main(rows: int = ROWS, form: str = "shipped") -> int:
    """Measure, print, and fail when the target is missed."""
    begin_run()
    try:
        measured = measure(rows, form)
    finally:
        end_run()
    sys.stdout.write(report_of(measured) + "\n")
    return 0 if measured.share >= TARGETS[form] else 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS, *sys.argv[2:3]))
