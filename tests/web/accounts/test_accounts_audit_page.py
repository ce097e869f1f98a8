"""The auditor's page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hcrm.audit.service import record
from hcrm.clock import FixedClock
from hcrm.organization.service import ensure_facility
from hcrm.unit_of_work import Runtime, unit_of_work

Login = Callable[..., int]


def look(runtime: Runtime, facility: int | None, patient: int, user_id: int | None = None) -> None:
    with unit_of_work(runtime.sessions) as session:
        record(
            session,
            now=runtime.clock.now(),
            action="view_patient",
            actor_user_id=user_id,
            facility_id=facility,
            object_kind="patient",
            object_id=patient,
            patient_id=patient,
        )


@pytest.fixture
def auditor(login: Login) -> int:
    return login("auditor")


def rows(client: Any, **filters: Any) -> str:
    answer = client.get("/audit", query_string=filters)
    assert answer.status_code == 200
    return str(answer.text).split("<tbody>")[-1] if "<tbody>" in answer.text else ""


def test_entries_are_filtered_by_patient(client: Any, auditor: int, runtime: Runtime, facility: int) -> None:
    look(runtime, facility, 4711)
    look(runtime, facility, 4712)

    assert "Patient 4711" in rows(client, patient=4711)
    assert "Patient 4712" not in rows(client, patient=4711)


def test_entries_are_filtered_by_person_and_action(client: Any, auditor: int, runtime: Runtime, facility: int) -> None:
    look(runtime, facility, 1)
    look(runtime, facility, 2, auditor)

    mine = rows(client, who=auditor, action="view_patient")
    assert "Patient 2" in mine
    assert "Patient 1<" not in mine
    assert "Log-in" not in mine


def test_period_is_in_days_of_the_hospital(
    client: Any, login: Login, runtime: Runtime, facility: int, clock: FixedClock
) -> None:
    look(runtime, facility, 1)
    login("auditor")

    assert "Patient 1" in rows(client, since="2026-03-10", until="2026-03-10")
    assert rows(client, since="2026-03-11", action="view_patient") == ""
    assert rows(client, until="2026-03-09", action="view_patient") == ""


def test_other_facilities_are_not_shown(client: Any, auditor: int, runtime: Runtime) -> None:
    with unit_of_work(runtime.sessions) as session:
        other = ensure_facility(session, code="X", name="X", timezone="UTC", country="GB", now=runtime.clock.now())
    look(runtime, other, 4711)

    assert "4711" not in rows(client)


def test_older_entries_are_on_the_next_page(client: Any, auditor: int, runtime: Runtime, facility: int) -> None:
    for patient in range(1, 56):
        look(runtime, facility, 9000 + patient)
    first = client.get("/audit", query_string={"action": "view_patient"}).text
    assert "Patient 9055" in first
    assert "Patient 9005" not in first
    older = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")

    assert "Patient 9005" in client.get(older).text


def test_filter_that_cannot_be_read_is_said(client: Any, auditor: int) -> None:
    answer = client.get("/audit", query_string={"patient": "Margaret", "since": "yesterday"})

    assert answer.status_code == 200
    assert "Not a valid integer value." in answer.text
    assert "Not a valid date value." in answer.text


def test_looking_is_audited(client: Any, auditor: int) -> None:
    client.get("/audit")

    assert "Look at the audit" in rows(client)
