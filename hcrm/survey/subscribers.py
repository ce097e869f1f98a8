"""What surveys do when something happened below: an invitation was delivered, or will not be."""

from __future__ import annotations

from sqlalchemy.orm import Session

from hcrm.events import MessagesChanged
from hcrm.messaging import queries as messaging
from hcrm.messaging.domain import MessageStatus
from hcrm.survey.service import mark_delivered, mark_undeliverable
from hcrm.survey.service.responses import TOPIC

_DELIVERED = frozenset({MessageStatus.DELIVERED, MessageStatus.READ})
_LOST = frozenset({MessageStatus.PERMANENT_FAILURE, MessageStatus.SUPPRESSED, MessageStatus.EXPIRED})


def on_messages_changed(session: Session, event: MessagesChanged) -> None:
    """Invitations follow the state of their messages."""
    about = [
        message
        for message in messaging.messages(session, event.message_ids)
        if message.conversation_topic == TOPIC and message.conversation_subject_id is not None
    ]
    delivered = [message.conversation_subject_id for message in about if message.status in _DELIVERED]
    lost = [message.conversation_subject_id for message in about if message.status in _LOST]
    mark_delivered(session, [subject for subject in delivered if subject is not None], event.now)
    mark_undeliverable(session, [subject for subject in lost if subject is not None], event.now)
