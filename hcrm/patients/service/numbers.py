"""Phone numbers that records bring: added where they are new, never twice, never back once retired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hcrm.patients.domain import NO_NUMBER, OwnerKind, PhoneEntry, age_in_years
from hcrm.patients.domain.lines import BOOLEAN, same_moment_text
from hcrm.patients.domain.prepared import NUMBER_COLUMNS, number_cells
from hcrm.patients.models import ContactPoint
from hcrm.patients.service.bulk import copy_rows, fetch, reserve_ids, update_rows
from hcrm.patients.service.people import Person

CONTACT_POINT: Table = ContactPoint.__table__  # type: ignore[assignment]
REACHED_THROUGH_PARENTS_BEFORE = 14
"""Age in years below which health is discussed with the relative whose number the record gives."""

_COLUMNS = ("id", "facility_id", "patient_id", *NUMBER_COLUMNS, "may_discuss_health", "valid_from")
Owner = tuple[str, str, str]


def write_numbers(session: Session, *, facility_id: int, persons: Sequence[Person], now: datetime) -> set[int]:
    """Store the numbers in the new facts of ``persons``; returns the ids of patients whose numbers changed.

    A number that is known keeps its place; its owner follows the newest record until a person has verified it.
    """
    known = known_numbers(session, [person.id for person in persons if person.before is not None])
    added: list[tuple[Person, int, PhoneEntry, datetime]] = []
    owners: dict[int, tuple[int, PhoneEntry]] = {}
    for person in persons:
        for number, (rank, entry, event_at) in _told(person).items():
            stored = known.get((person.id, number))
            if stored is None:
                added.append((person, rank, entry, event_at))
            elif stored[1] is None and stored[2] != _owner(entry) and _newest_says(stored[3], event_at):
                owners[stored[0]] = (person.id, entry)
    ids = reserve_ids(session, CONTACT_POINT, len(added))
    rows = (_row(contact_id, str(facility_id), *each, now.date()) for contact_id, each in zip(ids, added, strict=True))
    copy_rows(session, CONTACT_POINT, _COLUMNS, rows)
    change_owners(session, {contact_id: _owner(entry) for contact_id, (_, entry) in owners.items()})
    return {person.id for person, *_ in added} | {patient_id for patient_id, _ in owners.values()}


def _newest_says(valid_from: datetime, event_at: datetime) -> bool:
    return event_at >= valid_from


def _told(person: Person) -> dict[str, tuple[int, PhoneEntry, datetime]]:
    """The numbers that the new facts name, each as the newest fact names it."""
    told: dict[str, tuple[int, PhoneEntry, datetime]] = {}
    facts = [new.fact for new in person.new]
    if len(facts) > 1:
        facts.sort(key=lambda fact: fact.place)
    for fact in facts:
        phones: Sequence[PhoneEntry] = fact.fields.get("phones", ())
        for rank, entry in enumerate(phones):
            if entry == NO_NUMBER:
                continue
            told[entry.number or entry.raw] = (rank, entry, fact.event_at)
    return told


def _owner(entry: PhoneEntry) -> Owner:
    return entry.owner_kind, entry.owner_name, entry.relationship


def known_numbers(session: Session, patient_ids: list[int]) -> dict[tuple[int, str], tuple[int, Any, Owner, datetime]]:
    """By patient and number (or the record's text): contact id, verified day, owner, valid from."""
    if not patient_ids:
        return {}
    found = fetch(
        session,
        """
        SELECT patient_id, coalesce(number, raw), id, verified_on, owner_kind, owner_name, relationship, valid_from
        FROM contact_point WHERE patient_id = ANY(%s)
        """,
        patient_ids,
    )
    return {(row[0], row[1]): (row[2], row[3], (row[4], row[5], row[6]), row[7]) for row in found}


def _row(
    contact_id: int, facility_id: str, person: Person, rank: int, entry: PhoneEntry, event_at: datetime, today: date
) -> tuple[str, ...]:
    return (
        str(contact_id),
        facility_id,
        str(person.id),
        *number_cells(entry, rank),
        BOOLEAN[_may_discuss_health(person, entry, today)],
        same_moment_text(event_at),
    )


def _may_discuss_health(person: Person, entry: PhoneEntry, today: date) -> bool:
    """With the patient; with a relative when the patient is a child. For others a person decides."""
    if entry.owner_kind is OwnerKind.PATIENT:
        return True
    age = age_in_years(person.state.birth_date, today)
    return age is not None and age < REACHED_THROUGH_PARENTS_BEFORE


def change_owners(session: Session, owners: Mapping[int, Owner]) -> None:
    """Give these numbers (by id) their owners: kind, name, relationship."""
    update_rows(
        session,
        CONTACT_POINT,
        [
            {
                "id": contact_id,
                "owner_kind": kind,
                "owner_name": name,
                "relationship": relationship,
                "may_discuss_health": kind == OwnerKind.PATIENT,
            }
            for contact_id, (kind, name, relationship) in owners.items()
        ],
    )
