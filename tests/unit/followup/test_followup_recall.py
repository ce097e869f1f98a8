"""What a re-call says about the call that it checks, and which records look odd."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.followup.domain.recall import (
    Difference,
    Oddity,
    RecordedCall,
    Verdict,
    differences,
    longest_run,
    oddities,
    verdict,
)


@pytest.mark.parametrize(
    ("completed", "called", "expected"),
    [
        (True, "yes", Verdict.CONFIRMED),
        (True, "no", Verdict.NOT_CONFIRMED),
        (False, "no", Verdict.CONFIRMED),
        (False, "yes", Verdict.NOT_CONFIRMED),
        (True, "unsure", Verdict.UNKNOWN),
        (True, None, Verdict.UNKNOWN),
    ],
)
def test_the_account_confirms_the_record_or_does_not(completed, called, expected):
    assert verdict(RecordedCall(completed), {} if called is None else {"called": called}) is expected


def test_differences_name_caller_and_what_was_not_asked():
    recorded = RecordedCall(completed=True, caller="doctor")
    account = {"called": "yes", "called_by": "nurse", "asked_care": "no"}
    assert differences(recorded, account) == (Difference.OTHER_PERSON, Difference.CARE_NOT_ASKED)
    assert differences(recorded, {"called": "no"}) == (Difference.NOT_CALLED,)
    assert differences(recorded, {"called": "yes", "called_by": "doctor", "asked_care": "yes"}) == ()


def test_a_call_of_ten_answers_in_twenty_seconds_is_odd_unless_it_was_reported_by_hand():
    short = RecordedCall(completed=True, seconds=20, answers=["no"] * 10)
    assert oddities(short) == (Oddity.TOO_SHORT,)
    assert oddities(RecordedCall(completed=True, seconds=240, answers=["no"] * 10)) == ()
    assert oddities(RecordedCall(completed=True, seconds=20, answers=["no"] * 10, self_reported=True)) == ()
    assert oddities(RecordedCall(completed=False, seconds=2, answers=["no"])) == ()


def test_the_same_rating_six_times_in_a_row_is_odd():
    call = RecordedCall(completed=True, seconds=600, answers=[5, 5, 5, "yes", 5, 5, 5])
    assert oddities(call) == (Oddity.SAME_ANSWERS,)
    assert oddities(RecordedCall(completed=True, seconds=600, answers=[5, 5, 4, 5, 5, 5])) == ()


@settings(max_examples=50)
@given(st.lists(st.integers(1, 3), max_size=12))
def test_the_longest_run_is_that_of_some_value(values):
    run = longest_run(values)
    assert run <= len(values)
    runs = [
        n for n in range(1, len(values) + 1) for i in range(len(values) - n + 1) if len(set(values[i : i + n])) == 1
    ]
    assert run == max(runs, default=0)
