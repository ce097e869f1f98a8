from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from hcrm.messaging.domain import is_open, next_opening
from hcrm.organization.domain import Calendar, FacilitySettings

SHANGHAI, BERLIN, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/London")
PLAIN = FacilitySettings()
WORKDAYS_ONLY = replace(PLAIN, sms_on_rest_days=False)
CALENDAR = Calendar()


def opening(local: str, zone=SHANGHAI, settings=PLAIN, calendar=CALENDAR) -> str:
    now = datetime.fromisoformat(local).replace(tzinfo=zone).astimezone(UTC)
    return next_opening(now, settings, zone, calendar).astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-03-10 08:00", "2026-03-10 08:00"),
        ("2026-03-10 19:59", "2026-03-10 19:59"),
        ("2026-03-10 20:00", "2026-03-11 08:00"),
        ("2026-03-10 07:59", "2026-03-10 08:00"),
        ("2026-12-31 23:00", "2027-01-01 08:00"),
    ],
)
def test_the_hours_are_those_of_the_hospitals_own_wall_clock(at, expected):
    assert opening(at) == expected


def test_a_reminder_on_friday_night_waits_until_monday_where_rest_days_are_quiet():
    assert opening("2026-03-13 21:00", settings=WORKDAYS_ONLY) == "2026-03-16 08:00"


def test_holidays_are_quiet_and_make_up_workdays_are_not():
    calendar = Calendar(holidays=frozenset({date(2026, 3, 11)}), workdays=frozenset({date(2026, 3, 14)}))
    assert opening("2026-03-10 21:00", settings=WORKDAYS_ONLY, calendar=calendar) == "2026-03-12 08:00"
    assert opening("2026-03-13 21:00", settings=WORKDAYS_ONLY, calendar=calendar) == "2026-03-14 08:00"


def test_an_opening_skipped_by_summer_time_comes_right_after_the_gap():
    early = replace(PLAIN, sms_from=time(2, 30))
    assert opening("2026-03-29 01:00", BERLIN, early) == "2026-03-29 03:00"


def test_an_hour_that_comes_twice_opens_at_its_first_coming():
    early = replace(PLAIN, sms_from=time(1, 30))
    now = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # 01:00 in London, before the clock goes back at 02:00
    assert next_opening(now, early, LONDON, CALENDAR) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_within_the_repeated_hour_before_opening_it_waits_for_the_second_coming():
    early = replace(PLAIN, sms_from=time(1, 30))
    now = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)  # 01:10 for the second time
    assert not is_open(now, early, LONDON, CALENDAR)
    assert next_opening(now, early, LONDON, CALENDAR) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
