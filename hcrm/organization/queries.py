"""Reading the hospital: facilities, departments, clinicians, working calendar."""

from __future__ import annotations

from datetime import date

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from hcrm.organization.domain import (
    Calendar,
    CalendarEntry,
    DayKind,
    DepartmentSnapshot,
    FacilitySettings,
    FacilitySnapshot,
    UnknownFacility,
)
from hcrm.organization.models import CalendarDay, Clinician, Department, Facility


def facility(session: Session, facility_id: int) -> FacilitySnapshot:
    """The facility with this id, read once in a transaction. Raises ``UnknownFacility``."""
    row = session.get(Facility, facility_id)
    if row is None:
        raise UnknownFacility(facility_id)
    # A session forgets rows that nobody holds. It reads this one anew after each commit and rollback.
    session.info.setdefault("facilities", {})[facility_id] = row
    return snapshot(row)


def facility_by_code(session: Session, code: str) -> FacilitySnapshot | None:
    """The facility with this code, if there is one."""
    row = session.scalars(select(Facility).where(Facility.code == code)).one_or_none()
    return None if row is None else snapshot(row)


def facilities(session: Session) -> list[FacilitySnapshot]:
    """All facilities, in the order in which they were made."""
    return [snapshot(row) for row in session.scalars(select(Facility).order_by(Facility.id))]


_DEPARTMENTS = (
    select(
        Department.id,
        Department.code,
        Department.name,
        Department.name_zh,
        Department.needs_review,
        Department.sensitive,
    )
    .where(Department.facility_id == bindparam("facility_id"), Department.active)
    .order_by(Department.code)
)


def departments(session: Session, facility_id: int) -> dict[int, DepartmentSnapshot]:
    """The active departments of a facility by id, ordered by code."""
    rows = session.execute(_DEPARTMENTS, {"facility_id": facility_id})
    return {id_: DepartmentSnapshot(id_, *rest) for id_, *rest in rows}


def department_snapshot(row: Department) -> DepartmentSnapshot:
    """The frozen picture of a department."""
    return DepartmentSnapshot(row.id, row.code, row.name, row.name_zh, row.needs_review, row.sensitive)


def clinicians(session: Session, facility_id: int) -> dict[int, str]:
    """Names of the clinicians of a facility by id."""
    rows = session.execute(select(Clinician.id, Clinician.name).where(Clinician.facility_id == facility_id))
    return dict(rows.tuples().all())


def calendar(session: Session, facility_id: int) -> Calendar:
    """The working calendar of a facility. Raises ``UnknownFacility``."""
    settings = facility(session, facility_id).settings
    rows = session.execute(select(CalendarDay.day, CalendarDay.kind).where(CalendarDay.facility_id == facility_id))
    days = rows.all()
    return Calendar(
        weekend=settings.weekend,
        holidays=frozenset(day for day, kind in days if kind is DayKind.HOLIDAY),
        workdays=frozenset(day for day, kind in days if kind is DayKind.WORKDAY),
    )


def calendar_entries(session: Session, facility_id: int, year: int) -> list[CalendarEntry]:
    """Holidays and make-up workdays of one year, in order."""
    rows = session.scalars(
        select(CalendarDay)
        .where(CalendarDay.facility_id == facility_id, CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31)))
        .order_by(CalendarDay.day)
    )
    return [CalendarEntry(row.day, row.kind, row.name) for row in rows]


def snapshot(row: Facility) -> FacilitySnapshot:
    return FacilitySnapshot(
        id=row.id,
        code=row.code,
        name=row.name,
        name_zh=row.name_zh,
        timezone=row.timezone,
        country=row.country,
        phone=row.phone,
        settings=FacilitySettings.from_json(row.settings),
    )
