"""The schema of a database: its two roles, its revision, and how it is brought to the newest one.

Roles belong to the whole server, so they are made with care for others who make them at the same moment. Tables belong
to ``hcrm_owner``, under whom nobody logs in; ``hcrm_runtime`` reads and writes rows, and may only add to the audit.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from hcrm.clock import pause
from hcrm.db import OWNER_ROLE, RUNTIME_ROLE, make_engine

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
OLDEST_SERVER = 150000
"""``server_version_num`` of PostgreSQL 15, the oldest that is supported."""

UPGRADE_LOCK = 4_817_236_001
"""Advisory lock of the database: one upgrade at a time."""

APPEND_ONLY = ("audit_entry", "audit_seal")
"""Tables whose rows the runtime role may add and read, nothing else."""

TRIES = 20


class SchemaError(Exception):
    """The database cannot be prepared; the message is one sentence that says why and what to do."""


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade did: the revision before (``None`` for an empty database) and after."""

    before: str | None
    after: str


def upgrade(url: str, revision: str = "head") -> Upgrade:
    """Bring the database at ``url`` to ``revision``: roles, rights, migrations; doing it again changes nothing.

    The login needs the right to make roles, unless both exist and it may act as ``hcrm_owner``; and to grant on the
    schema ``public``. Raises ``SchemaError``.
    """
    with _admin(url) as engine:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _check_version(connection)
            _make_roles(connection)
        with engine.begin() as connection:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
            before = current_revision(connection)
            _allow_owner(connection)
            connection.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
            _grant_future(connection)
            command.upgrade(_config(connection), revision)
            _grant_present(connection)
            after = current_revision(connection)
    assert after is not None
    return Upgrade(before, after)


def downgrade(url: str, revision: str) -> None:
    """Take migrations back to ``revision`` ("base" for all); tables that are dropped take their rows with them."""
    with _admin(url) as engine, engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": UPGRADE_LOCK})
        connection.execute(text(f"SET LOCAL ROLE {OWNER_ROLE}"))
        command.downgrade(_config(connection), revision)


def head_revision() -> str:
    """The newest revision that this program knows."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    assert head is not None
    return head


def current_revision(connection: Connection) -> str | None:
    """The revision of the database; ``None`` when it has never been upgraded."""
    found = connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one()
    if found is None:
        return None
    return MigrationContext.configure(connection).get_current_revision()


def owner_sql() -> str:
    """What a database administrator runs once where our login may not make roles itself."""
    return (
        f"CREATE ROLE {OWNER_ROLE} NOLOGIN; CREATE ROLE {RUNTIME_ROLE} NOLOGIN; "
        f"GRANT {OWNER_ROLE}, {RUNTIME_ROLE} TO CURRENT_USER; "
        f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER_ROLE};"
    )


@contextmanager
def _admin(url: str) -> Iterator[Engine]:
    """Connections with the rights of the login itself; what the server refuses becomes one sentence."""
    engine = make_engine(url, role=None)
    try:
        yield engine
    except DBAPIError as error:
        state = getattr(error.orig, "sqlstate", None)
        if state == "42501":
            raise SchemaError(
                "The login in DATABASE_URL may not prepare the database: let its administrator run once, in it and "
                f"with that login's name for CURRENT_USER: {owner_sql()}"
            ) from error
        if state == "55P03":
            raise SchemaError(
                "Another program holds a lock on a table that has to change: stop web and worker, then run "
                "`hcrm db upgrade` again."
            ) from error
        raise
    finally:
        engine.dispose()


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _check_version(connection: Connection) -> None:
    version = connection.execute(text("SELECT current_setting('server_version_num')::int")).scalar_one()
    if version < OLDEST_SERVER:
        raise SchemaError(f"The PostgreSQL server is version {version // 10000}; HCRM needs 15 or newer.")
    encoding = connection.execute(text("SELECT current_setting('server_encoding')")).scalar_one()
    if encoding != "UTF8":
        raise SchemaError(f"The database is encoded in {encoding}: make one with ENCODING 'UTF8'.")


def _make_roles(connection: Connection) -> None:
    """Make both roles and let this login act as them; other databases' upgrades may do the same right now."""
    for role in (OWNER_ROLE, RUNTIME_ROLE):
        exists = text("SELECT 1 FROM pg_roles WHERE rolname = :role").bindparams(role=role)
        if connection.execute(exists).one_or_none() is None:
            _patiently(connection, f"CREATE ROLE {role} NOLOGIN")
        member = text("SELECT pg_has_role(current_user, :role, 'MEMBER')").bindparams(role=role)
        if not connection.execute(member).scalar_one():
            _patiently(connection, f"GRANT {role} TO CURRENT_USER")


def _patiently(connection: Connection, statement: str) -> None:
    """Run a statement on what the whole server shares; that someone else just did the same is no error."""
    for attempt in range(TRIES):
        try:
            connection.execute(text(statement))
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state in {"42710", "23505"}:  # exists already; was being made at the same moment
                return
            if state != "XX000" or attempt == TRIES - 1:  # "tuple concurrently updated"
                raise
            pause(0.05 * (attempt + 1))
        else:
            return


def _allow_owner(connection: Connection) -> None:
    """The owner may make tables here; nobody else may (databases moved from before PostgreSQL 15 allow everyone)."""
    may_create = text("SELECT has_schema_privilege(:role, 'public', 'CREATE')")
    if connection.execute(may_create, {"role": RUNTIME_ROLE}).scalar_one():
        connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    if not connection.execute(may_create, {"role": OWNER_ROLE}).scalar_one():
        connection.execute(text(f"GRANT USAGE, CREATE ON SCHEMA public TO {OWNER_ROLE}"))


def _grant_future(connection: Connection) -> None:
    rights = {"TABLES": "SELECT, INSERT, UPDATE, DELETE", "SEQUENCES": "USAGE, SELECT, UPDATE"}
    for kind, granted in rights.items():
        connection.execute(
            text(f"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT {granted} ON {kind} TO {RUNTIME_ROLE}")
        )


def _grant_present(connection: Connection) -> None:
    """The same for what exists, also after a restore, and then the exceptions."""
    statements = [
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {RUNTIME_ROLE}",
        f"GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO {RUNTIME_ROLE}",
        f"REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON alembic_version FROM {RUNTIME_ROLE}",
    ]
    statements += [f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {RUNTIME_ROLE}" for table in APPEND_ONLY]
    for statement in statements:
        connection.execute(text(statement))
