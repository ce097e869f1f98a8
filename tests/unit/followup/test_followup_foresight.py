"""What would hold an open task is told rule by rule, and when it can be done, only where it can."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm.followup.domain.foresight import CallFacts, foresee_call, next_call, told_ahead
from hcrm.followup.forms.words.task_story import _SENTENCES
from hcrm.messaging.domain import Check, Expire, Foresight, Held, Reason, Send, Suppress, Wait

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
HOUR = timedelta(hours=1)
ZONE = ZoneInfo("Asia/Shanghai")
HOURS = ((time(9), time(11, 30)), (time(14, 30), time(17, 30)))
FREE = CallFacts(opens_at=NOW - HOUR, closes_at=NOW + 40 * HOUR, call_from=NOW)


def told(**changes):
    return [(each.rule, each.at) for each in foresee_call(replace(FREE, **changes), NOW)]


def test_a_task_that_nothing_holds_can_be_done_now():
    assert told() == [("can_be_done", NOW)]


@pytest.mark.parametrize(
    ("changes", "rule", "until"),
    [
        ({"opens_at": NOW + HOUR}, "holds_window", NOW + HOUR),
        ({"waits_until": NOW + 2 * HOUR}, "holds_callback", NOW + 2 * HOUR),
        ({"call_from": NOW + 3 * HOUR}, "holds_hours", NOW + 3 * HOUR),
    ],
)
def test_what_it_waits_for_is_told_with_the_time_at_which_it_can_be_done(changes, rule, until):
    assert told(**changes) == [(rule, until), ("can_be_done_from", until)]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [({"deceased": True}, "holds_death"), ({"refused": True}, "holds_refused"), ({"numbers": 0}, "holds_number")],
)
def test_what_forbids_it_is_told_without_a_time(changes, rule):
    assert told(**changes) == [(rule, None)]


def test_a_visit_needs_neither_a_number_nor_calling_hours():
    assert told(call_from=None, numbers=0) == [("can_be_done", NOW)]


def test_who_has_it_open_is_told():
    assert told(in_hands_of=7) == [("holds_lease", None)]


def test_calling_hours_count_from_when_it_is_ready():
    ready = NOW + 8 * HOUR
    assert told(opens_at=ready, call_from=ready) == [("holds_window", ready), ("can_be_done_from", ready)]
    assert told(opens_at=ready, call_from=ready + HOUR)[1:] == [
        ("holds_hours", ready + HOUR),
        ("can_be_done_from", ready + HOUR),
    ]


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)))
def test_the_next_calling_hour_is_now_or_the_next_beginning(now):
    found = next_call(now, HOURS, ZONE)
    local = found.astimezone(ZONE).time()
    assert now <= found < now + timedelta(days=1)
    assert any(begins <= local < ends for begins, ends in HOURS)
    assert found == now or local in {begins for begins, _ in HOURS}


def test_a_text_is_told_with_what_holds_it_and_what_becomes_of_it():
    check = (Check("sending_hours", False, "x"),)
    held = (Held("due", "fact", NOW, NOW + HOUR),)
    for decision, rules in [
        (Send(), ["text_waits", "text_goes"]),
        (Suppress(Reason.OPTED_OUT, check), ["text_waits", "text_stops", "text_ends"]),
        (Expire(check), ["text_waits", "text_stops", "text_ends"]),
        (Wait(NOW, check), ["text_waits"]),
    ]:
        ahead = told_ahead(Foresight(decision, NOW + HOUR, held))
        assert [each.rule for each in ahead] == rules
        assert {each.rule for each in ahead} <= _SENTENCES.keys()
