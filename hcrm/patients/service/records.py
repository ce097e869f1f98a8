"""Records that name a patient and no visit, and further numbers by which other systems know a patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hcrm.events import PatientsDeceased, publish
from hcrm.patients.domain import ApplyCounts, StayRow, fact_of
from hcrm.patients.domain.lines import moment_text, number_text
from hcrm.patients.models import PatientFact
from hcrm.patients.queries import records_of_persons
from hcrm.patients.service.bulk import copy_rows, fetch, raw_connection
from hcrm.patients.service.locks import lock_facility
from hcrm.patients.service.numbers import write_numbers
from hcrm.patients.service.people import Person, people_of, settle_people, write_people
from hcrm.patients.service.visits import NewFact, Visit

FACT: Table = PatientFact.__table__  # type: ignore[assignment]
_FACT_COLUMNS = (
    "facility_id", "mrn", "event_at", "content_hash", "source_rank", "fields", "arrived_at", "batch_id",
)  # fmt: skip


def apply_patients(
    session: Session,
    *,
    facility_id: int,
    timezone: str,
    batch_id: int | None,
    source_rank: int,
    stated_at: datetime,
    rows: Sequence[StayRow],
    now: datetime,
) -> ApplyCounts:
    """Store what ``rows`` without visit numbers say about patients; those unknown are made.

    The facts stand in one order with those of the patients' visits, so the same rows again change nothing, whenever
    they come. Raises ``BulkWriteFailed`` when the database refuses a row.
    """
    if not rows:
        return ApplyCounts()
    session.flush()
    lock_facility(session, facility_id)
    new = _new_facts(session, facility_id, rows, stated_at, source_rank)
    if not new:
        return ApplyCounts(unchanged=len(rows))
    visits = [Visit(("", ""), None, new)]
    people = people_of(session, facility_id=facility_id, visits=visits)
    persons = settle_people(session, people=people, visits=visits, zone=ZoneInfo(timezone))
    write_people(session, facility_id=facility_id, persons=persons, now=now)
    changed = write_numbers(session, facility_id=facility_id, persons=persons, now=now)
    changed |= {person.id for person in persons if person.changed}
    _write_facts(session, facility_id, new, batch_id, now)
    session.expire_all()
    _tell_of_deaths(session, persons, now)
    updated = sum(people[each.row.mrn].id in changed for each in new)
    made = sum(person.before is None for person in persons)
    return ApplyCounts(updated=updated, unchanged=len(rows) - updated, patients_created=made)


def _new_facts(
    session: Session, facility_id: int, rows: Sequence[StayRow], stated_at: datetime, source_rank: int
) -> list[NewFact]:
    """The facts in ``rows`` that are not known, each once."""
    facts: dict[tuple[str, datetime, int], NewFact] = {}
    for row in rows:
        fact, text = fact_of(row, stated_at=stated_at, source_rank=source_rank)
        facts.setdefault((row.mrn, fact.event_at, fact.content_hash), NewFact(fact, text, row))
    known = _known(session, facility_id, list(facts))
    return [fact for key, fact in facts.items() if key not in known]


def _known(session: Session, facility_id: int, keys: Sequence[tuple[str, datetime, int]]) -> set[tuple[Any, ...]]:
    return set(
        fetch(
            session,
            """
            SELECT f.mrn, f.event_at, f.content_hash
            FROM unnest(%s::text[], %s::timestamptz[], %s::bigint[]) AS wanted(mrn, event_at, content_hash)
            JOIN patient_fact f USING (mrn, event_at, content_hash)
            WHERE f.facility_id = %s
            """,
            *(list(column) for column in zip(*keys, strict=True)),
            facility_id,
        )
    )


def _write_facts(
    session: Session, facility_id: int, new: Sequence[NewFact], batch_id: int | None, now: datetime
) -> None:
    own, batch, arrived_at = str(facility_id), number_text(batch_id), moment_text(now)
    copy_rows(
        session,
        FACT,
        _FACT_COLUMNS,
        (
            (
                own,
                each.row.mrn,
                moment_text(each.fact.event_at),
                str(each.fact.content_hash),
                str(each.fact.source_rank),
                each.text.decode(),
                arrived_at,
                batch,
            )
            for each in new
        ),
    )


def _tell_of_deaths(session: Session, persons: Sequence[Person], now: datetime) -> None:
    died = [person.id for person in persons if person.died_now]
    if died:
        publish(session, PatientsDeceased(now=now, patient_ids=tuple(records_of_persons(session, died))))


def note_identifiers(session: Session, *, facility_id: int, identifiers: Iterable[tuple[str, str, str]]) -> None:
    """Keep further numbers of patients, given as (MRN, system, value).

    They serve to find a patient. A number that is another patient's already stays theirs: that two records share one
    is for a person to judge, never a reason to take them for one.
    """
    wanted = sorted(set(identifiers))
    if not wanted:
        return
    mrns, systems, values = (list(column) for column in zip(*wanted, strict=True))
    with raw_connection(session).cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO patient_identifier (facility_id, value, system, patient_id)
            SELECT DISTINCT ON (wanted.system, wanted.value) i.facility_id, wanted.value, wanted.system, i.patient_id
            FROM unnest(%s::text[], %s::text[], %s::text[]) AS wanted(mrn, system, value)
            JOIN patient_identifier i ON i.facility_id = %s AND i.system = 'mrn' AND i.value = wanted.mrn
            ORDER BY wanted.system, wanted.value, i.patient_id
            ON CONFLICT DO NOTHING
            """,
            (mrns, systems, values, facility_id),
        )
