"""Merging patients and taking it back: everything counts by person, nothing recorded is rewritten."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.events import Bus, Event, PatientsMerged, PatientsUnmerged
from hcrm.patients.domain import AlreadyOnePerson, ConsentChannel, ConsentPurpose, MergeNotInForce, UnknownPatient
from hcrm.patients.queries import (
    consents_by_purpose,
    contacts,
    encounters_of_persons,
    merges,
    patient_snapshots,
    patients_with_number,
    records_by_patient,
    records_of_persons,
)
from hcrm.patients.service import (
    merge_patients,
    record_consent,
    report_deceased,
    retire_contact,
    unmerge_patients,
    withdraw_deceased,
)
from tests.factories_patients import PHONE, apply_rows, stay_row


@pytest.fixture
def events(session: Session) -> list[Event]:
    seen: list[Event] = []
    bus = Bus()
    for kind in (PatientsMerged, PatientsUnmerged):
        bus.subscribe(kind, lambda _, event: seen.append(event))
    session.info["bus"] = bus
    return seen


@pytest.fixture
def abc(session: Session, facility: int, events: list[Event]) -> tuple[int, int, int]:
    """Three patients with a stay each and the same number."""
    apply_rows(session, facility, [stay_row(f"M{number}", f"V{number}") for number in range(3)])
    found = session.execute(text("SELECT patient_id FROM patient_identifier ORDER BY value")).scalars().all()
    return found[0], found[1], found[2]


def merge(session: Session, leaving: int, staying: int, now: datetime) -> int:
    return merge_patients(
        session, from_patient_id=leaving, into_patient_id=staying, reason="other", now=now, actor_user_id=None
    )


def test_a_chain_of_merges_is_one_person_and_undo_takes_one_link_back(
    session: Session, abc: tuple[int, int, int], now: datetime, events: list[Event]
) -> None:
    a, b, c = abc
    first = merge(session, a, b, now)
    merge(session, b, c, now)
    together = records_of_persons(session, [a])
    stays = encounters_of_persons(session, [b])

    unmerge_patients(session, merge_id=first, now=now, actor_user_id=7)

    assert together == [a, b, c]
    assert {(stay.patient_id, stay.person_id) for stay in stays} == {(a, c), (b, c), (c, c)}
    assert records_of_persons(session, [a]) == [a]
    assert records_of_persons(session, [b]) == [b, c]
    assert events == [
        PatientsMerged(now=now, person_id=b, merged_patient_ids=(a,)),
        PatientsMerged(now=now, person_id=c, merged_patient_ids=(a, b)),
        PatientsUnmerged(now=now, patient_ids=(a, b, c)),
    ]


def test_a_merge_is_undone_once_and_one_person_is_not_merged_with_itself(
    session: Session, abc: tuple[int, int, int], now: datetime
) -> None:
    a, b, _ = abc
    entry = merge(session, a, b, now)
    with pytest.raises(AlreadyOnePerson):
        merge(session, b, a, now)
    unmerge_patients(session, merge_id=entry, now=now, actor_user_id=None)

    with pytest.raises(MergeNotInForce):
        unmerge_patients(session, merge_id=entry, now=now, actor_user_id=None)
    with pytest.raises(UnknownPatient):
        merge(session, a, 10**9, now)
    assert merges(session, a) == []


def test_a_merged_person_has_each_number_once_and_one_consent(
    session: Session, facility: int, abc: tuple[int, int, int], now: datetime
) -> None:
    a, b, _ = abc
    assert PHONE.number is not None
    three = patients_with_number(session, facility, PHONE.number)
    merge(session, a, b, now)
    record_consent(
        session,
        patient_id=a,
        purpose=ConsentPurpose.SURVEY,
        channel="sms",
        given=False,
        how="phone",
        now=now,
        actor_user_id=None,
    )

    assert len(three) == 3
    assert patients_with_number(session, facility, PHONE.number) == three[1:]
    assert [each.number for each in contacts(session, [b])[b]] == [PHONE.number]
    records = records_by_patient(session, [a, b])
    given = consents_by_purpose(session, records, [ConsentPurpose.SURVEY], ConsentChannel.SMS)
    assert given == {(a, ConsentPurpose.SURVEY): False, (b, ConsentPurpose.SURVEY): False}


def test_retiring_a_number_retires_it_for_the_whole_person(
    session: Session, facility: int, abc: tuple[int, int, int], now: datetime
) -> None:
    a, b, c = abc
    merge(session, a, b, now)
    (listed,) = contacts(session, [b])[b]

    retire_contact(session, contact_point_id=listed.id, reason="wrong_number", now=now, actor_user_id=None)

    assert contacts(session, [a])[a][0].retired_at == now
    assert contacts(session, [c])[c][0].retired_at is None


def test_a_death_told_of_one_record_counts_for_the_person(
    session: Session, facility: int, abc: tuple[int, int, int], now: datetime
) -> None:
    a, b, _ = abc
    merge(session, a, b, now)
    died = stay_row("M0", "V9", deceased_on=date(2026, 3, 7))
    apply_rows(session, facility, [died], stated_at=now + timedelta(days=1))

    assert patient_snapshots(session, [b])[b].deceased_on == date(2026, 3, 7)
    assert all(stay.deceased for stay in encounters_of_persons(session, [b]))
    withdraw_deceased(session, patient_id=b, now=now, actor_user_id=1)
    assert patient_snapshots(session, [a])[a].deceased is False
    report_deceased(session, patient_id=a, confirmed=False, now=now, actor_user_id=1)
    assert patient_snapshots(session, [b])[b].deceased is True


moves = st.lists(st.tuples(st.sampled_from(["merge", "undo"]), st.integers(0, 2), st.integers(0, 2)), max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves)
def test_every_stay_is_counted_for_exactly_one_person_after_any_merges_and_undos(
    session: Session, abc: tuple[int, int, int], now: datetime, moves: list[tuple[str, int, int]]
) -> None:
    with session.begin_nested() as savepoint:
        held: list[int] = []
        for kind, first, second in moves:
            if kind == "undo" and held:
                unmerge_patients(session, merge_id=held.pop(first % len(held)), now=now, actor_user_id=None)
            elif kind == "merge" and abc[second] not in records_of_persons(session, [abc[first]]):
                held.append(merge(session, abc[first], abc[second], now))
        persons = {stay.person_id for stay in encounters_of_persons(session, abc)}
        counted = [stay.id for person in persons for stay in encounters_of_persons(session, [person])]

        assert len(persons) == 3 - len(held)
        assert len(counted) == len(set(counted)) == 3
        savepoint.rollback()
