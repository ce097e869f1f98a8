"""A filled database that is kept on the server between measurements, and copies of it to work in.

Its name carries a hash of all that it is made from (migrations, what fills it, what adds up its days), so that nobody
measures on yesterday's. ``python -m tests.benchmarks.kept_database`` tells what is kept; ``copy DISCHARGES [NAME]``
makes a copy and prints its address (and the kept one first, where it is missing); ``drop [NAME …]`` drops the copy
with that name, without a name everything that is kept.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

import argon2
from psycopg import sql

from hcrm import schema
from hcrm.clock import FixedClock, stopwatch
from hcrm.reporting.jobs import add_up_days
from hcrm.settings import Settings
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.benchmarks.hospital_group import NOW, ZONE, Size, fill, size_of
from tests.databases import DatabaseServer, begin_run, end_run, open_server, servers_to_test

PASSWORD = "a password for measuring only"
KEPT = "hcrm_kept"
ROOT = Path(__file__).resolve().parent.parent.parent
MADE_FROM = (
    "migrations/versions/*.py",
    "tests/benchmarks/hospital_group.py",
    "hcrm/reporting/models/rollups.py",
    "hcrm/reporting/queries/day_*.py",
    "hcrm/reporting/queries/return_days.py",
    "hcrm/reporting/service/rollup.py",
)


def kept(server: DatabaseServer, discharges: int) -> str:
    """The name of the database with so many discharges, made when it is missing (minutes for a million)."""
    size = size_of(discharges)
    name = f"{KEPT}_{discharges}_{_hash(size)}"
    with server.connect() as connection:
        # Whoever comes second waits for the first.
        connection.execute("SELECT pg_advisory_lock(hashtext(%s))", [name])
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None:
            begun = f"{name}_begun"
            server.drop(begun)
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(begun)))
            _make(server, begun, size)
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (begun, name))))
    return name


def copy(server: DatabaseServer, discharges: int, name: str | None = None) -> str:
    """A copy to work in; without a name it belongs to this run, and the next run drops it if this one is killed."""
    template = kept(server, discharges)
    target = name or server.name_of_run()
    with server.connect() as connection:
        # Files are copied as they are: writing all pages into the log would take several times as long.
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(
                sql.Identifier(target), sql.Identifier(template)
            )
        )
    return target


def names(server: DatabaseServer) -> list[tuple[str, str]]:
    """What is kept, with its size."""
    with server.connect() as connection:
        rows = connection.execute(
            "SELECT datname, pg_size_pretty(pg_database_size(datname)) FROM pg_database"
            " WHERE datname LIKE %s ORDER BY datname",
            [f"{KEPT}\\_%"],
        )
        return [(name, size) for name, size in rows.fetchall()]


def _hash(size: Size) -> str:
    found = hashlib.sha256(repr(size).encode())
    for pattern in MADE_FROM:
        for path in sorted(ROOT.glob(pattern)):
            found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()[:10]


def _make(server: DatabaseServer, name: str, size: Size) -> None:
    """Schema, defaults, rows, indexes, the sums of the days, and what autovacuum does within minutes."""
    schema.upgrade(server.admin_url(name))
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            instance_dir=Path(folder), database_url=server.url(name), secret_key="k" * 32, hospital_timezone=ZONE
        )
        runtime = make_runtime(settings, FixedClock(NOW))
        with unit_of_work(runtime.sessions) as session:
            install_defaults(session, NOW)
        _told("schema")
        with server.connect(name) as connection:
            fill(connection, size, argon2.PasswordHasher().hash(PASSWORD))
            _told("rows and indexes")
            connection.execute("VACUUM ANALYZE")
            while add_up_days(runtime):
                pass
            _told("sums of days")
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
            _told("vacuum")
        runtime.engine.dispose()


_started = stopwatch()


def _told(what: str) -> None:
    sys.stderr.write(f"{what}: {stopwatch() - _started:.0f} s\n")


def main(arguments: list[str]) -> None:
    """What the command line says."""
    begin_run()
    server = open_server(servers_to_test()[-1])
    try:
        match arguments:
            case ["copy", discharges, *name]:
                made = copy(server, int(discharges), name[0] if name else f"{KEPT}_copy_{discharges}")
                sys.stdout.write(server.url(made) + "\n")
            case ["drop", *wanted]:
                for name in wanted or [name for name, _size in names(server)]:
                    server.drop(name)
            case _:
                sys.stdout.writelines(f"{name}  {size}\n" for name, size in names(server))
    finally:
        end_run()


if __name__ == "__main__":
    main(sys.argv[1:])
