"""*Why (not)?* of tasks: on screen in both languages and for programs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from hcrm.followup.domain.plan import PerformerRole, RiskLevel
from hcrm.followup.domain.task import TaskReason, TaskStatus
from hcrm.followup.domain.why import TaskStory, explain_task
from hcrm.followup.forms.words.task_story import _SENTENCES
from hcrm.followup.models import TaskRow
from hcrm.unit_of_work import unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
MOMENTS = st.integers(-200, 200).map(lambda hours: NOW + timedelta(hours=hours))


@settings(max_examples=60)
@given(
    st.builds(
        TaskStory,
        created_at=MOMENTS,
        discharged_on=st.just(date(2026, 3, 9)),
        plan=st.sampled_from([None, "three_level:1"]),
        share=st.sampled_from([1.0, 0.1]),
        risk=st.sampled_from(RiskLevel),
        window_starts_at=MOMENTS,
        due_at=MOMENTS,
        performer=st.sampled_from(PerformerRole),
        status=st.sampled_from(TaskStatus),
        kept_until=st.one_of(st.none(), MOMENTS),
        callback_at=st.one_of(st.none(), MOMENTS),
        reason=st.one_of(st.none(), st.sampled_from(TaskReason)),
        ended_at=st.one_of(st.none(), MOMENTS),
    )
)
def test_every_rule_that_had_a_say_has_words(story):
    told = explain_task(story, NOW)
    assert {each.rule for each in told} <= _SENTENCES.keys()
    assert told[0].rule in {"plan", "by_hand"}


@pytest.mark.database
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_each_task_tells_rule_fact_and_time(client, login, runtime, facility, departments, language):
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(), now=runtime.clock.now())
        tasks = {code: task.id for code, task in tasks_of(session).items()}
    login("nurse", departments["MED"], language=language)
    client.get(f"/calls/{tasks['clinical_call']}")
    client.post(f"/calls/{tasks['clinical_call']}/cancel", data={"reason": "other"})
    for task_id in tasks.values():
        assert client.get(f"/tasks/{task_id}/why").status_code == 200
    told = client.get(f"/tasks/{tasks['clinical_call']}/why", headers={"Accept": "application/json"}).json
    rules = {each["rule"]: each for each in told["rules"]}
    assert rules["plan"]["fact"].startswith("three_level:")
    assert (rules["cancelled"]["fact"], told["status"]) == ("other", "cancelled")
    assert rules["cancelled"]["at"] == runtime.clock.now().isoformat()
    with runtime.sessions() as session:
        patient = session.scalars(select(TaskRow.patient_id)).first()
    page = client.get(f"/patients/{patient}").text
    assert all(f"/tasks/{task_id}/why" in page for task_id in tasks.values())
    client.post("/logout")
    login("nurse", departments["SUR"])
    assert client.get(f"/tasks/{tasks['clinical_call']}/why").status_code == 403


@pytest.mark.database
@pytest.mark.parametrize(("language", "name"), [("en", "Three-level follow-up"), ("zh_Hans", "三级随访")])
def test_the_plan_is_told_by_its_name_and_a_rule_without_a_time_has_no_line_for_it(
    client, login, runtime, facility, departments, language, name
):
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(), now=runtime.clock.now())
        task_id = tasks_of(session)["clinical_call"].id
    login("nurse", departments["MED"], language=language)
    page = client.get(f"/tasks/{task_id}/why").text
    assert name in page
    assert "three_level" not in page
    assert '<td class="nothing">–</td>' in page
    assert "<span>–</span>" not in page


@pytest.mark.database
@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_open_tasks_tell_in_advance_what_becomes_of_them_and_nothing_of_the_trial_stays(
    client, login, runtime, facility, departments, language
):
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(phones=()), now=runtime.clock.now())
        tasks = {code: task.id for code, task in tasks_of(session).items()}
        before = session.execute(STORED).one()
    login("nurse", departments["MED"], language=language)
    ahead = {}
    for code, task_id in tasks.items():
        assert client.get(f"/tasks/{task_id}/why").status_code == 200
        told = client.get(f"/tasks/{task_id}/why", headers={"Accept": "application/json"}).json
        ahead[code] = [each["rule"] for each in told["ahead"]]
    assert ahead["welcome"][-2:] == ["text_stops", "text_ends"], "without a number the text would not be sent"
    assert ahead["clinical_call"][-1] == "holds_number"
    assert ahead["survey"][-1] == "text_ends"
    with runtime.sessions() as session:
        assert session.execute(STORED).one() == before


STORED = text("SELECT (SELECT count(*) FROM outbox_message), (SELECT count(*) FROM survey_response)")
