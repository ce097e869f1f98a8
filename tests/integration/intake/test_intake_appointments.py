"""Appointments of another system: by SIU messages in any order, and as FHIR Appointment."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm.appointments.models import Appointment
from hcrm.intake.domain import Profile
from hcrm.intake.readers.fhir.posted import read_posted
from hcrm.intake.readers.hl7v2 import Reading, read_message
from hcrm.intake.service import Place, apply_messages
from hcrm.messaging.service import install_default_templates
from tests.conftest import NOW
from tests.hl7_messages import adt, pid, pv1

READING = Reading.of(Profile(), "Asia/Shanghai", "CN")
AT_NINE = datetime(2026, 3, 16, 1, 0, tzinfo=UTC)


def siu(event: str, *, sent: str = "20260306080000", start: str = "20260316090000", mrn: str = "1001", more: str = "",
        key: str = "F77") -> str:  # fmt: skip
    """A scheduling message of the appointment ``key`` with Dr Wang in room 12 of MED."""
    return "\r".join(
        (
            f"MSH|^~\\&|SCHED|HOSP|HCRM|HOSP|{sent}||SIU^{event}|{sent}{event}|P|2.5",
            f"SCH|P1|{key}|||||||20|min|^^20^{start}^{more}",
            pid(mrn),
            "AIP|1||D1^Wang^Yi",
            "AIL|1||MED^12^1^HOSP",
        )
    )


def apply(session: Session, facility: int, *messages: str) -> list[str]:
    """Each in a run of its own; what became of each."""
    found = []
    for each in messages:
        run = [read_message(each.encode(), READING, NOW)]
        found += apply_messages(session, Place(facility, "Asia/Shanghai"), run, now=NOW).outcomes
    return [each.code or each.status.value for each in found]


def known(session: Session, facility: int) -> None:
    install_default_templates(session, NOW)
    stay = adt("A03", pid(), pv1("20260301080000", "20260305100000"), sent="20260305100100", control="x")
    assert apply(session, facility, stay) == ["applied"]


def row(session: Session) -> Appointment:
    return session.scalars(select(Appointment).execution_options(populate_existing=True)).one()


def test_an_appointment_is_booked_moved_changed_and_cancelled(session, facility):
    known(session, facility)
    assert apply(session, facility, siu("S12")) == ["applied"]
    booked = row(session)
    assert (booked.state.value, booked.starts_at, (booked.ends_at - booked.starts_at).seconds) == (
        "booked",
        AT_NINE,
        1200,
    )
    assert (booked.room, booked.generation) == ("12", 0)
    assert booked.remind_at is not None
    assert booked.encounter_id is not None
    apply(session, facility, siu("S13", sent="20260307080000", start="20260317100000"))
    assert (row(session).starts_at.day, row(session).generation) == (17, 1)
    apply(session, facility, siu("S14", sent="20260308080000", start="20260317100000"))
    assert row(session).generation == 1
    apply(session, facility, siu("S15", sent="20260309080000", start="20260317100000"))
    assert (row(session).state.value, row(session).remind_at) == ("cancelled", None)


def test_a_no_show_is_told_by_the_other_system(session, facility):
    known(session, facility)
    apply(
        session, facility, siu("S12", start="20260309090000"), siu("S26", sent="20260309120000", start="20260309090000")
    )
    assert row(session).state.value == "noshow"


def test_any_order_and_repetition_ends_in_the_same_state(session, facility):
    known(session, facility)
    messages = [
        siu("S12"),
        siu("S13", sent="20260307080000", start="20260317100000"),
        siu("S15", sent="20260308080000", start="20260317100000"),
    ]
    states = set()
    for order in itertools.permutations(messages):
        with session.begin_nested() as nested:
            apply(session, facility, *order, *order)
            found = row(session)
            states.add((found.state.value, found.starts_at))
            nested.rollback()
    assert states == {("cancelled", datetime(2026, 3, 17, 2, 0, tzinfo=UTC))}


def test_an_appointment_of_an_unknown_patient_waits_and_is_applied_when_the_patient_comes(session, facility):
    install_default_templates(session, NOW)
    assert apply(session, facility, siu("S12", mrn="2002")) == ["unknown_patient"]
    assert session.scalars(select(Appointment)).all() == []
    assert apply(session, facility, adt("A28", pid("2002"), control="9")) == ["applied"]
    assert row(session).starts_at == AT_NINE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (siu("S12").replace("SCH|", "ZCH|"), "missing_segment"),
        (siu("S12", key="").replace("SCH|P1|", "SCH||"), "missing_segment"),
        (siu("S12", start=""), "missing_dates"),
        (siu("S12", start="2026-13-45"), "no_such_day"),
        (siu("S12").replace("AIL|1||MED^12^1^HOSP", "AIL|1"), "missing_segment"),
        (siu("S12", mrn=""), "missing_mrn"),
    ],
)
def test_messages_that_lack_what_they_need_are_refused(session, facility, message, code):
    known(session, facility)
    assert apply(session, facility, message) == [code]


def fhir(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": "2026-03-09T08:00:00+08:00",
        "entry": [
            {"fullUrl": "Patient/p1", "resource": {
                "resourceType": "Patient", "id": "p1", "name": [{"text": "Ada"}],
                "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": "1001"}]}},
            {"fullUrl": "Location/l1", "resource": {
                "resourceType": "Location", "id": "l1", "name": "Outpatient 2F", "identifier": [{"value": "MED"}]}},
            {"fullUrl": "Appointment/a1", "resource": {
                "resourceType": "Appointment", "id": "a1", "status": "booked", "start": "2026-03-16T09:00:00+08:00",
                "minutesDuration": 20, "participant": [
                    {"actor": {"reference": "Patient/p1"}}, {"actor": {"reference": "Location/l1"}}], **more}},
        ],
    }  # fmt: skip


def post(session: Session, facility: int, document: dict[str, Any]) -> list[str]:
    posted = read_posted(json.dumps(document).encode(), READING, NOW)
    run = apply_messages(session, Place(facility, "Asia/Shanghai"), posted.messages, now=NOW)
    return [each.code for each in posted.refused] + [each.status.value for each in run.outcomes]


def test_a_fhir_appointment_is_taken_with_its_patient(session, facility):
    install_default_templates(session, NOW)
    assert post(session, facility, fhir()) == ["applied", "applied"]
    found = row(session)
    assert (found.starts_at, found.room, found.source_key) == (AT_NINE, "Outpatient 2F", "a1")
    departments = text("SELECT code FROM department WHERE id = :id")
    assert session.scalar(departments, {"id": found.department_id}) == "MED"
    changed = fhir(status="cancelled") | {"timestamp": "2026-03-09T09:00:00+08:00"}
    post(session, facility, changed)
    assert row(session).state.value == "cancelled"


def test_a_place_that_names_a_department_is_told_to_nobody(session, facility):
    install_default_templates(session, NOW)
    document = fhir()
    document["entry"][1]["resource"]["name"] = "Internal medicine, 2F"
    assert post(session, facility, document) == ["applied", "applied"]
    assert row(session).room == ""


def test_fhir_appointments_that_lack_what_they_need_are_refused(session, facility):
    install_default_templates(session, NOW)
    assert post(session, facility, fhir(status="perhaps"))[0] == "unknown_word"
    assert post(session, facility, fhir(start=""))[0] == "missing_dates"
    assert post(session, facility, fhir(participant=[]))[0] == "patient_missing"
    assert post(session, facility, fhir(minutesDuration="²")) == ["applied", "applied"]
