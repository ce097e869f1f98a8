"""Log-in and shell in a real browser: accessible, in both languages, on a phone and on a wide screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from hcrm.accounts import service
from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.browser.accessibility import check
from tests.conftest import PASSWORD

WIDTHS = (360, 1440, 1920)
OWN_PAGES = ("/account", "/account/password", "/users", "/users/new", "/departments", "/hospital")


@pytest.fixture
def enter(page: Page, runtime: Runtime, facility: int) -> Callable[[Role, Language], None]:
    """Logs in through the log-in page."""

    def log_in(role: Role, language: Language) -> None:
        with unit_of_work(runtime.sessions) as session:
            service.create_user(
                session,
                username=role.value,
                password=PASSWORD,
                display_name="Grace Obi",
                language=language,
                memberships=[MembershipSnapshot(facility, role)],
                now=runtime.clock.now(),
            )
        page.goto("/login")
        page.locator("#username").fill(role.value)
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login" not in address)

    return log_in


@pytest.mark.parametrize(("code", "heading"), [("en", "Log in"), ("zh_Hans", "登录")])
def test_log_in_page_is_accessible(page: Page, code: str, heading: str) -> None:
    page.goto(f"/language/{code}")
    page.goto("/login")

    assert page.locator("h1").inner_text() == heading
    assert page.locator("html").get_attribute("lang") == code.replace("_", "-")
    check(page, WIDTHS)


def test_wrong_password_is_said_and_heard(page: Page) -> None:
    page.goto("/login")
    page.locator("#username").fill("nobody")
    page.locator("#password").fill("wrong password")
    page.keyboard.press("Enter")

    assert page.locator("[role=alert]").inner_text().strip() == "The user name or the password is not right."
    check(page, WIDTHS)


@pytest.mark.parametrize("language", list(Language))
def test_own_and_administrators_pages_are_accessible(
    page: Page, enter: Callable[[Role, Language], None], language: Language
) -> None:
    enter(Role.ADMINISTRATOR, language)
    for address in OWN_PAGES:
        page.goto(address)
        check(page, WIDTHS)
    page.locator("main a[href*='/calendar/'], .page-head a[href*='/calendar/']").first.click()
    page.wait_for_url("**/calendar/*")
    check(page, WIDTHS)


@pytest.mark.parametrize("language", list(Language))
def test_audit_page_is_accessible(page: Page, enter: Callable[[Role, Language], None], language: Language) -> None:
    enter(Role.AUDITOR, language)

    assert page.url.endswith("/audit")
    check(page, WIDTHS)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("role", [Role.NURSE, Role.MANAGER, Role.ADMINISTRATOR, Role.COMPLAINTS_OFFICER])
def test_start_page_of_a_role_is_accessible(
    page: Page, enter: Callable[[Role, Language], None], role: Role, language: Language
) -> None:
    enter(role, language)

    assert page.locator(".topbar [aria-current=page]").count() == 1
    check(page, WIDTHS)


def test_skip_link_and_search_key_work_by_keyboard(page: Page, enter: Callable[[Role, Language], None]) -> None:
    enter(Role.AUDITOR, Language.EN)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.type("a/b")
    assert page.locator("#find").input_value() == "a/b"


def test_plotly_draws_under_the_policy(page: Page) -> None:
    """The two style elements that Plotly writes are the ones whose hashes are allowed: nothing is blocked."""
    page.goto("/login")
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text) if message.type == "error" else None)
    page.evaluate(
        """async () => {
          const script = document.createElement("script");
          script.src = "/vendor/x/plotly.min.js";
          const loaded = new Promise((resolve) => { script.onload = resolve; });
          document.head.append(script);
          await loaded;
          const place = document.createElement("div");
          place.id = "chart";
          document.querySelector("main").append(place);
          await Plotly.newPlot(place, [
            { x: [1, 2, 3], y: [2, 1, 3], mode: "lines+markers+text", text: ["a", "b", "c"] },
            { x: [1, 2, 3], y: [3, 2, 1], type: "bar", hovertemplate: "%{y}" },
          ], { annotations: [{ x: 1, y: 2, text: "note" }], hovermode: "x unified" }, { displayModeBar: true });
        }"""
    )
    page.locator("#chart .plot-container").hover()

    assert page.locator("#chart svg.main-svg").count() > 0
    assert blocked == []
