"""A nurse's day in a real browser: by keyboard, in both languages, wide and narrow."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import select

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.followup.models import AttemptRow
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import PASSWORD
from tests.factories_followup import discharge, discharged, install_content

pytestmark = [pytest.mark.database, pytest.mark.browser]
WIDTHS = (1440, 360)


@pytest.fixture
def nurse(runtime: Runtime, facility: int, departments: dict[str, int]) -> str:
    """A ward nurse with three patients to call; their user name."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        rows = [
            discharged(f"M100{n}", f"V{n}", full_name=name) for n, name in enumerate(("王小明", "陈秀兰", "李建军"))
        ]
        discharge(session, facility, *rows, now=now)
        create_user(
            session,
            username="nurse",
            password=PASSWORD,
            display_name="Grace Obi",
            language="en",
            memberships=[MembershipSnapshot(facility_id=facility, role=Role.NURSE, department_id=departments["MED"])],
            now=now,
        )
    return "nurse"


def log_in(page: Page, username: str) -> None:
    page.goto("/login")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")


def check(page: Page) -> None:
    """Nothing for axe to find and nothing wider than the screen, at each width."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1440, "height": 900})


def test_a_nurse_works_through_a_call_by_keyboard(page: Page, nurse: str, runtime: Runtime) -> None:
    log_in(page, nurse)
    check(page)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/*")
    check(page)

    page.evaluate("window.samePage = true")
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator("[data-question-form]")).to_have_attribute("data-code", "danger")
    expect(page.locator(".callbar .check")).to_contain_text("Identity confirmed")
    page.keyboard.press("0")
    expect(page.locator("[data-question-form]")).to_have_attribute("data-code", "feeling")
    page.keyboard.press("3")
    expect(page.locator(".question .banner-high")).to_be_visible()
    check(page)

    page.keyboard.press("p")
    expect(page.get_by_label("Partly done")).to_be_checked()
    expect(page.locator("[data-proposed]")).to_contain_text("comes back")
    assert page.evaluate("window.samePage")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    with runtime.sessions() as session:
        attempt = session.scalars(select(AttemptRow)).one()
    assert (attempt.connection.value, attempt.disposition.value) == ("answered_patient", "partial")
    page.goto("/alerts")
    check(page)


def test_without_the_second_fact_nothing_about_health_is_shown(page: Page, nurse: str) -> None:
    log_in(page, nurse)
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/*")
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Both facts have to be right.")).to_be_visible()
    expect(page.locator("[data-question-form]")).to_have_count(0)
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator("[data-question-form]")).to_be_visible()


def test_a_call_that_nobody_answers_takes_two_keys(page: Page, nurse: str, runtime: Runtime) -> None:
    log_in(page, nurse)
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/*")
    page.keyboard.press("n")
    expect(page.get_by_label("No answer")).to_be_checked()
    expect(page.get_by_role("radiogroup", name="How did it end?").first).to_be_hidden()
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Saved.")).to_be_visible()
    with runtime.sessions() as session:
        attempt = session.scalars(select(AttemptRow)).one()
    assert (attempt.connection.value, attempt.disposition) == ("no_answer", None)


def test_a_call_back_is_agreed_by_keyboard(page: Page, nurse: str, runtime: Runtime) -> None:
    log_in(page, nurse)
    page.keyboard.press("Enter")
    page.wait_for_url("**/calls/*")
    for key in ("1", "2", "Enter"):
        page.keyboard.press(key)
    expect(page.locator("[data-question-form]")).to_be_visible()
    page.keyboard.press("l")
    expect(page.locator("[data-at]").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-proposed]")).to_contain_text("comes back")
    with page.expect_navigation():
        page.keyboard.press("Control+Enter")
    with runtime.sessions() as session:
        attempt = session.scalars(select(AttemptRow)).one()
    assert attempt.disposition is not None
    assert attempt.disposition.value == "callback_requested"
    assert attempt.callback_at is not None


def test_the_pages_are_whole_in_chinese(page: Page, nurse: str) -> None:
    log_in(page, nurse)
    page.goto("/language/zh_Hans")
    page.goto("/today")
    check(page)
    page.locator("[data-open]").first.click()
    page.wait_for_url("**/calls/*")
    check(page)
    page.keyboard.press("1")
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    expect(page.locator("[data-question-form]")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("1")
    expect(page.locator(".question .banner-urgent")).to_be_visible()
    check(page)
    page.goto("/alerts")
    check(page)
