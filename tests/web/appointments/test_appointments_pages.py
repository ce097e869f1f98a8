from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from hcrm.appointments import service
from hcrm.appointments.domain.states import AppointmentState, Via
from hcrm.appointments.models import Appointment, ClinicSession, Sitting, Slot
from hcrm.audit.models import AuditEntry
from hcrm.ids import patient_token
from hcrm.messaging.service import install_default_templates
from hcrm.patients.models import Patient
from hcrm.unit_of_work import unit_of_work
from tests.factories_appointments import DAY, Clinic, at
from tests.factories_messaging import MessagingFactory

S = AppointmentState


@pytest.fixture
def ward(runtime, facility, departments, now):
    """Two patients of internal medicine with stays, a session of four places on Monday: ids by name."""
    with unit_of_work(runtime.sessions) as session:
        install_default_templates(session, now)
        make, clinic = MessagingFactory(session, now, facility), Clinic(session, now, facility, departments["MED"])
        clinician = clinic.clinician()
        people = [make.patient(full_name=name) for name in ("王小明", "李强")]
        stays = [make.stay(each, department_id=departments["MED"], clinician_id=clinician) for each in people]
        clinic.publish(clinician_id=clinician)
        return {
            "patient": people[0],
            "other": people[1],
            "stay": stays[0],
            "slots": [slot.id for slot in clinic.slots()],
            "sitting": clinic.sittings()[0].id,
            "clinician": clinician,
        }


def booked(runtime, ward, now, slot=0):
    with unit_of_work(runtime.sessions) as session:
        return service.book(
            session,
            patient_id=ward["patient"],
            slot_id=ward["slots"][slot],
            encounter_id=ward["stay"],
            via=Via.STAFF,
            now=now,
        )


def row(runtime, visit_id):
    with unit_of_work(runtime.sessions) as session:
        found = session.get_one(Appointment, visit_id)
        session.expunge(found)
        return found


def test_a_nurse_books_by_one_press_and_sees_it_in_every_view(client, login, ward, departments, runtime):
    login("nurse", departments["MED"])
    page = client.get(f"/visits/book?patient={ward['patient']}&encounter={ward['stay']}")
    assert page.text.count('name="slot"') == 4
    answer = client.post(
        "/visits/book", data={"slot": ward["slots"][1], "patient": ward["patient"], "encounter": ward["stay"]}
    )
    assert answer.status_code == 302
    for view in ("day", "week"):
        assert "王小明" in client.get(f"/visits?view={view}&on={DAY}").text
    month = client.get(f"/visits?view=month&on={DAY}").text
    assert "3 of 4 free" in month
    assert "王小明" not in month
    day_list = client.get(f"/visits/day-list?on={DAY}").text
    assert "09:15" in day_list
    assert "王小明" in day_list
    person = client.get(f"/patients/{ward['patient']}").text
    assert "Return visit booked for 2026-03-16 09:15" in person
    taken = client.post(
        "/visits/book", data={"slot": ward["slots"][1], "patient": ward["other"]}, follow_redirects=True
    )
    assert "That time has just been taken." in taken.text
    assert "Free next: Mon 16 Mar 2026, 09:00" in taken.text


def test_a_visit_is_moved_confirmed_and_given_up_on_its_page(client, login, ward, departments, runtime, now):
    visit_id = booked(runtime, ward, now)
    login("service_agent")
    assert "Not confirmed yet" in client.get(f"/visits/{visit_id}").text
    client.post(f"/visits/{visit_id}", data={"do": "confirm"})
    client.post(f"/visits/{visit_id}", data={"do": "move", "slot": ward["slots"][2]})
    assert row(runtime, visit_id).starts_at == at(DAY, 9, 30)
    early = client.post(f"/visits/{visit_id}", data={"do": "arrive"}, follow_redirects=True)
    assert "The visit has not begun yet." in early.text
    client.post(f"/visits/{visit_id}", data={"do": "cancel", "reason": "not_needed", "comment": "well again"})
    page = client.get(f"/visits/{visit_id}").text
    assert row(runtime, visit_id).state is S.CANCELLED
    assert "It is not needed any more" in page
    assert "well again" in page


def test_a_session_is_published_refused_with_its_clash_and_closed(client, login, ward, departments, runtime, now):
    booked(runtime, ward, now)
    login("department_head", departments["MED"])
    form = {
        "department": departments["MED"],
        "clinician": ward["clinician"],
        "room": "5F-01",
        "first_on": "2026-03-16",
        "last_on": "2026-03-30",
        "weekdays": ["0"],
        "every_weeks": "1",
        "starts": "09:30",
        "slot_minutes": "15",
        "slots": "4",
        "capacity": "1",
    }
    clash = client.post("/visits/sessions", data=form)
    assert clash.status_code == 422
    assert "It is the one in 2F-03, Mon 16 Mar 2026, 09:00 to 10:00." in clash.text
    endless = client.post("/visits/sessions", data=form | {"last_on": ""})
    assert "Say on which day the session is held for the last time." in endless.text
    told = client.post("/visits/sessions", data=form | {"room": "Internal medicine 3", "starts": "10:00"})
    assert "would name the department" in told.text
    assert client.post("/visits/sessions", data=form | {"starts": "10:00"}).status_code == 302
    with unit_of_work(runtime.sessions) as session:
        assert len(session.scalars(select(ClinicSession)).all()) == 2
    client.post(f"/visits/sittings/{ward['sitting']}", data={"reason": "ill", "on": "2026-03-16"})
    with unit_of_work(runtime.sessions) as session:
        assert session.get_one(Sitting, ward["sitting"]).closed_reason == "ill"
    assert "closed: ill" in client.get(f"/visits?on={DAY}").text


def test_who_finds_no_time_waits_and_stands_on_the_list(client, login, ward, departments, runtime):
    login("nurse", departments["MED"])
    data = {
        "patient": ward["patient"],
        "encounter": ward["stay"],
        "department": departments["MED"],
        "first_on": "2026-03-11",
        "last_on": "2026-03-20",
    }
    client.post("/visits/wait", data=data)
    assert "王小明" in client.get("/visits/waiting").text
    again = client.post("/visits/wait", data=data, follow_redirects=True)
    assert "on this waiting list already" in again.text
    client.get(f"/visits/book?patient={ward['patient']}")
    with runtime.sessions() as session:
        looks = session.execute(select(AuditEntry.action, AuditEntry.patient_id, AuditEntry.details)).tuples().all()
    assert ("appointment.listed", None, {"view": "waiting", "count": 1}) in looks
    assert ("patient.viewed", ward["patient"], {}) in looks


def test_a_clinicians_calendar_has_a_secret_address_without_names(client, login, ward, departments, runtime, now):
    booked(runtime, ward, now)
    login("department_head", departments["MED"])
    client.post(f"/visits/feeds/{ward['clinician']}")
    first = re.search(r"/calendar-feed/[\w-]+\.ics", client.get("/visits/sessions").text)[0]
    client.post(f"/visits/feeds/{ward['clinician']}")
    second = re.search(r"/calendar-feed/[\w-]+\.ics", client.get("/visits/sessions").text)[0]
    client.post("/logout")
    assert client.get(first).status_code == 404
    feed = client.get(second)
    assert feed.mimetype == "text/calendar"
    assert "DTSTART:20260316T010000Z" in feed.text
    assert "王小明" not in feed.text


# ── the patient's page ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def link(runtime, ward, now):
    """(address, id) of the patient's page of a visit on Monday at nine."""
    visit_id = booked(runtime, ward, now)
    return f"/a/{patient_token(runtime.settings.secret_key, 'appointment', visit_id)}", visit_id


def enter(client, address):
    answer = client.post(address, data={"year": "1986", "month": "1", "day": "01"})
    assert answer.status_code == 303
    return answer.location


def test_a_link_shows_nothing_before_the_birth_date_and_sets_no_cookie(client, link, runtime):
    address, _ = link
    page = client.get(address)
    assert "09:00" not in page.text
    assert "2F-03" not in page.text
    wrong = client.post(address, data={"year": "1985", "month": "1", "day": "1"})
    assert wrong.status_code == 422
    inside = client.get(enter(client, address))
    assert "09:00" in inside.text
    assert "内科" not in inside.text
    assert "Set-Cookie" not in inside.headers
    assert inside.headers["Referrer-Policy"] == "no-referrer"
    for _try in range(5):
        client.post(address, data={"year": "1985", "month": "1", "day": "1"})
    assert client.post(address, data={"year": "1986", "month": "1", "day": "1"}).status_code == 429


def test_the_patient_confirms_moves_saves_and_gives_back(client, link, ward, runtime):
    address, visit_id = link
    inside = enter(client, address)
    key = re.search(r"k=([^&]+)", inside)[1]
    client.post(address, data={"k": key, "do": "confirm"})
    assert row(runtime, visit_id).confirmed_at is not None
    assert client.get(f"{inside}&move=1").text.count('name="slot"') == 3
    client.post(address, data={"k": key, "do": "move", "slot": ward["slots"][3]})
    assert row(runtime, visit_id).starts_at == at(DAY, 9, 45)
    ics = client.get(f"{address}/visit.ics?k={key}")
    assert "DTSTART:20260316T014500Z" in ics.text
    assert "SEQUENCE:1" in ics.text
    client.post(address, data={"k": key, "do": "cancel"})
    assert row(runtime, visit_id).state is S.CANCELLED
    assert client.get(inside).status_code == 410


def test_expired_foreign_and_invented_links_do_nothing(client, link, ward, runtime, clock, now):
    address, visit_id = link
    with unit_of_work(runtime.sessions) as session:
        other = service.book(session, patient_id=ward["other"], slot_id=ward["slots"][1], via=Via.STAFF, now=now)
    key = re.search(r"k=([^&]+)", enter(client, address))[1]
    foreign = f"/a/{patient_token(runtime.settings.secret_key, 'appointment', other)}"
    client.post(foreign, data={"k": key, "do": "cancel"})
    assert row(runtime, other).state is S.BOOKED
    assert client.get("/a/" + "x" * 12).status_code == 404
    assert client.get("/a/short").status_code == 404
    clock.advance(timedelta(days=7))
    assert client.post(address, data={"k": key, "do": "cancel"}).status_code == 410
    assert row(runtime, visit_id).state is S.BOOKED


def test_without_a_birth_date_on_record_the_link_alone_opens_the_page(client, link, ward, runtime):
    address, _ = link
    with unit_of_work(runtime.sessions) as session:
        session.get_one(Patient, ward["patient"]).birth_date = None
    assert client.post(address, data={}).status_code == 303
    with unit_of_work(runtime.sessions) as session:
        assert session.scalars(select(Slot.id)).all()
