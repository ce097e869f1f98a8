"""What became of a hand-over: the provider's answers and receipts, each applied by rank."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session, aliased

from hcrm.messaging.domain import (
    PROOF,
    RANKS,
    AttemptStatus,
    MessageStatus,
    Reason,
    after_receipt,
    move,
    pause_before_next_try,
)
from hcrm.messaging.models import OutboxMessage, SendAttempt
from hcrm.messaging.providers.base import SendResult
from hcrm.messaging.service import conversations, stops
from hcrm.messaging.service.outbox import announce
from hcrm.patients.domain import RetiredReason
from hcrm.patients.service import retire_contact

MAX_TRIES = 5
FIRST_LOOK = timedelta(minutes=10)
"""An accepted message without a later receipt is asked about after this; the pause doubles each time."""

PRICED_AFTER = timedelta(hours=1)
MOST_LOOKS = 9
STILL_OPEN = frozenset({AttemptStatus.ACCEPTED, AttemptStatus.SENT})
TOLD = PROOF | {MessageStatus.PERMANENT_FAILURE}
"""What the rest of the program is told about: a message arrived, or will not."""


def record_result(session: Session, attempt_id: int, result: SendResult, *, now: datetime) -> None:
    """Store what the provider answered, or what was found out about an attempt later.

    Raises ``NoResultFound`` when the attempt is unknown.
    """
    record_results(session, {attempt_id: result}, now=now)


def record_results(session: Session, results: Mapping[int, SendResult], *, now: datetime) -> None:
    """As ``record_result`` for several attempts; whoever follows the messages is told of them together."""
    plain = _accept(session, {each: result for each, result in results.items() if _is_plain(result)}, now)
    results = {each: result for each, result in results.items() if each not in plain}
    if not results:
        return
    changed = []
    for attempt, message, latest in _locked(session, results):
        result = results[attempt.id]
        attempt.provider_sid = result.provider_sid or attempt.provider_sid
        attempt.error_code = result.error_code or attempt.error_code
        attempt.status = AttemptStatus(_later(attempt.status, result.status))
        attempt.finished_at = attempt.finished_at or now
        _charge(attempt, result)
        before = message.status
        if attempt.number == latest or result.status in PROOF:
            _apply(session, message, attempt, result, now)
        if message.status is not before and message.status in TOLD:
            changed.append(message.id)
    session.flush()
    announce(session, changed, now=now)


ACCEPT = text(
    "WITH done AS (UPDATE send_attempt AS attempt SET status = 'accepted', provider_sid = told.sid,"
    " segments = told.segments, finished_at = :now, look_again_at = CASE WHEN told.sid IS NULL THEN NULL"
    " ELSE clock_timestamp() + CAST(:first_look AS interval) END"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:sids AS text[]), CAST(:segments AS smallint[]))"
    " AS told(id, sid, segments)"
    " WHERE attempt.id = told.id AND attempt.status = 'calling' RETURNING attempt.id, attempt.message_id),"
    " moved AS (UPDATE outbox_message AS message SET status = 'accepted', reason = NULL,"
    " accepted_at = coalesce(accepted_at, :now) FROM done WHERE message.id = done.message_id"
    " AND message.status = 'sending')"
    " SELECT id FROM done"
)


def _is_plain(result: SendResult) -> bool:
    """The ordinary answer: accepted, and nothing else to tell."""
    return result.status is MessageStatus.ACCEPTED and result.error_code is None and result.price is None


def _accept(session: Session, results: Mapping[int, SendResult], now: datetime) -> set[int]:
    """Store ordinary answers in one statement; the ids of the attempts that were really waiting for them.

    An attempt whose call is still under way has no evidence yet, so its message is either being sent or was settled by
    something stronger, which stays.
    """
    if not results:
        return set()
    session.flush()
    told = {
        "now": now,
        "first_look": FIRST_LOOK,
        "ids": list(results),
        "sids": [result.provider_sid for result in results.values()],
        "segments": [result.segments for result in results.values()],
    }
    done = set(session.execute(ACCEPT, told).scalars())
    session.expire_all()
    return done


def _charge(attempt: SendAttempt, result: SendResult) -> None:
    """Keep what was charged, and say when the provider is to be asked again: for the end, or for the price."""
    attempt.segments = result.segments or attempt.segments
    if result.price is not None:
        attempt.price, attempt.price_currency = result.price, result.price_currency
    pause = None
    if attempt.status in STILL_OPEN:
        pause = FIRST_LOOK * 2**attempt.looks
    elif attempt.segments is not None and attempt.price is None and attempt.status is not AttemptStatus.UNKNOWN:
        pause = PRICED_AFTER
    if pause is None or attempt.looks >= MOST_LOOKS or attempt.provider_sid is None:
        attempt.look_again_at = None
    else:
        attempt.look_again_at = func.clock_timestamp() + pause


_AnyAttempt = aliased(SendAttempt)


def _locked(session: Session, attempt_ids: Collection[int]) -> list[tuple[SendAttempt, OutboxMessage, int]]:
    """Attempts and their messages as they are now, locked, and the number of each message's latest attempt."""
    latest = select(func.max(_AnyAttempt.number)).where(_AnyAttempt.message_id == SendAttempt.message_id)
    found = session.execute(
        select(SendAttempt, OutboxMessage, latest.scalar_subquery())
        .join(OutboxMessage, OutboxMessage.id == SendAttempt.message_id)
        .where(SendAttempt.id.in_(attempt_ids))
        .order_by(SendAttempt.id)
        .with_for_update(of=(SendAttempt, OutboxMessage)),
        execution_options={"populate_existing": True},
    )
    rows = [(attempt, message, number) for attempt, message, number in found]
    if len(rows) < len(attempt_ids):
        raise NoResultFound
    return rows


def _later(current: AttemptStatus, told: MessageStatus) -> MessageStatus:
    """The status of an attempt after evidence: one that had only begun, or was given up, takes what is told."""
    known = current.value in {status.value for status in RANKS}
    return after_receipt(MessageStatus(current.value) if known else MessageStatus.SENDING, told)


def _apply(session: Session, message: OutboxMessage, attempt: SendAttempt, result: SendResult, now: datetime) -> None:
    told, tries = result.status, message.failed_tries + (0 if result.untried else 1)
    if told is MessageStatus.TEMPORARY_FAILURE and tries >= MAX_TRIES:
        told = MessageStatus.PERMANENT_FAILURE
    after = after_receipt(message.status, told)
    if after is message.status:
        return
    message.status = move(message.status, after)
    message.reason = result.reason
    if after is MessageStatus.TEMPORARY_FAILURE:
        message.reason = result.reason or Reason.PROVIDER_ERROR
        message.failed_tries = tries
        message.next_try_at = now + pause_before_next_try(0 if result.untried else tries, attempt.id)
    elif after is MessageStatus.PERMANENT_FAILURE:
        _gave_up(session, message, now)
        if result.number_gone:
            _retire(session, message, now)
    elif after is not MessageStatus.UNKNOWN:
        _arrived(message, after, now)


def _arrived(message: OutboxMessage, status: MessageStatus, now: datetime) -> None:
    """Set the times that the status implies; what is known already stays."""
    rank = RANKS[status]
    message.accepted_at = message.accepted_at or now
    if rank >= RANKS[MessageStatus.SENT]:
        message.sent_at = message.sent_at or now
    if rank >= RANKS[MessageStatus.DELIVERED]:
        message.delivered_at = message.delivered_at or now


def _gave_up(session: Session, message: OutboxMessage, now: datetime) -> None:
    message.reason = message.reason or Reason.PROVIDER_ERROR
    if message.awaits_reply and message.conversation_topic and message.conversation_subject_id is not None:
        conversations.finish_about(
            session, topic=message.conversation_topic, subject_id=message.conversation_subject_id, now=now
        )
    if message.reason is Reason.OPTED_OUT and message.to_number:
        stops.stop(session, facility_id=message.facility_id, number=message.to_number, source="provider", now=now)


def _retire(session: Session, message: OutboxMessage, now: datetime) -> None:
    """No text ever reaches this number: it is not used again, the patient's others are."""
    if message.contact_point_id is None:
        return
    retire_contact(
        session,
        contact_point_id=message.contact_point_id,
        reason=RetiredReason.NOT_IN_SERVICE,
        now=now,
        actor_user_id=None,
    )


def note_looks(session: Session, attempt_ids: Collection[int]) -> None:
    """Count that the provider is asked about these attempts, and look again later should it give no answer."""
    session.execute(
        update(SendAttempt)
        .where(SendAttempt.id.in_(attempt_ids))
        .values(looks=SendAttempt.looks + 1, look_again_at=func.clock_timestamp() + FIRST_LOOK),
        execution_options={"synchronize_session": False},
    )
