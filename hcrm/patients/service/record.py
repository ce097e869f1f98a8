"""What people change in a patient's record by hand: consent, language, flags, and news of a death.

What is said of a person is kept with the record that stands for the person, so that undoing a merge leaves it there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.events import DeceasedReportWithdrawn, PatientsDeceased, publish
from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    DeceasedState,
    Language,
    PatientFlag,
    UnknownPatient,
)
from hcrm.patients.models import Consent, Patient
from hcrm.patients.queries import records_of_persons


def record_consent(
    session: Session,
    *,
    patient_id: int,
    purpose: ConsentPurpose | str,
    channel: ConsentChannel | str,
    given: bool,
    how: str,
    now: datetime,
    actor_user_id: int | None,
    form_version: str = "",
) -> None:
    """Add what a patient said about being contacted; the latest word holds. Raises ``UnknownPatient``."""
    patient = _patient(session, patient_id)
    session.add(
        Consent(
            facility_id=patient.facility_id,
            patient_id=patient_id,
            purpose=ConsentPurpose(purpose),
            channel=ConsentChannel(channel),
            given=given,
            recorded_at=now,
            recorded_by=actor_user_id,
            how=how,
            form_version=form_version,
        )
    )
    session.flush()
    details = {"purpose": str(ConsentPurpose(purpose)), "channel": str(ConsentChannel(channel))}
    _audit(session, "patient.consent_changed", patient, actor_user_id, now, details)


def choose_language(
    session: Session, *, patient_id: int, language: Language, now: datetime, actor_user_id: int | None
) -> None:
    """Set the language of the person; records no longer change it. Raises ``UnknownPatient``."""
    patient = _patient(session, patient_id)
    session.execute(
        update(Patient)
        .where(Patient.id == patient.person_id)
        .values(language=language, language_chosen_at=now, updated_at=now)
    )
    _audit(session, "patient.language_changed", patient, actor_user_id, now, {"fields": ["language"]})


def set_flags(
    session: Session, *, patient_id: int, flags: frozenset[PatientFlag], now: datetime, actor_user_id: int | None
) -> None:
    """Set exactly these flags of the person. Raises ``UnknownPatient``."""
    patient = _patient(session, patient_id)
    values = {flag.value: flag in flags for flag in PatientFlag}
    cleared = {name: False for name, is_set in values.items() if not is_set}
    if cleared:
        records = records_of_persons(session, [patient_id])
        session.execute(update(Patient).where(Patient.id.in_(records)).values(**cleared, updated_at=now))
    session.execute(update(Patient).where(Patient.id == patient.person_id).values(**values, updated_at=now))
    _audit(session, "patient.flags_changed", patient, actor_user_id, now, {"fields": sorted(values)})


def report_deceased(
    session: Session, *, patient_id: int, confirmed: bool, now: datetime, actor_user_id: int | None
) -> None:
    """Note a death; everything for the patient stops at once, also while the report waits to be confirmed.

    Raises ``UnknownPatient``.
    """
    patient = _patient(session, patient_id)
    records = records_of_persons(session, [patient_id])
    state = DeceasedState.CONFIRMED if confirmed else DeceasedState.PENDING
    session.execute(
        update(Patient)
        .where(Patient.id == patient.person_id, Patient.deceased_state != DeceasedState.CONFIRMED)
        .values(deceased_state=state, updated_at=now)
    )
    action = "patient.death_confirmed" if confirmed else "patient.death_reported"
    _audit(session, action, patient, actor_user_id, now, {"fields": ["deceased_state"]})
    publish(session, PatientsDeceased(now=now, patient_ids=tuple(records)))


def withdraw_deceased(session: Session, *, patient_id: int, now: datetime, actor_user_id: int) -> None:
    """The patient is alive: take the report back; records from before ``now`` no longer say otherwise.

    Raises ``UnknownPatient``.
    """
    patient = _patient(session, patient_id)
    session.execute(
        update(Patient)
        .where(Patient.id.in_(records_of_persons(session, [patient_id])), Patient.deceased_state != DeceasedState.NONE)
        .values(deceased_state=DeceasedState.NONE, deceased_on=None, deceased_checked_at=now, updated_at=now)
    )
    fields = {"fields": ["deceased_on", "deceased_state"]}
    _audit(session, "patient.death_withdrawn", patient, actor_user_id, now, fields)
    publish(session, DeceasedReportWithdrawn(now=now, patient_id=patient_id, actor_user_id=actor_user_id))


def note_look(session: Session, *, patient_id: int, now: datetime, actor_user_id: int) -> None:
    """Keep in the audit that somebody looked at this patient. Raises ``UnknownPatient``."""
    _audit(session, "patient.viewed", _patient(session, patient_id), actor_user_id, now, {})


def _patient(session: Session, patient_id: int) -> Patient:
    patient = session.scalars(select(Patient).where(Patient.id == patient_id)).one_or_none()
    if patient is None:
        raise UnknownPatient(patient_id)
    return patient


def _audit(
    session: Session,
    action: str,
    patient: Patient,
    actor_user_id: int | None,
    now: datetime,
    details: Mapping[str, object],
) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=patient.facility_id,
        object_kind="patient",
        object_id=patient.id,
        patient_id=patient.id,
        details=details,
    )
