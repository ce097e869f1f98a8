"""``hcrm db``: bring the database to the newest schema, start and stop the embedded one, back up and restore."""

from __future__ import annotations

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import click
from sqlalchemy import make_url, text

from hcrm.cli.runtime import CouldNot, open_runtime, read_settings
from hcrm.db import OWNER_ROLE, make_engine
from hcrm.embedded import admin_url, embedded_server
from hcrm.embedded.binaries import newest
from hcrm.schema import current_revision, upgrade
from hcrm.settings import Settings
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import install_defaults

Command = Sequence[str | Path]

REPLACE = f"""\
\\set ON_ERROR_STOP on
BEGIN;
SET LOCAL ROLE {OWNER_ROLE};
SET LOCAL lock_timeout = '10s';
DO $$
DECLARE found record;
BEGIN
    FOR found IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
        EXECUTE format('DROP TABLE public.%I CASCADE', found.tablename);
    END LOOP;
    FOR found IN SELECT oid::regprocedure AS signature FROM pg_proc
                 WHERE pronamespace = 'public'::regnamespace
                   AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e') LOOP
        EXECUTE format('DROP ROUTINE %s CASCADE', found.signature);
    END LOOP;
END $$;
"""  # noqa: S608 - nothing but the name of our role is put in
"""What comes before the copy is read back; the end of the transaction comes after it, so that it is all or nothing."""

NEWER_THAN_THE_OLDEST_SERVER = b"SET transaction_timeout = 0;\n"
"""A line of pg_restore 17 and later that servers before 17 do not understand."""


END = b"\nEnd of the HCRM backup: %020d bytes, SHA-256 %b.\n"
"""Stands below the copy; pg_restore never reads so far."""


@click.group("db")
def database() -> None:
    """The database: schema, embedded server, backup."""


@database.command("upgrade")
def upgrade_command() -> None:
    """Bring the database to the newest schema; makes the embedded one if DATABASE_URL is unset."""
    settings = read_settings()
    done = upgrade(admin_url(settings))
    with open_runtime(settings) as runtime, unit_of_work(runtime.sessions) as session:
        install_defaults(session, runtime.clock.now())
    if done.before == done.after:
        click.echo(f"The database is up to date (revision {done.after}).")
    else:
        click.echo(f"The database was brought from revision {done.before or 'none'} to {done.after}.")


@database.command("start")
def start() -> None:
    """Start the embedded database and leave it running until `hcrm db stop`."""
    server = embedded_server(_embedded_settings())
    server.keep_up()
    click.echo(f"The database in {server.home} is running.")


@database.command("stop")
def stop() -> None:
    """Stop the embedded database, whoever uses it."""
    server = embedded_server(_embedded_settings())
    stopped = server.stop()
    click.echo(f"The database in {server.home} {'was stopped' if stopped else 'was not running'}.")


@database.command("backup")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(file: Path) -> None:
    """Write a copy of the whole database to FILE, while everything goes on working.

    FILE holds patients' data in the clear: keep it where only those may read who may read the database.
    """
    if file.exists():
        raise CouldNot(f"{file} exists already: name another file, a backup is never overwritten.")
    url = admin_url(read_settings())
    draft = file.with_name(f"{file.name}.part")
    try:
        with open(draft, "wb", opener=_private) as output:
            _run("pg_dump", ["--format=custom", f"--role={OWNER_ROLE}", *_target(url)], url, stdout=output)
        _run("pg_restore", ["--list", draft], url, stdout=subprocess.DEVNULL)
        _seal(draft)
        draft.rename(file)
    except OSError as problem:
        raise CouldNot(f"{file} cannot be written: {problem.strerror}.") from None
    finally:
        draft.unlink(missing_ok=True)
    click.echo(f"The backup is in {file} ({file.stat().st_size:,} bytes).")


@database.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Replace what is in the database without asking.")
def restore(file: Path, *, yes: bool) -> None:
    """Replace everything in the database by the copy in FILE: all of it, or nothing if something is wrong."""
    url = admin_url(read_settings())
    _check_whole(file)
    _run("pg_restore", ["--list", file], url, stdout=subprocess.DEVNULL)
    if not yes and _holds_records(url):
        click.confirm("The database holds records, which will be replaced. Go on?", abort=True)
    upgrade(url)
    _read_back(file, url)
    done = upgrade(url)
    click.echo(f"The copy in {file} was brought back (revision {done.after}).")


@database.command("remove")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.option("--demo", "demo_only", is_flag=True, help="Delete only the database of a demonstration, without asking.")
def remove(*, yes: bool, demo_only: bool) -> None:
    """Delete the embedded database with everything in it."""
    settings = _embedded_settings()
    server = embedded_server(settings)
    mark = demo_mark(settings)
    if not server.exists():
        click.echo(f"There is no database in {server.home}.")
        return
    if demo_only and not mark.exists():
        raise CouldNot(
            f"The database in {server.home} is not a demonstration's: use `hcrm db remove` if it is to be deleted."
        )
    if not yes and not demo_only:
        click.confirm(f"The database in {server.home} will be deleted with everything in it. Go on?", abort=True)
    server.remove()
    mark.unlink(missing_ok=True)
    click.echo(f"The database in {server.home} was deleted.")


def demo_mark(settings: Settings) -> Path:
    """The file whose presence says that the embedded database holds made-up people only."""
    return settings.instance_dir / "demo"


def _embedded_settings() -> Settings:
    settings = read_settings()
    if settings.database_url is not None:
        raise CouldNot("DATABASE_URL names a server of your own, which its administrators start and stop.")
    return settings


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_EXCL, 0o600)


def _seal(file: Path) -> None:
    """Write below a copy how long it is and its checksum: a copy without its last part looks whole to PostgreSQL."""
    with file.open("r+b") as content:
        checksum = hashlib.file_digest(content, "sha256").hexdigest()
        content.write(END % (content.tell(), checksum.encode()))
        content.flush()
        os.fsync(content.fileno())


def _check_whole(file: Path) -> None:
    """Raises ``CouldNot`` unless ``file`` ends as ``_seal`` left it and nothing before has changed."""
    length = len(END % (0, b"0" * 64))
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - length))
        end = content.read()
        content.seek(0)
        checksum = _digest(content, file.stat().st_size - length)
    if end != END % (file.stat().st_size - length, checksum.encode()):
        raise CouldNot(
            f"{file} is not a whole copy made by `hcrm db backup`: its end is missing or it was changed. Nothing was "
            "replaced. Take another copy; one that pg_dump made is brought back with pg_restore."
        )


def _digest(content: IO[bytes], length: int) -> str:
    digest = hashlib.sha256()
    while length > 0 and (block := content.read(min(length, 1024**2))):
        digest.update(block)
        length -= len(block)
    return digest.hexdigest()


def _holds_records(url: str) -> bool:
    engine = make_engine(url, role=None)
    try:
        with engine.connect() as connection:
            if current_revision(connection) is None:
                return False
            return connection.execute(text("SELECT EXISTS (SELECT FROM facility)")).scalar_one() is True
    finally:
        engine.dispose()


def _read_back(file: Path, url: str) -> None:
    """Replace the tables in one transaction, which is committed only when the copy was read to its end."""
    reading: Command = [newest().program("pg_restore"), "--no-owner", "--no-privileges", "--file=-", file]
    writing: Command = [newest().program("psql"), "--no-psqlrc", "--quiet", "--output=/dev/null", *_target(url)]
    with (
        _process(writing, url, stdin=subprocess.PIPE) as psql,
        _process(reading, url, stdout=subprocess.PIPE) as pg_restore,
    ):
        assert psql.stdin is not None
        assert pg_restore.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            psql.stdin.write(REPLACE.encode())
            for line in pg_restore.stdout:
                if line != NEWER_THAN_THE_OLDEST_SERVER:
                    psql.stdin.write(line)
        pg_restore.stdout.close()  # it ends at once if psql has given up and nobody reads on
        whole = pg_restore.wait() == 0
        with contextlib.suppress(BrokenPipeError):
            psql.stdin.write(b"COMMIT;\n" if whole else b"ROLLBACK;\n")
        with contextlib.suppress(BrokenPipeError):
            psql.stdin.close()
        complaint = psql.stderr.read() if psql.stderr is not None else b""
        if psql.wait() != 0 or not whole:
            raise CouldNot(
                f"{file} could not be brought back, the database is as it was: {_sentence(complaint)} "
                "Stop web and worker first if they use it."
            )


@contextlib.contextmanager
def _process(
    command: Command, url: str, *, stdin: int | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(  # noqa: S603 - the wheel's own programs
        command, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE, env=_environment(url)
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _run(program: str, arguments: Command, url: str, stdout: IO[bytes] | int) -> None:
    """Run a program of PostgreSQL. Raises ``CouldNot`` with what it said last."""
    answer = subprocess.run(  # noqa: S603 - the wheel's own programs
        [newest().program(program), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=_environment(url),
        check=False,
    )
    if answer.returncode != 0:
        raise CouldNot(f"{program} could not do it: {_sentence(answer.stderr)}")


def _sentence(said: bytes) -> str:
    """The first error of PostgreSQL's programs; their DETAIL lines could quote rows and are left out."""
    lines = [line for line in said.decode(errors="replace").splitlines() if "error" in line.lower()]
    return lines[0].split("ERROR:")[-1].split("error:")[-1].strip() + "." if lines else "it gave no reason."


def _target(url: str) -> list[str]:
    """The address for PostgreSQL's programs, without the password, which others could see in a list of processes."""
    address = make_url(url)._replace(drivername="postgresql", password=None)
    return [f"--dbname={address.render_as_string(hide_password=False)}"]


def _environment(url: str) -> dict[str, str]:
    password = make_url(url).password
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"} | ({"PGPASSWORD": str(password)} if password else {})
