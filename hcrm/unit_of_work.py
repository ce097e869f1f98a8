"""Where transactions begin and end: commit on success, roll back on any error. The only module that commits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hcrm.clock import Clock
from hcrm.extensions import db
from hcrm.settings import Settings


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a process works with: its settings, its clock and where sessions come from (with the event bus in them)."""

    settings: Settings
    clock: Clock
    engine: Engine
    sessions: Callable[[], Session]


@contextmanager
def unit_of_work(sessions: Callable[[], Session] | None = None) -> Iterator[Session]:
    """One transaction; without ``sessions`` it is the current web request's."""
    session: Session = sessions() if sessions is not None else db.session()
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.close()


def commit_soon(session: Session) -> None:
    """Let this transaction's commit return before it is on disk; it is there within a second.

    For work that is repeated from where it stands should the database's machine fail meanwhile. Commits reach the disk
    in their order: whatever is committed after this one, by anybody, is never there without it. So nothing that is
    acknowledged or sent on the ground of this work can outlive it.
    """
    session.execute(text("SET LOCAL synchronous_commit = off"))


@contextmanager
def reading() -> Iterator[Session]:
    """For what a page shows beside its own: in the transaction in which the page is made, else in one of its own."""
    session: Session = db.session()
    if session.in_transaction():
        yield session
        return
    with unit_of_work() as session:
        yield session


@contextmanager
def on_one_connection(runtime: Runtime) -> Iterator[Callable[[], Session]]:
    """Sessions that share one open connection, for many small units of work one after the other.

    Whether it is still there is not asked before each of them: should it break, they fail, and what is tried again
    needs the runtime's own sessions.
    """
    with runtime.engine.connect() as connection:

        def sessions() -> Session:
            session = runtime.sessions()
            session.bind = connection
            return session

        yield sessions
