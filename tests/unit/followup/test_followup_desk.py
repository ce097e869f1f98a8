from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.followup.domain.desk import (
    Absence,
    AbsenceInvalid,
    Keeping,
    check_absence,
    kept_until,
    who_works,
    works_for,
)
from hcrm.followup.domain.plan import PerformerRole

DAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 1, 0, tzinfo=UTC)
ABSENCES = st.lists(
    st.builds(
        Absence,
        user_id=st.integers(1, 5),
        from_on=st.just(DAY),
        until_on=st.just(DAY),
        stand_in=st.one_of(st.none(), st.integers(1, 5)),
    ),
    max_size=5,
    unique_by=lambda each: each.user_id,
)


def away(user_id: int, stand_in: int | None = None, days: int = 0) -> Absence:
    return Absence(user_id, DAY, DAY + timedelta(days=days), stand_in)


def test_the_stand_in_of_a_stand_in_does_the_work():
    absences = [away(1, 2), away(2, 3)]
    assert who_works(1, absences, DAY) == 3
    assert works_for(3, absences, DAY) == {1, 2, 3}
    assert works_for(2, absences, DAY) == {2}


def test_after_the_last_day_the_person_works_again():
    assert who_works(1, [away(1, 2)], DAY + timedelta(days=1)) == 1


def test_people_who_stand_in_for_each_other_are_both_away():
    absences = [away(1, 2), away(2, 1)]
    assert who_works(1, absences, DAY) is None


@settings(max_examples=60)
@given(ABSENCES)
def test_the_work_of_everybody_is_done_by_at_most_one_person_who_is_there(absences):
    gone = {each.user_id for each in absences}
    for user_id in range(1, 6):
        doing = [each for each in range(1, 6) if user_id in works_for(each, absences, DAY) and each not in gone]
        assert doing == ([] if who_works(user_id, absences, DAY) is None else [who_works(user_id, absences, DAY)])


@pytest.mark.parametrize(
    ("absence", "code"),
    [
        (Absence(1, DAY, DAY - timedelta(days=1)), "ends_before_it_begins"),
        (Absence(1, DAY, DAY, 1), "stands_in_for_themselves"),
    ],
)
def test_an_absence_that_cannot_be_is_refused(absence, code):
    with pytest.raises(AbsenceInvalid) as problem:
        check_absence(absence)
    assert problem.value.code == code


def test_a_first_call_waits_for_the_attending_physician_who_is_there():
    call = Keeping(PerformerRole.PHYSICIAN, 7, NOW)
    wait = timedelta(hours=24)
    assert kept_until(call, {7}, wait) == NOW + wait
    assert kept_until(call, {8}, wait) is None
    assert kept_until(call, {7}, timedelta()) is None
    assert kept_until(Keeping(PerformerRole.NURSE, 7, NOW), {7}, wait) is None
