"""Finding patients by what people have at hand: a name, an MRN, the last digits of a phone number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, or_, select
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.domain import Scope
from hcrm.patients.domain import EncounterSnapshot, PatientHit, is_han, sort_key
from hcrm.patients.models import ContactPoint, Encounter, EncounterLocation, Patient, PatientIdentifier
from hcrm.patients.queries.people import patient_snapshots
from hcrm.patients.queries.stays import encounters_of_persons

SHORTEST_PHONE_TAIL = 4
SHORTEST_NAME_PART = 2


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a search text can stand for."""

    text: str
    phone_tails: tuple[str, ...]
    name_keys: tuple[str, ...]


def _wanted(text: str) -> _Wanted:
    text = " ".join(text.split())
    bare = text.translate(str.maketrans("", "", " +-()"))
    # The zero that is dialled before a number at home is no part of it, but the last digits may begin with one too.
    tails = dict.fromkeys([bare, bare.lstrip("0")]) if bare.isascii() and bare.isdigit() else ()
    words = text.split(" ")
    turned = [words[-1:] + words[:-1]] if len(words) > 1 else []
    keys = dict.fromkeys(sort_key(" ".join(each)) for each in [words, *turned])
    phone_tails = tuple(tail for tail in tails if len(tail) >= SHORTEST_PHONE_TAIL)
    return _Wanted(text, phone_tails, tuple(key for key in keys if key))


def search(session: Session, scope: Scope, text: str, limit: int) -> list[PatientHit]:
    """Patients inside ``scope`` whom ``text`` may mean, at most ``limit``, by name.

    An exact MRN comes first; then numbers that end in the digits, or names that begin with the letters (pinyin for
    Chinese names); when nothing begins so, names that hold them anywhere. Merged records are found once, as the person.
    """
    wanted = _wanted(text)
    if not wanted.text or not scope.facility_ids:
        return []
    found = dict.fromkeys(_persons(session, scope, limit, _has_identifier(scope, wanted.text)))
    for tail in wanted.phone_tails:
        found.update(dict.fromkeys(_persons(session, scope, limit, _has_number(scope, tail))))
    found.update(dict.fromkeys(_persons(session, scope, limit, _name_begins(wanted))))
    if not found and all(len(key) >= SHORTEST_NAME_PART for key in wanted.name_keys):
        found.update(dict.fromkeys(_persons(session, scope, limit, _name_holds(wanted))))
    return _hits(session, scope, list(found)[:limit])


def _has_identifier(scope: Scope, value: str) -> ColumnElement[bool]:
    return Patient.id.in_(
        select(PatientIdentifier.patient_id).where(
            PatientIdentifier.facility_id.in_(scope.facility_ids), PatientIdentifier.value == value
        )
    )


def _has_number(scope: Scope, digits: str) -> ColumnElement[bool]:
    return Patient.id.in_(
        select(ContactPoint.patient_id).where(
            ContactPoint.facility_id.in_(scope.facility_ids),
            ContactPoint.number_reversed.startswith(digits[::-1], autoescape=True),
        )
    )


def _name_begins(wanted: _Wanted) -> ColumnElement[bool]:
    begins = or_(false(), *(Patient.name_sort_key.startswith(key, autoescape=True) for key in wanted.name_keys))
    if any(map(is_han, wanted.text)):
        return and_(begins, Patient.full_name.startswith(wanted.text, autoescape=True))
    return begins


def _name_holds(wanted: _Wanted) -> ColumnElement[bool]:
    if any(map(is_han, wanted.text)):
        return Patient.full_name.contains(wanted.text, autoescape=True)
    return or_(false(), *(Patient.name_sort_key.contains(key, autoescape=True) for key in wanted.name_keys))


def _persons(session: Session, scope: Scope, limit: int, condition: ColumnElement[bool]) -> Iterable[int]:
    return session.scalars(
        select(Patient.person_id)
        .where(Patient.facility_id.in_(scope.facility_ids), condition, _visible(scope))
        .order_by(Patient.name_sort_key, Patient.id)
        .limit(limit)
    )


def _visible(scope: Scope) -> ColumnElement[bool]:
    """In a facility that is visible as a whole, or with a stay that touched a visible department."""
    whole = [facility_id for facility_id, departments in scope.departments.items() if departments is None]
    some = {each for departments in scope.departments.values() for each in departments or ()}
    record = aliased(Patient)
    touched = or_(
        Encounter.department_id.in_(some),
        select(EncounterLocation.id)
        .where(EncounterLocation.encounter_id == Encounter.id, EncounterLocation.department_id.in_(some))
        .exists(),
    )
    stayed = (
        select(Encounter.id)
        .join(record, record.id == Encounter.patient_id)
        .where(record.person_id == Patient.person_id, touched)
        .exists()
    )
    return or_(Patient.facility_id.in_(whole), stayed)


def _hits(session: Session, scope: Scope, person_ids: list[int]) -> list[PatientHit]:
    patients = patient_snapshots(session, person_ids)
    latest: dict[int, EncounterSnapshot] = {
        stay.person_id: stay
        for stay in encounters_of_persons(session, person_ids)
        if scope.covers(stay.facility_id, stay.department_ids)
    }
    hits = []
    for person_id in person_ids:
        patient, stay = patients[person_id], latest.get(person_id)
        hits.append(
            PatientHit(
                patient_id=person_id,
                facility_id=patient.facility_id,
                mrn=patient.mrn,
                full_name=patient.full_name,
                sex=patient.sex,
                birth_date=patient.birth_date,
                deceased_state=patient.deceased_state,
                department_id=stay.department_id if stay else None,
                discharged_at=stay.discharged_at if stay else None,
                admitted_at=stay.admitted_at if stay else None,
            )
        )
    return hits
