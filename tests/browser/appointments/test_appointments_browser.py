"""Booking and the pages of visits in a real browser: one press to book, accessible, a phone without scripts."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from hcrm.accounts import service as accounts
from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.appointments import service
from hcrm.appointments.domain.states import Via
from hcrm.ids import patient_token
from hcrm.messaging.service import install_default_templates
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.browser.accessibility import check
from tests.conftest import PASSWORD
from tests.factories_appointments import DAY, Clinic
from tests.factories_messaging import MessagingFactory


@pytest.fixture
def ward(runtime: Runtime, facility: int, departments: dict[str, int], now: Any) -> dict[str, int]:
    """A patient with a stay, a session of four places, and a visit booked at nine."""
    with unit_of_work(runtime.sessions) as session:
        install_default_templates(session, now)
        make, clinic = MessagingFactory(session, now, facility), Clinic(session, now, facility, departments["MED"])
        clinician = clinic.clinician()
        one, other = make.patient(full_name="王小明"), make.patient(full_name="李强")
        make.contact(one)
        for each in (one, other):
            make.stay(each, department_id=departments["MED"], clinician_id=clinician)
        clinic.publish(clinician_id=clinician, days=3)
        visit = clinic.book(other, clinic.slots()[0].id)
    return {"patient": one, "visit": visit}


def log_in(page: Page, runtime: Runtime, facility: int, now: Any, role: Role, language: Language) -> None:
    with unit_of_work(runtime.sessions) as session:
        accounts.create_user(
            session,
            username="worker",
            password=PASSWORD,
            display_name="Worker",
            language=language,
            memberships=[MembershipSnapshot(facility, role)],
            now=now,
        )
    page.goto("/login")
    page.locator("#username").fill("worker")
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)


@pytest.mark.parametrize("language", list(Language))
def test_one_press_books_a_visit_and_every_page_is_accessible(
    page: Page, runtime: Runtime, facility: int, now: Any, ward: dict[str, int], language: Language
) -> None:
    log_in(page, runtime, facility, now, Role.DEPARTMENT_HEAD, language)
    page.goto(f"/patients/{ward['patient']}")
    page.locator("button[name=slot]").first.click()
    expect(page.locator(".said .banner-good")).to_be_visible()
    for address in (
        f"/visits?on={DAY}",
        f"/visits?view=month&on={DAY}",
        f"/visits/day-list?on={DAY}",
        f"/visits/{ward['visit']}",
        f"/visits/book?patient={ward['patient']}",
        "/visits/sessions",
        "/visits/waiting",
        "/visits/figures",
    ):
        page.goto(address)
        check(page)


def test_a_patient_moves_a_visit_on_a_phone_without_scripts(
    browser: Browser, live_server: str, runtime: Runtime, ward: dict[str, int], now: Any
) -> None:
    context = browser.new_context(
        base_url=live_server, viewport={"width": 360, "height": 740}, java_script_enabled=False
    )
    page = context.new_page()
    page.goto(f"/a/{patient_token(runtime.settings.secret_key, 'appointment', ward['visit'])}")
    for name, value in (("year", "1986"), ("month", "1"), ("day", "1")):
        page.locator(f"#{name}").fill(value)
    page.locator("button.btn-primary").click()
    expect(page.locator("text=09:00")).to_be_visible()
    page.locator("a[href*='move=1']").click()
    page.locator("button[name=slot]").nth(1).click()
    page.wait_for_url(re.compile(r"n=move"))
    expect(page.locator(".banner-good")).to_be_visible()
    assert context.cookies() == []
    page.locator("button[value=confirm]").click()
    page.wait_for_url(re.compile(r"n=confirm"))
    context.close()
    with unit_of_work(runtime.sessions) as session:
        found = service.booking.locked(session, ward["visit"])
        assert found is not None
        assert found.confirmed_at is not None
        assert found.booked_via is Via.STAFF
