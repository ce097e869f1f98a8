"""Single rules of the revisit measures, each with the smallest history that shows it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hcrm.reporting.domain.measures import MEASURES, Link, Measure
from hcrm.reporting.domain.recount import recount
from hcrm.reporting.domain.revisits import Outcome, RevisitCounts, Stay, count, icd_4, outcomes

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")
NOW = datetime(2026, 12, 31, tzinfo=UTC)


def stay(begin: str, end: str | None, number: int = 1, *, zone: ZoneInfo = SHANGHAI, **more: Any) -> Stay:
    """A stay from and to local times such as ``03-01 10:00`` of 2026."""
    begins = datetime.fromisoformat(f"2026-{begin}").replace(tzinfo=zone)
    ends = datetime.fromisoformat(f"2026-{end}").replace(tzinfo=zone) if end else None
    values: dict[str, Any] = {
        "id": number,
        "person_id": 1,
        "facility_id": 1,
        "zone": zone,
        "encounter_class": "IMP",
        "admitted_at": begins.astimezone(UTC),
        "admitted_on": begins.date(),
        "discharged_at": ends.astimezone(UTC) if ends else None,
        "discharged_on": ends.date() if ends else None,
    }
    return Stay(**(values | more))


def counted(code: str, *stays: Stay, link: Link | None = None, now: datetime = NOW, **changes: Any) -> RevisitCounts:
    measure = replace(MEASURES[code].linked(link), **changes)
    found = list(outcomes(stays, measure, from_on=None, to_on=None, now=now))
    assert _findings(found) == recount(stays, measure, from_on=None, to_on=None, now=now)
    return count(found, measure, lambda _: "all").get("all", RevisitCounts())


def _findings(found: list[Outcome]) -> set[Any]:
    return {
        (each.index.id, each.excluded and each.excluded.value, each.provisional, each.revisit and each.revisit.id)
        for each in found
    }


def fraction(counts: RevisitCounts) -> tuple[int, int]:
    return counts.numerator, counts.denominator


FIRST = stay("03-01 10:00", "03-05 10:00")


def test_stays_that_touch_by_calendar_day_are_one_episode_only_when_linked() -> None:
    same_day = stay("03-05 23:00", "03-08 10:00", 2)
    assert fraction(counted("readmit_30d", FIRST, same_day)) == (0, 1)
    assert fraction(counted("readmit_30d_raw", FIRST, same_day)) == (1, 2)
    assert fraction(counted("readmit_30d", FIRST, same_day, link=Link.NONE)) == (1, 2)


def test_next_day_is_no_link() -> None:
    assert fraction(counted("readmit_30d", FIRST, stay("03-06 00:30", "03-08 10:00", 2))) == (1, 2)


def test_days_are_those_of_the_calendar_at_the_index_facility() -> None:
    # Discharged in Shanghai on 5 March; admitted in London at 17:30 on 4 April, which is 5 April in Shanghai: day 31.
    abroad = stay("04-04 17:30", "04-06 10:00", 2, zone=LONDON, facility_id=2)
    assert fraction(counted("readmit_30d", FIRST, abroad)) == (0, 2)
    assert fraction(counted("readmit_30d", FIRST, stay("04-04 17:30", "04-06 10:00", 2))) == (1, 2)


def test_a_long_stay_swallows_a_short_one_inside_it_and_its_own_department_counts() -> None:
    whole = stay("03-01 10:00", "03-20 10:00", 1, department_id=7)
    inner = stay("03-03 10:00", "03-04 10:00", 2, department_id=8, disposition="expired")
    found = list(outcomes([inner, whole], MEASURES["readmit_30d"], from_on=None, to_on=None, now=NOW))
    assert [(each.index.department_id, each.excluded) for each in found] == [(7, None)]


@pytest.mark.parametrize("death", [{"disposition": "expired"}, {"deceased_on": date(2026, 3, 5)}])
def test_deaths_are_left_out_and_itemised(death: dict[str, Any]) -> None:
    counts = counted("readmit_30d", FIRST._replace(**death))
    assert fraction(counts) == (0, 0)
    assert counts.excluded == {"died": 1}


def test_death_after_discharge_leaves_the_index_in() -> None:
    assert fraction(counted("readmit_30d", FIRST._replace(deceased_on=date(2026, 3, 6)))) == (0, 1)


def test_a_stay_in_progress_is_a_revisit_but_no_index() -> None:
    assert fraction(counted("readmit_30d", FIRST, stay("03-10 10:00", None, 2))) == (1, 1)


def test_discharge_day_can_be_day_1() -> None:
    last = stay("04-04 10:00", "04-05 10:00", 2)
    assert fraction(counted("readmit_30d", FIRST, last))[0] == 1
    assert fraction(counted("readmit_30d", FIRST, last, discharge_day=1))[0] == 0


def test_early_return_does_not_hide_one_on_days_2_to_31() -> None:
    early, later = stay("03-06 08:00", "03-06 20:00", 2), stay("03-20 10:00", "03-21 10:00", 3)
    assert fraction(counted("readmit_2_31d", FIRST, early, later)) == (2, 3)


def test_planned_return_does_not_count_and_unknown_does() -> None:
    planned = stay("03-10 10:00", "03-12 10:00", 2, planned=True)
    assert fraction(counted("readmit_2_31d", FIRST, planned))[0] == 0
    assert fraction(counted("readmit_2_31d", FIRST, planned._replace(planned=None)))[0] == 1


def test_return_planned_at_discharge_is_left_out_of_2_31_but_stays_in_the_denominator_of_0_31() -> None:
    with_plan = FIRST._replace(readmission_plan_31d=True, principal_diagnosis="I21.0")
    back = stay("03-10 10:00", "03-12 10:00", 2, principal_diagnosis="I21.0")
    counts = counted("readmit_2_31d", with_plan, back)
    assert (counts.denominator, counts.excluded) == (1, {"return_planned": 1})
    assert fraction(counted("unexpected_0_31d_cn", with_plan, back)) == (0, 2)


def test_cms_counts_nothing_when_the_first_return_was_planned() -> None:
    planned = stay("03-10 10:00", "03-12 10:00", 2, planned=True)
    urgent = stay("03-20 10:00", "03-22 10:00", 3)
    assert fraction(counted("readmit_30d_cms", FIRST, planned, urgent)) == (1, 3)
    assert fraction(counted("emergency_readmit_29d", FIRST, planned, urgent)) == (2, 3)


def test_cms_leaves_out_discharges_against_advice_and_transfers() -> None:
    counts = counted("readmit_30d_cms", FIRST._replace(disposition="against_advice"))
    assert counts.excluded == {"against_advice": 1}
    assert fraction(counted("readmit_30d", FIRST._replace(disposition="against_advice"))) == (0, 1)


@pytest.mark.parametrize(
    ("code", "counts"), [("I21.001", 1), ("i210", 1), ("I21.1", 0), ("", 0), ("Z51.103", 0), ("I21.0 heart attack", 1)]
)
def test_unexpected_return_needs_the_same_four_characters(code: str, counts: int) -> None:
    index = FIRST._replace(principal_diagnosis="I21.0")
    back = stay("03-10 10:00", "03-12 10:00", 2, principal_diagnosis=code)
    assert counted("unexpected_0_31d_cn", index, back).numerator == counts


@pytest.mark.parametrize(
    ("begin", "band"),
    [("03-05 12:00", "0"), ("03-06 12:00", "1"), ("03-20 12:00", "2-15"), ("03-21 12:00", "16-31")],
)
def test_unexpected_returns_are_itemised_in_bands(begin: str, band: str) -> None:
    index = FIRST._replace(principal_diagnosis="I21.0")
    back = stay(begin, None, 2, principal_diagnosis="I21.0")
    assert {name for name, number in counted("unexpected_0_31d_cn", index, back).bands.items() if number} == {band}


def test_chemotherapy_returns_do_not_count_even_for_the_same_diagnosis() -> None:
    index = FIRST._replace(principal_diagnosis="Z51.1")
    back = stay("03-10 10:00", "03-12 10:00", 2, principal_diagnosis="Z51.1")
    assert counted("unexpected_0_31d_cn", index, back).numerator == 0


def test_emergency_returns_within_72_hours_elapsed() -> None:
    visit = stay("03-01 10:00", "03-01 12:00", encounter_class="EMER")
    on_time = stay("03-04 12:00", "03-04 13:00", 2, encounter_class="EMER")
    late = stay("03-04 12:01", "03-04 13:00", 2, encounter_class="EMER")
    assert counted("ed_return_72h", visit, on_time).numerator == 1
    assert counted("ed_return_72h", visit, late).numerator == 0
    assert counted("ed_return_72h", visit._replace(disposition="admitted")).excluded == {"admitted": 1}


def test_an_acute_return_that_is_linked_to_the_index_is_none() -> None:
    before = stay("03-01 08:00", "03-01 10:00", 2, encounter_class="EMER")
    after = stay("03-05 20:00", "03-05 22:00", 3, encounter_class="EMER")
    assert fraction(counted("acute_return_30d", before, FIRST, after)) == (0, 1)
    assert fraction(counted("acute_return_30d", before, FIRST, after, link=Link.NONE)) == (1, 1)


def test_indexes_inside_their_window_are_provisional() -> None:
    last_day = datetime(2026, 4, 4, 12, tzinfo=SHANGHAI)
    assert counted("readmit_30d", FIRST, now=last_day).provisional == 1
    assert counted("readmit_30d", FIRST, now=last_day + timedelta(days=1)).provisional == 0


def test_where_only_days_are_known_a_return_on_the_day_of_discharge_counts() -> None:
    index = stay("03-01 00:00", "03-05 00:00")
    back = stay("03-05 00:00", "03-09 00:00", 2)
    assert fraction(counted("readmit_30d_raw", index, back)) == (1, 2)


def test_only_episodes_that_ended_in_the_period_are_indexes() -> None:
    back = stay("03-20 10:00", "04-02 10:00", 2)
    measure: Measure = MEASURES["readmit_30d"]
    found = list(outcomes([FIRST, back], measure, from_on=date(2026, 3, 1), to_on=date(2026, 3, 31), now=NOW))
    assert [each.index.id for each in found] == [1]
    assert found[0].days == 15


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("I21.001x003", "I210"),
        (" i10 ", "I10"),
        ("Pneumonia", ""),
        ("I50.9 heart failure", "I509"),
        ("急性心梗", ""),
        ("I10高血压", "I10"),
    ],
)
def test_code_is_read_from_the_start_of_a_diagnosis(text: str, code: str) -> None:
    assert icd_4(text) == code
