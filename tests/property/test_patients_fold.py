"""Facts about a stay or a patient add up to the same, in whatever order and how often they came."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.patients.domain import (
    EXPLICIT_NULL,
    Disposition,
    EncounterClass,
    Fact,
    Language,
    PhoneEntry,
    Procedure,
    RowKind,
    Sex,
    StayRow,
    advance,
    canonical,
    fact_of,
    first_patient,
    first_state,
    fold,
    fold_patient,
    in_order,
    typed_fields,
)
from hcrm.patients.domain.facts import EncounterState

START = datetime(2026, 1, 1, tzinfo=UTC)
moments = st.integers(0, 200).map(lambda hours: START + timedelta(hours=hours))
words = st.text(st.sampled_from("ab王\\\t\"'"), min_size=1, max_size=4)


def maybe(values: st.SearchStrategy[Any], *, emptied: bool = True) -> st.SearchStrategy[Any]:
    others = (st.none(), st.just(EXPLICIT_NULL)) if emptied else (st.none(),)
    return st.one_of(*others, values)


rows = st.builds(
    StayRow,
    mrn=st.sampled_from(["M1", "M2"]),
    visit_number=st.just("V1"),
    source=st.just("his"),
    event_at=st.integers(0, 3).map(lambda hours: START + timedelta(hours=hours)),
    kind=st.sampled_from(RowKind),
    family_name=maybe(words, emptied=False),
    given_name=maybe(words, emptied=False),
    full_name=maybe(words, emptied=False),
    sex=maybe(st.sampled_from(Sex), emptied=False),
    birth_date=maybe(st.just(date(1960, 1, 1))),
    deceased_on=maybe(st.just(date(2026, 2, 1))),
    phones=st.sampled_from([(), (PhoneEntry("1", "+861"),)]),
    language=maybe(st.sampled_from(Language), emptied=False),
    encounter_class=maybe(st.sampled_from(EncounterClass), emptied=False),
    planned=maybe(st.booleans()),
    admitted_at=maybe(moments),
    discharged_at=maybe(moments),
    department_code=maybe(st.sampled_from(["MED", "SUR"])),
    department_name=maybe(st.just("Surgery"), emptied=False),
    clinician_name=maybe(words, emptied=False),
    nurse=maybe(words),
    disposition=maybe(st.sampled_from(Disposition)),
    diagnoses=maybe(st.lists(words, max_size=2).map(tuple), emptied=False),
    procedures=maybe(st.just((Procedure("P1", "操作", date(2026, 1, 2)),)), emptied=False),
    sensitive=maybe(st.booleans(), emptied=False),
)
facts = rows.map(lambda row: fact_of(row, stated_at=START, source_rank=1)[0])


@st.composite
def disordered(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """Facts, and the same in another order with some of them repeated."""
    once = draw(st.lists(facts, min_size=1, max_size=6))
    more = draw(st.lists(st.sampled_from(once), max_size=4))
    return once, draw(st.permutations(once + more))


@settings(max_examples=60, deadline=None)
@given(disordered())
def test_any_order_and_repetition_of_facts_gives_the_same_stay(both: tuple[list[Fact], list[Fact]]) -> None:
    once, again = both

    assert fold(once) == fold(again)


@settings(max_examples=60, deadline=None)
@given(disordered())
def test_any_order_and_repetition_of_facts_gives_the_same_patient(both: tuple[list[Fact], list[Fact]]) -> None:
    once, again = both

    assert fold_patient(once) == fold_patient(again)


@settings(max_examples=60, deadline=None)
@given(st.lists(facts, min_size=1, max_size=6))
def test_going_on_from_a_state_is_folding_from_the_start(several: list[Fact]) -> None:
    *earlier, newest = in_order(several)

    assert advance(fold(earlier) if earlier else EncounterState(), newest) == fold(several)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_the_short_way_for_a_single_fact_leads_to_the_same(row: StayRow) -> None:
    fact, _ = fact_of(row, stated_at=START, source_rank=1)

    assert first_state(row, fact.event_at) == fold([fact])
    assert first_patient(row) == fold_patient([fact])


@settings(max_examples=60, deadline=None)
@given(rows)
def test_a_fact_reads_back_from_its_json_as_it_was(row: StayRow) -> None:
    fact, text = fact_of(row, stated_at=START, source_rank=1)

    read = typed_fields(json.loads(text))

    assert read == fact.fields
    assert canonical(read) == text


@settings(max_examples=60, deadline=None)
@given(rows, rows)
def test_two_records_have_one_hash_only_when_they_say_the_same(one: StayRow, other: StayRow) -> None:
    same = one._replace(event_at=None, line=0) == other._replace(event_at=None, line=0)
    hashes = {fact_of(row, stated_at=START, source_rank=1)[0].content_hash for row in (one, other)}

    assert (len(hashes) == 1) == same
