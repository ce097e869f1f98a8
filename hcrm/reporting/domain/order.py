"""The order in which a person expects names to stand."""

from __future__ import annotations

import re

from hcrm.patients.domain import sort_key

_NUMBER = re.compile(r"(\d+|[一二三四五六七八九十]+)")
_HAN_DIGITS = {character: at for at, character in enumerate("一二三四五六七八九", start=1)}


def natural_order(name: str) -> tuple[tuple[int, int, str], ...]:
    """The key that sorts names with their numbers by size, letters without case, Chinese characters by pinyin.

    ``Ward 2`` stands before ``Ward 10``, ``内二科`` before ``内十科``.
    """
    return tuple(
        (0, _size(part), "") if _NUMBER.fullmatch(part) else (1, 0, _reading(part))
        for part in _NUMBER.split(name)
        if part.strip()
    )


def _reading(part: str) -> str:
    # A character in first place would be read as a family name.
    return sort_key(f" {part}")


def _size(number: str) -> int:
    """A number in digits, or in Chinese characters up to 99; other rows of these characters are no number (0)."""
    if number.isdigit():
        return int(number)
    tens, ten, ones = number.rpartition("十")
    if len(tens) > 1 or len(ones) > 1 or "十" in tens:
        return 0
    return 10 * _HAN_DIGITS.get(tens, 1 if ten else 0) + _HAN_DIGITS.get(ones, 0)
