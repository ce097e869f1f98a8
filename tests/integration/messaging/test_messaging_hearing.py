"""Each text from a phone keeps what was understood, by which rule, and tells what it led to."""

from __future__ import annotations

import pytest

from hcrm.messaging import queries, service
from hcrm.messaging.domain import ConversationRequest, HandledReply, explain_text
from hcrm.messaging.models import InboundMessage


@pytest.fixture
def heard(session, now, facility):
    """``heard(number, body)`` brings a text and takes it; what is told about it: rule, whether, fact."""
    counter = iter(range(1000))

    def run(number, body, media=0, take=service.take):
        inbound_id = service.receive(
            session, facility_id=facility, provider="console", provider_message_id=f"in-{next(counter)}",
            from_number=number, to_number=f"1069{facility:06d}", body=body, now=now, media_count=media,
        )  # fmt: skip
        take(session, inbound_id, now=now)
        text = queries.inbound(session, inbound_id)
        found = explain_text(text, queries.replies_to(session, inbound_id))
        assert all(each.at is not None for each in found if each.rule != "dealt_with")
        return [(each.rule, each.passed, each.fact) for each in found[1:]]

    return run


def phone(make):
    return make.contact(make.patient())


def test_a_keyword_is_told_with_what_it_did(make, heard):
    number = phone(make)
    assert heard(number, "退订") == [
        ("whose", True, "only_one"),
        ("keyword", True, "stop"),
        ("changes_something", True, ""),
        ("dealt_with", True, "stopped"),
        ("replied", True, "stop_confirm"),
    ]
    assert ("changes_something", False, "") in heard(number, "STOP")


def test_what_no_rule_takes_is_told_to_wait_for_a_person(make, heard):
    number = phone(make)
    assert heard(number, "谢谢") == [
        ("whose", True, "only_one"),
        ("keyword", False, ""),
        ("question_waits", False, ""),
        ("dealt_with", None, "matched"),
        ("replied", True, "handed_over"),
    ]
    make.contact(make.patient(), number)
    assert heard(number, "hello")[0] == ("whose", False, "several")
    assert heard("+8613999999999", "hello")[0] == ("whose", False, "nobody")


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (HandledReply(read_as="overall=5"), ("understood", True, "overall=5")),
        (HandledReply(for_person=True), ("understood", False, "")),
    ],
)
def test_a_reply_is_told_with_what_it_was_read_as(make, heard, claim, session, reply, told):
    session.info["inbound_handlers"] = {"test": lambda *_: reply}
    patient_id = make.patient()
    number = make.contact(patient_id)
    make.message(make.survey(patient_id, 1))
    assert len(claim()) == 1
    found = heard(number, "5")
    assert found[:4] == [
        ("whose", True, "conversation"),
        ("keyword", False, ""),
        ("question_waits", True, "test"),
        told,
    ]


def test_a_word_that_answers_an_appointment_is_told_as_no_keyword(make, heard, claim, session):
    session.info["inbound_handlers"] = {"appointment": lambda *_: HandledReply(read_as="cancel")}
    patient_id = make.patient()
    number = make.contact(patient_id)
    make.message(make.request(patient_id, conversation=ConversationRequest("appointment", 1)))
    assert len(claim()) == 1
    assert ("keyword", False, "for_appointment") in heard(number, "cancel")


def test_pictures_and_broken_rules_are_told(make, heard, session):
    number = phone(make)
    assert heard(number, "", media=2)[1] == ("words_alone", False, "2")
    assert heard(number, "x", take=service.leave_to_person)[1] == ("rules_worked", False, "")
    for row in session.query(InboundMessage):
        assert number not in str(row.reading)
