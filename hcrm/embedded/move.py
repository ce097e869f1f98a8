"""Move an embedded database to the newest major version of PostgreSQL that the wheel brings, by dump and restore.

The old data folder is kept as ``data-<version>``. Whatever is killed on the way, the next attempt starts over from it:
the new folder gets its name only when it is whole.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from hcrm.embedded import cluster
from hcrm.embedded.binaries import Binaries, newest, shipped
from hcrm.embedded.errors import DatabaseUnavailable
from hcrm.embedded.osuser import SystemUser

DUMP = "move.sql"


class Movable(Protocol):
    """What a move needs of a server: its folders, and to run one data folder at a time."""

    home: Path
    user: SystemUser

    @property
    def data(self) -> Path: ...

    @property
    def sockets(self) -> Path: ...

    def start_on(self, data: Path, binaries: Binaries) -> None: ...

    def stop_on(self, data: Path) -> None: ...


def finish_renaming(home: Path, data: Path) -> None:
    """A move that was killed between its two last steps is completed."""
    if not data.exists() and (home / "data.next").exists() and any(home.glob("data-*")):
        (home / "data.next").rename(data)


def needs_move(data: Path) -> bool:
    """Whether the data folder is of an older version that can still be read."""
    version = cluster.version_of(data)
    return version is not None and version < newest().major and version in shipped()


def move(server: Movable, admin: str) -> None:
    """Dump with the old programs, restore with the new ones. Raises ``DatabaseUnavailable``."""
    old = shipped()[cluster.version_of(server.data) or 0].for_user(server.user)
    new = newest().for_user(server.user)
    fresh = server.home / "data.next"
    dump = server.home / DUMP
    for leftover in (fresh, dump):
        _remove(leftover)
    target: list[str | Path] = ["--host", server.sockets, "--port", "5432", "--username", admin]
    server.start_on(server.data, old)
    try:
        _run(server, [new.program("pg_dumpall"), *target, "--file", dump])
    finally:
        server.stop_on(server.data)
    cluster.make(fresh, server.user, new, admin)
    server.start_on(fresh, new)
    try:
        # The superuser exists already; that the dump makes it again is the one error that is expected.
        _run(server, [new.program("psql"), "--no-psqlrc", "--quiet", *target, "--dbname", "postgres", "--file", dump])
    finally:
        server.stop_on(fresh)
    server.data.rename(server.home / f"data-{old.major}")
    fresh.rename(server.data)
    _remove(dump)


def _run(server: Movable, command: list[str | Path]) -> None:
    answer = server.user.run(command, timeout=None)
    expected = 'role "hcrm_admin" already exists'
    complaints = [line for line in answer.stdout.splitlines() if "ERROR:" in line and expected not in line]
    if answer.returncode != 0 or complaints:
        raise DatabaseUnavailable(
            f"The database in {server.home} could not be moved to a newer PostgreSQL and is as it was: "
            f"{cluster.reason(answer.stdout)}"
        )


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
