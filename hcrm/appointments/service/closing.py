"""Closing what was published: one day, some days, or a session for good. Everybody in it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.search import LATER_DAYS
from hcrm.appointments.domain.states import TO_COME, AppointmentState, CancelReason, HistoryKind, Via, move
from hcrm.appointments.domain.waiting import ANSWER_BEFORE
from hcrm.appointments.models import Appointment, ClinicSession, Sitting, Slot
from hcrm.appointments.queries.free import free_slots
from hcrm.appointments.queries.people import clash_of_person
from hcrm.appointments.service.places import Place, note, place_of, put_at, take
from hcrm.appointments.service.texts import tell
from hcrm.events import AppointmentsCancelled, publish
from hcrm.messaging.domain import next_opening
from hcrm.organization import queries as organization
from hcrm.patients.queries import records_of_persons

ANSWER_WITHIN = timedelta(days=1)
"""How long another place is kept for a patient whose session was closed, from when texts may go out."""

_NO_SYNC = {"synchronize_session": False}


class UnknownSitting(LookupError):
    """There is no sitting with this id."""


class UnknownSession(LookupError):
    """There is no session with this id."""


@dataclass(frozen=True, slots=True)
class Closed:
    """What closing came to: how many days are closed now, and how many visits it concerned."""

    days: int
    visits: int


def close_sitting(session: Session, *, sitting_id: int, reason: str, now: datetime, actor_user_id: int | None) -> int:
    """Close one day of a session; how many visits it concerned.

    Where another place can be had it is kept for the patient until they answer; where not, the visit is cancelled and
    somebody will phone. Closing what is closed changes nothing. Raises ``UnknownSitting``, and ``Refused`` for a day
    that has begun.
    """
    row = session.scalars(select(Sitting).where(Sitting.id == sitting_id).with_for_update()).one_or_none()
    if row is None:
        raise UnknownSitting(sitting_id)
    if row.closed_at is not None:
        return 0
    if row.starts_at <= now:
        raise Refused(Refusal.IN_THE_PAST)
    concerned = shut(session, [row], reason=reason, now=now, actor_user_id=actor_user_id)
    for appointment in concerned:
        put_off(session, appointment, now=now, actor_user_id=actor_user_id, reason=reason)
    return len(concerned)


def close_days(
    session: Session,
    *,
    session_id: int,
    from_on: date,
    until_on: date | None,
    reason: str,
    now: datetime,
    actor_user_id: int | None,
) -> Closed:
    """Close the days of a session from ``from_on`` to ``until_on`` (both included); without ``until_on`` it ends.

    All days are closed before anybody is offered another place, so that nobody is offered one of them. Days that have
    begun or are closed stay as they are. Raises ``UnknownSession``, and ``Refused`` when the last day lies before the
    first or no day is left to close.
    """
    owner = locked_session(session, session_id)
    if until_on is not None and until_on < from_on:
        raise Refused(Refusal.END_BEFORE_START)
    rows = open_sittings(session, session_id, from_on, until_on, now)
    if not rows:
        raise Refused(Refusal.NO_DAY)
    if until_on is None or until_on >= (owner.ended_on or owner.last_on):
        end_before(owner, rows[0].day)
    concerned = shut(session, rows, reason=reason, now=now, actor_user_id=actor_user_id)
    for appointment in concerned:
        put_off(session, appointment, now=now, actor_user_id=actor_user_id, reason=reason)
    return Closed(len(rows), len(concerned))


def locked_session(session: Session, session_id: int) -> ClinicSession:
    """The session, locked until the transaction ends. Raises ``UnknownSession``."""
    row = session.scalars(
        select(ClinicSession)
        .where(ClinicSession.id == session_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise UnknownSession(session_id)
    return row


def end_before(owner: ClinicSession, day: date) -> None:
    """The session is held for the last time before ``day``."""
    last = day - timedelta(days=1)
    owner.ended_on = last if owner.ended_on is None else min(last, owner.ended_on)


def open_sittings(
    session: Session, session_id: int, from_on: date, until_on: date | None, now: datetime
) -> Sequence[Sitting]:
    """The days of a session that are still to come and not closed, locked, in order."""
    where = [Sitting.session_id == session_id, Sitting.day >= from_on, Sitting.starts_at > now]
    if until_on is not None:
        where.append(Sitting.day <= until_on)
    return session.scalars(
        select(Sitting)
        .where(*where, Sitting.closed_at.is_(None))
        .order_by(Sitting.day)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()


def shut(
    session: Session, rows: Sequence[Sitting], *, reason: str, now: datetime, actor_user_id: int | None
) -> list[Appointment]:
    """Take the places of these locked sittings out of the way; the visits in them that are to come, locked, by time."""
    for row in rows:
        row.closed_at, row.closed_by, row.closed_reason = now, actor_user_id, reason
    session.flush()
    ids = [row.id for row in rows]
    # Waits for whoever books or gives back a place at this moment; what they have done is seen below.
    session.execute(
        update(Slot).where(Slot.sitting_id.in_(ids), Slot.free.is_(True)).values(free=False),
        execution_options=_NO_SYNC,
    )
    found = session.scalars(
        select(Appointment)
        .join(Slot, Slot.id == Appointment.slot_id)
        .where(Slot.sitting_id.in_(ids), Appointment.state.in_(TO_COME))
        .order_by(Appointment.starts_at, Appointment.id)
        .with_for_update(of=Appointment)
        .execution_options(populate_existing=True)
    )
    return list(found)


def put_off(
    session: Session,
    row: Appointment,
    *,
    now: datetime,
    actor_user_id: int | None,
    reason: str,
    rather_in: int | None = None,
) -> None:
    """Keep another place for one whose place is gone; cancel the visit where there is none.

    ``rather_in``: the sitting in which a place is looked for first, as near as can be to the time that they had.
    """
    hospital = organization.facility(session, row.facility_id)
    opening = next_opening(now, hospital.settings, hospital.zone, organization.calendar(session, row.facility_id))
    place = _another(session, row, opening, rather_in)
    if place is None:
        row.state = move(row.state, AppointmentState.CANCELLED)
        row.cancel_reason, row.ended_at = CancelReason.CLINIC_CLOSED, now
        row.remind_at = row.remind_kind = row.offered_until = None
        row.generation += 1
        session.flush()
        note(session, row, HistoryKind.CANCELLED, via=Via.STAFF, now=now, actor_user_id=actor_user_id, reason=reason)
        tell(session, row, "appt_off", zone=hospital.zone, now=now)
        publish(session, AppointmentsCancelled(now=now, appointment_ids=(row.id,)))
        return
    put_at(row, place, take(session, place), now=now)
    if row.state is not AppointmentState.PROPOSED:
        row.state = move(row.state, AppointmentState.PROPOSED)
    row.wish_from, row.wish_until = now, now + timedelta(days=LATER_DAYS)
    row.remind_at = row.remind_kind = None
    row.confirmed_at = None
    until = min(opening + ANSWER_WITHIN, place.starts_at - ANSWER_BEFORE)
    row.offered_until = until
    session.flush()
    note(session, row, HistoryKind.OFFERED, via=Via.STAFF, now=now, actor_user_id=actor_user_id, reason=reason)
    tell(session, row, "appt_changed", zone=hospital.zone, now=now, until=until, awaits_reply=True, by=until)


def _another(session: Session, row: Appointment, opening: datetime, rather_in: int | None) -> Place | None:
    """The next place after a patient can have answered: in ``rather_in``, then the same clinician's, then anybody's."""
    starts_from = opening + ANSWER_BEFORE + timedelta(hours=1)
    records = records_of_persons(session, [row.patient_id])
    for slot_id in _candidates(session, row, starts_from, rather_in):
        place = place_of(session, slot_id)
        if clash_of_person(session, records, place.starts_at, place.ends_at, besides=row.id) is None:
            return place
    return None


def _candidates(session: Session, row: Appointment, starts_from: datetime, rather_in: int | None) -> list[int]:
    """Free places in the order in which they are looked at."""
    found: list[int] = []
    if rather_in is not None:
        away = func.abs(func.extract("epoch", Slot.starts_at - row.starts_at))
        near = select(Slot.id).where(Slot.sitting_id == rather_in, Slot.free, Slot.starts_at >= starts_from)
        found += session.scalars(near.order_by(away, Slot.id).limit(5))
    for clinician_id in dict.fromkeys((row.clinician_id, None)):
        slots = free_slots(
            session,
            department_id=row.department_id,
            clinician_id=clinician_id,
            starts_from=starts_from,
            starts_until=starts_from + timedelta(days=LATER_DAYS),
            limit=5,
        )
        found += [slot.slot_id for slot in slots]
    return found
