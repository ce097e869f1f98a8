"""The manager's pages in a real browser: drawn under the strict policy, accessible, on a phone and on a wide screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from hcrm.accounts import service
from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill
from tests.browser.accessibility import check
from tests.conftest import PASSWORD

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
WIDTHS = (360, 768, 1440, 1920)
PAGES = (
    "/figures/departments?period=2026-01",
    "/figures/definitions",
    "/figures/patients?figure=revisits&part=denominator&period=2026-01",
    "/figures/patients?figure=answers&part=all&period=2026-01",
    "/overview?period=2020-01",
)


@pytest.fixture
def manager(page: Page, runtime: Runtime, facility: int) -> Callable[[Language], Page]:
    """Logs a manager of a hospital with 600 discharges in."""

    def log_in(language: Language) -> Page:
        with unit_of_work(runtime.sessions) as session:
            install_defaults(session, NOW)
            fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=600)
            service.create_user(
                session,
                username="manager",
                password=PASSWORD,
                display_name="Ines Duarte",
                language=language,
                memberships=[MembershipSnapshot(facility, Role.MANAGER)],
                now=NOW,
            )
        page.goto("/login")
        page.locator("#username").fill("manager")
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login" not in address)
        return page

    return log_in


@pytest.mark.parametrize("language", list(Language))
def test_overview_draws_its_charts_under_the_policy_and_is_accessible(
    manager: Callable[[Language], Page], language: Language
) -> None:
    page = manager(language)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    page.goto("/overview?period=2026-01")
    page.locator(".chart .main-svg").first.wait_for()
    assert page.locator("[data-figure]").count() == 4
    assert page.locator("[data-figure] .plot-container").count() == 4
    for table in page.locator("details.chart-table summary").all():
        table.click()
    check(page, WIDTHS)
    page.reload()
    page.locator(".chart .main-svg").first.wait_for()
    check(page, [360])
    assert said == []


def test_choices_stay_in_the_address_and_numbers_open_their_patients(manager: Callable[[Language], Page]) -> None:
    page = manager(Language.EN)
    page.goto("/overview")
    page.select_option("#period", "2026-01")
    page.wait_for_url("**period=2026-01**")
    page.select_option("#department", label="Department 4")
    page.wait_for_url(re.compile(r"department=\d"))
    assert "period=2026-01" in page.url
    number = page.locator("a[href*='part=in_time']").first
    shown = number.inner_text().split()[0]
    number.click()
    expect(page.locator("h1")).to_have_text(f"Tasks completed in time: {shown}")
    expect(page.locator("table.cards tbody tr")).to_have_count(int(shown))
    check(page, WIDTHS)


@pytest.mark.parametrize("language", list(Language))
def test_other_pages_are_accessible(manager: Callable[[Language], Page], language: Language) -> None:
    page = manager(language)
    for address in PAGES:
        page.goto(address)
        check(page, WIDTHS)
