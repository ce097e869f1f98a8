"""Contacts without the list, links from the hospital's own system, and what they open."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.followup.domain.links import link_key, signature
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AlertRow, AttemptRow, TaskRow
from hcrm.patients.models import Patient
from hcrm.unit_of_work import unit_of_work
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database


@pytest.fixture
def patient(runtime, facility):
    """(patient, clinical call) of somebody who went home yesterday."""
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged(), now=runtime.clock.now())
        return session.scalars(select(Patient.id)).one(), tasks_of(session)["clinical_call"].id


def one(runtime, query):
    with runtime.sessions() as session:
        return session.scalars(query).one_or_none()


def page_fields(page):
    """What the form sends when nothing is changed."""
    fields = {name: re.search(rf'name="{name}"[^>]*value="([^"]+)"', page).group(1) for name in ("key", "at")}
    chosen = re.findall(r'<input checked[^>]*name="(\w+)"[^>]*value="(\w+)"', page)
    task = re.search(r'<option selected value="(\d+)"', page)
    return fields | dict(chosen) | {"task": task.group(1) if task else "0"}


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_a_call_made_elsewhere_is_noted_with_one_click(client, login, runtime, patient, departments, language):
    login("physician", departments["MED"], language=language)
    patient_id, call_id = patient
    sent = page_fields(client.get(f"/patients/{patient_id}/contact").text)
    assert (sent["kind"], sent["outcome"], sent["task"]) == ("call", "well", str(call_id))
    for _ in range(2):
        assert client.post(f"/patients/{patient_id}/contact", data=sent).status_code == 302
    task = one(runtime, select(TaskRow).where(TaskRow.id == call_id))
    assert (task.status, task.self_reported) == (TaskStatus.COMPLETED, True)
    attempt = one(runtime, select(AttemptRow))
    assert (attempt.self_reported, attempt.contact_kind.value, attempt.duration_seconds) == (True, "call", None)


def test_a_patient_who_called_and_waits_has_an_alert_with_their_words(client, login, runtime, patient, departments):
    login("nurse", departments["MED"])
    patient_id, call_id = patient
    sent = page_fields(client.get(f"/patients/{patient_id}/contact").text)
    sent |= {"kind": "inbound_call", "task": "0", "waits": "y", "note": "Asks when the stitches come out."}
    assert client.post(f"/patients/{patient_id}/contact", data=sent).status_code == 302
    alert = one(runtime, select(AlertRow))
    assert (alert.rule, alert.severity.value, alert.owner_role) == ("called_back", "routine", "nurse")
    page = client.get(f"/alerts/{alert.id}").text
    assert "The patient called back" in page
    assert "Asks when the stitches come out." in page
    assert one(runtime, select(TaskRow.status).where(TaskRow.id == call_id)) is TaskStatus.OPEN
    own = one(runtime, select(TaskRow).where(TaskRow.step_code == "contact"))
    assert (own.status, own.enrolment_id, own.self_reported) == (TaskStatus.COMPLETED, None, True)


def test_words_of_danger_make_a_worry_urgent(client, login, runtime, patient, departments):
    login("nurse", departments["MED"])
    sent = page_fields(client.get(f"/patients/{patient[0]}/contact").text)
    sent |= {"outcome": "worry", "note": "说胸痛"}
    client.post(f"/patients/{patient[0]}/contact", data=sent)
    assert one(runtime, select(AlertRow)).severity.value == "urgent"


def test_what_cannot_be_is_not_noted(client, login, runtime, patient, departments):
    login("nurse", departments["MED"])
    patient_id, call_id = patient
    sent = page_fields(client.get(f"/patients/{patient_id}/contact").text)
    for change in ({"outcome": "not_reached", "task": "0"}, {"at": "2030-01-01T10:00"}, {"at": "0001-01-01T00:00"}):
        assert client.post(f"/patients/{patient_id}/contact", data=sent | change).status_code in {200, 422}
    assert one(runtime, select(AttemptRow)) is None
    assert client.post(f"/patients/{patient_id}/contact", data=sent | {"outcome": "not_reached"}).status_code == 302
    assert one(runtime, select(TaskRow.attempt_count).where(TaskRow.id == call_id)) == 1


def link(runtime, *, visit="V1", until=None, **changes):
    end = int((until or runtime.clock.now() + timedelta(minutes=5)).timestamp())
    key = link_key(runtime.settings.secret_key, "TEST")
    given = {"facility": "TEST", "visit": visit, "until": end, "sig": signature(key, "TEST", visit, end)} | changes
    return "/visit?" + "&".join(f"{name}={value}" for name, value in given.items())


def test_a_signed_link_opens_the_call_of_a_visit_for_those_who_may(client, login, runtime, patient, departments):
    login("physician", departments["MED"])
    patient_id, call_id = patient
    assert client.get(link(runtime)).location.endswith(f"/calls/{call_id}")
    assert client.get(link(runtime, log=1)).location.endswith(f"/patients/{patient_id}/contact")
    assert client.get(link(runtime, visit="V2")).status_code == 404
    assert client.get(link(runtime) + "0").status_code == 400
    assert client.get(link(runtime, visit="V1", sig="é")).status_code == 400
    assert client.get(link(runtime, visit="V1", sig="0" * 64)).status_code == 400
    assert client.get(link(runtime, until=runtime.clock.now() - timedelta(minutes=1))).status_code == 400
    assert client.get(link(runtime, until=None, facility="OTHER")).status_code == 400
    client.post("/logout")
    login("physician", departments["SUR"])
    assert client.get(link(runtime)).status_code == 403


def test_an_administrator_sees_how_links_are_made_and_a_stranger_logs_in_first(client, login, runtime, patient):
    assert client.get(link(runtime)).location.startswith("/login")
    login("administrator")
    assert link_key(runtime.settings.secret_key, "TEST") in client.get("/visit-links").text
