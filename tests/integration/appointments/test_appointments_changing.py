"""Published sessions that are changed, closed for a while or ended, and what becomes of whoever is booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from hcrm.appointments import queries, service
from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.states import AppointmentState, CancelReason, HistoryKind
from hcrm.appointments.models import ClinicSession, Sitting
from hcrm.appointments.service.changing import change_of
from tests.factories_appointments import DAY, at

S = AppointmentState


def refused(reason):
    return pytest.raises(Refused, check=lambda problem: problem.reason is reason)


@pytest.fixture
def change(session, now):
    """``change(session_id, from_on=DAY, room="5F-01" …)`` changes a session."""

    def run(session_id, from_on=DAY, **changes):
        wanted = replace(change_of(session.get_one(ClinicSession, session_id)), **changes)
        done = service.change_session(
            session, session_id=session_id, from_on=from_on, change=wanted, now=now, actor_user_id=1
        )
        session.expire_all()
        return done

    return run


def test_another_place_keeps_every_visit_and_tells_everybody(clinic, session, patient, change, claim, now):
    published = clinic.publish()
    people = [patient(), patient()]
    ids = [clinic.book(who, slot.id) for who, slot in zip(people, clinic.slots(), strict=False)]
    claim(now)
    done = change(published, room="5F-01")
    assert (done.kept, done.told, done.put_off) == (2, 2, 0)
    for visit_id, who in zip(ids, people, strict=True):
        row = clinic.row(visit_id)
        assert (row.state, row.room, row.generation) == (S.BOOKED, "5F-01", 1)
        assert clinic.texts(who) == ["appt_booked", "appt_updated"]
        assert [each.kind for each in queries.history(session, visit_id)][-1] is HistoryKind.CHANGED
    assert all("5F-01" in sms.body and "/a/" in sms.body for sms in claim(now))
    assert [slot.free for slot in clinic.slots(done.session_id)] == [False, False, True, True]
    assert not any(slot.free for slot in clinic.slots(published))


def test_another_clinician_is_told_and_longer_slots_alone_are_not(clinic, patient, change):
    published = clinic.publish()
    who = patient()
    visit_id = clinic.book(who, clinic.slots()[0].id)
    second = change(published, slots=2, slot_minutes=30)
    assert (clinic.row(visit_id).ends_at, second.told) == (at(DAY, 9, 30), 0)
    assert clinic.texts(who) == ["appt_booked"]
    third = change(second.session_id, clinician_id=clinic.clinician("D9"))
    assert third.told == 1
    assert clinic.texts(who) == ["appt_booked", "appt_updated"]


def test_whose_time_goes_is_offered_the_nearest_one_of_the_day_after_all_others_have_theirs(
    clinic, patient, change, claim, now, text_in
):
    published = clinic.publish(starts=time(9), slots=4)
    early, late = patient(), patient()
    ids = [clinic.book(early, clinic.slots()[0].id), clinic.book(late, clinic.slots()[2].id)]
    done = change(published, starts=time(9, 30), slots=2)
    assert (done.kept, done.put_off) == (1, 1)
    moved, kept = (clinic.row(each) for each in ids)
    assert (kept.state, kept.starts_at) == (S.BOOKED, at(DAY, 9, 30))
    assert (moved.state, moved.starts_at) == (S.PROPOSED, at(DAY, 9, 45))
    (number,) = [sms.to_number for sms in claim(now) if "为您保留" in sms.body]
    text_in(number, "1", now)
    assert clinic.row(ids[0]).state is S.BOOKED


def test_fewer_seats_keep_who_has_room_and_put_the_others_off(clinic, patient, change):
    published = clinic.publish(slots=2, capacity=2)
    ids = [clinic.book(patient(), slot.id) for slot in clinic.slots()]
    done = change(published, capacity=1)
    assert (done.kept, done.put_off) == (2, 2)
    assert sorted(clinic.row(each).state for each in ids) == sorted([S.BOOKED, S.BOOKED, S.CANCELLED, S.CANCELLED])


def test_longer_slots_do_not_put_a_patient_in_two_places(clinic, patient, change):
    published = clinic.publish(slots=1)
    other = clinic.publish(starts=time(9, 20), slots=1, room="3F")
    who = patient()
    first = clinic.book(who, clinic.slots(published)[0].id)
    clinic.book(who, clinic.slots(other)[0].id)
    done = change(published, slot_minutes=40)
    assert (done.kept, done.put_off) == (0, 1)
    assert clinic.row(first).state is S.CANCELLED


def test_only_days_from_the_day_on_change_and_closed_days_stay_closed(clinic, session, change, now):
    published = clinic.publish(days=4)
    days = {each.day: each.id for each in clinic.sittings()}
    service.close_sitting(session, sitting_id=days[DAY + timedelta(days=2)], reason="x", now=now, actor_user_id=None)
    done = change(published, DAY + timedelta(days=1), room="5F")
    new = session.scalars(select(Sitting.day).where(Sitting.session_id == done.session_id).order_by(Sitting.day)).all()
    assert new == [DAY + timedelta(days=1), DAY + timedelta(days=3)]
    old, going_on = (queries.session_snapshot(session, each) for each in (published, done.session_id))
    assert (old.last_on, going_on.first_on) == (DAY, DAY + timedelta(days=1))


def test_a_change_that_cannot_be_made_changes_nothing(clinic, session, change):
    clinician = clinic.clinician()
    published = clinic.publish()
    clinic.publish(clinician_id=clinician, room="3F", slots=1)
    before = [slot.id for slot in clinic.slots()]
    for reason, wanted in (
        (Refusal.NOTHING_CHANGED, {}),
        (Refusal.SESSIONS_CLASH, {"clinician_id": clinician}),
        (Refusal.TELLING_ROOM, {"room": "Internal medicine 3"}),
        (Refusal.IMPOSSIBLE_SLOTS, {"slots": 0}),
        (Refusal.PAST_MIDNIGHT, {"starts": time(23, 45)}),
    ):
        with refused(reason):
            change(published, **wanted)
    with refused(Refusal.NO_DAY):
        change(published, DAY + timedelta(days=9), room="5F")
    assert [slot.id for slot in clinic.slots()] == before
    with pytest.raises(service.UnknownSession):
        service.change_session(
            session,
            session_id=10**9,
            from_on=DAY,
            change=change_of(session.get_one(ClinicSession, published)),
            now=clinic.now,
            actor_user_id=1,
        )


def test_some_days_are_closed_at_once_and_nobody_is_offered_one_of_them(clinic, session, patient, now):
    published = clinic.publish(days=5, slots=1)
    ids = [clinic.book(patient(), slot.id) for slot in clinic.slots()[:2]]
    done = service.close_days(
        session, session_id=published, from_on=DAY, until_on=DAY + timedelta(days=2), reason="course", now=now,
        actor_user_id=1,
    )  # fmt: skip
    assert (done.days, done.visits) == (3, 2)
    offered = [clinic.row(each) for each in ids]
    assert [row.state for row in offered] == [S.PROPOSED, S.PROPOSED]
    assert {row.starts_at for row in offered} == {at(DAY + timedelta(days=days), 9) for days in (3, 4)}
    assert queries.session_snapshot(session, published).last_on == DAY + timedelta(days=4)


def test_a_session_ends_for_good_and_everybody_in_it_is_told(clinic, session, patient, now):
    published = clinic.publish(days=5, slots=1)
    who = patient()
    visit_id = clinic.book(who, clinic.slots()[3].id)
    done = service.close_days(
        session, session_id=published, from_on=DAY + timedelta(days=1), until_on=None, reason="leaves", now=now,
        actor_user_id=1,
    )  # fmt: skip
    assert (done.days, done.visits) == (4, 1)
    assert queries.session_snapshot(session, published).last_on == DAY
    assert clinic.row(visit_id).starts_at == at(DAY, 9)  # the one place that is left is held
    with refused(Refusal.NO_DAY):
        service.close_days(
            session, session_id=published, from_on=DAY + timedelta(days=1), until_on=None, reason="x", now=now,
            actor_user_id=1,
        )  # fmt: skip
    with refused(Refusal.END_BEFORE_START):
        service.close_days(
            session, session_id=published, from_on=DAY, until_on=DAY - timedelta(days=1), reason="x", now=now,
            actor_user_id=1,
        )  # fmt: skip


def test_where_nothing_is_left_the_visit_is_called_off(clinic, session, patient, now):
    published = clinic.publish(slots=1)
    visit_id = clinic.book(patient(), clinic.slots()[0].id)
    service.close_days(session, session_id=published, from_on=DAY, until_on=None, reason="x", now=now, actor_user_id=1)
    assert clinic.row(visit_id).cancel_reason is CancelReason.CLINIC_CLOSED
