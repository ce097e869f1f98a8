from __future__ import annotations

import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, update

from hcrm.followup.domain.task import TaskReason, TaskStatus
from hcrm.followup.models import AlertRow, AttemptRow, TaskRow
from hcrm.followup.service.responses import ensure_task_response
from hcrm.patients.models import ContactPoint
from hcrm.survey.domain import Mode
from hcrm.survey.service import record_answer
from hcrm.unit_of_work import unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def one_discharge(runtime, facility):
    """One patient who went home yesterday, with a plan; gives the ids of the tasks by step."""
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(), now=runtime.clock.now())
    with runtime.sessions() as session:
        return {code: task.id for code, task in tasks_of(session).items()}


def field(runtime, query):
    with runtime.sessions() as session:
        return session.scalars(query).one_or_none()


def task(runtime, task_id):
    return field(runtime, select(TaskRow).where(TaskRow.id == task_id))


def confirm(client, runtime, task_id):
    contact = field(runtime, select(ContactPoint.id))
    return client.post(
        f"/calls/{task_id}/identity",
        data={"who": "patient", "said_name": "y", "said_second": "y", "contact_point_id": contact},
    )


def key_of(client, task_id):
    page = client.get(f"/calls/{task_id}").text
    return re.search(r'name="key"[^>]*value="([^"]+)"', page).group(1)


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_today_shows_the_tasks_of_the_ward(client, login, one_discharge, departments, language):
    login("nurse", departments["MED"], language=language)
    page = client.get("/today")
    assert page.status_code == 200
    assert "王小明" in page.text
    assert f"/calls/{one_discharge['clinical_call']}" in page.text
    assert f"/calls/{one_discharge['survey_phone']}" not in page.text


@pytest.mark.parametrize("state", ["done", "hold"])
def test_what_is_done_and_what_is_held_is_listed_for_all_patients(
    client, login, runtime, one_discharge, facility, departments, state
):
    at = runtime.clock.now()
    changes = {
        "done": {"status": TaskStatus.COMPLETED, "completed_at": at},
        "hold": {"status": TaskStatus.ON_HOLD, "reason": TaskReason.READMITTED},
    }
    with unit_of_work(runtime.sessions) as session:
        discharge(session, facility, discharged("M2", "V2", full_name="李雷"), now=at)
        session.execute(update(TaskRow).where(TaskRow.step_code == "clinical_call").values(changes[state]))
    login("nurse", departments["MED"])
    page = client.get(f"/today?state={state}")
    assert page.status_code == 200
    assert "王小明" in page.text
    assert "李雷" in page.text


def test_another_ward_does_not_see_it(client, login, one_discharge, departments):
    login("nurse", departments["SUR"])
    assert "王小明" not in client.get("/today").text
    assert client.get(f"/calls/{one_discharge['clinical_call']}").status_code == 403


def test_a_ward_does_not_ask_how_satisfied_its_patients_are(client, login, one_discharge, departments):
    login("nurse", departments["MED"])
    assert client.get(f"/calls/{one_discharge['survey_phone']}").status_code == 403


def test_nothing_about_health_is_shown_before_the_identity_check(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    before = client.get(f"/calls/{task_id}").text
    assert "K80.2" not in before
    assert "data-question-form" not in before
    confirm(client, runtime, task_id)
    after = client.get(f"/calls/{task_id}").text
    assert "K80.2" in after
    assert "data-question-form" in after


def test_one_wrong_fact_confirms_nobody(client, login, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    client.post(f"/calls/{task_id}/identity", data={"who": "patient", "said_name": "y"})
    assert "data-question-form" not in client.get(f"/calls/{task_id}").text


def test_an_unauthorised_relative_hears_nothing(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    client.post(f"/calls/{task_id}/identity", data={"who": "proxy", "contact_point_id": "999"})
    assert "data-question-form" not in client.get(f"/calls/{task_id}").text


def test_an_answer_is_saved_at_once_and_a_red_flag_opens_an_alert(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    client.get(f"/calls/{task_id}")
    confirm(client, runtime, task_id)
    answer = client.post(
        f"/calls/{task_id}/answers",
        data={"question": "danger", "value": ["chest_pain"]},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200
    assert "120" in answer.json["panel"]
    alert = field(runtime, select(AlertRow))
    assert alert.severity.value == "urgent"
    assert alert.due_at == runtime.clock.now() + timedelta(hours=1)
    assert f"/alerts/{alert.id}" in client.get("/today").text


def test_answers_work_without_scripts(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    client.get(f"/calls/{task_id}")
    confirm(client, runtime, task_id)
    answer = client.post(f"/calls/{task_id}/answers", data={"question": "danger", "value": "none"})
    assert answer.status_code == 302
    assert "after=danger" in answer.location


def test_what_was_passed_over_is_not_asked_again_unless_the_call_needs_it(
    client, login, runtime, one_discharge, departments
):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    client.get(f"/calls/{task_id}")
    confirm(client, runtime, task_id)
    address = f"/calls/{task_id}/questions?after=anything_else"
    asked_again = client.get(address, headers={"Accept": "application/json"}).json["panel"]
    assert 'data-code="danger"' in asked_again
    core = {
        "danger": "none",
        "feeling": "worse",
        "fever": "no",
        "pain": "1",
        "med_have": "all",
        "med_take": "as_told",
        "warning_known": "yes",
        "return_visit": "booked",
        "care_elsewhere": "no",
    }
    for question, value in core.items():
        client.post(f"/calls/{task_id}/answers", data={"question": question, "value": value})
    finished = client.get(address, headers={"Accept": "application/json"}).json["panel"]
    assert "All questions are asked." in finished


def test_the_caller_says_the_day_when_the_doctor_calls_back_another_day(
    client, login, runtime, clock, one_discharge, departments
):
    clock.advance(timedelta(hours=9))  # 19:00, after the hours of clinical cover
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    client.get(f"/calls/{task_id}")
    confirm(client, runtime, task_id)
    answer = client.post(
        f"/calls/{task_id}/answers",
        data={"question": "feeling", "value": "worse"},
        headers={"Accept": "application/json"},
    )
    due = field(runtime, select(AlertRow)).due_at.astimezone(ZONE)
    assert due.date() > runtime.clock.now().astimezone(ZONE).date()
    assert re.search(rf"明天{due:%H:%M}前给您回电话|{due:%H:%M} (tomorrow|on )", answer.json["panel"])


def test_an_unanswered_call_is_recorded_once_and_comes_back(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    result = {"key": key_of(client, task_id), "connection": "no_answer"}
    for _ in range(2):
        assert client.post(f"/calls/{task_id}/outcome", data=result).status_code == 302
    found = task(runtime, task_id)
    assert (found.status, found.attempt_count) == (TaskStatus.OPEN, 1)
    assert found.callback_at > runtime.clock.now()
    assert found.lease_user_id is None


def test_a_call_is_not_completed_without_its_core_questions(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    result = {"key": key_of(client, task_id), "connection": "answered_patient", "disposition": "completed"}
    assert client.post(f"/calls/{task_id}/outcome", data=result).status_code == 422
    assert task(runtime, task_id).attempt_count == 0


def test_a_wrong_number_is_retired_and_the_task_fails_without_another(
    client, login, runtime, one_discharge, departments
):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    contact = field(runtime, select(ContactPoint.id))
    result = {"key": key_of(client, task_id), "connection": "wrong_number", "contact_point_id": contact}
    assert client.post(f"/calls/{task_id}/outcome", data=result).status_code == 302
    assert field(runtime, select(ContactPoint)).retired_at is not None
    assert task(runtime, task_id).reason is TaskReason.UNABLE_TO_CONTACT


def test_a_cancelled_task_can_be_opened_again(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"])
    task_id = one_discharge["clinical_call"]
    client.post(f"/calls/{task_id}/cancel", data={"reason": "other"})
    assert task(runtime, task_id).status is TaskStatus.CANCELLED
    client.post(f"/calls/{task_id}/reopen")
    assert task(runtime, task_id).status is TaskStatus.OPEN


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_an_alert_is_acknowledged_and_closed_with_what_was_done(
    client, login, runtime, one_discharge, departments, language
):
    login("nurse", departments["MED"], language=language)
    task_id = one_discharge["clinical_call"]
    client.get(f"/calls/{task_id}")
    confirm(client, runtime, task_id)
    client.post(f"/calls/{task_id}/answers", data={"question": "feeling", "value": "worse"})
    alert_id = field(runtime, select(AlertRow.id))
    closing = {"cause": "symptom", "action": "advised_by_phone", "note": "Spoke with the doctor."}

    assert client.get("/alerts").status_code == 200
    early = client.post(f"/alerts/{alert_id}/resolve", data=closing)
    assert early.status_code == 200
    assert field(runtime, select(AlertRow)).resolved_at is None

    client.post(f"/alerts/{alert_id}/acknowledge")
    assert client.get(f"/alerts/{alert_id}").status_code == 200
    assert client.post(f"/alerts/{alert_id}/resolve", data=closing).status_code == 302
    assert field(runtime, select(AlertRow)).action_code.value == "advised_by_phone"
    assert client.get("/alerts").status_code == 200


@pytest.mark.parametrize(
    ("language", "question", "told", "corrected"),
    [
        ("en", "Compared with the day you left hospital, how do you feel?", "told today", "Changed today 10:00 to"),
        ("zh_Hans", "与出院那天相比，您现在感觉怎么样？", "已通知：", "更改为："),
    ],
)
def test_alerts_show_the_question_the_answer_who_was_told_and_a_correction(
    client, login, runtime, one_discharge, departments, language, question, told, corrected
):
    login("nurse", departments["MED"], language=language)
    task_id = one_discharge["clinical_call"]
    client.get(f"/calls/{task_id}")
    confirm(client, runtime, task_id)
    client.post(f"/calls/{task_id}/answers", data={"question": "feeling", "value": "worse"})
    page = client.get("/alerts").text
    assert question in page
    assert told in page
    assert 'value="answer_corrected"' not in page

    client.post(f"/calls/{task_id}/answers", data={"question": "feeling", "value": "same"})
    alert = field(runtime, select(AlertRow))
    client.post(f"/alerts/{alert.id}/acknowledge")
    page = client.get(f"/alerts/{alert.id}").text
    assert corrected in page
    closing = {"cause": "other", "action": "answer_corrected", "note": "I had pressed the wrong key."}
    assert client.post(f"/alerts/{alert.id}/resolve", data=closing).status_code == 302


@pytest.mark.parametrize(("role", "ward"), [("nurse", "SUR"), ("outreach_worker", None), ("physician", "SUR")])
def test_an_alert_is_worked_on_only_by_those_who_may_and_of_its_wards(
    client, login, runtime, one_discharge, departments, role, ward
):
    with unit_of_work(runtime.sessions) as session:
        task = tasks_of(session)["clinical_call"]
        response = ensure_task_response(session, task, runtime.clock.now())
        record_answer(
            session,
            response_id=response,
            question_code="feeling",
            value="worse",
            mode=Mode.PHONE,
            now=runtime.clock.now(),
        )
    login(role, departments[ward] if ward else None)
    alert_id = field(runtime, select(AlertRow.id))
    for step in ("acknowledge", "take", "resolve"):
        assert client.post(f"/alerts/{alert_id}/{step}").status_code == 403
    assert field(runtime, select(AlertRow)).acknowledged_at is None


def test_the_call_screen_is_whole_in_chinese(client, login, runtime, one_discharge, departments):
    login("nurse", departments["MED"], language="zh_Hans")
    task_id = one_discharge["clinical_call"]
    assert client.get(f"/calls/{task_id}").status_code == 200
    confirm(client, runtime, task_id)
    page = client.get(f"/calls/{task_id}").text
    assert "您现在有没有以下情况" in page
    key = re.search(r'name="key"[^>]*value="([^"]+)"', page).group(1)
    proposal = client.post(
        f"/calls/{task_id}/proposal",
        data={"key": key, "connection": "answered_patient", "disposition": "partial"},
    )
    assert proposal.json["text"]
    assert field(runtime, select(AttemptRow)) is None
