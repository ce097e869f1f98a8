"""Names: how parts make a full name, and the key by which names are sorted and found (pinyin for Chinese)."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from pypinyin import Style, lazy_pinyin

SURNAME_READINGS = {
    "单": "shan",
    "解": "xie",
    "仇": "qiu",
    "曾": "zeng",
    "查": "zha",
    "盖": "ge",
    "朴": "piao",
    "区": "ou",
    "任": "ren",
    "覃": "qin",
    "乐": "yue",
    "缪": "miao",
    "宓": "mi",
    "尉": "wei",
    "翟": "zhai",
    "召": "shao",
    "折": "she",
    "种": "chong",
    "冼": "xian",
    "洗": "xian",
    "纪": "ji",
    "燕": "yan",
    "华": "hua",
    "万": "wan",
    "长": "zhang",
}
"""Characters that are read differently when they are a family name."""


def is_han(character: str) -> bool:
    """True for a Chinese character."""
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003134f"


def full_name_of(family_name: str, given_name: str) -> str:
    """Both parts in the order in which the name is written: family name first in Chinese, last elsewhere."""
    if not family_name or not given_name:
        return family_name or given_name
    if is_han(family_name[0]):
        return family_name + given_name
    return f"{given_name} {family_name}"


@lru_cache(maxsize=30_000)
def _reading(character: str) -> str:
    return "".join(lazy_pinyin(character, style=Style.NORMAL)).casefold()


@lru_cache(maxsize=100_000)
def sort_key(name: str) -> str:
    """Lower-case letters and digits of ``name``, Chinese characters by their pinyin, nothing else.

    The first character of a Chinese name is read as a family name.
    """
    if name.isascii():
        return "".join(filter(str.isalnum, name)).lower()
    letters = [
        (SURNAME_READINGS.get(character) if position == 0 else None) or _reading(character)
        if is_han(character)
        else character
        for position, character in enumerate(name)
    ]
    plain = unicodedata.normalize("NFKD", "".join(letters)).casefold()
    return "".join(filter(str.isalnum, plain))


def name_sort_key(family_name: str, given_name: str, full_name: str) -> str:
    """The key of a name: family name first where it is known, else as the full name is written."""
    return sort_key(family_name + given_name if family_name else full_name)
