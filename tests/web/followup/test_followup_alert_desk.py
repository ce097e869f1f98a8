"""Alerts handed over, counted live and measured; the on-call roster."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select

from hcrm.followup.domain.alerts import AlertStatus
from hcrm.followup.jobs import climb_ladders
from hcrm.followup.models import AlertNoticeRow, AlertRow, OnCallRow
from hcrm.followup.service.responses import ensure_task_response
from hcrm.messaging.models import OutboxMessage
from hcrm.organization.service import change_settings
from hcrm.survey.domain import Mode
from hcrm.survey.service import record_answer, record_answers
from hcrm.unit_of_work import unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database
ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def answer(runtime, facility):
    """``answer(question, value)`` is an answer of a patient of MED in their clinical call."""
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(), now=runtime.clock.now())

    def say(question, value):
        with unit_of_work(runtime.sessions) as session:
            response = ensure_task_response(session, tasks_of(session)["clinical_call"], runtime.clock.now())
            record_answer(
                session, response_id=response, question_code=question, value=value, mode=Mode.PHONE,
                now=runtime.clock.now(),
            )  # fmt: skip

    return say


def alert(runtime):
    with runtime.sessions() as session:
        return session.scalars(select(AlertRow)).one()


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_an_alert_handed_over_has_to_be_acknowledged_again_and_goes_up_meanwhile(
    client, login, runtime, answer, departments, language
):
    colleague = login("physician", departments["MED"])
    client.post("/logout")
    stranger = login("nurse", departments["SUR"])
    client.post("/logout")
    nurse = login("nurse", departments["MED"], language=language)
    answer("feeling", "worse")
    alert_id = alert(runtime).id
    client.post(f"/alerts/{alert_id}/acknowledge")
    first = alert(runtime)
    runtime.clock.advance(timedelta(minutes=10))
    assert client.get(f"/alerts/{alert_id}/hand-over").status_code == 200
    client.post(f"/alerts/{alert_id}/hand-over", data={"to": stranger})
    assert alert(runtime).owner_user_id == nurse
    client.post(f"/alerts/{alert_id}/hand-over", data={"to": colleague})
    found = alert(runtime)
    assert (found.status, found.owner_user_id) == (AlertStatus.OPEN, colleague)
    assert (found.acknowledged_at, found.due_at) == (first.acknowledged_at, first.due_at)
    assert client.get("/alerts").status_code == 200
    runtime.clock.advance(timedelta(hours=3))
    assert climb_ladders(runtime) == 1
    with runtime.sessions() as session:
        told = session.scalars(select(AlertNoticeRow.user_id).where(AlertNoticeRow.rung == 0)).all()
    assert colleague in told


def test_the_live_count_tells_of_urgent_alerts_and_keeps_no_session_alive(client, login, runtime, answer, departments):
    login("nurse", departments["MED"])
    assert client.get("/alerts/live").json == {"total": 0, "urgent": 0, "newest": 0}
    answer("danger", ["chest_pain"])
    assert client.get("/alerts/live").json == {"total": 1, "urgent": 1, "newest": alert(runtime).id}
    with client.session_transaction() as kept:
        before = kept["seen_at"]
    runtime.clock.advance(timedelta(minutes=2))
    client.get("/alerts/live", headers={"X-Background": "1"})
    with client.session_transaction() as kept:
        assert kept["seen_at"] == before


def test_times_to_acknowledge_and_to_resolve_are_measured(client, login, runtime, answer, departments):
    login("nurse", departments["MED"])
    answer("danger", ["chest_pain"])
    alert_id = alert(runtime).id
    runtime.clock.advance(timedelta(minutes=12))
    client.post(f"/alerts/{alert_id}/acknowledge")
    runtime.clock.advance(timedelta(minutes=10))
    closing = {"cause": "symptom", "action": "sent_to_emergency", "note": "Ambulance came."}
    client.post(f"/alerts/{alert_id}/resolve", data=closing)
    page = client.get("/alerts/times").text
    assert "12 min" in page
    assert "22 min" in page
    client.get("/language/zh_Hans")
    assert client.get("/alerts/times").status_code == 200


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_an_urgent_alert_goes_to_whoever_is_on_call_in_the_department(
    client, login, runtime, answer, departments, language
):
    login("department_head", departments["MED"], language=language)
    local = runtime.clock.now().astimezone(ZONE)
    turn = {
        "name": "Dr Chen", "number": "138 0013 8000", "department": departments["MED"],
        "from_at": f"{local:%Y-%m-%dT%H:%M}", "until_at": f"{local + timedelta(hours=12):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    assert client.post("/on-call", data=turn | {"department": departments["SUR"]}).status_code == 422
    assert client.post("/on-call", data=turn | {"number": "7"}).status_code == 422
    assert client.post("/on-call", data=turn | {"until_at": turn["from_at"]}).status_code == 422
    assert client.post("/on-call", data=turn).status_code == 302
    assert client.post("/on-call", data=turn).status_code == 422
    assert "Dr Chen" in client.get("/on-call").text
    answer("danger", ["chest_pain"])
    with runtime.sessions() as session:
        text = session.scalars(select(OutboxMessage).where(OutboxMessage.template_code == "staff_alert")).first()
        assert text.to_number == "+8613800138000"
        turn_id = session.scalars(select(OnCallRow.id)).one()
    assert client.post(f"/on-call/{turn_id}/remove").status_code == 302
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(OnCallRow)) == 0


@pytest.mark.parametrize(("least", "opened"), [(0, 0), (50, 1), (20, 0)])
def test_a_survey_that_scores_low_as_a_whole_opens_an_alert_where_the_hospital_wants_one(
    runtime, facility, least, opened
):
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
        change_settings(
            session, facility_id=facility, changes={"alert_index_below": least}, actor_user_id=None, now=now
        )
        survey = tasks_of(session)["survey"]
        response = ensure_task_response(session, survey, now)
        rated = ("overall", "nurse_comm", "doctor_comm", "response", "pain_help", "medicine_info", "discharge_info")
        values = dict.fromkeys((*rated, "ward_clean", "night_quiet"), 2) | {"recommend": 5}
        record_answers(session, response_id=response, values=values, mode=Mode.WEB, now=now)
    with runtime.sessions() as session:
        low = session.scalars(select(AlertRow).where(AlertRow.rule == "low_score")).all()
    assert len(low) == opened
    assert all((each.said, each.owner_role) == ("25/100", "complaints_officer") for each in low)
