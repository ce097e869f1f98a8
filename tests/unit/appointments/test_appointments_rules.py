from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hcrm.appointments.domain.figures import VisitFact, visit_figures
from hcrm.appointments.domain.ical import CalendarEvent, calendar_text
from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.reminders import ReminderKind, next_reminder, reminders_of
from hcrm.appointments.domain.replies import Reply, read_reply
from hcrm.appointments.domain.search import FreeSlot, ReturnRule, in_order, window_of
from hcrm.appointments.domain.sessions import SessionRule, plan_sittings
from hcrm.appointments.domain.states import HOLDING, MOVES, AppointmentState, IllegalMove, move
from hcrm.appointments.domain.waiting import FreedPlace, Wish, next_in_line
from hcrm.organization.domain import Calendar

SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")
MONDAY = date(2026, 11, 23)


def rule(**changes):
    values = {
        "first_on": MONDAY,
        "last_on": MONDAY + timedelta(days=13),
        "weekdays": frozenset({0, 2}),
        "starts": time(9),
        "slot_minutes": 15,
        "slots": 4,
    }
    return SessionRule(**{**values, **changes})


def test_a_rule_gives_each_of_its_weekdays_with_slots_that_follow_one_another():
    sittings = plan_sittings(rule(), Calendar(), SHANGHAI)
    assert [each.day.isoformat() for each in sittings] == ["2026-11-23", "2026-11-25", "2026-11-30", "2026-12-02"]
    assert [slot.starts_at for slot in sittings[0].slots] == [
        datetime(2026, 11, 23, 1, minute, tzinfo=UTC) for minute in (0, 15, 30, 45)
    ]


def test_every_second_week_counts_from_the_first_one():
    days = [each.day.day for each in plan_sittings(rule(every_weeks=2), Calendar(), SHANGHAI)]
    assert days == [23, 25]


def test_holidays_are_left_out_unless_the_session_is_held_on_them():
    calendar = Calendar(holidays=frozenset({MONDAY}))
    assert [each.day.day for each in plan_sittings(rule(), calendar, SHANGHAI)] == [25, 30, 2]
    assert [each.day.day for each in plan_sittings(rule(on_holidays=True), calendar, SHANGHAI)] == [23, 25, 30, 2]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"last_on": None}, Refusal.NO_END),
        ({"last_on": MONDAY - timedelta(days=1)}, Refusal.END_BEFORE_START),
        ({"last_on": MONDAY + timedelta(days=733)}, Refusal.TOO_LONG),
        ({"weekdays": frozenset()}, Refusal.NO_WEEKDAY),
        ({"every_weeks": 0}, Refusal.NO_WEEKDAY),
        ({"slots": 0}, Refusal.IMPOSSIBLE_SLOTS),
        ({"capacity": 0}, Refusal.IMPOSSIBLE_CAPACITY),
        ({"starts": time(23), "slots": 5}, Refusal.PAST_MIDNIGHT),
        ({"last_on": MONDAY, "weekdays": frozenset({5})}, Refusal.NO_DAY),
    ],
)
def test_rules_that_cannot_be_followed_are_refused(changes, refusal):
    with pytest.raises(Refused) as refused:
        plan_sittings(rule(**changes), Calendar(), SHANGHAI)
    assert refused.value.reason is refusal


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2026, 3, 8), datetime(2026, 3, 8, 6, tzinfo=UTC)),
        (date(2026, 11, 1), datetime(2026, 11, 1, 5, tzinfo=UTC)),
    ],
)
def test_a_night_session_has_all_its_slots_once_when_the_clock_changes(day, first):
    night = rule(first_on=day, last_on=day, weekdays=frozenset({6}), starts=time(1), slot_minutes=30, slots=6)
    slots = plan_sittings(night, Calendar(), NEW_YORK)[0].slots
    assert [slot.starts_at for slot in slots] == [first + timedelta(minutes=30) * n for n in range(6)]


def test_a_session_in_the_hour_that_is_skipped_begins_as_much_later():
    day = date(2026, 3, 8)
    night = rule(first_on=day, last_on=day, weekdays=frozenset({6}), starts=time(2, 30), slots=1)
    start = plan_sittings(night, Calendar(), NEW_YORK)[0].starts_at
    assert start.astimezone(NEW_YORK).time() == time(3, 30)


def test_reminders_go_out_at_ten_three_days_and_one_day_before_also_over_a_change_of_the_clock():
    visit = datetime(2026, 3, 9, 9, tzinfo=NEW_YORK)  # the clock changed on the 8th
    three, one = reminders_of(visit.astimezone(UTC), NEW_YORK)
    assert three.due_at == datetime(2026, 3, 6, 10, tzinfo=NEW_YORK)
    assert one.due_at == datetime(2026, 3, 8, 10, tzinfo=NEW_YORK)
    assert three.due_at.astimezone(UTC).hour == 15
    assert one.due_at.astimezone(UTC).hour == 14
    assert (three.useful_until, one.useful_until) == (one.due_at, visit - timedelta(hours=2))


def test_a_reminder_whose_time_is_over_when_it_is_booked_is_left_out():
    visit = datetime(2026, 11, 26, 9, tzinfo=SHANGHAI)
    late = datetime(2026, 11, 24, 12, tzinfo=SHANGHAI)
    found = next_reminder(visit, SHANGHAI, after=late)
    assert found is not None
    assert found.kind is ReminderKind.ONE_DAY
    assert next_reminder(visit, SHANGHAI, after=found.due_at) is None


@pytest.mark.parametrize("text", ["1", "１", " 1. ", "回复1", "确认", "Yes", "OK!"])
def test_replies_that_confirm(text):
    assert read_reply(text) is Reply.CONFIRM


@pytest.mark.parametrize(
    ("text", "meant"),
    [("2", Reply.MOVE), ("改期", Reply.MOVE), ("3。", Reply.CANCEL), ("取消", Reply.CANCEL), ("cancel", Reply.CANCEL)],
)
def test_replies_that_move_or_cancel(text, meant):
    assert read_reply(text) is meant


@pytest.mark.parametrize("text", ["", "12", "4", "1 or 2", "maybe", "我再想想"])
def test_what_cannot_be_read_is_not_guessed(text):
    assert read_reply(text) is None


def test_every_state_has_its_moves_and_the_end_has_none():
    assert set(MOVES) == set(AppointmentState)
    assert AppointmentState.CANCELLED not in HOLDING
    assert move(AppointmentState.BOOKED, AppointmentState.ARRIVED) is AppointmentState.ARRIVED
    with pytest.raises(IllegalMove):
        move(AppointmentState.CANCELLED, AppointmentState.BOOKED)


def _free(slot_id, starts_at, clinician_id=1):
    return FreeSlot(slot_id, slot_id, 1, clinician_id, "2", starts_at, starts_at + timedelta(minutes=15))


def test_inside_the_days_of_the_rule_the_same_clinician_comes_first_then_others_then_later_days():
    now = datetime(2026, 11, 23, 8, tzinfo=SHANGHAI)
    asked = ReturnRule(1, 7)
    window = window_of(asked, MONDAY, now=now, zone=SHANGHAI)
    day = timedelta(days=1)
    slots = [_free(1, now + day), _free(2, now + 3 * day, 7), _free(3, now + 9 * day, 7), _free(4, now)]
    found = in_order(slots, rule=asked, clinician_id=7, window=window)
    assert [slot.slot_id for slot in found] == [2, 1, 3]


def test_when_the_days_of_the_rule_are_over_the_next_days_are_searched():
    now = datetime(2026, 11, 23, 8, tzinfo=SHANGHAI)
    window = window_of(ReturnRule(1, 7), MONDAY - timedelta(days=30), now=now, zone=SHANGHAI)
    assert window.overdue
    assert window.starts_at == now + timedelta(minutes=30)
    assert window.ends_at == datetime(2026, 11, 30, tzinfo=SHANGHAI)


def test_who_waits_longest_among_those_whom_it_suits_is_next():
    noon = datetime(2026, 11, 23, 4, tzinfo=UTC)
    place = FreedPlace(5, 1, 7, noon)
    until = noon + timedelta(days=1)

    def wish(number, minutes, **changes):
        values = {"department_id": 1, "clinician_id": None, "starts_from": noon, "starts_until": until}
        return Wish(number, noon - timedelta(minutes=minutes), **{**values, **changes})

    waiting = [
        wish(1, 90, clinician_id=8),
        wish(2, 80, declined=frozenset({5})),
        wish(3, 70, starts_from=until),
        wish(4, 60),
        wish(5, 50),
    ]
    assert next_in_line(waiting, place).appointment_id == 4
    assert next_in_line(waiting[:3], place) is None


def test_a_calendar_file_escapes_and_folds_its_lines():
    at = datetime(2026, 11, 23, 1, tzinfo=UTC)
    event = CalendarEvent("a@b", 2, at, at + timedelta(minutes=15), "复诊, 第一医院；" * 9, "Room 2; left", at)
    text = calendar_text([event], name="Visits")
    assert "\r\nSEQUENCE:2\r\n" in text
    assert "LOCATION:Room 2\\; left" in text
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert text.replace("\r\n ", "").count("第一医院") == 9


def test_figures_count_visits_whose_time_is_over():
    facts = [
        VisitFact(1, due=True, kept=True, missed=False, lead_days=3),
        VisitFact(1, due=True, kept=False, missed=True, lead_days=5),
        VisitFact(1, due=True, kept=False, missed=False, lead_days=10),
        VisitFact(1, due=False, kept=False, missed=False, lead_days=1),
    ]
    found = visit_figures(facts, discharged=10, booked_before=4)
    assert (found.due, found.kept, found.missed, found.without_outcome) == (3, 1, 1, 1)
    assert (found.booked_before_rate, found.lead_days) == (0.4, 5)
    empty = visit_figures([], discharged=0, booked_before=0)
    assert (empty.kept_rate, empty.no_show_rate, empty.booked_before_rate, empty.lead_days) == (None, None, None, None)
