"""Start, stop and share the embedded server.

Two lock files in the server's home keep its users apart. ``transition.lock`` is held while someone starts or stops the
server; ``users.lock`` is held, shared, by everyone who uses it. Both are locks of the kernel, which go when a process
dies in whatever way, so that none is ever stale. The test of life is a real connection, never a file.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import URL

from hcrm.clock import pause, stopwatch
from hcrm.embedded import cluster, move
from hcrm.embedded.binaries import SHARED_STATE, Binaries, make_shared_state, newest, shipped
from hcrm.embedded.errors import DatabaseUnavailable
from hcrm.embedded.osuser import SystemUser, user_for

ADMIN_LOGIN = "hcrm_admin"
"""The superuser of the embedded server: makes roles, databases and schema changes."""

RUNTIME_LOGIN = "hcrm_runtime"
"""What web, worker and commands log in as."""

DATABASE = "hcrm"

START_LIMIT = 600.0
"""Seconds that a start may take: after a crash the server first replays what it had not yet written."""

LEFTOVER_LIMIT = 60.0
"""Seconds to wait for the last processes of a killed server to notice that it is gone."""

LONGEST_SOCKET = 103
"""Bytes of a socket's path that every Unix takes."""

SAFE_PATH = re.compile(r"[A-Za-z0-9/._-]+")
"""Paths that need no quoting anywhere on the way into the server's configuration."""


class EmbeddedServer:
    """The server of one instance folder. ``durable=False`` trades safety against power cuts for speed, for tests."""

    def __init__(self, instance_dir: Path, *, durable: bool = True) -> None:
        self._instance_dir = instance_dir.absolute()
        self._durable = durable
        self._held: int | None = None
        self.home, self.user = self._place()

    def _place(self) -> tuple[Path, SystemUser]:
        """Where the server lives and who runs it: in the instance folder if its user can reach that."""
        inside = self._instance_dir / "postgres"
        mark = hashlib.sha256(str(self._instance_dir.resolve()).encode()).hexdigest()[:12]
        outside = SHARED_STATE / mark
        if os.geteuid() == 0 and not (inside / "data").exists() and (outside / "data").exists():
            return outside, user_for(outside / "data")
        user = user_for(inside / "data")
        folder = next(path for path in (inside, *inside.parents) if path.exists())
        return (inside if user.can_use(folder) else outside), user

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def sockets(self) -> Path:
        """The private folder of the server's socket: in its home, unless that path is too long or unusual."""
        inside = self.home / "run"
        if len(os.fsencode(inside / ".s.PGSQL.5432")) <= LONGEST_SOCKET and SAFE_PATH.fullmatch(str(inside)):
            return inside
        mark = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return SHARED_STATE / f"run-{mark}" if self.user.other else Path("/tmp") / f"hcrm-{self.user.uid}-{mark}"  # noqa: S108

    def url(self, login: str, database: str = DATABASE) -> str:
        """The address for SQLAlchemy."""
        query = {"host": str(self.sockets), "port": "5432"}
        url = URL.create("postgresql+psycopg", username=login, database=database, query=query)
        return url.render_as_string(hide_password=False)

    def exists(self) -> bool:
        """Whether there is a database here."""
        return cluster.version_of(self.data) is not None

    def answers(self) -> bool:
        """Whether the server takes a connection and answers a query."""
        try:
            with self.connect("postgres", timeout=5) as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False

    def connect(self, database: str = DATABASE, *, timeout: int = 10) -> psycopg.Connection:
        """A connection of the superuser, for the server's own affairs; each statement is its own transaction."""
        return psycopg.connect(
            host=str(self.sockets),
            port=5432,
            user=ADMIN_LOGIN,
            dbname=database,
            connect_timeout=timeout,
            autocommit=True,
        )

    def join(self, *, create: bool = False) -> None:
        """Use the server from now on: start it if it does not run; with ``create`` make it if there is none.

        Raises ``DatabaseUnavailable`` with a sentence.
        """
        if create:
            self._make_home()
        elif not self.exists():
            raise DatabaseUnavailable(f"There is no database in {self.home} yet: run `hcrm db upgrade`.")
        with self._transition():
            self._ensure_running(create=create)
            self._held = self._open_lock("users.lock")
            fcntl.flock(self._held, fcntl.LOCK_SH)

    def leave(self) -> None:
        """Use the server no longer; the last one out stops it, unless it is kept up."""
        if self._held is None:
            return
        with self._transition():
            os.close(self._held)
            self._held = None
            if not self._kept.exists() and not self.in_use():
                self.stop_on(self.data)

    def heal(self) -> None:
        """Start the server again if it died while this process uses it. Raises ``DatabaseUnavailable``."""
        if not self.answers():
            with self._transition():
                self._ensure_running(create=False)

    def keep_up(self) -> None:
        """Start the server and leave it running until ``stop``. Raises ``DatabaseUnavailable``."""
        self._make_home()
        with self._transition():
            self._ensure_running(create=True)
            self._kept.touch()
            self.user.own(self._kept)

    def stop(self) -> bool:
        """Stop the server, whoever uses it; whether it ran."""
        if not self.exists():
            return False
        with self._transition():
            self._kept.unlink(missing_ok=True)
            ran = self.answers()
            self.stop_on(self.data)
            return ran

    def remove(self) -> None:
        """Stop the server and delete everything that it keeps."""
        self.stop()
        for folder in (self.sockets, self.home):
            if folder.exists():
                shutil.rmtree(folder)

    @property
    def _kept(self) -> Path:
        return self.home / "kept"

    def _make_home(self) -> None:
        try:
            if self.home.is_relative_to(SHARED_STATE):
                make_shared_state()
            self.home.parent.mkdir(parents=True, exist_ok=True)
            if not self.home.exists():
                self.home.mkdir(mode=0o700, exist_ok=True)
                self.user.own(self.home)
        except OSError as problem:
            raise DatabaseUnavailable(
                f"The folder {self.home} cannot be made ({problem.strerror}): set HCRM_INSTANCE_DIR to a folder of "
                "your own."
            ) from None

    def _make_sockets(self) -> None:
        """The folder of the socket: ours alone, so that nobody can pose as the server or reach it."""
        folder = self.sockets
        if folder.is_relative_to(SHARED_STATE):
            make_shared_state()
        if not folder.exists():
            folder.mkdir(mode=0o700, exist_ok=True)
            self.user.own(folder)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != self.user.uid or found.st_mode & 0o077:
            raise DatabaseUnavailable(
                f"The folder {folder} must belong to the user {self.user.name} alone: remove it and start again."
            )

    @contextmanager
    def _transition(self) -> Iterator[None]:
        descriptor = self._open_lock("transition.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _open_lock(self, name: str) -> int:
        try:
            descriptor = os.open(self.home / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as problem:
            raise DatabaseUnavailable(
                f"The folder {self.home} cannot be written ({problem.strerror}): start the program as the user who "
                "owns it, or set HCRM_INSTANCE_DIR to a folder of your own."
            ) from None
        self.user.own(descriptor)
        return descriptor

    def in_use(self) -> bool:
        """Whether another process uses the server."""
        descriptor = self._open_lock("users.lock")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def _ensure_running(self, *, create: bool) -> None:
        move.finish_renaming(self.home, self.data)
        if create and move.needs_move(self.data):
            self.stop_on(self.data)
            move.move(self, ADMIN_LOGIN)
        if not self.exists():
            if not create:
                raise DatabaseUnavailable(f"There is no database in {self.home} yet: run `hcrm db upgrade`.")
            cluster.make(self.data, self.user, newest().for_user(self.user), ADMIN_LOGIN)
        if not self.answers():
            self.start_on(self.data, self._binaries())
        if create:
            self._provide()

    def _binaries(self) -> Binaries:
        """The programs for this data folder. Raises ``DatabaseUnavailable`` when it is of another major version."""
        version = cluster.version_of(self.data)
        best = newest()
        if version == best.major:
            return best.for_user(self.user)
        if version in shipped():
            raise DatabaseUnavailable(
                f"The database in {self.home} was made by PostgreSQL {version}, this program comes with "
                f"{best.major}: run `hcrm db upgrade`, which moves it."
            )
        raise DatabaseUnavailable(
            f"The database in {self.home} was made by PostgreSQL {version}, this program comes with {best.major} and "
            "cannot read it: write a copy with `hcrm db backup` of the program it was made by, move the folder away "
            "and bring the copy back with `hcrm db restore`."
        )

    def start_on(self, data: Path, binaries: Binaries) -> None:
        """Start the server with a data folder. Raises ``DatabaseUnavailable``."""
        self._make_sockets()
        cluster.configure(data, self.user, self.sockets, (ADMIN_LOGIN, RUNTIME_LOGIN), durable=self._durable)
        began = stopwatch()
        while True:
            said = self._try_to_start(data, binaries)
            if self.answers():
                return
            if not _leftovers(said) or stopwatch() - began > LEFTOVER_LIMIT:
                break
            pause(0.5)
        raise DatabaseUnavailable(
            f"The database in {self.home} does not start: {cluster.reason(said)} More is in {self.home}/start.log "
            f"and {data}/log."
        )

    def _try_to_start(self, data: Path, binaries: Binaries) -> str:
        """One attempt; what the server said if it failed."""
        self._clear_stale_pid(data)
        log = self.home / "start.log"
        answer = self.user.run(
            [binaries.program("pg_ctl"), "start", "-D", data, "-l", log, "-w", "-t", str(int(START_LIMIT)), "-s"],
            timeout=None,
        )
        said = log.read_text(errors="replace")[-4000:] if log.exists() else answer.stdout
        if answer.returncode == 0:
            log.unlink(missing_ok=True)
        return said

    def _clear_stale_pid(self, data: Path) -> None:
        """Remove the server's note of its process when that process is now another program.

        PostgreSQL itself takes any living process with that number for a server, which stops it from starting after
        the machine or container was restarted.
        """
        for path in (data / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"):
            try:
                pid = int(path.read_text().split("\n", 1)[0])
                command = Path(f"/proc/{pid}/cmdline").read_bytes()
            except (OSError, ValueError):
                continue
            if b"postgres" not in command:
                path.unlink(missing_ok=True)

    def stop_on(self, data: Path) -> None:
        """Stop: connections are ended, what is committed is safe. Raises ``DatabaseUnavailable`` if it does not."""
        version = cluster.version_of(data)
        programs = shipped().get(version or 0)
        if programs is None or not (data / "postmaster.pid").exists():
            return
        pg_ctl = programs.for_user(self.user).program("pg_ctl")
        for mode, limit in (("fast", 120), ("immediate", 30)):
            answer = self.user.run([pg_ctl, "stop", "-D", data, "-m", mode, "-w", "-t", str(limit), "-s"])
            if answer.returncode == 0 or not self.answers():
                return
        raise DatabaseUnavailable(f"The database in {self.home} does not stop: {cluster.reason(answer.stdout)}")

    def _provide(self) -> None:
        """The login of web and worker, and the database; nothing happens where they are."""
        with self.connect("postgres") as connection:
            if not _found(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", RUNTIME_LOGIN):
                connection.execute(f"CREATE ROLE {RUNTIME_LOGIN} LOGIN")
            if not _found(connection, "SELECT 1 FROM pg_database WHERE datname = %s", DATABASE):
                connection.execute(f"CREATE DATABASE {DATABASE}")


def _found(connection: psycopg.Connection, query: str, value: str) -> bool:
    return connection.execute(query.encode(), [value]).fetchone() is not None


def _leftovers(said: str) -> bool:
    """Whether a start failed only because processes of a killed server have not ended yet."""
    return "still in use" in said or "already exists" in said
