"""What booking has to know of a person, and which records of stays are the visits that were booked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ARRAY, BigInteger, bindparam, func, or_, select, text
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


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """All that a booking is decided by, read at once.

    ``person`` and ``slot_id`` are None where there is no such patient or place; ``clash`` is a visit of the person at
    that time. ``appointment_id`` is the number that the new appointment will have.
    """

    appointment_id: int
    person: Person | None
    clash: Clash | None
    slot_id: int | None
    sitting_id: int
    facility_id: int
    department_id: int
    clinician_id: int | None
    room: str
    starts_at: datetime
    ends_at: datetime
    closed: bool
    timezone: str


_FACTS = text(
    "SELECT nextval('appointment_id_seq') AS appointment_id, person.id AS person_id, person.facility_id AS home,"
    " person.records, person.deceased, slot.id AS slot_id, slot.sitting_id, slot.facility_id, slot.department_id,"
    " slot.clinician_id, sitting.room, slot.starts_at, slot.ends_at, sitting.closed_at IS NOT NULL AS closed,"
    " facility.timezone, other.room AS other_room, other.starts_at AS other_starts, other.ends_at AS other_ends"
    " FROM (SELECT 1) AS one"
    " LEFT JOIN (SELECT same.person_id AS id, min(asked.facility_id) AS facility_id, array_agg(same.id) AS records,"
    "   bool_or(same.deceased_state <> 'none') AS deceased FROM patient asked JOIN patient same USING (person_id)"
    "   WHERE asked.id = :patient GROUP BY same.person_id) AS person ON true"
    " LEFT JOIN slot ON slot.id = :slot LEFT JOIN sitting ON sitting.id = slot.sitting_id"
    " LEFT JOIN facility ON facility.id = slot.facility_id"
    " LEFT JOIN LATERAL (SELECT room, starts_at, ends_at FROM appointment WHERE patient_id = ANY(person.records)"
    "   AND state NOT IN ('cancelled', 'waitlist') AND starts_at < slot.ends_at AND ends_at > slot.starts_at"
    "   ORDER BY starts_at LIMIT 1) AS other ON true"
)


def booking_facts(session: Session, *, patient_id: int, slot_id: int) -> BookingFacts:
    """Everything about a patient and a place that a booking is decided by, in one question to the database."""
    row = session.execute(_FACTS, {"patient": patient_id, "slot": slot_id}).one()
    known = row.person_id is not None
    return BookingFacts(
        appointment_id=row.appointment_id,
        person=Person(row.person_id, row.home, tuple(row.records), row.deceased) if known else None,
        clash=None if row.other_starts is None else Clash(row.other_room, row.other_starts, row.other_ends),
        slot_id=row.slot_id,
        sitting_id=row.sitting_id or 0,
        facility_id=row.facility_id or 0,
        department_id=row.department_id or 0,
        clinician_id=row.clinician_id,
        room=row.room or "",
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        closed=row.closed,
        timezone=row.timezone or "UTC",
    )


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
