"""Reading patients, their numbers and consents. Everything goes by person: merged records answer as one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session, aliased

from hcrm.patients.domain import (
    CONSENT_DEFAULTS,
    ConsentChannel,
    ConsentPurpose,
    ConsentSnapshot,
    ContactSnapshot,
    DeceasedState,
    MergeSnapshot,
    PatientSnapshot,
)
from hcrm.patients.models import Consent, ContactPoint, Patient, PatientIdentifier, PatientMerge

_Same = aliased(Patient)  # made once: an alias of its own for each call costs as much as the query
_GRAVITY = (DeceasedState.NONE, DeceasedState.PENDING, DeceasedState.CONFIRMED)


Records = Mapping[int, tuple[int, ...]]
"""For each patient all records of the same person, as ``records_by_patient`` gives them."""


def records_by_patient(session: Session, patient_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """For each patient all records of the same person, the one that stands for the person first."""
    records: dict[int, list[int]] = defaultdict(list)
    rows = session.execute(
        select(Patient.id, _Same.id)
        .join(_Same, _Same.person_id == Patient.person_id)
        .where(Patient.id.in_(set(patient_ids)))
        .order_by(_Same.id != _Same.person_id, _Same.id)
    )
    for patient_id, record in rows:
        records[patient_id].append(record)
    return {patient_id: tuple(group) for patient_id, group in records.items()}


def records_of_persons(session: Session, patient_ids: Iterable[int]) -> list[int]:
    """All records of the persons whom ``patient_ids`` belong to."""
    records = records_by_patient(session, patient_ids)
    return sorted({each for group in records.values() for each in group})


def same_person(patient_id: int) -> Select[tuple[int]]:
    """The records of the person whom this one belongs to, to be looked for inside another query."""
    person = select(Patient.person_id).where(Patient.id == patient_id).scalar_subquery()
    return select(_Same.id).where(_Same.person_id == person)


def person_of(session: Session, patient_id: int) -> int | None:
    """The record that stands for the person of this record; None when there is no such record."""
    return session.scalar(select(Patient.person_id).where(Patient.id == patient_id))


def birth_date_of(patient_id: int) -> ScalarSelect[date | None]:
    """The birth date of a patient, null when it is not known, to be asked for among other columns."""
    return select(Patient.birth_date).where(Patient.id == patient_id).scalar_subquery()


def addresses_of(session: Session, patient_ids: Iterable[int]) -> dict[int, str]:
    """Where these patients live, as their record says it; "" where it says nothing."""
    wanted = set(patient_ids)
    if not wanted:
        return {}
    return dict(session.execute(select(Patient.id, Patient.address).where(Patient.id.in_(wanted))).tuples().all())


def patient_snapshots(session: Session, patient_ids: Iterable[int]) -> dict[int, PatientSnapshot]:
    """The patients by id. Flags and a death hold for all records of a person as soon as one has them."""
    mrn = (
        select(func.min(PatientIdentifier.value))  # the lowest where one record has several
        .where(PatientIdentifier.patient_id == Patient.id, PatientIdentifier.system == "mrn")
        .correlate(Patient)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Patient.id, mrn.label("mrn"), _Same)
        .join(_Same, _Same.person_id == Patient.person_id)
        .where(Patient.id.in_(set(patient_ids)))
        .order_by(_Same.id != _Same.person_id, _Same.id)
    )
    records: dict[int, list[Patient]] = defaultdict(list)
    mrns: dict[int, str] = {}
    for patient_id, number, record in rows:
        records[patient_id].append(record)
        mrns[patient_id] = number or ""
    return {patient_id: _snapshot(patient_id, group, mrns[patient_id]) for patient_id, group in records.items()}


def _snapshot(patient_id: int, records: Sequence[Patient], mrn: str) -> PatientSnapshot:
    row = next(each for each in records if each.id == patient_id)
    return PatientSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        person_id=row.person_id,
        mrn=mrn,
        family_name=row.family_name,
        given_name=row.given_name,
        full_name=row.full_name,
        sex=row.sex,
        birth_date=row.birth_date,
        language=records[0].language,
        deceased_on=next((each.deceased_on for each in records if each.deceased_on is not None), None),
        deceased_state=max((each.deceased_state for each in records), key=_GRAVITY.index),
        diagnosis_not_told=any(each.diagnosis_not_told for each in records),
        open_dispute=any(each.open_dispute for each in records),
        loss_of_baby=any(each.loss_of_baby for each in records),
        address=row.address,
    )


def contacts(
    session: Session, patient_ids: Iterable[int], *, records: Records | None = None
) -> dict[int, list[ContactSnapshot]]:
    """Numbers of each patient in the order in which to try them; retired ones last, each number of a person once.

    ``records``: those of the patients, from a caller who has read them already.
    """
    if records is None:
        return _contacts_of_persons(session, patient_ids)
    found: dict[int, list[ContactPoint]] = defaultdict(list)
    everyone = {each for group in records.values() for each in group}
    for row in session.scalars(select(ContactPoint).where(ContactPoint.patient_id.in_(everyone))):
        found[row.patient_id].append(row)
    return {
        patient_id: _in_order([row for each in group for row in found[each]]) for patient_id, group in records.items()
    }


def _contacts_of_persons(session: Session, patient_ids: Iterable[int]) -> dict[int, list[ContactSnapshot]]:
    found: dict[int, list[ContactPoint]] = defaultdict(list)
    rows = session.execute(
        select(Patient.id, ContactPoint)
        .join(_Same, _Same.person_id == Patient.person_id)
        .outerjoin(ContactPoint, ContactPoint.patient_id == _Same.id)
        .where(Patient.id.in_(set(patient_ids)))
        .order_by(_Same.id != _Same.person_id, _Same.id)
    )
    for patient_id, row in rows:
        found[patient_id].extend([row] if row is not None else [])
    return {patient_id: _in_order(points) for patient_id, points in found.items()}


def _in_order(rows: Iterable[ContactPoint]) -> list[ContactSnapshot]:
    ordered = sorted(
        rows,
        key=lambda row: (row.retired_at is not None, row.number is None, row.rank, -row.valid_from.timestamp(), row.id),
    )
    once: dict[str, ContactPoint] = {}
    for row in ordered:
        once.setdefault(row.number or row.raw, row)
    return [contact_snapshot(row) for row in once.values()]


def contact_snapshot(row: ContactPoint) -> ContactSnapshot:
    """The picture of one number."""
    return ContactSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        number=row.number,
        raw=row.raw,
        line_type=row.line_type,
        owner_kind=row.owner_kind,
        owner_name=row.owner_name,
        relationship=row.relationship,
        may_discuss_health=row.may_discuss_health,
        rank=row.rank,
        verified_on=row.verified_on,
        valid_from=row.valid_from,
        retired_at=row.retired_at,
        retired_reason=row.retired_reason,
    )


def patients_with_number(session: Session, facility_id: int, number: str) -> list[int]:
    """Persons (the record that stands for each) reached by this E.164 number; retired numbers do not count."""
    rows = session.scalars(
        select(Patient.person_id)
        .join(ContactPoint, ContactPoint.patient_id == Patient.id)
        .where(
            ContactPoint.facility_id == facility_id,
            ContactPoint.number_reversed == number.lstrip("+")[::-1],
            ContactPoint.number == number,
            ContactPoint.retired_at.is_(None),
        )
        .distinct()
    )
    return sorted(rows)


def consents_by_purpose(
    session: Session, records: Records, purposes: Collection[ConsentPurpose], channel: ConsentChannel
) -> dict[tuple[int, ConsentPurpose], bool]:
    """Whether each patient may be contacted for each purpose by ``channel``: the latest word, else the default.

    ``records``: those of the patients, as ``records_by_patient`` gives them. One statement.
    """
    everyone = [each for group in records.values() for each in group]
    rows = session.execute(
        select(Consent.patient_id, Consent.purpose, Consent.given, Consent.recorded_at, Consent.id).where(
            Consent.patient_id.in_(everyone), Consent.purpose.in_(purposes), Consent.channel == channel
        )
    )
    person = {each: patient_id for patient_id, group in records.items() for each in group}
    alike = {patient_id: group[0] for patient_id, group in records.items()}
    said: dict[tuple[int, ConsentPurpose], bool] = {}
    for patient_id, purpose, given, _, _ in sorted(rows, key=lambda row: (row.recorded_at, row.id)):
        said[alike[person[patient_id]], purpose] = given
    return {
        (patient_id, purpose): said.get((alike[patient_id], purpose), CONSENT_DEFAULTS[purpose])
        for patient_id in records
        for purpose in purposes
    }


def consent_snapshots(
    session: Session,
    patient_ids: Iterable[int],
    *,
    purpose: ConsentPurpose | None = None,
    channel: ConsentChannel | None = None,
) -> dict[int, Mapping[tuple[ConsentPurpose, ConsentChannel], ConsentSnapshot]]:
    """What holds for each patient and each purpose and channel; limited to one of these when given."""
    records = records_by_patient(session, patient_ids)
    everyone = {each for group in records.values() for each in group}
    query = select(Consent).where(Consent.patient_id.in_(everyone)).order_by(Consent.recorded_at, Consent.id)
    if purpose is not None:
        query = query.where(Consent.purpose == purpose)
    if channel is not None:
        query = query.where(Consent.channel == channel)
    said: dict[int, list[Consent]] = defaultdict(list)
    for row in session.scalars(query):
        said[row.patient_id].append(row)
    return {patient_id: _latest([row for each in group for row in said[each]]) for patient_id, group in records.items()}


def _latest(rows: Iterable[Consent]) -> dict[tuple[ConsentPurpose, ConsentChannel], ConsentSnapshot]:
    held = {
        (purpose, channel): ConsentSnapshot(purpose, channel, CONSENT_DEFAULTS[purpose])
        for purpose in ConsentPurpose
        for channel in ConsentChannel
    }
    for row in sorted(rows, key=lambda row: (row.recorded_at, row.id)):
        held[row.purpose, row.channel] = ConsentSnapshot(
            row.purpose, row.channel, row.given, row.recorded_at, row.recorded_by, row.how
        )
    return held


def merges(session: Session, patient_id: int) -> list[MergeSnapshot]:
    """Entries of the merge ledger that hold between the records of this person, the latest first."""
    records = records_of_persons(session, [patient_id])
    rows = session.scalars(
        select(PatientMerge)
        .where(PatientMerge.from_patient_id.in_(records), PatientMerge.undone_at.is_(None))
        .order_by(PatientMerge.merged_at.desc(), PatientMerge.id.desc())
    )
    return [
        MergeSnapshot(row.id, row.from_patient_id, row.into_patient_id, row.merged_at, row.merged_by, row.reason)
        for row in rows
    ]
