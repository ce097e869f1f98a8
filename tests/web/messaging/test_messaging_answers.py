"""Answering from the Inbox: within the rules, with a second look where words reveal something."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hcrm.messaging import service
from hcrm.messaging.jobs import handle_inbound, send_due
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.unit_of_work import unit_of_work
from tests.factories_messaging import MessagingFactory

PHONE = "+8613800000077"


@pytest.fixture
def written(runtime, facility, login):
    """``written(body)``: a patient's phone wrote that, an agent is logged in; the id of the text."""
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
        make = MessagingFactory(session, runtime.clock.now(), facility)
        make.contact(make.patient(full_name="王小明"), PHONE)
    login("service_agent")

    def write(body, sid="1", media=0):
        with unit_of_work(runtime.sessions) as session:
            return service.receive(
                session, facility_id=facility, provider="console", provider_message_id=sid, from_number=PHONE,
                to_number="10690001", body=body, media_count=media, now=runtime.clock.now(),
            )  # fmt: skip

    return write


def answers(runtime):
    with runtime.engine.connect() as connection:
        return (
            connection.execute(
                text(
                    "SELECT template_code, status, body FROM outbox_message WHERE template_code <> 'handed_over'"
                    " ORDER BY id"
                )
            )
            .tuples()
            .all()
        )


def test_an_answer_goes_out_with_the_hospitals_name_and_finishes_the_text(client, runtime, written):
    text_id = written("什么时候可以洗澡？")
    handle_inbound(runtime)
    answer = client.post(f"/inbox/{text_id}/answer", data={"answer": "明天起可以淋浴。", "finish": "y"})
    assert answer.location == "/inbox"
    send_due(runtime, ConsoleProvider(runtime.engine, runtime.clock))
    assert answers(runtime) == [("staff_answer", "delivered", "【测试医院】明天起可以淋浴。")]
    assert client.post(f"/inbox/{text_id}/answer", data={"answer": "again"}, follow_redirects=True).status_code == 200
    assert len(answers(runtime)) == 1, "a text that is dealt with takes no answer"


def test_an_answer_at_night_waits_for_the_morning(runtime, written):
    text_id = written("你好")
    runtime.clock.advance(runtime.clock.now().replace(hour=14) - runtime.clock.now())
    handle_inbound(runtime)
    with unit_of_work(runtime.sessions) as session:
        service.answer_text(
            session, text_id, body="请明天来电。", finish=True, actor_user_id=1, now=runtime.clock.now()
        )
    send_due(runtime, ConsoleProvider(runtime.engine, runtime.clock))
    assert answers(runtime) == [("staff_answer", "queued", None)]


def test_revealing_words_and_names_need_a_second_look(client, runtime, written):
    text_id = written("你好")
    handle_inbound(runtime)
    page = client.post(f"/inbox/{text_id}/answer", data={"answer": "王小明您好，化疗改到周三。"})
    assert page.status_code == 422
    assert "化疗" in page.text
    assert "王小明" in page.text
    assert answers(runtime) == []
    client.post(f"/inbox/{text_id}/answer", data={"answer": "化疗改到周三。", "sure": "y"})
    assert len(answers(runtime)) == 1


def test_a_stopped_phone_gets_no_answer_and_it_is_said(client, runtime, written):
    written("一个问题", sid="1")
    written("退订", sid="2")
    handle_inbound(runtime)
    with runtime.engine.connect() as connection:
        text_id = connection.execute(text("SELECT min(id) FROM inbound_message")).scalar_one()
    page = client.post(f"/inbox/{text_id}/answer", data={"answer": "您好"}, follow_redirects=True)
    assert "said STOP" in page.text
    assert [code for code, *_ in answers(runtime)] == ["stop_confirm"]


def test_an_empty_or_endless_answer_is_not_sent(client, runtime, written):
    text_id = written("你好")
    handle_inbound(runtime)
    for body in ("", "   ", "x" * 901, "很" * 600):
        client.post(f"/inbox/{text_id}/answer", data={"answer": body})
    assert answers(runtime) == []


def test_a_picture_is_refused_politely_and_a_person_still_sees_that_it_came(client, runtime, written):
    text_id = written("", media=1)
    handle_inbound(runtime)
    send_due(runtime, ConsoleProvider(runtime.engine, runtime.clock))
    assert [code for code, *_ in answers(runtime)] == ["no_media"]
    assert "not kept" in client.get(f"/inbox/{text_id}").text


def test_texts_of_one_phone_are_taken_in_the_order_in_which_they_came(runtime, written):
    first, second = written("一", sid="1"), written("二", sid="2")
    with unit_of_work(runtime.sessions) as session:
        assert service.take(session, second, now=runtime.clock.now()) is None
        assert service.take(session, first, now=runtime.clock.now()) is not None
        assert service.take(session, second, now=runtime.clock.now()) is not None
