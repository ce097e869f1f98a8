"""Finding patients inside the scope of who searches."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Scope
from hcrm.events import Bus
from hcrm.patients.domain import LineType, PhoneEntry, StayRow
from hcrm.patients.queries import search
from hcrm.patients.service import merge_patients
from tests.factories_patients import STATED_AT, apply_rows, stay_row


def named(mrn: str, family: str, given: str, number: str = "", **changes: object) -> StayRow:
    phones = (PhoneEntry(number, f"+86{number}", LineType.MOBILE),) if number else ()
    full = f"{given} {family}" if family.isascii() else family + given
    row = stay_row(mrn, f"V-{mrn}", family_name=family, given_name=given, full_name=full, phones=phones)
    return row._replace(**changes)  # type: ignore[arg-type]


@pytest.fixture
def people(session: Session, facility: int) -> None:
    session.info["bus"] = Bus()
    rows = [
        named("100", "王", "芳", "13900000001"),
        named("101", "汪", "芳", "13900000002"),
        named("102", "Okoro", "Samuel", "13911110001", department_code="SUR"),
        named("103", "100%", "_x"),
    ]
    apply_rows(session, facility, rows)


def mrns(session: Session, scope: Scope, text: str) -> Sequence[str]:
    return [hit.mrn for hit in search(session, scope, text, 10)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("wang", ["101", "100"]),
        ("王", ["100"]),
        ("王芳", ["100"]),
        ("100", ["100", "103"]),
        ("0001", ["102", "100"]),
        ("0139 0000 0002", ["101"]),
        ("okoro", ["102"]),
        ("Samuel Okoro", ["102"]),
        ("muel", ["102"]),
        ("芳", ["101", "100"]),
        ("%", []),
        ("100%", ["103"]),
        ("  ", []),
        ("nobody", []),
    ],
)
def test_a_patient_is_found_by_what_people_have_at_hand(
    session: Session, facility: int, people: None, text: str, found: list[str]
) -> None:
    assert sorted(mrns(session, Scope({facility: None}), text)) == sorted(found)


def test_only_patients_of_visible_departments_are_found(
    session: Session, facility: int, people: None, departments: dict[str, int]
) -> None:
    surgery = Scope({facility: frozenset({departments["SUR"]})})

    assert mrns(session, surgery, "okoro") == ["102"]
    assert mrns(session, surgery, "wang") == []
    assert mrns(session, Scope({}), "okoro") == []
    assert mrns(session, Scope({facility + 1000: None}), "okoro") == []


def test_merged_records_are_found_once_as_the_person(
    session: Session, facility: int, people: None, departments: dict[str, int]
) -> None:
    everything = Scope({facility: None})
    (okoro,) = search(session, everything, "okoro", 5)
    wang = search(session, everything, "王芳", 5)[0]
    merge_patients(
        session,
        from_patient_id=wang.patient_id,
        into_patient_id=okoro.patient_id,
        reason="other",
        now=STATED_AT,
        actor_user_id=None,
    )

    assert [hit.patient_id for hit in search(session, everything, "王芳", 5)] == [okoro.patient_id]
    medicine = Scope({facility: frozenset({departments["MED"]})})
    assert [hit.patient_id for hit in search(session, medicine, "okoro", 5)] == [okoro.patient_id]
