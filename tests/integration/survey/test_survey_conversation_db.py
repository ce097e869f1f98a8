"""A survey by text message through messaging: invitation, replies, help, thanks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hcrm.events import MessagesChanged, publish
from hcrm.messaging import service as messaging
from hcrm.messaging.domain import MessageRequest, MessageStatus, Purpose
from hcrm.messaging.models import OutboxMessage
from hcrm.organization.models import Facility
from hcrm.survey import queries, service
from hcrm.survey.domain import Mode, ResponseState
from tests.factories_survey import SurveyFactory


@pytest.fixture
def surveys(session: Session, facility: int, now: datetime) -> SurveyFactory:
    return SurveyFactory(session, now, facility)


def open_by_text(session: Session, response_id: int, now: datetime, **more: Any) -> MessageRequest:
    return service.opening_request(
        session,
        response_id=response_id,
        key=f"survey:task:{response_id}:0",
        not_before=now,
        expires_at=now + timedelta(days=1),
        now=now,
        **more,
    )


def reply(session: Session, response_id: int, text: str, now: datetime, number: int = 1) -> service.TextOutcome:
    return service.take_reply_text(session, response_id=response_id, inbound_id=number, text=text, now=now)


def test_the_invitation_is_the_first_question(session: Session, surveys: SurveyFactory, now: datetime):
    request = open_by_text(session, surveys.response(task_id=5), now)
    assert (request.template_code, request.purpose, request.task_id) == ("survey_invite_sms", Purpose.SURVEY, 5)
    assert request.conversation is not None
    assert request.conversation.awaits_reply
    assert request.values == {}


def test_the_invitation_is_a_link_where_the_hospital_wants_it(
    session: Session, surveys: SurveyFactory, now: datetime, facility: int
):
    session.get_one(Facility, facility).settings = {"survey_invitation": "web"}
    request = open_by_text(session, surveys.response(), now)
    assert request.template_code == "survey_invite_web"
    assert request.conversation is not None
    assert not request.conversation.awaits_reply


def test_what_was_begun_on_the_web_is_reminded_of_with_a_link(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    service.record_answer(session, response_id=response_id, question_code="overall", value=4, mode=Mode.WEB, now=now)
    assert open_by_text(session, response_id, now, reminder=True).template_code == "survey_reminder"


def test_a_reminder_asks_the_first_question_again(session: Session, surveys: SurveyFactory, now: datetime):
    assert open_by_text(session, surveys.response(), now, reminder=True).template_code == "survey_reminder_sms"


def test_emergency_patients_get_the_emergency_number_with_the_question(
    session: Session, surveys: SurveyFactory, now: datetime
):
    assert open_by_text(session, surveys.response("SAT_ED"), now).template_code == "survey_invite_ed_sms"


def test_a_clinical_check_is_never_a_conversation(session: Session, surveys: SurveyFactory, now: datetime):
    assert open_by_text(session, surveys.response("CLIN_GEN"), now).template_code == "survey_invite_web"


def test_replies_walk_through_the_short_form_to_the_thanks(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    open_by_text(session, response_id, now)
    sent = []
    for number, text in enumerate(["5", "４分", "四", "very satisfied", "10", "谢谢护士"]):
        outcome = reply(session, response_id, text, now, number)
        assert outcome.reply is not None
        sent.append(outcome.reply.template_code)
    assert sent == ["q_nurse_comm", "q_doctor_comm", "q_discharge_info", "q_recommend", "q_comment", "thanks"]
    response = queries.response(session, response_id)
    assert (response.state, response.closed_at) == (ResponseState.COMPLETED, now)
    assert {entry.mode for entry in queries.answer_snapshots(session, response_id)} == {Mode.SMS}


def test_a_low_rating_ends_with_regret_and_a_day(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    open_by_text(session, response_id, now)
    outcome = None
    for number, text in enumerate(["1", "5", "5", "5", "9", "0"]):
        outcome = reply(session, response_id, text, now, number)
    assert outcome is not None
    assert outcome.reply is not None
    assert outcome.reply.template_code == "thanks_low"
    assert outcome.reply.values == {"by": {"en": "Wed 11 Mar", "zh_Hans": "3月11日"}}


def test_help_once_then_a_person(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    open_by_text(session, response_id, now)
    first = reply(session, response_id, "??", now, 1)
    second = reply(session, response_id, "what", now, 2)
    assert first.reply is not None
    assert second.reply is not None
    assert (first.reply.template_code, first.for_person, first.finished) == ("not_understood", False, False)
    assert (second.reply.template_code, second.for_person, second.finished) == ("handed_over", True, True)
    assert second.reply.purpose is Purpose.CARE
    third = reply(session, response_id, "5", now, 3)
    assert (third.reply, third.for_person) == (None, True)


def test_help_for_the_recommendation_names_its_own_range(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    open_by_text(session, response_id, now)
    for number, text in enumerate(["5", "5", "5", "5"]):
        reply(session, response_id, text, now, number)
    outcome = reply(session, response_id, "perhaps", now, 9)
    assert outcome.reply is not None
    assert outcome.reply.template_code == "q_recommend"


def test_one_response_may_be_answered_by_text_and_on_the_web(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    open_by_text(session, response_id, now)
    reply(session, response_id, "5", now, 1)
    for code in ("nurse_comm", "doctor_comm"):
        service.record_answer(session, response_id=response_id, question_code=code, value=4, mode=Mode.WEB, now=now)
    outcome = reply(session, response_id, "3", now, 2)
    assert outcome.reply is not None
    assert outcome.reply.template_code == "q_discharge_info"
    assert queries.answers(session, response_id) == {"overall": 5, "nurse_comm": 3, "doctor_comm": 4}


def test_a_text_without_a_conversation_is_for_a_person(session: Session, surveys: SurveyFactory, now: datetime):
    assert reply(session, surveys.response(), "5", now).for_person


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (MessageStatus.DELIVERED, ResponseState.DELIVERED),
        (MessageStatus.PERMANENT_FAILURE, ResponseState.FAILED),
        (MessageStatus.SUPPRESSED, ResponseState.FAILED),
        (MessageStatus.ACCEPTED, ResponseState.INVITED),
    ],
)
def test_the_response_follows_its_invitation(
    session: Session, surveys: SurveyFactory, now: datetime, status: MessageStatus, state: ResponseState
):
    response_id = surveys.response()
    message_id = messaging.enqueue(session, open_by_text(session, response_id, now), now=now)
    session.get_one(OutboxMessage, message_id).status = status
    session.flush()
    publish(session, MessagesChanged(now=now, message_ids=(message_id,)))
    assert queries.response(session, response_id).state is state


def test_an_answer_is_never_undone_by_a_late_receipt(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    service.record_answer(session, response_id=response_id, question_code="overall", value=5, mode=Mode.WEB, now=now)
    service.mark_delivered(session, [response_id], now)
    service.mark_undeliverable(session, [response_id], now)
    assert queries.response(session, response_id).state is ResponseState.PARTIAL
