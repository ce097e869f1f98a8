"""Invitations, answers, closing and expiry in the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from hcrm.events import AnswersRecorded, Bus, ResponseStateChanged
from hcrm.ids import patient_token, token_hash
from hcrm.organization.models import Facility
from hcrm.survey import queries, service
from hcrm.survey.domain import (
    InvalidAnswer,
    Mode,
    Respondent,
    ResponseState,
    SurveyAlreadyClosed,
    UnknownQuestionnaire,
    UnknownResponse,
)
from hcrm.survey.jobs import expire_responses
from hcrm.survey.models import QuestionnaireVersion, SurveyAnswer, SurveyResponse
from hcrm.survey.service import WebOutcome
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_survey import A_CHILD, SurveyFactory, invite


@pytest.fixture
def surveys(session: Session, facility: int, now: datetime) -> SurveyFactory:
    return SurveyFactory(session, now, facility)


@pytest.fixture
def heard(session: Session) -> list[Any]:
    """The events about surveys that are published in this test."""
    events: list[Any] = []
    bus = Bus()
    for kind in (AnswersRecorded, ResponseStateChanged):
        bus.subscribe(kind, lambda _, published: events.append(published))
    session.info["bus"] = bus
    return events


def say(session: Session, response_id: int, code: str, value: object, now: datetime, **more: Any) -> object:
    return service.record_answer(
        session, response_id=response_id, question_code=code, value=value, now=now, **({"mode": Mode.WEB} | more)
    )


def test_default_questionnaires_are_installed_once(session: Session, now: datetime):
    service.install_default_questionnaires(session, now)
    assert service.install_default_questionnaires(session, now) == 0
    assert session.scalar(select(func.count()).select_from(QuestionnaireVersion)) == 6
    assert queries.questionnaire(session, "SAT_IP").question("overall").core
    assert [entry.code for entry in queries.questionnaires(session)] == sorted(
        ["SAT_IP", "SAT_OP", "SAT_ED", "CLIN_GEN", "CLIN_SURG", "RECALL"]
    )


def test_an_unknown_questionnaire_is_refused(session: Session, surveys: SurveyFactory):
    with pytest.raises(UnknownQuestionnaire):
        surveys.response("NOPE")
    with pytest.raises(UnknownQuestionnaire):
        queries.questionnaire(session, "NOPE")


def test_one_task_has_one_response(session: Session, surveys: SurveyFactory, now: datetime):
    first = surveys.response(task_id=77)
    row = session.get_one(SurveyResponse, first)
    again = service.ensure_response(
        session,
        facility_id=row.facility_id,
        questionnaire_code="SAT_IP",
        patient_id=row.patient_id,
        encounter_id=row.encounter_id,
        task_id=77,
        department_id=None,
        expires_at=now,
        now=now,
    )
    assert again == first
    assert queries.response_of_task(session, 77).id == first
    assert queries.response_of_task(session, 78) is None


def test_only_the_hash_of_the_token_is_kept(session: Session, surveys: SurveyFactory, settings: Any):
    response_id = surveys.response()
    token = patient_token(settings.secret_key, "survey", response_id)
    assert session.get_one(SurveyResponse, response_id).token_hash == token_hash(token)
    assert service.survey_link("https://h.example/", settings.secret_key, response_id) == f"https://h.example/s/{token}"
    assert session.info["links"]["survey"](response_id).endswith(token)


def test_a_childs_survey_is_answered_by_a_parent(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response("CLIN_GEN", **A_CHILD)
    assert queries.response(session, response_id).respondent is Respondent.PARENT
    context = queries.sheet(session, response_id, now).context
    assert context.respondent is Respondent.PARENT
    assert context.days_since == 2
    assert context.age_days > 2000


def test_answers_bring_a_response_from_started_to_completed(
    session: Session, surveys: SurveyFactory, now: datetime, heard: list[Any]
):
    response_id = surveys.response()
    for code, value in (("nurse_comm", 5), ("overall", 4), ("discharge_info", 4)):
        say(session, response_id, code, value, now)
    states = [each.state for each in heard if isinstance(each, ResponseStateChanged)]
    assert states == ["started", "partial", "completed"]
    answered = [each.question_codes for each in heard if isinstance(each, AnswersRecorded)]
    assert answered == [("nurse_comm",), ("overall",), ("discharge_info",)]
    response = queries.response(session, response_id)
    assert (response.started_at, response.completed_at, response.closed_at) == (now, now, None)


def test_an_answer_given_again_replaces_the_earlier_one_and_keeps_it(
    session: Session, surveys: SurveyFactory, now: datetime
):
    response_id = surveys.response()
    say(session, response_id, "overall", 2, now, mode=Mode.SMS)
    say(session, response_id, "overall", 4, now + timedelta(minutes=1))
    rows = session.scalars(select(SurveyAnswer).order_by(SurveyAnswer.id)).all()
    assert [(row.value, row.mode, row.superseded_at is None) for row in rows] == [
        (2, Mode.SMS, False),
        (4, Mode.WEB, True),
    ]
    assert queries.answers(session, response_id) == {"overall": 4}


def test_the_same_answer_twice_is_one_answer(session: Session, surveys: SurveyFactory, now: datetime, heard: list[Any]):
    response_id = surveys.response()
    say(session, response_id, "overall", 4, now)
    count = len(heard)
    say(session, response_id, "overall", 4, now)
    assert len(heard) == count
    assert session.scalar(select(func.count()).select_from(SurveyAnswer)) == 1


def test_several_answers_at_once_are_told_of_in_one_event(
    session: Session, surveys: SurveyFactory, now: datetime, heard: list[Any]
):
    response_id = surveys.response()
    say(session, response_id, "overall", 3, now, mode=Mode.PHONE)
    heard.clear()
    stored = service.record_answers(
        session,
        response_id=response_id,
        values={"overall": 3, "nurse_comm": 2, "discharge_info": 4},
        mode=Mode.PHONE,
        now=now,
    )
    assert stored == {"overall": 3, "nurse_comm": 2, "discharge_info": 4}
    assert [type(each) for each in heard] == [AnswersRecorded, ResponseStateChanged]
    assert heard[0].question_codes == ("nurse_comm", "discharge_info")
    with pytest.raises(InvalidAnswer):
        service.record_answers(
            session, response_id=response_id, values={"doctor_comm": 5, "overall": 9}, mode=Mode.PHONE, now=now
        )
    assert "doctor_comm" not in queries.answers(session, response_id)


def test_one_answer_takes_few_statements(session: Session, surveys: SurveyFactory, now: datetime, heard: list[Any]):
    response_id = surveys.response()
    say(session, response_id, "overall", 3, now)
    statements: list[str] = []
    event.listen(session.bind, "before_cursor_execute", lambda *call: statements.append(call[2]))
    say(session, response_id, "nurse_comm", 3, now)
    assert len(statements) <= 8, statements


def test_several_choices_come_back_as_they_were_given(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response("CLIN_GEN")
    say(session, response_id, "danger", ["bleeding", "chest_pain"], now, mode=Mode.PHONE, actor_user_id=3)
    [snapshot] = queries.answer_snapshots(session, response_id)
    assert snapshot.value == ("chest_pain", "bleeding")
    assert queries.response(session, response_id).state is ResponseState.COMPLETED


@pytest.mark.parametrize(("code", "value"), [("overall", 9), ("overall", "5"), ("nothing", 1)])
def test_an_impossible_answer_is_refused_and_nothing_is_kept(
    session: Session, surveys: SurveyFactory, now: datetime, code: str, value: object
):
    response_id = surveys.response()
    with pytest.raises(InvalidAnswer):
        say(session, response_id, code, value, now)
    assert queries.answers(session, response_id) == {}


def test_an_unknown_response_is_refused(session: Session, now: datetime):
    with pytest.raises(UnknownResponse):
        say(session, 999_999, "overall", 5, now)
    with pytest.raises(UnknownResponse):
        queries.response(session, 999_999)
    with pytest.raises(UnknownResponse):
        queries.questionnaire_of_response(session, 999_999)


def test_a_late_answer_is_kept_and_marked_but_changes_no_figure(
    session: Session, surveys: SurveyFactory, now: datetime
):
    response_id = surveys.response()
    assert service.expire_due(session, now + timedelta(days=8)) == 1
    say(session, response_id, "overall", 5, now + timedelta(days=9))
    [answer] = queries.answer_snapshots(session, response_id)
    assert answer.late
    assert queries.response(session, response_id).state is ResponseState.EXPIRED


def test_an_answer_after_the_time_is_late_even_before_the_worker_came(
    session: Session, surveys: SurveyFactory, now: datetime
):
    response_id = surveys.response()
    say(session, response_id, "overall", 5, now + timedelta(days=8))
    assert queries.answer_snapshots(session, response_id)[0].late
    assert queries.response(session, response_id).state is ResponseState.INVITED


def test_a_refused_survey_takes_no_answers(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    service.close_response(session, response_id=response_id, now=now, state=ResponseState.REFUSED)
    with pytest.raises(SurveyAlreadyClosed):
        say(session, response_id, "overall", 5, now)
    with pytest.raises(SurveyAlreadyClosed):
        service.clear_answer(session, response_id=response_id, question_code="overall", now=now)
    with pytest.raises(SurveyAlreadyClosed):
        service.close_response(session, response_id=response_id, now=now, state=ResponseState.COMPLETED)


def test_closing_twice_tells_once(session: Session, surveys: SurveyFactory, now: datetime, heard: list[Any]):
    response_id = surveys.response()
    say(session, response_id, "overall", 5, now)
    heard.clear()
    assert service.close_response(session, response_id=response_id, now=now) is ResponseState.PARTIAL
    service.close_response(session, response_id=response_id, now=now + timedelta(hours=1))
    assert len(heard) == 1
    assert queries.response(session, response_id).closed_at == now


def test_an_answer_taken_back_may_open_the_response_again(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    say(session, response_id, "overall", 5, now)
    say(session, response_id, "discharge_info", 5, now)
    service.clear_answer(session, response_id=response_id, question_code="discharge_info", now=now)
    assert queries.response(session, response_id).state is ResponseState.PARTIAL
    service.clear_answer(session, response_id=response_id, question_code="discharge_info", now=now)
    assert queries.answers(session, response_id) == {"overall": 5}


def test_the_web_tells_of_a_danger_sign_only_with_the_answer_that_has_it(
    session: Session, surveys: SurveyFactory, now: datetime
):
    response_id = surveys.response("CLIN_GEN")

    def on_web(code: str, value: object) -> service.WebAnswer:
        return service.answer_on_web(
            session,
            response_id=response_id,
            question_code=code,
            value=value,
            language="en",
            device="12345678",
            seen_answer_id=0,
            now=now,
        )

    assert on_web("danger", ["breath"]).stop
    assert not on_web("feeling", "better").stop


def test_two_phones_do_not_overwrite_each_other(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()

    def on_web(code: str, value: object, device: str, seen: int = 0) -> service.WebAnswer:
        return service.answer_on_web(
            session,
            response_id=response_id,
            question_code=code,
            value=value,
            language="en",
            device=device,
            seen_answer_id=seen,
            now=now,
        )

    assert on_web("overall", 5, "phone--1") == service.WebAnswer(WebOutcome.SAVED, others=False)
    assert on_web("overall", 1, "phone--2") == service.WebAnswer(WebOutcome.CONFLICT, others=True)
    assert on_web("overall", 5, "phone--2").outcome is WebOutcome.SAVED
    assert on_web("nurse_comm", 4, "phone--2") == service.WebAnswer(WebOutcome.SAVED, others=True)
    assert on_web("overall", 4, "phone--1").outcome is WebOutcome.SAVED
    assert queries.answers(session, response_id) == {"overall": 4, "nurse_comm": 4}


def test_the_worker_closes_what_is_over_and_nothing_else(runtime: Runtime, facility: int):
    due, _ = invite(runtime, facility, days=1)
    open_still, _ = invite(runtime, facility, days=3)
    answered, _ = invite(runtime, facility, days=1)
    with unit_of_work(runtime.sessions) as session:
        say(session, answered, "overall", 5, runtime.clock.now())
    runtime.clock.advance(timedelta(days=2))
    assert expire_responses(runtime) == 2
    assert expire_responses(runtime) == 0
    with unit_of_work(runtime.sessions) as session:
        states = {key: entry.state for key, entry in queries.responses(session, [due, open_still, answered]).items()}
    assert states == {
        due: ResponseState.EXPIRED,
        open_still: ResponseState.INVITED,
        answered: ResponseState.PARTIAL,
    }


def test_the_timeline_shows_each_response_once(session: Session, surveys: SurveyFactory, now: datetime):
    response_id = surveys.response()
    say(session, response_id, "overall", 5, now)
    [entry] = queries.timeline(session, [queries.response(session, response_id).patient_id])
    assert (entry.kind, entry.title_code, entry.state) == ("survey", "survey.SAT_IP", "survey.partial")
    assert entry.params == {"answers": 1}
    assert queries.timeline(session, [0]) == []


def test_a_module_is_asked_where_the_hospital_switched_it_on(
    session: Session, surveys: SurveyFactory, now: datetime, facility: int
):
    session.get_one(Facility, facility).settings = {"survey_modules": "IP_PLUS"}
    response_id = surveys.response()
    assert queries.sheet(session, response_id, now).context.modules == {"IP_PLUS"}
