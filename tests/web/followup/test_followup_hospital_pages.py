"""The hospital's own settings and holidays, as an administrator changes them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.organization import queries
from hcrm.organization.domain import Calendar, FacilitySettings
from hcrm.organization.service import ensure_facility
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.unit.followup.test_followup_hospital_form import FIELDS

Login = Callable[..., int]


@pytest.fixture
def elsewhere(runtime: Runtime) -> int:
    """Another facility."""
    with unit_of_work(runtime.sessions) as session:
        return ensure_facility(
            session, code="OTHER", name="Other", timezone="UTC", country="GB", now=runtime.clock.now()
        )


def settings(runtime: Runtime, facility: int) -> FacilitySettings:
    with unit_of_work(runtime.sessions) as session:
        return queries.facility(session, facility).settings


def calendar(runtime: Runtime, facility: int) -> Calendar:
    with unit_of_work(runtime.sessions) as session:
        return queries.calendar(session, facility)


def audited(runtime: Runtime) -> list[tuple[Any, ...]]:
    with runtime.engine.connect() as connection:
        rows = connection.execute(
            text(
                "SELECT action, actor_user_id, object_id, details FROM audit_entry"
                " WHERE action LIKE 'facility.%' AND actor_user_id IS NOT NULL ORDER BY id"
            )
        )
        return [tuple(row) for row in rows]


def test_settings_are_saved_and_audited(
    client: Any, login: Login, runtime: Runtime, facility: int, elsewhere: int
) -> None:
    who = login("administrator")
    there = client.get("/hospital").location
    assert there == f"/hospital/{facility}"
    before = settings(runtime, facility)

    changes = {"on_call_number": "138 0013 8000", "calling_hours": "10:00-12:00", "our_number": "1069 1234"}
    answer = client.post(there, data=FIELDS | changes, follow_redirects=True)
    assert "The settings are saved." in answer.text
    assert "10:00-12:00</textarea>" in answer.text
    after = settings(runtime, facility)
    assert (after.on_call_number, after.our_number) == ("+8613800138000", "10691234")
    assert (after.sms_from, after.weekend) == (before.sms_from, before.weekend)
    fields = {"fields": ["calling_hours", "on_call_number", "our_number"]}
    assert audited(runtime) == [("facility.settings_changed", who, facility, fields)]
    assert settings(runtime, elsewhere) == FacilitySettings()


def test_settings_that_stay_as_they_are_leave_no_trace(
    client: Any, login: Login, runtime: Runtime, facility: int
) -> None:
    login("administrator")
    client.post(f"/hospital/{facility}", data=FIELDS)

    assert audited(runtime) == []


def test_wrong_settings_are_explained_and_nothing_is_saved(
    client: Any, login: Login, runtime: Runtime, facility: int
) -> None:
    login("administrator")
    wrong = {"sms_to": "06:00", "calling_hours": "09:00-11:00\nnoon", "on_call_number": "7", "max_attempts": "5"}
    page = client.post(f"/hospital/{facility}", data=FIELDS | wrong).text

    assert "Nothing is saved yet" in page
    assert "The end must be later than the start." in page
    assert "Line 2: write the hours as 09:00-11:30." in page
    assert "This is not a phone number. Check the digits." in page
    assert "noon</textarea>" in page, "what was typed is kept"
    assert settings(runtime, facility).max_attempts == 3


def test_page_speaks_chinese(client: Any, login: Login, facility: int) -> None:
    login("administrator", language="zh_Hans")

    assert "拨打电话时段" in client.get(f"/hospital/{facility}").text
    assert "调休工作日" in client.get(f"/hospital/{facility}/calendar/2026").text


def test_holidays_of_a_year_are_replaced_and_audited(
    client: Any, login: Login, runtime: Runtime, facility: int, elsewhere: int
) -> None:
    who = login("administrator")
    address = f"/hospital/{facility}/calendar/2031"
    client.post(address, data={"holidays": "2031-10-01 National Day\r\n2031-10-02", "workdays": "2031-10-11"})
    page = client.get(address).text
    assert "2031-10-01 National Day\r\n2031-10-02</textarea>" in page or "National Day\n2031-10-02</textarea>" in page
    found = calendar(runtime, facility)
    assert date(2031, 10, 1) in found.holidays
    assert found.is_workday(date(2031, 10, 11)), "a Saturday that is worked"
    assert "2031" not in client.get(f"/hospital/{facility}/calendar/2032").text.split("<textarea", 1)[1]

    client.post(address, data={"holidays": "2031-10-03", "workdays": ""})
    found = calendar(runtime, facility)
    assert {day for day in found.holidays | found.workdays if day.year == 2031} == {date(2031, 10, 3)}
    assert not calendar(runtime, elsewhere).holidays
    assert audited(runtime) == [
        ("facility.calendar_changed", who, facility, {"year": 2031, "days": 3}),
        ("facility.calendar_changed", who, facility, {"year": 2031, "days": 1}),
    ]


def test_wrong_days_are_named_by_line_and_nothing_is_saved(
    client: Any, login: Login, runtime: Runtime, facility: int
) -> None:
    login("administrator")
    fields = {"holidays": "2031-10-01\nOctober 2\n2030-10-03", "workdays": "2031-10-01"}
    page = client.post(f"/hospital/{facility}/calendar/2031", data=fields).text

    assert "Line 2: begin with a date such as 2026-10-01. Line 3: this day is not in 2031." in page
    assert "2031-10-01 is among the holidays as well." in page
    assert date(2031, 10, 1) not in calendar(runtime, facility).holidays


@pytest.mark.parametrize("role", ["nurse", "manager", "auditor"])
def test_others_neither_see_nor_change_it(
    client: Any, login: Login, runtime: Runtime, facility: int, role: str
) -> None:
    login(role)

    assert 'href="/hospital"' not in client.get("/account").text
    for address in ("/hospital", f"/hospital/{facility}", f"/hospital/{facility}/calendar/2026"):
        assert client.get(address).status_code == 403
    assert client.post(f"/hospital/{facility}", data=FIELDS | {"max_attempts": "9"}).status_code == 403
    assert settings(runtime, facility).max_attempts == 3


def test_another_hospital_does_not_exist_here(
    client: Any, login: Login, runtime: Runtime, facility: int, elsewhere: int
) -> None:
    login("administrator")

    assert 'href="/hospital"' in client.get("/users").text
    assert f"/hospital/{elsewhere}" not in client.get(f"/hospital/{facility}").text
    page = client.post(f"/hospital/{facility}", data=FIELDS | {"our_number": f"1069{elsewhere:06d}"}).text
    assert "Another hospital has this number" in page
    for address in (f"/hospital/{elsewhere}", f"/hospital/{elsewhere}/calendar/2026"):
        assert client.get(address).status_code == 404
    assert client.post(f"/hospital/{elsewhere}", data=FIELDS | {"max_attempts": "9"}).status_code == 404
    assert settings(runtime, elsewhere).max_attempts == 3
    assert client.get(f"/hospital/{facility}/calendar/1999").status_code == 404
