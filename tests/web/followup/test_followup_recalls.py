"""The page of the quality office about re-calls."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.followup.models import AlertNoticeRow, AlertRow, RecallReviewRow, TaskRow
from hcrm.followup.service import AttemptReport, open_task, record_attempt
from hcrm.followup.service.responses import ensure_task_response
from hcrm.survey.domain import Mode
from hcrm.survey.service import record_answers
from hcrm.unit_of_work import unit_of_work
from tests.conftest import PASSWORD
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database
CORE = {
    "danger": ["none"], "feeling": "better", "fever": "no", "pain": 1, "med_have": "not_needed",
    "warning_known": "yes", "return_visit": "booked", "care_elsewhere": "no",
}  # fmt: skip


@pytest.fixture
def checked(runtime, facility, departments):
    """A call that was completed in ten seconds, and a re-call in which the patient says that nobody called."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
        users = [
            create_user(
                session, username=name, password=PASSWORD, display_name=name, language="en",
                memberships=[MembershipSnapshot(facility, role)], now=now,
            )
            for name, role in (("Ann", Role.NURSE), ("Sam", Role.SERVICE_AGENT))
        ]  # fmt: skip
        call = tasks_of(session)["clinical_call"]
        _complete(session, call, CORE, users[0], now)
        values = {column.key: getattr(call, column.key) for column in TaskRow.__mapper__.columns if column.key != "id"}
        recall = TaskRow(
            **values
            | {"step_code": "recall", "questionnaire_code": "RECALL", "after_step_code": "clinical_call"}
            | {"status": "open", "completed_at": None, "ended_at": None, "performer_role": "service_agent"}
        )
        session.add(recall)
        session.flush()
        _complete(session, recall, {"called": "no"}, users[1], now)
        return call.id


def _complete(session, task, answers, user_id, now):
    response = ensure_task_response(session, task, now)
    record_answers(session, response_id=response, values=answers, mode=Mode.PHONE, now=now)
    open_task(session, task_id=task.id, user_id=user_id)
    report = AttemptReport(
        f"k{task.id}", Connection.ANSWERED_PATIENT, Disposition.COMPLETED, now - timedelta(seconds=10)
    )
    record_attempt(session, task_id=task.id, report=report, user_id=user_id, now=now)


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_the_quality_office_sees_what_differs_and_what_is_odd_and_looks_into_it(
    client, login, runtime, checked, language
):
    login("quality_officer", language=language)
    page = client.get("/recalls").text
    assert page.count("王小明") >= 2
    assert ("Not confirmed" if language == "en" else "说法不一") in page or "do not agree" in page
    assert ("Far shorter" if language == "en" else "时长远低于") in page
    finding = {"finding": "call_not_made", "note": "No call in the telephone system."}
    client.post(f"/recalls/{checked}", data={"finding": "call_not_made"})
    for _ in range(2):
        assert client.post(f"/recalls/{checked}", data=finding).status_code == 302
    with runtime.sessions() as session:
        assert session.scalars(select(RecallReviewRow)).one().finding.value == "call_not_made"
    assert "No call in the telephone system." in client.get("/recalls").text


def test_the_ward_that_is_checked_does_not_see_it(client, login, runtime, checked, departments):
    login("department_head", departments["MED"])
    assert client.get("/recalls").status_code == 403
    assert client.post(f"/recalls/{checked}").status_code == 403
    with runtime.sessions() as session:
        alert = session.scalars(select(AlertRow)).one()
        told = session.scalars(select(AlertNoticeRow.role)).all()
    assert alert.owner_role == "quality_officer"
    assert "department_head" not in told
    assert client.get(f"/alerts/{alert.id}").status_code == 403
    assert "王小明" not in client.get("/alerts").text
