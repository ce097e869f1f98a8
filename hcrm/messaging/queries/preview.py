"""Reads what a wording would be filled in with for one patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.messaging.domain import TemplateValue, closest_language
from hcrm.messaging.models import OutboxMessage
from hcrm.organization import queries as organization
from hcrm.patients.queries import patient_snapshots, records_of_persons


@dataclass(frozen=True, slots=True)
class PatientValues:
    """What is known for a text to one patient, in the ``language`` they get it in; ``names``: what they are called."""

    patient_id: int
    facility_id: int
    full_name: str
    language: str
    known: Mapping[str, TemplateValue]
    names: tuple[str, ...]


def patient_values(session: Session, patient_id: int, code: str) -> PatientValues:
    """The hospital's values, and those of the newest message with this text that the person was meant to get.

    Raises ``KeyError`` when there is no such patient.
    """
    patient = patient_snapshots(session, [patient_id])[patient_id]
    facility = organization.facility(session, patient.facility_id)
    last = session.scalars(
        select(OutboxMessage.values)
        .where(
            OutboxMessage.patient_id.in_(records_of_persons(session, [patient_id])), OutboxMessage.template_code == code
        )
        .order_by(OutboxMessage.id.desc())
        .limit(1)
    ).one_or_none()
    names = {"en": facility.name_in("en"), "zh_Hans": facility.name_in("zh_Hans")}
    return PatientValues(
        patient_id=patient_id,
        facility_id=patient.facility_id,
        full_name=patient.full_name,
        language=closest_language(patient.language),
        known={"hospital": names, "phone": facility.phone, "emergency": facility.emergency_number, **(last or {})},
        names=tuple(name for name in (patient.full_name, patient.family_name, patient.given_name) if len(name) > 1),
    )
