"""Group commit: messages of all connections that wait at the same moment are one transaction.

While one group is written the next gathers, so a slow disk makes groups larger, not senders slower than need be.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from sqlalchemy.exc import InterfaceError, OperationalError

from hcrm.clock import pause
from hcrm.intake import service
from hcrm.intake.domain import MessageStatus, Outcome
from hcrm.intake.readers.hl7v2 import Incoming
from hcrm.intake.service import Place
from hcrm.logs import get_logger
from hcrm.unit_of_work import Runtime, unit_of_work

LARGEST: Final = 500
"""Messages in one transaction."""
GATHERING: Final = 0.01
"""Seconds at most to wait for as many messages as came lately: writing eight costs hardly more than writing one."""
PAUSES: Final = (0.2, 1.0)
"""Seconds to wait before trying again when the database does not answer."""

log = get_logger(__name__)


class GroupWriter:
    """Writes messages in groups, one group at a time; ``pauses`` are the seconds between tries."""

    def __init__(self, runtime: Runtime, place: Place, pauses: Sequence[float] = PAUSES) -> None:
        self._runtime = runtime
        self._pauses = pauses
        self._place = place
        self._waiting: list[tuple[Incoming, asyncio.Future[Outcome]]] = []
        self._awake = asyncio.Event()
        self._sizes = (1, 1)
        self._enough = asyncio.Event()
        self._pool = ThreadPoolExecutor(1, "mllp-writer")

    def submit(self, message: Incoming) -> asyncio.Future[Outcome]:
        """Hand over a message; the future is done when its transaction is committed, or could not be."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, future))
        self._awake.set()
        if len(self._waiting) >= max(self._sizes):
            self._enough.set()
        return future

    async def run(self) -> None:
        """Write until cancelled; what was handed over by then is written to its end."""
        loop = asyncio.get_running_loop()
        while True:
            await self._awake.wait()
            await self._gather()
            group, self._waiting = self._waiting[:LARGEST], self._waiting[LARGEST:]
            if not self._waiting:
                self._awake.clear()
            outcomes = await loop.run_in_executor(self._pool, self.write, [message for message, _ in group])
            for (_, future), outcome in zip(group, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)

    async def _gather(self) -> None:
        """Let the senders that were just answered send their next message into the same group."""
        if len(self._waiting) < max(self._sizes):
            self._enough.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(GATHERING):
                    await self._enough.wait()
        self._sizes = (self._sizes[1], min(len(self._waiting), LARGEST))

    def close(self) -> None:
        """Wait for the group that is being written."""
        self._pool.shutdown(wait=True)

    def write(self, messages: Sequence[Incoming]) -> list[Outcome]:
        """Write one group; what became of each message. Never raises."""
        for seconds in (*self._pauses, None):
            try:
                return self._commit(messages)
            except (OperationalError, InterfaceError):
                log.warning("the database does not answer", messages=len(messages))
                if seconds is not None:
                    pause(seconds)
            except Exception:
                log.exception("a group of messages could not be written", messages=len(messages))
                return self._one_by_one(messages)
        return [Outcome(MessageStatus.REFUSED, "unavailable")] * len(messages)

    def _commit(self, messages: Sequence[Incoming]) -> list[Outcome]:
        with unit_of_work(self._runtime.sessions) as session:
            applied = service.apply_messages(session, self._place, messages, now=self._runtime.clock.now())
        return applied.outcomes

    def _one_by_one(self, messages: Sequence[Incoming]) -> list[Outcome]:
        if len(messages) == 1:
            return [Outcome(MessageStatus.REFUSED, "internal_error")]
        return [self.write([each])[0] for each in messages]
