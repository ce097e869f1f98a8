"""Which worker leads: the one that holds an advisory lock, on a connection of its own.

The lock goes with the connection: when the leader dies or loses the database, another worker takes over.
"""

from __future__ import annotations

from contextlib import suppress
from threading import Lock

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

LEADER_LOCK = 4_201_000


class Leadership:
    """Asks for the lock and keeps it; may be used from several threads."""

    def __init__(self, engine: Engine, lock: int = LEADER_LOCK) -> None:
        self._engine = engine
        self._lock = lock
        self._connection: Connection | None = None
        self._leads = False
        self._guard = Lock()

    def holds(self) -> bool:
        """Whether this worker leads now; asks again for the lock when it does not."""
        with self._guard:
            try:
                return self._ask()
            except SQLAlchemyError:
                self._drop()
                return False

    def release(self) -> None:
        """Let another worker lead from now on."""
        with self._guard:
            if self._connection is not None and self._leads:
                with suppress(SQLAlchemyError):
                    self._connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": self._lock})
            self._drop()

    def _ask(self) -> bool:
        if self._connection is None:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        if self._leads:
            self._connection.execute(text("SELECT 1"))
        else:
            self._leads = bool(
                self._connection.execute(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": self._lock}).scalar()
            )
        return self._leads

    def _drop(self) -> None:
        self._leads = False
        if self._connection is not None:
            # Back in the pool the connection would keep the lock: it has to end.
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
