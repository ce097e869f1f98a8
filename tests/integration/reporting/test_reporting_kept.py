"""Results that are kept: told again while their days are the same, and never old without saying so."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.models import Kept, MarkKind
from hcrm.reporting.queries.marks import LAG, MANY, allow_lag, changed
from hcrm.reporting.service.kept import AGAIN_AFTER, Arguments, Figure, result, work_out_again
from hcrm.reporting.service.rollup import work_off
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
JANUARY = date(2026, 1, 1), date(2026, 1, 31)
CHANGE = "UPDATE encounter SET disposition = 'home_care' WHERE discharged_on BETWEEN '2026-01-10' AND '2026-01-20'"


class Counter:
    """A figure that counts discharges, and how often it was worked out."""

    def __init__(self) -> None:
        self.times = 0
        self.figure = Figure("counter", (MarkKind.STAY,), self.work_out)

    def work_out(self, session: Session, selection: Selection, _arguments: Arguments, _now: datetime) -> Any:
        self.times += 1
        days = {"from": selection.from_on, "to": selection.to_on}
        counted = "SELECT count(*) FROM encounter WHERE disposition = 'home' AND discharged_on BETWEEN :from AND :to"
        return session.scalar(text(counted), days)


@pytest.fixture
def year(session: Session, facility: int) -> Session:
    """400 discharges of the year before, added up."""
    install_defaults(session, NOW)
    fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=400)
    while work_off(session, NOW):
        pass
    return session


def january(facility: int) -> Selection:
    return Selection(*JANUARY, {facility: None})


def test_a_result_is_worked_out_once_until_a_record_of_its_days_changes(year: Session, facility: int) -> None:
    counter = Counter()
    first = result(year, counter.figure, january(facility), NOW)
    assert result(year, counter.figure, january(facility), NOW) == first
    assert counter.times == 1
    year.execute(text(CHANGE))
    changed_now = result(year, counter.figure, january(facility), NOW)
    assert changed_now < first
    while work_off(year, NOW):
        pass
    assert result(year, counter.figure, january(facility), NOW) == changed_now
    before = counter.times
    assert result(year, counter.figure, january(facility), NOW) == changed_now
    assert counter.times == before


def test_other_days_places_and_arguments_have_results_of_their_own(year: Session, facility: int) -> None:
    counter = Counter()
    selections = [
        january(facility),
        Selection(date(2026, 1, 2), JANUARY[1], {facility: None}),
        Selection(*JANUARY, {facility: None}, department_id=1),
        Selection(*JANUARY, {facility: frozenset({1, 2})}),
    ]
    for selection in selections:
        result(year, counter.figure, selection, NOW)
    result(year, counter.figure, selections[0], NOW, by="month")
    assert counter.times == 5
    assert year.scalar(select(func.count()).select_from(Kept)) == 5


def test_what_is_not_of_one_hospital_is_not_kept(year: Session) -> None:
    counter = Counter()
    assert [result(year, counter.figure, Selection(*JANUARY), NOW) for _ in range(2)] != [0, 0]
    assert counter.times == 2
    assert year.scalar(select(func.count()).select_from(Kept)) == 0


def test_who_may_lag_is_told_the_kept_result_and_of_when_it_is(year: Session, facility: int) -> None:
    counter = Counter()
    first = result(year, counter.figure, january(facility), NOW)
    year.execute(text(CHANGE))
    later = NOW + timedelta(minutes=5)
    lag = allow_lag(year, later)
    assert lag is not None
    assert not lag.used
    assert result(year, counter.figure, january(facility), later) == first
    assert (lag.used, lag.as_of) == (True, NOW)


def test_nobody_is_told_a_result_of_long_ago(year: Session, facility: int) -> None:
    counter = Counter()
    first = result(year, counter.figure, january(facility), NOW)
    year.execute(text(CHANGE))
    later = NOW + timedelta(minutes=16)
    assert allow_lag(year, later) is None
    assert result(year, counter.figure, january(facility), later) < first


def test_the_worker_works_out_again_what_people_look_at(year: Session, facility: int) -> None:
    counter = Counter()
    figures = {counter.figure.name: counter.figure}
    first = result(year, counter.figure, january(facility), NOW)
    year.execute(text(CHANGE))
    while work_off(year, NOW):
        pass
    assert work_out_again(year, figures, NOW) == 0, "too soon"
    later = NOW + AGAIN_AFTER + timedelta(seconds=1)
    assert work_out_again(year, figures, later) == 1
    before = counter.times
    assert result(year, counter.figure, january(facility), later) < first
    assert counter.times == before
    year.execute(text(CHANGE.replace("home_care", "hospice")))
    while work_off(year, NOW):
        pass
    assert work_out_again(year, figures, NOW + timedelta(hours=2)) == 0, "nobody looks at it any more"


def test_roll_ups_are_told_as_they_stand_while_too_much_comes_in(year: Session, facility: int) -> None:
    few = changed(year).within(MarkKind.STAY, facility, *JANUARY)
    assert few == frozenset()
    marks = (
        "INSERT INTO report_mark (kind, facility_id, subject_id) SELECT 'person', :f, i FROM generate_series(1, :n) i"
    )
    year.execute(text(marks), {"f": facility, "n": MANY + 1})
    assert changed(year).within(MarkKind.STAY, facility, *JANUARY) is None
    lag = allow_lag(year, NOW + timedelta(minutes=1))
    assert lag is not None
    assert changed(year).within(MarkKind.STAY, facility, *JANUARY) == frozenset()
    assert (lag.used, lag.as_of) == (True, NOW)


def test_the_roll_ups_are_of_now_only_when_all_days_that_had_changed_are_added_up(year: Session, facility: int) -> None:
    year.execute(text("UPDATE encounter SET disposition = 'home_care' WHERE discharged_on < '2026-01-01'"))
    later = NOW + timedelta(minutes=3)
    assert work_off(year, later, days=5) > 0
    lag = allow_lag(year, later)
    assert lag is not None
    assert lag.as_of == NOW
    year.info.pop(LAG)
    while work_off(year, later, days=31):
        pass
    lag = allow_lag(year, later)
    assert lag is not None
    assert lag.as_of == later
