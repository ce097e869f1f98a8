"""The plan editor in a real browser: accessible in both languages, on a phone and on a wide screen, and by keyboard."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.browser.accessibility import check
from tests.conftest import PASSWORD
from tests.factories_followup import DISCHARGED_AT, discharge, discharged, install_content

pytestmark = [pytest.mark.database, pytest.mark.browser]

LAST_MONTH = DISCHARGED_AT - timedelta(days=20)


def enter(page: Page, runtime: Runtime, facility: int, language: str) -> None:
    """Log in as a nurse manager of a hospital with a few discharges last month."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        rows = [
            discharged(f"M{n}", f"V{n}", admitted_at=LAST_MONTH - timedelta(days=3), discharged_at=LAST_MONTH)
            for n in range(5)
        ]
        discharge(session, facility, *rows, now=now)
        create_user(
            session,
            username="manager",
            password=PASSWORD,
            display_name="Ines Duarte",
            language=language,
            memberships=[MembershipSnapshot(facility_id=facility, role=Role.MANAGER)],
            now=now,
        )
    page.goto("/login")
    page.locator("input[name=username]").fill("manager")
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/overview")


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_a_draft_is_made_tried_and_published(page: Page, runtime: Runtime, facility: int, language: str) -> None:
    enter(page, runtime, facility, language)
    page.goto("/plans")
    check(page)
    page.locator("a.name", has_text="Three-level" if language == "en" else "三级").click()
    page.locator("form[action$='/draft'] button").click()
    publish = page.locator("form[action$='/publish'] button")
    expect(publish).to_be_visible()
    check(page)
    page.locator("#step-clinical_call a[href*='/steps/']").press("Enter")
    target = page.locator("#target_day")
    expect(target).to_have_value("3")
    check(page)
    target.fill("2")
    target.press("Enter")
    expect(page.locator("#step-clinical_call .sign-info")).to_be_visible()
    page.locator("a[href$='/rules#rules']").click()
    expect(page.locator("#position")).to_have_value("100")
    check(page)
    page.go_back()
    page.locator("a[href$='/try']").click()
    expect(page.locator("svg.bars")).to_be_visible()
    check(page)
    page.go_back()
    publish.click()
    expect(page.locator("form[action$='/draft'] button")).to_be_visible()
    expect(page.locator(".said[role=status]").first).to_contain_text("2")
