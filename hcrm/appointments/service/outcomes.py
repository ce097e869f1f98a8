"""What came of a visit: the patient arrived, was seen, did not come; and records of stays that are the visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.states import TO_COME, AppointmentState, CancelReason, HistoryKind, Via, move
from hcrm.appointments.models import Appointment, Sitting, Slot
from hcrm.appointments.queries.people import matching_visits
from hcrm.appointments.service.booking import UnknownAppointment, cancel
from hcrm.appointments.service.places import locked, note
from hcrm.events import AppointmentsKept, AppointmentsMissed, publish
from hcrm.patients.queries import records_of_persons

EARLIEST = timedelta(hours=14)
"""Nobody arrives longer before their visit than this: it would be a slip of the hand."""

NOTICED_AFTER = timedelta(hours=2)
"""So long after a sitting has ended its absent patients count as not come."""


def arrive(session: Session, *, appointment_id: int, via: Via, now: datetime, actor_user_id: int | None = None) -> None:
    """The patient is here. Raises ``UnknownAppointment``, ``IllegalMove``, and ``Refused`` long before the visit."""
    row = _known(session, appointment_id)
    _check_time(row, now)
    row.state = move(row.state, AppointmentState.ARRIVED)
    row.arrived_at = now
    _ended(session, row, HistoryKind.ARRIVED, via=via, now=now, actor_user_id=actor_user_id)
    publish(session, AppointmentsKept(now=now, appointment_ids=(row.id,)))


def fulfil(
    session: Session,
    *,
    appointment_id: int,
    via: Via,
    now: datetime,
    actor_user_id: int | None = None,
    outcome: str = "",
    encounter_id: int | None = None,
) -> None:
    """The visit took place, with what came of it. Raises as ``arrive``."""
    row = _known(session, appointment_id)
    _check_time(row, now)
    row.state = move(row.state, AppointmentState.FULFILLED)
    row.arrived_at, row.ended_at = row.arrived_at or now, now
    row.outcome = outcome or row.outcome
    row.visit_encounter_id = encounter_id or row.visit_encounter_id
    _ended(session, row, HistoryKind.FULFILLED, via=via, now=now, actor_user_id=actor_user_id)
    publish(session, AppointmentsKept(now=now, appointment_ids=(row.id,)))


def miss(session: Session, *, appointment_id: int, via: Via, now: datetime, actor_user_id: int | None = None) -> None:
    """The patient did not come. Raises ``UnknownAppointment``, ``IllegalMove``, and ``Refused`` before the visit."""
    row = _known(session, appointment_id)
    if row.starts_at is None or row.starts_at > now:
        raise Refused(Refusal.TOO_EARLY)
    _missed(session, row, via=via, now=now, actor_user_id=actor_user_id)


def _missed(session: Session, row: Appointment, *, via: Via, now: datetime, actor_user_id: int | None = None) -> None:
    row.state = move(row.state, AppointmentState.NOSHOW)
    row.ended_at = now
    _ended(session, row, HistoryKind.NOSHOW, via=via, now=now, actor_user_id=actor_user_id)
    publish(session, AppointmentsMissed(now=now, appointment_ids=(row.id,)))


def notice_missed(session: Session, *, now: datetime, limit: int) -> int:
    """Write down who did not come to sittings that are over; how many.

    Only where somebody of the same sitting was written down as there: where nobody keeps the list, absence says
    nothing, and those visits stay without an outcome for a person to settle.
    """
    seen, seen_slot = aliased(Appointment), aliased(Slot)
    somebody_came = (
        select(seen.id)
        .join(seen_slot, seen_slot.id == seen.slot_id)
        .where(
            seen_slot.sitting_id == Sitting.id,
            seen.state.in_((AppointmentState.ARRIVED, AppointmentState.FULFILLED)),
        )
        .exists()
    )
    rows = session.scalars(
        select(Appointment)
        .join(Slot, Slot.id == Appointment.slot_id)
        .join(Sitting, Sitting.id == Slot.sitting_id)
        .where(
            Appointment.state == AppointmentState.BOOKED,
            Appointment.starts_at > now - timedelta(days=14),
            Appointment.starts_at < now,
            Sitting.ends_at < now - NOTICED_AFTER,
            somebody_came,
        )
        .order_by(Appointment.id)
        .limit(limit)
        .with_for_update(of=Appointment, skip_locked=True)
    ).all()
    for row in rows:
        _missed(session, row, via=Via.PROGRAM, now=now)
    return len(rows)


def note_visits(session: Session, encounter_ids: Sequence[int], *, now: datetime) -> int:
    """Records of stays came in: those that are a booked visit fulfil it; how many."""
    found = matching_visits(session, encounter_ids)
    for appointment_id, encounter_id in found:
        fulfil(session, appointment_id=appointment_id, via=Via.IMPORT, now=now, encounter_id=encounter_id)
    return len(found)


def cancel_of_deceased(session: Session, patient_ids: Sequence[int], *, now: datetime) -> None:
    """Somebody died: nothing is asked of them any more, and their places go to others."""
    records = records_of_persons(session, patient_ids)
    states = (*TO_COME, AppointmentState.WAITLIST)
    ids = session.scalars(
        select(Appointment.id)
        .where(Appointment.patient_id.in_(records), Appointment.state.in_(states))
        .order_by(Appointment.id)
    ).all()
    for appointment_id in ids:
        cancel(
            session,
            appointment_id=appointment_id,
            reason=CancelReason.DECEASED,
            via=Via.PROGRAM,
            now=now,
            quietly=True,
        )


def _known(session: Session, appointment_id: int) -> Appointment:
    row = locked(session, appointment_id)
    if row is None:
        raise UnknownAppointment(appointment_id)
    return row


def _check_time(row: Appointment, now: datetime) -> None:
    if row.starts_at is None or now < row.starts_at - EARLIEST:
        raise Refused(Refusal.TOO_EARLY)


def _ended(
    session: Session, row: Appointment, kind: HistoryKind, *, via: Via, now: datetime, actor_user_id: int | None
) -> None:
    row.remind_at = row.remind_kind = None
    session.flush()
    note(session, row, kind, via=via, now=now, actor_user_id=actor_user_id)
