"""Taking a place and giving it back, and what is written down with it.

A place is one row. Whoever sets ``free`` to false has it; the unique index on the places of appointments and the
exclusion of overlapping visits hold whatever else goes wrong.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.reminders import next_reminder
from hcrm.appointments.domain.states import HistoryKind, Via
from hcrm.appointments.models import Appointment, AppointmentHistory, Sitting, Slot
from hcrm.appointments.queries.people import Person, booking_person, clash_of_person
from hcrm.clock import pause
from hcrm.organization.models import Facility

LOOKS = 30
LOOK_AGAIN = 0.01
"""Seconds between two looks at a place that somebody else decides about at this moment."""

PERSON_LOCKS = 4_203_001
_TAKE = text(
    "UPDATE slot SET free = false WHERE id = (SELECT slot.id FROM slot JOIN sitting ON sitting.id = slot.sitting_id"
    " WHERE slot.sitting_id = :sitting AND slot.starts_at = :at AND slot.free AND sitting.closed_at IS NULL"
    " ORDER BY slot.id <> :slot, slot.seat LIMIT 1"
    " FOR UPDATE OF slot SKIP LOCKED FOR KEY SHARE OF sitting SKIP LOCKED) RETURNING id"
)
"""Whoever closes the sitting holds its row alone, so that nobody takes a place in it at that moment."""

_TAKE_AND_WRITE = text(
    "WITH taken AS (UPDATE slot SET free = false WHERE id = (SELECT slot.id FROM slot JOIN sitting"
    "   ON sitting.id = slot.sitting_id WHERE slot.sitting_id = :sitting AND slot.starts_at = :at AND slot.free"
    "   AND sitting.closed_at IS NULL ORDER BY slot.id <> :slot, slot.seat LIMIT 1"
    "   FOR UPDATE OF slot SKIP LOCKED FOR KEY SHARE OF sitting SKIP LOCKED) RETURNING id),"
    " written AS (INSERT INTO appointment (id, facility_id, patient_id, encounter_id, department_id, clinician_id,"
    "   slot_id, room, starts_at, ends_at, state, booked_at, booked_by, booked_via, outcome, note, generation,"
    "   remind_at, remind_kind, declined, token_hash, wrong_dates)"
    "   SELECT :id, :facility, :patient, :encounter, :department, :clinician, taken.id, :room, :at, :until, 'booked',"
    "   :now, :actor, :via, '', :note, 0, :remind_at, :remind_kind, '{}', :token_hash, 0 FROM taken"
    "   RETURNING id, slot_id),"
    " noted AS (INSERT INTO appointment_history (appointment_id, at, kind, via, starts_at, actor_user_id, reason)"
    "   SELECT id, :now, 'booked', :via, :at, :actor, '' FROM written)"
    " SELECT slot_id FROM written"
)
"""As ``_TAKE``, with the appointment and its history written at once: most bookings are one of these statements."""

_IS_FREE = text(
    "SELECT EXISTS (SELECT 1 FROM slot JOIN sitting ON sitting.id = slot.sitting_id"
    " WHERE slot.sitting_id = :sitting AND slot.starts_at = :at AND slot.free AND sitting.closed_at IS NULL)"
)
_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Place:
    """A place that was taken for somebody, with what is needed to write the appointment down."""

    slot_id: int
    sitting_id: int
    facility_id: int
    department_id: int
    clinician_id: int | None
    room: str
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo


def place_of(session: Session, slot_id: int) -> Place:
    """The place with this id, whether free or not. Raises ``Refused`` for an unknown or closed one."""
    row = session.execute(
        select(Slot, Sitting.room, Sitting.closed_at, Facility.timezone)
        .join(Sitting, Sitting.id == Slot.sitting_id)
        .join(Facility, Facility.id == Slot.facility_id)
        .where(Slot.id == slot_id)
    ).one_or_none()
    if row is None:
        raise Refused(Refusal.UNKNOWN_SLOT)
    if row.closed_at is not None:
        raise Refused(Refusal.CLOSED)
    slot = row.Slot
    return Place(
        slot_id=slot.id,
        sitting_id=slot.sitting_id,
        facility_id=slot.facility_id,
        department_id=slot.department_id,
        clinician_id=slot.clinician_id,
        room=row.room,
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        zone=ZoneInfo(row.timezone),
    )


def person_to_book(session: Session, patient_id: int) -> Person:
    """The person, with the right to be written down alone. Raises ``Refused`` for an unknown or dead one.

    One record is kept apart from itself by the database; several records of one person take turns.
    """
    person = booking_person(session, patient_id)
    if person is None:
        raise Refused(Refusal.UNKNOWN_PATIENT)
    if person.deceased:
        raise Refused(Refusal.DECEASED)
    if len(person.records) > 1:
        take_turns(session, person)
    return person


def take_turns(session: Session, person: Person) -> None:
    """Wait for others who book for this person; held until the transaction ends."""
    session.execute(select(func.pg_advisory_xact_lock(PERSON_LOCKS, person.person_id % 2**31)))


def check_place(session: Session, place: Place, person: Person, *, now: datetime, besides: int | None = None) -> None:
    """Whether the person may have the place at all. Raises ``Refused`` with the other visit that is in the way."""
    if place.starts_at <= now:
        raise Refused(Refusal.IN_THE_PAST)
    if place.facility_id != person.facility_id:
        raise Refused(Refusal.OTHER_FACILITY)
    clash = clash_of_person(session, person.records, place.starts_at, place.ends_at, besides=besides)
    if clash is not None:
        raise Refused(Refusal.ELSEWHERE, clash)


def take(session: Session, place: Place) -> int:
    """Take this place, or another at the same time of the same sitting; its slot id. Raises ``Refused`` when full.

    Nobody waits here for a lock, for they may hold one that the other wants; who finds all places being decided about
    looks again for a moment.
    """
    about = {"sitting": place.sitting_id, "at": place.starts_at}
    for _ in range(LOOKS):
        taken = session.scalar(_TAKE, {**about, "slot": place.slot_id})
        if taken is not None:
            return int(taken)
        if not session.scalar(_IS_FREE, about):
            break
        pause(LOOK_AGAIN)
    raise Refused(Refusal.FULL)


def take_and_write(session: Session, row: Appointment, place: Place) -> None:
    """Take a place as ``take`` does and store the new appointment that ``row`` describes, with its history.

    ``row`` is not added to the session; it gets its slot. Raises ``Refused`` as ``take`` and ``write_down`` do.
    """
    values = {
        "sitting": place.sitting_id,
        "slot": place.slot_id,
        "at": place.starts_at,
        "until": place.ends_at,
        "id": row.id,
        "facility": row.facility_id,
        "patient": row.patient_id,
        "encounter": row.encounter_id,
        "department": row.department_id,
        "clinician": row.clinician_id,
        "room": row.room,
        "now": row.booked_at,
        "actor": row.booked_by,
        "via": row.booked_via.value,
        "note": row.note,
        "remind_at": row.remind_at,
        "remind_kind": None if row.remind_kind is None else row.remind_kind.value,
        "token_hash": row.token_hash,
    }
    for _ in range(LOOKS):
        taken = _or_refused(session, values)
        if taken is not None:
            row.slot_id = taken
            return
        if not session.scalar(_IS_FREE, {name: values[name] for name in ("sitting", "at")}):
            break
        pause(LOOK_AGAIN)
    raise Refused(Refusal.FULL)


def _or_refused(session: Session, values: dict[str, Any]) -> int | None:
    try:
        taken: int | None = session.scalar(_TAKE_AND_WRITE, values)
    except IntegrityError as problem:
        raise _refusal(problem) from None
    return taken


def _refusal(problem: IntegrityError) -> Exception:
    """What the refusal of the database means; the error itself where it means nothing to people."""
    broken = str(problem.orig)
    if "ex_appointment_patient" in broken:
        return Refused(Refusal.ELSEWHERE)
    return Refused(Refusal.FULL) if "uq_appointment_slot_id" in broken else problem


def give_back(session: Session, slot_ids: Collection[int]) -> None:
    """Let these places be booked again."""
    session.execute(update(Slot).where(Slot.id.in_(slot_ids)).values(free=True), execution_options=_NO_SYNC)


def write_down(session: Session, row: Appointment) -> None:
    """Store the change of an appointment. Raises ``Refused`` where the database keeps two visits apart."""
    try:
        session.flush()
    except IntegrityError as problem:
        raise _refusal(problem) from None
    assert row.id is not None


def put_at(row: Appointment, place: Place, slot_id: int, *, now: datetime) -> None:
    """Give the appointment this place; what was sent about an earlier one is out of date from now on."""
    row.slot_id, row.room = slot_id, place.room
    row.department_id, row.clinician_id = place.department_id, place.clinician_id
    row.starts_at, row.ends_at = place.starts_at, place.ends_at
    row.generation += 1
    row.offered_until = None
    plan_reminder(row, place.zone, after=now)


def plan_reminder(row: Appointment, zone: ZoneInfo, *, after: datetime) -> None:
    """Note the next reminder that is due later than ``after``."""
    following = None if row.starts_at is None else next_reminder(row.starts_at, zone, after=after)
    row.remind_at = None if following is None else following.due_at
    row.remind_kind = None if following is None else following.kind


def note(
    session: Session,
    row: Appointment,
    kind: HistoryKind,
    *,
    via: Via,
    now: datetime,
    actor_user_id: int | None = None,
    reason: str = "",
) -> None:
    """Add to the history of an appointment."""
    session.execute(
        insert(AppointmentHistory).values(
            appointment_id=row.id,
            at=now,
            kind=kind,
            via=via,
            starts_at=row.starts_at,
            actor_user_id=actor_user_id,
            reason=reason,
        )
    )


def locked(session: Session, appointment_id: int, *, skip: bool = False) -> Appointment | None:
    """The appointment, locked until the transaction ends; None without one, and with ``skip`` when others hold it."""
    return session.scalars(
        select(Appointment)
        .where(Appointment.id == appointment_id)
        .with_for_update(skip_locked=skip)
        .execution_options(populate_existing=True)
    ).one_or_none()
