"""One call for all open tasks of a patient; who answers and interprets; texts with advice."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AttemptRow, TaskRow
from hcrm.followup.service import hold_together
from hcrm.messaging.models import OutboxMessage
from hcrm.patients.models import ContactPoint
from hcrm.survey.models import SurveyAnswer
from hcrm.unit_of_work import unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database


@pytest.fixture
def calls(runtime, facility):
    """Two calls that are due to one patient: the ward's own and one more with other questions."""
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(), now=runtime.clock.now())
        first = tasks_of(session)["clinical_call"]
        values = {column.key: getattr(first, column.key) for column in TaskRow.__mapper__.columns if column.key != "id"}
        second = TaskRow(**values | {"step_code": "second_call", "questionnaire_code": "RECALL"})
        second.due_at = first.due_at + timedelta(hours=1)
        session.add(second)
        session.flush()
        return first.id, second.id


def task(runtime, task_id):
    with runtime.sessions() as session:
        return session.get_one(TaskRow, task_id)


def confirm(client, runtime, task_id, **more):
    with runtime.sessions() as session:
        contact = session.scalars(select(ContactPoint.id)).first()
    who = {"who": "patient", "said_name": "y", "said_second": "y", "contact_point_id": contact}
    client.post(f"/calls/{task_id}/identity", data=who | more)


def key_of(client, task_id):
    return re.search(r'name="key"[^>]*value="([^"]+)"', client.get(f"/calls/{task_id}").text).group(1)


CORE = {
    "danger": "none", "feeling": "better", "fever": "no", "pain": "1", "med_have": "not_needed",
    "warning_known": "yes", "return_visit": "booked", "care_elsewhere": "no",
}  # fmt: skip


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_one_call_settles_both_tasks_each_by_its_own_answers(client, login, runtime, calls, departments, language):
    login("nurse", departments["MED"], language=language)
    first, second = calls
    page = client.get("/today").text
    assert f"/calls/{first}" in page
    assert f"/calls/{second}" not in page
    client.get(f"/calls/{first}")
    assert task(runtime, second).lease_user_id is not None
    confirm(client, runtime, first)
    for question, value in CORE.items():
        client.post(f"/calls/{first}/answers", data={"question": question, "value": value, "of": first})
    finished = client.get(f"/calls/{first}/questions?after=anything_else", headers={"Accept": "application/json"})
    assert f'data-code="called" data-of="{second}"' in finished.json["panel"]
    answer = {"question": "called", "value": "no", "of": second}
    assert client.post(f"/calls/{first}/answers", data=answer).status_code == 302
    result = {"key": key_of(client, first), "connection": "answered_patient", "disposition": "completed"}
    for _ in range(2):
        assert client.post(f"/calls/{first}/outcome", data=result).status_code == 302
    assert [task(runtime, each).status for each in calls] == [TaskStatus.COMPLETED] * 2
    with runtime.sessions() as session:
        assert len(session.scalars(select(AttemptRow)).all()) == 2


def test_nobody_answers_both_and_both_come_back(client, login, runtime, calls, departments):
    login("nurse", departments["MED"])
    client.post(f"/calls/{calls[0]}/outcome", data={"key": key_of(client, calls[0]), "connection": "no_answer"})
    found = [task(runtime, each) for each in calls]
    assert [each.attempt_count for each in found] == [1, 1]
    assert all(each.lease_user_id is None and each.callback_at > runtime.clock.now() for each in found)


def test_what_a_colleague_has_open_is_left_to_them(client, login, runtime, calls, departments):
    colleague = login("physician", departments["MED"])
    client.post("/logout")
    with unit_of_work(runtime.sessions) as session:
        assert hold_together(session, task_ids=[calls[1]], user_id=colleague) == {calls[1]}
    login("nurse", departments["MED"])
    client.post(f"/calls/{calls[0]}/outcome", data={"key": key_of(client, calls[0]), "connection": "busy"})
    assert [task(runtime, each).attempt_count for each in calls] == [1, 0]
    assert client.post(f"/calls/{calls[1]}/keep").json == {"held": False}
    assert client.post(f"/calls/{calls[0]}/keep").json == {"held": True}


def test_an_answer_says_who_gave_it_and_the_call_who_interpreted(client, login, runtime, calls, departments):
    login("nurse", departments["MED"])
    with unit_of_work(runtime.sessions) as session:
        session.scalars(select(ContactPoint)).first().may_discuss_health = True
    client.get(f"/calls/{calls[0]}")
    confirm(client, runtime, calls[0], who="proxy", interpreter="Cantonese, Mr Ho")
    client.post(f"/calls/{calls[0]}/answers", data={"question": "feeling", "value": "same"})
    result = {"key": key_of(client, calls[0]), "connection": "answered_proxy", "disposition": "partial"}
    client.post(f"/calls/{calls[0]}/outcome", data=result)
    with runtime.sessions() as session:
        assert session.scalars(select(SurveyAnswer.respondent)).one().value == "carer"
        assert session.scalars(select(AttemptRow.interpreter)).first() == "Cantonese, Mr Ho"
    assert "Cantonese, Mr Ho" in client.get(f"/calls/{calls[0]}").text


def test_advice_is_sent_once_and_says_nothing_about_health(client, login, runtime, calls, departments):
    login("nurse", departments["MED"])
    client.get(f"/calls/{calls[0]}")
    for _ in range(2):
        answer = client.post(
            f"/calls/{calls[0]}/advice", data={"advice": "advice_when_to_call"}, headers={"Accept": "application/json"}
        )
        assert answer.status_code == 200
    assert client.post(f"/calls/{calls[0]}/advice", data={"advice": "help"}).status_code == 302
    with runtime.sessions() as session:
        sent = session.scalars(select(OutboxMessage).where(OutboxMessage.template_code.startswith("advice"))).one()
    assert (sent.task_id, sent.template_code, sent.patient_id) == (
        None,
        "advice_when_to_call",
        task(runtime, calls[0]).patient_id,
    )
