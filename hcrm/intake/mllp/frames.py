"""Frames of the Minimal Lower Layer Protocol: VT, a message, FS, CR. Pure: bytes in, messages out."""

from __future__ import annotations

from typing import Final

from hcrm.intake.readers.hl7v2.decoding import wide_encoding

START: Final = b"\x0b"
END: Final = b"\x1c\r"
_FS: Final = b"\x1c"


class FrameReader:
    """Cuts a stream of bytes into messages.

    Bytes outside frames are passed over. A frame that begins inside another shows that the first was cut off: it is
    dropped, for its sender will send it again. In UTF-16 these signs are halves of characters, so only the end counts.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._open = False
        self._buffer = bytearray()
        self.dropped = 0

    @property
    def begun(self) -> bool:
        """A frame has begun and not ended."""
        return self._open

    @property
    def too_long(self) -> bool:
        """The frame being read is longer than allowed."""
        return self._open and len(self._buffer) > self._longest

    @property
    def beginning(self) -> bytes:
        """What has come of the frame being read."""
        return bytes(self._buffer[: self._longest])

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete after ``data``."""
        found: list[bytes] = []
        while data:
            if not self._open:
                _, begins, data = data.partition(START)
                self._open = bool(begins)
                continue
            searched = max(len(self._buffer) - 1, 0)
            self._buffer += data
            data = b""
            end = self._end(searched)
            if end < 0:
                self._restart(searched)
                continue
            data = bytes(self._buffer[end:])
            found.append(self._take(end))
        return found

    def finish(self) -> list[bytes]:
        """What is left when the sender has closed: a frame whose last CR is missing counts, any other does not."""
        complete = self._open and self._buffer.endswith(_FS)
        return [self._take(len(self._buffer))] if complete else []

    def _end(self, searched: int) -> int:
        """Where the frame ends, -1 when it has not; an FS right before the next frame ends it too."""
        ends = [at + 2 for at in [self._buffer.find(END, searched)] if at >= 0]
        if not wide_encoding(bytes(self._buffer[:6])):
            ends += [at + 1 for at in [self._buffer.find(_FS + START, searched)] if at >= 0]
        return min(ends, default=-1)

    def _take(self, end: int) -> bytes:
        message = bytes(self._buffer[:end]).rstrip(b"\r") if end else b""
        message = message.removesuffix(_FS)
        self._buffer.clear()
        self._open = False
        return self._newest(message)

    def _newest(self, message: bytes) -> bytes:
        """The last of the frames that begin in ``message``."""
        if START not in message or wide_encoding(message[:6]):
            return message
        self.dropped += 1
        return message.rpartition(START)[2]

    def _restart(self, searched: int) -> None:
        """Forget what came before a new beginning."""
        at = self._buffer.rfind(START, searched)
        if at >= 0 and not wide_encoding(bytes(self._buffer[:6])):
            self.dropped += 1
            del self._buffer[: at + 1]
