"""A made-up feed goes through the import: tidy or not, in either language, in any order of its days."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from hcrm.clock import FixedClock
from hcrm.intake.domain import ImportReport
from hcrm.intake.jobs import import_files
from hcrm.patients.domain import DeceasedState, EncounterStatus, OwnerKind
from hcrm.patients.models import ContactPoint, Encounter, EncounterLocation, Patient
from hcrm.simulation.catalogue import ALL_DEPARTMENTS
from hcrm.simulation.generate.drawing import Order
from hcrm.simulation.generate.files import write_feed
from hcrm.simulation.generate.numbers import nobodys
from hcrm.simulation.generate.parameters import Parameters, Rates
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.feed_readers import Hospital, read_csv, read_hl7

ZONE = ZoneInfo("Asia/Shanghai")
RATES = Rates(
    ward_transfer=0.2, correction=0.1, cancelled_discharge=0.03, cancelled_visit=0.02, duplicate=0.05,
    double_registration=0.3, death_at_home=0.02, missing_phone=0.05, impossible_phone=0.05,
)  # fmt: skip
DAYS = 25
CLASSES = {"inpatient": "IMP", "day case": "SS", "emergency": "EMER"}


@pytest.fixture
def order(clock: FixedClock) -> Order:
    """A feed that ends well before the test's today."""
    first = date.fromordinal(clock.now().date().toordinal() - DAYS - 40)
    parameters = Parameters(seed=21, per_day=16, country="CN", style="zh", kinds=ALL_DEPARTMENTS, rates=RATES)
    return Order(parameters, first, DAYS, style="zh", all_rows=True)


def import_paths(runtime: Runtime, facility: int, *paths: Path) -> ImportReport:
    return import_files(runtime, facility_id=facility, paths=paths, with_plans=False)


def stored(runtime: Runtime) -> dict[str, tuple[object, ...]]:
    """Every stay as the database has it, in words of the feed."""
    with unit_of_work(runtime.sessions) as session:
        rows = session.execute(select(Encounter, Patient).join(Patient, Patient.id == Encounter.patient_id))
        return {
            stay.visit_number: (
                (patient.family_name, patient.given_name),
                patient.sex,
                patient.birth_date.isoformat() if patient.birth_date else "",
                stay.encounter_class,
                stay.status is EncounterStatus.FINISHED,
                _local(stay.admitted_at),
                _local(stay.discharged_at),
                stay.disposition.value,
                stay.planned,
                (stay.principal_diagnosis, *stay.diagnoses),
                stay.readmission_plan_31d,
                stay.sensitive,
            )
            for stay, patient in rows
        }


def _local(moment: object) -> str:
    return moment.astimezone(ZONE).replace(tzinfo=None).isoformat(" ", "minutes") if moment else ""  # type: ignore[attr-defined]


def expected(feed: Hospital) -> dict[str, tuple[object, ...]]:
    return {
        visit: (
            facts["name"],
            facts["sex"],
            facts["born"],
            CLASSES[facts["class"]],
            "discharged_at" in facts,
            facts["admitted_at"],
            facts.get("discharged_at", ""),
            facts.get("disposition", "unknown"),
            facts["planned"],
            facts["diagnoses"],
            facts.get("return_planned", False),
            facts["sensitive"],
        )
        for visit, facts in feed.visits.items()
    }


def test_every_stay_is_stored_as_the_feed_says_in_the_end(
    runtime: Runtime, facility: int, order: Order, tmp_path: Path
) -> None:
    path = write_feed(order, tmp_path).files[0]
    feed = read_csv(path)
    report = import_paths(runtime, facility, path)
    assert not report.refused_files
    assert report.counts["rejected"] == 0
    assert {remark.code for _, remark in report.warnings} <= {
        "no_phone", "impossible_phone", "duplicate_row", "unknown_department",
    }  # fmt: skip
    assert report.counts["encounters_created"] == len(feed.visits)
    assert stored(runtime) == expected(feed)
    assert feed.corrected
    assert feed.repeated


def test_patients_phones_wards_and_deaths_come_along(
    runtime: Runtime, facility: int, order: Order, tmp_path: Path
) -> None:
    path = write_feed(order, tmp_path).files[0]
    feed = read_csv(path)
    import_paths(runtime, facility, path)
    with unit_of_work(runtime.sessions) as session:
        contacts = session.scalars(select(ContactPoint)).all()
        assert all(nobodys(contact.number) for contact in contacts if contact.number)
        assert {contact.relationship for contact in contacts if contact.owner_kind is OwnerKind.RELATIVE} >= {
            "母亲", "父亲",
        }  # fmt: skip
        died = session.scalars(select(Patient).where(Patient.deceased_state == DeceasedState.CONFIRMED)).all()
        assert len(died) == len({facts["mrn"] for facts in feed.visits.values() if facts.get("died")})
        moved = session.scalars(select(EncounterLocation)).all()
    assert len(moved) == sum(len(wards) - 1 for wards in feed.wards.values()) > 10


def test_messages_end_in_the_state_that_they_tell(
    runtime: Runtime, facility: int, order: Order, tmp_path: Path
) -> None:
    rates = replace(RATES, double_registration=1, merge=1)
    order = replace(order, count=DAYS + 15, parameters=replace(order.parameters, rates=rates), format="hl7")
    path = write_feed(order, tmp_path).files[0]
    feed = read_hl7(path)
    report = import_paths(runtime, facility, path)
    assert not report.refused_files
    assert report.counts["rejected"] == 0
    imported = stored(runtime)
    told = expected(feed)
    assert {visit: without_plan(stay) for visit, stay in imported.items()} == {
        visit: without_plan(stay) for visit, stay in told.items()
    }
    with unit_of_work(runtime.sessions) as session:
        cancelled = session.scalars(
            select(Encounter.visit_number).where(Encounter.status == EncounterStatus.CANCELLED)
        ).all()
        merged = session.scalars(select(Patient.id).where(Patient.person_id != Patient.id)).all()
        moved = session.scalars(select(EncounterLocation)).all()
    assert set(cancelled) == feed.cancelled
    assert len(merged) == len(feed.merged) > 0
    assert len(moved) == sum(len(wards) - 1 for wards in feed.wards.values())


def without_plan(stay: tuple[object, ...]) -> tuple[object, ...]:
    """HL7 has no field for a planned return; the observation that tells of it is not read."""
    return stay[:-2] + stay[-1:]


def test_the_same_feed_again_changes_nothing(runtime: Runtime, facility: int, order: Order, tmp_path: Path) -> None:
    path = write_feed(replace(order, count=10), tmp_path).files[0]
    import_paths(runtime, facility, path)
    again = import_paths(runtime, facility, path)
    assert (again.counts["created"], again.counts["updated"]) == (0, 0)
    assert again.counts["unchanged"] == again.counts["rows_read"]


def test_days_that_come_in_any_order_end_in_the_same_state(
    runtime: Runtime, facility: int, order: Order, tmp_path: Path
) -> None:
    order = replace(order, count=8)
    whole = read_csv(write_feed(order, tmp_path / "whole").files[0])
    daily = write_feed(replace(order, daily=True), tmp_path / "daily").files
    report = import_paths(runtime, facility, *daily[1::2], *reversed(daily[::2]))
    assert report.counts["rejected"] == 0
    assert stored(runtime) == expected(whole)


@pytest.mark.parametrize(("country", "style"), [("GB", "en"), ("US", "en"), ("CN", "en")])
def test_english_feeds_are_understood_as_well(
    runtime: Runtime, facility: int, order: Order, tmp_path: Path, country: str, style: str
) -> None:
    parameters = replace(order.parameters, country=country, style=style)  # type: ignore[arg-type]
    path = write_feed(replace(order, parameters=parameters, style="en", count=8), tmp_path).files[0]
    report = import_paths(runtime, facility, path)
    assert report.counts["rejected"] == 0
    assert stored(runtime) == expected(read_csv(path))
