"""Taking names and numbers out of what patients wrote, before it is shared. Pure.

What is known is taken out wherever it stands (names of the patient, of contacts, of staff); beyond that a name is
recognised by its title (Dr Smith, 王医生) or by how somebody introduces themselves. It rather takes out too much.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

NAME = "▮"
NUMBER = "#"
"""What stands in the place of a name and of a number, in every language."""

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_DIGITS = re.compile(r"[+(（]?\d(?:[\s\-–—.()（）]{0,2}\d){4,}[xX]?")
_LETTERS = r"[^\W\d_]"
_LETTER_BESIDE = r"[^\W\u4e00-\u9fff]"
"""What makes Latin letters part of a longer word; Chinese beside them does not."""
_TITLE_EN = re.compile(
    rf"(?P<title>(?<!{_LETTER_BESIDE})(?:Dr|Doctor|Prof|Professor|Nurse|Sister|Matron|Mr|Mrs|Ms|Miss|Mx)\b\.?)\s+"
    rf"(?P<name>[A-Z]{_LETTERS}*(?:['’-]{_LETTERS}+)*(?:\s+[A-Z]{_LETTERS}+){{0,2}})"
)
_INTRODUCED_EN = re.compile(
    rf"(?P<lead>\b(?:my name is|called|named)\s+)(?P<name>[A-Z]{_LETTERS}+(?:\s+[A-Z]{_LETTERS}+){{0,2}})"
)
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪"
    "田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文欧阳司马诸葛"
)
_TITLES_ZH = "医生|大夫|医师|主任|护士长|护士|护工|护理员|教授|院长|科长|先生|女士|小姐|阿姨|师傅|老师"
_TITLE_ZH = re.compile(rf"[小老]?[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?=(?:{_TITLES_ZH}))")
_INTRODUCED_ZH = re.compile(rf"(?P<lead>我叫|我姓|名叫|姓名[是：:]?)(?P<name>[{_SURNAMES}][\u4e00-\u9fff]{{0,2}})")
_SHORTEST_PART = 3
"""Parts of Latin names shorter than this are too often words."""


def redacted(text: str, names: Iterable[str] = ()) -> str:
    """``text`` without names and numbers; ``names`` are those known, in any script."""
    plain = _ADDRESS.sub(NUMBER, _EMAIL.sub(NUMBER, text))
    plain = _DIGITS.sub(NUMBER, plain)
    known = _pattern(frozenset(names))
    if known is not None:
        plain = known.sub(NAME, plain)
    plain = _TITLE_EN.sub(_keep_title, plain)
    plain = _INTRODUCED_EN.sub(_keep_lead, plain)
    plain = _INTRODUCED_ZH.sub(_keep_lead, plain)
    return _TITLE_ZH.sub(NAME, plain)


def _keep_title(match: re.Match[str]) -> str:
    return f"{match['title']} {NAME}"


def _keep_lead(match: re.Match[str]) -> str:
    return f"{match['lead']}{NAME}"


@lru_cache(maxsize=64)
def _pattern(names: frozenset[str]) -> re.Pattern[str] | None:
    """One pattern for all names, the longest first; Latin names and their parts stand alone as words."""
    parts = {part for name in names for part in _parts(name)}
    if not parts:
        return None
    ordered = sorted(parts, key=lambda part: (-len(part), part))
    return re.compile("|".join(_alone(part) for part in ordered), re.IGNORECASE)


def _parts(name: str) -> Iterable[str]:
    whole = " ".join(name.split())
    if len(whole) < 2:
        return
    yield whole
    if whole.isascii() or " " in whole:
        yield from (part for part in re.split(r"[\s,.]+", whole) if len(part) >= _SHORTEST_PART)


def _alone(part: str) -> str:
    escaped = re.escape(part).replace("\\ ", r"\s+")
    return escaped if re.search(r"[\u4e00-\u9fff]", part) else rf"(?<!{_LETTER_BESIDE}){escaped}(?!{_LETTER_BESIDE})"
