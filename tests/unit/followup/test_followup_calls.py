"""Which number to dial, when to try again, and when a call-back may be."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.followup.domain.attempts import (
    REACHED,
    AttemptContext,
    AttemptInvalid,
    AttemptRecord,
    Connection,
    Disposition,
    check_callback,
    number_to_dial,
    propose_retry,
)
from hcrm.followup.readers import diagnosis_words

ZONE = ZoneInfo("Asia/Shanghai")
HOURS = ((time(9), time(11, 30)), (time(14, 30), time(17, 30)), (time(18, 30), time(20)))


def at(day: int, hour: int) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=ZONE).astimezone(UTC)


def unanswered(day: int, hour: int, number: int = 1) -> AttemptRecord:
    return AttemptRecord(Connection.NO_ANSWER, None, at(day, hour), number)


def context(*earlier: AttemptRecord, answered: tuple[datetime, ...] = ()) -> AttemptContext:
    return AttemptContext(earlier, (1, 2), at(20, 20), ZONE, HOURS, answered_at=answered)


@pytest.mark.parametrize(
    ("earlier", "answered", "expected"),
    [
        ((), (), at(11, 14).replace(minute=30)),
        ((), (at(2, 19),), at(11, 18).replace(minute=30)),
        ((unanswered(9, 19),), (at(2, 19),), at(11, 14).replace(minute=30)),
        ((unanswered(8, 15), unanswered(9, 19)), (at(2, 15),), at(11, 14).replace(minute=30)),
    ],
)
def test_the_next_try_is_where_it_was_tried_least_and_where_the_patient_answered_before(earlier, answered, expected):
    assert propose_retry(unanswered(10, 10), context(*earlier, answered=answered)) == expected


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from([10, 15, 19])), max_size=5))
def test_no_part_of_the_day_is_tried_twice_more_often_than_another(past):
    earlier = [unanswered(day, hour) for day, hour in sorted(past)]
    tries = {hour: sum(each.started_at.astimezone(ZONE).hour == hour for each in earlier) for hour in (10, 15, 19)}
    proposed = propose_retry(unanswered(10, 10), context(*earlier)).astimezone(ZONE).hour
    part = {9: 10, 14: 15, 18: 19}[proposed]
    tries[10] += 1
    assert tries[part] == min(tries.values())


def test_numbers_take_turns_and_a_call_back_goes_to_the_number_it_was_agreed_on():
    assert number_to_dial((), ()) is None
    assert number_to_dial((1, 2), ()) == 1
    assert number_to_dial((1, 2), (unanswered(9, 10),)) == 2
    assert number_to_dial((1, 2), (unanswered(8, 10), unanswered(9, 10, 2))) == 1
    agreed = AttemptRecord(Connection.ANSWERED_PATIENT, Disposition.CALLBACK_REQUESTED, at(9, 10), 2, at(9, 15))
    assert number_to_dial((1, 2), (agreed,)) == 2
    assert number_to_dial((1,), (agreed,)) == 1
    assert Connection.ANSWERED_PATIENT in REACHED


@pytest.mark.parametrize(
    ("callback_at", "code"),
    [(at(10, 9), "callback_time_over"), (at(28, 9), "callback_time_too_late")],
)
def test_a_call_back_is_to_come_and_still_on_the_list(callback_at, code):
    with pytest.raises(AttemptInvalid) as problem:
        check_callback(callback_at, at(10, 9), at(20, 20) + timedelta(days=7))
    assert problem.value.code == code
    check_callback(at(11, 9), at(10, 9), at(20, 20))


def test_codes_of_diagnoses_are_told_in_words():
    assert diagnosis_words("K80.2", "en") == "gallstones"
    assert diagnosis_words("k802", "zh_Hans") == "胆石症"
    assert diagnosis_words("S99.9", "en") == "injury"
    assert diagnosis_words("Chest pain", "en") == ""
    assert diagnosis_words("", "en") == ""
