"""Taking back what one import told, as if it had never come.

Facts of the import go; what they told about is worked out anew from the others. A stay that nothing else tells of
counts as cancelled and holds nothing; a patient of whom nothing else tells loses name and numbers. Their empty rows
stay, for plans and the audit refer to them. The same records may come again: they make new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from hcrm.events import DeceasedReportWithdrawn, EncountersChanged, publish
from hcrm.patients.domain import DeceasedState, RetiredReason, Sex
from hcrm.patients.models import ContactPoint, EncounterFact, Patient, PatientFact, PatientIdentifier
from hcrm.patients.queries.batches import Touched
from hcrm.patients.service.locks import lock_facility
from hcrm.patients.service.refolding import facts_of_patients, refold_patients, refold_stays

AT_ONCE: Final = 5_000
"""Stays that are worked out in one go."""


class TakenBack(NamedTuple):
    """How many stays and patients are gone, and how many are as they were before."""

    stays_gone: int
    stays_restored: int
    patients_gone: int
    patients_restored: int


def take_back_batch(
    session: Session,
    *,
    facility_id: int,
    batch_id: int,
    touched: Touched,
    since: datetime,
    timezone: str,
    with_plans: bool,
    actor_user_id: int,
    now: datetime,
) -> TakenBack:
    """Take back every fact of a batch, which began at ``since``, and publish what is other than before."""
    lock_facility(session, facility_id)
    for table in (EncounterFact, PatientFact):
        session.execute(delete(table).where(table.facility_id == facility_id, table.batch_id == batch_id))
    zone, gone = ZoneInfo(timezone), 0
    for part in _parts(touched.encounter_ids):
        gone += len(refold_stays(session, facility_id=facility_id, encounter_ids=part, zone=zone, now=now))
    patients_gone, living = _patients(session, facility_id, touched.patient_ids, since, now)
    session.expire_all()
    if touched.encounter_ids:
        changed = EncountersChanged(now=now, encounter_ids=tuple(touched.encounter_ids), with_plans=with_plans)
        publish(session, changed)
    for patient_id in living:
        publish(session, DeceasedReportWithdrawn(now=now, patient_id=patient_id, actor_user_id=actor_user_id))
    return TakenBack(
        gone, len(touched.encounter_ids) - gone, len(patients_gone), len(touched.patient_ids) - len(patients_gone)
    )


def _parts(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)]


def _patients(
    session: Session, facility_id: int, patient_ids: Sequence[int], since: datetime, now: datetime
) -> tuple[list[int], list[int]]:
    emptied: list[int] = []
    living: list[int] = []
    for part in _parts(patient_ids):
        gone, alive = refold_patients(session, facility_id=facility_id, patient_ids=part, now=now)
        _drop_numbers(session, facility_id, [each for each in part if each not in set(gone)], now)
        made = select(Patient.id).where(Patient.id.in_(gone), Patient.created_at >= since)
        gone = list(session.scalars(made))
        _empty(session, gone, now)
        emptied.extend(gone)
        living.extend(alive)
    return emptied, living


def _empty(session: Session, patient_ids: Sequence[int], now: datetime) -> None:
    """Leave nothing of these patients but their rows; nobody finds them any more, by whatever number or name."""
    session.execute(delete(PatientIdentifier).where(PatientIdentifier.patient_id.in_(patient_ids)))
    _forget(
        session, list(session.scalars(select(ContactPoint.id).where(ContactPoint.patient_id.in_(patient_ids)))), now
    )
    nothing = {"family_name": "", "given_name": "", "full_name": "", "name_sort_key": "", "address": ""}
    session.execute(
        update(Patient)
        .where(Patient.id.in_(patient_ids))
        .values(
            **nothing,
            sex=Sex.UNKNOWN,
            birth_date=None,
            deceased_on=None,
            deceased_state=DeceasedState.NONE,
            updated_at=now,
        )
    )


def _drop_numbers(session: Session, facility_id: int, patient_ids: Sequence[int], now: datetime) -> None:
    """Take away the numbers that no record names any more and nobody has verified or changed.

    Numbers that people write down are verified, or their records say so; the others came with records.
    """
    named = {
        (patient_id, each.number or each.raw)
        for patient_id, facts in facts_of_patients(session, facility_id, patient_ids).items()
        for fact in facts
        for each in fact.fields.get("phones", ())
    }
    rows = session.scalars(
        select(ContactPoint).where(
            ContactPoint.patient_id.in_(patient_ids), ContactPoint.verified_on.is_(None), _BY_RECORDS
        )
    )
    _forget(session, [row.id for row in rows if (row.patient_id, row.number or row.raw) not in named], now)


# What a person adds or changes on the patient's page is audited as such.
_BY_RECORDS = text(
    "NOT EXISTS (SELECT 1 FROM audit_entry a WHERE a.patient_id = contact_point.patient_id"
    " AND a.object_kind = 'contact_point' AND a.object_id = contact_point.id)"
)


def _forget(session: Session, contact_ids: Sequence[int], now: datetime) -> None:
    """Delete numbers; one that a message refers to is retired."""
    if not contact_ids:
        return
    try:
        with session.begin_nested():
            session.execute(delete(ContactPoint).where(ContactPoint.id.in_(contact_ids)))
    except IntegrityError:
        session.execute(
            update(ContactPoint)
            .where(ContactPoint.id.in_(contact_ids))
            .values(retired_at=now, retired_reason=RetiredReason.REPLACED)
        )
