"""Visits of the long way into their tables: stays new and changed, their earlier wards, the facts behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hcrm.patients.domain import EncounterState
from hcrm.patients.domain.lines import moment_text, number_text, same_moment_text
from hcrm.patients.domain.prepared import STAY_COLUMNS, stay_cells
from hcrm.patients.models import Encounter, EncounterFact, EncounterLocation
from hcrm.patients.service.bulk import copy_rows, fetch, reserve_ids, update_rows
from hcrm.patients.service.people import Person
from hcrm.patients.service.visits import Codes, Visit

ENCOUNTER: Table = Encounter.__table__  # type: ignore[assignment]
FACT: Table = EncounterFact.__table__  # type: ignore[assignment]
LOCATION: Table = EncounterLocation.__table__  # type: ignore[assignment]


class Columns:
    """Turns the state of a visit into values of its columns."""

    def __init__(self, codes: Codes, zone: ZoneInfo, now: datetime) -> None:
        self.departments = codes.known.ids
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
        """Values of ``_COLUMNS`` behind the key as ``COPY`` reads them, for a new stay."""
        state = visit.state
        event_at, rank, content_hash = visit.place
        now = same_moment_text(self.now)
        return (
            str(patient_id),
            number_text(self.departments.get(state.department)),
            number_text(self.clinicians.get(state.clinician)),
            *stay_cells(state, self.zone),
            str(content_hash),
            same_moment_text(event_at),
            str(rank),
            now,
            now,
        )


_COLUMNS = (
    *("id", "facility_id", "source", "visit_number", "patient_id", "department_id", "clinician_id"),
    *STAY_COLUMNS,
    *("head_hash", "head_event_at", "head_rank", "created_at", "updated_at"),
)
_SAME_COLUMNS = tuple(name for name in EncounterState._fields if name in STAY_COLUMNS)


def patient_of(visit: Visit, people: Mapping[str, Person]) -> int:
    """The patient whom the newest fact names; where that fact is not in the chunk, the patient stays."""
    person = people.get(visit.state.mrn)
    if person is not None:
        return person.id
    assert visit.head is not None  # a new visit has only facts of this chunk
    return visit.head.patient_id


def write_visits(
    session: Session, facility_id: int, visits: Sequence[Visit], people: Mapping[str, Person], columns: Columns
) -> list[int]:
    """Store new and changed stays; returns the ids of those that are not as they were."""
    new = [visit for visit in visits if visit.head is None]
    ids = reserve_ids(session, ENCOUNTER, len(new))
    own = str(facility_id)
    copy_rows(
        session,
        ENCOUNTER,
        _COLUMNS,
        (
            (str(encounter_id), own, *visit.key, *columns.texts(visit, patient_of(visit, people)))
            for encounter_id, visit in zip(ids, new, strict=True)
        ),
    )
    wards = [(encounter_id, visit) for encounter_id, visit in zip(ids, new, strict=True)]
    updates = []
    changed = list(ids)
    for visit in visits:
        if visit.head is None:
            continue
        patient_id = patient_of(visit, people)
        updates.append({"id": visit.head.encounter_id, **columns.values(visit, patient_id)})
        wards.append((visit.head.encounter_id, visit))
        if visit.changed or patient_id != visit.head.patient_id:
            changed.append(visit.head.encounter_id)
    update_rows(session, ENCOUNTER, updates)
    _write_wards(session, wards, columns)
    return changed


def _write_wards(session: Session, stays: Sequence[tuple[int, Visit]], columns: Columns) -> None:
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


def write_facts(
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
