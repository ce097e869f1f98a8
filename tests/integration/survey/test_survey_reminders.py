"""Reminders: once, to those who have answered nothing, and never past the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.messaging.models import OutboxMessage
from hcrm.organization.models import Facility
from hcrm.survey import service
from hcrm.survey.domain import Mode
from hcrm.survey.jobs import remind_of_surveys
from hcrm.survey.models import SurveyResponse
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_survey import SurveyFactory

pytestmark = pytest.mark.database
DAY = timedelta(days=1)


def reminders(session: Session) -> list[tuple[str, int | None]]:
    rows = session.scalars(select(OutboxMessage).where(OutboxMessage.key.like("survey:reminder:%"))).all()
    return [(row.template_code, row.conversation_subject_id) for row in rows]


@pytest.fixture
def delivered(session: Session, facility: int, now: datetime) -> int:
    response_id = SurveyFactory(session, now, facility).response(days=6)
    service.mark_delivered(session, [response_id], now)
    return response_id


def test_who_has_answered_nothing_is_reminded_once(session: Session, delivered: int, now: datetime) -> None:
    assert service.remind_due(session, now + DAY - timedelta(seconds=1)) == 0
    assert service.remind_due(session, now + DAY) == 1
    assert service.remind_due(session, now + 3 * DAY) == 0
    assert reminders(session) == [("survey_reminder_sms", delivered)]


def test_who_has_begun_refused_or_was_never_reached_is_left_alone(
    session: Session, facility: int, delivered: int, now: datetime
) -> None:
    service.record_answer(
        session, response_id=delivered, question_code="nurse_comm", value=4, mode=Mode.PHONE, now=now + DAY
    )
    SurveyFactory(session, now, facility).response(days=6)
    assert service.remind_due(session, now + 2 * DAY) == 0


def test_nobody_is_reminded_after_the_end_or_where_the_hospital_wants_none(
    session: Session, facility: int, delivered: int, now: datetime
) -> None:
    assert service.remind_due(session, now + 7 * DAY) == 0
    session.get_one(Facility, facility).settings = {"survey_reminder_days": 0}
    session.flush()
    assert service.remind_due(session, now + 2 * DAY) == 0


def test_the_job_reminds_everybody_who_is_due(runtime: Runtime, facility: int, clock: Any) -> None:
    with unit_of_work(runtime.sessions) as session:
        made = [SurveyFactory(session, clock.now(), facility).response(days=6) for _ in range(2)]
        service.mark_delivered(session, made, clock.now())
    clock.advance(2 * DAY)
    assert remind_of_surveys(runtime) == 2
    assert remind_of_surveys(runtime) == 0
    with runtime.sessions() as session:
        assert session.scalars(select(SurveyResponse.reminded_at)).all() == [clock.now(), clock.now()]
