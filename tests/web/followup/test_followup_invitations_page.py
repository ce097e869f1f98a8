"""The list of who was asked: every discharge of one's own departments, with reasons; links are taken back from it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hcrm.accounts.domain import Role
from hcrm.audit.models import AuditEntry
from hcrm.followup.jobs import release_due_steps
from hcrm.followup.models import PlanVersionRow
from hcrm.survey.models import SurveyResponse
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

Login = Callable[..., int]

pytestmark = pytest.mark.database


def test_every_discharge_has_a_verdict_and_links_are_taken_back(
    client: Any, login: Login, runtime: Runtime, clock: Any, facility: int
) -> None:
    with unit_of_work(runtime.sessions) as session:
        install_content(session, clock.now())
        discharge(session, facility, discharged("M1", "V1"), now=clock.now())
        due = tasks_of(session)["survey"].window_starts_at
        discharge(session, facility, discharged("M2", "V2", full_name="李强", disposition="expired"), now=clock.now())
    login("quality_officer")
    page = client.get("/invitations").text
    assert "Will be asked" in page
    assert "Died in hospital" in page
    clock.move_to(due + timedelta(hours=2))
    release_due_steps(runtime)
    login("manager")
    with runtime.sessions() as session:
        before = session.scalars(select(SurveyResponse)).one()
    page = client.get("/invitations?from=2026-01-01&to=2026-12-31").text
    assert f'action="/invitations/{before.id}/revoke"' in page
    assert client.post(f"/invitations/{before.id}/revoke").status_code == 302
    with runtime.sessions() as session:
        after = session.scalars(select(SurveyResponse)).one()
        actions = session.scalars(select(AuditEntry.action)).all()
    assert after.token_hash != before.token_hash
    assert {"survey.invitations_viewed", "survey.link_revoked"} <= set(actions)
    assert client.get("/invitations?to=0001-01-05").status_code == 200
    assert client.post("/invitations/999999/revoke").status_code == 404


def test_a_head_sees_and_takes_back_those_of_the_own_department_alone(
    client: Any, login: Login, runtime: Runtime, clock: Any, facility: int, departments: dict[str, int]
) -> None:
    with unit_of_work(runtime.sessions) as session:
        install_content(session, clock.now())
        discharge(session, facility, discharged("M1", "V1"), now=clock.now())
        due = tasks_of(session)["survey"].window_starts_at
        name = discharged("M1", "V1").full_name
    clock.move_to(due + timedelta(hours=2))
    release_due_steps(runtime)
    with runtime.sessions() as session:
        response_id = session.scalars(select(SurveyResponse.id)).one()
        assert session.scalars(select(PlanVersionRow.id)).first() is not None
    login(Role.DEPARTMENT_HEAD.value, departments["SUR"])
    assert name not in client.get("/invitations?from=2026-01-01&to=2026-12-31").text
    assert client.post(f"/invitations/{response_id}/revoke").status_code == 403
