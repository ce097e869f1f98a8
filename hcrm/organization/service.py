"""Writing the hospital: facilities, departments and clinicians as records name them, settings, working calendar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, delete, extract, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.events import CalendarChanged, publish
from hcrm.organization.domain import CalendarEntry, FacilitySettings, UnknownDepartment, UnknownFacility
from hcrm.organization.models import CalendarDay, Clinician, Department, Facility


def ensure_facility(
    session: Session,
    *,
    code: str,
    name: str,
    timezone: str,
    country: str,
    now: datetime,
    name_zh: str = "",
    phone: str = "",
) -> int:
    """The id of the facility ``code``, made when there is none; one that exists is left as it is.

    Raises ``ZoneInfoNotFoundError`` (a ``KeyError``) or ``ValueError`` for an impossible time zone.
    """
    ZoneInfo(timezone)
    session.execute(
        upsert(Facility)
        .values(
            code=code,
            name=name,
            name_zh=name_zh,
            timezone=timezone,
            country=country.upper(),
            phone=phone,
            settings={},
            created_at=now,
        )
        .on_conflict_do_nothing(index_elements=["code"])
    )
    return session.scalars(select(Facility.id).where(Facility.code == code)).one()


def remove_facility(session: Session, facility_id: int) -> None:
    """Remove a facility to which nothing belongs. Raises ``IntegrityError`` where something does."""
    session.execute(delete(Facility).where(Facility.id == facility_id))


def ensure_departments(
    session: Session, *, facility_id: int, names: Mapping[str, str], now: datetime, needs_review: bool = True
) -> dict[str, int]:
    """Ids of the departments by code; unknown ones are made (named by their code when the name is empty).

    A department that exists keeps its name: the records do not overrule what a person has reviewed.
    """
    if not names:
        return {}
    rows = [
        {
            "facility_id": facility_id,
            "code": code,
            "name": names[code] or code,
            "name_zh": "",
            "needs_review": needs_review,
            "active": True,
            "created_at": now,
        }
        for code in sorted(names)
    ]
    session.execute(upsert(Department).on_conflict_do_nothing(index_elements=["facility_id", "code"]), rows)
    found = session.execute(
        select(Department.code, Department.id).where(
            Department.facility_id == facility_id, Department.code.in_(list(names))
        )
    )
    return dict(found.tuples().all())


def ensure_clinicians(session: Session, *, facility_id: int, names: Mapping[str, str]) -> dict[str, int]:
    """Ids of the clinicians by code; unknown ones are made, one that exists keeps its name."""
    if not names:
        return {}
    rows = [{"facility_id": facility_id, "code": code, "name": names[code] or code} for code in sorted(names)]
    session.execute(upsert(Clinician).on_conflict_do_nothing(index_elements=["facility_id", "code"]), rows)
    found = session.execute(
        select(Clinician.code, Clinician.id).where(
            Clinician.facility_id == facility_id, Clinician.code.in_(list(names))
        )
    )
    return dict(found.tuples().all())


def confirm_department(
    session: Session,
    *,
    department_id: int,
    facility_id: int,
    name: str,
    name_zh: str,
    actor_user_id: int | None,
    now: datetime,
    sensitive: bool = False,
) -> None:
    """Give a department its names and say whether it is sensitive; it needs no review any more.

    Raises ``UnknownDepartment``.
    """
    row = session.get(Department, department_id)
    if row is None or row.facility_id != facility_id:
        raise UnknownDepartment(department_id)
    row.name, row.name_zh, row.sensitive, row.needs_review = name, name_zh, sensitive, False
    session.flush()
    record(
        session,
        now=now,
        action="department.confirmed",
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="department",
        object_id=department_id,
        details={"fields": ["name", "name_zh", "sensitive"]},
    )


def change_settings(
    session: Session,
    *,
    facility_id: int,
    changes: Mapping[str, Any],
    actor_user_id: int | None,
    now: datetime,
) -> FacilitySettings:
    """Change settings of a facility (JSON values by name) and record which ones in the audit.

    Raises ``UnknownFacility``, ``UnknownSetting`` or ``InvalidSetting``.
    """
    row = session.get(Facility, facility_id, with_for_update=True)
    if row is None:
        raise UnknownFacility(facility_id)
    before = FacilitySettings.from_json(row.settings)
    changed = before.changed(changes)
    row.settings = changed.to_json()
    session.flush()
    if changed.weekend != before.weekend:
        publish(session, CalendarChanged(now=now, facility_id=facility_id))
    record(
        session,
        now=now,
        action="facility.settings_changed",
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="facility",
        object_id=facility_id,
        details={"fields": sorted(changes)},
    )
    return changed


def replace_calendar_year(
    session: Session,
    *,
    facility_id: int,
    year: int,
    entries: Iterable[CalendarEntry],
    actor_user_id: int | None,
    now: datetime,
) -> None:
    """Replace the holidays and make-up workdays of one year; what is planned moves with them.

    Raises ``UnknownFacility``, or ``ValueError`` for a day of another year.
    """
    days = list(entries)
    rows = [{"facility_id": facility_id, "day": entry.day, "kind": entry.kind, "name": entry.name} for entry in days]
    if any(entry.day.year != year for entry in days):
        raise ValueError("a day is not in this year")
    if session.get(Facility, facility_id, with_for_update=True) is None:
        raise UnknownFacility(facility_id)
    session.execute(
        delete(CalendarDay).where(
            CalendarDay.facility_id == facility_id, extract("year", CalendarDay.day).cast(Integer) == year
        )
    )
    if rows:
        session.execute(insert(CalendarDay), rows)
    publish(session, CalendarChanged(now=now, facility_id=facility_id))
    record(
        session,
        now=now,
        action="facility.calendar_changed",
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="facility",
        object_id=facility_id,
        details={"year": year, "days": len(rows)},
    )
