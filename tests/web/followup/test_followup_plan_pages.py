"""The plan editor as a nurse manager uses it: a draft, its steps and rules, what keeps it from being published."""

from __future__ import annotations

import html
import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from hcrm.followup.domain.plan import Plan
from hcrm.followup.models import EnrolmentRow, PlanRow, PlanVersionRow
from hcrm.followup.queries.plans import published_plans
from hcrm.followup.readers import plan_file, shipped_plans
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

Login = Callable[..., int]

pytestmark = pytest.mark.database


@pytest.fixture
def manager(client: Any, login: Login, runtime: Runtime) -> Any:
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
    login("manager")
    return client


def plan_id(runtime: Runtime, code: str = "three_level", *, own: bool = False) -> int:
    with unit_of_work(runtime.sessions) as session:
        query = select(PlanRow.id).where(PlanRow.code == code, PlanRow.facility_id.is_not(None) == own)
        return session.scalars(query).one()


def in_force(runtime: Runtime, facility: int, code: str = "three_level") -> tuple[Plan, int]:
    with unit_of_work(runtime.sessions) as session:
        found = next(each for each in published_plans(session, facility) if each.plan.code == code)
        return found.plan, found.version


def form_of(page: str, action: str) -> dict[str, list[str]]:
    """The values of the form that is sent to ``action``, as a browser would send them unchanged."""
    body = next(each for each in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'action="{action}"' in each)
    values: dict[str, list[str]] = {}
    for tag in re.findall(r"<input[^>]*>", body):
        found = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if found.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        values.setdefault(found["name"], []).append(html.unescape(found.get("value", "y")))
    for name, options in re.findall(r'<select[^>]*name="(\w+)"[^>]*>(.*?)</select>', body, re.DOTALL):
        values[name] = re.findall(r"<option selected[^>]*value=\"([^\"]*)\"", options)
    return values


def begun(manager: Any, runtime: Runtime) -> str:
    """The address of the hospital's own plan, with a draft."""
    answer = manager.post(f"/plans/{plan_id(runtime)}/draft")
    assert answer.status_code == 302
    return str(answer.location)


def test_a_changed_step_is_published_for_discharges_from_then_on(manager: Any, runtime: Runtime, facility: int) -> None:
    with unit_of_work(runtime.sessions) as session:
        discharge(session, facility, discharged("M1", "V1"), now=runtime.clock.now())
        before = session.scalars(select(EnrolmentRow)).one().plan_version_id
    there = begun(manager, runtime)
    step = f"{there}/steps/clinical_call"
    values = form_of(manager.get(step).text, step)
    assert values["target_day"] == ["3"]
    assert manager.post(step, data=values | {"target_day": "2", "sample": "50"}).status_code == 302

    page = manager.get(there).text
    assert "Changed in this draft" in page
    assert "days 1 to 7, best 2" in page
    assert "Target day: 3 → 2" in manager.get(f"{there}/compare").text
    assert in_force(runtime, facility)[0].step("clinical_call").target_day == 3

    published = manager.post(f"{there}/publish", data=form_of(page, f"{there}/publish"), follow_redirects=True)
    assert "Version 2 is in force" in published.text
    plan, version = in_force(runtime, facility)
    assert (plan.step("clinical_call").target_day, plan.step("clinical_call").sample, version) == (2, 0.5, 2)
    with unit_of_work(runtime.sessions) as session:
        discharge(session, facility, discharged("M2", "V2"), now=runtime.clock.now())
        versions = session.scalars(select(EnrolmentRow.plan_version_id).order_by(EnrolmentRow.id)).all()
    assert versions[0] == before != versions[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"sample": "0"}, "The share of patients has to be more than 0 and at most 100 %."),
        ({"sample": "140"}, "The share of patients has to be more than 0 and at most 100 %."),
        ({"from_day": "9", "target_day": "9"}, "Its window contradicts itself"),
        (
            {"condition": "if_not_completed", "after_steps": "home_visit"},
            "Its condition is about a step that does not come before it: Home visit",
        ),
        ({"asked": "", "asked_after_surgery": ""}, "Choose the text that is sent, or what is asked."),
    ],
)
def test_what_cannot_be_is_refused_with_the_step_named(
    manager: Any, runtime: Runtime, facility: int, change: dict[str, str], said: str
) -> None:
    there = begun(manager, runtime)
    step = f"{there}/steps/clinical_call"
    assert manager.post(step, data=form_of(manager.get(step).text, step) | change).status_code == 302
    page = manager.get(there).text
    refused = manager.post(f"{there}/publish", data=form_of(page, f"{there}/publish"))
    assert refused.status_code == 422
    assert "It is not published" in refused.text
    assert f"Step “Clinical call”: {said}" in html.unescape(refused.text)
    assert in_force(runtime, facility)[1] == 1


def test_two_people_do_not_overwrite_each_other(manager: Any, runtime: Runtime, clock: Any) -> None:
    there = begun(manager, runtime)
    step = f"{there}/steps/welcome"
    values = form_of(manager.get(step).text, step)
    clock.advance(timedelta(minutes=1))
    manager.post(step, data=values | {"from_day": "2", "until_day": "3", "target_day": "2"})
    late = manager.post(step, data=values | {"from_day": "4", "until_day": "5"}, follow_redirects=True)
    assert "Somebody else has changed this draft" in late.text
    assert "days 2 to 3" in late.text


def test_rules_steps_and_their_order_can_be_changed_and_the_draft_thrown_away(manager: Any, runtime: Runtime) -> None:
    there = begun(manager, runtime)
    rules = f"{there}/rules"
    values = form_of(manager.get(rules).text, rules)
    changed = values | {"departments": "SUR", "diagnoses": "i50, E11.9", "age_from": "65", "classes": ["IMP"]}
    assert manager.post(rules, data=changed).status_code == 302
    page = manager.get(there).text
    for said in ("A diagnosis that begins with I50, E119", "Age: 65 to any", "Kinds of stay: Inpatient stay"):
        assert said in page
    seen = form_of(page, f"{there}/steps")["seen"]
    added = manager.post(f"{there}/steps", data={"seen": seen, "code": "week_call", "channel": "phone"})
    assert added.location.endswith("/steps/week_call#open")
    page = manager.get(there).text
    up = f"{there}/steps/week_call/up"
    assert manager.post(up, data=form_of(page, up)).status_code == 302
    removed = f"{there}/steps/welcome/remove"
    manager.post(removed, data=form_of(manager.get(there).text, removed))
    page = manager.get(there).text
    assert page.index("step-week_call") < page.index("step-home_visit")
    assert "step-welcome" not in page
    gone = manager.post(f"{there}/discard", data=form_of(page, f"{there}/discard"))
    assert gone.location == "/plans"
    assert manager.get(there).status_code == 404


def test_a_plan_travels_as_a_file_and_a_retired_one_takes_nobody(manager: Any, runtime: Runtime, facility: int) -> None:
    shipped = next(each for each in shipped_plans() if each.plan.code == "three_level")
    exported = manager.get(f"/plans/{plan_id(runtime)}/versions/1.toml")
    assert exported.text == plan_file(shipped.plan, shipped.position)
    other = exported.text.replace('"three_level"', '"our_own"').replace("Three-level follow-up", "Our own")
    brought = manager.post("/plans/import", data={"file": (io.BytesIO(other.encode()), "plan.toml")})
    assert brought.status_code == 302
    assert "Our own" in manager.get("/plans").text
    refused = manager.post("/plans/import", data={"file": (io.BytesIO(b"code = 1 = 2"), "plan.toml")})
    assert refused.status_code == 422
    assert "The file cannot be read as a plan" in refused.text

    manager.post(f"/plans/{plan_id(runtime)}/retire")
    with unit_of_work(runtime.sessions) as session:
        discharge(session, facility, discharged("M1", "V1"), now=runtime.clock.now())
        assert "welcome" not in tasks_of(session)
    manager.post(f"/plans/{plan_id(runtime, own=True)}/take_up")
    assert in_force(runtime, facility)[1] == 1


def test_a_draft_is_tried_on_the_newest_month_with_discharges(manager: Any, runtime: Runtime, facility: int) -> None:
    there = begun(manager, runtime)
    assert "the newest month with discharges is taken" not in manager.get(f"{there}/try").text
    with unit_of_work(runtime.sessions) as session:
        then = runtime.clock.now().replace(year=2025, month=12, day=10)
        row = discharged("M1", "V1", admitted_at=then.replace(day=7), discharged_at=then)
        discharge(session, facility, row, now=runtime.clock.now())
    page = manager.get(f"{there}/try").text
    assert "the newest month with discharges is taken" in page
    assert "1 discharges" in page


def test_a_draft_is_tried_on_the_discharges_of_last_month(manager: Any, runtime: Runtime, facility: int) -> None:
    with unit_of_work(runtime.sessions) as session:
        last_month = runtime.clock.now().replace(month=2, day=10)
        for number in range(20):
            row = discharged(
                f"M{number}", f"V{number}", admitted_at=last_month.replace(day=7), discharged_at=last_month
            )
            discharge(session, facility, row, now=runtime.clock.now())
    there = begun(manager, runtime)
    step = f"{there}/steps/clinical_call"
    manager.post(step, data=form_of(manager.get(step).text, step) | {"target_day": "1", "risks": ["low", "medium"]})
    page = html.unescape(manager.get(f"{there}/try?attempts_per_call=1&ward_hours=1&minutes_per_attempt=6").text)
    assert "20 discharges, 20 would have been enrolled in a plan, 20 of them in this one." in page
    assert "Wed would need 10 call attempts more" not in page
    cells = re.search(r"Call attempts of the wards</th><td[^>]*>(\d+)</td><td[^>]*>(\d+)</td><td[^>]*>(\S+)</td>", page)
    assert cells is not None
    assert cells.groups() == ("20", "20", "0")
    with unit_of_work(runtime.sessions) as session:
        drafts = session.scalars(select(PlanVersionRow.status).where(PlanVersionRow.status == "draft")).all()
    assert len(drafts) == 1


def test_nothing_that_is_sent_breaks_a_page(manager: Any, runtime: Runtime) -> None:
    there = begun(manager, runtime)
    step, rules = f"{there}/steps/clinical_call", f"{there}/rules"
    for text in ("9" * 30, "NaN", "\ud800"):
        value = text.encode("utf-8", "surrogatepass")
        for address in (step, rules):
            values = form_of(manager.get(address).text, address)
            for name in values.keys() - {"csrf_token", "seen"}:
                answer = manager.post(address, data=values | {name: value})
                assert answer.status_code in {302, 400, 422}, (address, name, text)
                if answer.status_code == 302:
                    values = form_of(manager.get(address).text, address)
        manager.post(f"{there}/steps", data={"code": value, "channel": value})
        manager.post("/plans", data={"code": value, "name_en": value, "name_zh": value, "scope": "encounter"})
    for text in ("9" * 30, "NaN", "-1", "x"):
        assert manager.get(f"{there}/try?price_per_text={text}&ward_hours={text}").status_code == 200
    for content in (b"", b"\xff", b"a" * 300_000, b'code = "x"', FILE % b"nan", FILE % b"1e400", FILE % b'"\\u0000"'):
        answer = manager.post("/plans/import", data={"file": (io.BytesIO(content), "plan.toml")})
        assert answer.status_code == 422, content[:40]


FILE = b"""code = "ours"
name_en = "Ours"
name_zh = "Ours"
[eligibility]
classes = ["IMP"]
[[steps]]
code = "call"
name_en = "Call"
name_zh = "Call"
channel = "phone"
performer = "nurse"
from_day = 1
until_day = 2
sample = %b
"""
