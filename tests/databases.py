"""PostgreSQL servers that tests run on, and databases of the tests' own on them."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from hcrm.embedded import ADMIN_LOGIN, RUNTIME_LOGIN, EmbeddedServer

LOCAL_SERVER = "postgresql://postgres@127.0.0.1:5432/postgres"
PREFIX = "hcrm_test"
FOLDER_PREFIX = "hcrm-test-"
RUN = "HCRM_TEST_RUN"
SERVERS = "HCRM_TEST_SERVERS"


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A PostgreSQL server: the address of a login that may make databases and roles, and of one that works in them."""

    name: str
    admin: str
    runtime: str

    def url(self, database: str) -> str:
        """The address of ``database`` for the program at work."""
        return _with_database(self.runtime, database)

    def admin_url(self, database: str) -> str:
        """The address of ``database`` for changes to its schema."""
        return _with_database(self.admin, database)

    @contextmanager
    def connect(self, database: str = "postgres") -> Iterator[psycopg.Connection]:
        """A connection with all rights; each statement is its own transaction."""
        address = make_url(self.admin_url(database)).set(drivername="postgresql")
        with psycopg.connect(address.render_as_string(hide_password=False), autocommit=True) as connection:
            yield connection

    def name_of_run(self) -> str:
        """A new name for a database; it says which test run made it."""
        return f"{PREFIX}_{run_pid()}_{secrets.token_hex(4)}"

    def create(self, template: str = "template0") -> str:
        """Make a database, empty or a copy of ``template``."""
        name = self.name_of_run()
        with self.connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
            )
        return name

    def drop(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def drop_later(self, name: str) -> None:
        """Drop it beside the tests: a durable server waits for its disk each time."""
        _drops.append(_dropping.submit(self.drop, name))

    def sweep(self) -> None:
        """Drop what killed test runs of this machine have left behind."""
        with self.connect() as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{PREFIX}\\_%"])
            for (name,) in rows.fetchall():
                found = re.match(rf"{PREFIX}_(\d+)_", name)
                if found and not _alive(int(found[1])):
                    self.drop(name)


_dropping = ThreadPoolExecutor(1, "drop databases")
_drops: list[Future[None]] = []


def finish_dropping() -> None:
    """Wait for the databases that are still being dropped; an error there is an error here."""
    while _drops:
        _drops.pop().result()


def open_server(name: str) -> DatabaseServer:
    """The server ``embedded`` (this process joins it) or ``server`` (the one that answers on this machine)."""
    if name == "embedded":
        embedded = EmbeddedServer(run_folder(), durable=False)
        embedded.join(create=True)
        return DatabaseServer(name, embedded.url(ADMIN_LOGIN), embedded.url(RUNTIME_LOGIN))
    url = local_server_url()
    server = DatabaseServer(name, url, url)
    server.sweep()
    return server


def begin_run() -> None:
    """Give this run its name and fix its servers, for the processes that xdist starts as well."""
    os.environ.setdefault(RUN, str(os.getpid()))
    os.environ.setdefault(SERVERS, "embedded,server" if answers(local_server_url()) else "embedded")


def end_run() -> None:
    """Stop the embedded server of this run, and those of runs that were killed; remove their folders."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        pid = folder.name.removeprefix(FOLDER_PREFIX)
        if pid.isdigit() and (int(pid) == os.getpid() or not _alive(int(pid))) and os.access(folder, os.W_OK):
            remove_server(folder)


def remove_server(folder: Path) -> None:
    """Stop the embedded server of an instance folder and remove both."""
    EmbeddedServer(folder).remove()
    shutil.rmtree(folder, ignore_errors=True)


def servers_to_test() -> list[str]:
    return [name.strip() for name in os.environ[SERVERS].split(",") if name.strip()]


def run_pid() -> int:
    """The process that this test run belongs to."""
    return int(os.environ[RUN])


def run_folder() -> Path:
    """The instance folder of this run's embedded server; others may enter it, its inside is closed to them."""
    folder = Path(tempfile.gettempdir()) / f"{FOLDER_PREFIX}{run_pid()}"
    folder.mkdir(mode=0o755, exist_ok=True)
    return folder


def local_server_url() -> str:
    return os.environ.get("HCRM_TEST_DATABASE_URL", LOCAL_SERVER)


def answers(url: str) -> bool:
    """Whether a server answers there."""
    try:
        with psycopg.connect(url, connect_timeout=3):
            return True
    except psycopg.OperationalError:
        return False


def _with_database(url: str, database: str) -> str:
    address = make_url(url).set(drivername="postgresql+psycopg", database=database)
    return address.render_as_string(hide_password=False)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
