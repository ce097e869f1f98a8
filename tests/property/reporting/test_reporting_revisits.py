"""Revisit figures agree with the brute-force recomputation on every small history, measure and grouping."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hcrm.reporting.domain.measures import MEASURES, Counted, Exclusion, Link, Measure, Unit
from hcrm.reporting.domain.own_measures import CLASSES, from_rules, problems, to_rules
from hcrm.reporting.domain.recount import recount
from hcrm.reporting.domain.revisits import Stay, count, outcomes

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2026, 1, 1, tzinfo=ZONE)
CODES = ["", "I21.0", "i210", "I21.001", "I21.1", "I10", "Z51.1", "Z51.003", "Z51.8"]
DISPOSITIONS = ["home", "home", "unknown", "expired", "admitted", "against_advice", "transfer_acute"]
KEYS = {
    "department": lambda stay: stay.department_id,
    "facility": lambda stay: stay.facility_id,
    "month": lambda stay: f"{stay.discharged_on:%Y-%m}",
    "none": lambda _: "all",
}


@st.composite
def one_stay(draw: st.DrawFn, number: int) -> Stay:
    step = draw(st.sampled_from([timedelta(hours=1), timedelta(hours=7), timedelta(days=1)]))
    begins = START + step * draw(st.integers(0, 50 * 24 if step < timedelta(days=1) else 50))
    lasts = step * draw(st.integers(0, 8))
    ends = None if draw(st.integers(0, 12)) == 0 else (begins + lasts).astimezone(UTC)
    return Stay(
        id=number,
        person_id=draw(st.integers(1, 2)),
        facility_id=draw(st.sampled_from([1, 1, 2])),
        zone=ZONE,
        encounter_class=draw(st.sampled_from(["IMP", "IMP", "IMP", "EMER", "OBSENC", "SS"])),
        admitted_at=begins.astimezone(UTC),
        admitted_on=begins.date(),
        discharged_at=ends,
        discharged_on=ends.astimezone(ZONE).date() if ends else None,
        planned=draw(st.sampled_from([None, True, False])),
        disposition=draw(st.sampled_from(DISPOSITIONS)),
        principal_diagnosis=draw(st.sampled_from(CODES)),
        readmission_plan_31d=draw(st.sampled_from([None, None, True, False])),
        deceased_on=draw(st.sampled_from([None, None, None, date(2026, 1, 20)])),
        department_id=draw(st.sampled_from([None, 1, 2])),
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Stay]:
    return [draw(one_stay(number)) for number in range(draw(st.integers(0, 9)))]


HOSPITALS_OWN = Measure(
    "own", frozenset({"IMP", "SS"}), frozenset({"IMP", "EMER"}), 14, first=1, discharge_day=1, counted=Counted.FIRST
)
CMS_LIKE_UNLINKED = replace(MEASURES["readmit_30d_cms"], link=Link.NONE)
STRICT = replace(MEASURES["ed_return_7d"], excluded=frozenset(Exclusion), link=Link.EPISODE)


@pytest.mark.parametrize(
    "measure", [*MEASURES.values(), HOSPITALS_OWN, CMS_LIKE_UNLINKED, STRICT], ids=lambda measure: measure.code
)
@settings(max_examples=80, deadline=None)
@given(stays=histories(), data=st.data())
def test_every_measure_agrees_with_brute_force(measure: Measure, stays: list[Stay], data: st.DataObject) -> None:
    measure = measure.linked(data.draw(st.sampled_from([None, Link.EPISODE, Link.NONE])))
    from_on = data.draw(st.sampled_from([date(2026, 1, 1), date(2026, 1, 15)]))
    to_on = data.draw(st.sampled_from([date(2026, 1, 31), date(2026, 3, 31)]))
    now = START + timedelta(hours=data.draw(st.integers(20 * 24, 100 * 24)))
    expected = recount(stays, measure, from_on=from_on, to_on=to_on, now=now)
    found = list(outcomes(stays, measure, from_on=from_on, to_on=to_on, now=now))
    seen = {
        (each.index.id, each.excluded and each.excluded.value, each.provisional, each.revisit and each.revisit.id)
        for each in found
    }
    assert seen == expected
    assert len(found) == len(expected)

    by_id = {stay.id: stay for stay in stays}
    for key in KEYS.values():
        counted = {
            group: (row.numerator, row.denominator, row.provisional, row.excluded)
            for group, row in count(found, measure, key).items()
        }
        assert counted == _plain_counts(expected, by_id, key)


def _plain_counts(expected, by_id, key):
    rows = {}
    for group in {key(by_id[index]) for index, *_ in expected}:
        own = [entry for entry in expected if key(by_id[entry[0]]) == group]
        kept = [entry for entry in own if entry[1] is None]
        rows[group] = (
            sum(entry[3] is not None for entry in kept),
            len(kept),
            sum(entry[2] for entry in kept),
            dict(Counter(entry[1] for entry in own if entry[1])),
        )
    return rows


@st.composite
def own_measures(draw: st.DrawFn) -> Measure:
    """Any measure that a hospital can make."""
    unit = draw(st.sampled_from(Unit))
    first, longer = draw(st.integers(0, 5)), draw(st.integers(0, 60))
    some = st.frozensets(st.sampled_from(CLASSES), min_size=1)
    measure = Measure(
        "own_measure",
        draw(some),
        draw(some),
        first + longer,
        first=first,
        unit=unit,
        link=draw(st.sampled_from(Link)),
        excluded=draw(st.frozensets(st.sampled_from(Exclusion))) | {Exclusion.DIED},
        counted=draw(st.sampled_from(Counted)),
        unplanned_only=draw(st.booleans()),
        same_facility=draw(st.booleans()),
        same_department=draw(st.booleans()),
        same_diagnosis=draw(st.booleans()),
        no_return_plan=draw(st.booleans()),
        ignored_diagnoses=draw(st.sampled_from([(), ("Z511", "Z518"), ("I210",)])),
        index_diagnoses=draw(st.sampled_from([(), ("I",), ("I21", "Z51"), ("I211",)])),
        bands=draw(st.sampled_from([(), ((first, first),)])) if unit is Unit.DAYS else (),
        discharge_day=draw(st.sampled_from([0, 1])),
    )
    assume(problems(measure) == ())
    return measure


@settings(max_examples=400, deadline=None)
@given(measure=own_measures(), stays=histories(), data=st.data())
def test_every_measure_that_a_hospital_can_make_agrees_with_brute_force(
    measure: Measure, stays: list[Stay], data: st.DataObject
) -> None:
    measure = from_rules(measure.code, to_rules(measure))
    now = START + timedelta(hours=data.draw(st.integers(20 * 24, 100 * 24)))
    expected = recount(stays, measure, from_on=None, to_on=None, now=now)
    assert {
        (each.index.id, each.excluded and each.excluded.value, each.provisional, each.revisit and each.revisit.id)
        for each in outcomes(stays, measure, from_on=None, to_on=None, now=now)
    } == expected


@given(measure=own_measures())
def test_a_measure_is_read_back_as_it_was_written(measure: Measure) -> None:
    assert from_rules(measure.code, to_rules(measure)) == measure


@settings(max_examples=60, deadline=None)
@given(stays=histories())
def test_order_of_the_records_changes_nothing(stays: list[Stay]) -> None:
    now = START + timedelta(days=120)
    for measure in MEASURES.values():
        one = set(outcomes(stays, measure, from_on=None, to_on=None, now=now))
        assert one == set(outcomes(stays[::-1], measure, from_on=None, to_on=None, now=now))
