"""Figures about return visits by department."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy import ColumnElement, Float, and_, case, cast, func, or_, select
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.domain import Scope
from hcrm.appointments.domain.figures import VisitFigures
from hcrm.appointments.domain.states import AppointmentState
from hcrm.appointments.models import Appointment
from hcrm.appointments.queries.calendar import in_scope
from hcrm.clock import local_moment
from hcrm.patients.models import Encounter, Patient
from hcrm.patients.queries import left_a_bed_alive

DUE = (
    AppointmentState.BOOKED,
    AppointmentState.ARRIVED,
    AppointmentState.FULFILLED,
    AppointmentState.NOSHOW,
)
KEPT = (AppointmentState.ARRIVED, AppointmentState.FULFILLED)
_DAY = 86_400


def visit_figures_by_department(
    session: Session,
    scope: Scope,
    *,
    from_on: date,
    to_on: date,
    zone: tzinfo,
    now: datetime,
    department_id: int | None = None,
) -> dict[int | None, VisitFigures]:
    """Figures of the days ``from_on`` to ``to_on`` (both included), and of all departments together under None.

    ``department_id`` narrows it to one department.
    """
    if department_id is not None:
        scope = _narrowed(scope, department_id)
    starts_from = local_moment(from_on, time(0), zone)
    starts_until = min(now, local_moment(to_on + timedelta(days=1), time(0), zone))
    discharged = _discharged(session, scope, from_on, to_on)
    visits = _visits(session, scope, starts_from, starts_until)
    departments = [each for each in {*discharged, *visits} if each is not None]
    keys: list[int | None] = [*sorted(departments), None]
    found: dict[int | None, VisitFigures] = {}
    for key in keys:
        due, kept, missed, lead = visits.get(key, (0, 0, 0, None))
        found[key] = VisitFigures(*discharged.get(key, (0, 0)), due, kept, missed, lead)
    return found


def _narrowed(scope: Scope, department_id: int) -> Scope:
    """What of the scope is this department."""
    return Scope(
        {
            facility_id: frozenset({department_id})
            for facility_id, allowed in scope.departments.items()
            if allowed is None or department_id in allowed
        }
    )


def _discharged(session: Session, scope: Scope, from_on: date, to_on: date) -> dict[int | None, tuple[int, int]]:
    """(live discharges, those with a visit booked not after the discharge) by department, and of all under None."""
    counted = (
        Encounter.discharged_on.between(from_on, to_on),
        *left_a_bed_alive(),
        _of_scope(scope),
    )
    every = session.execute(
        select(Encounter.department_id, func.count()).where(*counted).group_by(Encounter.department_id)
    ).all()
    same, record = aliased(Patient), aliased(Patient)
    booked = session.execute(
        select(Encounter.department_id, func.count(Encounter.id.distinct()))
        .select_from(Appointment)
        .join(same, same.id == Appointment.patient_id)
        .join(record, record.person_id == same.person_id)
        .join(Encounter, Encounter.patient_id == record.id)
        .where(
            *counted,
            Appointment.booked_at <= Encounter.discharged_at,
            Appointment.starts_at > Encounter.discharged_at,
            Appointment.state.in_(DUE),
        )
        .group_by(Encounter.department_id)
    ).all()
    early = {row[0]: row[1] for row in booked}
    found: dict[int | None, tuple[int, int]] = {
        row[0]: (row[1], early.get(row[0], 0)) for row in every if row[0] is not None
    }
    found[None] = (sum(row[1] for row in every), sum(early.values()))
    return found


def _of_scope(scope: Scope) -> ColumnElement[bool]:
    parts = []
    for facility_id, departments in scope.departments.items():
        here = Encounter.facility_id == facility_id
        parts.append(here if departments is None else and_(here, Encounter.department_id.in_(departments)))
    return or_(*parts)


def _visits(
    session: Session, scope: Scope, starts_from: datetime, starts_until: datetime
) -> dict[int | None, tuple[int, int, int, float | None]]:
    """(due, kept, missed, median days from booking to the visit) by department, and of all under None."""
    lead = func.greatest(0, func.extract("epoch", Appointment.starts_at - Appointment.booked_at)) / _DAY
    every = func.grouping(Appointment.department_id) == 1
    rows = session.execute(
        select(
            case((every, None), else_=Appointment.department_id),
            func.count(),
            func.count().filter(Appointment.state.in_(KEPT)),
            func.count().filter(Appointment.state == AppointmentState.NOSHOW),
            func.percentile_cont(0.5).within_group(cast(lead, Float)),
        )
        .where(
            Appointment.starts_at >= starts_from,
            Appointment.starts_at < starts_until,
            Appointment.state.in_(DUE),
            in_scope(scope, Appointment),
        )
        .group_by(func.rollup(Appointment.department_id))
    ).all()
    return {row[0]: (row[1], row[2], row[3], row[4]) for row in rows}
