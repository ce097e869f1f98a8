"""What commands share: settings, logs, a runtime on a database that is ready; and problems told in a sentence."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import IO, Any

import click
from sqlalchemy.exc import DBAPIError, OperationalError

from config import settings_from_env
from hcrm import logs
from hcrm.embedded import DatabaseUnavailable
from hcrm.schema import SchemaError, current_revision, head_revision
from hcrm.settings import Settings, SettingsError
from hcrm.unit_of_work import Runtime
from hcrm.wiring import make_runtime

logger = logs.get_logger(__name__)

UPGRADE = "run `hcrm db upgrade`"


LOST = "The connection to the database failed or was lost: run `hcrm doctor` to see why."


class CouldNot(click.ClickException):
    """Ends a command with exit code 2 and a sentence that says why and what to do."""

    exit_code = 2

    def show(self, file: IO[Any] | None = None) -> None:
        """Print the sentence alone."""
        click.echo(self.format_message(), file=file, err=file is None)


class Commands(click.Group):
    """The group of all commands: what can be wrong with a machine becomes a sentence, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            with ending_in_order():
                return super().invoke(ctx)
        except SettingsError as error:
            raise CouldNot("\n".join(error.problems)) from error
        except (DatabaseUnavailable, SchemaError) as error:
            raise CouldNot(str(error)) from error
        except OperationalError as error:
            sentence = connection_problem(error)
            if sentence == LOST:  # it can have many causes: which one is for the log
                logger.exception("the database failed", sqlstate=getattr(error.orig, "sqlstate", None))
            raise CouldNot(sentence) from error
        except (click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except Exception as error:
            logger.exception("command failed")
            raise CouldNot(
                f"The command failed by a fault of the program ({type(error).__name__}); the line above says where. "
                "What it had not finished was not written."
            ) from error


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let a command that is told to end (SIGTERM, a closed terminal) leave the embedded database as it should."""
    signals = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) == signal.SIG_DFL]
    for each in signals:
        signal.signal(each, _end)
    try:
        yield
    finally:
        for each in signals:
            signal.signal(each, signal.SIG_DFL)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def read_settings() -> Settings:
    """The settings of this process, with its logs configured. Raises ``SettingsError``."""
    settings = settings_from_env()
    logs.configure(settings)
    return settings


@contextmanager
def open_runtime(settings: Settings | None = None) -> Iterator[Runtime]:
    """A runtime on a database that answers and has the newest schema.

    Raises ``DatabaseUnavailable`` or ``SchemaError`` with a sentence, ``SettingsError`` with several.
    """
    runtime = make_runtime(settings or read_settings())
    try:
        check_schema(runtime)
        yield runtime
    finally:
        runtime.engine.dispose()


def check_schema(runtime: Runtime) -> None:
    """Raises ``SchemaError`` when the database is older or newer than this program."""
    with runtime.engine.connect() as connection:
        found = current_revision(connection)
    if found is None:
        raise SchemaError(f"The database is empty: {UPGRADE}.")
    if found != head_revision():
        raise SchemaError(
            f"The database is at revision {found}, this program needs {head_revision()}: {UPGRADE} with the newest "
            "program."
        )


def connection_problem(error: DBAPIError) -> str:
    """Why no connection came about, as a sentence with what to do; the password is never in it."""
    said = str(error.orig)
    reasons = (
        ("does not exist", f"The database or a role in it is missing: {UPGRADE}."),
        ("permission denied to set role", f"The login in DATABASE_URL may not act as hcrm_runtime: {UPGRADE}."),
        ("invalid value for parameter", f"The roles of the database are missing: {UPGRADE}."),
        ("password", "The database does not accept the user or password in DATABASE_URL."),
        (
            "pg_hba.conf",
            "The database does not let this machine in: ask its administrator for an entry in pg_hba.conf.",
        ),
        ("failed to resolve host", "The host in DATABASE_URL has no address: check its name."),
        ("could not translate host", "The host in DATABASE_URL has no address: check its name."),
        ("Connection refused", "No PostgreSQL answers at the host and port in DATABASE_URL: is it running?"),
        ("timeout", "PostgreSQL at the host in DATABASE_URL does not answer in time: check host, port and firewall."),
    )
    for part, sentence in reasons:
        if part in said:
            return sentence
    return LOST
