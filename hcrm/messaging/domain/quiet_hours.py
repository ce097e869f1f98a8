"""When texts may go out: the hospital's own hours, by its clock on the wall, and the next moment they open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hcrm.organization.domain import Calendar, FacilitySettings

HORIZON_DAYS = 400


class NeverOpen(ValueError):
    """No day within the next ``HORIZON_DAYS`` days allows texts."""


def is_open(now: datetime, settings: FacilitySettings, zone: ZoneInfo, calendar: Calendar) -> bool:
    """Whether a text may go out at ``now``: from ``sms_from`` until just before ``sms_to`` on an allowed day."""
    local = now.astimezone(zone)
    return _day_allowed(local.date(), settings, calendar) and settings.sms_from <= local.time() < settings.sms_to


def next_opening(now: datetime, settings: FacilitySettings, zone: ZoneInfo, calendar: Calendar) -> datetime:
    """``now`` itself when texts may go out, else the first later moment (UTC) when they may.

    Where summer time skips the opening hour, it opens at the first moment after the gap; where the hour comes twice,
    at its first coming, and at the second only for what was not yet open. Raises ``NeverOpen``.
    """
    if is_open(now, settings, zone, calendar):
        return now
    today = now.astimezone(zone).date()
    for offset in range(HORIZON_DAYS):
        day = today + timedelta(days=offset)
        if not _day_allowed(day, settings, calendar):
            continue
        for opening in _moments(day, settings.sms_from, zone):
            if opening > now and is_open(opening, settings, zone, calendar):
                return opening
    raise NeverOpen


def _day_allowed(day: date, settings: FacilitySettings, calendar: Calendar) -> bool:
    return settings.sms_on_rest_days or calendar.is_workday(day)


def _moments(day: date, wall: time, zone: ZoneInfo) -> Iterator[datetime]:
    """The moments (UTC, in order) at which the clock on the wall shows ``wall`` or jumps over it."""
    first = datetime.combine(day, wall, zone)
    second = first.replace(fold=1)
    before, after = first.astimezone(UTC), second.astimezone(UTC)
    if after < before:
        yield _end_of_gap(after, before, zone)
        return
    yield before
    if after > before:
        yield after


def _end_of_gap(earliest: datetime, latest: datetime, zone: ZoneInfo) -> datetime:
    """The first moment with the offset that holds at ``latest``, to the second; both are UTC, the change between."""
    target = latest.astimezone(zone).utcoffset()
    low, high = int(earliest.timestamp()), int(latest.timestamp())
    while low < high:
        middle = (low + high) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == target:
            high = middle
        else:
            low = middle + 1
    return datetime.fromtimestamp(high, UTC)
