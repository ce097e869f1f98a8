"""STOP and START: which numbers get no texts from a facility."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.events import NumberStarted, NumberStopped, publish
from hcrm.messaging.domain import ConversationState, Reason
from hcrm.messaging.models import Conversation, NumberState
from hcrm.messaging.queries import is_stopped
from hcrm.messaging.service import conversations
from hcrm.messaging.service.outbox import withdraw


def stop(session: Session, *, facility_id: int, number: str, source: str, now: datetime) -> bool:
    """No more texts to ``number``: what waits for it is withdrawn, conversations end; False when it was stopped."""
    if is_stopped(session, facility_id, number):
        return False
    _write(session, facility_id, number, {"stopped_at": now, "source": source})
    open_ones = session.scalars(
        select(Conversation.id).where(
            Conversation.facility_id == facility_id,
            Conversation.their_number == number,
            Conversation.state != ConversationState.FINISHED,
        )
    ).all()
    for conversation_id in open_ones:
        conversations.finish(session, conversation_id, now=now)
    withdraw(session, reason=Reason.OPTED_OUT, now=now, numbers=[(facility_id, number)])
    publish(session, NumberStopped(now=now, facility_id=facility_id, number=number))
    return True


def start(session: Session, *, facility_id: int, number: str, source: str, now: datetime) -> bool:
    """Texts to ``number`` again; False when it was not stopped."""
    if not is_stopped(session, facility_id, number):
        return False
    _write(session, facility_id, number, {"stopped_at": None, "started_at": now, "source": source})
    publish(session, NumberStarted(now=now, facility_id=facility_id, number=number))
    return True


def _write(session: Session, facility_id: int, number: str, values: dict[str, datetime | str | None]) -> None:
    session.execute(
        insert(NumberState)
        .values(facility_id=facility_id, number=number, **values)
        .on_conflict_do_update(index_elements=[NumberState.facility_id, NumberState.number], set_=values)
    )
