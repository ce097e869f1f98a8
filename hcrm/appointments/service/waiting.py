"""The waiting list: a place that becomes free is offered to who waits longest, held, and offered on."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.states import AppointmentState, HistoryKind, Via, move
from hcrm.appointments.domain.texts import TOPIC
from hcrm.appointments.domain.waiting import ANSWER_BEFORE, FreedPlace, next_in_line, offer_until
from hcrm.appointments.models import Appointment
from hcrm.appointments.queries.people import clash_of_person
from hcrm.appointments.queries.visits import wish_of
from hcrm.appointments.service.links import token_hash_of
from hcrm.appointments.service.places import (
    Place,
    give_back,
    locked,
    note,
    person_to_book,
    place_of,
    put_at,
)
from hcrm.appointments.service.texts import tell
from hcrm.messaging.domain import next_opening
from hcrm.messaging.service import finish_conversations_about
from hcrm.organization import queries as organization

LINE = 50
"""So many of those who wait are looked at for one place."""


def wait(
    session: Session,
    *,
    patient_id: int,
    facility_id: int,
    department_id: int,
    clinician_id: int | None,
    starts_from: datetime,
    starts_until: datetime,
    via: Via,
    now: datetime,
    actor_user_id: int | None = None,
    encounter_id: int | None = None,
) -> int:
    """Put a patient on the waiting list; the id of the appointment that they may come to have.

    Raises ``Refused``: dead, another facility, no time to come, waiting there already.
    """
    person = person_to_book(session, patient_id)
    if person.facility_id != facility_id:
        raise Refused(Refusal.OTHER_FACILITY)
    if starts_until <= max(now, starts_from):
        raise Refused(Refusal.EMPTY_WISH)
    waiting = select(Appointment.id).where(
        Appointment.patient_id.in_(person.records),
        Appointment.department_id == department_id,
        Appointment.state == AppointmentState.WAITLIST,
        Appointment.wish_until > now,
    )
    if session.scalar(waiting.limit(1)) is not None:
        raise Refused(Refusal.ALREADY_WAITING)
    row = Appointment(
        id=session.scalar(select(func.nextval("appointment_id_seq"))),
        facility_id=facility_id,
        patient_id=patient_id,
        encounter_id=encounter_id,
        department_id=department_id,
        clinician_id=clinician_id,
        room="",
        state=AppointmentState.WAITLIST,
        booked_at=now,
        booked_by=actor_user_id,
        booked_via=via,
        generation=0,
        asked_at=now,
        wish_from=starts_from,
        wish_until=starts_until,
        wish_clinician_id=clinician_id,
        declined=[],
    )
    row.token_hash = token_hash_of(session, row.id)
    session.add(row)
    session.flush()
    note(session, row, HistoryKind.ASKED, via=via, now=now, actor_user_id=actor_user_id)
    return row.id


def pass_on(session: Session, slot_ids: Iterable[int | None], *, now: datetime) -> None:
    """Places that nobody has any more: offered to who waits longest, else free for everybody.

    Places of closed sittings stay closed; those that begin too soon are not offered, only free.
    """
    for slot_id in slot_ids:
        if slot_id is None:
            continue
        try:
            place = place_of(session, slot_id)
        except Refused:
            continue
        if not _offer(session, place, now):
            give_back(session, [slot_id])


def _offer(session: Session, place: Place, now: datetime) -> bool:
    """Hold the place for who waits longest among those whom it suits; False when there is nobody."""
    hospital = organization.facility(session, place.facility_id)
    calendar = organization.calendar(session, place.facility_id)
    opening = next_opening(now, hospital.settings, hospital.zone, calendar)
    until = offer_until(opening=opening, starts_at=place.starts_at)
    if until <= opening or place.starts_at - ANSWER_BEFORE <= now:
        return False
    row = _first_in_line(session, place, now)
    if row is None:
        return False
    row.state = move(row.state, AppointmentState.PROPOSED)
    put_at(row, place, place.slot_id, now=now)
    row.remind_at = row.remind_kind = None
    row.offered_until = until
    session.flush()
    note(session, row, HistoryKind.OFFERED, via=Via.PROGRAM, now=now)
    tell(session, row, "appt_offer", zone=place.zone, now=now, until=until, awaits_reply=True, by=until)
    return True


def _first_in_line(session: Session, place: Place, now: datetime) -> Appointment | None:
    """Locked. One whom another freed place is offered to at this moment is passed over."""
    rows = session.scalars(
        select(Appointment)
        .where(
            Appointment.state == AppointmentState.WAITLIST,
            Appointment.department_id == place.department_id,
            Appointment.wish_from <= place.starts_at,
            Appointment.wish_until > place.starts_at,
        )
        .order_by(Appointment.asked_at, Appointment.id)
        .limit(LINE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    left = {row.id: row for row in rows}
    freed = FreedPlace(place.slot_id, place.department_id, place.clinician_id, place.starts_at)
    while (wish := next_in_line([wish_of(row) for row in left.values()], freed)) is not None:
        row = left.pop(wish.appointment_id)
        if _can_come(session, row, place, now):
            return row
    return None


def _can_come(session: Session, row: Appointment, place: Place, now: datetime) -> bool:
    """Alive, and nowhere else at that time."""
    try:
        person = person_to_book(session, row.patient_id)
    except Refused:
        return False
    return now < place.starts_at and not clash_of_person(session, person.records, place.starts_at, place.ends_at)


def decline(
    session: Session, *, appointment_id: int, via: Via, now: datetime, actor_user_id: int | None = None
) -> None:
    """The offered place is not wanted: it goes to the next, and who declined keeps their turn for another one.

    Changes nothing when no place is offered.
    """
    finish_conversations_about(session, topic=TOPIC, subject_id=appointment_id, now=now)
    row = locked(session, appointment_id)
    if row is not None and row.state is AppointmentState.PROPOSED:
        _back_to_list(session, row, HistoryKind.DECLINED, via=via, now=now, actor_user_id=actor_user_id)


def lapse_due(session: Session, *, now: datetime, limit: int) -> int:
    """Take back offers that nobody has answered in time, and offer the places on; how many."""
    rows = session.scalars(
        select(Appointment)
        .where(Appointment.state == AppointmentState.PROPOSED, Appointment.offered_until <= now)
        .order_by(Appointment.offered_until, Appointment.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        _back_to_list(session, row, HistoryKind.LAPSED, via=Via.PROGRAM, now=now)
    return len(rows)


def _back_to_list(
    session: Session,
    row: Appointment,
    kind: HistoryKind,
    *,
    via: Via,
    now: datetime,
    actor_user_id: int | None = None,
) -> None:
    slot_id = row.slot_id
    note(session, row, kind, via=via, now=now, actor_user_id=actor_user_id)
    row.state = move(row.state, AppointmentState.WAITLIST)
    row.declined = [*row.declined, *([slot_id] if slot_id is not None else [])]
    # Whoever was put off by a closed session has waited since the first booking.
    row.asked_at = row.asked_at or row.booked_at
    row.wish_from = row.wish_from or now
    row.wish_until = row.wish_until or (row.ends_at or now)
    row.slot_id = row.starts_at = row.ends_at = row.offered_until = None
    row.generation += 1
    session.flush()
    pass_on(session, [slot_id], now=now)
