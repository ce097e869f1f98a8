"""Phone numbers as hospitals write them, read by libphonenumber with a short cut for the common forms.

Kept as a number: what the library calls possible (right length for its country). The kind of line is known only for
valid numbers; possible but unassigned ones (such as 555 numbers) stay ``unknown``. What is not even possible keeps its
text without a number. Two things are less than possible here: numbers that can only be dialled inside their town, and
words that stand for no number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import phonenumbers
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType, ValidationResult

from hcrm.intake.readers.csv_rows.words import fold
from hcrm.patients.domain import LineType

CACHE: Final = 100_000
_PUNCTUATION: Final = {ord(sign): None for sign in " -().\u00a0\u2011\u2013"}
_SPLIT: Final = re.compile(r"[,;、，；|\n]+|\s/\s|(?<=\d{5})/(?=\+?\d{5})|(?<=\d{10})\s+(?=\+?\d{10})")
_NOTHING: Final = frozenset(
    fold(word)
    for word in ("无", "没有", "不详", "未知", "未提供", "none", "n/a", "na", "nil", "no", "unknown", "-", "--", "0")
) | {""}
_NANP: Final = 1


class Parsed(NamedTuple):
    """A number in E.164 with its kind of line; ``number`` is None where the text is no possible number."""

    number: str | None
    line_type: LineType


def split_numbers(text: str) -> list[str]:
    """The numbers in one cell: hospitals write several, with a comma, a slash or a space between them."""
    if text.isdigit():
        return [text]
    return [part for part in (piece.strip() for piece in _SPLIT.split(text)) if fold(part) not in _NOTHING]


@lru_cache(maxsize=16)
def number_reader(region: str) -> Callable[[str], Parsed]:
    """A cached function that reads one number as dialled in ``region`` (ISO 3166 alpha-2, for example CN)."""
    short_cut = _short_cut(region)

    @lru_cache(maxsize=CACHE)
    def read(text: str) -> Parsed:
        digits = text if text.isdigit() else text.translate(_PUNCTUATION)
        if digits.isascii() and digits.isdigit():
            parsed = short_cut(digits)
            if parsed is not None:
                return parsed
        return by_library(text, region)

    return read


def by_library(text: str, region: str) -> Parsed:
    """What libphonenumber says: the measure that the short cut has to agree with."""
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return Parsed(None, LineType.UNKNOWN)
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return Parsed(None, LineType.UNKNOWN)
    kind = phonenumbers.number_type(number)
    line = {PhoneNumberType.MOBILE: LineType.MOBILE, PhoneNumberType.FIXED_LINE: LineType.LANDLINE}
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    return Parsed(e164, line.get(kind, LineType.UNKNOWN))


def _short_cut(region: str) -> Callable[[str], Parsed | None]:
    """Reads digits alone where the outcome is certain: mobiles, and any ten digits in North America's plan."""
    metadata = PhoneMetadata.metadata_for_region(region, None)
    if metadata is None or metadata.mobile is None or metadata.general_desc is None or not metadata.country_code:
        return _no_short_cut
    country = metadata.country_code
    if country == _NANP:
        return _north_american()
    mobile = re.compile(metadata.mobile.national_number_pattern or "(?!)")
    kinds = (metadata.fixed_line, metadata.toll_free, metadata.premium_rate, metadata.shared_cost, metadata.pager,
             metadata.personal_number, metadata.voip, metadata.uan, metadata.voicemail)  # fmt: skip
    patterns = [kind.national_number_pattern for kind in kinds if kind is not None and kind.national_number_pattern]
    other = re.compile("|".join(f"(?:{pattern})" for pattern in patterns) or "(?!)")
    prefix = metadata.national_prefix or ""
    # What the library does to prefixes is copied for the plain case alone: any number that could begin with a country
    # code, an international or carrier prefix is left to it, unless a mobile follows the trunk prefix.
    rewritten = re.compile(metadata.national_prefix_for_parsing or "(?!)")
    abroad = re.compile(metadata.international_prefix or "(?!)")
    lengths = frozenset(metadata.general_desc.possible_length)
    simple = metadata.national_prefix_transform_rule is None
    alone = len(phonenumbers.COUNTRY_CODE_TO_REGION_CODE[country]) == 1

    def read(digits: str) -> Parsed | None:
        national = digits[len(prefix) :] if prefix and digits.startswith(prefix) else digits
        if other.fullmatch(national):
            return None
        if mobile.fullmatch(national):
            return Parsed(f"+{country}{national}", LineType.MOBILE) if simple else None
        certain = alone and len(digits) in lengths and digits[0] != "0" and not digits.startswith(str(country))
        if certain and not rewritten.match(digits) and not abroad.match(digits):
            return Parsed(f"+{country}{digits}", LineType.UNKNOWN)
        return None

    return read


def _no_short_cut(_digits: str) -> Parsed | None:
    return None


def _north_american() -> Callable[[str], Parsed | None]:
    """The United States and Canada do not tell mobiles from landlines; the islands that share their plan do."""
    islands = [
        PhoneMetadata.metadata_for_region(region, None)
        for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[_NANP]
        if region not in {"US", "CA"}
    ]
    pattern = "|".join(f"(?:{island.leading_digits})" for island in islands if island and island.leading_digits)
    elsewhere = re.compile(pattern)

    def read(digits: str) -> Parsed | None:
        national = digits[1:] if len(digits) == 11 and digits[0] == "1" else digits
        if len(national) != 10 or national[0] in "01" or elsewhere.match(national):
            return None
        return Parsed(f"+1{national}", LineType.UNKNOWN)

    return read
