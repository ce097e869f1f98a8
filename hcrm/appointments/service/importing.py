"""Appointments that another system keeps: what it says wins, the newest record over older ones, in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.appointments.domain.records import AppointmentRecord
from hcrm.appointments.domain.states import AppointmentState, CancelReason, HistoryKind, Via
from hcrm.appointments.domain.texts import is_telling
from hcrm.appointments.models import Appointment
from hcrm.appointments.queries.people import last_stay
from hcrm.appointments.service.links import token_hash_of
from hcrm.appointments.service.places import note, plan_reminder
from hcrm.appointments.service.waiting import pass_on
from hcrm.events import AppointmentsBooked, AppointmentsCancelled, AppointmentsKept, AppointmentsMissed, publish
from hcrm.organization.queries import departments as known_departments
from hcrm.organization.queries import facility
from hcrm.organization.service import ensure_clinicians, ensure_departments

_EVENTS = {
    AppointmentState.BOOKED: (HistoryKind.BOOKED, AppointmentsBooked),
    AppointmentState.PENDING: (HistoryKind.ASKED, None),
    AppointmentState.PROPOSED: (HistoryKind.OFFERED, None),
    AppointmentState.WAITLIST: (HistoryKind.ASKED, None),
    AppointmentState.CANCELLED: (HistoryKind.CANCELLED, AppointmentsCancelled),
    AppointmentState.NOSHOW: (HistoryKind.NOSHOW, AppointmentsMissed),
    AppointmentState.ARRIVED: (HistoryKind.ARRIVED, AppointmentsKept),
    AppointmentState.FULFILLED: (HistoryKind.FULFILLED, AppointmentsKept),
}


def apply_records(
    session: Session,
    *,
    facility_id: int,
    records: Sequence[AppointmentRecord],
    patients: Mapping[str, int],
    now: datetime,
) -> int:
    """Bring what records say into the appointments; how many changed. The same records again change nothing.

    ``patients`` are the records by MRN; the caller has seen to it that all are known. A record older than what is
    known of its appointment changes nothing. Times that are over bring no reminder. Patients are told the room by text:
    one that names a department is left out, and they are told to come to the reception.
    """
    departments = ensure_departments(
        session,
        facility_id=facility_id,
        names={each.department_code: each.department_name for each in records if each.department_code},
        now=now,
    )
    clinicians = ensure_clinicians(
        session,
        facility_id=facility_id,
        names={each.clinician_code: each.clinician_name for each in records if each.clinician_code},
    )
    names = [name for each in known_departments(session, facility_id).values() for name in (each.name, each.name_zh)]
    telling = [name for name in names if not name.isdigit()]
    changed = 0
    for told in sorted(records, key=lambda each: each.event_at):
        record = replace(told, room="") if is_telling(told.room, telling) else told
        changed += _apply(session, facility_id, record, patients[record.mrn], departments, clinicians, now)
    return changed


def _apply(
    session: Session,
    facility_id: int,
    record: AppointmentRecord,
    patient_id: int,
    departments: Mapping[str, int],
    clinicians: Mapping[str, int],
    now: datetime,
) -> bool:
    row = _row(session, facility_id, record)
    is_new = row is None
    if row is None:
        row = _new(session, facility_id, record, patient_id, now)
    elif row.source_at is not None and row.source_at >= record.event_at:
        return False
    was = (row.state, row.starts_at, row.room)
    old_slot = _take_over(row, record, patient_id, departments, clinicians)
    if not is_new and was == (row.state, row.starts_at, row.room):
        session.flush()
        return False
    row.generation += 1
    booked = row.state is AppointmentState.BOOKED
    row.remind_at = row.remind_kind = None
    if booked:
        plan_reminder(row, facility(session, facility_id).zone, after=now)
    session.add(row)
    session.flush()
    _tell(session, row, now, moved=not is_new and booked)
    pass_on(session, [old_slot], now=now)
    return True


def _row(session: Session, facility_id: int, record: AppointmentRecord) -> Appointment | None:
    return session.scalars(
        select(Appointment)
        .where(
            Appointment.facility_id == facility_id,
            Appointment.source == record.source,
            Appointment.source_key == record.key,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


def _new(session: Session, facility_id: int, record: AppointmentRecord, patient_id: int, now: datetime) -> Appointment:
    row = Appointment(
        id=session.scalar(select(func.nextval("appointment_id_seq"))),
        facility_id=facility_id,
        patient_id=patient_id,
        encounter_id=last_stay(session, patient_id, record.starts_at or now),
        room="",
        state=record.state,
        booked_at=min(record.event_at, now),
        booked_via=Via.IMPORT,
        generation=-1,
        declined=[],
        source=record.source,
        source_key=record.key,
    )
    row.token_hash = token_hash_of(session, row.id)
    return row


def _take_over(
    row: Appointment,
    record: AppointmentRecord,
    patient_id: int,
    departments: Mapping[str, int],
    clinicians: Mapping[str, int],
) -> int | None:
    """Put what the record says into the row; the place of ours that it held, when it is given up by that."""
    moved = record.starts_at is not None and record.starts_at != row.starts_at
    old_slot = row.slot_id if moved or record.state is AppointmentState.CANCELLED else None
    if moved:
        row.slot_id = None
    row.state, row.source_at, row.patient_id = record.state, record.event_at, patient_id
    row.starts_at = record.starts_at or row.starts_at
    row.ends_at = record.ends_at or row.ends_at
    row.room = record.room or row.room
    row.department_id = departments.get(record.department_code, row.department_id)
    row.clinician_id = clinicians.get(record.clinician_code, row.clinician_id)
    row.cancel_reason = CancelReason.OTHER_SYSTEM if record.state is AppointmentState.CANCELLED else None
    return old_slot


def _tell(session: Session, row: Appointment, now: datetime, *, moved: bool) -> None:
    kind, event = _EVENTS[row.state]
    note(session, row, HistoryKind.MOVED if moved else kind, via=Via.IMPORT, now=now)
    if event is not None:
        publish(session, event(now=now, appointment_ids=(row.id,)))
