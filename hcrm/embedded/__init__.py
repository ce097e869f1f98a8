"""The embedded PostgreSQL: the default when no ``DATABASE_URL`` names a server of the hospital's own.

The server lives in the instance folder, listens on a private socket only and lets in the operating system's users that
own it (and root), told apart by the kernel, not by a password. A process that uses it *joins*: the first one starts it,
the last one out stops it, ``hcrm db start`` keeps it up until ``hcrm db stop``. Whatever is killed at any moment, the
next one to join heals.
"""

from __future__ import annotations

import atexit
import os
from contextlib import suppress
from pathlib import Path

from hcrm.embedded.errors import DatabaseUnavailable
from hcrm.embedded.server import ADMIN_LOGIN, DATABASE, RUNTIME_LOGIN, EmbeddedServer
from hcrm.settings import Settings

__all__ = [
    "ADMIN_LOGIN",
    "DATABASE",
    "RUNTIME_LOGIN",
    "DatabaseUnavailable",
    "EmbeddedServer",
    "admin_url",
    "database_url",
    "embedded_server",
]

_joined: dict[tuple[int, Path], EmbeddedServer] = {}


def embedded_server(settings: Settings) -> EmbeddedServer:
    """The embedded server of these settings, whether it runs or not."""
    return EmbeddedServer(settings.instance_dir)


def database_url(settings: Settings) -> str:
    """The address for web, worker and commands: ``DATABASE_URL``, else the embedded server, which this process joins.

    Raises ``DatabaseUnavailable`` with a sentence: there is no database yet, or the server does not start.
    """
    if settings.database_url is not None:
        return settings.database_url
    return _join(settings, create=False).url(RUNTIME_LOGIN)


def admin_url(settings: Settings) -> str:
    """The address for changes to the schema: ``DATABASE_URL``, else the embedded server, made if there is none yet.

    Raises ``DatabaseUnavailable`` with a sentence.
    """
    if settings.database_url is not None:
        return settings.database_url
    return _join(settings, create=True).url(ADMIN_LOGIN)


def _join(settings: Settings, *, create: bool) -> EmbeddedServer:
    """Join once per process and leave when it ends; a child that was forked joins for itself."""
    key = (os.getpid(), settings.instance_dir)
    server = _joined.get(key)
    if server is None:
        server = embedded_server(settings)
        server.join(create=create)
        _joined[key] = server
        atexit.register(_leave, key)
    else:
        server.heal()
    return server


def _leave(key: tuple[int, Path]) -> None:
    server = _joined.pop(key, None)
    if server is not None and key[0] == os.getpid():
        with suppress(DatabaseUnavailable):
            server.leave()
