"""A message as segments, fields, repetitions, components and subcomponents, by the separators that its MSH names.

Fields are split when they are asked for: a message has a hundred, of which twenty are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

NULL: Final = '""'
"""What a field holds whose value is to be deleted, as against one that is left out."""

_LINE_ENDS: Final = re.compile(r"\r\n|\r|\n")
_SEGMENT: Final = re.compile(r"[A-Z][A-Z0-9]{2}")
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_LAYOUT: Final = {".br": "\n", ".sp": "\n", ".ce": "\n"}
_PAINTED: Final = frozenset({"H", "N", ".fi", ".nf", ".in", ".ti", ".sk"})
"""Highlighting and layout that plain text does without."""


class MessageRefused(Exception):
    """The text is no message that can be read; a code, never what stood in it."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field


class Separators(NamedTuple):
    """The signs between parts, from MSH-1 and MSH-2; empty where a message does without one."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


class Segment:
    """One segment; fields count from 1 as in the standard, MSH-1 being the field separator itself."""

    __slots__ = ("_fields", "_read", "_signs")

    def __init__(self, fields: Sequence[str], signs: Separators) -> None:
        self._fields = fields
        self._signs = signs
        self._read = unescape_with(signs)

    def raw(self, number: int) -> str:
        """The field as it stands, empty when the segment ends before it."""
        return self._fields[number].strip() if number < len(self._fields) else ""

    def is_null(self, number: int) -> bool:
        """True when the field says that its value is to be deleted."""
        return self.raw(number) == NULL

    def repetitions(self, number: int) -> list[Components]:
        """The repetitions of a field that hold anything."""
        raw = self.raw(number)
        parts = raw.split(self._signs.repetition) if self._signs.repetition else [raw]
        return [Components(part, self._signs, self._read) for part in parts if part.strip() not in {"", NULL}]

    def first(self, number: int) -> Components:
        """The first repetition that holds anything; an empty one when there is none."""
        return next(iter(self.repetitions(number)), Components("", self._signs, self._read))

    def text(self, number: int, component: int = 1) -> str:
        """A component of the first repetition as plain text."""
        return self.first(number)[component]


class Components:
    """One repetition of a field; ``[n]`` is the text of component n (its first subcomponent), counted from 1."""

    __slots__ = ("_parts", "_read", "_signs")

    def __init__(self, text: str, signs: Separators, read: Callable[[str], str]) -> None:
        self._parts = text.split(signs.component) if signs.component else [text]
        self._signs = signs
        self._read = read

    def __getitem__(self, number: int) -> str:
        return self.sub(number, 1)

    def sub(self, component: int, subcomponent: int) -> str:
        """The text of a subcomponent."""
        if component > len(self._parts):
            return ""
        part = self._parts[component - 1]
        parts = part.split(self._signs.subcomponent) if self._signs.subcomponent else [part]
        text = parts[subcomponent - 1].strip() if subcomponent <= len(parts) else ""
        return "" if text == NULL else self._read(text).strip()

    def __iter__(self) -> Iterator[str]:
        return (self[number + 1] for number in range(len(self._parts)))


class Message(NamedTuple):
    """A parsed message: its segments in order, as (name, segment)."""

    segments: tuple[tuple[str, Segment], ...]
    separators: Separators

    @property
    def header(self) -> Segment:
        return self.segments[0][1]

    def first(self, name: str) -> Segment | None:
        """The first segment called so."""
        return next((segment for each, segment in self.segments if each == name), None)

    def all(self, name: str) -> list[Segment]:
        return [segment for each, segment in self.segments if each == name]

    @property
    def trigger(self) -> str:
        """The event, for example ``A01``; of a message that is no ADT the type too, for example ``ORU^R01``."""
        kind, event = self.header.text(9), self.header.text(9, 2)
        if not event:
            event_segment = self.first("EVN")
            event = event_segment.text(1) if event_segment is not None else ""
        return event if kind == "ADT" and event else f"{kind}^{event}".strip("^")

    @property
    def control_id(self) -> str:
        return self.header.text(10)

    @property
    def sender(self) -> str:
        """Sending application and facility, as one text."""
        return f"{self.header.text(3)}|{self.header.text(4)}"


def parse(text: str) -> Message:
    """The message in ``text``, whose segments end with CR, LF or both. Z segments are kept like any other.

    Raises ``MessageRefused``: ``not_hl7`` or ``bad_separators``.
    """
    lines = [line for line in _LINE_ENDS.split(text.strip("\ufeff\x0b\x1c\r\n \t\0")) if line.strip()]
    if not lines or len(lines[0]) < 8 or not lines[0].startswith("MSH"):
        raise MessageRefused("not_hl7")
    signs = separators_of(lines[0])
    segments = [("MSH", Segment(["MSH", signs.field, *lines[0].split(signs.field)[1:]], signs))]
    for line in _joined(lines[1:], signs.field):
        fields = line.split(signs.field)
        segments.append((fields[0], Segment(fields, signs)))
    return Message(tuple(segments), signs)


def separators_of(header: str) -> Separators:
    """The separators that an MSH segment names. Raises ``MessageRefused`` (``bad_separators``)."""
    field = header[3]
    named = header[4:].partition(field)[0]
    signs = field + named[:4]
    if not named or len(set(signs)) != len(signs) or any(sign.isalnum() or sign.isspace() for sign in signs):
        raise MessageRefused("bad_separators", "MSH-2")
    return Separators(*signs, *[""] * (5 - len(signs)))


def _joined(lines: Sequence[str], field: str) -> Iterator[str]:
    """Segments; a line that begins none belongs to the one before it, which held a line break."""
    current = ""
    for line in lines:
        plain = line.lstrip()
        if _SEGMENT.match(plain) and (len(plain) == 3 or plain[3] == field):
            if current:
                yield current
            current = plain
        elif current:
            current = f"{current} {plain}"
    if current:
        yield current


@lru_cache(maxsize=64)
def unescape_with(signs: Separators) -> Callable[[str], str]:
    """A function that resolves the escape sequences of these separators; what is no sequence stays as it is."""
    escape = signs.escape
    if not escape:
        return str
    sequence = re.compile(f"{re.escape(escape)}([^{re.escape(escape)}\\s]*){re.escape(escape)}")
    meanings = {"F": signs.field, "S": signs.component, "T": signs.subcomponent, "R": signs.repetition, "E": escape}

    def meant(found: re.Match[str]) -> str:
        code: str = found[1]
        if code in meanings:
            return meanings[code]
        if code[:1] == "X" and _HEX.fullmatch(code[1:]):
            return _from_bytes(bytes.fromhex(code[1:]))
        if code[:3] in _LAYOUT:
            return _LAYOUT[code[:3]]
        return "" if code in _PAINTED or code[:3] in _PAINTED else str(found[0])

    def read(text: str) -> str:
        return sequence.sub(meant, text) if escape in text else text

    return read


def _from_bytes(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
