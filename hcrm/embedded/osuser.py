"""Which user of the operating system runs the embedded server, and what that user can reach.

PostgreSQL refuses to run as root. An ordinary user runs it as themselves; root runs it as an unprivileged user, who is
made if the machine lets us, else picked. The rights of no folder but our own are ever changed.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from hcrm.embedded.errors import DatabaseUnavailable

SYSTEM_USER = "hcrm"
STAND_INS = ("postgres", "nobody")
"""Taken when a user of our own cannot be made."""


class _Identity(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class SystemUser:
    """The user who owns the data folder and runs the server; ``other`` when this process has to become them."""

    name: str
    uid: int
    gid: int
    other: bool

    def run(self, command: Sequence[str | Path], *, timeout: float | None = 600) -> subprocess.CompletedProcess[str]:
        """Run a program as this user in a clean environment; its output is returned, whatever its exit code."""
        return subprocess.run(  # noqa: S603 - our own binaries, no shell
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            cwd="/",
            env=clean_environment(),
            umask=0o077,
            timeout=timeout,
            check=False,
            **self._identity(),
        )

    def can_use(self, folder: Path) -> bool:
        """Whether this user reaches and enters ``folder``; asked of the system itself, so that ACLs count too."""
        if not self.other:
            return os.access(folder, os.X_OK)
        return self.run(["/usr/bin/env", "test", "-x", folder]).returncode == 0

    def own(self, path: Path | int) -> None:
        """Give a file (by path or descriptor) that this program has made to this user."""
        if self.other:
            os.chown(path, self.uid, self.gid)

    def _identity(self) -> _Identity:
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}


def clean_environment() -> dict[str, str]:
    """No PG* variables and no locale of the caller's: both would change what the server and its tools do."""
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def user_for(data: Path) -> SystemUser:
    """Who runs the server with this data folder: its owner if it exists, else this user, or one for root.

    Raises ``DatabaseUnavailable`` when there is no such user.
    """
    me = os.geteuid()
    owner = _owner(data)
    if me != 0:
        if owner not in {None, me}:
            raise DatabaseUnavailable(
                f"The database in {data.parent} belongs to the user {_name(owner)}: start the program as that user or "
                "as root, or set HCRM_INSTANCE_DIR to a folder of your own."
            )
        return _this_user(me)
    if owner:
        entry = pwd.getpwuid(owner)
        return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid, other=True)
    return _unprivileged_user()


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None
    except PermissionError:
        raise DatabaseUnavailable(
            f"The folder {path.parent} cannot be read: start the program as the user who owns it or as root, or set "
            "HCRM_INSTANCE_DIR to a folder of your own."
        ) from None


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid or 0).pw_name
    except KeyError:
        return str(uid)


def _this_user(uid: int) -> SystemUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise DatabaseUnavailable(
            f"The user id {uid} has no name on this machine, which the embedded database needs: add the user, or set "
            "DATABASE_URL to a PostgreSQL server."
        ) from None
    return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid, other=False)


def _unprivileged_user() -> SystemUser:
    for attempt in (SYSTEM_USER, None, *STAND_INS):
        if attempt is None:
            _make_user()
        try:
            entry = pwd.getpwnam(attempt or SYSTEM_USER)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return SystemUser(entry.pw_name, entry.pw_uid, entry.pw_gid, other=True)
    raise DatabaseUnavailable(
        "PostgreSQL does not run as root and this machine has no unprivileged user for it: make one with "
        f"`useradd --system {SYSTEM_USER}`, or set DATABASE_URL to a PostgreSQL server."
    )


def _make_user() -> None:
    """Make the system user ``hcrm``, without a home or a shell; two processes may try at once."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    adduser = shutil.which("adduser", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd:
        command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        command += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
    elif adduser:  # BusyBox
        command = [adduser, "-S", "-D", "-H", "-s", "/sbin/nologin", SYSTEM_USER]
    else:
        return
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - no shell
