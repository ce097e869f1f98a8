"""Where: the facilities and departments that a report covers, and what the hospital calls them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm.accounts.models import UserAccount
from hcrm.organization.models import Clinician, Department, Facility
from hcrm.reporting.domain.reports import Label, Selection


def covered(
    selection: Selection, facility_id: InstrumentedAttribute[int], department_id: InstrumentedAttribute[int | None]
) -> ColumnElement[bool]:
    """The condition that a record lies inside the selection's scope and department."""
    inside = (
        true() if selection.scope is None else or_(false(), *_facility_parts(selection, facility_id, department_id))
    )
    if selection.department_id is None:
        return inside
    return and_(inside, department_id == selection.department_id)


def _facility_parts(
    selection: Selection, facility_id: InstrumentedAttribute[int], department_id: InstrumentedAttribute[int | None]
) -> list[ColumnElement[bool]]:
    parts = []
    for facility, departments in sorted((selection.scope or {}).items()):
        here: ColumnElement[bool] = facility_id == facility
        parts.append(here if departments is None else and_(here, department_id.in_(sorted(departments))))
    return parts


def facility_zones(session: Session, selection: Selection) -> dict[int, str]:
    """The time zones of the facilities in scope, by facility."""
    rows = session.execute(select(Facility.id, Facility.timezone).order_by(Facility.id))
    return {facility: zone for facility, zone in rows if selection.scope is None or facility in selection.scope}


def facility_labels(session: Session) -> dict[int, Label]:
    rows = session.execute(select(Facility.id, Facility.code, Facility.name, Facility.name_zh))
    return {key: Label(str(key), name, name_zh, code) for key, code, name, name_zh in rows}


def department_labels(session: Session) -> dict[int, Label]:
    """Every department, also the ones no longer used: their past still counts."""
    rows = session.execute(select(Department.id, Department.code, Department.name, Department.name_zh))
    return {key: Label(str(key), name, name_zh, code) for key, code, name, name_zh in rows}


def clinician_labels(session: Session) -> dict[int, Label]:
    rows = session.execute(select(Clinician.id, Clinician.code, Clinician.name))
    return {key: Label(str(key), name, code=code) for key, code, name in rows}


def staff_labels(session: Session) -> dict[int, Label]:
    rows = session.execute(select(UserAccount.id, UserAccount.username, UserAccount.display_name))
    return {key: Label(str(key), name, code=username) for key, username, name in rows}
