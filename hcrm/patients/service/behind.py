"""Writing behind: rows are handed to the database by a thread while the next ones are made.

The driver waits for the server without holding the interpreter, so the two overlap. There is one connection and one
transaction as before: whoever uses them in between, by a statement of any kind, first waits until everything that was
handed over is stored, and finds out there if the database refused it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any, Final

from sqlalchemy import event
from sqlalchemy.orm import Session

Job = Callable[[Iterable[bytes]], None]
"""Stores blocks as they come."""

_KEY: Final = "writes behind"


class Behind:
    """A thread that stores what it is given, in its order; the first failure ends this, and ``wait`` raises it."""

    def __init__(self) -> None:
        self._handed: SimpleQueue[tuple[Job, SimpleQueue[bytes | None]] | Event | None] = SimpleQueue()
        self._failure: BaseException | None = None
        self._thread = Thread(target=self._work, name="hcrm-write-behind", daemon=True)
        self._thread.start()

    def store(self, job: Job, blocks: Iterable[bytes]) -> None:
        """Make ``blocks`` and have them stored by ``job``. What an earlier job failed with is raised by ``wait``."""
        queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._handed.put((job, queue))
        try:
            for block in blocks:
                queue.put(block)
        finally:
            queue.put(None)

    def wait(self) -> None:
        """Wait until everything is stored. Raises what storing failed with."""
        done = Event()
        self._handed.put(done)
        done.wait()
        if self._failure is not None:
            raise self._failure

    def end(self) -> None:
        """Wait until nothing is being stored any more, and end the thread."""
        self._handed.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (handed := self._handed.get()) is not None:
            if isinstance(handed, Event):
                handed.set()
            elif self._failure is None:
                try:
                    handed[0](iter(handed[1].get, None))
                except BaseException as error:  # noqa: BLE001 - raised again by whoever waits
                    self._failure = error


@contextmanager
def writing_behind(session: Session) -> Iterator[None]:
    """Inside, rows for ``COPY`` are stored behind; at the end all are stored. Raises what storing failed with."""
    behind = Behind()
    connection = session.connection()

    def wait(*_: Any) -> None:
        behind.wait()

    event.listen(connection, "before_cursor_execute", wait)
    session.info[_KEY] = behind
    try:
        yield
        behind.wait()
    finally:
        del session.info[_KEY]
        behind.end()
        event.remove(connection, "before_cursor_execute", wait)


def behind_of(session: Session) -> Behind | None:
    """Who writes behind in this session at the moment."""
    found: Behind | None = session.info.get(_KEY)
    return found
