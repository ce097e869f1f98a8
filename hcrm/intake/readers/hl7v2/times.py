"""Timestamps of HL7: any precision from the year to fractions of a second, with or without a zone."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from hcrm.intake.domain import RowRefused

_TIMESTAMP: Final = re.compile(
    r"(?P<year>\d{4})(?:-?(?P<month>\d\d)(?:-?(?P<day>\d\d)(?:[T ]?(?P<hour>\d\d)(?::?(?P<minute>\d\d)"
    r"(?::?(?P<second>\d\d)(?:[.,](?P<part>\d+))?)?)?)?)?)?\s*(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_NOTHING: Final = re.compile(r"0*")
_WIDEST_ZONE: Final = timedelta(hours=14)


class Stamp(NamedTuple):
    """A timestamp: the beginning of what it names (UTC), and the beginning of what comes after.

    ``day`` is the calendar day as it was written, None when it names only a month or a year.
    """

    begins: datetime
    ends: datetime
    day: date | None
    zone: tzinfo | None


@lru_cache(maxsize=4096)
def read_stamp(text: str, zone: ZoneInfo | tzinfo) -> Stamp | None:
    """The timestamp in ``text``, in ``zone`` unless it names its own; None for an empty one or all zeros.

    Raises ``RowRefused``: ``unreadable_date`` or ``no_such_day``.
    """
    if _NOTHING.fullmatch(text):
        return None
    found = _TIMESTAMP.fullmatch(text.strip())
    if found is None:
        raise RowRefused("unreadable_date", value=text[:40])
    try:
        return _stamp(found, zone)
    except (ValueError, OverflowError):
        raise RowRefused("no_such_day", value=text[:40]) from None


def _stamp(found: re.Match[str], zone: tzinfo) -> Stamp:
    own = _zone(found["zone"])
    year, month, day = (int(found[name] or 1) for name in ("year", "month", "day"))
    hour, minute, second = (int(found[name] or 0) for name in ("hour", "minute", "second"))
    microsecond = int((found["part"] or "0")[:6].ljust(6, "0"))
    next_day = timedelta(days=1) if (hour, minute, second) == (24, 0, 0) else timedelta(0)
    leap = timedelta(seconds=1) if second == 60 else timedelta(0)
    clock = (hour % 24 if next_day else hour, minute, 59 if leap else second, microsecond)
    local = datetime(year, month, day, *clock)  # noqa: DTZ001 - the zone is put to it below
    local += next_day + leap
    return Stamp(
        _utc(local, own or zone),
        _utc(_after(found, local), own or zone),
        local.date() if found["day"] else None,
        own,
    )


def _utc(local: datetime, zone: tzinfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)


def _after(found: re.Match[str], local: datetime) -> datetime:
    """The first moment after what the timestamp names."""
    if not found["month"]:
        return local.replace(year=local.year + 1)
    if not found["day"]:
        return (local + timedelta(days=31)).replace(day=1)
    for name, length in (
        ("hour", timedelta(days=1)),
        ("minute", timedelta(hours=1)),
        ("second", timedelta(minutes=1)),
        ("part", timedelta(seconds=1)),
    ):
        if not found[name]:
            return local + length
    return local + timedelta(microseconds=1)


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    if offset > _WIDEST_ZONE or int(digits[2:]) > 59:
        raise ValueError("no such zone")
    return timezone(-offset if text[0] == "-" else offset)
