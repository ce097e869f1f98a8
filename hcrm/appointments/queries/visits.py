"""Appointments one by one: by id, by link, of a person, on the waiting list; what texts about them are out of date."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.appointments.domain.snapshots import AppointmentSnapshot, HistoryEntry
from hcrm.appointments.domain.states import AppointmentState, HistoryKind
from hcrm.appointments.domain.texts import generation_of
from hcrm.appointments.domain.waiting import Wish
from hcrm.appointments.models import Appointment, AppointmentHistory, CalendarFeed, Slot
from hcrm.appointments.queries.sensitive import sensitive_visits
from hcrm.ids import token_hash
from hcrm.patients.domain import TimelineEntry


def snapshot(row: Appointment, sitting_id: int | None = None) -> AppointmentSnapshot:
    """The picture of one appointment."""
    return AppointmentSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        department_id=row.department_id,
        clinician_id=row.clinician_id,
        slot_id=row.slot_id,
        sitting_id=sitting_id,
        room=row.room,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        state=row.state,
        booked_at=row.booked_at,
        booked_via=row.booked_via,
        confirmed_at=row.confirmed_at,
        move_asked_at=row.move_asked_at,
        offered_until=row.offered_until,
        cancel_reason=row.cancel_reason,
        outcome=row.outcome,
        note=row.note,
        generation=row.generation,
        task_id=row.task_id,
    )


def appointments(session: Session, appointment_ids: Collection[int]) -> list[AppointmentSnapshot]:
    """These appointments, by time."""
    rows = session.execute(
        select(Appointment, Slot.sitting_id)
        .outerjoin(Slot, Slot.id == Appointment.slot_id)
        .where(Appointment.id.in_(appointment_ids))
        .order_by(Appointment.starts_at, Appointment.id)
        .execution_options(populate_existing=True)
    )
    return [snapshot(row, sitting_id) for row, sitting_id in rows]


def appointment(session: Session, appointment_id: int) -> AppointmentSnapshot | None:
    """One appointment, if there is one with this id."""
    return next(iter(appointments(session, [appointment_id])), None)


def appointment_by_token(session: Session, token: str) -> tuple[AppointmentSnapshot, datetime | None] | None:
    """The appointment that a link is for, and until when its check of the birth date is locked."""
    row = session.execute(
        select(Appointment.id, Appointment.locked_until).where(Appointment.token_hash == token_hash(token))
    ).one_or_none()
    if row is None:
        return None
    found = appointment(session, row.id)
    return None if found is None else (found, row.locked_until)


def of_persons(session: Session, records: Collection[int]) -> list[AppointmentSnapshot]:
    """All appointments of these records, by time; those that wait come last."""
    ids = session.scalars(select(Appointment.id).where(Appointment.patient_id.in_(records))).all()
    return appointments(session, ids)


def history(session: Session, appointment_id: int) -> list[HistoryEntry]:
    """What was done about an appointment, in order."""
    rows = session.scalars(
        select(AppointmentHistory)
        .where(AppointmentHistory.appointment_id == appointment_id)
        .order_by(AppointmentHistory.at, AppointmentHistory.id)
    )
    return [HistoryEntry(row.at, row.kind, row.via, row.starts_at, row.actor_user_id, row.reason) for row in rows]


def wish_of(row: Appointment) -> Wish:
    """What somebody on the waiting list waits for."""
    assert row.asked_at is not None
    assert row.wish_from is not None
    assert row.wish_until is not None
    return Wish(
        appointment_id=row.id,
        asked_at=row.asked_at,
        department_id=row.department_id,
        clinician_id=row.wish_clinician_id,
        starts_from=row.wish_from,
        starts_until=row.wish_until,
        declined=frozenset(row.declined),
    )


def waiting_list(session: Session, department_id: int, now: datetime) -> list[tuple[AppointmentSnapshot, Wish]]:
    """Who waits for a place in a department, in the order in which places are offered."""
    rows = session.scalars(
        select(Appointment)
        .where(
            Appointment.state == AppointmentState.WAITLIST,
            Appointment.department_id == department_id,
            Appointment.wish_until > now,
        )
        .order_by(Appointment.asked_at, Appointment.id)
    )
    return [(snapshot(row), wish_of(row)) for row in rows]


def outdated(session: Session, messages: Iterable[tuple[int, str]]) -> dict[str, bool]:
    """Of messages (appointment, key) about to go out, by key: True for one that speaks of a time that no longer holds,
    False for one whose appointment is being changed at this moment.

    The other appointments are locked against change until the transaction ends, so that what goes out is right at that
    moment. Nobody waits here for a lock.
    """
    asked = [(subject_id, key, generation_of(key)) for subject_id, key in messages]
    ids = sorted({subject_id for subject_id, _, generation in asked if generation is not None})
    if not ids:
        return {}
    rows = session.execute(
        select(Appointment.id, Appointment.generation)
        .where(Appointment.id.in_(ids))
        .order_by(Appointment.id)
        .with_for_update(read=True, skip_locked=True)
    )
    holds = {row.id: row.generation for row in rows}
    return {
        key: subject_id in holds
        for subject_id, key, generation in asked
        if generation is not None and generation != holds.get(subject_id)
    }


def feed_generation(session: Session, clinician_id: int) -> int | None:
    """Which secret address of a clinician's feed is the valid one; None when there is none."""
    return session.scalar(select(CalendarFeed.generation).where(CalendarFeed.clinician_id == clinician_id))


def feed_by_token(session: Session, token: str) -> tuple[int, int] | None:
    """(facility, clinician) of a feed's address."""
    row = session.execute(
        select(CalendarFeed.facility_id, CalendarFeed.clinician_id).where(CalendarFeed.token_hash == token_hash(token))
    ).one_or_none()
    return None if row is None else (row.facility_id, row.clinician_id)


def timeline(session: Session, patient_ids: Sequence[int]) -> list[TimelineEntry]:
    """What was done about the appointments of one person."""
    rows = session.execute(
        select(AppointmentHistory, Appointment)
        .join(Appointment, Appointment.id == AppointmentHistory.appointment_id)
        .where(Appointment.patient_id.in_(patient_ids))
    )
    found = rows.all()
    knowing = sensitive_visits(session, {row.id for _, row in found})
    return [
        TimelineEntry(
            at=entry.at,
            kind="appointment",
            title_code=f"appointment.{entry.kind.value}",
            params={
                "when": entry.starts_at,
                "user_id": entry.actor_user_id,
                "note": entry.reason,
                "sensitive": row.id in knowing,
                "facility_id": row.facility_id,
                "department_ids": knowing.get(row.id, frozenset()),
            },
            state=f"appointment.{row.state.value}" if entry.kind is HistoryKind.BOOKED else "",
            object_kind="appointment",
            object_id=row.id,
            encounter_id=row.encounter_id,
        )
        for entry, row in found
        if entry.kind is not HistoryKind.REMINDED
    ]
