"""From the bytes of a file to its JSON documents: one for the whole file, or one on each line (NDJSON)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec

from hcrm.intake.domain import FileRefused, RowRefused

LONGEST: Final = 48 << 20
"""Bytes of one document; a larger file has to be NDJSON, or memory would grow with it."""
HEAD: Final = 1 << 16
_TYPE: Final = b'"resourceType"'


class Document(NamedTuple):
    """One JSON document: the line on which it begins, what it holds or why it holds nothing, and where it ends."""

    line: int
    content: dict[str, Any]
    refusal: RowRefused | None
    end: int
    raw: bytes


def holds_fhir(path: Path) -> bool:
    """True for JSON in whose beginning a type of resource is named. Raises ``FileRefused``: ``not_found``,
    ``unreadable``.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD).removeprefix(codecs.BOM_UTF8).lstrip()
    except FileNotFoundError:
        raise FileRefused("not_found", file=path.name) from None
    except OSError:
        raise FileRefused("unreadable", file=path.name) from None
    return head.startswith(b"{") and _TYPE in head


def is_of_lines(path: Path) -> bool:
    """Whether a file holds a document on each line: its first or second line is one by itself."""
    with path.open("rb") as file:
        lines = [line for line in (file.readline(LONGEST + 1), file.readline(LONGEST + 1)) if line.strip()]
        more = bool(file.read(1))
    if not lines or (len(lines) == 1 and not more):
        return False
    return any(_is_resource(line) for line in lines)


def _is_resource(line: bytes) -> bool:
    try:
        return "resourceType" in decode(line)
    except RowRefused:
        return False


def decode(raw: bytes) -> dict[str, Any]:
    """The JSON object in ``raw``. Raises ``RowRefused``: ``bad_json``, ``bad_utf8``, ``nested_too_deep`` or
    ``no_resource``.
    """
    try:
        content = msgspec.json.decode(raw.removeprefix(codecs.BOM_UTF8))
    except RecursionError:
        raise RowRefused("nested_too_deep") from None
    except UnicodeDecodeError:
        raise RowRefused("bad_utf8") from None
    except msgspec.DecodeError as error:
        raise RowRefused("bad_utf8" if "utf-8" in str(error).casefold() else "bad_json") from None
    if not isinstance(content, dict):
        raise RowRefused("no_resource")
    return content


def whole(path: Path) -> Document:
    """The one document of a file. Raises ``FileRefused``: ``fhir_too_large`` or ``fhir_`` and why it is none."""
    if path.stat().st_size > LONGEST:
        raise FileRefused("fhir_too_large", file=path.name, limit=LONGEST >> 20)
    raw = path.read_bytes()
    try:
        content = decode(raw)
    except RowRefused as refusal:
        raise FileRefused(f"fhir_{refusal.code}", file=path.name) from None
    return Document(1, content, None, len(raw), b"")


def lines_of(file: BinaryIO) -> Iterator[Document]:
    """The documents of a file of lines; a line that is none says why."""
    number = 0
    while line := file.readline(LONGEST + 1):
        number += 1
        if len(line) > LONGEST and not line.endswith(b"\n"):
            _skip_line(file)
            yield Document(number, {}, RowRefused("document_too_long", limit=LONGEST >> 20), file.tell(), line[:200])
        elif line.strip(b"\xef\xbb\xbf \t\r\n"):
            yield _document(number, line, file.tell())


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(HEAD)) and not rest.endswith(b"\n"):
        pass


def _document(number: int, line: bytes, end: int) -> Document:
    try:
        return Document(number, decode(line), None, end, line)
    except RowRefused as refusal:
        return Document(number, {}, refusal, end, line)
