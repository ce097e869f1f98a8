"""The pages behind the overview in a real browser: drawn under the policy, accessible, kept as picture and as data."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from hcrm.accounts import service
from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill
from tests.browser.accessibility import check
from tests.conftest import PASSWORD

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
TRIES = """
INSERT INTO attempt (facility_id, task_id, connection, note, started_at, self_reported, key)
SELECT facility_id, id, CASE WHEN id % 4 = 0 THEN 'no_answer' ELSE 'answered_patient' END, '', first_attempt_at, false,
       'try' || id
FROM task WHERE channel = 'phone' AND first_attempt_at IS NOT NULL
"""
PAGES = (
    "/figures/followup?period=2026-01&by=week",
    "/figures/returns?period=2026-01&by=outcome",
    "/figures/said?period=2026-01",
    "/figures/bulletin?period=2026-01",
    "/figures/targets",
    "/figures/improvements",
    "/figures/register?quarter=2026-Q1",
    "/figures/mine?page=returns_page",
    "/figures/words",
)


@pytest.fixture
def manager(page: Page, runtime: Runtime, facility: int) -> Callable[[Language], Page]:
    """Logs a manager of a hospital with 300 discharges in."""

    def log_in(language: Language) -> Page:
        with unit_of_work(runtime.sessions) as session:
            install_defaults(session, NOW)
            fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=300)
            session.execute(text(TRIES))
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
def test_every_page_is_drawn_under_the_policy_and_accessible(
    manager: Callable[[Language], Page], language: Language
) -> None:
    page = manager(language)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in {"error", "warning"} else None)
    for address in PAGES:
        page.goto(address)
        if page.locator("[data-figure]").count():
            page.locator(".chart .main-svg").first.wait_for()
        check(page)
    assert said == []


def test_a_chart_is_kept_as_picture_and_as_data(manager: Callable[[Language], Page]) -> None:
    page = manager(Language.EN)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto("/figures/returns?period=2026-01")
    page.locator(".chart-returned .main-svg").first.wait_for()
    line = page.locator("[data-chart-out='figure-returned']")
    begins = {"png": b"\x89PNG", "svg": b"<svg", "csv": b"\xef\xbb\xbfseries,x,y"}
    for kind, beginning in begins.items():
        with page.expect_download() as waiting:
            line.locator(f"[data-as={kind}]").click()
        assert waiting.value.path().read_bytes().startswith(beginning), kind
        assert waiting.value.suggested_filename.endswith(f".{kind}")
    assert said == []
