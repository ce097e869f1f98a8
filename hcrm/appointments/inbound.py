"""Replies about visits: the handler that messaging calls for conversations with the topic ``appointment``."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.appointments.service import take_reply_text
from hcrm.messaging.domain import ConversationSnapshot, HandledReply, InboundSnapshot, Outcome


def take_reply(
    session: Session, conversation: ConversationSnapshot, inbound: InboundSnapshot, now: datetime
) -> HandledReply:
    """Confirm, move or give up a visit by one reply; runs in the transaction that marks the reply as handled."""
    taken = take_reply_text(
        session,
        appointment_id=conversation.subject_id,
        inbound_id=inbound.id,
        text=inbound.body,
        asked_at=conversation.opened_at,
        now=now,
    )
    return HandledReply(
        replies=(taken.answer,) if taken.answer is not None else (),
        for_person=taken.for_person,
        finished=taken.finished,
        outcome=Outcome.ANSWER,
        read_as=taken.read_as,
    )
