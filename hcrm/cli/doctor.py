"""``hcrm doctor``: says what is wrong with this installation and what to do about it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

from config import settings_from_env
from hcrm import logs
from hcrm.cli import doctor_messages
from hcrm.cli.findings import Finding, Verdict
from hcrm.cli.runtime import connection_problem
from hcrm.clock import SystemClock
from hcrm.db import RUNTIME_ROLE, make_engine
from hcrm.embedded import DatabaseUnavailable, database_url
from hcrm.schema import APPEND_ONLY, OLDEST_SERVER, current_revision, head_revision
from hcrm.settings import Settings, SettingsError

TRANSLATIONS = Path(__file__).resolve().parent.parent / "translations"
LEAST_FREE_BYTES = 1024**3
CLOCK_TOLERANCE = timedelta(seconds=10)
HEARTBEAT_TOLERANCE = timedelta(minutes=3)
LOCAL_HOSTS = {None, "", "localhost", "127.0.0.1", "::1"}


@click.command("doctor")
def doctor() -> None:
    """Say what is wrong with this installation and what to do; exit code 1 if anything is."""
    worst = Verdict.GOOD
    for finding in examine():
        click.echo(f"{finding.verdict:<8} {finding.sentence}")
        if finding.verdict is Verdict.PROBLEM:
            worst = Verdict.PROBLEM
    sys.exit(1 if worst is Verdict.PROBLEM else 0)


def examine() -> Iterator[Finding]:
    """All checks in the order in which things have to be put right."""
    try:
        settings = settings_from_env()
    except SettingsError as error:
        yield from (Finding(Verdict.PROBLEM, problem) for problem in error.problems)
        return
    logs.configure(settings)
    yield Finding(Verdict.GOOD, "The settings are complete.")
    yield from _settings(settings)
    yield from doctor_messages.of_settings(settings)
    yield from _disk(settings)
    yield from _translations()
    try:
        url = database_url(settings)
    except DatabaseUnavailable as error:
        yield Finding(Verdict.PROBLEM, str(error))
        return
    yield from _database(url, settings)


def _settings(settings: Settings) -> Iterator[Finding]:
    if settings.demo and settings.database_url is not None:
        yield Finding(
            Verdict.NOTE, "HCRM_DEMO is 1: the simulated handset is shown to everybody; never with real patients."
        )
    if settings.secure_cookies and not settings.trusted_proxies:
        yield Finding(
            Verdict.PROBLEM,
            "PUBLIC_BASE_URL begins with https:// but HCRM_TRUSTED_PROXIES is 0: every log-in seems to come from the "
            "proxy, so that few wrong passwords lock everybody out. Set it to the number of proxies in front.",
        )
    if not settings.demo and not settings.secure_cookies:
        yield Finding(
            Verdict.NOTE,
            f"PUBLIC_BASE_URL is {settings.public_base_url}: patients' links and log-ins travel in the clear unless it "
            "begins with https://.",
        )
    if settings.database_url is not None:
        address = make_url(settings.database_url)
        if address.host not in LOCAL_HOSTS and address.query.get("sslmode") not in {
            "require",
            "verify-ca",
            "verify-full",
        }:
            yield Finding(
                Verdict.NOTE, "DATABASE_URL has no sslmode=verify-full: traffic to the database may be in the clear."
            )
        return
    key = settings.instance_dir / "secret_key"
    if key.exists() and key.stat().st_mode & 0o077:
        yield Finding(Verdict.PROBLEM, f"Others can read {key}: run `chmod 600 {key}`.")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(path for path in (settings.instance_dir, *settings.instance_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    verdict = Verdict.GOOD if free >= LEAST_FREE_BYTES else Verdict.PROBLEM
    advice = "" if verdict is Verdict.GOOD else " Make room: the database stops when the disk is full."
    yield Finding(verdict, f"The disk of {folder} has {free // 1024**2:,} MB free.{advice}")
    encrypted = is_encrypted(folder)
    if encrypted is True:
        yield Finding(Verdict.GOOD, f"The volume of {folder} is encrypted.")
    else:
        yield Finding(
            Verdict.NOTE,
            f"Whether the volume of {folder} is encrypted cannot be seen from here: patients' data belong on an "
            "encrypted volume, and so do backups.",
        )


def is_encrypted(folder: Path) -> bool | None:
    """Whether ``folder`` lies on an encrypted device, as far as Linux tells; ``None`` when it does not tell."""
    device = folder.stat().st_dev
    seen: list[Path] = [Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}")]
    while seen:
        block = seen.pop()
        identity = block / "dm" / "uuid"
        if identity.exists() and identity.read_text().startswith("CRYPT-"):
            return True
        slaves = block / "slaves"
        if slaves.is_dir():
            seen.extend(slaves.iterdir())
    return None


def _translations() -> Iterator[Finding]:
    for source in sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")):
        compiled = source.with_suffix(".mo")
        language = source.parent.parent.name
        if compiled.exists() and compiled.stat().st_mtime >= source.stat().st_mtime:
            yield Finding(Verdict.GOOD, f"The translation {language} is compiled.")
        else:
            yield Finding(Verdict.PROBLEM, f"The translation {language} is not compiled: run `make setup`.")


def _database(url: str, settings: Settings) -> Iterator[Finding]:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            yield from _server(connection)
            yield from _role(connection, settings)
            yield from _schema(connection, settings)
            if settings.database_url is not None:
                yield from _server_log(connection)
    except DBAPIError as error:
        yield Finding(Verdict.PROBLEM, connection_problem(error))
    finally:
        engine.dispose()


def _server(connection: Connection) -> Iterator[Finding]:
    number, version, encoding = connection.execute(
        text(
            "SELECT current_setting('server_version_num')::int, current_setting('server_version'), "
            "current_setting('server_encoding')"
        )
    ).one()
    if number < OLDEST_SERVER:
        yield Finding(Verdict.PROBLEM, f"PostgreSQL {version} is too old: HCRM needs 15 or newer.")
    elif encoding != "UTF8":
        yield Finding(Verdict.PROBLEM, f"The database is encoded in {encoding}: make one with ENCODING 'UTF8'.")
    else:
        yield Finding(Verdict.GOOD, f"PostgreSQL {version} answers.")
    apart = abs(connection.execute(text("SELECT clock_timestamp()")).scalar_one() - SystemClock().now())
    if apart > CLOCK_TOLERANCE:
        yield Finding(
            Verdict.PROBLEM,
            f"The clocks of this machine and of the database are {apart.total_seconds():.0f} seconds apart: switch on "
            "time synchronisation on both.",
        )


def _role(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """A pooler between us and the server may drop the role that is asked for when a connection is opened."""
    found = connection.execute(text("SELECT current_user")).scalar_one()
    if found != RUNTIME_ROLE and settings.database_url is not None:
        yield Finding(
            Verdict.PROBLEM,
            f"Connections run as {found} instead of {RUNTIME_ROLE}: a connection pooler drops the option `role`. Let "
            f"it pass `options` on, or run `ALTER ROLE {found} SET role = '{RUNTIME_ROLE}'`.",
        )


def _schema(connection: Connection, settings: Settings) -> Iterator[Finding]:
    found, needed = current_revision(connection), head_revision()
    if found != needed:
        yield Finding(
            Verdict.PROBLEM,
            f"The database is at revision {found or 'none'}, this program needs {needed}: run `hcrm db upgrade`.",
        )
        return
    yield Finding(Verdict.GOOD, f"The schema is the newest (revision {needed}).")
    for table in APPEND_ONLY:
        writable = text("SELECT has_table_privilege(:role, :table, 'UPDATE, DELETE, TRUNCATE')")
        if connection.execute(writable, {"role": RUNTIME_ROLE, "table": table}).scalar_one():
            yield Finding(
                Verdict.PROBLEM, f"The role {RUNTIME_ROLE} may change the table {table}: run `hcrm db upgrade`."
            )
    yield from _worker(connection)
    yield from doctor_messages.of_database(connection, settings)


def _worker(connection: Connection) -> Iterator[Finding]:
    age = connection.execute(text("SELECT clock_timestamp() - max(beat_at) FROM worker_heartbeat")).scalar_one()
    if age is None:
        yield Finding(Verdict.NOTE, "No worker has run yet: nothing is sent or planned until `hcrm worker` runs.")
    elif age > HEARTBEAT_TOLERANCE:
        yield Finding(
            Verdict.PROBLEM,
            f"No worker has been alive for {age.total_seconds() / 60:,.0f} minutes: nothing is sent or planned until "
            "`hcrm worker` runs.",
        )
    else:
        yield Finding(Verdict.GOOD, "A worker is running.")


def _server_log(connection: Connection) -> Iterator[Finding]:
    """Settings of the hospital's own server that would put patients' data into its log."""
    advised = {
        "log_error_verbosity": ("terse",),
        "log_min_error_statement": ("panic", "fatal"),
        "log_min_messages": ("log", "fatal", "panic"),
        "log_statement": ("none", "ddl"),
        "log_min_duration_statement": ("-1",),
    }
    for name, values in advised.items():
        value = connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()
        if value not in values:
            yield Finding(
                Verdict.NOTE,
                f"The PostgreSQL server has {name} = {value}, which can write patients' data into its log: set it to "
                f"{values[0]}.",
            )
