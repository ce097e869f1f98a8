"""Ten calls by keyboard alone: key presses and page loads are counted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import PASSWORD
from tests.factories_followup import discharge, discharged, install_content

pytestmark = [pytest.mark.database, pytest.mark.browser]

CALLS = 10
MOST_KEYS = 12
"""Key presses of a routine call beyond the answers."""

ANSWERS = {"danger": "0", "pain": "0", "med_problem": "2", "anything_else": "Enter"}
"""What a patient without worries says, as keys; the first answer everywhere else."""


@dataclass
class Keyboard:
    """The keys of a nurse; counts those that are no answers, and the pages that were loaded."""

    page: Page
    keys: int = 0
    loads: int = 0
    keys_of: list[int] = field(default_factory=list)
    loads_of: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("load", lambda _page: self._loaded())

    def _loaded(self) -> None:
        self.loads += 1

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            self.keys += 1

    def answer(self, key: str) -> None:
        self.page.keyboard.press(key)

    def next_call(self) -> None:
        """A call is over: what it took is kept, and counting begins anew."""
        self.keys_of.append(self.keys)
        self.loads_of.append(self.loads)
        self.keys = self.loads = 0


@pytest.fixture
def nurse(runtime: Runtime, facility: int, departments: dict[str, int]) -> str:
    """A ward nurse with ten patients to call; their user name."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        rows = [discharged(f"M20{n}", f"W{n}", full_name=f"王{n}") for n in range(CALLS)]
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


def one_call(page: Page, keyboard: Keyboard) -> None:
    """From the open screen to the saved result; the next screen is open then, or the list."""
    keyboard.press("1", "2", "Enter")
    question = page.locator("[data-question-form]")
    expect(question).to_be_visible()
    while question.count():
        code = question.get_attribute("data-code") or ""
        keyboard.answer(ANSWERS.get(code, "1"))
        expect(page.locator(f"[data-question-form][data-code='{code}']")).to_have_count(0)
    expect(page.get_by_text("All questions are asked.")).to_be_visible()
    keyboard.press("c")
    expect(page.locator("[data-proposed]")).to_contain_text("This task is completed.")
    address = page.url
    with page.expect_navigation(url=lambda url: url != address):
        keyboard.press("Control+Enter")
    keyboard.next_call()


def test_a_nurse_makes_ten_calls_without_touching_the_mouse(page: Page, nurse: str, runtime: Runtime) -> None:
    page.goto("/login")
    page.get_by_label("User name").fill(nurse)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/today")
    keyboard = Keyboard(page)
    with page.expect_navigation(url="**/calls/*"):
        keyboard.press("Enter")
    for _ in range(CALLS):
        one_call(page, keyboard)

    print(f"keys of each call beyond the answers: {keyboard.keys_of}, pages loaded: {keyboard.loads_of}")  # noqa: T201
    assert max(keyboard.keys_of) <= MOST_KEYS
    assert sum(keyboard.loads_of) <= CALLS + 1
    with runtime.sessions() as session:
        done = session.scalar(
            select(func.count()).where(TaskRow.step_code == "clinical_call", TaskRow.status == TaskStatus.COMPLETED)
        )
    assert done == CALLS
