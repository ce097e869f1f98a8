"""In what encoding a message is written: its byte order mark, then what MSH-18 says, checked against the bytes."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import Final

_NAMES: Final = {
    "UTF8": "utf-8", "UNICODEUTF8": "utf-8", "GB180302000": "gb18030", "GB18030": "gb18030", "GBK": "gb18030",
    "GB2312": "gb18030", "GB231280": "gb18030", "CP936": "gb18030", "BIG5": "big5", "CNS116431992": "big5hkscs",
    "KSX1001": "euc_kr", "ISOIR14": "iso2022_jp", "ISOIR87": "iso2022_jp", "ISOIR159": "iso2022_jp_2",
    "UNICODEUTF16": "utf-16", "UTF16": "utf-16", "WINDOWS1252": "cp1252", "CP1252": "cp1252",
}  # fmt: skip
"""What MSH-18 (HL7 table 0211, and what is written in its place) calls the encodings of Python."""

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COMMON: Final = 0.8
"""Share of common characters from which on a text passes for Chinese."""


def decode(raw: bytes, stated: str = "") -> tuple[str, str]:
    """The text of a message and its encoding; ``stated`` is what the hospital says where a message does not.

    Bytes that are valid UTF-8 are UTF-8 whatever a single-byte MSH-18 says: engines convert and forget the field. What
    fits nothing else is Latin-1, in which every byte means something.
    """
    raw = raw.strip(b"\x0b\x1c\r\n ") if not wide_encoding(raw) else raw
    for mark, encoding in _MARKS:
        if raw.startswith(mark):
            return raw[len(mark) :].decode(encoding, "replace"), encoding
    wide = wide_encoding(raw)
    if wide:
        return raw.decode(wide, "replace"), wide
    for encoding in _candidates(raw, declared_encoding(raw) or stated):
        try:
            return raw.decode(encoding), encoding
        except (UnicodeDecodeError, LookupError):
            continue
    return raw.decode("latin-1"), "latin-1"


def wide_encoding(raw: bytes) -> str:
    """UTF-16 by its mark or by the NUL bytes of ``MSH``; empty for encodings that keep ASCII as it is."""
    if raw.startswith(codecs.BOM_UTF16_LE) or raw[:6] in {b"M\0S\0H\0", b"B\0H\0S\0", b"F\0H\0S\0"}:
        return "utf-16-le"
    if raw.startswith(codecs.BOM_UTF16_BE) or raw[:6] in {b"\0M\0S\0H", b"\0B\0H\0S", b"\0F\0H\0S"}:
        return "utf-16-be"
    return ""


def declared_encoding(raw: bytes) -> str:
    """What MSH-18 says, as Python spells it; empty when it says nothing that is known."""
    header = raw[: raw.find(b"\r") if b"\r" in raw else len(raw)].split(b"\n", 1)[0]
    fields = header.split(header[3:4]) if len(header) > 8 else []
    if len(fields) < 18:
        return ""
    name = "".join(filter(str.isalnum, fields[17].split(header[5:6])[0].decode("ascii", "ignore"))).upper()
    if name.startswith("8859"):
        return f"iso8859-{name[4:]}"
    return _NAMES.get(name, "")


def _candidates(raw: bytes, stated: str) -> Iterator[str]:
    """Encodings to try strictly, the likeliest first."""
    many_bytes = stated and not stated.startswith(("iso8859", "cp12", "latin"))
    if many_bytes and stated != "utf-16":
        yield stated
    yield "utf-8"
    if looks_chinese(raw):
        yield "gb18030"
    if stated and not many_bytes:
        yield stated


def looks_chinese(raw: bytes) -> bool:
    """True when the bytes read as GB18030 are common Chinese characters; Western text reads as rare ones."""
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    foreign = [sign for sign in text if ord(sign) > 127][:4000]
    return bool(foreign) and sum(map(_is_common, foreign)) >= _COMMON * len(foreign)


def _is_common(sign: str) -> bool:
    try:
        return len(sign.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False
