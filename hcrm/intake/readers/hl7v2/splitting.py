"""Files of messages: one or many, in batches or bare, with whatever line ends and blank lines between them."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from typing import BinaryIO, Final, NamedTuple

from hcrm.intake.readers.hl7v2.decoding import wide_encoding

BLOCK: Final = 1 << 20
LONGEST: Final = 8 << 20
"""Bytes that one message may have; what is longer is refused without being kept."""

_ENDS: Final = re.compile(rb"\r\n|\r|\n")
_ENVELOPE: Final = (b"FHS", b"BHS", b"BTS", b"FTS")
_FRAME: Final = b"\x0b\x1c \t\0"
_START: Final = re.compile(rb"(?:MSH|FHS|BHS)[^A-Za-z0-9\s]")


class RawMessage(NamedTuple):
    """The bytes of one message and the line of its MSH; ``data`` is cut short when it is ``too_long``.

    ``end`` is where in the file the reader stands, in bytes; ``utf8`` tells that a file in UTF-16 was converted.
    """

    line: int
    data: bytes
    end: int
    too_long: bool = False
    utf8: bool = False


def is_hl7(head: bytes) -> bool:
    """True when a file that begins so holds HL7 v2 messages."""
    wide = wide_encoding(head.removeprefix(codecs.BOM_UTF8))
    if wide:
        head = head[: len(head) // 2 * 2].decode(wide, "ignore").encode()
    return _START.match(head.removeprefix(codecs.BOM_UTF8).lstrip(_FRAME + b"\r\n")) is not None


def split_messages(file: BinaryIO, longest: int = LONGEST, block: int = BLOCK) -> Iterator[RawMessage]:
    """The messages of a file in order; batch and file envelopes are left out, so is text before the first message.

    Only one message at a time is kept; ``block`` bytes are read at a time.
    """
    gathered = _Gathered(longest)
    line, end = 1, 0
    source, converted = _source(file)
    for text, is_complete, read in _lines(source, longest, block):
        plain = text.lstrip(_FRAME) if gathered.at_line_start else text
        if gathered.at_line_start and plain.startswith(b"\xef\xbb\xbf"):
            plain = plain[3:]
        if gathered.at_line_start and plain[:3] in {b"MSH", *_ENVELOPE}:
            if gathered.any:
                yield gathered.message(end, utf8=converted)
            gathered.start(line, keep=plain[:3] == b"MSH")
        gathered.add(plain, is_complete=is_complete)
        line += is_complete
        end = read
    if gathered.any:
        yield gathered.message(end, utf8=converted)


class _Gathered:
    """The lines of the message being read."""

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._parts: list[bytes] = []
        self._size = 0
        self._line = 0
        self._keep = False
        self.at_line_start = True

    @property
    def any(self) -> bool:
        return bool(self._parts)

    def start(self, line: int, *, keep: bool) -> None:
        self._parts, self._size, self._line, self._keep = [], 0, line, keep

    def add(self, text: bytes, *, is_complete: bool) -> None:
        self.at_line_start = is_complete
        if not self._keep:
            return
        self._size += len(text)
        if self._size <= self._longest:
            self._parts.append(text + b"\r" if is_complete else text)

    def message(self, end: int, *, utf8: bool) -> RawMessage:
        data = b"".join(self._parts).rstrip(b"\r" + _FRAME)
        return RawMessage(self._line, data, end, self._size > self._longest, utf8)


def _source(file: BinaryIO) -> tuple[BinaryIO, bool]:
    """The file as bytes in which ASCII is ASCII, and whether it had to be converted for that."""
    head = file.read(16)
    file.seek(0)
    wide = wide_encoding(head)
    if not wide:
        return file, False
    return _Converted(file, wide), True  # type: ignore[return-value]  # it reads, which is all that is asked of it


class _Converted:
    """A file in UTF-16, read as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("replace")

    def read(self, size: int) -> bytes:
        block = self._file.read(size)
        text = self._decoder.decode(block, final=not block)
        return text.removeprefix("\ufeff").encode("utf-8", "replace")

    def tell(self) -> int:
        return self._file.tell()


def _lines(file: BinaryIO | io.BytesIO, longest: int, size: int) -> Iterator[tuple[bytes, bool, int]]:
    """Lines without their ends, as (text, complete, bytes read); a line longer than ``longest`` comes in pieces."""
    rest = b""
    while block := file.read(size):
        read = file.tell()
        data = rest + block
        # A CR at the very end may be half of a CRLF: it waits for the next block.
        held = b"\r" if data.endswith(b"\r") else b""
        parts = _ENDS.split(data[: len(data) - len(held)])
        for part in parts[:-1]:
            yield part, True, read
        rest = parts[-1] + held
        if len(rest) > longest:
            yield rest, False, read
            rest = b""
    if rest:
        for part in _ENDS.split(rest.removesuffix(b"\r")):
            yield part, True, file.tell()
