"""Home visits: teams, days, the list, and the form that is filled in at the patient's home."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AttemptRow, TaskRow, VisitBookingRow, VisitTeamRow
from hcrm.patients.models import Patient
from hcrm.survey.models import SurveyAnswer
from hcrm.unit_of_work import unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database
CORE = {
    "danger": "none", "feeling": "better", "fever": "no", "pain": "1", "med_have": "not_needed",
    "warning_known": "yes", "return_visit": "booked", "care_elsewhere": "no",
}  # fmt: skip


@pytest.fixture
def visits(runtime, facility):
    """Two visits whose window is open, in 浦东; their ids."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), discharged("M2", "V2", full_name="李强"), now=now)
        session.execute(update(Patient).values(address="上海市浦东新区1号"))
        session.execute(
            update(TaskRow)
            .where(TaskRow.step_code == "clinical_call")
            .values(channel=StepChannel.HOME_VISIT, performer_role="outreach_worker", step_code="home_visit")
        )
        assert tasks_of(session)
        return session.scalars(select(TaskRow.id).where(TaskRow.step_code == "home_visit").order_by(TaskRow.id)).all()


def rows(runtime, model):
    with runtime.sessions() as session:
        return session.scalars(select(model)).all()


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_visits_get_days_within_what_a_team_can_do(client, login, runtime, visits, language):
    login("outreach_worker", language=language)
    assert client.get("/home-visits").status_code == 200
    team = {"name": "East", "districts": "浦东\n黄浦", "per_day": "1", "active": "y"}
    assert client.post("/home-visits/teams", data=team | {"per_day": "0"}).status_code == 200
    assert client.post("/home-visits/teams", data=team).status_code == 302
    team_id = rows(runtime, VisitTeamRow)[0].id
    assert client.get(f"/home-visits/teams?team={team_id}").status_code == 200
    client.post("/home-visits/book")
    booked = rows(runtime, VisitBookingRow)
    assert len({each.day for each in booked}) == 2
    first, second = sorted(booked, key=lambda each: each.day)
    page = client.get(f"/home-visits?day={first.day}").text
    assert "浦东" in page
    assert "East" in page
    client.post(f"/home-visits/{second.task_id}/move", data={"team": team_id, "day": first.day})
    assert {each.day for each in rows(runtime, VisitBookingRow)} == {first.day, second.day}
    free_day = second.day + timedelta(days=1)
    client.post(f"/home-visits/{second.task_id}/move", data={"team": team_id, "day": free_day})
    client.post(f"/home-visits/{first.task_id}/move", data={"free": "1"})
    assert [each.day for each in rows(runtime, VisitBookingRow)] == [free_day]
    assert client.get("/home-visits?day=nonsense").status_code == 200


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_the_form_of_a_visit_is_sent_as_a_whole_and_counts_once(client, login, runtime, visits, language):
    login("outreach_worker", language=language)
    page = client.get(f"/home-visits/{visits[0]}/form").text
    key = re.search(r'name="key"[^>]*value="([^"]+)"', page).group(1)
    sent = {f"q-{code}": value for code, value in CORE.items()} | {"key": key, "result": "patient"}
    sent["q-worse_what"] = "asked although it does not apply"
    for _ in range(2):
        answer = client.post(f"/home-visits/{visits[0]}/form", data=sent, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json["saved"]) == (200, True)
    with runtime.sessions() as session:
        assert session.get_one(TaskRow, visits[0]).status is TaskStatus.COMPLETED
        answers = session.scalars(select(SurveyAnswer)).all()
    assert {each.mode.value for each in answers} == {"visit"}
    assert "worse_what" not in {each.question_code for each in answers}
    assert len(rows(runtime, AttemptRow)) == 1


def test_nobody_at_home_comes_back_and_nonsense_is_said(client, login, runtime, visits):
    login("outreach_worker")
    address, json = f"/home-visits/{visits[0]}/form", {"Accept": "application/json"}
    assert client.post(address, data={"key": "k"}, headers=json).status_code == 422
    wrong = {"key": "k", "result": "patient", "q-feeling": "purple"}
    assert client.post(address, data=wrong, headers=json).status_code == 422
    assert client.post(address, data={"key": "k", "result": "nobody"}).status_code == 302
    with runtime.sessions() as session:
        assert session.get_one(TaskRow, visits[0]).attempt_count == 1


def test_a_ward_plans_no_visits(client, login, visits, departments):
    login("nurse", departments["MED"])
    assert client.get("/home-visits").status_code == 403
    assert client.get(f"/home-visits/{visits[0]}/form").status_code == 403
