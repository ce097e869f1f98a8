"""The Inbox: a person claims a text, hands it over, says whose it is, and closes it with an outcome."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.messaging.domain import BY_HAND, InboundState, Outcome
from hcrm.messaging.models import InboundMessage


class AlreadyHandled(ValueError):
    """The text has been dealt with; the argument is its id."""


class ClaimedByOther(ValueError):
    """Somebody else deals with the text; the argument is their user id."""


class NotAnOutcome(ValueError):
    """This outcome cannot be chosen by a person."""


def claim_text(session: Session, inbound_id: int, *, actor_user_id: int, now: datetime) -> None:
    """Take a text to deal with it. Raises ``AlreadyHandled``, ``ClaimedByOther``."""
    row = _open(session, inbound_id)
    if row.claimed_by not in {None, actor_user_id}:
        raise ClaimedByOther(row.claimed_by)
    row.claimed_by, row.claimed_at = actor_user_id, now
    _note(session, row, "inbox.claim", actor_user_id, now)


def hand_over(session: Session, inbound_id: int, *, to_user_id: int | None, actor_user_id: int, now: datetime) -> None:
    """Give a text to a colleague, or back to everybody (None). Raises ``AlreadyHandled``."""
    row = _open(session, inbound_id)
    row.claimed_by, row.claimed_at = to_user_id, now if to_user_id is not None else None
    _note(session, row, "inbox.hand_over", actor_user_id, now)


def say_whose(session: Session, inbound_id: int, *, patient_id: int, actor_user_id: int, now: datetime) -> None:
    """A person decides which patient a text belongs to. Raises ``AlreadyHandled``."""
    row = _open(session, inbound_id)
    row.patient_id, row.state = patient_id, InboundState.MATCHED
    _note(session, row, "inbox.attribute", actor_user_id, now)


def close_text(
    session: Session, inbound_id: int, *, outcome: Outcome, note: str, actor_user_id: int, now: datetime
) -> None:
    """Finish with a text. Raises ``AlreadyHandled``, ``ClaimedByOther``, ``NotAnOutcome``."""
    if outcome not in BY_HAND:
        raise NotAnOutcome(outcome)
    row = _open(session, inbound_id)
    if row.claimed_by not in {None, actor_user_id}:
        raise ClaimedByOther(row.claimed_by)
    row.state, row.outcome, row.note = InboundState.HANDLED, outcome, note
    row.handled_at, row.handled_by = now, actor_user_id
    _note(session, row, "inbox.close", actor_user_id, now)


def _open(session: Session, inbound_id: int) -> InboundMessage:
    row = session.scalars(select(InboundMessage).where(InboundMessage.id == inbound_id).with_for_update()).one()
    if row.state is InboundState.HANDLED:
        raise AlreadyHandled(inbound_id)
    return row


def _note(session: Session, row: InboundMessage, action: str, actor_user_id: int, now: datetime) -> None:
    session.flush()
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind="inbound_message",
        object_id=row.id,
        patient_id=row.patient_id,
    )
