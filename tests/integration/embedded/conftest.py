"""An embedded server of the tests' own, apart from the one that database tests run on."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hcrm.embedded import EmbeddedServer
from tests.components import missing
from tests.conftest import ROOT


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="hcrm-open-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def server(open_folder: Path) -> Iterator[EmbeddedServer]:
    """A server that has been made and is stopped and deleted after the test."""
    server = EmbeddedServer(open_folder, durable=False)
    yield server
    server.leave()
    server.remove()


@pytest.fixture
def durable_server(open_folder: Path) -> Iterator[EmbeddedServer]:
    """The same as the program runs it: what is committed is on the disk."""
    server = EmbeddedServer(open_folder)
    yield server
    server.leave()
    server.remove()


@pytest.fixture
def ordinary_user() -> pwd.struct_passwd:
    """A user without rights, whom this test may become because it is root."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    return pwd.getpwnam("nobody")


@pytest.fixture
def as_user() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python code as a user, on an interpreter that they can reach."""

    def run(user: pwd.struct_passwd, code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        for python in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
            try:
                found = subprocess.run([python, "-c", ""], **identity, cwd="/", check=False)
            except OSError:
                continue
            if found.returncode == 0:
                break
        else:
            missing("A Python that every user can run", f"Install python{version} from the system's packages.")
        packages = [path for path in sys.path if path.endswith("site-packages")]
        return subprocess.run(
            [python, "-c", code, *map(str, arguments)],
            **identity,
            cwd="/",
            env={
                "PYTHONPATH": ":".join([str(ROOT), *packages]),
                "PATH": "/usr/bin:/bin",
                "PYTHONDONTWRITEBYTECODE": "1",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run
