"""Connections of interface engines: frames in, acknowledgments out, in the order of the messages."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from hcrm.intake.domain import MessageStatus, Outcome
from hcrm.intake.mllp.acks import acknowledgment
from hcrm.intake.mllp.frames import END, START, FrameReader
from hcrm.intake.mllp.group import GroupWriter
from hcrm.intake.readers.hl7v2 import Reading, read_message
from hcrm.intake.readers.hl7v2.splitting import LONGEST
from hcrm.intake.service import Place
from hcrm.logs import get_logger
from hcrm.unit_of_work import Runtime

BLOCK: Final = 1 << 16
HANDSHAKE: Final = 10.0
"""Seconds for TLS to be agreed on."""
FAREWELL: Final = 5.0
"""Seconds that open connections have for the rest of their answers when the listener stops."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sender may do: bytes of one message, seconds from its first byte to its last, seconds of silence between
    messages, connections at once.
    """

    longest: int = LONGEST
    read_timeout: float = 30.0
    idle_timeout: float = 3600.0
    connections: int = 256


class Listener:
    """Takes messages for one facility on one port; an asynchronous context manager.

    ``encoding`` is that of messages that name none.
    """

    def __init__(
        self,
        runtime: Runtime,
        place: Place,
        reading: Reading,
        *,
        limits: Limits | None = None,
        encoding: str = "",
    ) -> None:
        self._runtime = runtime
        self._reading = reading
        self._limits = limits or Limits()
        self._encoding = encoding
        self._writer = GroupWriter(runtime, place)
        self._writing: asyncio.Task[None] | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._answering: set[asyncio.Task[None]] = set()
        self._stopping = False
        self.counts = dict.fromkeys((*MessageStatus, "repeated", "dropped", "turned_away"), 0)

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._writer.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        self._stopping = True
        for each in self._connections - self._answering:
            each.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=FAREWELL)
        if self._writing is not None:
            self._writing.cancel()
            with suppress(asyncio.CancelledError):
                await self._writing
        self._writer.close()

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Open the port and return it; port 0 takes any that is free."""
        timeout = HANDSHAKE if tls is not None else None
        self._server = await asyncio.start_server(
            self._accept, host, port, limit=BLOCK, ssl=tls, ssl_handshake_timeout=timeout, backlog=512
        )
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if len(self._connections) >= self._limits.connections or task is None:
            self.counts["turned_away"] += 1
            writer.close()
            return
        self._connections.add(task)
        try:
            await self._converse(task, reader, writer)
        except (TimeoutError, ConnectionError, ssl.SSLError):
            log.info("a connection ended in the middle")
        finally:
            self._connections.discard(task)
            writer.close()
            with suppress(ConnectionError, ssl.SSLError, TimeoutError):
                async with asyncio.timeout(FAREWELL):
                    await writer.wait_closed()

    async def _converse(
        self, task: asyncio.Task[None], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Read frames and answer them until the sender closes, is silent for too long, or sends too much."""
        frames = FrameReader(self._limits.longest)
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._stopping:
            allowed = self._limits.read_timeout if frames.begun else self._limits.idle_timeout
            was_open = frames.begun
            async with asyncio.timeout_at((began if was_open else loop.time()) + allowed):
                data = await reader.read(BLOCK)
            found = frames.feed(data) if data else frames.finish()
            if found or not was_open:
                began = loop.time()
            self._answering.add(task)
            try:
                await self._answer(found, writer)
            finally:
                self._answering.discard(task)
            if frames.too_long:
                await self._turn_down(frames.beginning, writer)
            if not data or frames.too_long:
                self.counts["dropped"] += frames.dropped + frames.begun
                return

    async def _answer(self, messages: Sequence[bytes], writer: asyncio.StreamWriter) -> None:
        """Write the messages and acknowledge each after its commit, in their order."""
        now = self._runtime.clock.now()
        read = [read_message(raw, self._reading, now, encoding=self._encoding) for raw in messages]
        waiting = [(incoming, self._writer.submit(incoming)) for incoming in read]
        for incoming, future in waiting:
            outcome = await future
            self.counts[outcome.status] += 1
            self.counts["repeated"] += outcome.repeated
            writer.write(START + acknowledgment(incoming, outcome, self._runtime.clock.now()) + END)
        if waiting:
            async with asyncio.timeout(self._limits.read_timeout):
                await writer.drain()

    async def _turn_down(self, beginning: bytes, writer: asyncio.StreamWriter) -> None:
        """Answer a message that is too long by what came of it."""
        now = self._runtime.clock.now()
        incoming = read_message(beginning, self._reading, now, encoding=self._encoding, too_long=True)
        outcome = Outcome(MessageStatus.REFUSED, "message_too_long", "", {"limit": self._limits.longest})
        writer.write(START + acknowledgment(incoming, outcome, now) + END)
        async with asyncio.timeout(self._limits.read_timeout):
            await writer.drain()
