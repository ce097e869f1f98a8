from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.appointments.domain.reminders import next_reminder, reminders_of
from hcrm.appointments.domain.sessions import SessionRule, plan_sittings
from hcrm.organization.domain import Calendar

ZONES = [
    ZoneInfo(name)
    for name in ("America/New_York", "Europe/London", "Australia/Lord_Howe", "America/Santiago", "Asia/Shanghai")
]


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    first=st.dates(date(2026, 1, 1), date(2027, 12, 31)),
    days=st.integers(0, 40),
    starts=st.times().map(lambda at: time(at.hour % 20, at.minute)),
    minutes=st.integers(5, 30),
    slots=st.integers(1, 8),
    weeks=st.integers(1, 3),
)
def test_every_day_has_the_same_number_of_slots_of_the_same_length_and_none_twice(
    zone, first, days, starts, minutes, slots, weeks
):
    rule = SessionRule(first, first + timedelta(days=days), frozenset(range(7)), starts, minutes, slots, 1, weeks)
    sittings = plan_sittings(rule, Calendar(), zone)
    moments = [slot.starts_at for sitting in sittings for slot in sitting.slots]
    assert len(moments) == len(set(moments)) == len(sittings) * slots
    assert all(slot.ends_at - slot.starts_at == timedelta(minutes=minutes) for each in sittings for slot in each.slots)
    assert moments == sorted(moments)
    for sitting in sittings:
        begins = sitting.starts_at.astimezone(zone)
        assert begins.date() == sitting.day
        # Only where the clock skips the time does a session begin later than its rule says.
        assert begins.time() == starts or begins.replace(tzinfo=None) > datetime.combine(sitting.day, starts)


@settings(max_examples=80, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    starts_at=st.datetimes(datetime(2026, 1, 10), datetime(2027, 12, 31), timezones=st.just(UTC)),
    ahead=st.timedeltas(timedelta(0), timedelta(days=9)),
)
def test_reminders_come_in_order_at_ten_local_and_each_once(zone, starts_at, ahead):
    three, one = reminders_of(starts_at, zone)
    visit_day = starts_at.astimezone(zone).date()
    assert [(visit_day - each.due_at.astimezone(zone).date()).days for each in (three, one)] == [3, 1]
    assert {each.due_at.astimezone(zone).time() for each in (three, one)} == {time(10)}
    seen, after = [], starts_at - ahead
    while (following := next_reminder(starts_at, zone, after=after)) is not None:
        seen.append(following.kind)
        assert after < following.due_at < starts_at
        after = following.due_at
    assert len(seen) == len(set(seen))
