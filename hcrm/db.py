"""What every table is made with: the declarative base, column types and constraint names.

Times are aware UTC (``timestamptz``); ids are ``bigint`` identities. No business time has a server default.
"""

from __future__ import annotations

import select
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import psycopg
from sqlalchemy import BigInteger, DateTime, Engine, Enum, Identity, MetaData, String, create_engine, event, make_url
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

OWNER_ROLE = "hcrm_owner"
"""Owns the tables; migrations run as it. Nobody logs in under this name."""

RUNTIME_ROLE = "hcrm_runtime"
"""What web, worker and tests run as: no changes to the schema, nothing but INSERT and SELECT on the audit."""

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
"""A ``bigint`` identity primary key; ``COPY`` may bring its own values from a reserved block."""

UtcDateTime = Annotated[datetime, mapped_column(DateTime(timezone=True))]
"""An aware moment in UTC."""

Code = Annotated[str, mapped_column(String(64))]
"""A short code of ours or of the hospital."""

JsonObject = Annotated[dict[str, Any], mapped_column(JSONB)]
"""A JSON object."""


class Base(DeclarativeBase):
    """Base of all tables."""

    # Given as a registry: Flask-SQLAlchemy copies this class, and its copy may not hold a type map beside the registry.
    registry = registry(metadata=MetaData(naming_convention=NAMING), type_annotation_map={int: BigInteger})


def text_enum(values: type[StrEnum], name: str) -> Enum:
    """A column type that keeps the values of a ``StrEnum`` as checked text; ``name`` names the check constraint."""
    return Enum(
        values,
        native_enum=False,
        create_constraint=True,
        length=32,
        name=name,
        values_callable=lambda enum: [member.value for member in enum],
        validate_strings=True,
    )


def make_engine(url: str, *, role: str | None = RUNTIME_ROLE, pool_size: int = 5) -> Engine:
    """Connections to ``url`` that run as ``role``; ``None`` keeps the rights of the login itself.

    The role is set when a connection is opened, so that neither a rollback nor ``RESET ROLE`` gives it up. Parameters
    of statements are kept out of error messages: they may hold what patients are called and answer.
    """
    address = make_url(url)
    # Compiling a statement (JIT) takes longer than running any of ours.
    options = f"{address.query.get('options', '')} -c jit=off".strip()
    if role is not None:
        options = f"{options} -c role={role}".strip()
    connect_args: dict[str, Any] = {
        "options": options,
        "application_name": "hcrm",
        "connect_timeout": 10,
        "keepalives_idle": 60,
    }
    engine = create_engine(
        address,
        connect_args=connect_args,
        pool_size=pool_size,
        max_overflow=10,
        hide_parameters=True,
    )
    event.listen(engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: psycopg.Connection, _record: object, _proxy: object) -> None:
    """Before a connection is used again: the pool makes a new one where the server has closed it meanwhile.

    A connection at rest has nothing to read but its end, or now and then a notice: only then is the server asked.
    """
    if connection.closed or (_has_something_to_read(connection) and not _answers(connection)):
        raise DisconnectionError


def _has_something_to_read(connection: psycopg.Connection) -> bool:
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _answers(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.OperationalError:
        return False
    return True
