"""Replies to survey messages: the handler that messaging calls for conversations with the topic ``survey``."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.messaging.domain import ConversationSnapshot, HandledReply, InboundSnapshot, Outcome
from hcrm.survey.service import take_reply_text


def take_reply(
    session: Session, conversation: ConversationSnapshot, inbound: InboundSnapshot, now: datetime
) -> HandledReply:
    """Advance the survey by one reply; runs in the transaction that marks the reply as handled."""
    outcome = take_reply_text(
        session, response_id=conversation.subject_id, inbound_id=inbound.id, text=inbound.body, now=now
    )
    return HandledReply(
        replies=(outcome.reply,) if outcome.reply is not None else (),
        for_person=outcome.for_person,
        finished=outcome.finished,
        outcome=Outcome.ANSWER,
        read_as=outcome.read_as,
    )
