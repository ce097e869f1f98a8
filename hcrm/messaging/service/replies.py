"""Texts from phones: stored before anything else, then taken by a keyword, a conversation, or left to a person."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from hcrm.messaging.domain import (
    HandledReply,
    InboundHandler,
    InboundState,
    Keyword,
    MessageRequest,
    Outcome,
    Purpose,
    keyword,
)
from hcrm.messaging.models import Conversation, InboundMessage, one_of
from hcrm.messaging.queries import conversation_snapshot, inbound_snapshot, is_stopped, recently_sent
from hcrm.messaging.service import conversations, stops
from hcrm.messaging.service.outbox import enqueue
from hcrm.organization import queries as organization
from hcrm.patients import queries as patients

APPOINTMENT_TOPIC = "appointment"
ANSWER_WITHIN = timedelta(hours=1)
"""An answer to a text is not sent later than this."""

HANDED_OVER_EVERY = timedelta(days=1)
HAN = re.compile(r"[\u4e00-\u9fff]")


def receive(
    session: Session,
    *,
    facility_id: int,
    provider: str,
    provider_message_id: str,
    from_number: str,
    to_number: str,
    body: str,
    now: datetime,
    media_count: int = 0,
) -> int:
    """Store a text from a phone; its id, also when the provider brings the same text again. Nothing else happens.

    ``media_count`` pictures or sounds came with it; they are not fetched.
    """
    stored = session.scalars(
        insert(InboundMessage)
        .values(
            facility_id=facility_id,
            provider=provider,
            provider_message_id=provider_message_id,
            from_number=from_number,
            to_number=to_number,
            body=body,
            media_count=media_count,
            received_at=now,
            state=InboundState.RECEIVED,
            note="",
        )
        .on_conflict_do_nothing(index_elements=[InboundMessage.provider, InboundMessage.provider_message_id])
        .returning(InboundMessage.id)
    ).one_or_none()
    if stored is not None:
        return stored
    known = select(InboundMessage.id).where(
        InboundMessage.provider == provider, InboundMessage.provider_message_id == provider_message_id
    )
    return session.scalars(known).one()


def take(session: Session, inbound_id: int, *, now: datetime) -> InboundState | None:
    """Do what a stored text asks for; its new state, or None when it was taken before or somebody takes it now."""
    row = _untaken(session, inbound_id)
    if row is None:
        return None
    row.reading = {"at": now.isoformat(), "checks": []}
    waiting = conversations.waiting_with(session, our_number=row.to_number, their_number=row.from_number, now=now)
    _attribute(session, row, waiting)
    if row.media_count:
        _note(row, "words_alone", passed=False, fact=str(row.media_count))
        _refuse_media(session, row, now)
    if row.media_count and not row.body.strip():
        _wait_for_person(session, row, now)
        session.flush()
        return row.state
    word = _keyword(session, row, waiting)
    if word is not None:
        _obey(session, row, word, now)
    elif waiting is not None:
        _converse(session, row, waiting, now)
    else:
        _note(row, "question_waits", passed=False)
        _wait_for_person(session, row, now)
    session.flush()
    return row.state


def _keyword(session: Session, row: InboundMessage, waiting: Conversation | None) -> Keyword | None:
    """The keyword that the text is; one that belongs to the appointment which waits for a reply is none."""
    stopped = is_stopped(session, row.facility_id, row.from_number)
    appointment = waiting is not None and waiting.topic == APPOINTMENT_TOPIC
    word = keyword(row.body, stopped=stopped, appointment_waiting=appointment)
    else_one = keyword(row.body, stopped=stopped) if word is None else None
    _note(row, "keyword", passed=word is not None, fact=word or ("for_appointment" if else_one else ""))
    return word


def _note(row: InboundMessage, rule: str, *, passed: bool, fact: str = "") -> None:
    """Write down what a rule said of the text, for *Why (not)?*."""
    asked = [*row.reading["checks"], {"code": rule, "passed": passed, "fact": fact}]
    row.reading = {**row.reading, "checks": asked}


def leave_to_person(session: Session, inbound_id: int, *, now: datetime) -> InboundState | None:
    """Put a stored text into the Inbox without asking any rule; None when it was taken before."""
    row = _untaken(session, inbound_id)
    if row is None:
        return None
    row.reading = {"at": now.isoformat(), "checks": []}
    _attribute(session, row, None)
    _note(row, "rules_worked", passed=False)
    _wait_for_person(session, row, now)
    session.flush()
    return row.state


_Earlier = aliased(InboundMessage)


def _untaken(session: Session, inbound_id: int) -> InboundMessage | None:
    """A stored text that is next in turn: texts of one phone are taken in the order in which they came."""
    waits_behind = (
        select(_Earlier.id)
        .where(
            _Earlier.facility_id == InboundMessage.facility_id,
            _Earlier.from_number == InboundMessage.from_number,
            _Earlier.id < InboundMessage.id,
            one_of(_Earlier.state, [InboundState.RECEIVED]),
        )
        .exists()
    )
    return session.scalars(
        select(InboundMessage)
        .where(InboundMessage.id == inbound_id, InboundMessage.state == InboundState.RECEIVED, ~waits_behind)
        .with_for_update(of=InboundMessage, skip_locked=True)
    ).one_or_none()


def _attribute(session: Session, row: InboundMessage, waiting: Conversation | None) -> None:
    """Whose text it is: the waiting conversation's patient, or the only person with this number; never guessed."""
    if waiting is not None:
        row.conversation_id, row.patient_id = waiting.id, waiting.patient_id
        _note(row, "whose", passed=True, fact="conversation")
        return
    persons = patients.patients_with_number(session, row.facility_id, row.from_number)
    row.patient_id = persons[0] if len(persons) == 1 else None
    row.state = InboundState.AMBIGUOUS if len(persons) > 1 else row.state
    fact = {0: "nobody", 1: "only_one"}.get(len(persons), "several")
    _note(row, "whose", passed=len(persons) == 1, fact=fact)


def _obey(session: Session, row: InboundMessage, word: Keyword, now: datetime) -> None:
    settings = organization.facility(session, row.facility_id).settings
    row.keyword, row.state, row.handled_at = word.value, InboundState.HANDLED, now
    if word is Keyword.HELP:
        row.outcome = Outcome.HELP_SENT
        _answer(session, row, Purpose.SYSTEM, "help", now)
        return
    change = stops.stop if word is Keyword.STOP else stops.start
    changed = change(session, facility_id=row.facility_id, number=row.from_number, source="keyword", now=now)
    row.outcome = Outcome.STOPPED if word is Keyword.STOP else Outcome.STARTED
    _note(row, "changes_something", passed=changed)
    if changed and not settings.provider_confirms_stop:
        _answer(session, row, Purpose.SYSTEM, f"{word.value}_confirm", now)


def _converse(session: Session, row: InboundMessage, waiting: Conversation, now: datetime) -> None:
    """Hand the text to who opened the conversation."""
    handlers: Mapping[str, InboundHandler] = session.info["inbound_handlers"]
    handler = handlers.get(waiting.topic)
    _note(row, "question_waits", passed=handler is not None, fact=waiting.topic)
    if handler is None:
        _wait_for_person(session, row, now)
        return
    session.flush()
    result = handler(session, conversation_snapshot(waiting), inbound_snapshot(row), now)
    _note(row, "understood", passed=result.read_as is not None, fact=result.read_as or "")
    row.outcome = result.outcome
    if result.for_person:
        row.state = InboundState.MATCHED
    else:
        row.state, row.handled_at = InboundState.HANDLED, now
    _reply(session, row, waiting, result, now)
    if result.finished:
        conversations.finish(session, waiting.id, now=now)


def _reply(session: Session, row: InboundMessage, waiting: Conversation, result: HandledReply, now: datetime) -> None:
    for reply in result.replies:
        request = replace(
            reply,
            facility_id=row.facility_id,
            patient_id=waiting.patient_id,
            to_number=row.from_number,
            in_reply_to=row.id,
            not_before=now,
            expires_at=now + ANSWER_WITHIN,
        )
        enqueue(session, request, now=now)


def _wait_for_person(session: Session, row: InboundMessage, now: datetime) -> None:
    """It waits in the Inbox; a phone that we know is told so, once a day."""
    if row.state is not InboundState.AMBIGUOUS:
        row.state = InboundState.UNMATCHED if row.patient_id is None else InboundState.MATCHED
    if row.state is not InboundState.UNMATCHED and not row.media_count and not _told(session, row, "handed_over", now):
        _answer(session, row, Purpose.CARE, "handed_over", now)


def _refuse_media(session: Session, row: InboundMessage, now: datetime) -> None:
    """Pictures and recordings are not fetched; a phone that we know is told so, once a day."""
    if row.patient_id is not None and not _told(session, row, "no_media", now):
        _answer(session, row, Purpose.CARE, "no_media", now)


def _told(session: Session, row: InboundMessage, template_code: str, now: datetime) -> bool:
    since = now - HANDED_OVER_EVERY
    return recently_sent(
        session, facility_id=row.facility_id, number=row.from_number, template_code=template_code, since=since
    )


def _answer(session: Session, row: InboundMessage, purpose: Purpose, template_code: str, now: datetime) -> None:
    request = MessageRequest(
        facility_id=row.facility_id,
        patient_id=row.patient_id,
        encounter_id=None,
        task_id=None,
        purpose=purpose,
        template_code=template_code,
        values={},
        key=f"{purpose.value}:inbound-{row.id}:{template_code}:0",
        not_before=now,
        expires_at=now + ANSWER_WITHIN,
        to_number=row.from_number,
        in_reply_to=row.id,
        language="zh_Hans" if HAN.search(row.body) else "en",
    )
    enqueue(session, request, now=now)
