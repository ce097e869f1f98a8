"""Conversations: at most one per pair of numbers waits for a reply; others wait until the phone is free."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import literal_column, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.messaging.domain import ConversationSnapshot, ConversationState, MessageStatus
from hcrm.messaging.models import Conversation, OutboxMessage, one_of
from hcrm.messaging.queries import conversation_snapshot

DEFAULT_PATIENCE = timedelta(days=3)
LOOK_AGAIN = timedelta(minutes=10)
"""A message behind another conversation is looked at again after this, or as soon as the phone is free."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A conversation that waits for the reply of a phone until ``expires_at``."""

    facility_id: int
    our_number: str
    their_number: str
    patient_id: int | None
    topic: str
    subject_id: int
    expires_at: datetime


def waiting_with(session: Session, *, our_number: str, their_number: str, now: datetime) -> Conversation | None:
    """The conversation that waits for a reply of this phone; one whose time is over is finished and not returned."""
    row = session.scalars(
        select(Conversation)
        .where(
            Conversation.our_number == our_number,
            Conversation.their_number == their_number,
            one_of(Conversation.state, [ConversationState.WAITING]),
        )
        .with_for_update()
    ).one_or_none()
    if row is not None and row.expires_at <= now:
        finish(session, row.id, now=now)
        return None
    return row


def waiting_with_all(
    session: Session, pairs: Collection[tuple[str, str]], *, now: datetime
) -> dict[tuple[str, str], Waiting]:
    """As ``waiting_with`` for many pairs of numbers (ours, theirs)."""
    found = {}
    for row in _waiting_rows(session, pairs, lock=True):
        if row.expires_at <= now:
            finish(session, row.id, now=now)
        else:
            found[row.our_number, row.their_number] = _picture(row)
    return found


def seen_waiting(
    session: Session, pairs: Collection[tuple[str, str]], *, now: datetime
) -> dict[tuple[str, str], Waiting]:
    """The same without locking or ending any."""
    rows = _waiting_rows(session, pairs, lock=False)
    return {(row.our_number, row.their_number): _picture(row) for row in rows if row.expires_at > now}


def _waiting_rows(session: Session, pairs: Collection[tuple[str, str]], *, lock: bool) -> Sequence[Conversation]:
    if not pairs:
        return ()
    wanted = (
        select(Conversation)
        .where(
            tuple_(Conversation.our_number, Conversation.their_number).in_(sorted(pairs)),
            one_of(Conversation.state, [ConversationState.WAITING]),
        )
        .order_by(Conversation.id)
    )
    return session.scalars(wanted.with_for_update() if lock else wanted).all()


def _picture(row: Conversation) -> Waiting:
    return Waiting(
        row.facility_id,
        row.our_number,
        row.their_number,
        row.patient_id,
        row.topic,
        row.subject_id,
        row.expires_at,
    )


def busy_until(
    other: Waiting | None, message: OutboxMessage, *, now: datetime, patience: timedelta = LOOK_AGAIN
) -> datetime | None:
    """When to look again, if ``other`` is a conversation about something else; None when the phone is free."""
    if other is None or (other.topic, other.subject_id) == (
        message.conversation_topic,
        message.conversation_subject_id,
    ):
        return None
    return min(other.expires_at, now + patience)


def conversation_for(message: OutboxMessage, *, our_number: str, number: str, now: datetime) -> Waiting:
    """The conversation in which the reply to ``message`` is waited for."""
    assert message.conversation_topic is not None
    assert message.conversation_subject_id is not None
    return Waiting(
        message.facility_id,
        our_number,
        number,
        message.patient_id,
        message.conversation_topic,
        message.conversation_subject_id,
        message.conversation_expires_at or now + DEFAULT_PATIENCE,
    )


def open_all(session: Session, conversations: Collection[Waiting], *, now: datetime) -> None:
    """Wait for replies: opens these conversations, or keeps those that are open about the same.

    The caller holds the locks on the numbers and has found the phones free.
    """
    if not conversations:
        return
    statement = insert(Conversation)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[Conversation.our_number, Conversation.their_number],
            # A literal, not a parameter: a prepared statement must find the partial index at any number of runs.
            index_where=Conversation.state == literal_column(f"'{ConversationState.WAITING.value}'"),
            set_={"expires_at": statement.excluded.expires_at},
        ),
        [asdict(each) | {"state": ConversationState.WAITING, "opened_at": now} for each in conversations],
    )


def finish(session: Session, conversation_id: int, *, now: datetime) -> ConversationSnapshot | None:
    """End a conversation and let the messages that waited for the phone go; None when it had ended before."""
    row = session.scalars(
        update(Conversation)
        .where(Conversation.id == conversation_id, Conversation.state != ConversationState.FINISHED)
        .values(state=ConversationState.FINISHED)
        .returning(Conversation)
    ).one_or_none()
    if row is None:
        return None
    _wake(session, row, now)
    return conversation_snapshot(row)


def _wake(session: Session, ended: Conversation, now: datetime) -> None:
    """Let messages that waited for the phone be looked at now; one that a sender holds at this moment comes later."""
    waiting = session.scalars(
        select(OutboxMessage.id)
        .where(
            OutboxMessage.facility_id == ended.facility_id,
            OutboxMessage.to_number == ended.their_number,
            OutboxMessage.status == MessageStatus.QUEUED,
            OutboxMessage.next_try_at > now,
        )
        .with_for_update(skip_locked=True)
    ).all()
    session.execute(update(OutboxMessage).where(OutboxMessage.id.in_(waiting)).values(next_try_at=now))


def finish_about(session: Session, *, topic: str, subject_id: int, now: datetime) -> int:
    """End the conversations about one subject, for example because it was answered on another way; how many."""
    ids = session.scalars(
        select(Conversation.id).where(
            Conversation.topic == topic,
            Conversation.subject_id == subject_id,
            Conversation.state != ConversationState.FINISHED,
        )
    ).all()
    return sum(finish(session, conversation_id, now=now) is not None for conversation_id in ids)
