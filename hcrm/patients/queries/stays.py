"""Reading stays, and which departments a patient has been in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Row, Select, func, select
from sqlalchemy.orm import Session

from hcrm.organization.models import Clinician, Department
from hcrm.patients.domain import (
    DeceasedState,
    Disposition,
    EncounterClass,
    EncounterSnapshot,
    EncounterStatus,
)
from hcrm.patients.domain.departments import KnownDepartments, departments_known
from hcrm.patients.models import Encounter, EncounterLocation, Patient
from hcrm.patients.queries.people import records_of_persons

BED_CLASSES = (EncounterClass.INPATIENT, EncounterClass.SHORT_STAY, EncounterClass.OBSERVATION)
"""Stays in a bed of the hospital; discharges from these are what 百分百随访 is measured by."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def left_a_bed_alive() -> list[ColumnElement[bool]]:
    """Stays in a bed that ended and that the patient left alive; care after the acute stay is none of them."""
    return [
        Encounter.encounter_class.in_(BED_CLASSES),
        Encounter.status == EncounterStatus.FINISHED,
        Encounter.post_acute.is_(False),
        Encounter.disposition != Disposition.EXPIRED,
        ~select(Patient.id)
        .where(Patient.id == Encounter.patient_id, Patient.deceased_on <= Encounter.discharged_on)
        .exists(),
    ]


def known_departments(session: Session, facility_id: int) -> KnownDepartments:
    """All departments of a facility, also those no longer in use."""
    columns = (Department.id, Department.code, Department.name, Department.name_zh, Department.active)
    rows = session.execute(select(*columns).where(Department.facility_id == facility_id).order_by(Department.id))
    return departments_known(rows.tuples())


def clinician_codes(session: Session, facility_id: int) -> dict[int, str]:
    """Codes of all clinicians of a facility by id."""
    return dict(
        session.execute(select(Clinician.id, Clinician.code).where(Clinician.facility_id == facility_id)).tuples().all()
    )


def encounter_snapshots(session: Session, encounter_ids: Iterable[int]) -> list[EncounterSnapshot]:
    """The stays with these ids, in the order of the ids."""
    return _snapshots(session, _rows().where(Encounter.id.in_(list(encounter_ids))))


def encounters_of_persons(session: Session, person_ids: Iterable[int]) -> list[EncounterSnapshot]:
    """All stays of these persons (any of their records may be named), the earliest first."""
    records = records_of_persons(session, person_ids)
    stays = _snapshots(session, _rows().where(Encounter.patient_id.in_(records)))
    return sorted(stays, key=lambda stay: (stay.admitted_at or stay.discharged_at or _LONG_AGO, stay.id))


def departments_of_person(session: Session, patient_id: int) -> frozenset[int]:
    """Every department that a stay of this person touched."""
    return frozenset().union(*(stay.department_ids for stay in encounters_of_persons(session, [patient_id])))


_ENCOUNTER_COLUMNS = (
    Encounter.id,
    Encounter.facility_id,
    Encounter.patient_id,
    Patient.person_id,
    Encounter.source,
    Encounter.visit_number,
    Encounter.encounter_class.label("encounter_class"),
    Encounter.post_acute,
    Encounter.status,
    Encounter.planned,
    Encounter.admitted_at,
    Encounter.discharged_at,
    Encounter.admitted_on,
    Encounter.discharged_on,
    Encounter.department_id,
    Encounter.clinician_id,
    Encounter.nurse,
    Encounter.disposition,
    Encounter.principal_diagnosis,
    Encounter.diagnoses,
    Encounter.readmission_plan_31d,
    Encounter.sensitive,
    Encounter.contact_name,
    Encounter.contact_relationship,
    Encounter.needs_review,
    Patient.birth_date,
    Patient.deceased_state,
    Patient.deceased_on,
)


_EARLIER_WARDS = func.array(
    select(EncounterLocation.department_id)
    .where(EncounterLocation.encounter_id == Encounter.id)
    .order_by(EncounterLocation.from_at)
    .scalar_subquery(),
    type_=ARRAY(BigInteger),
).label("earlier_department_ids")


def _rows() -> Select[Any]:
    return (
        select(*_ENCOUNTER_COLUMNS, _EARLIER_WARDS)
        .join(Patient, Patient.id == Encounter.patient_id)
        .order_by(Encounter.id)
    )


def _snapshots(session: Session, query: Select[Any]) -> list[EncounterSnapshot]:
    rows: Sequence[Row[Any]] = session.execute(query).all()
    deaths = _deaths(session, {row.person_id for row in rows})
    return [_snapshot(row, deaths[row.person_id]) for row in rows]


def _snapshot(row: Row[Any], deaths: Sequence[date | None]) -> EncounterSnapshot:
    values = row._asdict()
    own_death = values.pop("deceased_state") is not DeceasedState.NONE
    values["deceased"] = own_death or bool(deaths)
    values["deceased_on"] = values["deceased_on"] or next((day for day in deaths if day), None)
    values["diagnoses"] = tuple(values["diagnoses"])
    values["earlier_department_ids"] = tuple(values["earlier_department_ids"])
    return EncounterSnapshot(**values)


def _deaths(session: Session, person_ids: Collection[int]) -> dict[int, list[date | None]]:
    """Days of death (None when unknown) by person, as told by any record of them."""
    found: dict[int, list[date | None]] = defaultdict(list)
    if person_ids:
        rows = session.execute(
            select(Patient.person_id, Patient.deceased_on).where(
                Patient.person_id.in_(person_ids), Patient.deceased_state != DeceasedState.NONE
            )
        )
        for person_id, day in rows:
            found[person_id].append(day)
    return found
