"""The one bulk writer: takes rows of any source into facts, patients, numbers and stays.

A chunk is read against what is known with a few set-based queries, decided by pure functions, and written with
``COPY`` and one update per table. Imports into one facility take turns, chunk by chunk, so that they neither wait for
each other in a circle nor make anything twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hcrm.events import EncountersChanged, PatientsDeceased, publish
from hcrm.organization.service import ensure_clinicians, ensure_departments
from hcrm.patients.domain import (
    ApplyCounts,
    EncounterState,
    StayRow,
    clinician_named,
    department_named,
)
from hcrm.patients.models import Encounter, EncounterFact, EncounterLocation
from hcrm.patients.queries import clinician_codes, department_codes, records_of_persons
from hcrm.patients.service.bulk import (
    BOOLEAN,
    copy_rows,
    day_text,
    fetch,
    json_list,
    moment_text,
    number_text,
    reserve_ids,
    same_moment_text,
    text_array,
    update_rows,
)
from hcrm.patients.service.locks import lock_facility
from hcrm.patients.service.numbers import write_numbers
from hcrm.patients.service.people import Person, people_of, settle_people, write_people
from hcrm.patients.service.visits import Codes, Visit, changed_visits, settle_states

ENCOUNTER: Table = Encounter.__table__  # type: ignore[assignment]
FACT: Table = EncounterFact.__table__  # type: ignore[assignment]
LOCATION: Table = EncounterLocation.__table__  # type: ignore[assignment]


def apply_stays(
    session: Session,
    *,
    facility_id: int,
    timezone: str,
    batch_id: int | None,
    source_rank: int,
    stated_at: datetime,
    rows: Sequence[StayRow],
    with_plans: bool,
    now: datetime,
) -> ApplyCounts:
    """Store what ``rows`` say and publish which stays changed; the same rows again change nothing.

    ``stated_at`` is the event time of rows that have none of their own, ``source_rank`` breaks ties between sources,
    ``timezone`` gives the calendar days of the stays. Departments and clinicians that are not known are made, the
    former marked for review. Raises ``BulkWriteFailed`` when the database refuses a row; nothing of the chunk is
    stored then, once the caller has rolled back.
    """
    if not rows:
        return ApplyCounts()
    session.flush()
    lock_facility(session, facility_id)
    zone = ZoneInfo(timezone)
    visits = changed_visits(session, facility_id=facility_id, rows=rows, stated_at=stated_at, source_rank=source_rank)
    if not visits:
        return ApplyCounts(unchanged=len(rows))
    codes = _codes(session, facility_id, visits, now)
    settle_states(session, facility_id=facility_id, visits=visits, codes=codes)
    people = people_of(session, facility_id=facility_id, visits=visits)
    persons = settle_people(session, facility_id=facility_id, people=people, visits=visits, zone=zone)
    write_people(session, facility_id=facility_id, persons=persons, now=now)
    renumbered = write_numbers(session, facility_id=facility_id, persons=persons, now=now)
    changed = _write_visits(session, facility_id, visits, people, _Columns(codes, zone, now))
    _write_facts(session, facility_id, visits, batch_id, now)
    session.expire_all()
    changed_people = renumbered | {person.id for person in persons if person.changed}
    _publish(session, changed, persons, with_plans=with_plans, now=now)
    return _counts(len(rows), visits, people, persons, changed_people)


def _codes(session: Session, facility_id: int, visits: Sequence[Visit], now: datetime) -> Codes:
    """Codes of all departments and clinicians of the facility, after making those that the facts name."""
    departments = department_codes(session, facility_id)
    clinicians = clinician_codes(session, facility_id)
    new_departments = _new_names(visits, department_named, "department_name", set(departments.values()))
    if new_departments:
        made = ensure_departments(session, facility_id=facility_id, names=new_departments, now=now)
        departments = {**departments, **{each: code for code, each in made.items()}}
    new_clinicians = _new_names(visits, clinician_named, "clinician_name", set(clinicians.values()))
    if new_clinicians:
        made = ensure_clinicians(session, facility_id=facility_id, names=new_clinicians)
        clinicians = {**clinicians, **{each: code for code, each in made.items()}}
    return Codes(departments, clinicians)


def _new_names(
    visits: Sequence[Visit], code_of: Callable[[Mapping[str, Any]], str | None], name_field: str, known: set[str]
) -> dict[str, str]:
    """Names by code of what the new facts name and nobody knows."""
    names: dict[str, str] = {}
    for visit in visits:
        for new in visit.new:
            code = code_of(new.fact.fields)
            if code and code not in known and code not in names:
                names[code] = new.fact.fields.get(name_field) or code
    return names


class _Columns:
    """Turns the state of a visit into values of its columns."""

    def __init__(self, codes: Codes, zone: ZoneInfo, now: datetime) -> None:
        self.departments = {code: department_id for department_id, code in codes.departments.items()}
        self.clinicians = {code: clinician_id for clinician_id, code in codes.clinicians.items()}
        self.zone = zone
        self.now = now

    def day(self, moment: datetime | None) -> date | None:
        return None if moment is None else moment.astimezone(self.zone).date()

    def values(self, visit: Visit, patient_id: int) -> dict[str, object]:
        """Values by column, to change a stored stay."""
        state = visit.state
        event_at, rank, content_hash = visit.place
        discharged_on = self.day(state.discharged_at)
        return {
            **{name: getattr(state, name) for name in _SAME_COLUMNS},
            "patient_id": patient_id,
            "class": state.encounter_class,
            "status": state.status,
            "admitted_on": self.day(state.admitted_at) or discharged_on,
            "discharged_on": discharged_on,
            "department_id": self.departments.get(state.department),
            "clinician_id": self.clinicians.get(state.clinician),
            "head_hash": content_hash,
            "head_event_at": event_at,
            "head_rank": rank,
            "updated_at": self.now,
        }

    def texts(self, visit: Visit, patient_id: int) -> tuple[str, ...]:
        """Values of ``_STATE_COLUMNS`` as ``COPY`` reads them, for a new stay."""
        state = visit.state
        event_at, rank, content_hash = visit.place
        discharged_on = self.day(state.discharged_at)
        now = same_moment_text(self.now)
        return (
            str(patient_id),
            state.encounter_class,
            BOOLEAN[state.post_acute],
            state.status,
            BOOLEAN[state.planned],
            moment_text(state.admitted_at),
            moment_text(state.discharged_at),
            day_text(self.day(state.admitted_at) or discharged_on),
            day_text(discharged_on),
            number_text(self.departments.get(state.department)),
            number_text(self.clinicians.get(state.clinician)),
            state.nurse,
            state.disposition,
            state.principal_diagnosis,
            text_array(state.diagnoses),
            json_list(state.procedures),
            BOOLEAN[state.readmission_plan_31d],
            BOOLEAN[state.sensitive],
            state.payer,
            state.contact_name,
            state.contact_relationship,
            BOOLEAN[state.needs_review],
            str(content_hash),
            same_moment_text(event_at),
            str(rank),
            now,
            now,
        )


_STATE_COLUMNS = (
    "patient_id",
    "class",
    "post_acute",
    "status",
    "planned",
    "admitted_at",
    "discharged_at",
    "admitted_on",
    "discharged_on",
    "department_id",
    "clinician_id",
    "nurse",
    "disposition",
    "principal_diagnosis",
    "diagnoses",
    "procedures",
    "readmission_plan_31d",
    "sensitive",
    "payer",
    "contact_name",
    "contact_relationship",
    "needs_review",
    "head_hash",
    "head_event_at",
    "head_rank",
    "created_at",
    "updated_at",
)
_KEY_COLUMNS = ("id", "facility_id", "source", "visit_number")
_SAME_COLUMNS = tuple(name for name in EncounterState._fields if name in _STATE_COLUMNS)


def _patient_of(visit: Visit, people: Mapping[str, Person]) -> int:
    """The patient whom the newest fact names; where that fact is not in the chunk, the patient stays."""
    person = people.get(visit.state.mrn)
    if person is not None:
        return person.id
    assert visit.head is not None  # a new visit has only facts of this chunk
    return visit.head.patient_id


def _write_visits(
    session: Session, facility_id: int, visits: Sequence[Visit], people: Mapping[str, Person], columns: _Columns
) -> list[int]:
    """Store new and changed stays; returns the ids of those that are not as they were."""
    new = [visit for visit in visits if visit.head is None]
    ids = reserve_ids(session, ENCOUNTER, len(new))
    own = str(facility_id)
    copy_rows(
        session,
        ENCOUNTER,
        _KEY_COLUMNS + _STATE_COLUMNS,
        (
            (str(encounter_id), own, *visit.key, *columns.texts(visit, _patient_of(visit, people)))
            for encounter_id, visit in zip(ids, new, strict=True)
        ),
    )
    wards = [(encounter_id, visit) for encounter_id, visit in zip(ids, new, strict=True)]
    updates = []
    changed = list(ids)
    for visit in visits:
        if visit.head is None:
            continue
        patient_id = _patient_of(visit, people)
        updates.append({"id": visit.head.encounter_id, **columns.values(visit, patient_id)})
        wards.append((visit.head.encounter_id, visit))
        if visit.changed or patient_id != visit.head.patient_id:
            changed.append(visit.head.encounter_id)
    update_rows(session, ENCOUNTER, updates)
    _write_wards(session, wards, columns)
    return changed


def _write_wards(session: Session, stays: Sequence[tuple[int, Visit]], columns: _Columns) -> None:
    """Keep the earlier wards of the stays; they are few, so they are written anew."""
    before = [stay_id for stay_id, visit in stays if visit.before is not None and visit.before.earlier_departments]
    if before:
        fetch(session, "DELETE FROM encounter_location WHERE encounter_id = ANY(%s) RETURNING id", before)
    rows = dict.fromkeys(
        (stay_id, columns.departments[code], since)
        for stay_id, visit in stays
        for code, since in visit.state.earlier_departments
    )
    texts = ((str(stay_id), str(department_id), moment_text(since)) for stay_id, department_id, since in rows)
    copy_rows(session, LOCATION, ("encounter_id", "department_id", "from_at"), texts)


def _write_facts(
    session: Session, facility_id: int, visits: Sequence[Visit], batch_id: int | None, now: datetime
) -> None:
    own, batch, arrived_at = str(facility_id), number_text(batch_id), moment_text(now)
    copy_rows(
        session,
        FACT,
        _FACT_COLUMNS,
        (
            (
                own,
                *visit.key,
                same_moment_text(new.fact.event_at),
                str(new.fact.content_hash),
                new.fact.kind,
                str(new.fact.source_rank),
                new.text.decode(),
                arrived_at,
                batch,
            )
            for visit in visits
            for new in visit.new
        ),
    )


_FACT_COLUMNS = (
    "facility_id",
    "source",
    "visit_number",
    "event_at",
    "content_hash",
    "kind",
    "source_rank",
    "fields",
    "arrived_at",
    "batch_id",
)


def _publish(
    session: Session, changed: Sequence[int], persons: Sequence[Person], *, with_plans: bool, now: datetime
) -> None:
    if changed:
        publish(session, EncountersChanged(now=now, encounter_ids=tuple(changed), with_plans=with_plans))
    died = [person.id for person in persons if person.died_now]
    if died:
        publish(session, PatientsDeceased(now=now, patient_ids=tuple(records_of_persons(session, died))))


def _counts(
    rows: int, visits: Sequence[Visit], people: Mapping[str, Person], persons: Sequence[Person], changed: set[int]
) -> ApplyCounts:
    new = sum(visit.head is None for visit in visits)
    updated = 0
    for visit in visits:
        if visit.head is None:
            updated += len(visit.new) - 1
        elif visit.changed or _patient_of(visit, people) != visit.head.patient_id:
            updated += len(visit.new)
        else:
            updated += sum(people[each.row.mrn].id in changed for each in visit.new)
    cancelled = sum(visit.state.cancelled and not (visit.before and visit.before.cancelled) for visit in visits)
    return ApplyCounts(
        created=new,
        updated=updated,
        unchanged=rows - new - updated,
        patients_created=sum(person.before is None for person in persons),
        encounters_created=new,
        cancelled=cancelled,
    )
