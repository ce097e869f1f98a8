"""Changing a session that is published: another time, place, clinician, number or length of slots, from a day on.

The days concerned are closed and published anew in a session of their own, so that what was is kept. Whoever has a
place at a time that there still is keeps it; everybody else is told and offered another one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.sessions import PlannedSitting, SessionRule, sitting_on
from hcrm.appointments.domain.states import AppointmentState, HistoryKind, Via
from hcrm.appointments.models import Appointment, ClinicSession, Sitting, Slot
from hcrm.appointments.queries.people import clash_of_person
from hcrm.appointments.service.closing import end_before, locked_session, open_sittings, put_off, shut
from hcrm.appointments.service.places import Place, note, place_of, put_at, take, write_down
from hcrm.appointments.service.sessions import check_clashes, check_room, store_session
from hcrm.appointments.service.texts import tell
from hcrm.organization import queries as organization
from hcrm.patients.queries import records_of_persons


@dataclass(frozen=True, slots=True)
class SessionChange:
    """What a session is to be from a day on; its weekdays, weeks and last day stay."""

    clinician_id: int | None
    room: str
    starts: time
    slot_minutes: int
    slots: int
    capacity: int


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change came to: the session that goes on; how many visits kept their time, of these how many were told of
    another place or clinician; how many were offered another time or called off.
    """

    session_id: int
    kept: int = 0
    told: int = 0
    put_off: int = 0


def change_session(
    session: Session,
    *,
    session_id: int,
    from_on: date,
    change: SessionChange,
    now: datetime,
    actor_user_id: int | None,
    reason: str = "",
) -> Changed:
    """Change the days of a session from ``from_on`` on that are to come and not closed.

    Raises ``UnknownSession``, and ``Refused``: nothing differs, no day is left, the numbers are impossible, the place
    tells the department, the clinician is somewhere else then (named).
    """
    owner = locked_session(session, session_id)
    if change == change_of(owner):
        raise Refused(Refusal.NOTHING_CHANGED)
    check_room(session, owner.facility_id, change.room)
    zone = organization.facility(session, owner.facility_id).zone
    rows, planned = _days(session, owner, change, from_on, zone, now)
    if change.clinician_id is not None:
        check_clashes(session, change.clinician_id, planned, besides=owner.id)
    end_before(owner, rows[0].day)
    for row in rows:
        row.replaced = True
    visits = shut(session, rows, reason="", now=now, actor_user_id=actor_user_id)
    successor = store_session(
        session, like=_successor(owner, change, planned), sittings=planned, now=now, actor_user_id=actor_user_id
    )
    anew = {row.day: row.id for row in session.scalars(select(Sitting).where(Sitting.session_id == successor.id))}
    homes = {old.id: anew[old.day] for old in rows}
    return _rehouse(session, successor, homes, visits, now=now, actor_user_id=actor_user_id, reason=reason)


def change_of(owner: ClinicSession) -> SessionChange:
    """What a session is now, in the words of a change."""
    return SessionChange(owner.clinician_id, owner.room, owner.starts, owner.slot_minutes, owner.slots, owner.capacity)


def _days(
    session: Session, owner: ClinicSession, change: SessionChange, from_on: date, zone: ZoneInfo, now: datetime
) -> tuple[list[Sitting], list[PlannedSitting]]:
    """The days to be changed and what becomes of them; one whose new time is over already stays as it is."""
    rule = SessionRule(
        first_on=owner.first_on,
        last_on=owner.last_on,
        weekdays=frozenset(owner.weekdays),
        starts=change.starts,
        slot_minutes=change.slot_minutes,
        slots=change.slots,
        capacity=change.capacity,
        every_weeks=owner.every_weeks,
        on_holidays=owner.on_holidays,
    )
    both = [(row, sitting_on(rule, row.day, zone)) for row in open_sittings(session, owner.id, from_on, None, now)]
    both = [(row, plan) for row, plan in both if plan.starts_at > now]
    if not both:
        raise Refused(Refusal.NO_DAY)
    return [row for row, _ in both], [plan for _, plan in both]


def _successor(owner: ClinicSession, change: SessionChange, planned: Sequence[PlannedSitting]) -> ClinicSession:
    return ClinicSession(
        facility_id=owner.facility_id,
        department_id=owner.department_id,
        clinician_id=change.clinician_id,
        room=change.room,
        first_on=planned[0].day,
        last_on=planned[-1].day,
        weekdays=owner.weekdays,
        every_weeks=owner.every_weeks,
        starts=change.starts,
        slot_minutes=change.slot_minutes,
        slots=change.slots,
        capacity=change.capacity,
        on_holidays=owner.on_holidays,
    )


def _rehouse(
    session: Session,
    successor: ClinicSession,
    homes: dict[int, int],
    visits: Sequence[Appointment],
    *,
    now: datetime,
    actor_user_id: int | None,
    reason: str,
) -> Changed:
    """Give every visit its place in the new session; who has none is put off after all others have theirs."""
    done = Changed(successor.id)
    left: list[tuple[Appointment, int]] = []
    for row in visits:
        old = session.get_one(Slot, row.slot_id)
        home = homes[old.sitting_id]
        place = _same_time(session, row, home)
        if place is None:
            left.append((row, home))
            continue
        told = (row.room, row.clinician_id) != (place.room, place.clinician_id)
        _move_over(session, row, place, told=told, now=now, actor_user_id=actor_user_id, reason=reason)
        done = replace(done, kept=done.kept + 1, told=done.told + told)
    for row, home in left:
        put_off(session, row, now=now, actor_user_id=actor_user_id, reason=reason, rather_in=home)
    return replace(done, put_off=len(left))


def _same_time(session: Session, row: Appointment, home: int) -> Place | None:
    """A free place at the same time in the new sitting, if the patient can be there until its end."""
    slot_id = session.scalar(
        select(Slot.id).where(Slot.sitting_id == home, Slot.starts_at == row.starts_at, Slot.free).limit(1)
    )
    if slot_id is None:
        return None
    place = place_of(session, slot_id)
    records = records_of_persons(session, [row.patient_id])
    clash = clash_of_person(session, records, place.starts_at, place.ends_at, besides=row.id)
    return place if clash is None else None


def _move_over(
    session: Session,
    row: Appointment,
    place: Place,
    *,
    told: bool,
    now: datetime,
    actor_user_id: int | None,
    reason: str,
) -> None:
    """The same time in the new session; where the place or the clinician is another one, the patient is told."""
    slot_id = take(session, place)
    if not told:
        row.slot_id, row.ends_at = slot_id, place.ends_at
        write_down(session, row)
        return
    held_until = row.offered_until
    put_at(row, place, slot_id, now=now)
    if row.state is AppointmentState.PROPOSED:
        row.offered_until, row.remind_at, row.remind_kind = held_until, None, None
    write_down(session, row)
    note(session, row, HistoryKind.CHANGED, via=Via.STAFF, now=now, actor_user_id=actor_user_id, reason=reason)
    _tell(session, row, place, held_until, now)


def _tell(session: Session, row: Appointment, place: Place, held_until: datetime | None, now: datetime) -> None:
    if row.state is AppointmentState.PROPOSED and held_until is not None:
        tell(
            session, row, "appt_changed", zone=place.zone, now=now, until=held_until, awaits_reply=True, by=held_until
        )  # fmt: skip
    else:
        tell(session, row, "appt_updated", zone=place.zone, now=now)
