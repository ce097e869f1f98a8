"""Opening a visit's page by its link, and taking the link back."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from hcrm.appointments.domain.states import AppointmentState, HistoryKind, Via
from hcrm.appointments.domain.texts import key_of
from hcrm.appointments.service.booking import UnknownAppointment
from hcrm.appointments.service.links import token_hash_of
from hcrm.appointments.service.places import locked, note
from hcrm.appointments.service.texts import tell
from hcrm.organization.queries import facility
from hcrm.patients.domain import Proof, is_proof
from hcrm.patients.queries import patient_snapshots

WRONG_AT_ONCE = 5
LOCKED_FOR = timedelta(hours=1)
MOST_WRONG = 15
"""So many wrong answers close a link for good; a new one can be sent."""


class Entry(StrEnum):
    """What came of a try to open a visit's page."""

    OPEN = "open"
    WRONG = "wrong"
    LOCKED = "locked"
    SHUT = "shut"


def enter(session: Session, *, appointment_id: int, given: Proof, now: datetime) -> Entry:
    """Let in who knows the patient's birth date, or the end of the record number where no birth date is on record.

    Looked at and counted under one lock, so that tries at the same moment are all counted: ``WRONG_AT_ONCE`` wrong ones
    lock the link for ``LOCKED_FOR``, ``MOST_WRONG`` shut it for good.
    """
    row = locked(session, appointment_id)
    if row is None or row.wrong_dates >= MOST_WRONG:
        return Entry.SHUT
    if row.locked_until is not None and row.locked_until > now:
        return Entry.LOCKED
    patient = patient_snapshots(session, [row.patient_id])[row.patient_id]
    right = is_proof(given, birth_date=patient.birth_date, mrn=patient.mrn)
    row.wrong_dates = 0 if right else row.wrong_dates + 1
    row.locked_until = now + LOCKED_FOR if row.wrong_dates and row.wrong_dates % WRONG_AT_ONCE == 0 else None
    session.flush()
    if right:
        return Entry.OPEN
    if row.wrong_dates >= MOST_WRONG:
        return Entry.SHUT
    return Entry.WRONG if row.locked_until is None else Entry.LOCKED


def revoke_link(session: Session, *, appointment_id: int, via: Via, now: datetime, actor_user_id: int | None) -> None:
    """End the link that is out; while a booked visit is to come the patient gets a text with a new one.

    Raises ``UnknownAppointment``.
    """
    row = locked(session, appointment_id)
    if row is None:
        raise UnknownAppointment(appointment_id)
    row.link_generation += 1
    row.wrong_dates, row.locked_until = 0, None
    row.token_hash = token_hash_of(session, row.id, row.link_generation)
    session.flush()
    note(session, row, HistoryKind.LINK_REVOKED, via=via, now=now, actor_user_id=actor_user_id)
    if row.state is AppointmentState.BOOKED and row.starts_at is not None and row.starts_at > now:
        again = key_of(row.id, f"appt_booked_link{row.link_generation}", row.generation)
        tell(session, row, "appt_booked", zone=facility(session, row.facility_id).zone, now=now, key=again)
