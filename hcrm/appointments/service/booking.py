"""Booking a visit, moving it, confirming it, giving it up."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.search import LATER_DAYS, FreeSlot
from hcrm.appointments.domain.states import AppointmentState, CancelReason, HistoryKind, Via, move
from hcrm.appointments.domain.texts import TOPIC
from hcrm.appointments.models import Appointment
from hcrm.appointments.queries.free import free_slots
from hcrm.appointments.queries.people import BookingFacts, booking_facts, clash_of_person
from hcrm.appointments.service.links import token_hash_of
from hcrm.appointments.service.places import (
    Place,
    check_place,
    locked,
    note,
    person_to_book,
    place_of,
    plan_reminder,
    put_at,
    take,
    take_and_write,
    take_turns,
    write_down,
)
from hcrm.appointments.service.texts import tell
from hcrm.appointments.service.waiting import pass_on
from hcrm.events import AppointmentsBooked, AppointmentsCancelled, MovesAsked, publish
from hcrm.messaging.service import finish_conversations_about
from hcrm.organization.queries import facility

BY_PATIENT = frozenset({Via.LINK, Via.REPLY})
"""Ways on which nobody of the hospital looks at what is chosen."""


class UnknownAppointment(LookupError):
    """There is no appointment with this id."""


def book(
    session: Session,
    *,
    patient_id: int,
    slot_id: int,
    via: Via,
    now: datetime,
    actor_user_id: int | None = None,
    encounter_id: int | None = None,
    comment: str = "",
) -> int:
    """Book a place for a patient and tell them; the id of the appointment.

    ``encounter_id`` is the stay after which they come back. Where the place is gone, another at the same time of the
    same sitting is taken. Raises ``Refused``: in the past, closed, full, the patient is dead, of another facility, or
    somewhere else at that time.
    """
    facts = booking_facts(session, patient_id=patient_id, slot_id=slot_id)
    place = _place_for(session, facts, now)
    row = Appointment(
        id=facts.appointment_id,
        facility_id=place.facility_id,
        patient_id=patient_id,
        encounter_id=encounter_id,
        state=AppointmentState.BOOKED,
        booked_at=now,
        booked_by=actor_user_id,
        booked_via=via,
        note=comment,
        generation=-1,
        token_hash=token_hash_of(session, facts.appointment_id),
    )
    put_at(row, place, place.slot_id, now=now)
    take_and_write(session, row, place)
    tell(session, row, "appt_booked", zone=place.zone, now=now)
    if encounter_id is not None:
        publish(session, AppointmentsBooked(now=now, appointment_ids=(row.id,)))
    return row.id


def _place_for(session: Session, facts: BookingFacts, now: datetime) -> Place:
    """The place asked for, when the person may have it. Raises ``Refused`` with the first thing in the way."""
    person = facts.person
    wrong = {
        Refusal.UNKNOWN_PATIENT: person is None,
        Refusal.DECEASED: person is not None and person.deceased,
        Refusal.UNKNOWN_SLOT: facts.slot_id is None,
        Refusal.CLOSED: facts.closed,
        Refusal.IN_THE_PAST: facts.slot_id is not None and facts.starts_at <= now,
        Refusal.OTHER_FACILITY: person is not None and person.facility_id != facts.facility_id,
        Refusal.ELSEWHERE: facts.clash is not None,
    }
    for refusal, holds in wrong.items():
        if holds:
            raise Refused(refusal, facts.clash if refusal is Refusal.ELSEWHERE else None)
    assert person is not None
    assert facts.slot_id is not None
    if len(person.records) > 1:
        take_turns(session, person)
        clash = clash_of_person(session, person.records, facts.starts_at, facts.ends_at)
        if clash is not None:
            raise Refused(Refusal.ELSEWHERE, clash)
    return Place(
        slot_id=facts.slot_id,
        sitting_id=facts.sitting_id,
        facility_id=facts.facility_id,
        department_id=facts.department_id,
        clinician_id=facts.clinician_id,
        room=facts.room,
        starts_at=facts.starts_at,
        ends_at=facts.ends_at,
        zone=ZoneInfo(facts.timezone),
    )


def move_appointment(
    session: Session,
    *,
    appointment_id: int,
    slot_id: int,
    via: Via,
    now: datetime,
    actor_user_id: int | None = None,
    reason: str = "",
) -> None:
    """Give a visit that is to come another place; the old one is offered on. The patient is told.

    Raises ``UnknownAppointment`` and ``Refused``: as ``book``, when the visit is over or cancelled, and when patients
    themselves (by link or reply) choose a place of another department.
    """
    row = _to_come(session, appointment_id, now)
    person = person_to_book(session, row.patient_id)
    place = place_of(session, slot_id)
    if via in BY_PATIENT and place.department_id != row.department_id:
        raise Refused(Refusal.OTHER_DEPARTMENT)
    if row.starts_at == place.starts_at and row.slot_id is not None and row.clinician_id == place.clinician_id:
        raise Refused(Refusal.SAME_TIME)
    check_place(session, place, person, now=now, besides=row.id)
    old_slot, was = row.slot_id, row.state
    put_at(row, place, take(session, place), now=now)
    row.moved_at, row.move_asked_at, row.confirmed_at = now, None, None
    if was is not AppointmentState.BOOKED:
        row.state = move(was, AppointmentState.BOOKED)
    write_down(session, row)
    note(session, row, HistoryKind.MOVED, via=via, now=now, actor_user_id=actor_user_id, reason=reason)
    tell(session, row, "appt_booked", zone=place.zone, now=now)
    publish(session, AppointmentsBooked(now=now, appointment_ids=(row.id,)))
    pass_on(session, [old_slot], now=now)


def confirm(
    session: Session, *, appointment_id: int, via: Via, now: datetime, actor_user_id: int | None = None
) -> None:
    """The patient says that they will come; an offered place becomes theirs.

    Raises ``UnknownAppointment`` and ``Refused`` when the visit is over, cancelled, or the offer has lapsed.
    """
    row = _to_come(session, appointment_id, now)
    if row.state is AppointmentState.PROPOSED:
        _accept(session, row, via=via, now=now, actor_user_id=actor_user_id)
    elif row.confirmed_at is None:
        row.confirmed_at = now
        session.flush()
        note(session, row, HistoryKind.CONFIRMED, via=via, now=now, actor_user_id=actor_user_id)


def _accept(session: Session, row: Appointment, *, via: Via, now: datetime, actor_user_id: int | None) -> None:
    if row.offered_until is not None and row.offered_until <= now:
        raise Refused(Refusal.OVER)
    person_to_book(session, row.patient_id)
    row.state = move(row.state, AppointmentState.BOOKED)
    row.booked_at, row.booked_via, row.confirmed_at, row.offered_until = now, via, now, None
    plan_reminder(row, facility(session, row.facility_id).zone, after=now)
    session.flush()
    note(session, row, HistoryKind.BOOKED, via=via, now=now, actor_user_id=actor_user_id)
    publish(session, AppointmentsBooked(now=now, appointment_ids=(row.id,)))


def ask_to_move(session: Session, *, appointment_id: int, via: Via, now: datetime) -> None:
    """The patient wants another time and has not chosen one: somebody will phone. Raises as ``confirm``."""
    row = _to_come(session, appointment_id, now)
    if row.move_asked_at is None:
        row.move_asked_at = now
        session.flush()
        note(session, row, HistoryKind.MOVE_ASKED, via=via, now=now)
        publish(session, MovesAsked(now=now, appointment_ids=(row.id,)))


def cancel(
    session: Session,
    *,
    appointment_id: int,
    reason: CancelReason,
    via: Via,
    now: datetime,
    actor_user_id: int | None = None,
    comment: str = "",
    quietly: bool = False,
) -> None:
    """Give up a visit, or a wish on the waiting list; its place is offered on.

    The patient is told unless they did it themselves by reply, or ``quietly``. Cancelling what is cancelled changes
    nothing. Raises ``UnknownAppointment``, and ``Refused`` when the visit is over.
    """
    # Conversations are locked before appointments everywhere, so that a reply at this moment cannot block both.
    finish_conversations_about(session, topic=TOPIC, subject_id=appointment_id, now=now)
    row = _known(session, appointment_id)
    if row.state is AppointmentState.CANCELLED:
        return
    if row.state is not AppointmentState.WAITLIST:
        _check_to_come(row, now, past_too=True)
    waited = row.state is AppointmentState.WAITLIST
    old_slot = row.slot_id
    row.state = move(row.state, AppointmentState.CANCELLED)
    row.cancel_reason, row.ended_at = reason, now
    row.remind_at = row.remind_kind = row.offered_until = None
    row.generation += 1
    session.flush()
    note(session, row, HistoryKind.CANCELLED, via=via, now=now, actor_user_id=actor_user_id, reason=comment)
    if not (waited or quietly or via is Via.REPLY):
        tell(session, row, "appt_released", zone=facility(session, row.facility_id).zone, now=now)
    publish(session, AppointmentsCancelled(now=now, appointment_ids=(row.id,)))
    pass_on(session, [old_slot], now=now)


def next_free_instead(session: Session, *, slot_id: int, now: datetime, limit: int = 3) -> list[FreeSlot]:
    """What is free next where a place was wanted: the same clinician's, else the department's."""
    try:
        place = place_of(session, slot_id)
    except Refused:
        return []
    return near(session, place, now=now, limit=limit)


def near(session: Session, place: Place, *, now: datetime, limit: int) -> list[FreeSlot]:
    """Free times from the day of ``place`` on, the same clinician's before others."""
    from_day = max(now, place.starts_at.astimezone(place.zone).replace(hour=0, minute=0))
    until = from_day + timedelta(days=LATER_DAYS)
    clinicians = (place.clinician_id, None) if place.clinician_id is not None else (None,)
    found: dict[int, FreeSlot] = {}
    for clinician_id in clinicians:
        if len(found) < limit:
            slots = free_slots(
                session,
                department_id=place.department_id,
                clinician_id=clinician_id,
                starts_from=from_day,
                starts_until=until,
                limit=limit,
            )
            found.update({each.slot_id: each for each in slots})
    return list(found.values())[:limit]


def _known(session: Session, appointment_id: int) -> Appointment:
    row = locked(session, appointment_id)
    if row is None:
        raise UnknownAppointment(appointment_id)
    return row


def _to_come(session: Session, appointment_id: int, now: datetime) -> Appointment:
    row = _known(session, appointment_id)
    _check_to_come(row, now)
    return row


def _check_to_come(row: Appointment, now: datetime, *, past_too: bool = False) -> None:
    open_states = {AppointmentState.PROPOSED, AppointmentState.PENDING, AppointmentState.BOOKED}
    over = row.starts_at is None or (row.starts_at <= now and not past_too)
    if row.state not in open_states or over:
        raise Refused(Refusal.OVER)
