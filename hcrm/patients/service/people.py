"""The patients of a chunk: found by their identifiers or made, and what the records say about them.

Who a patient is follows from the facts of all their visits, the newest by event time first. What a person chose
(language, a withdrawn death) is not undone by records.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hcrm.patients.domain import (
    DeceasedState,
    Disposition,
    EncounterState,
    Fact,
    Language,
    PatientState,
    Sex,
    advance_patient,
    first_patient,
    in_order,
    name_sort_key,
)
from hcrm.patients.domain.lines import BOOLEAN, moment_text, text_list
from hcrm.patients.domain.prepared import PATIENT_COLUMNS, language_of, patient_cells
from hcrm.patients.models import Patient, PatientIdentifier
from hcrm.patients.service.bulk import copy_rows, fetch, reserve_ids, update_rows
from hcrm.patients.service.visits import NewFact, Visit, fact_from

MRN_SYSTEM = "mrn"
"""The system of a facility's own numbers; whatever source they come from, one number is one patient."""

PATIENT: Table = Patient.__table__  # type: ignore[assignment]
IDENTIFIER: Table = PatientIdentifier.__table__  # type: ignore[assignment]
Identifier = tuple[str, str]
SEXES = {sex.value: sex for sex in Sex}
LANGUAGES = {language.value: language for language in Language}


@dataclass(slots=True)
class Person:
    """One patient record in a chunk: what was stored (nothing for a new one), what is new, what it becomes."""

    id: int = 0
    new: list[NewFact] = field(default_factory=list)
    before: PatientState | None = None
    state: PatientState = field(default_factory=PatientState)
    deceased_state: DeceasedState = DeceasedState.NONE
    language_chosen: bool = False
    deceased_checked_at: datetime | None = None
    identifiers: set[Identifier] = field(default_factory=set)
    changed: bool = False

    @property
    def died_now(self) -> bool:
        """A record tells of a death that was not confirmed before."""
        return self.state.deceased_on is not None and self.deceased_state is not DeceasedState.CONFIRMED


def people_of(session: Session, *, facility_id: int, visits: Sequence[Visit]) -> dict[str, Person]:
    """The person behind every MRN that new facts name; those unknown get an id but are not written yet."""
    identifiers = _identifiers_by_mrn(visits)
    known = _known(session, facility_id, {each for group in identifiers.values() for each in group})
    people: dict[str, Person] = {}
    made: dict[Identifier, Person] = {}
    for mrn, group in identifiers.items():
        person = next((found[each] for each in group for found in (known, made) if each in found), None)
        if person is None:
            person = Person()
        for each in group:
            if each not in known and each not in made:
                made[each] = person
                person.identifiers.add(each)
        people[mrn] = person
    for visit in visits:
        for new in visit.new:
            people[new.row.mrn].new.append(new)
    unmade = list({id(person): person for person in people.values() if not person.id}.values())
    for person, patient_id in zip(unmade, reserve_ids(session, PATIENT, len(unmade)), strict=True):
        person.id = patient_id
    return people


def _identifiers_by_mrn(visits: Sequence[Visit]) -> dict[str, list[Identifier]]:
    groups: dict[str, list[Identifier]] = {}
    for visit in visits:
        for new in visit.new:
            group = groups.get(new.row.mrn)
            if group is None:
                group = groups[new.row.mrn] = [(MRN_SYSTEM, new.row.mrn)]
            if new.row.identifiers:
                group.extend(each for each in new.row.identifiers if each not in group)
    return groups


def _known(session: Session, facility_id: int, identifiers: set[Identifier]) -> dict[Identifier, Person]:
    found = fetch(
        session,
        """
        SELECT i.system, i.value, p.id, p.family_name, p.given_name, p.full_name, p.sex, p.birth_date, p.language,
               p.address, p.deceased_on, p.deceased_state, p.language_chosen_at IS NOT NULL, p.deceased_checked_at
        FROM unnest(string_to_array(%s, chr(1)), string_to_array(%s, chr(1))) AS wanted(system, value)
        CROSS JOIN LATERAL (
            SELECT system, value, patient_id FROM patient_identifier
            WHERE facility_id = %s AND system = wanted.system AND value = wanted.value OFFSET 0
        ) AS i
        CROSS JOIN LATERAL (SELECT * FROM patient WHERE id = i.patient_id OFFSET 0) AS p
        """,
        text_list(system for system, _ in identifiers),
        text_list(value for _, value in identifiers),
        facility_id,
    )
    by_id: dict[int, Person] = {}
    return {(row[0], row[1]): by_id.get(row[2]) or by_id.setdefault(row[2], _person_from(row)) for row in found}


def _person_from(row: Sequence[Any]) -> Person:
    family, given, full, sex, birth_date, language, address, deceased_on = row[3:11]
    state = PatientState(family, given, full, SEXES[sex], birth_date, LANGUAGES[language], address, deceased_on)
    return Person(
        id=row[2],
        before=state,
        state=state,
        deceased_state=DeceasedState(row[11]),
        language_chosen=row[12],
        deceased_checked_at=row[13],
    )


def settle_people(
    session: Session, *, people: Mapping[str, Person], visits: Sequence[Visit], zone: ZoneInfo
) -> list[Person]:
    """Give each person the state that the records lead to; returns the persons, each once.

    A fact that says nothing else than what is known changes nothing wherever it stands in the order. As soon as one
    says something else, all facts of the patient are folded again.
    """
    persons = list({person.id: person for person in people.values()}.values())
    withdrawn = _with_withdrawn_death(people, visits)
    again: list[Person] = []
    for person in persons:
        if person.before is None and len(person.new) == 1:
            person.state = first_patient(person.new[0].row)
        elif person.before is None:
            person.state = _after(person, person.state, [new.fact for new in person.new])
        elif person.id in withdrawn or any(
            _advance(person, person.state, new.fact) != person.state for new in person.new
        ):
            again.append(person)
    stored = _stored_facts(session, [person.id for person in again])
    for person in again:
        start = PatientState(language=person.state.language if person.language_chosen else None)
        person.state = _after(person, start, [*stored[person.id], *(new.fact for new in person.new)])
        person.state = person.state._replace(language=language_of(person.state))
    _add_deaths_in_hospital(session, people, visits, again, zone)
    for person in persons:
        person.changed = person.state != person.before
    return persons


def _after(person: Person, state: PatientState, facts: Sequence[Fact]) -> PatientState:
    for fact in facts if len(facts) == 1 else in_order(facts):
        state = _advance(person, state, fact)
    return state


def _advance(person: Person, state: PatientState, fact: Fact) -> PatientState:
    """One more fact, except for what a person has decided since."""
    after = advance_patient(state, fact)
    if person.language_chosen:
        after = after._replace(language=state.language)
    if person.deceased_checked_at is not None and fact.event_at <= person.deceased_checked_at:
        after = after._replace(deceased_on=state.deceased_on)
    return after


def _stored_facts(session: Session, patient_ids: list[int]) -> dict[int, list[Fact]]:
    """Facts of the patients' stays that name them by MRN, and those that name a patient alone.

    The facility is not asked for beside the patient: without statistics all its stays would be gone through each time.
    """
    facts: dict[int, list[Fact]] = defaultdict(list)
    if not patient_ids:
        return facts
    found = fetch(
        session,
        """
        SELECT e.patient_id, f.event_at, f.source_rank, f.content_hash, f.kind, f.fields
        FROM unnest(%s::bigint[]) AS wanted(patient_id)
        CROSS JOIN LATERAL (
            SELECT patient_id, facility_id, source, visit_number FROM encounter
            WHERE patient_id = wanted.patient_id OFFSET 0
        ) AS e
        CROSS JOIN LATERAL (
            SELECT * FROM encounter_fact
            WHERE facility_id = e.facility_id AND source = e.source AND visit_number = e.visit_number OFFSET 0
        ) AS f
        CROSS JOIN LATERAL (
            SELECT FROM patient_identifier
            WHERE facility_id = e.facility_id AND system = %s AND value = f.fields ->> 'mrn'
              AND patient_id = e.patient_id OFFSET 0
        ) AS i
        """,
        patient_ids,
        MRN_SYSTEM,
    )
    found += fetch(
        session,
        """
        SELECT i.patient_id, f.event_at, f.source_rank, f.content_hash, 'stay', f.fields
        FROM unnest(%s::bigint[]) AS wanted(patient_id)
        CROSS JOIN LATERAL (
            SELECT patient_id, facility_id, value FROM patient_identifier
            WHERE patient_id = wanted.patient_id AND system = %s OFFSET 0
        ) AS i
        CROSS JOIN LATERAL (
            SELECT * FROM patient_fact WHERE facility_id = i.facility_id AND mrn = i.value OFFSET 0
        ) AS f
        """,
        patient_ids,
        MRN_SYSTEM,
    )
    for patient_id, *rest in found:
        facts[patient_id].append(fact_from(rest))
    return facts


def _died(state: EncounterState | None) -> bool:
    return state is not None and state.disposition is Disposition.EXPIRED and not state.cancelled


def _with_withdrawn_death(people: Mapping[str, Person], visits: Sequence[Visit]) -> set[int]:
    """Persons of stays that no longer end in death."""
    return {
        people[visit.state.mrn].id
        for visit in visits
        if _died(visit.before) and not _died(visit.state) and visit.state.mrn in people
    }


def _add_deaths_in_hospital(
    session: Session, people: Mapping[str, Person], visits: Sequence[Visit], again: Sequence[Person], zone: ZoneInfo
) -> None:
    """A stay that ended in death tells the day of death where no record does."""
    for visit in visits:
        moment = visit.state.discharged_at
        person = people.get(visit.state.mrn)
        if _died(visit.state) and moment is not None and person is not None:
            _died_on(person, moment.astimezone(zone).date(), visit.place[0])
    by_id = {person.id: person for person in again}
    touched = [visit.head.encounter_id for visit in visits if visit.head]
    for patient_id, day, event_at in _other_deaths(session, list(by_id), touched):
        _died_on(by_id[patient_id], day, event_at)


def _died_on(person: Person, day: date, event_at: datetime) -> None:
    withdrawn = person.deceased_checked_at is not None and event_at <= person.deceased_checked_at
    if person.state.deceased_on is None and not withdrawn:
        person.state = person.state._replace(deceased_on=day)


def _other_deaths(session: Session, patient_ids: list[int], touched: list[int]) -> list[tuple[Any, ...]]:
    if not patient_ids:
        return []
    return fetch(
        session,
        """
        SELECT patient_id, discharged_on, head_event_at FROM encounter
        WHERE patient_id = ANY(%s) AND NOT id = ANY(%s) AND disposition = 'expired' AND status = 'finished'
        ORDER BY discharged_on
        """,
        patient_ids,
        touched,
    )


_COLUMNS = (
    "id",
    "facility_id",
    "person_id",
    *PATIENT_COLUMNS,
    "deceased_state",
    "diagnosis_not_told",
    "open_dispute",
    "loss_of_baby",
    "created_at",
    "updated_at",
)


def write_people(session: Session, *, facility_id: int, persons: Sequence[Person], now: datetime) -> None:
    """Store new persons with their identifiers, and what changed of known ones."""
    new = [person for person in persons if person.before is None]
    own, at = str(facility_id), moment_text(now)
    copy_rows(session, PATIENT, _COLUMNS, (_new_row(person, own, at) for person in new))
    copy_rows(
        session,
        IDENTIFIER,
        ("facility_id", "value", "system", "patient_id"),
        ((own, value, system, str(person.id)) for person in persons for system, value in person.identifiers),
    )
    changed = [person for person in persons if person.before is not None and person.changed]
    update_rows(session, PATIENT, [_changes(person, now) for person in changed])


def _deceased_state(person: Person) -> DeceasedState:
    if person.state.deceased_on is not None:
        return DeceasedState.CONFIRMED
    if person.before is not None and person.before.deceased_on is not None:
        return DeceasedState.NONE
    return person.deceased_state


def _new_row(person: Person, facility_id: str, now: str) -> tuple[str, ...]:
    patient_id, no = str(person.id), BOOLEAN[False]
    cells = patient_cells(person.state)
    return patient_id, facility_id, patient_id, *cells, _deceased_state(person), no, no, no, now, now


def _changes(person: Person, now: datetime) -> dict[str, Any]:
    state = person.state
    return {
        "id": person.id,
        **state._asdict(),
        "name_sort_key": name_sort_key(state.family_name, state.given_name, state.full_name),
        "language": language_of(state),
        "deceased_state": _deceased_state(person),
        "updated_at": now,
    }
