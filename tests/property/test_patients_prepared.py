"""Records prepared to be written: nothing of them is lost, and plain ones lead to what folding them leads to."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from hypothesis import given, settings

from hcrm.patients.domain import (
    EXPLICIT_NULL,
    StayRow,
    canonical,
    fact_of,
    fields_of,
    fold,
    fold_patient,
    packed,
    prepare,
    row_of,
    unpacked,
)
from hcrm.patients.domain.facts import content_text
from hcrm.patients.domain.lines import copy_cells
from hcrm.patients.domain.prepared import patient_cells, stay_cells
from tests.property.test_patients_fold import START, rows

ZONE = ZoneInfo("Asia/Shanghai")


@settings(max_examples=100, deadline=None)
@given(rows)
def test_a_record_comes_back_from_another_process_as_it_was(row: StayRow) -> None:
    row = row._replace(line=7)
    prepared = prepare(row, ZONE)

    assert unpacked(packed([prepared])) == [prepared]
    assert row_of(prepared) == row
    assert row_of(prepare(row, ZONE, keep_row=True)) is row


@settings(max_examples=100, deadline=None)
@given(rows)
def test_its_fact_is_the_same(row: StayRow) -> None:
    fact, text = fact_of(row, stated_at=START, source_rank=1)
    prepared = prepare(row, ZONE)

    assert content_text(row) == canonical(fields_of(row)) == text == prepared.fact.encode()
    assert prepared.content_hash == fact.content_hash


@settings(max_examples=200, deadline=None)
@given(rows)
def test_a_plain_one_leads_to_what_folding_it_leads_to(row: StayRow) -> None:
    fact, _ = fact_of(row, stated_at=START, source_rank=1)
    prepared = prepare(row, ZONE)

    if prepared.plain:
        assert EXPLICIT_NULL not in row
        assert prepared.stay == copy_cells(stay_cells(fold([fact]), ZONE))
        assert prepared.patient == copy_cells(patient_cells(fold_patient([fact])))
    else:
        assert (prepared.stay, prepared.patient, prepared.numbers, prepared.plan) == ("", "", (), None)
