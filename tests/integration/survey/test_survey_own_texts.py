"""A questionnaire of the hospital's own is asked by text in its own words; a link that was taken back is replaced."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from hcrm.messaging.domain import MessageRequest
from hcrm.survey import queries, service
from hcrm.survey.service import building
from hcrm.wiring import install_defaults
from tests.factories_survey import SurveyFactory

pytestmark = pytest.mark.database
TEXT = {"en": "Day surgery", "zh": "日间手术"}


def question(code: str, kind: str, ask: str, **more: Any) -> dict[str, Any]:
    words = {"en": ask, "zh": "请回复"}
    return {"code": code, "kind": kind, "flags": ["core", "sms"], **words, "sms_text": words, **more}


@pytest.fixture
def response_id(session: Session, facility: int, now: datetime) -> int:
    install_defaults(session, now)
    author = building.Author(1, facility, now)
    definition = {
        "code": "SAT_DAY", "purpose": "satisfaction", "name": TEXT, "intro": TEXT, "about": TEXT,
        "question": [
            question("home_by", "yes_no", "Were you home when we said? Reply 1 yes, 2 no"),
            question("calm", "scale5", "How calm was it? Reply 1 to 5", show_if="home_by = no"),
        ],
    }  # fmt: skip
    building.begin_questionnaire(session, definition=definition, author=author)
    building.publish_draft(session, code="SAT_DAY", revision=1, author=author)
    return SurveyFactory(session, now, facility).response("SAT_DAY")


def opening(session: Session, response_id: int, now: datetime, **more: Any) -> MessageRequest:
    end = now + timedelta(days=1)
    return service.opening_request(
        session, response_id=response_id, key="k", not_before=now, expires_at=end, now=now, **more
    )


def test_its_questions_are_sent_in_their_own_words(session: Session, response_id: int, now: datetime) -> None:
    asked = opening(session, response_id, now)
    assert (asked.template_code, asked.values["text"]) == (
        "survey_invite_question",
        {"en": "Were you home when we said? Reply 1 yes, 2 no", "zh_Hans": "请回复"},
    )
    assert opening(session, response_id, now, reminder=True).template_code == "survey_reminder_question"
    help_ = service.take_reply_text(session, response_id=response_id, inbound_id=1, text="perhaps", now=now).reply
    assert help_ is not None
    assert (help_.template_code, help_.values) == ("q_own", asked.values)
    following = service.take_reply_text(session, response_id=response_id, inbound_id=2, text="2", now=now).reply
    assert following is not None
    assert (following.template_code, following.values["text"]["en"]) == ("q_own", "How calm was it? Reply 1 to 5")
    thanks = service.take_reply_text(session, response_id=response_id, inbound_id=3, text="５分", now=now)
    assert thanks.finished
    assert queries.answers(session, response_id) == {"home_by": "no", "calm": 5}


def test_after_a_link_was_taken_back_the_next_message_carries_the_new_one(
    session: Session, response_id: int, now: datetime
) -> None:
    assert "link_generation" not in opening(session, response_id, now).values
    generation = service.revoke_link(session, response_id=response_id, now=now)
    assert opening(session, response_id, now).values["link_generation"] == str(generation)
    new = session.info["links"]["survey"](response_id, generation).rsplit("/", 1)[1]
    old = session.info["links"]["survey"](response_id).rsplit("/", 1)[1]
    assert queries.web_survey(session, new, now) is not None
    assert queries.web_survey(session, old, now) is None
