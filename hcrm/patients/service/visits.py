"""What a chunk of rows says about visits, as against what is known: new facts, and the states they lead to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from hcrm.patients.domain import (
    Disposition,
    EncounterClass,
    EncounterState,
    EncounterStatus,
    Fact,
    Place,
    RowKind,
    StayRow,
    advance,
    department_named,
    fact_of,
    fold,
    in_order,
    procedures_of,
    typed_fields,
)
from hcrm.patients.domain.departments import KnownDepartments
from hcrm.patients.domain.lines import text_list
from hcrm.patients.service.bulk import fetch

Key = tuple[str, str]
"""Source and visit number."""


NOWHERE: Place = (datetime.min.replace(tzinfo=UTC), 0, 0)
"""Before every fact."""


class Head(NamedTuple):
    """A visit that is known: its id, its patient and the place of its newest fact."""

    encounter_id: int
    patient_id: int
    place: Place


class NewFact(NamedTuple):
    """A record that was not there before, with its canonical text and the row it came in."""

    fact: Fact
    text: bytes
    row: StayRow


@dataclass(slots=True)
class Visit:
    """One visit in a chunk: what was known, what is new, and the state it ends in."""

    key: Key
    head: Head | None
    new: list[NewFact] = field(default_factory=list)
    before: EncounterState | None = None
    state: EncounterState = field(default_factory=EncounterState)
    place: Place = NOWHERE

    @property
    def changed(self) -> bool:
        """True when the stay is not as it was; the MRN shows in the patient."""
        if self.before is None:
            return True
        return self.state._replace(mrn="", department_since=None) != self.before


class Codes(NamedTuple):
    """Departments, and codes of clinicians by id, to read a stored visit back as a state."""

    known: KnownDepartments
    clinicians: Mapping[int, str]

    @property
    def departments(self) -> dict[int, str]:
        """Codes of departments by id."""
        return {department_id: code for code, department_id in self.known.ids.items()}


def changed_visits(
    session: Session,
    *,
    facility_id: int,
    rows: Sequence[StayRow],
    heads: Mapping[Key, Head],
    stated_at: datetime,
    source_rank: int,
) -> list[Visit]:
    """The visits about which ``rows`` hold facts that are not known, in the order of the rows.

    ``heads`` are those of their visits that are known.
    """
    visits: dict[Key, Visit] = {}
    places: set[tuple[Key, Place]] = set()
    doubtful: list[tuple[Visit, NewFact]] = []
    for row in rows:
        fact, text = fact_of(row, stated_at=stated_at, source_rank=source_rank)
        key = (row.source, row.visit_number)
        if (key, fact.place) in places:
            continue
        places.add((key, fact.place))
        visit = visits.get(key)
        if visit is None:
            visit = visits[key] = Visit(key, heads.get(key))
        new = NewFact(fact, text, row)
        if visit.head is None:
            visit.new.append(new)
        elif not _is_head(visit.head, new):
            doubtful.append((visit, new))
    known = _known_facts(session, facility_id, doubtful)
    for visit, new in doubtful:
        if not any((*visit.key, moment, new.fact.content_hash) in known for moment in _moments(visit, new)):
            visit.new.append(new)
    return [visit for visit in visits.values() if visit.new]


def _is_head(head: Head, new: NewFact) -> bool:
    """A row without a time of its own that says what the newest fact says brings nothing new."""
    event_at, _, content_hash = head.place
    return new.fact.content_hash == content_hash and (new.row.event_at is None or new.fact.event_at == event_at)


def _moments(visit: Visit, new: NewFact) -> tuple[datetime, ...]:
    """Event times at which a stored fact would make this one known.

    A row without a time of its own is also known when it is among the newest facts of its visit: an export that is
    brought again with a later date, and holds two differing lines about a visit, must change nothing.
    """
    if new.row.event_at is not None or visit.head is None:
        return (new.fact.event_at,)
    return new.fact.event_at, visit.head.place[0]


def known_heads(session: Session, facility_id: int, keys: Iterable[Key]) -> dict[Key, Head]:
    """Those of the visits that are known."""
    sources, numbers = _columns(keys)
    found = fetch(
        session,
        """
        SELECT wanted.source, wanted.visit_number, e.id, e.patient_id, e.head_event_at, e.head_rank, e.head_hash
        FROM unnest(string_to_array(%s, chr(1)), string_to_array(%s, chr(1))) AS wanted(source, visit_number)
        CROSS JOIN LATERAL (
            SELECT * FROM encounter
            WHERE facility_id = %s AND source = wanted.source AND visit_number = wanted.visit_number OFFSET 0
        ) AS e
        """,
        sources,
        numbers,
        facility_id,
    )
    return {
        (source, number): Head(encounter_id, patient_id, (event_at, rank, content_hash))
        for source, number, encounter_id, patient_id, event_at, rank, content_hash in found
    }


def _columns(keys: Iterable[Key]) -> tuple[str, str]:
    listed = list(keys)
    return text_list(source for source, _ in listed), text_list(number for _, number in listed)


def _known_facts(
    session: Session, facility_id: int, doubtful: Sequence[tuple[Visit, NewFact]]
) -> set[tuple[str, str, datetime, int]]:
    if not doubtful:
        return set()
    wanted = [(*visit.key, moment, new.fact.content_hash) for visit, new in doubtful for moment in _moments(visit, new)]
    return set(
        fetch(
            session,
            """
            SELECT wanted.source, wanted.visit_number, f.event_at, f.content_hash
            FROM unnest(%s::text[], %s::text[], %s::timestamptz[], %s::bigint[])
              AS wanted(source, visit_number, event_at, content_hash)
            CROSS JOIN LATERAL (
                SELECT event_at, content_hash FROM encounter_fact
                WHERE facility_id = %s AND source = wanted.source AND visit_number = wanted.visit_number
                  AND event_at = wanted.event_at AND content_hash = wanted.content_hash OFFSET 0
            ) AS f
            """,
            *(list(column) for column in zip(*wanted, strict=True)),
            facility_id,
        )
    )


def settle_states(session: Session, *, facility_id: int, visits: Sequence[Visit], codes: Codes) -> None:
    """Give each visit its state after the new facts.

    A visit whose new facts are all newer goes on from where it stood; only where an older one came in, or the ward
    changed, its facts are folded again.
    """
    known = [visit for visit in visits if visit.head is not None]
    stored = _stored_states(session, [visit.head.encounter_id for visit in known if visit.head], codes)
    again: list[Visit] = []
    for visit in visits:
        told = [codes.known.in_codes(new.fact) for new in visit.new]
        if visit.head is None and len(told) == 1:
            visit.place, visit.state = told[0].place, fold(told)
            continue
        facts = told if len(told) == 1 else in_order(told)
        visit.place = facts[-1].place
        if visit.head is not None:
            visit.place = max(visit.place, visit.head.place)
            visit.before = visit.state = stored[visit.head.encounter_id]
            if not _goes_on(visit.head, visit.state, facts):
                again.append(visit)
                continue
        for fact in facts:
            visit.state = advance(visit.state, fact)
    old_facts = _facts_of(session, facility_id, [visit.key for visit in again])
    for visit in again:
        every = [*old_facts[visit.key], *(new.fact for new in visit.new)]
        visit.state = fold(map(codes.known.in_codes, every))


def _goes_on(head: Head, state: EncounterState, facts: Sequence[Fact]) -> bool:
    if facts[0].place < head.place:
        return False
    return all(department_named(fact.fields) in {None, state.department} for fact in facts)


def _facts_of(session: Session, facility_id: int, keys: Sequence[Key]) -> dict[Key, list[Fact]]:
    facts: dict[Key, list[Fact]] = defaultdict(list)
    if not keys:
        return facts
    found = fetch(
        session,
        """
        SELECT wanted.source, wanted.visit_number, f.event_at, f.source_rank, f.content_hash, f.kind, f.fields
        FROM unnest(string_to_array(%s, chr(1)), string_to_array(%s, chr(1))) AS wanted(source, visit_number)
        CROSS JOIN LATERAL (
            SELECT * FROM encounter_fact
            WHERE facility_id = %s AND source = wanted.source AND visit_number = wanted.visit_number OFFSET 0
        ) AS f
        """,
        *_columns(keys),
        facility_id,
    )
    for source, number, *rest in found:
        facts[source, number].append(fact_from(rest))
    return facts


def fact_from(stored: Sequence[Any]) -> Fact:
    """A fact from its columns event_at, source_rank, content_hash, kind, fields."""
    event_at, rank, content_hash, kind, fields = stored
    return Fact(event_at, rank, content_hash, RowKind(kind), typed_fields(fields))


def _stored_states(session: Session, encounter_ids: list[int], codes: Codes) -> dict[int, EncounterState]:
    if not encounter_ids:
        return {}
    found = fetch(
        session,
        """
        SELECT id, class, post_acute, status, planned, admitted_at, discharged_at, department_id, clinician_id, nurse,
               disposition, principal_diagnosis, diagnoses, procedures, readmission_plan_31d, sensitive, payer,
               contact_name, contact_relationship, needs_review
        FROM encounter WHERE id = ANY(%s)
        """,
        encounter_ids,
    )
    departments = codes.departments
    wards = defaultdict(list)
    for encounter_id, department_id, since in fetch(
        session,
        "SELECT encounter_id, department_id, from_at FROM encounter_location WHERE encounter_id = ANY(%s)"
        " ORDER BY from_at, id",
        encounter_ids,
    ):
        wards[encounter_id].append((departments[department_id], since))
    return {row[0]: _state_from(row, tuple(wards[row[0]]), departments, codes.clinicians) for row in found}


def _state_from(
    row: Sequence[Any],
    wards: tuple[tuple[str, datetime], ...],
    departments: Mapping[int, str],
    clinicians: Mapping[int, str],
) -> EncounterState:
    (_, encounter_class, post_acute, status, planned, admitted_at, discharged_at, department_id, clinician_id) = row[:9]
    (nurse, disposition, principal, diagnoses, procedures, planned_return, sensitive, payer) = row[9:17]
    contact_name, contact_relationship, needs_review = row[17:]
    return EncounterState(
        encounter_class=EncounterClass(encounter_class),
        post_acute=post_acute,
        cancelled=status == EncounterStatus.CANCELLED,
        planned=planned,
        admitted_at=admitted_at,
        discharged_at=discharged_at,
        department=departments.get(department_id, ""),
        clinician=clinicians.get(clinician_id, ""),
        nurse=nurse,
        disposition=Disposition(disposition),
        principal_diagnosis=principal,
        diagnoses=tuple(diagnoses),
        procedures=procedures_of(procedures),
        readmission_plan_31d=planned_return,
        sensitive=sensitive,
        payer=payer,
        contact_name=contact_name,
        contact_relationship=contact_relationship,
        needs_review=needs_review,
        earlier_departments=wards,
    )
