"""Inbox, Handset and *why (not)?* in a real browser, in both languages, on a phone and on a wide screen."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select, text

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.messaging import service
from hcrm.messaging.jobs import send_due, settle_in_doubt
from hcrm.messaging.models import ConsoleDelivery, OutboxMessage
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.unit_of_work import unit_of_work
from tests.browser.accessibility import check
from tests.conftest import PASSWORD
from tests.factories_messaging import MessagingFactory, Silent


@pytest.fixture
def hospital(runtime, facility):
    """Patients who got texts and wrote back; one text from a shared phone, one from a stranger, one text in doubt."""
    now, number = runtime.clock.now(), itertools.count()

    def write(session, phone, body, minutes):
        inbound_id = service.receive(
            session, facility_id=facility, provider="console", provider_message_id=f"b{next(number)}",
            from_number=phone, to_number=f"1069{facility:06d}", body=body, now=now - timedelta(minutes=minutes),
        )  # fmt: skip
        service.take(session, inbound_id, now=now - timedelta(minutes=minutes))

    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, now)
        make = MessagingFactory(session, now - timedelta(hours=1), facility)
        lost = make.patient(full_name="周洁")
        make.contact(lost)
        make.message(make.request(lost))
    silent = Silent(runtime.engine, runtime.clock)
    send_due(runtime, silent)
    settle_in_doubt(runtime, silent)
    with unit_of_work(runtime.sessions) as session:
        session.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 hour'"))
        ids = [make_patient(session, now, facility, name) for name in ("王芳", "李强", "陈静", "杨洋", "徐丽")]
        make = MessagingFactory(session, now, facility, counter=500)
        make.contact(ids[1][0], "+8613900000001")
        make.contact(ids[2][0], "+8613900000001")
    send_due(runtime, ConsoleProvider(runtime.engine, runtime.clock))
    with unit_of_work(runtime.sessions) as session:
        write(session, ids[0][1], "伤口有点渗血，换了两次敷料还是湿的，需要来医院吗？", 50)
        write(session, "+8613900000001", "Is the appointment on Thursday still on?", 30)
        write(session, "+8613811112222", "你们是谁", 10)
        write(session, ids[3][1], "谢谢你们！", 5)
        return ids


def make_patient(session, now, facility, name):
    make = MessagingFactory(session, now, facility, counter=sum(map(ord, name)))
    patient_id = make.patient(full_name=name)
    phone = make.contact(patient_id)
    make.stay(patient_id)
    make.message(make.request(patient_id))
    return patient_id, phone


@pytest.fixture
def enter(page, runtime, facility):
    """Logs in through the log-in page."""

    def log_in(role: Role, language: Language) -> None:
        with unit_of_work(runtime.sessions) as session:
            create_user(
                session, username=role.value, password=PASSWORD, display_name="Lin Zhao", language=language,
                memberships=[MembershipSnapshot(facility, role)], now=runtime.clock.now(),
            )  # fmt: skip
        page.goto("/login")
        page.locator("#username").fill(role.value)
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login" not in address)

    return log_in


@pytest.mark.parametrize("language", list(Language))
def test_the_inbox_is_accessible_in_every_state(page, enter, hospital, language):
    enter(Role.SERVICE_AGENT, language)
    page.goto("/inbox")
    check(page)
    for step in (
        page.locator("form[data-claim] button"),
        page.locator("[data-list] a.name").nth(1),
        page.locator("[data-list] a.name").nth(2),
    ):
        with page.expect_navigation():
            step.click()
        check(page)


@pytest.mark.parametrize("language", list(Language))
def test_why_not_is_accessible(page, enter, hospital, runtime, language):
    enter(Role.SERVICE_AGENT, language)
    with unit_of_work(runtime.sessions) as session:
        message_id = session.scalars(select(func.max(OutboxMessage.id)).where(OutboxMessage.body.is_not(None))).one()
    page.goto(f"/messages/{message_id}/why")
    check(page)


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("language", list(Language))
def test_the_handset_is_accessible(page, enter, hospital, language):
    enter(Role.ADMINISTRATOR, language)
    page.goto("/handset")
    check(page)


def test_a_text_is_claimed_by_key_and_finished(page, enter, hospital):
    enter(Role.SERVICE_AGENT, Language.EN)
    page.goto("/inbox")
    before = page.locator("[data-list] a.name").count()
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("c")
    expect(page.get_by_text("You are dealing with this text now.")).to_be_visible()
    page.get_by_label("Patient phoned").check()
    page.get_by_role("button", name="Finish with this text").click()
    expect(page.get_by_text("The text has been dealt with.")).to_be_visible()
    assert page.locator("[data-list] a.name").count() == before - 1


@pytest.mark.usefixtures("demonstration")
def test_an_answer_typed_on_the_handset_is_answered_without_reloading(page, enter, hospital, runtime):
    enter(Role.ADMINISTRATOR, Language.EN)
    with unit_of_work(runtime.sessions) as session:
        phone_id = session.scalars(select(func.max(ConsoleDelivery.id))).one()
    page.goto(f"/handset/{phone_id}")
    page.get_by_label("Reply as the patient").fill("帮助")
    page.get_by_role("button", name="Send").click()
    send_due(runtime, ConsoleProvider(runtime.engine, runtime.clock))
    expect(page.locator(".bubbles .theirs").filter(has_text="本号码用于随访")).to_be_visible(timeout=10_000)
