"""A whole survey by text: from the invitation in the outbox to the thanks, through messaging as it runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from hcrm.messaging import service as messaging
from hcrm.messaging.domain import InboundState
from hcrm.messaging.models import InboundMessage
from hcrm.patients.domain import Language
from hcrm.survey import queries, service
from hcrm.survey.domain import Mode, ResponseState
from tests.factories_messaging import SENDER, MessagingFactory, open_conversations
from tests.factories_survey import SurveyFactory

NUMBER = "+8613900000001"


class Handset:
    """The patient's phone: what arrived on it, and a way to write back."""

    def __init__(self, session: Session, facility_id: int, now: datetime) -> None:
        self.session = session
        self.facility_id = facility_id
        self.now = now
        self.written = 0

    def arrived(self) -> list[str]:
        claimed = messaging.claim(self.session, now=self.now, sender=SENDER, limit=10)
        self.session.expire_all()
        return [sms.body for sms in claimed.outgoing]

    def write(self, body: str) -> InboundMessage:
        self.written += 1
        inbound_id = messaging.receive(
            self.session,
            facility_id=self.facility_id,
            provider="console",
            provider_message_id=f"text-{self.written}",
            from_number=NUMBER,
            to_number=f"1069{self.facility_id:06d}",
            body=body,
            now=self.now,
        )
        messaging.take(self.session, inbound_id, now=self.now)
        return self.session.get_one(InboundMessage, inbound_id, populate_existing=True)


@pytest.fixture
def handset(session: Session, facility: int, now: datetime) -> Handset:
    return Handset(session, facility, now)


@pytest.fixture
def invited(session: Session, facility: int, now: datetime) -> Callable[[Language], int]:
    """Sends the invitation to a patient with a phone; gives the response."""

    def invite(language: Language = Language.ENGLISH) -> int:
        messaging.install_default_templates(session, now)
        response_id = SurveyFactory(session, now, facility).response(language=language)
        patient_id = queries.response(session, response_id).patient_id
        MessagingFactory(session, now, facility).contact(patient_id, NUMBER)
        request = service.opening_request(
            session,
            response_id=response_id,
            key=f"survey:response:{response_id}:0",
            not_before=now,
            expires_at=now + timedelta(days=1),
            now=now,
        )
        messaging.enqueue(session, request, now=now)
        return response_id

    return invite


def test_a_survey_is_answered_by_text_from_the_first_question_to_the_thanks(
    session: Session, handset: Handset, invited: Callable[..., int]
):
    response_id = invited(Language.CHINESE)
    [question] = handset.arrived()
    assert question.startswith("【测试医院】您对近期就医总体满意吗？请回复数字")
    asked = []
    for text in ("５", "很满意", "4分", "三", "10", "病房很安静"):
        assert handset.write(text).state is InboundState.HANDLED
        asked += handset.arrived()
    assert [text.split("】")[1][:4] for text in asked] == [
        "谢谢！护",
        "医生的倾",
        "回家后注",
        "您有多大",
        "最后：您",
        "感谢您的",
    ]
    response = queries.response(session, response_id)
    assert response.state is ResponseState.COMPLETED
    assert queries.answers(session, response_id) == {
        "overall": 5,
        "nurse_comm": 5,
        "doctor_comm": 4,
        "discharge_info": 3,
        "recommend": 10,
        "comment": "病房很安静",
    }
    assert handset.write("还有一件事").state is not InboundState.HANDLED


def test_help_is_sent_once_and_the_second_time_a_person_reads_it(handset: Handset, invited: Callable[..., int]):
    invited()
    handset.arrived()
    handset.write("pardon?")
    assert "could not read your answer" in handset.arrived()[0]
    assert handset.write("pardon??").state is not InboundState.HANDLED
    assert "a member of staff will read your message" in handset.arrived()[0]


def test_stop_outranks_the_survey(session: Session, handset: Handset, invited: Callable[..., int]):
    response_id = invited()
    handset.arrived()
    assert handset.write("STOP").keyword == "stop"
    assert queries.answers(session, response_id) == {}


def test_finishing_on_the_web_ends_the_conversation_by_text(
    session: Session, handset: Handset, invited: Callable[..., int], now: datetime
):
    response_id = invited()
    handset.arrived()
    service.record_answer(session, response_id=response_id, question_code="overall", value=4, mode=Mode.WEB, now=now)
    service.close_response(session, response_id=response_id, now=now)
    assert open_conversations(session, "survey", response_id) == []
    assert handset.write("1").state is not InboundState.HANDLED
    assert queries.answers(session, response_id) == {"overall": 4}
