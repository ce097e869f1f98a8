from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.appointments import service
from hcrm.appointments.domain.states import CancelReason, Via
from hcrm.events import AppointmentsMissed, MessagesChanged, publish
from hcrm.followup import service as followup
from hcrm.followup.domain.plan import RiskLevel
from hcrm.followup.domain.task import EnrolmentStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.plans import published_plans
from hcrm.followup.readers import shipped_plans
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


@pytest.fixture
def outside(session, facility, make, clinic):
    """``outside(with_stay)``: a patient without any plan, booked on Monday at nine; (patient, stay, visit)."""
    install_content(session, clinic.now)
    clinic.publish(slots=4)

    def new(*, with_stay):
        patient_id = make.patient()
        encounter_id = make.stay(patient_id, department_id=clinic.department_id)
        visit_id = clinic.book(patient_id, clinic.slots()[0].id, encounter_id=encounter_id if with_stay else None)
        return patient_id, encounter_id, visit_id

    return new


@pytest.mark.parametrize("with_stay", [True, False])
def test_a_no_show_opens_a_call_without_any_plan_and_the_next_booking_ends_it(session, clinic, outside, with_stay):
    patient_id, encounter_id, visit_id = outside(with_stay=with_stay)
    evening = at(DAY, 18)
    for _twice in range(2):
        publish(session, AppointmentsMissed(now=evening, appointment_ids=(visit_id,)))
    (call,) = session.scalars(select(TaskRow).where(TaskRow.patient_id == patient_id))
    assert (call.step_code, call.enrolment_id, call.encounter_id) == ("missed_visit_call", None, encounter_id)
    assert (call.status.value, call.channel.value, call.questionnaire_code) == ("open", "phone", "CLIN_GEN")
    clinic.publish(day=DAY + timedelta(days=2), slots=1)
    clinic.book(patient_id, clinic.slots()[-1].id, encounter_id=encounter_id, now=evening)
    session.expire_all()
    assert call.reason.value == "superseded"


@pytest.mark.parametrize("plan", [each.plan.code for each in shipped_plans()])
def test_a_no_show_opens_a_call_whatever_plan_of_the_product_the_patient_has(
    session, facility, make, clinic, outside, now, plan
):
    patient_id, encounter_id, visit_id = outside(with_stay=True)
    published = {each.plan.code: each for each in published_plans(session, facility)}[plan]
    session.add(
        EnrolmentRow(
            facility_id=facility,
            plan_id=published.plan_id,
            plan_version_id=published.plan_version_id,
            patient_id=patient_id,
            encounter_id=encounter_id,
            scope=published.plan.scope,
            discharged_on=now.date(),
            status=EnrolmentStatus.ACTIVE,
            enrolled_at=now,
            risk=RiskLevel.LOW,
            risk_score=0,
        )
    )
    session.flush()
    service.miss(session, appointment_id=visit_id, via=Via.STAFF, now=at(DAY, 18))
    calls = session.scalars(select(TaskRow).where(TaskRow.appointment_id == visit_id)).all()
    assert [(each.step_code, each.channel.value, each.status.value) for each in calls] == [
        ("missed_visit_call", "phone", "open")
    ]
