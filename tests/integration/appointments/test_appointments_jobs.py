from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from hcrm.appointments import jobs, service
from hcrm.appointments.domain.states import AppointmentState, CancelReason, Via
from hcrm.appointments.models import Appointment
from hcrm.messaging.models import OutboxMessage
from hcrm.messaging.service import install_default_templates
from hcrm.unit_of_work import unit_of_work
from tests.factories_appointments import DAY, Clinic, at
from tests.factories_messaging import MessagingFactory


def states(runtime):
    with unit_of_work(runtime.sessions) as session:
        return [row.state for row in session.scalars(select(Appointment).order_by(Appointment.id))]


def test_the_jobs_remind_lapse_offers_and_notice_who_did_not_come(runtime, facility, departments, now, clock):
    S = AppointmentState  # noqa: N806 - the states stand in a row below
    with unit_of_work(runtime.sessions) as session:
        install_default_templates(session, now)
        make, clinic = MessagingFactory(session, now, facility), Clinic(session, now, facility, departments["MED"])
        clinic.publish(slots=3)
        slots = [slot.id for slot in clinic.slots()]
        ids = [clinic.book(make.patient(), slot) for slot in slots]
        service.wait(
            session,
            patient_id=make.patient(),
            facility_id=facility,
            department_id=departments["MED"],
            clinician_id=None,
            starts_from=now,
            starts_until=now + timedelta(days=9),
            via=Via.STAFF,
            now=now,
        )
        service.cancel(session, appointment_id=ids[2], reason=CancelReason.PATIENT, via=Via.STAFF, now=now)
    assert states(runtime) == [S.BOOKED, S.BOOKED, S.CANCELLED, S.PROPOSED]
    clock.advance(timedelta(hours=5))
    assert jobs.lapse_offers(runtime) == 1
    assert states(runtime)[3] is S.WAITLIST
    clock.move_to(at(DAY - timedelta(days=3), 10))
    assert jobs.send_reminders(runtime) == 2
    assert jobs.send_reminders(runtime) == 0
    with unit_of_work(runtime.sessions) as session:
        texts = session.scalars(select(OutboxMessage.template_code)).all()
        assert texts.count("appt_reminder") == 2
    clock.move_to(at(DAY, 9))
    with unit_of_work(runtime.sessions) as session:
        service.arrive(session, appointment_id=ids[0], via=Via.STAFF, now=clock.now())
    clock.move_to(at(DAY, 20))
    assert jobs.notice_missed(runtime) == 1
    assert states(runtime)[1] is S.NOSHOW
