"""Addresses for patients and for clinicians' calendars: the tokens come from the secret key, their hashes are kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.appointments.domain.texts import TOPIC
from hcrm.appointments.models import CalendarFeed
from hcrm.appointments.queries.visits import feed_generation
from hcrm.ids import patient_token, token_hash
from hcrm.messaging.domain import LinkBuilder


def appointment_link(public_base_url: str, secret: str, appointment_id: int, generation: int = 0) -> str:
    """The address of a patient's page for a visit; a new generation ends the old one."""
    return f"{public_base_url.rstrip('/')}/a/{patient_token(secret, TOPIC, appointment_id, generation)}"


def token_hash_of(session: Session, appointment_id: int, generation: int = 0) -> str:
    """The hash of the token in the link, as ``wiring`` makes links; the token itself is kept nowhere."""
    links: Mapping[str, LinkBuilder] = session.info["links"]
    return token_hash(links[TOPIC](appointment_id, generation).rsplit("/", 1)[1])


def renew_feed(
    session: Session, *, facility_id: int, clinician_id: int, secret: str, actor_user_id: int, now: datetime
) -> str:
    """A new secret token for the feed of a clinician; the one before stops working."""
    generation = (feed_generation(session, clinician_id) or 0) + 1
    token = feed_token(secret, clinician_id, generation)
    values = {
        "facility_id": facility_id,
        "generation": generation,
        "token_hash": token_hash(token),
        "made_at": now,
        "made_by": actor_user_id,
    }
    session.execute(
        insert(CalendarFeed)
        .values(clinician_id=clinician_id, **values)
        .on_conflict_do_update(index_elements=[CalendarFeed.clinician_id], set_=values)
    )
    return token


def feed_token(secret: str, clinician_id: int, generation: int) -> str:
    """The secret part of the address of a clinician's feed; twice as long as a patient's, for it does not end."""
    return patient_token(secret, "calendar", clinician_id, generation) + patient_token(
        secret, "calendar-feed", clinician_id, generation
    )
