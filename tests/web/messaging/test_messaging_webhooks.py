"""What comes in from Twilio: signed or refused, stored once, whatever it says."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hcrm.app import create_app
from hcrm.fake_twilio.callbacks import signature
from hcrm.messaging import service
from hcrm.messaging.jobs import apply_receipts, handle_inbound
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import RECEIPT_READINGS
from tests.factories_messaging import MessagingFactory
from tests.factories_twilio import PUBLIC, TOKEN, twilio_runtime

SMS = "/webhooks/twilio/sms"
PHONE = "+14155550123"


@pytest.fixture
def hooks(runtime):
    """A client of the program as it runs where Twilio is used."""
    ours = twilio_runtime(runtime)
    return create_app(ours.settings, runtime=ours).test_client()


def call(client, path, values, *, token=TOKEN, public=PUBLIC, headers=None):
    signed = {"X-Twilio-Signature": signature(token, public + path, values)}
    return client.post(path, data=values, headers=signed | (headers or {}))


def rows(runtime, what):
    with runtime.engine.connect() as connection:
        return connection.execute(text(what)).tuples().all()


def incoming(body="hello", sid="SM1", **more):
    return {"MessageSid": sid, "From": PHONE, "To": "+14155550100", "Body": body, "NumMedia": "0"} | more


def test_a_signed_text_is_stored_as_it_came_and_answered(runtime, hooks):
    answer = call(hooks, SMS, incoming("你好 👋 مرحبا"))
    assert (answer.status_code, answer.content_type) == (200, "text/xml; charset=utf-8")
    assert rows(runtime, "SELECT body, from_number, state, provider FROM inbound_message") == [
        ("你好 👋 مرحبا", PHONE, "received", "twilio")
    ]


def test_the_same_text_twice_is_one(runtime, hooks):
    for _ in range(3):
        assert call(hooks, SMS, incoming()).status_code == 200
    assert rows(runtime, "SELECT count(*) FROM inbound_message") == [(1,)]


@pytest.mark.parametrize("path", [SMS, "/webhooks/twilio/status/5?attempt=7"])
def test_a_forged_or_unsigned_call_is_refused_and_only_counted(runtime, hooks, path):
    values = incoming(MessageStatus="delivered")
    assert hooks.post(path, data=values).status_code == 403
    assert call(hooks, path, values, token="guessed").status_code == 403
    assert call(hooks, path, values, public="https://elsewhere.example").status_code == 403
    good = signature(TOKEN, PUBLIC + path, values)
    assert hooks.post(path, data=values | {"Body": "other"}, headers={"X-Twilio-Signature": good}).status_code == 403
    assert hooks.post(path, data=values, headers={"X-Twilio-Signature": "签名"}).status_code == 403
    assert rows(runtime, "SELECT count(*) FROM inbound_message") == [(0,)]
    assert rows(runtime, "SELECT count(*) FROM receipt") == [(0,)]
    assert rows(runtime, "SELECT why, count FROM refused_webhook ORDER BY why") == [
        ("no_signature", 1),
        ("wrong_signature", 4),
    ]
    told = hooks.get("/metrics").text
    assert 'hcrm_webhooks_refused_total{why="no_signature"} 1.0' in told
    assert 'hcrm_webhooks_refused_total{why="wrong_signature"} 4.0' in told
    assert 'hcrm_messages_waiting{state="in_doubt"} 0.0' in told


def test_behind_a_proxy_the_public_address_is_what_counts(runtime):
    ours = twilio_runtime(runtime, trusted_proxies=1)
    client = create_app(ours.settings, runtime=ours).test_client()
    forwarded = {"Host": "10.0.0.7:8000", "X-Forwarded-Proto": "http", "X-Forwarded-Host": "attacker.example"}
    assert call(client, SMS, incoming(), headers=forwarded).status_code == 200
    assert (
        call(client, SMS, incoming(sid="SM2"), public="http://attacker.example", headers=forwarded).status_code == 403
    )


def test_too_large_and_malformed_calls_are_turned_away(runtime, hooks):
    assert call(hooks, SMS, incoming("x" * 300_000)).status_code == 413
    assert call(hooks, SMS, {"From": PHONE}).status_code == 400
    assert call(hooks, SMS, {"MessageSid": "SM1"}).status_code == 400
    assert call(hooks, "/webhooks/twilio/status/5", {"MessageSid": "SM1"}).status_code == 400
    assert rows(runtime, "SELECT count(*) FROM inbound_message") == [(0,)]


def test_long_strange_and_hostile_texts_are_kept(runtime, hooks):
    bodies = ["很" * 10_000, "a\x00b", "", "\u202eevil\u202c", "x" * 10_000]
    for number, body in enumerate(bodies):
        values = incoming(body, sid=f"SM{number}", NumMedia="many")
        assert call(hooks, SMS, values).status_code == 200
    kept = [body for (body,) in rows(runtime, "SELECT body FROM inbound_message ORDER BY id")]
    assert kept == [body.replace("\x00", "") for body in bodies]
    long_sender = incoming(sid="SM9", From="whatsapp:+141555501234567890123")
    assert call(hooks, SMS, long_sender).status_code == 200


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/x-www-form-urlencoded"),
        (b"\xff\xfe=%ZZ&&&==&%00", "application/x-www-form-urlencoded"),
        (b'{"MessageSid": "SM1", "From": "+14155550123"}', "application/json"),
        (b"--x\r\nnot a part", "multipart/form-data; boundary=x"),
        (b"MessageSid=SM1", "no type at all"),
    ],
)
@pytest.mark.parametrize("path", [SMS, "/webhooks/twilio/status/5?attempt=7"])
def test_what_is_no_form_is_turned_away_and_never_a_fault_of_the_program(runtime, hooks, path, body, content_type):
    unsigned = hooks.post(path, data=body, content_type=content_type)
    signed = hooks.post(
        path, data=body, content_type=content_type, headers={"X-Twilio-Signature": signature(TOKEN, PUBLIC + path, {})}
    )
    assert (unsigned.status_code, signed.status_code in {400, 403}) == (403, True)
    assert rows(runtime, "SELECT count(*) FROM inbound_message") == [(0,)]


def test_a_call_that_is_sent_again_changes_nothing(runtime, facility, hooks):
    """Whoever has caught a signed call can send it again, also after it was dealt with."""
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
    for body, sid in (("STOP", "SM1"), ("START", "SM2")):
        call(hooks, SMS, incoming(body, sid=sid))
        handle_inbound(runtime)
    for _ in range(2):
        assert call(hooks, SMS, incoming("STOP", sid="SM1")).status_code == 200
        assert handle_inbound(runtime) == 0
    assert rows(runtime, "SELECT stopped_at IS NULL FROM number_state") == [(True,)]


def test_ids_that_are_no_ids_of_ours_are_kept_and_do_no_harm(runtime, hooks):
    for number in ("999999999999999999", "0"):
        for attempt in ("99999999999999999999999999", "-1", "7%00", "%F0%9F%98%80", ""):
            path = f"/webhooks/twilio/status/{number}?attempt={attempt}"
            values = {"MessageSid": f"SM{number}", "MessageStatus": "delivered", "ErrorCode": "x" * 500}
            assert call(hooks, path, values).status_code == 204
    stored = rows(runtime, "SELECT count(*) FROM receipt")[0][0]
    assert stored == 10
    assert apply_receipts(runtime, RECEIPT_READINGS) == 0
    assert rows(runtime, "SELECT count(*) FROM receipt WHERE applied_at IS NULL") == [(0,)]


def test_emoji_right_to_left_and_very_long_replies_wait_as_they_are(runtime, facility, hooks, client, login):
    bodies = ["👋🏽" * 50, "شكرا، أنا بخير \u202e\u2066", "我" * 10_000, "5" * 10_000, "<script>alert(1)</script>"]
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
        make = MessagingFactory(session, runtime.clock.now(), facility)
        make.contact(make.patient(), PHONE)
    for number, body in enumerate(bodies):
        assert call(hooks, SMS, incoming(body, sid=f"SM{number}")).status_code == 200
    assert handle_inbound(runtime) == len(bodies)
    assert rows(runtime, "SELECT body FROM inbound_message WHERE state = 'matched' ORDER BY id") == [
        (body,) for body in bodies
    ]
    login("service_agent")
    page = client.get("/inbox").text
    assert "👋🏽" in page
    assert "<script>alert" not in page


def test_a_receipt_is_stored_once_for_each_status_and_about_unknown_messages_too(runtime, hooks):
    path = "/webhooks/twilio/status/999999?attempt=888888"
    for status in ("sent", "delivered", "delivered", "something new"):
        assert call(hooks, path, {"MessageSid": "SM1", "MessageStatus": status}).status_code == 204
    assert (
        call(hooks, "/webhooks/twilio/status/1?attempt=x%27", {"MessageSid": "S", "MessageStatus": "sent"}).status_code
        == 204
    )
    assert rows(runtime, "SELECT count(*), count(attempt_id) FROM receipt") == [(4, 0)]
    assert call(hooks, "/webhooks/twilio/status/x", {"MessageSid": "S", "MessageStatus": "sent"}).status_code == 404


def test_without_twilio_there_is_nothing_to_call(client):
    assert client.post(SMS, data=incoming()).status_code == 404


def test_stop_from_outside_stops_and_a_message_of_a_patient_meets_its_person(runtime, facility, hooks):
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
        make = MessagingFactory(session, runtime.clock.now(), facility)
        patient_id = make.patient()
        make.contact(patient_id, PHONE)
    call(hooks, SMS, incoming("a question", sid="SM1"))
    call(hooks, SMS, incoming("STOP", sid="SM2"))
    assert handle_inbound(runtime) == 2
    assert rows(runtime, "SELECT state, keyword, patient_id FROM inbound_message ORDER BY id") == [
        ("matched", None, patient_id),
        ("handled", "stop", patient_id),
    ]
