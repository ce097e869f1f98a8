"""The data folder of the embedded server: made by ``initdb``, configured by us, of one major version."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hcrm.embedded.binaries import Binaries
from hcrm.embedded.errors import DatabaseUnavailable
from hcrm.embedded.osuser import SystemUser

CONFIGURATION = """\
# Written by HCRM at every start; changes here are lost.
listen_addresses = ''
port = 5432
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
timezone = 'UTC'
log_timezone = 'UTC'
max_connections = 100
shared_buffers = 256MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
wal_compression = {durable}
checkpoint_timeout = 15min
jit = off
fsync = {durable}
synchronous_commit = {durable}
full_page_writes = {durable}
# A failing statement must not write what patients are called into the log: errors carry their SQLSTATE to the program,
# and the program reports that. The log holds starts, stops, crashes and checkpoints only.
logging_collector = on
log_directory = 'log'
log_filename = 'postgresql-%a.log'
log_file_mode = 0600
log_rotation_age = 1d
log_rotation_size = 0
log_truncate_on_rotation = on
log_min_messages = log
log_error_verbosity = terse
log_min_error_statement = panic
log_statement = none
log_min_duration_statement = -1
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_connections = off
log_disconnections = off
log_lock_waits = off
log_autovacuum_min_duration = -1
"""

READS = "io_method = sync\n"
"""From version 18 on: read in the process that asks. To go through others for each page costs more than it gains where
the database fits into memory and processors are few: a copy of a small database took five times as long.
"""

COMPLAINTS = ("FATAL:", "PANIC:", "ERROR:", "could not", "No space")


def version_of(data: Path) -> int | None:
    """The major version of a data folder; ``None`` when there is none."""
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except (FileNotFoundError, ValueError):
        return None


def make(data: Path, user: SystemUser, binaries: Binaries, admin: str) -> None:
    """Make a data folder. A killed attempt leaves nothing that counts: the folder gets its name when it is whole.

    Raises ``DatabaseUnavailable`` when ``initdb`` cannot.
    """
    for leftover in data.parent.glob(f"{data.name}.new-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    draft = data.parent / f"{data.name}.new-{os.getpid()}"
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if binaries.major >= 17 else []
    answer = user.run(
        [
            binaries.program("initdb"),
            f"--pgdata={draft}",
            f"--username={admin}",
            "--auth-local=peer",
            "--auth-host=reject",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            *locale,
            "--no-instructions",
        ]
    )
    if answer.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise DatabaseUnavailable(f"The database could not be made in {data.parent}: {reason(answer.stdout)}")
    draft.rename(data)


def configure(data: Path, user: SystemUser, sockets: Path, logins: tuple[str, ...], *, durable: bool) -> None:
    """Write settings and access rules: over the socket only, each user of the system as the logins given.

    Peer authentication: the kernel says who connects, the map says as whom they may.
    """
    system_users = sorted({user.name, "root"})
    rules = "".join(f"local all {login} peer map=hcrm\n" for login in logins)
    maps = "".join(f'hcrm "{name}" {login}\n' for name in system_users for login in logins)
    settings = CONFIGURATION.format(sockets=sockets, durable="on" if durable else "off")
    written = {
        "hcrm.conf": settings + (READS if (version_of(data) or 0) >= 18 else ""),
        "pg_hba.conf": f"# Written by HCRM at every start.\n{rules}",
        "pg_ident.conf": f"# Written by HCRM at every start.\n{maps}",
    }
    for name, content in written.items():
        _write(data / name, content, user)
    main = data / "postgresql.conf"
    if "include 'hcrm.conf'" not in main.read_text():
        _write(main, f"{main.read_text()}\ninclude 'hcrm.conf'\n", user)


def _write(path: Path, content: str, user: SystemUser) -> None:
    """Write as a whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)  # follows no link planted there
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        user.own(descriptor)
    draft.replace(path)


def reason(output: str) -> str:
    """What a program said was wrong, for a message to a person: the last complaint, else the last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    complaints = [line for line in lines if any(word in line for word in COMPLAINTS)]
    return (complaints or lines or ["it gave no reason."])[-1]
