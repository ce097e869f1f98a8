"""What the clinics of a simulated hospital go by: how far sessions are published, who went home, who comes today."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.appointments.domain.states import AppointmentState
from hcrm.appointments.models import Appointment, Sitting
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
