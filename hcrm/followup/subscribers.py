"""What follow-up does when something happens in the packages below it."""

from __future__ import annotations

from sqlalchemy.orm import Session

from hcrm.events import (
    AnswersRecorded,
    AppointmentsBooked,
    AppointmentsCancelled,
    AppointmentsKept,
    AppointmentsMissed,
    CalendarChanged,
    DeceasedReportWithdrawn,
    EncountersChanged,
    MessagesChanged,
    MovesAsked,
    NumberStopped,
    PatientsDeceased,
    PatientsMerged,
    PatientsUnmerged,
    ReminderQueued,
    ResponseStateChanged,
)
from hcrm.followup import service
from hcrm.followup.service.messages import STATES_THAT_END
from hcrm.survey.queries import response, sheet


def on_encounters_changed(session: Session, event: EncountersChanged) -> None:
    """Correct or end plans that run, go on with those that an admission had ended which is none any more, start new
    ones, end what a new admission interrupts, and let plans of the patient pause until the stay is over.
    """
    known, with_others = event.not_created, event.of_known_patients
    service.reconcile_encounters(session, encounter_ids=known, now=event.now)
    service.resume_interrupted(session, encounter_ids=known, now=event.now)
    if event.with_plans:
        service.enrol_encounters(session, encounter_ids=known, created=event.created, now=event.now)
    service.end_readmitted(session, encounter_ids=with_others, now=event.now)
    service.pause_or_go_on(session, encounter_ids=with_others, now=event.now)
    service.keep_one(session, encounter_ids=with_others, now=event.now)


def on_calendar_changed(session: Session, event: CalendarChanged) -> None:
    """Windows that nobody has begun are counted anew."""
    service.follow_calendar(session, facility_id=event.facility_id, now=event.now)


def on_patients_deceased(session: Session, event: PatientsDeceased) -> None:
    """Everything stops at once."""
    service.end_deceased(session, patient_ids=event.patient_ids, now=event.now)


def on_deceased_report_withdrawn(session: Session, event: DeceasedReportWithdrawn) -> None:
    """The report was wrong: what stopped goes on."""
    service.restore_living(session, patient_id=event.patient_id, now=event.now)


def on_patients_merged(session: Session, event: PatientsMerged) -> None:
    """One person: what would now be done twice is done once, and what is known of one record holds for all."""
    service.hold_to_facts(session, patient_ids=[event.person_id], now=event.now)


def on_patients_unmerged(session: Session, event: PatientsUnmerged) -> None:
    """Two persons again."""
    service.part_persons(session, patient_ids=event.patient_ids, now=event.now)


def on_number_stopped(session: Session, event: NumberStopped) -> None:
    """No more texts to this number."""
    service.follow_stop(session, facility_id=event.facility_id, number=event.number, now=event.now)


def on_messages_changed(session: Session, event: MessagesChanged) -> None:
    """Messages of steps arrived, failed or were held back."""
    service.follow_messages(session, message_ids=event.message_ids, now=event.now)


def on_appointments_booked(session: Session, event: AppointmentsBooked) -> None:
    """Return visits were booked or moved."""
    service.follow_booked(session, appointment_ids=event.appointment_ids, now=event.now)


def on_appointments_cancelled(session: Session, event: AppointmentsCancelled) -> None:
    """Return visits will not take place."""
    service.follow_cancelled(session, appointment_ids=event.appointment_ids, now=event.now)


def on_appointments_missed(session: Session, event: AppointmentsMissed | MovesAsked) -> None:
    """Patients did not come to their return visit, or want another time."""
    service.follow_missed(session, appointment_ids=event.appointment_ids, now=event.now)


def on_appointments_kept(session: Session, event: AppointmentsKept) -> None:
    """Patients came to their return visit."""
    service.follow_kept(session, appointment_ids=event.appointment_ids, now=event.now)


def on_reminder_queued(session: Session, event: ReminderQueued) -> None:
    """A reminder of a return visit is on its way."""
    service.note_reminder(session, appointment_id=event.appointment_id, message_id=event.message_id)


def on_answers_recorded(session: Session, event: AnswersRecorded) -> None:
    """The patient is reached; answers that match a rule open an alert."""
    found = sheet(session, event.response_id, event.now)
    if found.response.task_id is not None:
        service.note_first_answer(session, task_id=found.response.task_id, now=event.now)
    service.raise_alerts(session, sheet=found, now=event.now)


def on_response_state_changed(session: Session, event: ResponseStateChanged) -> None:
    """A survey was completed or refused; the states in between end no step."""
    if event.state not in STATES_THAT_END:
        return
    found = response(session, event.response_id)
    if event.state == "completed":
        service.alert_low_score(session, response=found, now=event.now)
    if found.task_id is not None:
        service.follow_response(session, task_id=found.task_id, state=event.state, now=event.now)
