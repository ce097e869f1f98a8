"""What the clinics of a simulated hospital go by: how far sessions are published, who went home, who comes today."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from hcrm.appointments.domain.states import AppointmentState, HistoryKind
from hcrm.appointments.models import Appointment, AppointmentHistory, Sitting
from hcrm.patients.domain import DeceasedState, EncounterStatus
from hcrm.patients.models import Encounter, Patient


class WentHome(NamedTuple):
    """A stay that ended on a day, of somebody who is alive."""

    encounter_id: int
    patient_id: int
    department_id: int
    clinician_id: int | None
    discharged_at: datetime


def published_until(session: Session, facility_id: int) -> dict[int, date]:
    """The last day on which each department holds a session."""
    rows = session.execute(
        select(Sitting.department_id, func.max(Sitting.day))
        .where(Sitting.facility_id == facility_id)
        .group_by(Sitting.department_id)
    )
    return {department_id: day for department_id, day in rows}  # noqa: C416 - rows are no tuples for the type checker


def went_home_on(session: Session, facility_id: int, day: date) -> list[WentHome]:
    """The stays that ended on ``day``, in order."""
    rows = session.execute(
        select(
            Encounter.id, Encounter.patient_id, Encounter.department_id, Encounter.clinician_id, Encounter.discharged_at
        )
        .join(Patient, Patient.id == Encounter.patient_id)
        .where(
            Encounter.facility_id == facility_id,
            Encounter.discharged_on == day,
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.department_id.is_not(None),
            Patient.deceased_state == DeceasedState.NONE,
        )
        .order_by(Encounter.id)
    )
    return [WentHome(*row) for row in rows]


def clinicians_of(session: Session, facility_id: int) -> dict[int, list[int]]:
    """Clinicians of the stays of each department, those with most stays first."""
    rows = session.execute(
        select(Encounter.department_id, Encounter.clinician_id)
        .where(
            Encounter.facility_id == facility_id,
            Encounter.department_id.is_not(None),
            Encounter.clinician_id.is_not(None),
        )
        .group_by(Encounter.department_id, Encounter.clinician_id)
        .order_by(Encounter.department_id, func.count().desc(), Encounter.clinician_id)
    )
    found: dict[int, list[int]] = {}
    for department_id, clinician_id in rows:
        found.setdefault(department_id, []).append(clinician_id)
    return found


def due_until(session: Session, facility_id: int, until: datetime) -> list[int]:
    """Visits whose time has come and that nobody has settled, in order."""
    rows = session.scalars(
        select(Appointment.id)
        .where(
            Appointment.facility_id == facility_id,
            Appointment.state == AppointmentState.BOOKED,
            Appointment.starts_at <= until,
        )
        .order_by(Appointment.starts_at, Appointment.id)
    )
    return list(rows)


def moves_asked(session: Session, facility_id: int, now: datetime) -> list[int]:
    """Visits to come whose patients have asked for another time and have not chosen one, in order."""
    rows = session.scalars(
        select(Appointment.id)
        .where(
            Appointment.facility_id == facility_id,
            Appointment.state == AppointmentState.BOOKED,
            Appointment.move_asked_at.is_not(None),
            Appointment.starts_at > now,
        )
        .order_by(Appointment.id)
    )
    return list(rows)


def missed_on(session: Session, facility_id: int, day: date, zone: tzinfo) -> list[WentHome]:
    """The stays whose return visit was missed on ``day``, of those who are alive and have no other one to come."""
    begins = datetime.combine(day, time.min, zone)
    later = aliased(Appointment)
    rows = session.execute(
        select(
            Encounter.id, Encounter.patient_id, Encounter.department_id, Encounter.clinician_id, Encounter.discharged_at
        )
        .join(Appointment, Appointment.encounter_id == Encounter.id)
        .join(Patient, Patient.id == Encounter.patient_id)
        .where(
            Appointment.facility_id == facility_id,
            Appointment.state == AppointmentState.NOSHOW,
            Appointment.starts_at >= begins,
            Appointment.starts_at < begins + timedelta(days=1),
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.department_id.is_not(None),
            Patient.deceased_state == DeceasedState.NONE,
            ~select(later.id)
            .where(later.encounter_id == Encounter.id, later.state == AppointmentState.BOOKED)
            .exists(),
        )
        .order_by(Appointment.id)
    )
    return [WentHome(*row) for row in rows]


def newest_entry(session: Session) -> int:
    """The id of the newest entry in the history of any visit; 0 when there is none."""
    return session.scalar(select(func.coalesce(func.max(AppointmentHistory.id), 0))) or 0


def done_since(session: Session, entry_id: int) -> Counter[HistoryKind]:
    """How often each thing was done about visits after the entry with this id."""
    rows = session.execute(
        select(AppointmentHistory.kind, func.count())
        .where(AppointmentHistory.id > entry_id)
        .group_by(AppointmentHistory.kind)
    )
    return Counter(dict(rows.tuples().all()))
