"""From bytes to records: encodings, line ends, quotes that were never closed."""

from __future__ import annotations

import codecs
import csv
import re
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from hcrm.intake.domain import FileRefused

BLOCK: Final = 1 << 20
DELIMITERS: Final = (",", ";", "\t", "|")
MAX_REREAD: Final = 1_000_000
"""How many lines are read again in one file because of quotation marks, before it is refused as a whole."""

LONGEST_LINE: Final = 1 << 20
"""Characters of a line that is still read; a longer one is refused, and its rest is never held in memory."""
KEPT_OF_LONG: Final = 1_000

csv.field_size_limit(BLOCK)

_BOMS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_KINDS: Final = (
    (b"PK\x03\x04", "xlsx"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    (b"%PDF", "pdf"),
    (b"MSH|", "hl7"),
    (b"\x0bMSH|", "hl7"),
    (b"\x1f\x8b", "gzip"),
    (b"SQLite format 3", "database"),
    (b"\x89PNG", "picture"),
    (b"\xff\xd8\xff", "picture"),
    (b"GIF8", "picture"),
    (b"II*\0", "picture"),
    (b"\x7fELF", "program"),
    (b"7z\xbc\xaf", "gzip"),
    (b"Rar!", "gzip"),
)
_JSON: Final = re.compile(rb"\s*[{\[]\s*[\"{\[\]}]")
_XML: Final = re.compile(rb"\s*<(\?xml|!doctype|html|[a-z]+[ >])", re.IGNORECASE)
_HAN_SHARE: Final = 0.8


def find_encoding(path: Path) -> str:
    """The encoding of a text file: its byte order mark, else strict UTF-8, else strict GB18030 that looks Chinese.

    Raises ``FileRefused``: ``not_found``, ``unreadable``, ``empty_file``, ``other_kind`` (with the kind) or
    ``unknown_encoding``; nothing is guessed beyond that.
    """
    try:
        with path.open("rb") as file:
            head = file.read(BLOCK)
    except FileNotFoundError:
        raise FileRefused("not_found", file=path.name) from None
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None
    if not head.strip():
        raise FileRefused("empty_file", file=path.name)
    _refuse_other_kinds(head, path)
    stated = next((encoding for mark, encoding in _BOMS if head.startswith(mark)), "") or _wide_encoding(head)
    if stated:
        return check_encoding(path, stated)
    if _decodes(path, "utf-8"):
        return "utf-8"
    if _decodes(path, "gb18030") and _looks_chinese(head):
        return "gb18030"
    raise FileRefused("unknown_encoding", file=path.name)


def check_encoding(path: Path, encoding: str) -> str:
    """``encoding`` as Python spells it, if it is known and the whole file decodes in it.

    Raises ``FileRefused``: ``bad_encoding_name`` or ``wrong_encoding``, besides those of ``find_encoding``.
    """
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise FileRefused("bad_encoding_name", encoding=encoding) from None
    name = {"utf-8": "utf-8-sig"}.get(name, name)
    try:
        if not path.stat().st_size:
            raise FileRefused("empty_file", file=path.name)
        decodes = _decodes(path, name)
    except FileNotFoundError:
        raise FileRefused("not_found", file=path.name) from None
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None
    if not decodes:
        raise FileRefused("wrong_encoding", file=path.name, encoding=encoding)
    return name


def _refuse_other_kinds(head: bytes, path: Path) -> None:
    plain = head.removeprefix(codecs.BOM_UTF8)
    for magic, kind in _KINDS:
        if plain.startswith(magic):
            raise FileRefused("other_kind", file=path.name, kind=kind)
    if _JSON.match(plain):
        raise FileRefused("other_kind", file=path.name, kind="json")
    if _XML.match(plain):
        raise FileRefused("other_kind", file=path.name, kind="xml")


def _wide_encoding(head: bytes) -> str:
    """UTF-16 without a mark shows as a NUL in nearly every second byte."""
    sample = head[:4096]
    half = len(sample) // 2
    if half < 2:
        return ""
    if sample[1::2].count(0) > 0.4 * half and sample[0::2].count(0) < 0.1 * half:
        return "utf-16-le"
    if sample[0::2].count(0) > 0.4 * half and sample[1::2].count(0) < 0.1 * half:
        return "utf-16-be"
    return ""


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True


def _looks_chinese(head: bytes) -> bool:
    """Western text also decodes as GB18030, into rare characters: Chinese text keeps to the common ones."""
    text = head.decode("gb18030", errors="ignore")
    foreign = [sign for sign in text if ord(sign) > 127][:4000]
    common = sum(1 for sign in foreign if _in_gb2312(sign))
    return bool(foreign) and common >= _HAN_SHARE * len(foreign)


def _in_gb2312(sign: str) -> bool:
    try:
        return len(sign.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


def open_text(path: Path, encoding: str) -> TextIO:
    """The file as text with its own line ends (CR, LF and CRLF all end a line)."""
    try:
        return path.open(encoding=encoding, errors="strict", newline="")
    except FileNotFoundError:
        raise FileRefused("not_found", file=path.name) from None
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None


class Mark(NamedTuple):
    """Something to be said about a record because of how it was kept in the file; ``refuses`` it, or only warns."""

    field: str
    code: str
    params: dict[str, Any]
    refuses: bool = False


class Records:
    """The records of a CSV file, each with the physical line on which it begins.

    A quote that is never closed would swallow the lines below it. It shows by the end of the file, by text after the
    next quote, or by the number of cells: such a record comes out as ``None`` with its first line alone, and the lines
    below are read again. NUL characters are taken out; ``nul_lines`` remembers where. Raises ``FileRefused``
    (``broken_quotes``) when that happens too often. ``marks`` holds what is to be said about records: of a CSV file
    those whose line is longer than ``LONGEST_LINE``.
    """

    def __init__(self, file: TextIO, delimiter: str, width: int = 0) -> None:
        self._file = file
        self._delimiter = delimiter
        self._again: deque[str] = deque()
        self._seen: list[str] = []
        self._reread = 0
        self._long_lines: set[int] = set()
        self.width = width
        self.line = 1
        self.nul_lines: set[int] = set()
        self.marks: dict[int, list[Mark]] = {}
        self.raw = ""
        """The line that was put right last, as it stands in the file."""

    def __iter__(self) -> Iterator[tuple[int, list[str] | None]]:
        ended = False
        while not ended:
            reader = csv.reader(self._feed(), delimiter=self._delimiter, strict=True)
            ended = yield from self._read(reader)

    def _feed(self) -> Iterator[str]:
        again, seen, file = self._again, self._seen, self._file
        while again:
            line = again.popleft()
            seen.append(line)
            yield line
        while line := file.readline(LONGEST_LINE):
            if len(line) == LONGEST_LINE and line[-1] not in "\r\n":
                line = self._cut(line)
            if "\0" in line:
                self.nul_lines.add(self.line + len(seen))
                line = line.replace("\0", "")
            seen.append(line)
            yield line

    def _cut(self, line: str) -> str:
        """The beginning of a line that no memory should hold; its record is refused, the rest is skipped."""
        while (rest := self._file.readline(LONGEST_LINE)) and rest[-1] not in "\r\n":
            pass
        self._long_lines.add(self.line + len(self._seen))
        return line[:KEPT_OF_LONG].split('"', maxsplit=1)[0] + "\n"

    def _mark_long(self, line: int, count: int) -> None:
        if any(line <= each < line + count for each in self._long_lines):
            self.marks.setdefault(line, []).append(
                Mark("", "line_too_long", {"limit": LONGEST_LINE >> 20}, refuses=True)
            )

    def _read(self, reader: Any) -> Generator[tuple[int, list[str] | None], None, bool]:
        """Read on until the end (True) or until lines have to be read again (False)."""
        seen = self._seen
        try:
            for cells in reader:
                count = len(seen)
                if count > 1 and self._swallowed(cells):
                    yield self._take_back()
                    return False
                line = self.line
                self.line += count
                seen.clear()
                if self._long_lines:
                    self._mark_long(line, count)
                if cells:
                    yield line, cells
        except csv.Error:
            yield self._take_back()
            return False
        return True

    def _swallowed(self, cells: list[str]) -> bool:
        return bool(self.width) and len(cells) != self.width

    def _take_back(self) -> tuple[int, None]:
        self._reread += len(self._seen)
        if self._reread > MAX_REREAD:
            raise FileRefused("broken_quotes", line=self.line)
        line = self.line
        self.line += 1
        self.raw = self._seen[0].rstrip("\r\n")
        self._again.extendleft(reversed(self._seen[1:]))
        self._seen.clear()
        return line, None
