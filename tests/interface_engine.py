"""A stand-in for a hospital's interface engine: sends messages over MLLP and repeats what was not acknowledged.

It keeps its own ledger: for each message the codes that it was answered with, in order.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

START, END = b"\x0b", b"\x1c\r"
Result = TypeVar("Result")


def run_apart(scene: Coroutine[Any, Any, Result]) -> Result:
    """Run ``scene`` in a thread of its own: Playwright keeps a loop running in the tests' thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, scene).result()


@dataclass
class InterfaceEngine:
    """Sends to one listener over ``connections`` at once, with up to ``ahead`` messages unanswered on each.

    A connection that breaks, or answers nothing for ``wait`` seconds, is opened anew and goes on with what was not
    acknowledged. A message counts as done when it was answered with AA, AE or AR.
    """

    port: int
    connections: int = 8
    ahead: int = 1
    wait: float = 10.0
    host: str = "127.0.0.1"
    ledger: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    reconnected: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, messages: Sequence[str]) -> dict[str, list[str]]:
        """Send all and wait for their answers; returns the ledger by control id."""
        run_apart(self.send_all(messages))
        return self.ledger

    async def send_all(self, messages: Sequence[str]) -> None:
        """Messages are dealt out over the connections, so those about one visit overtake each other."""
        shares = [messages[start :: self.connections] for start in range(self.connections)]
        await asyncio.gather(*(self._deliver(share) for share in shares if share))

    async def _deliver(self, messages: Sequence[str]) -> None:
        done = 0
        while done < len(messages):
            try:
                done = await self._over_one_connection(messages, done)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self.reconnected += 1
                await asyncio.sleep(0.05)

    async def _over_one_connection(self, messages: Sequence[str], done: int) -> int:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            sent = done
            while done < len(messages):
                while sent < min(done + self.ahead, len(messages)):
                    writer.write(START + messages[sent].encode() + END)
                    sent += 1
                await writer.drain()
                async with asyncio.timeout(self.wait):
                    frame = await reader.readuntil(END)
                self._note(messages[done], frame)
                done += 1
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self.reconnected += 1
            await asyncio.sleep(0.05)
        finally:
            writer.close()
        return done

    def _note(self, message: str, frame: bytes) -> None:
        control_id = message.split("|", 10)[9]
        answer = frame.strip(START + END).decode().split("\r")[1].split("|")
        assert answer[0] == "MSA"
        assert answer[2] == control_id, "answers come in the order of the messages"
        self.ledger[control_id].append(answer[1])
        self.answered.set()
