"""Dates and times as hospitals write them. What can be read in two ways is never guessed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

from hcrm.intake.domain import DateOrder, FileRefused, RowRefused
from hcrm.intake.readers.csv_rows.values import Remembered

_TIME: Final = (
    r"(?:[T\s]*(?P<hour>\d{1,2})[:.时](?P<minute>\d{1,2})(?:[:.分](?P<second>\d{1,2})(?:[.,]\d+)?秒?)?分?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?)?\s*(?P<zone>Z|UTC|[+-]\d{2}:?\d{2})?"
)
_YEAR_FIRST: Final = re.compile(
    r"(?P<year>\d{4})\s*[-/.年]\s*(?P<month>\d{1,2})\s*[-/.月]\s*(?P<day>\d{1,2})\s*日?" + _TIME
)
_YEAR_LAST: Final = re.compile(
    r"(?P<first>\d{1,2})(?P<sign>[-/.])(?P<second_part>\d{1,2})(?P=sign)(?P<year>\d{4})" + _TIME
)
_COMPACT: Final = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:[T\s]?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?"
    r"(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
_NAMED_ORDERS: Final = {
    "dmy": DateOrder.DAY_FIRST,
    "dd/mm/yyyy": DateOrder.DAY_FIRST,
    "dd-mm-yyyy": DateOrder.DAY_FIRST,
    "dd.mm.yyyy": DateOrder.DAY_FIRST,
    "d/m/yyyy": DateOrder.DAY_FIRST,
    "mdy": DateOrder.MONTH_FIRST,
    "mm/dd/yyyy": DateOrder.MONTH_FIRST,
    "mm-dd-yyyy": DateOrder.MONTH_FIRST,
    "m/d/yyyy": DateOrder.MONTH_FIRST,
}
_READ_ANYWAY: Final = frozenset({"iso", "ymd", "yyyy-mm-dd", "yyyy/mm/dd", "yyyy年m月d日", "yyyymmdd"})

EARLIEST_YEAR: Final = 1900


def stated_order(formats: Iterable[str]) -> DateOrder | None:
    """The order that a profile states by a name such as ``DD/MM/YYYY`` or ``mdy``; None when it states none."""
    for text in formats:
        order = _NAMED_ORDERS.get(text.strip().casefold())
        if order:
            return order
    return None


def stated_patterns(formats: Iterable[str]) -> tuple[str, ...]:
    """The ``strptime`` patterns among a profile's date formats.

    Raises ``FileRefused`` (``bad_date_format``) for a format that is neither a pattern nor a known name.
    """
    patterns = []
    for text in formats:
        known = text.strip().casefold()
        if "%" in text:
            patterns.append(text)
        elif known not in _NAMED_ORDERS and known not in _READ_ANYWAY:
            raise FileRefused("bad_date_format", format=text)
    return tuple(patterns)


class OrderEvidence:
    """Watches the values of one column whose dates end in the year and tells how they can be read."""

    def __init__(self) -> None:
        self.day_first = self.month_first = self.either = 0

    def see(self, text: str) -> None:
        """Take one value into account; values in other forms say nothing."""
        found = _YEAR_LAST.fullmatch(text)
        if found is None or found["sign"] == ".":
            return
        first, second = int(found["first"]), int(found["second_part"])
        if first > 12 >= second:
            self.day_first += 1
        elif second > 12 >= first:
            self.month_first += 1
        elif first != second:
            self.either += 1

    @property
    def mixed(self) -> bool:
        """Some values are day first, others month first."""
        return bool(self.day_first and self.month_first)

    @property
    def order(self) -> DateOrder | None:
        """The only order that fits all values; None where none or both fit."""
        if self.day_first and not self.month_first:
            return DateOrder.DAY_FIRST
        if self.month_first and not self.day_first:
            return DateOrder.MONTH_FIRST
        return None

    @property
    def ambiguous(self) -> bool:
        """Both orders fit all values, and it would make a difference."""
        return bool(self.either) and not self.day_first and not self.month_first


class DateReader:
    """Reads the dates of one column.

    ``zone`` is for times without one of their own. ``order`` is how dates ending in the year are read (with dots it is
    day first, as everywhere); ``patterns`` are tried first. Raises ``RowRefused``: ``unreadable_date``,
    ``no_such_day`` or ``ambiguous_date``.
    """

    def __init__(self, zone: tzinfo, order: DateOrder | None = None, patterns: Sequence[str] = ()) -> None:
        self._zone = zone
        self._order = order
        self._patterns = tuple(patterns)
        self._offsets = Remembered(self._offset_of_day)
        self.day = lru_cache(maxsize=50_000)(self._day)

    def moment(self, text: str) -> datetime:
        """A point in time, in UTC. A date without a time is its beginning.

        The common form, an ISO time without a zone on a day without a change of clocks, costs one look-up.
        """
        offset = self._offsets[text[:10]]
        if offset is not None:
            try:
                return datetime.fromisoformat(text + "Z") - offset
            except (ValueError, OverflowError):
                pass
        return self._moment(text)

    def _offset_of_day(self, day: str) -> timedelta | None:
        """How far the zone is ahead of UTC on an ISO day; None when that changes within the day."""
        if self._patterns:
            return None
        try:
            start = datetime.combine(date.fromisoformat(day), time.min, self._zone)
            end = datetime.combine(date.fromisoformat(day), time.max, self._zone).replace(fold=1)
        except ValueError:
            return None
        return start.utcoffset() if start.utcoffset() == end.utcoffset() else None

    def _moment(self, text: str) -> datetime:
        value = self._iso(text) or self._slow(text)
        if value.tzinfo is None:
            value = value.replace(tzinfo=self._zone)
        try:
            return value.astimezone(UTC)
        except (OverflowError, ValueError):
            raise RowRefused("unreadable_date") from None

    def _iso(self, text: str) -> datetime | None:
        """An ISO time, for which the standard library is faster than a pattern; None for anything else."""
        if len(text) <= 15 or text[4] != "-" or self._patterns:
            return None
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            return None

    def _day(self, text: str) -> date:
        """A calendar day; of a time with a zone, the day in the reader's zone. Cached: ages repeat."""
        try:
            return date.fromisoformat(text) if len(text) == 10 and not self._patterns else self._day_of(text)
        except ValueError:
            return self._day_of(text)

    def _day_of(self, text: str) -> date:
        value = self._slow(text)
        return value.date() if value.tzinfo is None else value.astimezone(self._zone).date()

    def _slow(self, text: str) -> datetime:
        for pattern in self._patterns:
            try:
                return datetime.strptime(text, pattern)  # noqa: DTZ007 - the zone is added by the caller
            except ValueError:
                continue
        plain = unicodedata.normalize("NFKC", text).strip()
        found = _YEAR_FIRST.fullmatch(plain) or _COMPACT.fullmatch(plain)
        if found:
            return _build(found, int(found["month"]), int(found["day"]))
        found = _YEAR_LAST.fullmatch(plain)
        if not found:
            raise RowRefused("unreadable_date")
        return _build(found, *self._month_and_day(found))

    def _month_and_day(self, found: re.Match[str]) -> tuple[int, int]:
        first, second = int(found["first"]), int(found["second_part"])
        order = self._order or (DateOrder.DAY_FIRST if found["sign"] == "." or first == second else None)
        if order is None:
            raise RowRefused("ambiguous_date")
        return (second, first) if order is DateOrder.DAY_FIRST else (first, second)


def _build(found: re.Match[str], month: int, day: int) -> datetime:
    groups = found.groupdict()
    hour = _hour(groups)
    try:
        value = datetime(  # noqa: DTZ001 - the zone is added below or by the caller
            int(groups["year"]), month, day, hour % 24, int(groups["minute"] or 0), int(groups["second"] or 0)
        )
        if hour == 24:
            value += timedelta(days=1)
    except (ValueError, OverflowError):
        raise RowRefused("no_such_day") from None
    zone = groups["zone"]
    return value.replace(tzinfo=_offset(zone)) if zone else value


def _hour(groups: dict[str, str | None]) -> int:
    hour = int(groups["hour"] or 0)
    half = (groups.get("half") or "")[:1].casefold()
    at_midnight = not int(groups["minute"] or 0) and not int(groups["second"] or 0)
    if hour > 24 or (hour == 24 and not at_midnight) or (half and not 1 <= hour <= 12):
        raise RowRefused("no_such_day")
    if half == "p":
        return hour % 12 + 12
    return hour % 12 if half == "a" else hour


def _offset(text: str) -> tzinfo:
    if text in {"Z", "UTC"}:
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 14 * 60:
        raise RowRefused("unreadable_date")
    return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
