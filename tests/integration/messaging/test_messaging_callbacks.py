"""Callbacks in every order, with losses and doubles, end in the state that asking the provider ends in.

Exhaustive for what Twilio tells of one hand-over: *queued*, *sent*, and one of five ends. Each message of a batch lives
through another course; callbacks go the way of the real ones (stored once, read by ``read_receipt``, applied by rank).
"""

from __future__ import annotations

import itertools
from collections import defaultdict

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from hcrm.messaging import service
from hcrm.messaging.domain import MessageStatus, Reason
from hcrm.messaging.models import OutboxMessage, Receipt, SendAttempt
from hcrm.messaging.providers.base import SendResult
from hcrm.messaging.providers.twilio_sms import read_receipt, result_of
from tests.factories_messaging import SENDER, many_messages

S = MessageStatus
ENDS = [("delivered", ""), ("undelivered", "30003"), ("undelivered", "30005"), ("failed", "30007"), ("read", "")]
BEFORE = ["queued", "sent"]
ASKED = "(asked)"


def courses():
    """Every order of every part of what is told, the answer to our own question at every place among them."""
    found = []
    for end in ENDS:
        for count in range(4):
            for kept in itertools.combinations([*BEFORE, end[0]], count):
                found += [(end, order) for order in itertools.permutations([*kept, ASKED])]
    return found


def hand_over(make, claim, now, count):
    """So many messages, each of them accepted by the provider: (message id, attempt id)."""
    many_messages(make, count)
    session = make.session
    claimed = claim(limit=count)
    assert len(claimed) == count
    service.begin_calls(session, [sms.attempt_id for sms in claimed], now=now, lease=SENDER.lease)
    taken = {sms.attempt_id: SendResult(S.ACCEPTED, provider_sid=f"SM{sms.attempt_id}") for sms in claimed}
    service.record_results(session, taken, now=now)
    return [(sms.message_id, sms.attempt_id) for sms in claimed]


def tell(session, handed_over, end, now, *, stored=1):
    """A callback as it comes in: ``stored`` times the same, applied once. The status, its end's code with it."""
    message_id, attempt_id = handed_over
    status, code = end
    raw = {"MessageSid": f"SM{attempt_id}", "MessageStatus": status, "ErrorCode": code}
    raw |= {"message": str(message_id), "attempt": str(attempt_id)}
    key = f"twilio:{message_id}:{attempt_id}:{status}"
    kept = [service.keep_receipt(session, provider="twilio", event_key=key, raw=raw, now=now) for _ in range(stored)]
    assert kept[1:] == [False] * (stored - 1), "the same event is stored once"
    if kept[0]:
        receipt_id = session.scalars(select(Receipt.id).where(Receipt.event_key == key)).one()
        service.apply_receipt(session, receipt_id, read_receipt, now=now)
        assert not service.apply_receipt(session, receipt_id, read_receipt, now=now), "and applied once"


def ask(session, handed_over, end, now):
    """What polling finds: the end, and nothing about the way there."""
    told = result_of(end[0], f"SM{handed_over[1]}", end[1])
    service.record_result(session, handed_over[1], told, now=now)


def states(session, handed_over):
    session.expire_all()
    rows = session.execute(
        select(OutboxMessage.status, OutboxMessage.reason, OutboxMessage.failed_tries, SendAttempt.status)
        .join(SendAttempt, SendAttempt.message_id == OutboxMessage.id)
        .where(OutboxMessage.id.in_([message_id for message_id, _ in handed_over]))
        .order_by(OutboxMessage.id)
    )
    return [tuple(row) for row in rows]


@pytest.fixture
def on_twilio(session):
    """Attempts of the batch stand as Twilio's, as receipts name it."""

    def run(handed_over):
        for row in session.scalars(
            select(SendAttempt).where(SendAttempt.id.in_([attempt_id for _, attempt_id in handed_over]))
        ):
            row.provider = "twilio"
        session.flush()
        return handed_over

    return run


def test_every_order_with_every_loss_and_each_told_twice_ends_where_asking_ends(
    make, claim, session, now, on_twilio, share
):
    assert len(courses()) == 5 * 49
    some = share(courses())
    messages = on_twilio(hand_over(make, claim, now, len(some)))
    for number, ((end, course), message) in enumerate(zip(some, messages, strict=True)):
        for step in course:
            if step == ASKED:
                ask(session, message, end, now)
            else:
                tell(session, message, end if step == end[0] else (step, ""), now, stored=1 + number % 2)
    ends = defaultdict(set)
    for (end, _), state in zip(some, states(session, messages), strict=True):
        ends[end].add(state)
    assert {end: len(found) for end, found in ends.items()} == dict.fromkeys(ENDS, 1)
    assert {end: next(iter(found))[:3] for end, found in ends.items()} == {
        ("delivered", ""): (S.DELIVERED, None, 0),
        ("undelivered", "30003"): (S.TEMPORARY_FAILURE, Reason.ABSENT_SUBSCRIBER, 1),
        ("undelivered", "30005"): (S.PERMANENT_FAILURE, Reason.INVALID_NUMBER, 0),
        ("failed", "30007"): (S.PERMANENT_FAILURE, Reason.CARRIER_BLOCKED, 0),
        ("read", ""): (S.READ, None, 0),
    }


def test_what_is_told_late_of_a_try_that_failed_never_spoils_the_next_one(make, claim, session, now, on_twilio):
    """The first try could not reach the phone; its callbacks come again among those of the second, in every order."""
    late, second = [("sent", 0), ("undelivered", 0)], [("sent", 1), ("delivered", 1)]
    orders = list(itertools.permutations([*late, *second]))
    messages = on_twilio(hand_over(make, claim, now, len(orders)))
    for message in messages:
        ask(session, message, ("undelivered", "30003"), now)
    session.execute(OutboxMessage.__table__.update().values(next_try_at=now))
    again = {sms.message_id: sms.attempt_id for sms in claim(limit=len(orders))}
    service.begin_calls(session, again.values(), now=now, lease=SENDER.lease)
    on_twilio(list(again.items()))
    for order, (message_id, first) in zip(orders, messages, strict=True):
        tries = (first, again[message_id])
        for status, which in order:
            tell(session, (message_id, tries[which]), (status, "30003" if status == "undelivered" else ""), now)
    rows = session.execute(select(OutboxMessage.status, OutboxMessage.failed_tries)).tuples().all()
    assert set(rows) == {(S.DELIVERED, 1)}


words = st.lists(
    st.sampled_from(["queued", "sending", "sent", "delivered", "undelivered", "read", "new word"]), max_size=7
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=words, data=st.data())
def test_any_two_orders_of_any_words_end_alike(make, claim, session, now, on_twilio, told, data):
    """Also for callbacks that contradict each other: the rank decides, never the order."""
    other = data.draw(st.permutations(told))
    nested = session.begin_nested()
    first, second = on_twilio(hand_over(make, claim, now, 2))
    for message, order in ((first, told), (second, other)):
        for status in order:
            tell(session, message, (status, "30005" if status == "undelivered" else ""), now)
    one, two = states(session, [first, second])
    nested.rollback()
    assert one == two
