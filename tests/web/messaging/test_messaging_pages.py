from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from hcrm.audit.models import AuditEntry
from hcrm.messaging import service
from hcrm.messaging.domain import InboundState, MessageStatus
from hcrm.messaging.jobs import send_due, settle_in_doubt
from hcrm.messaging.models import ConsoleDelivery, InboundMessage, NumberState, OutboxMessage
from hcrm.messaging.providers.base import SendResult
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.unit_of_work import unit_of_work
from tests.factories_messaging import MessagingFactory, Silent


@pytest.fixture
def work(runtime):
    """A transaction of its own in the application's database."""
    return lambda: unit_of_work(runtime.sessions)


@pytest.fixture
def hospital(runtime, facility, departments, work):
    """Two patients with phones: of MED with a number of her own, of SUR who shares his with a third."""
    with work() as session:
        service.install_default_templates(session, runtime.clock.now())
        make = MessagingFactory(session, runtime.clock.now(), facility)
        first, second, third = (make.patient(full_name=name) for name in ("王芳", "李强", "赵敏"))
        number = make.contact(first)
        shared = make.contact(second)
        make.contact(third, shared)
        make.stay(first, department_id=departments["MED"])
        make.stay(second, department_id=departments["SUR"])
        make.stay(third, department_id=departments["SUR"])
        make.message(make.request(first))
        return {"first": first, "second": second, "third": third, "number": number, "shared": shared}


@pytest.fixture
def text_in(runtime, facility, work):
    counter = iter(range(100))

    def run(number, body):
        with work() as session:
            inbound_id = service.receive(
                session, facility_id=facility, provider="console", provider_message_id=f"t{next(counter)}",
                from_number=number, to_number=f"1069{facility:06d}", body=body, now=runtime.clock.now(),
            )  # fmt: skip
        with work() as session:
            service.take(session, inbound_id, now=runtime.clock.now())
        return inbound_id

    return run


def send(runtime):
    return send_due(runtime, ConsoleProvider(runtime.engine, runtime.clock))


def row(runtime, model, row_id):
    with unit_of_work(runtime.sessions) as session:
        found = session.get_one(model, row_id)
        session.expunge(found)
    return found


def test_the_inbox_lists_what_waits_and_opens_the_longest_waiting(client, login, hospital, text_in):
    login("service_agent")
    text_in(hospital["number"], "The dressing is wet")
    text_in("+8613800009999", "who is this")
    page = client.get("/inbox").get_data(as_text=True)
    assert "王芳" in page
    assert "The dressing is wet" in page
    assert "+86 138 0000 9999" in page
    assert 'class="pill' in page


def test_a_nurse_sees_only_the_texts_of_her_wards_patients(client, login, hospital, text_in, departments):
    own = text_in(hospital["number"], "from medicine")
    foreign = text_in(hospital["shared"], "from surgery")
    login("nurse", departments["MED"])
    page = client.get("/inbox").get_data(as_text=True)
    assert "from medicine" in page
    assert "from surgery" not in page
    assert client.get(f"/inbox/{own}").status_code == 200
    assert client.get(f"/inbox/{foreign}").status_code == 403
    assert client.post(f"/inbox/{foreign}/claim").status_code == 403


def test_looking_at_a_text_is_audited_for_its_patient(client, login, hospital, text_in, runtime, work):
    user_id = login("service_agent")
    inbound_id = text_in(hospital["number"], "hello")
    client.get(f"/inbox/{inbound_id}")
    with work() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "inbox.viewed")).one()
        assert (entry.actor_user_id, entry.patient_id, entry.object_id) == (user_id, hospital["first"], inbound_id)


def test_a_text_is_claimed_and_finished_with_an_outcome(client, login, hospital, text_in, runtime):
    user_id = login("service_agent")
    inbound_id = text_in(hospital["number"], "hello")
    page = client.post(f"/inbox/{inbound_id}/claim", follow_redirects=True).get_data(as_text=True)
    assert "What was done" in page
    missing = client.post(f"/inbox/{inbound_id}/close", data={"note": "x"})
    assert missing.status_code == 422
    assert "Choose what was done." in missing.get_data(as_text=True)
    done = client.post(f"/inbox/{inbound_id}/close", data={"outcome": "phoned", "note": "fine"}, follow_redirects=True)
    assert "No text waits for you" in done.get_data(as_text=True)
    found = row(runtime, InboundMessage, inbound_id)
    assert (found.state, found.outcome.value, found.note, found.handled_by) == (
        InboundState.HANDLED, "phoned", "fine", user_id,
    )  # fmt: skip


def test_what_somebody_else_deals_with_is_left_to_them(client, login, hospital, text_in, runtime, facility):
    inbound_id = text_in(hospital["number"], "hello")
    first = login("service_agent")
    client.post(f"/inbox/{inbound_id}/claim")
    client.post("/logout")
    login("complaints_officer")
    page = client.post(f"/inbox/{inbound_id}/claim", follow_redirects=True).get_data(as_text=True)
    assert "A colleague is dealing with this text" in page
    assert row(runtime, InboundMessage, inbound_id).claimed_by == first
    client.post(f"/inbox/{inbound_id}/hand-over", data={"colleague": ""})
    assert row(runtime, InboundMessage, inbound_id).claimed_by is None
    client.post(f"/inbox/{inbound_id}/hand-over", data={"colleague": str(first)})
    assert row(runtime, InboundMessage, inbound_id).claimed_by == first
    assert client.post(f"/inbox/{inbound_id}/hand-over", data={"colleague": "999999"}).status_code == 400


def test_a_person_says_whose_a_text_from_a_shared_phone_is(client, login, hospital, text_in, runtime):
    login("service_agent")
    inbound_id = text_in(hospital["shared"], "my wound")
    page = client.get(f"/inbox/{inbound_id}").get_data(as_text=True)
    assert "This number is shared by several patients" in page
    assert "李强" in page
    assert "赵敏" in page
    assert client.post(f"/inbox/{inbound_id}/whose", data={"patient": hospital["first"]}).status_code == 400
    client.post(f"/inbox/{inbound_id}/whose", data={"patient": hospital["third"]})
    assert row(runtime, InboundMessage, inbound_id).patient_id == hospital["third"]


def test_a_message_of_unknown_fate_waits_for_a_decision(client, login, hospital, runtime, work):
    provider = Silent(runtime.engine, runtime.clock)
    send_due(runtime, provider)
    settle_in_doubt(runtime, provider)
    with work() as session:
        session.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 hour'"))
        message_id = session.scalars(select(OutboxMessage.id)).one()
    assert row(runtime, OutboxMessage, message_id).status is MessageStatus.UNKNOWN
    assert send(runtime) == 0
    login("service_agent")
    assert "Not known whether these arrived" in client.get("/inbox").get_data(as_text=True)
    client.post(f"/inbox/messages/{message_id}/again")
    assert "Not known whether these arrived" not in client.get("/inbox").get_data(as_text=True)
    assert send(runtime) == 1
    page = client.post(f"/inbox/messages/{message_id}/leave", follow_redirects=True).get_data(as_text=True)
    assert "settled already" in page


def test_why_not_tells_the_checks_in_order_and_the_fact_that_decided(client, login, hospital, runtime, work):
    login("service_agent")
    with work() as session:
        session.add(
            NumberState(facility_id=1, number=hospital["number"], stopped_at=runtime.clock.now(), source="keyword")
        )
        message_id = session.scalars(select(OutboxMessage.id)).one()
    send(runtime)
    page = client.get(f"/messages/{message_id}/why").get_data(as_text=True)
    assert "This phone said STOP" in page
    assert "Has this phone not said STOP?" in page
    assert "the patient&#39;s own number" in page or "the patient's own number" in page
    told = client.get(f"/messages/{message_id}/why", headers={"Accept": "application/json"}).get_json()
    assert (told["status"], told["reason"]) == ("suppressed", "opted_out")
    assert (told["checks"][-1]["rule"], told["checks"][-1]["passed"]) == ("not_stopped", False)
    assert told["checks"][-1]["at"] == told["decided_at"] == runtime.clock.now().isoformat()
    assert hospital["number"] not in str(told)
    assert client.get("/messages/999/why").status_code == 404


def test_a_message_that_waits_tells_when_it_would_go_or_what_would_hold_it(client, login, hospital, runtime, work):
    login("service_agent")
    with work() as session:
        message_id = session.scalars(select(OutboxMessage.id)).one()
    told = client.get(f"/messages/{message_id}/why", headers={"Accept": "application/json"}).get_json()
    assert told["ahead"]["goes_at"] == runtime.clock.now().isoformat()
    assert {each["passed"] for each in told["ahead"]["checks"]} == {True}
    assert "It goes out on" in client.get(f"/messages/{message_id}/why").text
    with work() as session:
        session.add(
            NumberState(facility_id=1, number=hospital["number"], stopped_at=runtime.clock.now(), source="keyword")
        )
    told = client.get(f"/messages/{message_id}/why", headers={"Accept": "application/json"}).get_json()
    assert (told["ahead"]["goes_at"], told["ahead"]["reason"], told["status"]) == (None, "opted_out", "queued")
    assert "It would not be sent: This phone said STOP" in client.get(f"/messages/{message_id}/why").text
    send(runtime)
    told = client.get(f"/messages/{message_id}/why", headers={"Accept": "application/json"}).get_json()
    assert (told["status"], told["ahead"]) == ("suppressed", None)


def test_why_not_is_closed_to_other_wards(client, login, hospital, departments, work):
    login("nurse", departments["SUR"])
    with work() as session:
        message_id = session.scalars(select(OutboxMessage.id)).one()
    assert client.get(f"/messages/{message_id}/why").status_code == 403


@pytest.mark.usefixtures("demonstration")
def test_the_handset_shows_what_the_phone_got_and_sends_what_its_holder_writes(client, login, hospital, runtime, work):
    login("administrator")
    assert "No phone has got a text yet" in client.get("/handset").get_data(as_text=True)
    send(runtime)
    page = client.get("/handset").get_data(as_text=True)
    assert "祝您早日康复" in page
    with work() as session:
        phone_id = session.scalars(select(func.min(ConsoleDelivery.id))).one()
    assert client.post(f"/handset/{phone_id}", data={"text": " "}).status_code == 422
    page = client.post(f"/handset/{phone_id}", data={"text": "退订"}, follow_redirects=True).get_data(as_text=True)
    assert "退订" in page
    send(runtime)
    assert "您已退订短信" in client.get(f"/handset/{phone_id}/screen").get_data(as_text=True)
    with work() as session:
        assert session.scalars(select(NumberState.stopped_at)).one() == runtime.clock.now()


def test_where_people_are_real_nobody_reads_or_answers_for_their_phones(client, login, hospital, runtime, work):
    login("administrator")
    send(runtime)
    with work() as session:
        phone_id = session.scalars(select(func.min(ConsoleDelivery.id))).one()

    for address in ("/handset", f"/handset/{phone_id}", f"/handset/{phone_id}/screen"):
        assert client.get(address).status_code == 404
    assert client.post(f"/handset/{phone_id}", data={"text": "退订"}).status_code == 404
    with work() as session:
        assert session.scalars(select(InboundMessage.id)).all() == []


@pytest.mark.usefixtures("demonstration")
def test_no_number_stands_in_an_address(client, login, hospital, runtime):
    login("administrator")
    send(runtime)
    page = client.get("/handset").get_data(as_text=True)
    assert hospital["number"].lstrip("+") not in "".join(part.split('"')[0] for part in page.split('href="')[1:])


@pytest.mark.usefixtures("demonstration")
def test_an_unknown_phone_or_text_is_not_found(client, login):
    login("service_agent")
    assert client.get("/handset/12345").status_code == 404
    assert client.get("/inbox/12345").status_code == 404


def test_roles_without_the_inbox_cannot_open_it(client, login):
    login("manager")
    assert client.get("/inbox").status_code == 403


def test_a_late_receipt_settles_what_was_unknown(hospital, runtime, work):
    provider = Silent(runtime.engine, runtime.clock)
    send_due(runtime, provider)
    with work() as session:
        attempt_id = session.execute(text("SELECT id FROM send_attempt")).scalar_one()
        service.record_result(session, attempt_id, SendResult(MessageStatus.DELIVERED), now=runtime.clock.now())
        assert session.scalars(select(OutboxMessage.status)).one() is MessageStatus.DELIVERED
    runtime.clock.advance(timedelta(hours=1))
    assert send(runtime) == 0


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_a_text_from_a_phone_tells_why_on_its_page_and_to_programs(
    client, login, hospital, runtime, work, departments, language
):
    with work() as session:
        inbound_id = service.receive(
            session, facility_id=1, provider="console", provider_message_id="why", from_number=hospital["number"],
            to_number="1069000001", body="退订", now=runtime.clock.now(),
        )  # fmt: skip
        service.take(session, inbound_id, now=runtime.clock.now())
        patient_id = session.get_one(InboundMessage, inbound_id).patient_id
    login("service_agent", language=language)
    page = client.get(f"/texts/{inbound_id}/why").text
    assert ("Is it a word like STOP" if language == "en" else "是否为退订") in page
    assert ("Texts stopped" if language == "en" else "短信") in page
    told = client.get(f"/texts/{inbound_id}/why", headers={"Accept": "application/json"}).get_json()
    assert (told["state"], told["outcome"]) == ("handled", "stopped")
    assert [each["rule"] for each in told["checks"]][:3] == ["stored", "whose", "keyword"]
    assert hospital["number"] not in str(told)
    assert f"/texts/{inbound_id}/why" in client.get(f"/patients/{patient_id}").text
    assert client.get("/texts/999/why").status_code == 404
    client.post("/logout")
    login("nurse", departments["SUR"])
    assert client.get(f"/texts/{inbound_id}/why").status_code == 403
