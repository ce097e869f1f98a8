"""What people change about a patient's numbers: add, correct, verify, retire."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.patients.domain import OwnerKind, PhoneEntry, RetiredReason, UnknownContact, UnknownPatient
from hcrm.patients.domain.prepared import reversed_digits
from hcrm.patients.models import ContactPoint, Patient
from hcrm.patients.queries import records_of_persons


def add_contact(
    session: Session,
    *,
    patient_id: int,
    entry: PhoneEntry,
    may_discuss_health: bool,
    verified_on: date | None,
    now: datetime,
    actor_user_id: int | None,
) -> int:
    """Add a number, to be tried first; one that the person has already is corrected and in use again.

    Returns its id. Raises ``UnknownPatient``.
    """
    patient = session.get(Patient, patient_id)
    if patient is None:
        raise UnknownPatient(patient_id)
    contact = _same_number(session, patient_id, entry)
    if contact is None:
        contact = ContactPoint(facility_id=patient.facility_id, patient_id=patient_id, valid_from=now, rank=0)
        session.add(contact)
    contact.number, contact.number_reversed, contact.raw = entry.number, reversed_digits(entry.number), entry.raw
    contact.line_type = entry.line_type
    contact.retired_at = contact.retired_reason = None
    contact.valid_from, contact.rank = now, 0
    _set_owner(contact, entry, may_discuss_health=may_discuss_health, verified_on=verified_on)
    session.flush()
    _audit(session, "patient.contact_added", contact, actor_user_id, now)
    return contact.id


def change_contact(
    session: Session,
    *,
    contact_point_id: int,
    owner_kind: OwnerKind,
    owner_name: str,
    relationship: str,
    may_discuss_health: bool,
    verified_on: date | None,
    now: datetime,
    actor_user_id: int | None,
) -> None:
    """Correct whose number it is, and when that was verified. Raises ``UnknownContact``."""
    contact = _contact(session, contact_point_id)
    entry = PhoneEntry(contact.raw, contact.number, contact.line_type, owner_kind, owner_name, relationship)
    _set_owner(contact, entry, may_discuss_health=may_discuss_health, verified_on=verified_on or contact.verified_on)
    session.flush()
    _audit(session, "patient.contact_changed", contact, actor_user_id, now)


def retire_contact(
    session: Session,
    *,
    contact_point_id: int,
    reason: RetiredReason | str,
    now: datetime,
    actor_user_id: int | None,
) -> None:
    """Use this number of the person no longer; records do not bring it back. Raises ``UnknownContact``."""
    contact = _contact(session, contact_point_id)
    for same in _everywhere(session, contact):
        if same.retired_at is None:
            same.retired_at, same.retired_reason = now, RetiredReason(reason)
    session.flush()
    _audit(session, "patient.contact_retired", contact, actor_user_id, now)


def _contact(session: Session, contact_point_id: int) -> ContactPoint:
    contact = session.get(ContactPoint, contact_point_id)
    if contact is None:
        raise UnknownContact(contact_point_id)
    return contact


def _everywhere(session: Session, contact: ContactPoint) -> list[ContactPoint]:
    """The number on all records of the person."""
    if contact.number is None:
        return [contact]
    records = records_of_persons(session, [contact.patient_id])
    return list(
        session.scalars(
            select(ContactPoint).where(ContactPoint.patient_id.in_(records), ContactPoint.number == contact.number)
        )
    )


def _same_number(session: Session, patient_id: int, entry: PhoneEntry) -> ContactPoint | None:
    if entry.number is None:
        return None
    records = records_of_persons(session, [patient_id])
    return session.scalars(
        select(ContactPoint)
        .where(ContactPoint.patient_id.in_(records), ContactPoint.number == entry.number)
        .order_by(ContactPoint.id)
        .limit(1)
    ).one_or_none()


def _set_owner(contact: ContactPoint, entry: PhoneEntry, *, may_discuss_health: bool, verified_on: date | None) -> None:
    own = entry.owner_kind is OwnerKind.PATIENT
    contact.owner_kind = entry.owner_kind
    contact.owner_name = "" if own else entry.owner_name
    contact.relationship = "" if own else entry.relationship
    contact.may_discuss_health = own or may_discuss_health
    contact.verified_on = verified_on


def _audit(session: Session, action: str, contact: ContactPoint, actor_user_id: int | None, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=contact.facility_id,
        object_kind="contact_point",
        object_id=contact.id,
        patient_id=contact.patient_id,
    )
