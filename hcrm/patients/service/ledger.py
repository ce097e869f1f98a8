"""Merging records that are one person, and taking a merge back.

Nothing that was recorded is rewritten: stays and numbers stay with the record they were made for. The ledger says
which records are one person, and ``patient.person_id`` holds what follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.events import PatientsMerged, PatientsUnmerged, publish
from hcrm.patients.domain import AlreadyOnePerson, MergeNotInForce, NotInOneFacility, UnknownPatient, persons_of
from hcrm.patients.models import Patient, PatientMerge
from hcrm.patients.queries import records_of_persons
from hcrm.patients.service.locks import lock_facility


def merge_patients(
    session: Session,
    *,
    from_patient_id: int,
    into_patient_id: int,
    reason: str,
    now: datetime,
    actor_user_id: int | None,
) -> int:
    """Say that the persons of two records are one; the second one survives. Returns the ledger entry.

    Raises ``UnknownPatient``, ``NotInOneFacility`` or ``AlreadyOnePerson``.
    """
    facility_id = _facility_of(session, from_patient_id)
    if _facility_of(session, into_patient_id) != facility_id:
        raise NotInOneFacility(from_patient_id, into_patient_id)
    lock_facility(session, facility_id)
    leaving, staying = _person(session, from_patient_id), _person(session, into_patient_id)
    if leaving == staying:
        raise AlreadyOnePerson(leaving)
    moved = records_of_persons(session, [leaving])
    merge = PatientMerge(
        facility_id=facility_id,
        from_patient_id=leaving,
        into_patient_id=staying,
        merged_at=now,
        merged_by=actor_user_id,
        reason=reason,
    )
    session.add(merge)
    session.execute(update(Patient).where(Patient.id.in_(moved)).values(person_id=staying, updated_at=now))
    session.flush()
    _audit(session, "patient.merged", merge, actor_user_id, now)
    publish(session, PatientsMerged(now=now, person_id=staying, merged_patient_ids=tuple(moved)))
    return merge.id


def unmerge_patients(session: Session, *, merge_id: int, now: datetime, actor_user_id: int | None) -> None:
    """Take one entry of the ledger back and work out anew who is who. Raises ``MergeNotInForce``.

    What was made after the merge stays with the record it was made for, which is the survivor.
    """
    merge = session.get(PatientMerge, merge_id)
    if merge is None:
        raise MergeNotInForce(merge_id)
    lock_facility(session, merge.facility_id)
    session.refresh(merge, with_for_update=True)
    if merge.undone_at is not None:
        raise MergeNotInForce(merge_id)
    records = records_of_persons(session, [merge.from_patient_id])
    merge.undone_at, merge.undone_by = now, actor_user_id
    session.flush()
    for patient_id, person_id in persons_of(records, _in_force(session, records)).items():
        session.execute(update(Patient).where(Patient.id == patient_id).values(person_id=person_id, updated_at=now))
    _audit(session, "patient.unmerged", merge, actor_user_id, now)
    publish(session, PatientsUnmerged(now=now, patient_ids=tuple(records)))


def _in_force(session: Session, records: Iterable[int]) -> list[tuple[int, int]]:
    rows = session.execute(
        select(PatientMerge.from_patient_id, PatientMerge.into_patient_id).where(
            PatientMerge.from_patient_id.in_(list(records)), PatientMerge.undone_at.is_(None)
        )
    )
    return [(leaving, staying) for leaving, staying in rows]


def _facility_of(session: Session, patient_id: int) -> int:
    facility_id = session.scalar(select(Patient.facility_id).where(Patient.id == patient_id))
    if facility_id is None:
        raise UnknownPatient(patient_id)
    return facility_id


def _person(session: Session, patient_id: int) -> int:
    return session.scalars(select(Patient.person_id).where(Patient.id == patient_id)).one()


def _audit(session: Session, action: str, merge: PatientMerge, actor_user_id: int | None, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=merge.facility_id,
        object_kind="patient_merge",
        object_id=merge.id,
        patient_id=merge.into_patient_id,
        details={"from": merge.from_patient_id, "into": merge.into_patient_id},
    )
