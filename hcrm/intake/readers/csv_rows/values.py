"""Cells of text: cleaned, split, told apart."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final, Generic, TypeVar

from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.words import fold
from hcrm.patients.domain import Procedure

Value = TypeVar("Value")

CODE_LENGTH: Final = 64
"""Longest code of a department or clinician; longer ones are shortened with a checksum."""
IDENTIFIER_LENGTH: Final = 128
"""Longest MRN or visit number; longer ones are refused."""

_EXCEL: Final = re.compile(r"=\"(.*)\"|'(.*)", re.DOTALL)
_QUOTERS: Final = frozenset("='")
_SPACES: Final = re.compile(r"\s+")
_LIST: Final = re.compile(r"[;；|、\n]+")
_DATED: Final = re.compile(r"(.*?)\s*[(（@]\s*(\d{4}-\d{2}-\d{2})[^)）]*[)）]?")
_CODED: Final = re.compile(r"([A-Z]?\d[\dA-Z]*(?:\.[\dA-Zx]+)*)[\s:：]+(\S.*)", re.DOTALL)
_HAN_NAME: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]{2,4}")
_PAIRS: Final = (
    "欧阳太史端木上官司马东方独孤南宫万俟闻人夏侯诸葛尉迟公羊赫连澹台皇甫宗政濮阳公冶太叔申屠"
    "公孙慕容仲孙钟离长孙宇文司徒鲜于司空闾丘子车亓官司寇巫马公西颛孙壤驷公良漆雕乐正宰父谷梁"
    "拓跋夹谷轩辕令狐段干百里呼延东郭南门羊舌微生梁丘左丘东门西门第五"
)
_DOUBLE_SURNAMES: Final = frozenset(_PAIRS[at : at + 2] for at in range(0, len(_PAIRS), 2))


def clean(text: str) -> str:
    """One line of text: spaces joined, control characters gone, a spreadsheet's ``="…"`` or leading quote taken off."""
    if text[:1] not in _QUOTERS and text.isprintable():
        return text
    text = _unquoted(text)
    kept = "".join(sign for sign in text if sign.isspace() or _keeps(sign))
    return _SPACES.sub(" ", kept).strip()


def _keeps(sign: str) -> bool:
    return unicodedata.category(sign) not in {"Cc", "Cs"} and sign not in "\ufeff\u200b"


def _unquoted(text: str) -> str:
    found = _EXCEL.fullmatch(text)
    if not found:
        return text
    inner = found[1] if found[1] is not None else found[2]
    return inner.strip() if inner[:1].isdigit() or inner[:1] in set("=+-@") or found[1] is not None else text


def identifier(text: str) -> str:
    """An MRN or visit number; full-width signs narrowed. Raises ``RowRefused`` (``too_long``)."""
    value = clean(text if text.isascii() else unicodedata.normalize("NFKC", text))
    if len(value) > IDENTIFIER_LENGTH:
        raise RowRefused("too_long", limit=IDENTIFIER_LENGTH)
    return value


def short_code(text: str) -> str:
    """A code of at most ``CODE_LENGTH`` characters that stands for ``text`` alone."""
    value = clean(text)
    if len(value) <= CODE_LENGTH:
        return value
    return f"{value[: CODE_LENGTH - 17]}~{hashlib.sha256(value.encode()).hexdigest()[:16]}"


class WordTable(dict[str, Value | None], Generic[Value]):
    """Looks words up once: ``table[word]`` is the value, or None for an unknown word. Keeps itself small."""

    def __init__(self, words: Mapping[str, Value], own: Mapping[str, Value] | None = None) -> None:
        super().__init__()
        self._words = {**words, **{fold(word): value for word, value in (own or {}).items()}}

    def __missing__(self, word: str) -> Value | None:
        if len(self) > 10_000:
            self.clear()
        value = self._words.get(fold(word))
        self[word] = value
        return value


class Remembered(dict[str, Value], Generic[Value]):
    """A function of a cell that repeats often, computed once per different cell. Keeps itself small."""

    def __init__(self, compute: Callable[[str], Value]) -> None:
        super().__init__()
        self._compute = compute

    def __missing__(self, text: str) -> Value:
        if len(self) > 50_000:
            self.clear()
        value = self[text] = self._compute(text)
        return value


def split_name(full: str) -> tuple[str | None, str | None]:
    """Family and given name, where the writing tells: ``Last, First``, or two to four Han characters."""
    family, comma, given = full.partition(",")
    if comma and given.strip() and family.strip() and "," not in given:
        return family.strip(), given.strip()
    if _HAN_NAME.fullmatch(full):
        length = 2 if len(full) > 2 and full[:2] in _DOUBLE_SURNAMES else 1
        return full[:length], full[length:]
    return None, None


def join_name(family: str, given: str) -> str:
    """The whole name as it is written: Chinese names family first without a space, others given name first."""
    if not family or not given:
        return family or given
    if not family.isascii() and _HAN_NAME.fullmatch(family + given):
        return family + given
    return f"{given} {family}"


def several(text: str) -> tuple[str, ...]:
    """The parts of a cell that lists things."""
    return tuple(part for part in (clean(piece.strip()) for piece in _LIST.split(text)) if part)


def procedures(text: str) -> tuple[Procedure, ...]:
    """Procedures of a cell, each ``code text (YYYY-MM-DD)`` with code and date where the source has them."""
    return tuple(_procedure(part) for part in several(text))


def _procedure(text: str) -> Procedure:
    from_date = _DATED.fullmatch(text)
    words, day = (from_date[1], from_date[2]) if from_date else (text, "")
    coded = _CODED.fullmatch(words)
    code, name = (coded[1], coded[2]) if coded else ("", words)
    return Procedure(code=code, text=name, done_on=_day(day))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
