"""What comes from outside, stored before it is understood: texts of phones, and a count of calls that were refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.messaging.domain import our_number
from hcrm.messaging.models import OutboxMessage, RefusedWebhook
from hcrm.messaging.service.replies import receive
from hcrm.organization import queries as organization
from hcrm.organization.domain import FacilitySnapshot

NUMBER_LIMIT = 20
ID_LIMIT = 100
MOST_MEDIA = 99


class NoFacility(LookupError):
    """There is no hospital yet that a text could be for."""


def storable(text: str, limit: int) -> str:
    """``text`` as the database takes it: without the NUL that it refuses, and not longer than ``limit``."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()[:limit]


def receive_from_outside(
    session: Session,
    *,
    provider: str,
    provider_message_id: str,
    from_number: str,
    to_number: str,
    body: str,
    media: str,
    now: datetime,
) -> int:
    """Store a text that a provider brings; its id, also when it brings the same one again.

    It belongs to the facility whose number it was sent to; where several numbers send for one (a Messaging Service),
    to the facility that wrote to this phone last. It is kept under the facility's own number, so that it meets the
    conversation that waits. Raises ``NoFacility``.
    """
    facility = _facility(session, to_number, from_number)
    return receive(
        session,
        facility_id=facility.id,
        provider=provider,
        provider_message_id=storable(provider_message_id, ID_LIMIT),
        from_number=storable(from_number, NUMBER_LIMIT),
        to_number=our_number(facility),
        body=storable(body, len(body)),
        media_count=min(int(media), MOST_MEDIA) if media.isascii() and media.isdigit() and len(media) < 9 else 0,
        now=now,
    )


def _facility(session: Session, to_number: str, from_number: str) -> FacilitySnapshot:
    facilities = organization.facilities(session)
    if not facilities:
        raise NoFacility
    named = [each for each in facilities if our_number(each) == to_number]
    return named[0] if named else _wrote_last(session, facilities, from_number)


def _wrote_last(session: Session, facilities: Sequence[FacilitySnapshot], number: str) -> FacilitySnapshot:
    if len(facilities) == 1:
        return facilities[0]
    last = session.scalars(
        select(OutboxMessage.facility_id)
        .where(OutboxMessage.facility_id.in_([each.id for each in facilities]), OutboxMessage.to_number == number)
        .order_by(OutboxMessage.decided_at.desc().nulls_last())
        .limit(1)
    ).one_or_none()
    return next((each for each in facilities if each.id == last), facilities[0])


def count_refused(session: Session, why: str, *, now: datetime) -> None:
    """Count a call from outside that was refused; nothing else of it is kept."""
    statement = insert(RefusedWebhook).values(on_day=now.astimezone(UTC).date(), why=why, count=1)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[RefusedWebhook.on_day, RefusedWebhook.why], set_={"count": RefusedWebhook.count + 1}
        )
    )
