"""Working stays and patients out anew from the facts that are left."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.orm import Session

from hcrm.patients.domain import (
    DeceasedState,
    EncounterState,
    EncounterStatus,
    Fact,
    PatientState,
    Place,
    RowKind,
    advance_patient,
    fold,
    in_order,
    typed_fields,
)
from hcrm.patients.domain.names import name_sort_key
from hcrm.patients.domain.prepared import STAY_COLUMNS, language_of
from hcrm.patients.models import Encounter, EncounterLocation, Patient
from hcrm.patients.queries import clinician_codes, known_departments
from hcrm.patients.service.bulk import fetch, update_rows

ENCOUNTER: Table = Encounter.__table__  # type: ignore[assignment]
PATIENT: Table = Patient.__table__  # type: ignore[assignment]
BEFORE_ALL: Place = (datetime(1800, 1, 1, tzinfo=UTC), 0, 0)
"""Where a stay without facts stands: every record is newer."""
NOT_THERE = EncounterState(cancelled=True)

Facts = Mapping[int, list[Fact]]


def facts_of_stays(session: Session, encounter_ids: Sequence[int]) -> Facts:
    """The facts of each stay; a stay without any has an empty list."""
    rows = fetch(
        session,
        """
        SELECT e.id, f.event_at, f.source_rank, f.content_hash, f.kind, f.fields
        FROM encounter e JOIN encounter_fact f USING (facility_id, source, visit_number)
        WHERE e.id = ANY(%s)
        """,
        list(encounter_ids),
    )
    return _by_id(encounter_ids, rows)


def facts_of_patients(session: Session, facility_id: int, patient_ids: Sequence[int]) -> Facts:
    """The facts that name each patient by the facility's number; those of stays and those of the patient alone."""
    rows = fetch(
        session,
        """
        SELECT i.patient_id, f.event_at, f.source_rank, f.content_hash, 'stay', f.fields
        FROM patient_identifier i
        JOIN encounter e ON e.facility_id = i.facility_id AND e.patient_id = i.patient_id
        JOIN encounter_fact f
          ON f.facility_id = e.facility_id AND f.source = e.source AND f.visit_number = e.visit_number
        WHERE i.facility_id = %s AND i.system = 'mrn' AND i.patient_id = ANY(%s) AND f.fields ->> 'mrn' = i.value
        UNION ALL
        SELECT i.patient_id, f.event_at, f.source_rank, f.content_hash, 'stay', f.fields
        FROM patient_identifier i
        JOIN patient_fact f ON f.facility_id = i.facility_id AND f.mrn = i.value
        WHERE i.facility_id = %s AND i.system = 'mrn' AND i.patient_id = ANY(%s)
        """,
        facility_id,
        list(patient_ids),
        facility_id,
        list(patient_ids),
    )
    return _by_id(patient_ids, rows)


def _by_id(ids: Iterable[int], rows: Iterable[Sequence[Any]]) -> Facts:
    found: dict[int, list[Fact]] = {each: [] for each in ids}
    for owner, event_at, rank, content_hash, kind, fields in rows:
        found[owner].append(Fact(event_at, rank, content_hash, RowKind(kind), typed_fields(fields)))
    return found


def refold_stays(
    session: Session, *, facility_id: int, encounter_ids: Sequence[int], zone: ZoneInfo, now: datetime
) -> list[int]:
    """Give each stay the state that its facts add up to; the ids of those without any, which count as cancelled."""
    facts = facts_of_stays(session, encounter_ids)
    departments = known_departments(session, facility_id)
    clinicians = {code: each for each, code in clinician_codes(session, facility_id).items()}
    states = {each: fold(map(departments.in_codes, known)) if known else NOT_THERE for each, known in facts.items()}
    named = _patients_named(session, facility_id, [state.mrn for state in states.values() if state.mrn])
    owners = dict(fetch(session, "SELECT id, patient_id FROM encounter WHERE id = ANY(%s)", list(encounter_ids)))
    rows = [
        _stay_values(state, zone, now)
        | {
            "id": each,
            "patient_id": named.get(state.mrn, owners[each]),
            "department_id": departments.ids.get(state.department),
            "clinician_id": clinicians.get(state.clinician),
        }
        | _head(facts[each])
        for each, state in states.items()
    ]
    update_rows(session, ENCOUNTER, rows)
    _rewrite_wards(session, states, departments.ids)
    return [each for each, known in facts.items() if not known]


def _patients_named(session: Session, facility_id: int, mrns: Sequence[str]) -> dict[str, int]:
    query = (
        "SELECT value, patient_id FROM patient_identifier WHERE facility_id = %s AND system = 'mrn' AND value = ANY(%s)"
    )
    return dict(fetch(session, query, facility_id, list(mrns)))


def _head(facts: Sequence[Fact]) -> dict[str, Any]:
    event_at, rank, content_hash = max((fact.place for fact in facts), default=BEFORE_ALL)
    return {"head_event_at": event_at, "head_rank": rank, "head_hash": content_hash}


_WORKED_OUT = frozenset({"class", "status", "admitted_on", "discharged_on"})
"""Columns of a stay that have another name, or a form of their own, in its state."""


def _stay_values(state: EncounterState, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    def day(moment: datetime | None) -> date | None:
        return None if moment is None else moment.astimezone(zone).date()

    return {
        **{name: getattr(state, name) for name in STAY_COLUMNS if name not in _WORKED_OUT},
        "class": state.encounter_class,
        "status": state.status,
        "admitted_on": day(state.admitted_at) or day(state.discharged_at),
        "discharged_on": day(state.discharged_at),
        "updated_at": now,
    }


def _rewrite_wards(session: Session, states: Mapping[int, EncounterState], departments: Mapping[str, int]) -> None:
    session.execute(delete(EncounterLocation).where(EncounterLocation.encounter_id.in_(list(states))))
    rows = {
        (each, departments[code], since) for each, state in states.items() for code, since in state.earlier_departments
    }
    if rows:
        values = [{"encounter_id": a, "department_id": b, "from_at": c} for a, b, c in rows]
        session.execute(insert(EncounterLocation), values)


def refold_patients(
    session: Session, *, facility_id: int, patient_ids: Sequence[int], now: datetime
) -> tuple[list[int], list[int]]:
    """Give each patient the state that the facts lead to, except for what a person has decided.

    Returns the patients without any fact, and those who count as dead no longer.
    """
    facts = facts_of_patients(session, facility_id, patient_ids)
    deaths = _deaths_in_hospital(session, patient_ids)
    rows = session.scalars(select(Patient).where(Patient.id.in_(list(patient_ids)))).all()
    living = [row.id for row in rows if facts[row.id] and _settle(row, facts[row.id], deaths[row.id], now)]
    session.flush()
    return [each for each, known in facts.items() if not known], living


def _settle(row: Patient, facts: Iterable[Fact], deaths: Sequence[tuple[date, datetime]], now: datetime) -> bool:
    """Take over the state that ``facts`` lead to; True when a death is taken back."""
    checked = row.deceased_checked_at
    state = PatientState(language=row.language if row.language_chosen_at else None)
    for fact in in_order(facts):
        after = advance_patient(state, fact)
        if row.language_chosen_at:
            after = after._replace(language=state.language)
        if checked is not None and fact.event_at <= checked:
            after = after._replace(deceased_on=state.deceased_on)
        state = after
    told = [day for day, event_at in deaths if checked is None or event_at > checked]
    died = state.deceased_on or next(iter(told), None)
    was_dead = row.deceased_on is not None
    row.family_name, row.given_name, row.full_name = state.family_name, state.given_name, state.full_name
    row.name_sort_key = name_sort_key(state.family_name, state.given_name, state.full_name)
    row.sex, row.birth_date, row.address = state.sex, state.birth_date, state.address
    row.language, row.updated_at, row.deceased_on = language_of(state), now, died
    if died is not None:
        row.deceased_state = DeceasedState.CONFIRMED
    elif was_dead:
        row.deceased_state = DeceasedState.NONE
    return was_dead and died is None


def _deaths_in_hospital(session: Session, patient_ids: Sequence[int]) -> dict[int, list[tuple[date, datetime]]]:
    rows = fetch(
        session,
        """
        SELECT patient_id, discharged_on, head_event_at FROM encounter
        WHERE patient_id = ANY(%s) AND disposition = 'expired' AND status = %s ORDER BY discharged_on
        """,
        list(patient_ids),
        EncounterStatus.FINISHED.value,
    )
    found: dict[int, list[tuple[date, datetime]]] = defaultdict(list)
    for patient_id, day, event_at in rows:
        found[patient_id].append((day, event_at))
    return found
