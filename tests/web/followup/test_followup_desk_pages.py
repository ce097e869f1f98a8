"""The head nurse's pages: workload, absences, the accounts of doctors, and handing a task over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.followup.models import AbsenceRow, ClinicianAccountRow, TaskRow
from hcrm.organization.models import Clinician
from hcrm.unit_of_work import unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database


@pytest.fixture
def call_id(runtime, facility):
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(), now=runtime.clock.now())
        return tasks_of(session)["clinical_call"].id


def one(runtime, query):
    with runtime.sessions() as session:
        return session.scalars(query).one_or_none()


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_a_head_gives_tasks_out_and_enters_who_is_away(client, login, runtime, call_id, departments, language):
    nurse = login("nurse", departments["MED"])
    client.post("/logout")
    login("department_head", departments["MED"], language=language)
    page = client.get("/workload")
    assert page.status_code == 200
    assert "王小明" in page.text
    client.post("/workload/assign", data={"task": [call_id], "to": nurse})
    assert one(runtime, select(TaskRow.assignee_user_id).where(TaskRow.id == call_id)) == nurse
    assert "王小明" in client.get(f"/workload?of={nurse}").text
    day = runtime.clock.now().date()
    away = {"person": nurse, "from_on": day, "until_on": day - timedelta(days=1), "stand_in": "0"}
    assert client.post("/absences", data=away).status_code == 422
    assert client.post("/absences", data=away | {"until_on": day}).status_code == 302
    assert client.post("/absences", data=away | {"until_on": day}).status_code == 422
    absence_id = one(runtime, select(AbsenceRow.id))
    assert client.get("/workload").status_code == 200
    assert client.post(f"/absences/{absence_id}/remove").status_code == 302
    assert client.post(f"/absences/{absence_id}/remove").status_code == 404


def test_a_nurse_hands_a_task_to_a_colleague_but_not_to_another_ward(client, login, runtime, call_id, departments):
    colleague = login("physician", departments["MED"])
    client.post("/logout")
    elsewhere = login("service_agent")
    client.post("/logout")
    login("nurse", departments["MED"])
    client.get(f"/calls/{call_id}")
    page = client.get(f"/calls/{call_id}/assign").text
    assert f'value="{colleague}"' in page
    client.post(f"/calls/{call_id}/assign", data={"to": elsewhere})
    assert one(runtime, select(TaskRow.assignee_user_id).where(TaskRow.id == call_id)) is None
    client.post(f"/calls/{call_id}/assign", data={"to": colleague})
    found = one(runtime, select(TaskRow).where(TaskRow.id == call_id))
    assert (found.assignee_user_id, found.lease_user_id) == (colleague, None)


def test_an_administrator_says_which_account_a_doctor_has(client, login, runtime, facility, departments):
    with unit_of_work(runtime.sessions) as session:
        session.add(Clinician(facility_id=facility, code="D1", name="Dr Wang"))
    doctor = login("physician", departments["MED"])
    client.post("/logout")
    login("administrator")
    clinician = one(runtime, select(Clinician.id))
    page = client.get("/doctors")
    assert "Dr Wang" in page.text
    client.post("/doctors", data={f"account-{clinician}": "nobody"})
    assert one(runtime, select(ClinicianAccountRow)) is None
    username = page.text.split('<option value="')[1].split('"')[0]
    client.post("/doctors", data={f"account-{clinician}": username})
    assert one(runtime, select(ClinicianAccountRow)).user_id == doctor
    client.post("/doctors", data={f"account-{clinician}": ""})
    assert one(runtime, select(ClinicianAccountRow)) is None
