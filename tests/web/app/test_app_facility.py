"""Somebody who works in several hospitals picks the one to work in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.organization.service import ensure_facility
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import PASSWORD
from tests.factories_followup import discharge, discharged, install_content

pytestmark = pytest.mark.database


@pytest.fixture
def other(runtime: Runtime) -> int:
    """A second hospital."""
    with unit_of_work(runtime.sessions) as session:
        return ensure_facility(
            session,
            code="OTHER",
            name="Other Hospital",
            name_zh="另一医院",
            timezone="Asia/Hong_Kong",
            country="HK",
            now=runtime.clock.now(),
        )


@pytest.fixture
def agent(client: Any, runtime: Runtime, facility: int, other: int) -> int:
    """A service agent of both hospitals, logged in; each has a patient to call."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(full_name="Here Patient"), now=now)
        discharge(session, other, discharged(full_name="There Patient"), now=now)
        user_id = create_user(
            session,
            username="agent",
            password=PASSWORD,
            display_name="Agent",
            language=Language.EN,
            memberships=[MembershipSnapshot(facility, Role.NURSE), MembershipSnapshot(other, Role.NURSE)],
            now=now,
        )
    client.post("/login", data={"username": "agent", "password": PASSWORD})
    return user_id


def shown(client: Any) -> tuple[bool, bool]:
    """Whether Today lists the patient of the first and of the second hospital."""
    page = client.get("/today").text
    return "Here Patient" in page, "There Patient" in page


def test_the_picked_hospital_is_the_one_on_every_screen(
    client: Any, agent: int, facility: int, other: int, runtime: Runtime
) -> None:
    assert shown(client) == (True, True)

    assert client.post("/facility", data={"facility": other}).status_code == 302
    assert shown(client) == (False, True)
    page = client.get("/today").text
    assert '<a class="topbar-name" href="/">Other Hospital' in page
    assert f'<option value="{other}" selected>Other Hospital</option>' in page

    client.post("/facility", data={"facility": facility})
    assert shown(client) == (True, False)
    client.post("/facility", data={"facility": ""})
    assert shown(client) == (True, True)
    with runtime.engine.connect() as connection:
        entries = connection.execute(
            text(
                "SELECT actor_user_id, object_id FROM audit_entry WHERE action = 'session.facility_chosen' ORDER BY id"
            )
        )
        assert [tuple(entry) for entry in entries] == [(agent, other), (agent, facility), (agent, None)]


def test_a_hospital_of_others_cannot_be_picked(client: Any, agent: int, other: int, runtime: Runtime) -> None:
    client.post("/facility", data={"facility": other})
    assert client.post("/facility", data={"facility": 999_999}).status_code == 404
    assert shown(client) == (False, True)
    with runtime.engine.connect() as connection:
        denied = connection.scalar(text("SELECT count(*) FROM audit_entry WHERE outcome = 'denied'"))
    assert denied == 1


def test_who_has_one_hospital_sees_no_picker(client: Any, login: Callable[..., int], other: int) -> None:
    login("nurse")
    assert 'action="/facility"' not in client.get("/account").text
    assert client.post("/facility", data={"facility": other}).status_code == 404
