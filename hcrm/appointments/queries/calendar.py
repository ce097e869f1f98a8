"""Sessions, sittings and visits between two moments, for the calendar pages, the day list and the feed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Scope
from hcrm.appointments.domain.snapshots import AppointmentSnapshot, SessionSnapshot, SittingSnapshot
from hcrm.appointments.domain.states import HOLDING, TO_COME
from hcrm.appointments.models import Appointment, ClinicSession, Sitting, Slot
from hcrm.appointments.queries.free import free_times
from hcrm.appointments.queries.visits import snapshot


def in_scope(scope: Scope, model: type[Sitting | Appointment | ClinicSession]) -> ColumnElement[bool]:
    """Rows of the facilities and departments inside ``scope``."""
    parts: list[ColumnElement[bool]] = []
    for facility_id, departments in scope.departments.items():
        here = model.facility_id == facility_id
        parts.append(here if departments is None else here & model.department_id.in_(departments))
    return or_(*parts)


def sittings_between(
    session: Session,
    scope: Scope,
    *,
    starts_from: datetime,
    starts_until: datetime,
    department_id: int | None = None,
    clinician_id: int | None = None,
) -> list[SittingSnapshot]:
    """The sittings that begin between two moments, with their places."""
    where = [Sitting.starts_at >= starts_from, Sitting.starts_at < starts_until, in_scope(scope, Sitting)]
    if department_id is not None:
        where.append(Sitting.department_id == department_id)
    if clinician_id is not None:
        where.append(Sitting.clinician_id == clinician_id)
    rows = session.scalars(select(Sitting).where(*where).order_by(Sitting.starts_at, Sitting.id)).all()
    counted = free_times(session, [row.id for row in rows])
    return [sitting_snapshot(row, counted.get(row.id, (0, 0))) for row in rows]


def sitting_snapshot(row: Sitting, counted: tuple[int, int] = (0, 0)) -> SittingSnapshot:
    """The picture of one sitting."""
    return SittingSnapshot(
        id=row.id,
        session_id=row.session_id,
        facility_id=row.facility_id,
        department_id=row.department_id,
        clinician_id=row.clinician_id,
        room=row.room,
        day=row.day,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        closed_at=row.closed_at,
        closed_reason=row.closed_reason,
        replaced=row.replaced,
        places=counted[0],
        free=counted[1] if row.closed_at is None else 0,
    )


def sitting(session: Session, sitting_id: int) -> SittingSnapshot | None:
    """One sitting, if there is one with this id."""
    row = session.get(Sitting, sitting_id)
    return None if row is None else sitting_snapshot(row, free_times(session, [row.id]).get(row.id, (0, 0)))


def appointments_between(
    session: Session,
    scope: Scope,
    *,
    starts_from: datetime,
    starts_until: datetime,
    department_id: int | None = None,
    clinician_id: int | None = None,
) -> list[AppointmentSnapshot]:
    """Visits that have a place between two moments, by time."""
    where = [
        Appointment.starts_at >= starts_from,
        Appointment.starts_at < starts_until,
        Appointment.state.in_(HOLDING),
        in_scope(scope, Appointment),
    ]
    if department_id is not None:
        where.append(Appointment.department_id == department_id)
    if clinician_id is not None:
        where.append(Appointment.clinician_id == clinician_id)
    rows = session.execute(
        select(Appointment, Slot.sitting_id)
        .outerjoin(Slot, Slot.id == Appointment.slot_id)
        .where(*where)
        .order_by(Appointment.starts_at, Appointment.id)
    )
    return [snapshot(row, sitting_id) for row, sitting_id in rows]


def session_snapshots(session: Session, scope: Scope, departments: Collection[int] = ()) -> list[SessionSnapshot]:
    """Published sessions inside ``scope``, the newest first."""
    where = [in_scope(scope, ClinicSession)]
    if departments:
        where.append(ClinicSession.department_id.in_(departments))
    rows = session.scalars(select(ClinicSession).where(*where).order_by(ClinicSession.last_on.desc(), ClinicSession.id))
    # One that was changed before its first day was never held.
    return [_session(row) for row in rows if row.ended_on is None or row.ended_on >= row.first_on]


def session_snapshot(session: Session, session_id: int) -> SessionSnapshot | None:
    """One session, if there is one with this id."""
    row = session.get(ClinicSession, session_id)
    return None if row is None else _session(row)


def _session(row: ClinicSession) -> SessionSnapshot:
    return SessionSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        department_id=row.department_id,
        clinician_id=row.clinician_id,
        room=row.room,
        first_on=row.first_on,
        last_on=row.last_on if row.ended_on is None else row.ended_on,
        weekdays=frozenset(row.weekdays),
        every_weeks=row.every_weeks,
        starts=row.starts,
        slot_minutes=row.slot_minutes,
        slots=row.slots,
        capacity=row.capacity,
        on_holidays=row.on_holidays,
    )


def booked_after(session: Session, session_id: int, now: datetime) -> tuple[date | None, int, int]:
    """(the next day of a session that is open, open days to come, visits booked in them)."""
    row = session.execute(
        select(func.min(Sitting.day), func.count(Sitting.id.distinct()), func.count(Appointment.id))
        .select_from(Sitting)
        .outerjoin(Slot, Slot.sitting_id == Sitting.id)
        .outerjoin(Appointment, (Appointment.slot_id == Slot.id) & Appointment.state.in_(TO_COME))
        .where(Sitting.session_id == session_id, Sitting.starts_at > now, Sitting.closed_at.is_(None))
    ).one()
    return row[0], row[1], row[2]


def going_on(session: Session, session_ids: Collection[int], now: datetime) -> frozenset[int]:
    """Those of these sessions that have an open day to come; the others have ended."""
    return frozenset(
        session.scalars(
            select(Sitting.session_id)
            .where(Sitting.session_id.in_(session_ids), Sitting.starts_at > now, Sitting.closed_at.is_(None))
            .distinct()
        )
    )
