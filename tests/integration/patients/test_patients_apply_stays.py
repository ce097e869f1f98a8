"""The bulk writer: what records lead to, whatever their order, and what it counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.events import Bus, EncountersChanged, Event, PatientsDeceased
from hcrm.patients.domain import (
    EXPLICIT_NULL,
    DeceasedState,
    Disposition,
    EncounterStatus,
    Language,
    LineType,
    OwnerKind,
    PhoneEntry,
    RetiredReason,
    RowKind,
)
from hcrm.patients.queries import contacts, encounters_of_persons, patient_snapshots
from hcrm.patients.service import BulkWriteFailed, change_contact, choose_language, retire_contact, withdraw_deceased
from tests.factories_patients import PHONE, STATED_AT, apply_rows, stay_row

LATER = STATED_AT + timedelta(days=1)


@pytest.fixture
def events(session: Session) -> list[Event]:
    """Events that the session publishes, instead of handing them to subscribers."""
    seen: list[Event] = []
    bus = Bus()
    for kind in (EncountersChanged, PatientsDeceased):
        bus.subscribe(kind, lambda _, event: seen.append(event))
    session.info["bus"] = bus
    return seen


def patient_of(session: Session, mrn: str) -> int:
    found = session.scalar(text("SELECT patient_id FROM patient_identifier WHERE value = :mrn"), {"mrn": mrn})
    assert found is not None
    return int(found)


def only_stay(session: Session, mrn: str = "M1"):  # type: ignore[no-untyped-def]
    (stay,) = encounters_of_persons(session, [patient_of(session, mrn)])
    return stay


def test_a_row_makes_patient_stay_and_number(
    session: Session, facility: int, departments: dict[str, int], events: list[Event]
) -> None:
    counts = apply_rows(session, facility, [stay_row()])

    assert counts._asdict() == {
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "patients_created": 1,
        "encounters_created": 1,
        "merged": 0,
        "cancelled": 0,
    }
    stay = only_stay(session)
    assert stay.status is EncounterStatus.FINISHED
    assert (stay.admitted_on, stay.discharged_on) == (date(2026, 3, 3), date(2026, 3, 6))
    assert stay.department_id == departments["MED"]
    assert stay.diagnoses == ("I50.9", "E11.9")
    patient = patient_snapshots(session, [stay.patient_id])[stay.patient_id]
    assert (patient.mrn, patient.full_name, patient.language) == ("M1", "王小明", Language.CHINESE)
    (contact,) = contacts(session, [stay.patient_id])[stay.patient_id]
    assert (contact.number, contact.line_type, contact.may_discuss_health) == (PHONE.number, LineType.MOBILE, True)
    assert events == [EncountersChanged(now=STATED_AT, encounter_ids=(stay.id,), with_plans=False)]


def test_the_same_rows_again_change_nothing(session: Session, facility: int, events: list[Event]) -> None:
    rows = [stay_row("M1", "V1"), stay_row("M2", "V2"), stay_row("M1", "V3")]
    apply_rows(session, facility, rows)
    events.clear()

    counts = apply_rows(session, facility, rows, stated_at=LATER)

    assert (counts.created, counts.updated, counts.unchanged) == (0, 0, 3)
    assert events == []


def test_two_differing_lines_about_a_visit_stay_unchanged_when_brought_again(session: Session, facility: int) -> None:
    rows = [stay_row(nurse="Li"), stay_row(nurse="Zhao")]
    first = apply_rows(session, facility, rows)
    nurse = only_stay(session).nurse

    again = apply_rows(session, facility, rows[::-1], stated_at=LATER)

    assert (first.created, first.updated, first.unchanged) == (1, 1, 0)
    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert only_stay(session).nurse == nurse


def test_a_line_that_stands_twice_is_counted_as_unchanged(session: Session, facility: int) -> None:
    counts = apply_rows(session, facility, [stay_row(), stay_row(line=7)])

    assert (counts.created, counts.updated, counts.unchanged) == (1, 0, 1)


def test_a_later_record_corrects_a_stay_and_an_older_one_does_not(session: Session, facility: int) -> None:
    apply_rows(session, facility, [stay_row(disposition=Disposition.HOME)], stated_at=LATER)

    older = apply_rows(session, facility, [stay_row(disposition=Disposition.HOSPICE, nurse="Li")], stated_at=STATED_AT)
    stay = only_stay(session)
    newer = apply_rows(
        session, facility, [stay_row(disposition=Disposition.AGAINST_ADVICE)], stated_at=LATER + timedelta(hours=1)
    )

    assert (older.updated, newer.updated) == (1, 1)
    assert (stay.disposition, stay.nurse) == (Disposition.HOME, "Li")
    assert only_stay(session).disposition is Disposition.AGAINST_ADVICE


def test_an_absent_field_keeps_its_value_and_an_emptied_one_loses_it(session: Session, facility: int) -> None:
    apply_rows(session, facility, [stay_row(nurse="Li", payer="City fund")])
    apply_rows(session, facility, [stay_row(nurse=EXPLICIT_NULL, payer=None)], stated_at=LATER)

    stay = only_stay(session)

    assert stay.nurse == ""
    assert session.scalar(text("SELECT payer FROM encounter")) == "City fund"


def test_a_cancelled_visit_is_cancelled_in_any_order(session: Session, facility: int) -> None:
    stay = stay_row(event_at=STATED_AT)
    cancellation = stay_row(kind=RowKind.CANCEL, event_at=LATER)

    counts = apply_rows(session, facility, [stay])
    counts = counts.plus(apply_rows(session, facility, [cancellation]))
    other = [stay._replace(visit_number="V2"), cancellation._replace(visit_number="V2")]
    for row in reversed(other):
        apply_rows(session, facility, [row])

    stays = encounters_of_persons(session, [patient_of(session, "M1")])
    assert counts.cancelled == 1
    assert [each.status for each in stays] == [EncounterStatus.CANCELLED] * 2


def test_a_moved_patient_keeps_the_ward_left_behind(
    session: Session, facility: int, departments: dict[str, int]
) -> None:
    apply_rows(session, facility, [stay_row(department_code="SUR", event_at=STATED_AT)])
    apply_rows(session, facility, [stay_row(department_code="MED", event_at=LATER)])

    stay = only_stay(session)

    assert stay.department_id == departments["MED"]
    assert stay.earlier_department_ids == (departments["SUR"],)


def test_a_visit_follows_a_corrected_mrn(session: Session, facility: int, events: list[Event]) -> None:
    apply_rows(session, facility, [stay_row("M1")])
    events.clear()

    counts = apply_rows(session, facility, [stay_row("M2")], stated_at=LATER)

    assert (counts.updated, counts.patients_created) == (1, 1)
    assert encounters_of_persons(session, [patient_of(session, "M1")]) == []
    assert [type(event) for event in events] == [EncountersChanged]


def test_only_a_discharge_is_known_so_the_stay_begins_on_its_day(session: Session, facility: int) -> None:
    apply_rows(session, facility, [stay_row(admitted_at=None)])

    stay = only_stay(session)

    assert (stay.admitted_at, stay.admitted_on) == (None, date(2026, 3, 6))


def test_days_are_those_of_the_facility(session: Session, facility: int) -> None:
    evening = datetime(2026, 3, 5, 17, 0, tzinfo=UTC)

    apply_rows(session, facility, [stay_row(discharged_at=evening)])

    assert only_stay(session).discharged_on == date(2026, 3, 6)


def test_an_unknown_department_is_made_and_marked_for_review(session: Session, facility: int) -> None:
    apply_rows(session, facility, [stay_row(department_code=None, department_name="Dermatology")])

    made = session.execute(text("SELECT code, needs_review FROM department WHERE name = 'Dermatology'")).one()

    assert made == ("Dermatology", True)


def test_the_newest_record_tells_the_name_whatever_came_last(session: Session, facility: int) -> None:
    new = stay_row("M1", "V2", event_at=LATER, family_name="汪", full_name="汪小明")
    old = stay_row("M1", "V1", event_at=STATED_AT)

    apply_rows(session, facility, [new])
    apply_rows(session, facility, [old])

    patient_id = patient_of(session, "M1")
    assert patient_snapshots(session, [patient_id])[patient_id].full_name == "汪小明"


def test_a_further_identifier_finds_the_patient(session: Session, facility: int) -> None:
    apply_rows(session, facility, [stay_row("M1", identifiers=(("national", "N1"),))])

    counts = apply_rows(session, facility, [stay_row("M9", "V2", identifiers=(("national", "N1"),))])

    assert counts.patients_created == 0
    assert patient_of(session, "M9") == patient_of(session, "M1")


def test_numbers_are_merged_never_doubled_and_retired_ones_stay_retired(
    session: Session, facility: int, now: datetime
) -> None:
    mother = PhoneEntry("010-6552 9988", "+861065529988", LineType.LANDLINE, OwnerKind.RELATIVE, "王芳", "mother")
    apply_rows(session, facility, [stay_row()])
    patient_id = patient_of(session, "M1")
    (own,) = contacts(session, [patient_id])[patient_id]
    retire_contact(session, contact_point_id=own.id, reason=RetiredReason.WRONG_NUMBER, now=now, actor_user_id=None)

    counts = apply_rows(session, facility, [stay_row("M1", "V2", phones=(PHONE, mother))], stated_at=LATER)

    listed = contacts(session, [patient_id])[patient_id]
    assert counts.created == 1
    assert [(each.number, each.retired_reason) for each in listed] == [
        ("+861065529988", None),
        (PHONE.number, RetiredReason.WRONG_NUMBER),
    ]
    assert listed[0].may_discuss_health is False


def test_the_owner_of_a_number_follows_the_record_until_it_is_verified(
    session: Session, facility: int, now: datetime
) -> None:
    apply_rows(session, facility, [stay_row()])
    patient_id = patient_of(session, "M1")
    daughter = PHONE._replace(owner_kind=OwnerKind.RELATIVE, owner_name="王丽", relationship="daughter")

    apply_rows(session, facility, [stay_row(phones=(daughter,))], stated_at=LATER)
    (contact,) = contacts(session, [patient_id])[patient_id]
    change_contact(
        session, contact_point_id=contact.id, owner_kind=OwnerKind.RELATIVE, owner_name="王丽", relationship="daughter",
        may_discuss_health=False, verified_on=now.date(), now=now, actor_user_id=None,
    )  # fmt: skip
    apply_rows(session, facility, [stay_row()], stated_at=LATER + timedelta(days=1))
    (verified,) = contacts(session, [patient_id])[patient_id]

    assert contact.owner_name == verified.owner_name == "王丽"


def test_health_is_discussed_with_the_relative_of_a_child(session: Session, facility: int) -> None:
    mother = PHONE._replace(owner_kind=OwnerKind.RELATIVE, owner_name="王芳", relationship="mother")

    apply_rows(session, facility, [stay_row(birth_date=date(2020, 1, 1), phones=(mother,))])

    patient_id = patient_of(session, "M1")
    assert contacts(session, [patient_id])[patient_id][0].may_discuss_health is True


def test_an_impossible_number_is_kept_as_it_was_written(session: Session, facility: int) -> None:
    apply_rows(session, facility, [stay_row(phones=(PhoneEntry("none \\N\there"),))])

    patient_id = patient_of(session, "M1")
    (contact,) = contacts(session, [patient_id])[patient_id]
    assert (contact.number, contact.raw, contact.usable) == (None, "none \\N\there", False)


@pytest.mark.parametrize(
    "changes",
    [{"deceased_on": date(2026, 3, 7)}, {"disposition": Disposition.EXPIRED}],
    ids=["date of death", "died in hospital"],
)
def test_a_recorded_death_is_confirmed_and_published_once(
    session: Session, facility: int, events: list[Event], changes: dict[str, object]
) -> None:
    rows = [stay_row(**changes)]  # type: ignore[arg-type]
    apply_rows(session, facility, rows)
    apply_rows(session, facility, rows, stated_at=LATER)

    patient_id = patient_of(session, "M1")
    patient = patient_snapshots(session, [patient_id])[patient_id]
    assert patient.deceased_state is DeceasedState.CONFIRMED
    assert patient.deceased_on in {date(2026, 3, 7), date(2026, 3, 6)}
    assert only_stay(session).deceased is True
    assert [event for event in events if isinstance(event, PatientsDeceased)] == [
        PatientsDeceased(now=STATED_AT, patient_ids=(patient_id,))
    ]


def test_a_death_in_hospital_that_was_a_mistake_is_taken_back(session: Session, facility: int) -> None:
    apply_rows(session, facility, [stay_row(disposition=Disposition.EXPIRED)])

    apply_rows(session, facility, [stay_row(disposition=Disposition.HOME)], stated_at=LATER)

    patient_id = patient_of(session, "M1")
    assert patient_snapshots(session, [patient_id])[patient_id].deceased is False


def test_records_do_not_undo_what_a_person_decided(session: Session, facility: int) -> None:
    died = stay_row(deceased_on=date(2026, 3, 7), language=Language.CHINESE)
    apply_rows(session, facility, [died])
    patient_id = patient_of(session, "M1")
    session.info["bus"] = Bus()
    withdraw_deceased(session, patient_id=patient_id, now=LATER, actor_user_id=1)
    choose_language(session, patient_id=patient_id, language=Language.ENGLISH, now=LATER, actor_user_id=1)

    apply_rows(session, facility, [died._replace(nurse="Li", full_name="王晓明")], stated_at=LATER)

    patient = patient_snapshots(session, [patient_id])[patient_id]
    assert (patient.full_name, patient.language, patient.deceased) == ("王晓明", Language.ENGLISH, False)


def test_a_row_that_the_database_refuses_is_named_without_its_values(session: Session, facility: int) -> None:
    with pytest.raises(BulkWriteFailed) as failure:
        apply_rows(session, facility, [stay_row(nurse="x" * 300)])

    assert str(failure.value) == "SQLSTATE 22001, constraint None"
    assert failure.value.__cause__ is None
