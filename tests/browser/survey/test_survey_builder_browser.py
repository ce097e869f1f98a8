"""The builder in a real browser: questions are moved by dragging and by keyboard, and axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.conftest import PASSWORD

Login = Callable[..., int]

pytestmark = pytest.mark.database


def test_questions_are_put_in_order_by_mouse_and_by_keyboard(
    page: Page, login: Login, runtime: Runtime, app: Any
) -> None:
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, runtime.clock.now())
    login("administrator")
    page.goto("/login")
    page.locator("input[name=username]").fill("administrator-all")
    page.locator("input[name=password]").fill(PASSWORD)
    page.locator("main button").click()
    page.wait_for_url(lambda address: "/login" not in address)
    page.goto("/questionnaires/SAT_OP")
    page.get_by_role("button", name="Change it").click()
    rows = page.locator(".question-row")
    expect(rows.first).to_contain_text("booking")
    rows.nth(2).locator(".handle").drag_to(rows.first, target_position={"x": 40, "y": 4})
    expect(rows.first).to_contain_text("signs")
    rows.first.locator("a").focus()
    page.keyboard.press("Alt+ArrowDown")
    expect(rows.first).to_contain_text("booking")
    expect(rows.nth(1).locator("a")).to_be_focused()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    rows.nth(1).locator("a").click()
    expect(page.locator("#code")).to_have_value("signs")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    for view in ("phone", "sms", "call"):
        page.goto(f"/questionnaires/SAT_OP/2?as={view}&in=zh_Hans")
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
