from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.appointments import service
from hcrm.appointments.domain.states import CancelReason, Via
from hcrm.events import MessagesChanged, publish
from hcrm.followup import service as followup
from hcrm.messaging.domain import MessageStatus
from hcrm.messaging.models import OutboxMessage
from hcrm.patients.models import Encounter
from tests.factories_appointments import DAY, at
from tests.factories_followup import discharge, discharged, install_content, tasks_of


@pytest.fixture
def stay(session, facility, now):
    """A discharge of yesterday with the three-level plan: (patient, encounter)."""
    install_content(session, now)
    discharge(session, facility, discharged(phones=()), now=now)
    row = session.scalars(select(Encounter)).one()
    return row.patient_id, row.id


@pytest.fixture
def booked(clinic, stay):
    """The return visit of that stay, on Monday at nine."""
    clinic.publish(slots=4)
    patient_id, encounter_id = stay
    return clinic.book(patient_id, clinic.slots()[0].id, encounter_id=encounter_id)


def reminder_message(session):
    return session.scalars(
        select(OutboxMessage).where(OutboxMessage.template_code == "appt_reminder").order_by(OutboxMessage.id.desc())
    ).first()


def test_a_booked_visit_brings_the_step_of_reminders_and_the_first_that_arrives_completes_it(session, booked):
    task = tasks_of(session)["revisit_reminder"]
    three_days = at(DAY - timedelta(days=3), 10)
    assert (task.appointment_id, task.window_starts_at, task.due_at) == (booked, three_days, at(DAY, 9))
    followup.release_due(session, now=three_days, limit=50)
    assert reminder_message(session) is None  # the clinic sends them, not the list of due steps
    service.release_due(session, now=three_days, limit=10)
    message = reminder_message(session)
    assert message.task_id == task.id
    message.status, message.delivered_at = MessageStatus.DELIVERED, three_days
    session.flush()
    publish(session, MessagesChanged(now=three_days, message_ids=(message.id,)))
    assert tasks_of(session)["revisit_reminder"].status.value == "completed"


def test_a_move_plans_the_step_anew_and_a_cancellation_ends_it(session, booked, clinic, now):
    service.move_appointment(session, appointment_id=booked, slot_id=clinic.slots()[2].id, via=Via.STAFF, now=now)
    task = tasks_of(session)["revisit_reminder"]
    assert (task.occurrence, task.due_at, task.status.value) == (2, at(DAY, 9, 30), "open")
    assert clinic.row(booked).task_id == task.id
    service.cancel(session, appointment_id=booked, reason=CancelReason.PATIENT, via=Via.STAFF, now=now)
    assert tasks_of(session)["revisit_reminder"].reason.value == "superseded"
    assert "missed_visit_call" not in tasks_of(session)


def test_a_no_show_opens_a_call_and_the_next_booking_ends_it(session, booked, clinic, stay):
    evening = at(DAY, 18)
    service.miss(session, appointment_id=booked, via=Via.STAFF, now=evening)
    call = tasks_of(session)["missed_visit_call"]
    assert (call.status.value, call.channel.value, call.appointment_id) == ("open", "phone", booked)
    clinic.publish(day=DAY + timedelta(days=2), slots=1)
    again = clinic.book(stay[0], clinic.slots()[-1].id, encounter_id=stay[1], now=evening)
    assert tasks_of(session)["missed_visit_call"].reason.value == "superseded"
    service.miss(session, appointment_id=again, via=Via.STAFF, now=at(DAY + timedelta(days=2), 18))
    assert tasks_of(session)["missed_visit_call"].occurrence == 2


def test_whoever_wants_another_time_or_loses_the_place_is_phoned_once(session, booked, clinic, now):
    service.ask_to_move(session, appointment_id=booked, via=Via.REPLY, now=now)
    sitting = clinic.sittings()[0]
    service.close_sitting(session, sitting_id=sitting.id, reason="ill", now=now, actor_user_id=None)
    call = tasks_of(session)["missed_visit_call"]
    assert (call.status.value, call.occurrence) == ("open", 1)


def test_without_a_place_to_hold_the_visit_is_called_off_and_the_patient_phoned(session, booked, clinic, now, stay):
    service.close_sitting(session, sitting_id=clinic.sittings()[0].id, reason="ill", now=now, actor_user_id=None)
    assert clinic.row(booked).cancel_reason is CancelReason.CLINIC_CLOSED
    assert clinic.texts(stay[0])[-1] == "appt_off"
    assert tasks_of(session)["missed_visit_call"].status.value == "open"
