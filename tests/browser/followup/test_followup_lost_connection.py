"""Without a connection: the count of alerts says so and comes back, a visit's form is kept and sent later."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select, update

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.models import AttemptRow, TaskRow
from hcrm.followup.service.responses import ensure_task_response
from hcrm.survey.domain import Mode
from hcrm.survey.service import record_answer
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import PASSWORD
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = [pytest.mark.database, pytest.mark.browser]


@pytest.fixture
def visit_id(runtime: Runtime, facility: int, departments: dict[str, int]) -> int:
    """A nurse, an outreach worker, and a home visit that is due."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
        for role, ward in ((Role.NURSE, departments["MED"]), (Role.OUTREACH_WORKER, None)):
            create_user(
                session,
                username=role.value,
                password=PASSWORD,
                display_name=f"Somebody with a rather long name, {role.value}",
                language="en",
                memberships=[MembershipSnapshot(facility, role, ward)],
                now=now,
            )
        return tasks_of(session)["clinical_call"].id


def log_in(page: Page, username: str) -> None:
    page.goto("/login")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")


NOTED = """
window.noted = [];
window.Notification = class {
  static permission = "granted";
  constructor(title) { window.noted.push(title); }
};
"""


def test_the_count_of_alerts_survives_a_lost_connection_and_the_browser_tells_of_an_urgent_one(
    page: Page, visit_id: int, runtime: Runtime
) -> None:
    page.add_init_script(NOTED)
    log_in(page, "nurse")
    expect(page.locator("nav .pill")).to_have_count(0)
    page.context.set_offline(offline=True)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("[data-lost]")).to_contain_text("No connection since")
    with unit_of_work(runtime.sessions) as session:
        now = runtime.clock.now()
        response = ensure_task_response(session, tasks_of(session)["clinical_call"], now)
        record_answer(
            session, response_id=response, question_code="danger", value=["chest_pain"], mode=Mode.WEB, now=now
        )
    page.context.set_offline(offline=False)
    expect(page.locator("nav .pill-urgent")).to_have_text("1")
    expect(page.locator("[data-lost]")).to_be_hidden()
    assert page.evaluate("window.noted") == ["Urgent alert"]
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.noted") == ["Urgent alert"], "an alert is told once"


DRAFTS = "Object.entries(localStorage).filter(([name]) => name.startsWith('visit:'))"


@pytest.fixture
def visit_form(page: Page, visit_id: int, runtime: Runtime) -> Page:
    """The form of the visit, opened by the outreach worker."""
    with unit_of_work(runtime.sessions) as session:
        session.execute(
            update(TaskRow)
            .where(TaskRow.id == visit_id)
            .values(channel=StepChannel.HOME_VISIT, performer_role="outreach_worker")
        )
    log_in(page, "outreach_worker")
    page.goto(f"/home-visits/{visit_id}/form")
    return page


def test_a_visit_filled_in_without_a_connection_is_sent_when_it_is_back(visit_form: Page, runtime: Runtime) -> None:
    page = visit_form
    page.context.set_offline(offline=True)
    page.get_by_label("The patient was met").check()
    page.get_by_label("Note").fill("Door at the back.")
    page.get_by_role("button", name="Save the visit").click()
    expect(page.locator("[data-visit-said]")).to_contain_text("Kept on this phone")
    page.context.set_offline(offline=False)
    page.wait_for_url("**/home-visits")
    assert page.evaluate(DRAFTS) == []
    with runtime.sessions() as session:
        assert session.scalars(select(AttemptRow.note)).all() == ["Door at the back."]


def test_a_draft_lies_encrypted_on_the_phone_and_is_gone_after_logging_out(visit_form: Page, visit_id: int) -> None:
    page = visit_form
    page.get_by_label("The patient was met").check()
    page.wait_for_function(f"{DRAFTS}.length")
    first = page.evaluate(DRAFTS)[0][1]
    page.get_by_label("Note").fill("Door at the back.")
    page.wait_for_function(f"first => {DRAFTS}[0][1] !== first", arg=first)
    page.reload()
    expect(page.locator("[data-visit-said]")).to_contain_text("is back")
    expect(page.get_by_label("Note")).to_have_value("Door at the back.")
    expect(page.get_by_label("The patient was met")).to_be_checked()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "a long name stays inside"
    ((name, kept),) = page.evaluate(DRAFTS)
    assert name.endswith(f"-{visit_id}")
    assert json.loads(kept).keys() == {"at", "iv", "sealed"}
    assert page.locator("[data-key]").count() == 0, "the key stays in the script alone"

    broken = json.dumps(json.loads(kept) | {"iv": "A" * 16})
    page.evaluate("([name, broken]) => localStorage.setItem(name, broken)", [name, broken])
    page.reload()
    expect(page.locator("[data-visit-said]")).to_contain_text("could not be read any more")
    expect(page.get_by_label("Note")).to_have_value("")

    page.get_by_label("Note").fill("Ring twice.")
    page.wait_for_function(f"{DRAFTS}.length")
    page.goto("/account")
    asked: list[str] = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.get_by_role("button", name="Log out").click()
    assert "has not been sent yet" in asked[0]
    assert len(page.evaluate(DRAFTS)) == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    assert page.evaluate(DRAFTS) == []
