from __future__ import annotations

from datetime import time, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from hcrm.appointments import queries, service
from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.sessions import SessionRule
from hcrm.appointments.domain.states import AppointmentState, CancelReason, HistoryKind, Via
from hcrm.events import PatientsDeceased, publish
from hcrm.organization.domain import DayKind
from hcrm.organization.models import CalendarDay, Facility
from hcrm.patients.domain import DeceasedState, EncounterClass
from tests.factories_appointments import DAY, at

S = AppointmentState


def refused(reason):
    return pytest.raises(Refused, check=lambda problem: problem.reason is reason)


def test_a_session_has_a_place_for_each_slot_and_seat_and_leaves_out_holidays(clinic, session, facility):
    session.add(CalendarDay(facility_id=facility, day=DAY + timedelta(days=1), kind=DayKind.HOLIDAY, name="-"))
    session.flush()
    session_id = clinic.publish(days=3, slots=4, capacity=2)
    assert [each.day.day for each in clinic.sittings()] == [16, 18]
    assert len(clinic.slots(session_id)) == 2 * 4 * 2
    assert clinic.slots()[0].starts_at == at(DAY, 9)


def test_overlapping_sessions_of_one_clinician_are_refused_with_the_clash_named(clinic, session):
    clinician = clinic.clinician()
    clinic.publish(clinician_id=clinician, days=3)
    with refused(Refusal.SESSIONS_CLASH) as problem:
        clinic.publish(day=DAY + timedelta(days=2), clinician_id=clinician, days=3, room="5F", slots=1)
    clash = problem.value.clash
    assert (clash.what, clash.starts_at) == ("2F-03", at(DAY + timedelta(days=2), 9))
    clinic.publish(clinician_id=clinician, starts=time(10))
    with pytest.raises(IntegrityError, match="ex_sitting_clinician"), session.begin_nested():
        session.execute(
            text(
                "INSERT INTO sitting (session_id, facility_id, department_id, clinician_id, room, day, starts_at,"
                " ends_at, closed_reason) SELECT session_id, facility_id, department_id, clinician_id, '', day - 50,"
                " starts_at, ends_at, '' FROM sitting LIMIT 1"
            )
        )


def test_a_room_that_tells_the_department_is_refused(clinic):
    with refused(Refusal.TELLING_ROOM):
        clinic.publish(room="Internal Medicine, room 2")


def test_booking_takes_the_place_tells_the_patient_and_writes_it_down(clinic, session, patient, now, claim):
    clinic.publish()
    who, slot = patient(), clinic.slots()[0]
    booked = clinic.book(who, slot.id, actor_user_id=1)
    row = clinic.row(booked)
    assert (row.state, row.starts_at, row.slot_id, row.generation) == (S.BOOKED, at(DAY, 9), slot.id, 0)
    assert not clinic.slots()[0].free
    assert [each.kind for each in queries.history(session, booked)] == [HistoryKind.BOOKED]
    (sms,) = claim(now)
    assert "3月16日周一 09:00" in sms.body
    assert "2F-03" in sms.body
    assert "/a/" in sms.body
    assert "内科" not in sms.body


def test_what_cannot_be_booked_is_refused(clinic, session, make, patient, now, facility):
    clinic.publish(slots=2)
    clinic.publish(slots=2, room="3F")
    first, second = (clinic.slots(each.session_id) for each in clinic.sittings())
    who = patient()
    clinic.book(who, first[0].id)
    with refused(Refusal.FULL):
        clinic.book(patient(), first[0].id)
    with refused(Refusal.ELSEWHERE) as problem:
        clinic.book(who, second[0].id)
    assert (problem.value.clash.what, problem.value.clash.starts_at) == ("2F-03", at(DAY, 9))
    with refused(Refusal.IN_THE_PAST):
        clinic.book(who, second[1].id, now=at(DAY, 9, 15))
    with refused(Refusal.UNKNOWN_SLOT):
        clinic.book(who, 10**9)
    with refused(Refusal.UNKNOWN_PATIENT):
        clinic.book(10**9, second[0].id)
    for state in (DeceasedState.PENDING, DeceasedState.CONFIRMED):
        with refused(Refusal.DECEASED):
            clinic.book(make.patient(deceased_state=state), second[0].id)
    elsewhere = Facility(
        code="OTHER", name="O", name_zh="", timezone="UTC", country="GB", phone="1", settings={}, created_at=now
    )
    session.add(elsewhere)
    session.flush()
    with refused(Refusal.OTHER_FACILITY):
        clinic.book(make.patient(facility_id=elsewhere.id), second[0].id)
    nxt = service.next_free_instead(session, slot_id=first[0].id, now=now)
    assert [each.starts_at for each in nxt][:2] == [at(DAY, 9), at(DAY, 9, 15)]


def test_records_of_one_person_are_in_one_place(clinic, make):
    clinic.publish(capacity=2)
    one = make.patient()
    other = make.patient(person_id=one)
    clinic.book(one, clinic.slots()[0].id)
    with refused(Refusal.ELSEWHERE):
        clinic.book(other, clinic.slots()[1].id)


def test_the_database_itself_keeps_out_a_second_visit_in_one_place_and_one_patient_in_two(clinic, session, patient):
    clinic.publish(capacity=2)
    row = clinic.row(clinic.book(patient(), clinic.slots()[0].id))
    copy = (
        "INSERT INTO appointment SELECT (jsonb_populate_record(a, jsonb_build_object('id', 900000, 'token_hash', NULL,"
        " '{column}', {value}))).* FROM appointment a WHERE id = {id}"
    )
    for column, value, name in (
        ("patient_id", 99, "uq_appointment_slot_id"),
        ("slot_id", clinic.slots()[1].id, "ex_appointment_patient"),
    ):
        with pytest.raises(IntegrityError, match=name), session.begin_nested():
            session.execute(text(copy.format(column=column, value=value, id=row.id)))


def test_a_move_gives_the_old_place_back_and_makes_earlier_texts_out_of_date(clinic, session, patient, now, claim):
    clinic.publish()
    slots = clinic.slots()
    booked = clinic.book(patient(), slots[0].id)
    service.move_appointment(
        session, appointment_id=booked, slot_id=slots[2].id, via=Via.STAFF, now=now, reason="works"
    )
    row = clinic.row(booked)
    assert (row.starts_at, row.generation, row.state) == (at(DAY, 9, 30), 1, S.BOOKED)
    assert [slot.free for slot in clinic.slots()] == [True, True, False, True]
    (sms,) = claim(now)  # the text about the first time was not sent yet, and is not any more
    assert "09:30" in sms.body
    with refused(Refusal.SAME_TIME):
        service.move_appointment(session, appointment_id=booked, slot_id=slots[2].id, via=Via.STAFF, now=now)


def test_patients_move_their_visit_within_its_department_and_staff_to_any(clinic, session, patient, departments, now):
    clinic.publish()
    clinic.publish(department_id=departments["SUR"], clinician_id=clinic.clinician("D2"), room="4F-01")
    own, other = (
        [slot for slot in clinic.slots() if (slot.department_id == clinic.department_id) is same]
        for same in (True, False)
    )
    booked = clinic.book(patient(), own[0].id)
    for via in (Via.LINK, Via.REPLY):
        with refused(Refusal.OTHER_DEPARTMENT):
            service.move_appointment(session, appointment_id=booked, slot_id=other[2].id, via=via, now=now)
    service.move_appointment(session, appointment_id=booked, slot_id=own[1].id, via=Via.LINK, now=now)
    assert clinic.row(booked).slot_id == own[1].id
    service.move_appointment(session, appointment_id=booked, slot_id=other[2].id, via=Via.STAFF, now=now)
    assert clinic.row(booked).slot_id == other[2].id


def test_a_cancelled_visit_cannot_be_moved_and_cancelling_again_changes_nothing(clinic, session, patient, now):
    clinic.publish()
    who = patient()
    booked = clinic.book(who, clinic.slots()[0].id)
    for _ in range(2):
        service.cancel(
            session, appointment_id=booked, reason=CancelReason.NOT_NEEDED, via=Via.STAFF, now=now, comment="well"
        )
    row = clinic.row(booked)
    assert (row.state, row.cancel_reason) == (S.CANCELLED, CancelReason.NOT_NEEDED)
    assert [each.kind for each in queries.history(session, booked)] == [HistoryKind.BOOKED, HistoryKind.CANCELLED]
    assert all(slot.free for slot in clinic.slots())
    assert clinic.texts(who) == ["appt_booked", "appt_released"]
    with refused(Refusal.OVER):
        service.move_appointment(session, appointment_id=booked, slot_id=clinic.slots()[1].id, via=Via.STAFF, now=now)


def test_arrival_outcome_and_no_show(clinic, session, patient, now):
    clinic.publish()
    slots = clinic.slots()
    came, missed, silent = (clinic.book(patient(), slot.id) for slot in slots[:3])
    with refused(Refusal.TOO_EARLY):
        service.arrive(session, appointment_id=came, via=Via.STAFF, now=now)
    with refused(Refusal.TOO_EARLY):
        service.miss(session, appointment_id=missed, via=Via.STAFF, now=now)
    morning, evening = at(DAY, 9), at(DAY, 18)
    assert service.notice_missed(session, now=evening, limit=10) == 0  # nobody keeps the list yet
    service.arrive(session, appointment_id=came, via=Via.STAFF, now=morning)
    service.fulfil(session, appointment_id=came, via=Via.STAFF, now=evening, outcome="Wound healed")
    service.miss(session, appointment_id=missed, via=Via.STAFF, now=evening)
    assert service.notice_missed(session, now=evening, limit=10) == 1
    assert [clinic.row(each).state for each in (came, missed, silent)] == [S.FULFILLED, S.NOSHOW, S.NOSHOW]
    service.arrive(session, appointment_id=silent, via=Via.STAFF, now=evening)  # came to another desk


def test_the_waiting_list_is_offered_a_freed_place_in_order(clinic, session, patient, now, text_in, claim, make):
    clinic.publish(slots=1)
    booked = clinic.book(patient(), clinic.slots()[0].id)
    waiting = [patient() for _ in range(3)]
    ids = [
        service.wait(
            session,
            patient_id=each,
            facility_id=clinic.facility_id,
            department_id=clinic.department_id,
            clinician_id=None,
            starts_from=now,
            starts_until=now + timedelta(days=10 - 9 * (each == waiting[0])),
            via=Via.STAFF,
            now=now + timedelta(seconds=number),
        )
        for number, each in enumerate(waiting)
    ]
    with refused(Refusal.ALREADY_WAITING):
        service.wait(
            session, patient_id=waiting[1], facility_id=clinic.facility_id, department_id=clinic.department_id,
            clinician_id=None, starts_from=now, starts_until=now + timedelta(days=1), via=Via.STAFF, now=now,
        )  # fmt: skip
    service.cancel(session, appointment_id=booked, reason=CancelReason.PATIENT, via=Via.STAFF, now=now)
    # The first cannot come on that day; the second is asked, does not answer, and the third takes the place.
    assert [clinic.row(each).state for each in ids] == [S.WAITLIST, S.PROPOSED, S.WAITLIST]
    with refused(Refusal.FULL):
        clinic.book(patient(), clinic.slots()[0].id)
    later = now + timedelta(hours=5)
    assert service.lapse_due(session, now=later, limit=10) == 1
    assert [clinic.row(each).state for each in ids] == [S.WAITLIST, S.WAITLIST, S.PROPOSED]
    sent = {sms.to_number: sms.body for sms in claim(later)}
    (number,) = [each for each, body in sent.items() if "有空号" in body]
    text_in(number, "1", later)
    assert clinic.row(ids[2]).state is S.BOOKED
    assert clinic.row(ids[2]).remind_at is not None
    service.cancel(session, appointment_id=ids[2], reason=CancelReason.PATIENT, via=Via.STAFF, now=later)
    # Who let this very place pass is not asked about it again.
    assert clinic.slots()[0].free


def test_closing_a_session_tells_everyone_and_holds_other_places(clinic, session, patient, now, claim, text_in):
    clinic.publish(slots=2)
    clinic.publish(day=DAY + timedelta(days=1), slots=1)
    people = [patient(), patient()]
    ids = [clinic.book(who, slot.id) for who, slot in zip(people, clinic.slots()[:2], strict=True)]
    sitting = clinic.sittings()[0]
    assert service.close_sitting(session, sitting_id=sitting.id, reason="ill", now=now, actor_user_id=1) == 2
    assert service.close_sitting(session, sitting_id=sitting.id, reason="ill", now=now, actor_user_id=1) == 0
    first, second = (clinic.row(each) for each in ids)
    assert (first.state, first.starts_at) == (S.PROPOSED, at(DAY + timedelta(days=1), 9))
    assert (second.state, second.cancel_reason) == (S.CANCELLED, CancelReason.CLINIC_CLOSED)
    texts = {sms.to_number: sms.body for sms in claim(now)}
    assert len(texts) == 2
    (number,) = [each for each, body in texts.items() if "停诊，为您保留" in body]
    assert not any(slot.free for slot in clinic.slots())
    text_in(number, "1", now)
    assert clinic.row(ids[0]).state is S.BOOKED
    with refused(Refusal.CLOSED):
        clinic.book(patient(), clinic.slots()[0].id)


def test_death_gives_up_visits_without_a_word(clinic, session, patient, now):
    clinic.publish()
    who = patient()
    booked = clinic.book(who, clinic.slots()[0].id)
    publish(session, PatientsDeceased(now=now, patient_ids=(who,)))
    assert clinic.row(booked).cancel_reason is CancelReason.DECEASED
    assert clinic.slots()[0].free
    assert "appt_released" not in clinic.texts(who)


def test_a_record_of_the_visit_fulfils_it(clinic, session, make, patient):
    clinic.publish()
    who = patient()
    booked = clinic.book(who, clinic.slots()[0].id, encounter_id=make.stay(who))
    stay = make.stay(who, encounter_class=EncounterClass.AMBULATORY, admitted_at=at(DAY, 10), department_id=None)
    assert service.note_visits(session, [stay], now=at(DAY, 12)) == 1
    assert (clinic.row(booked).state, clinic.row(booked).visit_encounter_id) == (S.FULFILLED, stay)


def test_the_rule_of_the_discharge_finds_the_same_clinician_first(clinic, session, now, facility):
    clinician = clinic.clinician()
    clinic.publish(slots=1)
    clinic.publish(day=DAY, starts=time(15), slots=1, clinician_id=clinician)
    clinic.publish(day=DAY + timedelta(days=20), slots=1)
    zone = session.scalars(select(Facility)).first()
    assert zone is not None
    window, found = queries.free_for_discharge(
        session,
        department_id=clinic.department_id,
        clinician_id=clinician,
        discharged_on=DAY - timedelta(days=4),
        now=now,
        zone=clinic.sittings()[0].starts_at.tzinfo,
    )
    assert not window.overdue
    assert [each.clinician_id for each in found] == [clinician, None, None]


def test_a_rule_without_end_is_refused(clinic):
    with refused(Refusal.NO_END):
        service.publish_session(
            clinic.session,
            facility_id=clinic.facility_id,
            department_id=clinic.department_id,
            clinician_id=None,
            room="1",
            rule=SessionRule(DAY, None, frozenset({0}), at(DAY, 9).time(), 15, 4),
            now=clinic.now,
        )
