from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from hcrm.messaging import queries, service
from hcrm.messaging.domain import ConversationRequest, MessageStatus, Reason
from hcrm.messaging.models import Receipt, SendAttempt
from hcrm.messaging.providers.base import SendResult
from tests.factories_messaging import open_conversations, receipt

HOUR = timedelta(hours=1)
S = MessageStatus


@pytest.fixture
def handed_over(make, claim, session, now):
    """A message whose provider call has begun: (message id, attempt id)."""
    (message_id,) = make.reachable()
    (sms,) = claim()
    assert service.begin_calls(session, [sms.attempt_id], now=now, lease=HOUR)
    return message_id, sms.attempt_id


def run_out(session):
    """Let every lease run out."""
    session.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 hour'"))
    session.expire_all()


def test_accepted_is_not_sent_and_sent_is_not_delivered(handed_over, make, session, now):
    message_id, attempt_id = handed_over
    service.record_result(session, attempt_id, SendResult(S.ACCEPTED, provider_sid="x"), now=now)
    row = make.row(message_id)
    assert (row.status, row.accepted_at, row.sent_at, row.delivered_at) == (S.ACCEPTED, now, None, None)


def test_receipts_in_the_wrong_order_end_in_the_true_state(handed_over, make, session, now):
    message_id, attempt_id = handed_over
    for index, status in enumerate((S.DELIVERED, S.SENT, S.ACCEPTED, S.PERMANENT_FAILURE)):
        receipt(session, attempt_id, status, f"e{index}", now)
    assert make.row(message_id).status is S.DELIVERED
    assert make.row(message_id).reason is None


def test_a_receipt_counts_once(handed_over, session, now):
    _, attempt_id = handed_over
    assert receipt(session, attempt_id, S.SENT, "same", now)
    assert not receipt(session, attempt_id, S.DELIVERED, "same", now)
    assert session.query(Receipt).count() == 1


def test_a_temporary_failure_is_tried_again_later_and_at_last_given_up(make, claim, session, now):
    (message_id,) = make.reachable()
    at = now
    for number in range(1, 6):
        (sms,) = claim(at)
        service.begin_calls(session, [sms.attempt_id], now=at, lease=HOUR)
        refused = SendResult(S.TEMPORARY_FAILURE, reason=Reason.ABSENT_SUBSCRIBER)
        service.record_result(session, sms.attempt_id, refused, now=at)
        row = make.row(message_id)
        if number < 5:
            assert row.status is S.TEMPORARY_FAILURE
            assert 0.75 <= (row.next_try_at - at) / timedelta(minutes=2**number) <= 1.25
            assert claim(at) == ()
            at = row.next_try_at
    assert (row.status, row.reason) == (S.PERMANENT_FAILURE, Reason.ABSENT_SUBSCRIBER)


def test_delivery_of_an_earlier_try_ends_the_waiting_for_another(make, claim, session, now):
    (message_id,) = make.reachable()
    (sms,) = claim()
    service.begin_calls(session, [sms.attempt_id], now=now, lease=HOUR)
    service.record_result(session, sms.attempt_id, SendResult(S.TEMPORARY_FAILURE), now=now)
    receipt(session, sms.attempt_id, S.DELIVERED, "late", now)
    assert make.row(message_id).status is S.DELIVERED
    assert claim(now + HOUR) == ()


def test_a_sender_that_vanished_before_the_call_frees_its_messages(make, claim, session, now):
    (message_id,) = make.reachable()
    (first,) = claim()
    run_out(session)
    assert not service.begin_calls(session, [first.attempt_id], now=now, lease=HOUR)
    assert service.release_unbegun(session, now=now, limit=10) == 1
    assert make.row(message_id).status is S.QUEUED
    (second,) = claim()
    assert second.attempt_id != first.attempt_id
    assert not service.begin_calls(session, [first.attempt_id], now=now, lease=HOUR)
    assert service.begin_calls(session, [second.attempt_id], now=now, lease=HOUR)


def test_a_sender_that_vanished_in_the_call_leaves_the_message_unknown(handed_over, make, session, now, claim):
    message_id, attempt_id = handed_over
    assert service.mark_unknown(session, now=now, limit=10) == 0
    run_out(session)
    assert service.mark_unknown(session, now=now, limit=10) == 1
    assert make.row(message_id).status is S.UNKNOWN
    (asked,) = queries.unfinished_attempts(session, not_older_than=timedelta(days=1), limit=10)
    assert (asked.attempt_id, asked.to_number, asked.rivals) == (attempt_id, make.row(message_id).to_number, 0)
    assert claim(now + HOUR) == ()


def test_unknown_is_offered_to_a_person_only_after_the_wait(handed_over, make, session, now):
    message_id, _ = handed_over
    run_out(session)
    service.mark_unknown(session, now=now, limit=10)
    here = {make.facility_id}
    assert queries.in_doubt(session, here, waited=timedelta(hours=2)) == []
    assert [each.id for each in queries.in_doubt(session, here, waited=timedelta(minutes=10))] == [message_id]


def test_evidence_that_comes_late_settles_unknown(handed_over, make, session, now):
    message_id, attempt_id = handed_over
    run_out(session)
    service.mark_unknown(session, now=now, limit=10)
    receipt(session, attempt_id, S.DELIVERED, "late", now)
    assert make.row(message_id).status is S.DELIVERED
    assert queries.in_doubt(session, {make.facility_id}, waited=timedelta(0)) == []


def test_a_person_may_send_again_which_is_a_new_generation(handed_over, make, claim, session, now, user):
    message_id, _ = handed_over
    run_out(session)
    service.mark_unknown(session, now=now, limit=10)
    again = service.send_again(session, message_id, now=now, actor_user_id=user)
    assert make.row(again).key == make.row(message_id).key[:-1] + "1"
    assert make.row(message_id).status is S.UNKNOWN
    assert len(claim()) == 1
    with pytest.raises(service.MessageNotInDoubt):
        service.send_again(session, message_id, now=now, actor_user_id=user)


def test_a_person_may_leave_it(handed_over, session, now, user, make, claim):
    message_id, _ = handed_over
    run_out(session)
    service.mark_unknown(session, now=now, limit=10)
    service.leave_it(session, message_id, now=now, actor_user_id=user)
    assert queries.in_doubt(session, {make.facility_id}, waited=timedelta(0)) == []
    assert claim() == ()


def test_a_send_refused_as_opted_out_stops_the_number(handed_over, make, session, now):
    message_id, attempt_id = handed_over
    number = make.row(message_id).to_number
    refused = SendResult(S.PERMANENT_FAILURE, reason=Reason.OPTED_OUT, error_code="21610")
    service.record_result(session, attempt_id, refused, now=now)
    assert queries.is_stopped(session, make.facility_id, number)
    assert make.row(message_id).reason is Reason.OPTED_OUT
    assert session.get_one(SendAttempt, attempt_id).error_code == "21610"


def test_a_failed_opening_ends_its_conversation(make, claim, session, now):
    patient_id = make.patient()
    make.contact(patient_id)
    make.message(make.survey(patient_id, 3, conversation=ConversationRequest("test", 3)))
    (sms,) = claim()
    service.begin_calls(session, [sms.attempt_id], now=now, lease=HOUR)
    assert open_conversations(session, "test", 3)
    refused = SendResult(S.PERMANENT_FAILURE, reason=Reason.INVALID_NUMBER)
    service.record_result(session, sms.attempt_id, refused, now=now)
    assert not open_conversations(session, "test", 3)
