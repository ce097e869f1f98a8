"""The real library against a stand-in for Twilio: what each answer, and each missing answer, ends in."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from hcrm.clock import stopwatch
from hcrm.messaging import queries, service
from hcrm.messaging.domain import RANKS, MessageStatus, Reason
from hcrm.messaging.jobs import apply_receipts, look_again, send_due, settle_in_doubt
from hcrm.messaging.models import OutboxMessage, SendAttempt
from hcrm.messaging.providers.base import OutgoingSms, SendResult
from hcrm.messaging.providers.twilio_codes import ERRORS, STATUSES
from hcrm.messaging.providers.twilio_sms import result_of
from hcrm.messaging.service import Rates
from hcrm.patients.models import ContactPoint
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import RECEIPT_READINGS
from tests.factories_messaging import MessagingFactory
from tests.factories_twilio import provider_for, twilio_double

S = MessageStatus
HOUR = timedelta(hours=1)


@pytest.fixture
def twilio():
    with twilio_double() as fake:
        yield fake


@pytest.fixture
def due(runtime, facility):
    """``due(number, …)`` stores a message due now for a patient with each number; ids of the messages."""
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())

    def make(*numbers):
        with unit_of_work(runtime.sessions) as session:
            factory = MessagingFactory(session, runtime.clock.now(), facility)
            ids = []
            for number in numbers:
                patient_id = factory.patient(language="en")
                factory.contact(patient_id, number)
                ids.append(factory.message(factory.request(patient_id, key=f"care:test:{number}:{patient_id}")))
            return ids

    return make


def row(runtime, message_id):
    with unit_of_work(runtime.sessions) as session:
        found = session.get_one(OutboxMessage, message_id)
        session.expunge(found)
        return found


def attempt(runtime, message_id):
    with unit_of_work(runtime.sessions) as session:
        found = session.query(SendAttempt).filter_by(message_id=message_id).order_by(SendAttempt.number.desc()).first()
        session.expunge(found)
        return found


def run_out(runtime):
    with unit_of_work(runtime.sessions) as session:
        session.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 second'"))


def test_a_text_goes_out_with_its_callback_and_its_segments_are_kept(runtime, due, twilio):
    (message_id,) = due("+14155550101")
    assert send_due(runtime, provider_for(twilio)) == 1
    (entry,) = twilio.ledger.all()
    made = attempt(runtime, message_id)
    assert (entry.to, row(runtime, message_id).status) == ("+14155550101", S.ACCEPTED)
    assert entry.callback == (
        f"https://followup.hospital.example/webhooks/twilio/status/{message_id}?attempt={made.id}"
    )
    assert (made.provider, made.provider_sid, made.segments) == ("twilio", entry.sid, 1)
    assert row(runtime, message_id).template_version == 1


def test_a_messaging_service_sends_in_the_place_of_a_number(runtime, due, twilio):
    due("+14155550102")
    send_due(runtime, provider_for(twilio, service=f"MG{'1' * 32}"))
    assert twilio.ledger.all()[0].sender == f"MG{'1' * 32}"


@pytest.mark.parametrize(
    ("number", "reason", "retired"),
    [
        ("+15005550001", Reason.INVALID_NUMBER, True),
        ("+15005550009", Reason.LANDLINE, True),
        ("+15005550003", Reason.CARRIER_BLOCKED, False),
        ("+15005550004", Reason.OPTED_OUT, False),
    ],
)
def test_a_refusal_has_our_reason_and_a_number_that_fails_for_good_is_retired(
    runtime, facility, due, twilio, number, reason, retired
):
    (message_id,) = due(number)
    send_due(runtime, provider_for(twilio))
    assert (row(runtime, message_id).status, row(runtime, message_id).reason) == (S.PERMANENT_FAILURE, reason)
    with unit_of_work(runtime.sessions) as session:
        contact = session.query(ContactPoint).filter_by(number=number).one()
        assert (contact.retired_at is not None) is retired
        assert queries.is_stopped(session, facility, number) is (reason is Reason.OPTED_OUT)


def test_an_answer_of_500_after_taking_is_settled_by_listing_and_nothing_goes_out_twice(runtime, due, twilio):
    twilio.behave(fails_after_taking=1.0)
    ids = due("+14155550103", "+14155550104")
    send_due(runtime, provider_for(twilio))
    assert {row(runtime, each).status for each in ids} == {S.UNKNOWN}
    settle_in_doubt(runtime, provider_for(twilio))
    assert {row(runtime, each).status for each in ids} == {S.DELIVERED}
    assert len(twilio.ledger.all()) == 2


def test_a_hanging_answer_is_in_doubt_after_the_timeout_and_settled(runtime, due, twilio):
    twilio.behave(hangs_after_taking=1.0, hang=0.6)
    (message_id,) = due("+14155550105")
    send_due(runtime, provider_for(twilio, timeout=0.2))
    assert row(runtime, message_id).status is S.UNKNOWN
    settle_in_doubt(runtime, provider_for(twilio))
    assert row(runtime, message_id).status is S.DELIVERED


def test_a_listing_that_lags_parks_the_message_until_it_shows_it(runtime, facility, due, twilio):
    twilio.behave(breaks_after_taking=1.0, list_lag=60)
    (message_id,) = due("+14155550106")
    send_due(runtime, provider_for(twilio))
    settle_in_doubt(runtime, provider_for(twilio))
    assert row(runtime, message_id).status is S.UNKNOWN
    with unit_of_work(runtime.sessions) as session:
        session.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 second'"))
        parked = queries.in_doubt(session, {facility}, waited=timedelta(0))
    assert [each.id for each in parked] == [message_id]
    twilio.behave(list_lag=0)
    settle_in_doubt(runtime, provider_for(twilio))
    assert row(runtime, message_id).status is S.DELIVERED


def test_two_alike_in_doubt_are_not_guessed_from_the_listing(runtime, due, twilio):
    twilio.behave(fails_after_taking=1.0)
    ids = due("+14155550107", "+14155550107")
    send_due(runtime, provider_for(twilio))
    settle_in_doubt(runtime, provider_for(twilio))
    assert {row(runtime, each).status for each in ids} == {S.UNKNOWN}


def test_throttling_holds_everything_back_uses_up_no_try_and_ends_by_itself(runtime, due, twilio):
    twilio.behave(throttled=1.0)
    ids = due(*[f"+1415555{n:04d}" for n in range(200, 270)])
    send_due(runtime, provider_for(twilio), seconds=0.3)
    assert twilio.requests <= provider_for(twilio).at_once, "the first answers stop the sender"
    twilio.behave(throttled=0.0)
    before = twilio.requests
    send_due(runtime, provider_for(twilio), seconds=0.1)
    assert twilio.requests == before, "nothing is handed over while the pause lasts"
    with unit_of_work(runtime.sessions) as session:
        session.execute(text("UPDATE provider_pause SET until = clock_timestamp()"))
    runtime.clock.advance(timedelta(minutes=1))
    send_due(runtime, provider_for(twilio), seconds=5)
    assert {row(runtime, each).status for each in ids} == {S.ACCEPTED}
    assert {row(runtime, each).failed_tries for each in ids} == {0}
    assert len(twilio.ledger.all()) == 70


def test_no_connection_is_no_doubt(runtime, due, twilio):
    provider = provider_for(twilio)
    (message_id,) = due("+14155550108")
    twilio._server.shutdown()
    twilio._server.server_close()
    send_due(runtime, provider, seconds=0.1)
    assert (row(runtime, message_id).status, row(runtime, message_id).failed_tries) == (S.TEMPORARY_FAILURE, 0)


def test_the_rate_of_a_number_holds_for_all_workers_together(runtime, due, twilio):
    due(*[f"+1415555{n:04d}" for n in range(300, 330)])
    rates, began = Rates(per_number=10, per_facility=100), stopwatch()
    for worker in ("a", "b", "c"):
        send_due(runtime, provider_for(twilio), worker=worker, rates=rates, seconds=0.1)
    seconds = stopwatch() - began
    assert 10 <= len(twilio.ledger.all()) <= 10 + 10 * seconds, "a second's worth at once, and ten a second"


def test_a_country_that_is_not_served_gets_nothing_and_says_why(runtime, due, twilio):
    (message_id,) = due("+850212345678")
    assert send_due(runtime, provider_for(twilio)) == 0
    stored = row(runtime, message_id)
    assert (stored.status, stored.reason) == (S.SUPPRESSED, Reason.PROVIDER_ERROR)
    assert stored.decision["checks"][-1]["fact"] == "country_not_served"


def test_mainland_china_takes_only_registered_texts(runtime, due, twilio):
    (first,) = due("+8613800000001")
    send_due(runtime, provider_for(twilio))
    assert row(runtime, first).decision["checks"][-1]["fact"] == "not_registered"
    with unit_of_work(runtime.sessions) as session:
        session.execute(text('UPDATE message_template SET registrations = \'{"twilio": "T123"}\''))
    (second,) = due("+8613800000002")
    send_due(runtime, provider_for(twilio))
    assert row(runtime, second).status is S.ACCEPTED


def test_the_end_and_the_price_are_asked_for_when_no_receipt_tells(runtime, due, twilio):
    (message_id,) = due("+14155550109")
    send_due(runtime, provider_for(twilio))
    assert look_again(runtime, provider_for(twilio)) == 0, "not before its time"
    with unit_of_work(runtime.sessions) as session:
        session.execute(text("UPDATE send_attempt SET look_again_at = clock_timestamp()"))
    assert look_again(runtime, provider_for(twilio)) == 1
    made = attempt(runtime, message_id)
    assert row(runtime, message_id).status is S.DELIVERED
    assert (made.price, made.price_currency, made.look_again_at) == (Decimal("0.00790"), "USD", None)


def test_a_phone_out_of_reach_is_tried_again_later(runtime, due, twilio):
    (message_id,) = due("+14155550110")
    twilio.behave(undelivered=1.0)
    send_due(runtime, provider_for(twilio))
    raw = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30003", "message": str(message_id)}
    raw["attempt"] = str(attempt(runtime, message_id).id)
    with unit_of_work(runtime.sessions) as session:
        assert service.keep_receipt(session, provider="twilio", event_key="e", raw=raw, now=runtime.clock.now())
        assert not service.keep_receipt(session, provider="twilio", event_key="e", raw=raw, now=runtime.clock.now())
    assert apply_receipts(runtime, RECEIPT_READINGS) == 1
    assert apply_receipts(runtime, RECEIPT_READINGS) == 0
    stored = row(runtime, message_id)
    assert (stored.status, stored.reason, stored.failed_tries) == (S.TEMPORARY_FAILURE, Reason.ABSENT_SUBSCRIBER, 1)


def test_every_word_and_code_of_theirs_has_a_rank_of_ours():
    assert set(STATUSES.values()) <= set(RANKS)
    assert {meaning.status for meaning in ERRORS.values()} <= {S.TEMPORARY_FAILURE, S.PERMANENT_FAILURE}
    assert result_of("a new word", "SM1", "") is None
    assert result_of("failed", "SM1", "99999") == SendResult(
        S.PERMANENT_FAILURE, provider_sid="SM1", reason=Reason.PROVIDER_ERROR, error_code="99999"
    )


def test_a_text_of_ten_thousand_characters_is_refused_for_good(twilio):
    sms = OutgoingSms(attempt_id=1, to_number="+14155550111", from_number="+14155550100", body="x" * 10_000)
    assert provider_for(twilio).send(sms).status is S.PERMANENT_FAILURE
