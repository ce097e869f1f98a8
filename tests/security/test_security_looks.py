"""Every look at a patient is written down, also where a page is shown in answer to a form that was refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from hcrm.audit.models import AuditEntry
from hcrm.patients.models import ContactPoint, Patient
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

Login = Callable[..., int]

pytestmark = pytest.mark.database


@pytest.fixture
def patients(runtime: Runtime, facility: int) -> list[int]:
    """Two patients who went home, with plans."""
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        rows = [discharged("M1", "V1"), discharged("M2", "V2")]
        discharge(session, facility, *rows, now=runtime.clock.now())
        return list(session.scalars(select(Patient.id).order_by(Patient.id)))


def looks(runtime: Runtime, action: str) -> list[AuditEntry]:
    with runtime.sessions() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def test_a_refused_change_shows_the_patient_not_unseen(
    client: Any, login: Login, runtime: Runtime, patients: list[int]
) -> None:
    login("nurse")
    page = client.post(f"/patients/{patients[0]}/language", data={"language": "none"})

    assert "王小明" in page.text
    assert [entry.patient_id for entry in looks(runtime, "patient.viewed")] == [patients[0]]


def test_comparing_two_records_is_a_look_at_both(
    client: Any, login: Login, runtime: Runtime, patients: list[int]
) -> None:
    login("service_agent")
    assert client.get(f"/patients/{patients[0]}/merge/{patients[1]}").status_code == 200

    assert [entry.patient_id for entry in looks(runtime, "patient.viewed")] == patients


def test_a_search_says_whom_it_listed_but_not_what_was_typed(
    client: Any, login: Login, runtime: Runtime, facility: int, patients: list[int]
) -> None:
    user_id = login("nurse")
    client.post("/patients", data={"q": "王小明"})
    client.post("/patients", data={"q": "nobody at all"})

    [entry] = looks(runtime, "patient.found")
    assert (entry.actor_user_id, entry.facility_id) == (user_id, facility)
    assert entry.details == {"patients": patients}


def test_a_refused_result_of_a_call_and_its_questions_are_looks(
    client: Any, login: Login, runtime: Runtime, patients: list[int]
) -> None:
    login("nurse")
    with runtime.sessions() as session:
        task_id = tasks_of(session)["clinical_call"].id
        contact_id = session.scalars(select(ContactPoint.id)).first()
    who = {"who": "patient", "said_name": "y", "said_second": "y", "contact_point_id": contact_id}
    client.post(f"/calls/{task_id}/identity", data=who)
    before = len(looks(runtime, "task.viewed"))
    assert client.get(f"/calls/{task_id}/questions").status_code == 200
    assert client.post(f"/calls/{task_id}/outcome", data={}).status_code == 422

    assert len(looks(runtime, "task.viewed")) == before + 2
