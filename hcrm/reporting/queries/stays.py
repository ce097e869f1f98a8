"""The stays that revisit figures are made of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from hcrm.appointments.models import Appointment
from hcrm.organization.models import Facility
from hcrm.patients.domain import EncounterClass, EncounterStatus
from hcrm.patients.models import Encounter, Patient
from hcrm.reporting.domain.measures import Measure, Unit
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.domain.revisits import Stay
from hcrm.reporting.queries.places import covered

_MARGIN = timedelta(days=3)
"""Zones differ by less than this, so stays at the edge of a window are never missed."""

COUNTED_STATUSES = (EncounterStatus.FINISHED, EncounterStatus.IN_PROGRESS)


def stays(session: Session, selection: Selection, measure: Measure, *, grouped: bool = False) -> list[Stay]:
    """All stays that can matter to indexes that ended in the selection: whole histories of the persons they belong to.

    What ended before the period, or began after every window has run out, is left out: it can change nothing. With
    ``grouped`` the only stays of patients are read as groups of like ones (``Stay.weight``): most patients have one
    stay, cannot have come back, and differ by nothing that a figure of days counts by.
    """
    zones = {facility: _zone(name) for facility, name in session.execute(select(Facility.id, Facility.timezone))}
    merged = _merged(session)
    deaths = _deaths_of_merged(session, merged)
    each = _statement(selection, measure, merged)
    alike = grouped and measure.unit is Unit.DAYS and not measure.index_diagnoses
    statement = _grouped(each, merged) if alike else each
    found = []
    for key, record, facility_id, *rest in session.execute(statement).all():
        person_id = merged.get(record, record)
        stay = Stay(key, person_id, facility_id, zones[facility_id], *rest)
        found.append(stay._replace(deceased_on=deaths[person_id]) if person_id in deaths else stay)
    return found


def _statement(selection: Selection, measure: Measure, merged: Mapping[int, int]) -> Select[Any]:
    classes = sorted(measure.index_classes | measure.revisit_classes)
    ended = Encounter.status == EncounterStatus.FINISHED
    statement = (
        # After the first three, what ``Stay`` holds after the zone, in its order.
        select(
            Encounter.id.label("id"),
            Encounter.patient_id.label("record"),
            Encounter.facility_id.label("facility_id"),
            type_coerce(Encounter.encounter_class, String).label("encounter_class"),
            func.coalesce(Encounter.admitted_at, Encounter.discharged_at).label("admitted_at"),
            func.coalesce(Encounter.admitted_on, Encounter.discharged_on).label("admitted_on"),
            case((ended, Encounter.discharged_at)).label("discharged_at"),
            case((ended, Encounter.discharged_on)).label("discharged_on"),
            case((_is_booked_visit(), True), else_=Encounter.planned).label("planned"),
            type_coerce(Encounter.disposition, String).label("disposition"),
            Encounter.principal_diagnosis.label("principal_diagnosis"),
            Encounter.readmission_plan_31d.label("readmission_plan_31d"),
            Patient.deceased_on.label("deceased_on"),
            Encounter.department_id.label("department_id"),
            Encounter.clinician_id.label("clinician_id"),
            Encounter.patient_id.label("patient_id"),
            literal(1).label("weight"),
        )
        # Of the patients only those who died, who have an index of their own.
        .outerjoin(Patient, and_(Patient.id == Encounter.patient_id, Patient.deceased_on.is_not(None)))
        .where(
            Encounter.encounter_class.in_(classes),
            Encounter.status.in_(COUNTED_STATUSES),
            Encounter.post_acute.is_(False),
            or_(Encounter.encounter_class == EncounterClass.INPATIENT, not_(_is_booked_visit())),
            or_(Encounter.admitted_at.is_not(None), Encounter.discharged_at.is_not(None)),
        )
    )
    if selection.from_on is None and selection.to_on is None and selection.scope is None:
        return statement
    return statement.where(_records(selection, measure, merged), *_time_bounds(selection, measure))


def _is_booked_visit() -> ColumnElement[bool]:
    """A return visit that was booked: no revisit, and in a ward a planned stay."""
    return exists(select(literal(1)).where(Appointment.visit_encounter_id == Encounter.id))


_TOLD_APART = ("discharged_on", "department_id", "facility_id", "deceased_on", "readmission_plan_31d", "disposition")
"""What a figure of days tells the only stays of patients apart by."""

_OF_THE_GROUP = {"id", "record", "encounter_class", "admitted_at", "admitted_on", "discharged_at", "patient_id"}
"""What a group takes from one of its stays; what matters for a return only it leaves empty."""


def _grouped(each: Select[Any], merged: Mapping[int, int]) -> CompoundSelect[Any]:
    """The stays of ``each``, with the only stays of patients as one row for all that are alike."""
    found = each.cte("found")
    several = select(found.c.record).group_by(found.c.record).having(func.count() > 1)
    apart: ColumnElement[bool] = found.c.record.in_(several)
    if merged:
        apart = or_(apart, found.c.record.in_(sorted({*merged, *merged.values()})))
    names = [str(column.key) for column in each.selected_columns]
    groups = select(*(_of_group(found.c[name]) for name in names)).where(not_(apart))
    groups = groups.group_by(*(found.c[name] for name in _TOLD_APART))
    return union_all(groups, select(*(found.c[name] for name in names)).where(apart))


def _of_group(column: ColumnElement[Any]) -> ColumnElement[Any]:
    name = str(column.key)
    if name in _TOLD_APART:
        return column
    if name == "weight":
        return func.count().label(name)
    if name in _OF_THE_GROUP:
        return func.min(column).label(name)
    return cast(literal("") if name == "principal_diagnosis" else null(), column.type).label(name)


def _records(selection: Selection, measure: Measure, merged: Mapping[int, int]) -> ColumnElement[bool]:
    """Whether a stay belongs to a person with a stay of an index class that ended in the selection.

    ``merged`` maps records that were merged into another to the person; without any, records are persons.
    """
    index = aliased(Encounter)
    conditions = [
        index.encounter_class.in_(sorted(measure.index_classes)),
        index.status == EncounterStatus.FINISHED,
        covered(selection, index.facility_id, index.department_id),
    ]
    if selection.from_on:
        conditions.append(index.discharged_on >= selection.from_on)
    if selection.to_on:
        conditions.append(index.discharged_on <= selection.to_on)
    own = Encounter.patient_id.in_(select(index.patient_id).where(and_(*conditions)))
    # Persons with several records are few: all of their stays are read, whether they have an index or not.
    return or_(own, Encounter.patient_id.in_(sorted({*merged, *merged.values()}))) if merged else own


def _merged(session: Session) -> dict[int, int]:
    """The person of every record that was merged into another one."""
    statement = select(Patient.id, Patient.person_id).where(Patient.person_id != Patient.id)
    return dict(session.execute(statement).tuples().all())


def _deaths_of_merged(session: Session, merged: Mapping[int, int]) -> dict[int, date]:
    """The day of death of persons who have several records, as told by any of them."""
    if not merged:
        return {}
    rows = session.execute(
        select(Patient.person_id, func.min(Patient.deceased_on))
        .where(Patient.deceased_on.is_not(None), Patient.id.in_(sorted({*merged, *merged.values()})))
        .group_by(Patient.person_id)
    )
    return {person: died_on for person, died_on in rows if died_on is not None}


def _time_bounds(selection: Selection, measure: Measure) -> list[Any]:
    bounds: list[Any] = []
    if selection.from_on:
        bounds.append(
            or_(Encounter.discharged_on.is_(None), Encounter.discharged_on >= _shifted(selection.from_on, -_MARGIN))
        )
    if selection.to_on:
        last = _shifted(selection.to_on, timedelta(days=measure.last) + _MARGIN)
        bounds.append(func.coalesce(Encounter.admitted_on, Encounter.discharged_on) <= last)
    return bounds


def _shifted(day: date, by: timedelta) -> date:
    try:
        return day + by
    except OverflowError:
        return date.min if by < timedelta(0) else date.max


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
