"""What the marks of the daily roll-ups cost an import: the same file with and without the triggers, turn about.

``python -m tests.benchmarks.bench_upkeep [ROWS [PAIRS]]``. The aim is 20 % at most. Processor time decides where the
machine does other work too.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from hcrm import schema
from hcrm.clock import SystemClock
from hcrm.intake.jobs import import_files
from hcrm.organization.service import ensure_facility
from hcrm.settings import Settings
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.benchmarks.bench_import import ZONE, Spent, make_file, measuring
from tests.databases import DatabaseServer, begin_run, end_run, open_server, servers_to_test

ROWS, PAIRS = 20_000, 3
AIM = 0.2
MARKED = ("task", "encounter", "patient", "survey_response", "survey_answer")


def measure(rows: int = ROWS, pairs: int = PAIRS) -> list[tuple[Spent, Spent]]:
    """(with, without) of each pair, each in a database of its own; who comes first changes."""
    server = open_server(servers_to_test()[-1])
    found = []
    with tempfile.TemporaryDirectory() as folder:
        path = make_file(Path(folder), rows)
        for pair in range(pairs):
            order = (True, False) if pair % 2 == 0 else (False, True)
            spent = {marks: _import(server, Path(folder), path, marks=marks) for marks in order}
            found.append((spent[True], spent[False]))
    return found


def _import(server: DatabaseServer, folder: Path, path: Path, *, marks: bool) -> Spent:
    name = server.create()
    try:
        schema.upgrade(server.admin_url(name))
        plain = make_url(server.admin_url(name)).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            if not marks:
                for table in MARKED:
                    connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            settings = Settings(
                instance_dir=folder, database_url=server.url(name), secret_key="k" * 32, hospital_timezone=ZONE
            )
            runtime = make_runtime(settings, SystemClock())
            now = runtime.clock.now()
            with unit_of_work(runtime.sessions) as session:
                install_defaults(session, now)
                facility = ensure_facility(session, code="B", name="Bench", timezone=ZONE, country="CN", now=now)
            with measuring(connection) as spent:
                import_files(runtime, facility_id=facility, paths=[path])
            runtime.engine.dispose()
        return spent[0]
    finally:
        server.drop(name)


def main(rows: int = ROWS, pairs: int = PAIRS) -> int:
    """Measure, print, and fail when the marks cost more than aimed at."""
    begin_run()
    try:
        found = measure(rows, pairs)
    finally:
        end_run()
    clock = statistics.median(with_marks.clock / without.clock - 1 for with_marks, without in found)
    work = statistics.median(with_marks.processors / without.processors - 1 for with_marks, without in found)
    for with_marks, without in found:
        sys.stdout.write(
            f"with marks {with_marks.clock:.1f} s on the clock, {with_marks.processors:.1f} s of processors; "
            f"without {without.clock:.1f} s, {without.processors:.1f} s\n"
        )
    sys.stdout.write(f"{rows:,} rows: marks cost {clock:.1%} on the clock, {work:.1%} of processor time (median)\n")
    return int(work > AIM)


if __name__ == "__main__":
    sys.exit(main(*(int(each) for each in sys.argv[1:])))
