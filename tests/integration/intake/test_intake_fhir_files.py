"""Importing files of FHIR R4: samples, made-up feeds that end as their HL7 v2 twins do, and the second time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.clock import FixedClock
from hcrm.intake.domain import BatchStatus, ImportReport
from hcrm.intake.forms.labels import row_sentence
from hcrm.intake.jobs import import_files
from hcrm.intake.queries import batch
from hcrm.organization.service import ensure_facility
from hcrm.simulation.catalogue import ALL_DEPARTMENTS
from hcrm.simulation.generate.drawing import Order
from hcrm.simulation.generate.files import write_feed
from hcrm.simulation.generate.parameters import Parameters, Rates
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.stored_records import stored

Import = Callable[..., ImportReport]
DAYS = 35
RATES = Rates(
    ward_transfer=0.2, correction=0.1, cancelled_discharge=0.05, cancelled_visit=0.05, duplicate=0.05,
    double_registration=1, merge=1, death_at_home=0.05, missing_phone=0.05, impossible_phone=0.05,
)  # fmt: skip


@pytest.fixture
def run(runtime: Runtime, facility: int) -> Import:
    def carry_out(*paths: Path, at: int = facility, **options: Any) -> ImportReport:
        return import_files(runtime, facility_id=at, paths=paths, with_plans=False, **options)

    return carry_out


@pytest.fixture
def order(clock: FixedClock) -> Order:
    """A feed that ends well before the test's today."""
    first = date.fromordinal(clock.now().date().toordinal() - DAYS - 40)
    parameters = Parameters(seed=5, per_day=4, country="CN", style="zh", kinds=ALL_DEPARTMENTS, rates=RATES)
    return Order(parameters, first, DAYS, style="zh", all_rows=True)


@pytest.fixture
def other_facility(runtime: Runtime) -> int:
    with unit_of_work(runtime.sessions) as session:
        return ensure_facility(
            session, code="TWIN", name="Twin", timezone="Asia/Shanghai", country="CN", now=runtime.clock.now()
        )


def test_every_sample_is_taken_once(run: Import, shared_data: Path) -> None:
    report = run(shared_data / "fhir")
    assert (report.refused_files, report.counts["rejected"]) == ([], 0)
    assert (report.counts["rows_read"], report.counts["encounters_created"]) == (226, 225)
    assert all(row_sentence(remark).endswith(".") for _, remark in report.warnings)
    again = run(shared_data / "fhir")
    assert (again.counts["rows_read"], again.counts["created"], again.counts["updated"]) == (226, 0, 0)


def test_a_feed_ends_as_its_messages_do(
    run: Import, runtime: Runtime, facility: int, other_facility: int, order: Order, tmp_path: Path
) -> None:
    resources = write_feed(replace(order, format="fhir"), tmp_path / "fhir").files[0]
    messages = write_feed(replace(order, format="hl7"), tmp_path / "hl7").files[0]
    report, twin = run(resources), run(messages, at=other_facility)
    assert (report.refused_files, report.counts["rejected"], report.counts["pending"]) == ([], 0, 0)
    ours, theirs = stored(runtime, facility), stored(runtime, other_facility)
    assert ours["merged"]
    assert ours == theirs
    assert {row[11] for row in ours["stays"]} >= {"finished", "cancelled"}
    assert (report.counts["merged"], report.counts["cancelled"]) == (twin.counts["merged"], twin.counts["cancelled"])
    again = run(resources)
    assert (again.counts["created"], again.counts["updated"], again.counts["rejected"]) == (0, 0, 0)
    assert stored(runtime, facility) == ours


def test_refused_resources_are_kept_with_their_line(run: Import, tmp_path: Path, runtime: Runtime) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(
        '{"resourceType":"Patient","id":"1"}\n'
        '{"resourceType":"Encounter","id":"A","subject":{"reference":"Patient/1"},"period":{"start":"2210-01-01"}}\n'
        '{"resourceType":"Encounter","id":"B","subject":{"reference":"Patient/1"},"period":{"start":"2026-01-01"}}\n'
        '{"resourceType":"Enc'
    )
    report = run(path)
    assert [(remark.line, remark.field, remark.code) for _, remark in report.errors] == [
        (2, "admitted_at", "in_future"),
        (4, "", "bad_json"),
    ]
    assert report.errors[0][1].cells[0].startswith("{")
    assert (report.counts["created"], report.counts["patients_created"]) == (1, 1)
    with unit_of_work(runtime.sessions) as session:
        found = batch(session, report.batch_ids[0])
    assert found is not None
    assert (found.format, found.status, found.counts["rejected"]) == ("fhir", BatchStatus.FINISHED, 2)


def test_a_run_goes_on_where_it_stopped(
    run: Import, tmp_path: Path, runtime: Runtime, order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hcrm.intake.readers.fhir.files.RUN", 20)
    path = write_feed(replace(order, format="fhir", count=6), tmp_path).files[0]

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, progress=stop)
    report = run(path)
    assert report.resumed == 1
    with runtime.engine.connect() as connection:
        visits = connection.execute(text("SELECT count(*) FROM encounter")).scalar_one()
    assert visits == report.counts["encounters_created"]
