"""A person answers a text from the Inbox: the answer goes the way of all messages, and keeps to their rules."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.messaging.domain import InboundState, MessageRequest, Outcome, Purpose, measure
from hcrm.messaging.models import InboundMessage, OutboxMessage
from hcrm.messaging.queries import is_stopped
from hcrm.messaging.service.inbox import AlreadyHandled, ClaimedByOther, close_text
from hcrm.messaging.service.judging import STAFF_ANSWER
from hcrm.messaging.service.outbox import enqueue

USEFUL_FOR = timedelta(days=2)
MOST_SEGMENTS = 6
HAN = re.compile(r"[\u4e00-\u9fff]")


class PhoneStopped(ValueError):
    """This phone said STOP: it gets no texts, it can be called."""


class WhoseIsOpen(ValueError):
    """Several patients share this number; whose text it is has to be said first."""


class AnswerTooLong(ValueError):
    """The answer is longer than ``MOST_SEGMENTS`` text messages."""


def answer_text(
    session: Session, inbound_id: int, *, body: str, finish: bool, actor_user_id: int, now: datetime
) -> int:
    """Answer a text in a person's own words; the id of the message. ``finish`` also closes the text as answered.

    It is sent in sending hours only, to the phone that wrote, with the hospital's name in front. Raises
    ``AlreadyHandled``, ``ClaimedByOther``, ``WhoseIsOpen``, ``PhoneStopped``, ``AnswerTooLong``.
    """
    row = session.scalars(select(InboundMessage).where(InboundMessage.id == inbound_id).with_for_update()).one()
    _check(session, row, body, actor_user_id)
    request = MessageRequest(
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=None,
        task_id=None,
        purpose=Purpose.CARE,
        template_code=STAFF_ANSWER,
        values={"text": body},
        key=f"care:answer-{row.id}:{_answers_before(session, row.id)}:0",
        not_before=now,
        expires_at=now + USEFUL_FOR,
        to_number=row.from_number,
        in_reply_to=row.id,
        language="zh_Hans" if HAN.search(body) else "en",
    )
    message_id = enqueue(session, request, now=now)
    record(
        session,
        now=now,
        action="inbox.answer",
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind="outbox_message",
        object_id=message_id,
        patient_id=row.patient_id,
    )
    if finish:
        close_text(session, row.id, outcome=Outcome.ANSWERED, note="", actor_user_id=actor_user_id, now=now)
    return message_id


def _check(session: Session, row: InboundMessage, body: str, actor_user_id: int) -> None:
    if row.state is InboundState.HANDLED:
        raise AlreadyHandled(row.id)
    if row.claimed_by not in {None, actor_user_id}:
        raise ClaimedByOther(row.claimed_by)
    if row.state is InboundState.AMBIGUOUS:
        raise WhoseIsOpen(row.id)
    if is_stopped(session, row.facility_id, row.from_number):
        raise PhoneStopped(row.id)
    if measure(body).segments > MOST_SEGMENTS:
        raise AnswerTooLong(row.id)


def _answers_before(session: Session, inbound_id: int) -> int:
    count = select(func.count()).where(
        OutboxMessage.in_reply_to == inbound_id, OutboxMessage.template_code == STAFF_ANSWER
    )
    return session.execute(count).scalar_one()
