"""The patient's web survey in a real browser at 360 px: by keyboard, without JavaScript, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from hcrm.survey import queries
from hcrm.survey.domain import Respondent, ResponseState
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_survey import BORN, invite

PHONE = {"width": 360, "height": 740}
LANGUAGES = ("en", "zh_Hans")
ONWARD = "main button.btn-primary"
CODES = (
    "nurse_comm",
    "doctor_comm",
    "response",
    "pain_help",
    "medicine_info",
    "discharge_info",
    "ward_clean",
    "night_quiet",
    "overall",
    "recommend",
    "comment",
    "contact_me",
)
ONE_OF_EACH_KIND = {"response", "recommend", "comment", "contact_me"}


@pytest.fixture
def phone(browser: Browser, live_server: str) -> Iterator[Callable[..., Page]]:
    """Makes a page of a narrow phone; ``scripts=False`` for one that runs none."""
    contexts = []

    def make(*, scripts: bool = True) -> Page:
        context = browser.new_context(base_url=live_server, viewport=PHONE, java_script_enabled=scripts)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()


def check(page: Page) -> None:
    """Nothing for axe to find, nothing wider than the screen, every target large enough."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 18
    small = page.evaluate(
        "[...document.querySelectorAll('main a, main button, main .answer label')]"
        ".filter(e => e.getBoundingClientRect().height < 44).map(e => e.textContent.trim())"
    )
    assert small == []


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what ``selector`` names has the focus."""
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} cannot be reached by keyboard")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_survey_is_finished_by_keyboard_and_axe_finds_nothing(
    phone: Callable[..., Page], runtime: Runtime, facility: int, language: str
):
    response_id, path = invite(runtime, facility, language=language)
    page = phone()
    page.goto(path)
    check(page)
    tab_to(page, "main input[type=radio]")
    tab_to(page, ONWARD)
    page.keyboard.press("Enter")
    for code in CODES:
        expect(page).to_have_url(re.compile(f"/q/{code}"))
        if code in ONE_OF_EACH_KIND:
            check(page)
        if page.locator("main textarea").count():
            tab_to(page, "main textarea")
            page.keyboard.type("Good food" if language == "en" else "饭菜很好")
        else:
            tab_to(page, "main input[type=radio]")
            page.keyboard.press("Space")
        tab_to(page, ONWARD)
        page.keyboard.press("Enter")
    page.wait_for_url("**/done*")
    check(page)
    with unit_of_work(runtime.sessions) as session:
        assert queries.response(session, response_id).state is ResponseState.COMPLETED
        assert len(queries.answers(session, response_id)) == 12


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_survey_is_finished_without_javascript(
    phone: Callable[..., Page], runtime: Runtime, facility: int, language: str
):
    response_id, path = invite(runtime, facility, language=language)
    page = phone(scripts=False)
    page.goto(path)
    page.locator(ONWARD).click()
    for _ in range(10):
        page.locator("main .answer input").first.check()
        page.locator(ONWARD).click()
    page.locator("main button[name=skip]").click()
    page.wait_for_url("**/done*")
    with unit_of_work(runtime.sessions) as session:
        assert queries.response(session, response_id).state is ResponseState.COMPLETED


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_survey_is_finished_by_touch_on_a_slow_line(
    browser: Browser, live_server: str, runtime: Runtime, facility: int, language: str
):
    response_id, path = invite(runtime, facility, language=language)
    context = browser.new_context(base_url=live_server, viewport=PHONE, has_touch=True, is_mobile=True)
    page = context.new_page()
    sizes: dict[str, int] = {}
    page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}) if answer.status == 200 else None)
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 150, "downloadThroughput": 50_000, "uploadThroughput": 20_000},
    )
    page.goto(path)
    page.locator("main .answer input").last.tap()
    page.locator(ONWARD).tap()
    for code in CODES[:10]:
        expect(page).to_have_url(re.compile(f"/q/{code}"))
        page.locator("main .answer input").first.tap()
        page.locator(ONWARD).tap()
    expect(page).to_have_url(re.compile("/q/comment"))
    page.locator("main button[name=skip]").tap()
    page.wait_for_url("**/done*")
    with unit_of_work(runtime.sessions) as session:
        assert queries.response(session, response_id).state is ResponseState.COMPLETED
        assert queries.response(session, response_id).respondent is Respondent.CARER
    beside = sum(size for url, size in sizes.items() if "/s/" not in url)
    assert max(size for url, size in sizes.items() if "/s/" in url) + beside <= 60 * 1024
    context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_danger_signs_show_the_emergency_number_at_once(
    phone: Callable[..., Page], runtime: Runtime, facility: int, language: str
):
    _, path = invite(runtime, facility, "CLIN_GEN", language=language)
    page = phone()
    page.goto(path)
    check(page)
    for name, value in BORN.items():
        page.locator(f"input[name={name}]").fill(value)
    page.locator(ONWARD).click()
    expect(page.locator("input[name=respondent]")).to_have_count(3)
    check(page)
    page.locator(ONWARD).click()
    expect(page.locator("input[value=none]")).to_have_count(1)
    check(page)
    nothing = page.locator("input[value=none]")
    page.locator("input[value=breath]").check()
    nothing.check()
    expect(page.locator("input[value=breath]")).not_to_be_checked()
    page.locator("input[value=chest_pain]").check()
    expect(nothing).not_to_be_checked()
    page.locator(ONWARD).click()
    expect(page.locator("h1")).to_contain_text("120")
    expect(page.locator("main a.btn")).to_have_attribute("href", "tel:120")
    check(page)


def test_pages_about_links_that_lead_nowhere_and_missing_answers_are_accessible(
    phone: Callable[..., Page], runtime: Runtime, facility: int
):
    _, path = invite(runtime, facility)
    page = phone()
    page.goto("/s/AAAAAAAAAAAA")
    check(page)
    page.goto(path)
    page.locator(ONWARD).click()
    page.locator(ONWARD).click()
    expect(page.get_by_role("alert")).to_contain_text("Please choose one answer")
    check(page)
    page.goto(f"{path}/done")
    check(page)
