"""Publishing sessions, and closing what was published."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hcrm.appointments.domain.refusals import Clash, Refusal, Refused
from hcrm.appointments.domain.search import LATER_DAYS, ReturnRule
from hcrm.appointments.domain.sessions import PlannedSitting, SessionRule, plan_sittings
from hcrm.appointments.domain.states import TO_COME, AppointmentState, CancelReason, HistoryKind, Via, move
from hcrm.appointments.domain.texts import is_telling
from hcrm.appointments.domain.waiting import ANSWER_BEFORE
from hcrm.appointments.models import Appointment, ClinicSession, ReturnRuleRow, Sitting, Slot
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


def publish_session(
    session: Session,
    *,
    facility_id: int,
    department_id: int,
    clinician_id: int | None,
    room: str,
    rule: SessionRule,
    now: datetime,
    actor_user_id: int | None = None,
) -> int:
    """Publish a session: every day of its rule that is still to come, with all its places; the id of the session.

    Raises ``Refused``: the rule cannot be followed, the room tells the department, or the clinician is already
    somewhere else, with that session named.
    """
    hospital = organization.facility(session, facility_id)
    departments = organization.departments(session, facility_id)
    names = [name for each in departments.values() for name in (each.name, each.name_zh)]
    if is_telling(room, names):
        raise Refused(Refusal.TELLING_ROOM)
    sittings = plan_sittings(rule, organization.calendar(session, facility_id), hospital.zone)
    sittings = [each for each in sittings if each.starts_at > now]
    if not sittings:
        raise Refused(Refusal.NO_DAY)
    if clinician_id is not None:
        _check_clashes(session, clinician_id, sittings)
    assert rule.last_on is not None
    row = ClinicSession(
        facility_id=facility_id,
        department_id=department_id,
        clinician_id=clinician_id,
        room=room,
        first_on=rule.first_on,
        last_on=rule.last_on,
        weekdays=sorted(rule.weekdays),
        every_weeks=rule.every_weeks,
        starts=rule.starts,
        slot_minutes=rule.slot_minutes,
        slots=rule.slots,
        capacity=rule.capacity,
        on_holidays=rule.on_holidays,
        created_at=now,
        created_by=actor_user_id,
    )
    session.add(row)
    session.flush()
    _make_sittings(session, row, sittings)
    return row.id


def _check_clashes(session: Session, clinician_id: int, sittings: Sequence[PlannedSitting]) -> None:
    """Raises ``Refused`` with the first session of the clinician that overlaps."""
    others = session.scalars(
        select(Sitting)
        .where(
            Sitting.clinician_id == clinician_id,
            Sitting.closed_at.is_(None),
            Sitting.starts_at < sittings[-1].ends_at,
            Sitting.ends_at > sittings[0].starts_at,
        )
        .order_by(Sitting.starts_at)
    ).all()
    for planned in sittings:
        for other in others:
            if other.starts_at < planned.ends_at and planned.starts_at < other.ends_at:
                raise Refused(Refusal.SESSIONS_CLASH, Clash(other.room, other.starts_at, other.ends_at))


def _make_sittings(session: Session, row: ClinicSession, sittings: Sequence[PlannedSitting]) -> None:
    values = [
        {
            "session_id": row.id,
            "facility_id": row.facility_id,
            "department_id": row.department_id,
            "clinician_id": row.clinician_id,
            "room": row.room,
            "day": each.day,
            "starts_at": each.starts_at,
            "ends_at": each.ends_at,
            "closed_reason": "",
        }
        for each in sittings
    ]
    try:
        session.execute(insert(Sitting), values)
    except IntegrityError as problem:
        if "ex_sitting_clinician" not in str(problem.orig):
            raise
        raise Refused(Refusal.SESSIONS_CLASH) from None
    session.execute(
        text(
            "INSERT INTO slot (sitting_id, facility_id, department_id, clinician_id, starts_at, ends_at, seat, free)"
            " SELECT sitting.id, facility_id, department_id, clinician_id,"
            " starts_at + number * make_interval(mins => :minutes),"
            " starts_at + (number + 1) * make_interval(mins => :minutes), seat, true"
            " FROM sitting, generate_series(0, :slots - 1) AS number, generate_series(1, :capacity) AS seat"
            " WHERE session_id = :session_id ORDER BY starts_at, number, seat"
        ),
        {"minutes": row.slot_minutes, "slots": row.slots, "capacity": row.capacity, "session_id": row.id},
    )


def close_sitting(session: Session, *, sitting_id: int, reason: str, now: datetime, actor_user_id: int | None) -> int:
    """Close one day of a session; how many visits it concerned. Everybody in it is told.

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
    row.closed_at, row.closed_by, row.closed_reason = now, actor_user_id, reason
    session.flush()
    # Waits for whoever books or gives back a place at this moment; what they have done is seen below.
    session.execute(
        update(Slot).where(Slot.sitting_id == sitting_id, Slot.free.is_(True)).values(free=False),
        execution_options=_NO_SYNC,
    )
    concerned = session.scalars(
        select(Appointment)
        .join(Slot, Slot.id == Appointment.slot_id)
        .where(Slot.sitting_id == sitting_id, Appointment.state.in_(TO_COME))
        .order_by(Appointment.starts_at, Appointment.id)
        .with_for_update(of=Appointment)
        .execution_options(populate_existing=True)
    ).all()
    for appointment in concerned:
        _put_off(session, appointment, now=now, actor_user_id=actor_user_id, reason=reason)
    return len(concerned)


def _put_off(session: Session, row: Appointment, *, now: datetime, actor_user_id: int | None, reason: str) -> None:
    """Keep another place for one whose session was closed; cancel the visit where there is none."""
    hospital = organization.facility(session, row.facility_id)
    opening = next_opening(now, hospital.settings, hospital.zone, organization.calendar(session, row.facility_id))
    place = _another(session, row, opening)
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


def _another(session: Session, row: Appointment, opening: datetime) -> Place | None:
    """The next place after a patient can have answered: the same clinician's, else the department's."""
    starts_from = opening + ANSWER_BEFORE + timedelta(hours=1)
    records = records_of_persons(session, [row.patient_id])
    for clinician_id in dict.fromkeys((row.clinician_id, None)):
        for slot in free_slots(
            session,
            department_id=row.department_id,
            clinician_id=clinician_id,
            starts_from=starts_from,
            starts_until=starts_from + timedelta(days=LATER_DAYS),
            limit=5,
        ):
            place = place_of(session, slot.slot_id)
            clash = clash_of_person(session, records, place.starts_at, place.ends_at, besides=row.id)
            if clash is None:
                return place
    return None


def set_return_rule(session: Session, *, facility_id: int, department_id: int, rule: ReturnRule) -> None:
    """Say when patients of a department should come back. Raises ``Refused`` for impossible days."""
    if not 0 <= rule.from_days <= rule.within_days <= 366:
        raise Refused(Refusal.END_BEFORE_START)
    row = session.get(ReturnRuleRow, department_id) or ReturnRuleRow(department_id=department_id)
    row.facility_id = facility_id
    row.from_days, row.within_days, row.same_clinician = rule.from_days, rule.within_days, rule.same_clinician
    session.add(row)
    session.flush()
