"""What booking has to know of a person, and which records of stays are the visits that were booked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, bindparam, func, or_, select
from sqlalchemy.orm import Session, aliased

from hcrm.appointments.domain.refusals import Clash
from hcrm.appointments.domain.states import HOLDING, AppointmentState
from hcrm.appointments.models import Appointment
from hcrm.patients.domain import DeceasedState, EncounterClass, EncounterStatus
from hcrm.patients.models import Encounter, Patient

NEAR = timedelta(hours=14)
"""A record of a visit begins at most this far from the booked time."""


RETURN_DAYS = timedelta(days=92)
"""An appointment of another system is the return visit of a stay that ended at most this long before it."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who is to be booked: all records of the person, their facility, and whether a death is recorded or reported."""

    person_id: int
    facility_id: int
    records: tuple[int, ...]
    deceased: bool


def booking_person(session: Session, patient_id: int) -> Person | None:
    """The person of this record; None when there is no such record."""
    same = aliased(Patient)
    rows = session.execute(
        select(same.id, same.person_id, same.deceased_state, Patient.facility_id)
        .join(Patient, Patient.person_id == same.person_id)
        .where(Patient.id == patient_id)
    ).all()
    if not rows:
        return None
    deceased = any(row.deceased_state is not DeceasedState.NONE for row in rows)
    return Person(rows[0].person_id, rows[0].facility_id, tuple(row.id for row in rows), deceased)


def clash_of_person(
    session: Session,
    records: Collection[int],
    starts_at: datetime,
    ends_at: datetime,
    *,
    besides: int | None = None,
) -> Clash | None:
    """Another visit of the person at this time."""
    row = session.execute(
        select(Appointment.room, Appointment.starts_at, Appointment.ends_at)
        .where(
            Appointment.patient_id.in_(records),
            Appointment.state.in_(HOLDING),
            Appointment.starts_at < ends_at,
            Appointment.ends_at > starts_at,
            Appointment.id != (besides or 0),
        )
        .order_by(Appointment.starts_at)
        .limit(1)
    ).first()
    if row is None or row.starts_at is None or row.ends_at is None:
        return None
    return Clash(row.room, row.starts_at, row.ends_at)


def matching_visits(session: Session, encounter_ids: Sequence[int]) -> list[tuple[int, int]]:
    """(appointment, encounter) for records of stays that are the visit somebody had booked.

    It is of the same person, in the booked department or an outpatient visit, and begins on the day of the visit.
    """
    states = (AppointmentState.BOOKED, AppointmentState.ARRIVED, AppointmentState.NOSHOW)
    wanted = Appointment.state.in_(states), Appointment.visit_encounter_id.is_(None)
    if session.scalar(select(Appointment.id).where(*wanted).limit(1)) is None:
        return []
    same = aliased(Patient)
    ids = bindparam("ids", list(encounter_ids), type_=ARRAY(BigInteger))
    rows = session.execute(
        select(Appointment.id, Encounter.id)
        .join(same, same.id == Appointment.patient_id)
        .join(Patient, Patient.person_id == same.person_id)
        .join(Encounter, Encounter.patient_id == Patient.id)
        .where(
            *wanted,
            Encounter.id.in_(select(func.unnest(ids))),
            Encounter.status.in_((EncounterStatus.IN_PROGRESS, EncounterStatus.FINISHED)),
            Encounter.admitted_at.between(Appointment.starts_at - NEAR, Appointment.starts_at + NEAR),
            or_(
                Encounter.department_id == Appointment.department_id,
                Encounter.encounter_class == EncounterClass.AMBULATORY,
            ),
            or_(Appointment.encounter_id.is_(None), Appointment.encounter_id != Encounter.id),
        )
        .order_by(Appointment.starts_at, Appointment.id, Encounter.id)
    )
    found: dict[int, int] = {}
    used: set[int] = set()
    for appointment_id, encounter_id in rows:
        if appointment_id not in found and encounter_id not in used:
            found[appointment_id] = encounter_id
            used.add(encounter_id)
    return sorted(found.items())


def last_stay(session: Session, patient_id: int, before: datetime) -> int | None:
    """The stay in a ward of this person that ended last, at most ``RETURN_DAYS`` before."""
    same = aliased(Patient)
    return session.scalar(
        select(Encounter.id)
        .join(same, same.id == Encounter.patient_id)
        .join(Patient, Patient.person_id == same.person_id)
        .where(
            Patient.id == patient_id,
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.encounter_class != EncounterClass.AMBULATORY,
            Encounter.discharged_at <= before,
            Encounter.discharged_at > before - RETURN_DAYS,
        )
        .order_by(Encounter.discharged_at.desc(), Encounter.id.desc())
        .limit(1)
    )
