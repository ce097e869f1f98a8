"""Runs migrations on the connection that ``hcrm.schema`` hands over; the tables are those of all packages' models."""

from __future__ import annotations

import importlib
from pathlib import Path

from alembic import context

from hcrm.db import Base

PACKAGES = Path(__file__).resolve().parent.parent / "hcrm"
LOCK_TIMEOUT = "5s"
"""A migration that waits longer for a lock gives up: behind it every nurse would wait too."""


def load_models() -> None:
    """Import the models of every package, so that the metadata is whole."""
    for package in sorted(PACKAGES.iterdir()):
        if (package / "models.py").exists() or (package / "models" / "__init__.py").exists():
            importlib.import_module(f"hcrm.{package.name}.models")


def run() -> None:
    load_models()
    connection = context.config.attributes["connection"]
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        compare_server_default=True,
        include_object=lambda _object, name, kind, _reflected, _other: (
            not (kind == "table" and name == "alembic_version")
        ),
        transaction_per_migration=False,
    )
    context.run_migrations()


run()
