"""The log-in page of a demonstration offers one log-in for each role; no other installation does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hcrm.accounts import service
from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.app import create_app
from hcrm.simulation.demo import LOGINS, PASSWORD
from hcrm.unit_of_work import Runtime, unit_of_work


@pytest.fixture
def demo_client(runtime: Runtime):
    demonstration = replace(runtime, settings=replace(runtime.settings, demo=True))
    return create_app(demonstration.settings, demonstration).test_client()


def test_the_demo_says_that_it_is_one_and_offers_every_role(demo_client):
    page = demo_client.get("/login").text
    assert "Demonstration" in page
    for login in LOGINS:
        assert f'value="{login.username}"' in page
        assert login.name in page
    assert PASSWORD in page


def test_every_role_of_a_hospital_can_be_tried():
    assert {login.role for login in LOGINS} == set(Role) - {Role.GROUP_ADMINISTRATOR}


def test_no_other_installation_offers_a_login(runtime: Runtime):
    page = create_app(runtime.settings, runtime).test_client().get("/login").text
    assert PASSWORD not in page
    assert "Demonstration" not in page
    assert "Try it as" not in page


def test_an_offered_login_logs_in(demo_client, runtime: Runtime, facility: int):
    with unit_of_work(runtime.sessions) as session:
        service.create_user(
            session,
            username=LOGINS[0].username,
            password=PASSWORD,
            display_name=LOGINS[0].name,
            language="en",
            memberships=[MembershipSnapshot(facility, LOGINS[0].role)],
            now=runtime.clock.now(),
        )
    demo_client.application.config["WTF_CSRF_ENABLED"] = False
    answer = demo_client.post("/login", data={"username": LOGINS[0].username, "password": PASSWORD})
    assert (answer.status_code, answer.location) == (302, "/")


def test_an_account_without_a_password_lets_nobody_in(client, runtime: Runtime, facility: int):
    with unit_of_work(runtime.sessions) as session:
        service.create_user(
            session,
            username="colleague",
            password=None,
            display_name="A colleague",
            language="en",
            memberships=[MembershipSnapshot(facility, Role.NURSE)],
            now=runtime.clock.now(),
        )
    for guess in ("", "none", service.NO_PASSWORD, PASSWORD):
        assert client.post("/login", data={"username": "colleague", "password": guess}).status_code != 302
