"""One made-up feed as CSV, XLSX, HL7 v2 and FHIR: four times the same records, and nothing new the second time; and
what only messages can say, as HL7 v2 and FHIR: twice the same.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from hcrm.clock import FixedClock
from hcrm.intake.jobs import import_files
from hcrm.organization.service import ensure_facility
from hcrm.simulation.catalogue import ALL_DEPARTMENTS
from hcrm.simulation.generate.drawing import Order
from hcrm.simulation.generate.files import write_feed
from hcrm.simulation.generate.parameters import Parameters, Rates, Style
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.stored_records import stored

FORMATS = ("csv", "xlsx", "hl7", "fhir")
DAYS = 12
RATES = Rates(
    ward_transfer=0.2, correction=0.1, cancelled_discharge=0, cancelled_visit=0, duplicate=0.1,
    double_registration=0, death_at_home=0, missing_phone=0.05, impossible_phone=0.05,
)  # fmt: skip
"""What a table can say: nothing that is taken back, nobody who is merged."""


UNTIDY = replace(
    RATES, cancelled_discharge=0.05, cancelled_visit=0.05, double_registration=1, merge=1, death_at_home=0.05
)


def facility_of(runtime: Runtime, code: str) -> int:
    with unit_of_work(runtime.sessions) as session:
        return ensure_facility(
            session, code=code, name=code, timezone="Asia/Shanghai", country="CN", now=runtime.clock.now()
        )


@pytest.mark.parametrize(("seed", "style"), [(1, "en"), (2, "zh")])
def test_the_same_records_whichever_way_they_come(
    runtime: Runtime, clock: FixedClock, tmp_path: Path, seed: int, style: Style
) -> None:
    first = date.fromordinal(clock.now().date().toordinal() - DAYS - 40)
    parameters = Parameters(seed=seed, per_day=4, country="CN", style=style, kinds=ALL_DEPARTMENTS, rates=RATES)
    order = Order(parameters, first, DAYS, style=style, all_rows=True)
    told = {}
    for name in FORMATS:
        path = write_feed(replace(order, format=name), tmp_path / name).files[0]
        place = facility_of(runtime, name.upper())
        report = import_files(runtime, facility_id=place, paths=[path], with_plans=False)
        assert (report.refused_files, report.counts["rejected"], report.counts["pending"]) == ([], 0, 0)
        again = import_files(runtime, facility_id=place, paths=[path], with_plans=False)
        assert (again.counts["created"], again.counts["updated"]) == (0, 0)
        told[name] = stored(runtime, place)
    assert len(told["csv"]["stays"]) > DAYS
    assert told["xlsx"] == told["csv"]
    assert told["fhir"] == told["hl7"]
    assert told["fhir"]["stays"] == told["csv"]["stays"]
    assert numbers(told["fhir"]) == numbers(told["csv"])


@pytest.mark.parametrize("style", ["en", "zh"])
def test_what_is_taken_back_merged_and_told_late_is_the_same_in_both_kinds_of_message(
    runtime: Runtime, clock: FixedClock, tmp_path: Path, style: Style
) -> None:
    days = 45
    first = date.fromordinal(clock.now().date().toordinal() - days - 40)
    parameters = Parameters(seed=5, per_day=4, country="CN", style=style, kinds=ALL_DEPARTMENTS, rates=UNTIDY)
    order = Order(parameters, first, days, style=style)
    told = {}
    for name in ("hl7", "fhir"):
        path = write_feed(replace(order, format=name), tmp_path / name).files[0]
        place = facility_of(runtime, name.upper())
        report = import_files(runtime, facility_id=place, paths=[path], with_plans=False)
        assert (report.refused_files, report.counts["rejected"], report.counts["pending"]) == ([], 0, 0)
        told[name] = stored(runtime, place)
    assert told["fhir"] == told["hl7"]
    assert {row[11] for row in told["hl7"]["stays"]} >= {"cancelled", "finished", "in_progress"}
    assert told["hl7"]["merged"]
    assert any(row[9] is not None for row in told["hl7"]["stays"])


def numbers(told: dict[str, list[tuple[Any, ...]]]) -> set[tuple[Any, ...]]:
    """Who can be called where. Only tables keep what is no number, and only messages name the kind of line."""
    return {(mrn, number, *owner) for mrn, number, _raw, _line, *owner in told["contacts"] if number}
