"""The one bulk writer: takes rows of any source into facts, patients, numbers and stays.

A chunk is read against what is known with a few set-based queries, decided by pure functions, and written with
``COPY`` and one update per table. Imports into one facility take turns, chunk by chunk, so that they neither wait for
each other in a circle nor make anything twice. Records of new visits that say nothing unexpected take a short way
(``plain``); all others are folded with what is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.events import EncountersChanged, PatientsDeceased, StayOutline, publish
from hcrm.organization.service import ensure_clinicians, ensure_departments
from hcrm.patients.domain import (
    ApplyCounts,
    PreparedStay,
    StayRow,
    prepare,
    row_of,
)
from hcrm.patients.domain.departments import KnownDepartments
from hcrm.patients.queries import clinician_codes, known_departments, records_of_persons
from hcrm.patients.service.behind import writing_behind
from hcrm.patients.service.bulk import through_indexes
from hcrm.patients.service.locks import lock_facility
from hcrm.patients.service.numbers import write_numbers
from hcrm.patients.service.people import Person, people_of, settle_people, write_people
from hcrm.patients.service.plain import Marks, sort_out, write_plain
from hcrm.patients.service.visit_rows import Columns, patient_of, write_facts, write_visits
from hcrm.patients.service.visits import Codes, Head, Key, Visit, changed_visits, known_heads, settle_states

WORTH_A_THREAD: Final = 1_000
"""New stays from which on they are stored while the next are made."""


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
    """``apply_prepared`` for rows as readers give them."""
    zone = ZoneInfo(timezone)
    return apply_prepared(
        session,
        facility_id=facility_id,
        timezone=timezone,
        batch_id=batch_id,
        source_rank=source_rank,
        stated_at=stated_at,
        rows=[prepare(row, zone, keep_row=True) for row in rows],
        with_plans=with_plans,
        now=now,
    )


def apply_prepared(
    session: Session,
    *,
    facility_id: int,
    timezone: str,
    batch_id: int | None,
    source_rank: int,
    stated_at: datetime,
    rows: Sequence[PreparedStay],
    with_plans: bool,
    now: datetime,
) -> ApplyCounts:
    """Store what ``rows`` say and publish which stays changed; the same rows again change nothing.

    ``stated_at`` is the event time of rows that have none of their own, ``source_rank`` breaks ties between sources,
    ``timezone`` gives the calendar days of the stays, with which the rows were prepared. Departments and clinicians
    that are not known are made, the former marked for review. Raises ``BulkWriteFailed`` when the database refuses a
    row; nothing of the chunk is stored then, once the caller has rolled back.
    """
    if not rows:
        return ApplyCounts()
    session.flush()
    lock_facility(session, facility_id)
    through_indexes(session)
    marks = Marks(facility_id, batch_id, source_rank, stated_at, now)
    heads = known_heads(session, facility_id, {(row.source, row.visit_number) for row in rows})
    unchanged, plain, known, others = sort_out(session, facility_id, rows, heads)
    named = _named([*plain, *others])
    codes = _codes(session, facility_id, named, now) if plain or others else NO_CODES
    long_way = _apply_others(session, marks, [row_of(row) for row in others], heads, codes, ZoneInfo(timezone))
    if not plain and not long_way.written:
        return ApplyCounts(unchanged=len(rows))
    with writing_behind(session) if len(plain) >= WORTH_A_THREAD else nullcontext():
        ids = {code: codes.known.ids[codes.known.code_for(code, name)] for code, name in named.departments.items()}
        clinicians = {code: clinician_id for clinician_id, code in codes.clinicians.items()}
        made, created, patients = write_plain(session, marks, plain, known, ids, clinicians)
        session.expire_all()
        changed = (*made, *long_way.changed)
        _publish(session, changed, created, long_way.persons, with_plans=with_plans, now=now)
    counts = ApplyCounts(len(plain), 0, unchanged, patients, len(plain))
    return counts.plus(long_way.counts)


class _Written(NamedTuple):
    """What became of the records that go the long way: stays that are not as they were, and whom they are about."""

    counts: ApplyCounts
    changed: Sequence[int] = ()
    persons: Sequence[Person] = ()
    written: bool = False


def _apply_others(
    session: Session, marks: Marks, rows: Sequence[StayRow], heads: Mapping[Key, Head], codes: Codes, zone: ZoneInfo
) -> _Written:
    """Store what ``rows`` say, each visit and each patient folded with all that is known of them."""
    facility_id, batch_id, source_rank, stated_at, now = marks
    if not rows:
        return _Written(ApplyCounts())
    visits = changed_visits(
        session, facility_id=facility_id, rows=rows, heads=heads, stated_at=stated_at, source_rank=source_rank
    )
    if not visits:
        return _Written(ApplyCounts(unchanged=len(rows)))
    settle_states(session, facility_id=facility_id, visits=visits, codes=codes)
    people = people_of(session, facility_id=facility_id, visits=visits)
    persons = settle_people(session, people=people, visits=visits, zone=zone)
    write_people(session, facility_id=facility_id, persons=persons, now=now)
    renumbered = write_numbers(session, facility_id=facility_id, persons=persons, now=now)
    changed = write_visits(session, facility_id, visits, people, Columns(codes, zone, now))
    write_facts(session, facility_id, visits, batch_id, now)
    changed_people = renumbered | {person.id for person in persons if person.changed}
    counts = _counts(len(rows), visits, people, persons, changed_people)
    return _Written(counts, changed, persons, written=True)


NO_CODES: Final = Codes(KnownDepartments({}, {}), {})


class _Names(NamedTuple):
    """Names by code of departments and clinicians."""

    departments: Mapping[str, str]
    clinicians: Mapping[str, str]


def _named(rows: Sequence[PreparedStay]) -> _Names:
    """What ``rows`` name, looked at once for each different pair of code and name."""
    departments = dict.fromkeys([(row.department_code, row.department_name) for row in rows])
    clinicians = dict.fromkeys([(row.clinician_code, row.clinician_name) for row in rows])
    return _Names(_by_code(departments), _by_code(clinicians))


def _by_code(pairs: Iterable[tuple[object, object]]) -> dict[str, str]:
    """Names by code, or by themselves; a record that takes a code or a name away names nothing."""
    names: dict[str, str] = {}
    for pair in pairs:
        code, name = (each if isinstance(each, str) else "" for each in pair)
        if code or name:
            names.setdefault(code or name, name or code)
    return names


def _codes(session: Session, facility_id: int, named: _Names, now: datetime) -> Codes:
    """Codes of all departments and clinicians of the facility, after making those that are ``named``."""
    known = known_departments(session, facility_id)
    clinicians = clinician_codes(session, facility_id)
    new = known.unknown(named.departments)
    if new:
        ensure_departments(session, facility_id=facility_id, names=new, now=now)
        known = known_departments(session, facility_id)
    new_clinicians = _without(named.clinicians, clinicians.values())
    if new_clinicians:
        made = ensure_clinicians(session, facility_id=facility_id, names=new_clinicians)
        clinicians = {**clinicians, **{each: code for code, each in made.items()}}
    return Codes(known, clinicians)


def _without(names: Mapping[str, str], known: Iterable[str]) -> dict[str, str]:
    there = set(known)
    return {code: name for code, name in names.items() if code not in there}


def _publish(
    session: Session,
    changed: tuple[int, ...],
    created: Sequence[StayOutline],
    persons: Sequence[Person],
    *,
    with_plans: bool,
    now: datetime,
) -> None:
    if changed:
        event = EncountersChanged(now=now, encounter_ids=changed, with_plans=with_plans, created=tuple(created))
        publish(session, event)
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
        elif visit.changed or patient_of(visit, people) != visit.head.patient_id:
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
