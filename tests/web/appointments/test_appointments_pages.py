from __future__ import annotations

import csv
import io
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from hcrm.appointments import service
from hcrm.appointments.domain.states import AppointmentState, Via
from hcrm.appointments.models import Appointment, ClinicSession, Sitting
from hcrm.audit.models import AuditEntry
from hcrm.ids import patient_token
from hcrm.messaging.models import OutboxMessage
from hcrm.messaging.service import install_default_templates
from hcrm.organization.models import Department
from hcrm.patients.domain import Proof
from hcrm.patients.models import Encounter, Patient, PatientIdentifier
from hcrm.reporting import service as reports
from hcrm.reporting.domain.reports import By, Selection
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
    assert "Return visit booked for Mon 16 Mar 2026, 09:15" in person
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


def test_a_clinicians_calendar_has_a_secret_address_without_names(
    client, login, ward, facility, departments, runtime, now
):
    booked(runtime, ward, now)
    with unit_of_work(runtime.sessions) as session:
        session.add(PatientIdentifier(facility_id=facility, patient_id=ward["patient"], system="mrn", value="ZY-0742"))
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
    assert "record …0742" in feed.text
    with unit_of_work(runtime.sessions) as session:
        session.get_one(Department, departments["MED"]).sensitive = True
    closed = client.get(second).text
    assert "DTSTART:20260316T010000Z" in closed
    assert "0742" not in closed


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


def test_without_a_birth_date_on_record_the_end_of_the_record_number_opens_the_page(client, link, ward, runtime):
    address, _ = link
    with unit_of_work(runtime.sessions) as session:
        session.get_one(Patient, ward["patient"]).birth_date = None
        facility_id, mrn = session.get_one(Patient, ward["patient"]).facility_id, "ZY-0074-2B"
        session.add(PatientIdentifier(facility_id=facility_id, patient_id=ward["patient"], system="mrn", value=mrn))
    page = client.get(address)
    assert 'name="record"' in page.text
    for hidden in ("09:00", "2F-03", "Dr Li", "内科", "王小明", mrn):
        assert hidden not in page.text
    for wrong in ({}, {"record": ""}, {"record": "0"}, {"year": "1986", "month": "1", "day": "1"}):
        refused = client.post(address, data=wrong)
        assert (refused.status_code, "09:00" in refused.text) == (422, False)
    assert client.post(address, data={"record": " 74２b "}).status_code == 303


def test_wrong_answers_lock_the_link_and_shut_it_for_good_until_a_new_one_is_sent(
    client, login, link, ward, runtime, clock, now
):
    address, visit_id = link
    right, wrong = {"year": "1986", "month": "1", "day": "1"}, {"year": "1985", "month": "1", "day": "1"}
    for _hour in range(3):
        codes = [client.post(address, data=wrong).status_code for _try in range(5)]
        assert codes == [422, 422, 422, 422, 429]
        assert client.post(address, data=right).status_code == 429
        clock.advance(timedelta(hours=1, minutes=1))
    assert "此链接已失效" in client.post(address, data=right).text
    login("service_agent")
    client.post(f"/visits/{visit_id}", data={"do": "revoke"})
    client.post("/logout")
    assert client.get(address).status_code == 404
    fresh = f"/a/{patient_token(runtime.settings.secret_key, 'appointment', visit_id, 1)}"
    assert client.post(fresh, data=right).status_code == 303


def test_tries_at_the_same_moment_are_all_counted(runtime, link, now):
    _, visit_id = link

    def attempt(_number):
        with unit_of_work(runtime.sessions) as session:
            given = Proof(date(1985, 1, 1))
            return service.enter(session, appointment_id=visit_id, given=given, now=now)

    with ThreadPoolExecutor(5) as pool:
        found = list(pool.map(attempt, range(12)))
    assert found.count(service.Entry.WRONG) == 4
    assert row(runtime, visit_id).wrong_dates == 5


def test_a_link_is_taken_back_and_the_text_with_the_new_one_holds_it(client, login, link, runtime, ward):
    _address, visit_id = link
    login("service_agent")
    page = client.post(f"/visits/{visit_id}", data={"do": "revoke"}, follow_redirects=True).text
    assert "The patient gets a text with a new one." in page
    assert "link was taken back" in page
    with unit_of_work(runtime.sessions) as session:
        sent = session.scalars(select(OutboxMessage).where(OutboxMessage.patient_id == ward["patient"])).all()
        assert [(each.template_code, each.values.get("link_generation")) for each in sent] == [
            ("appt_booked", None),
            ("appt_booked", "1"),
        ]
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.action == "appointment.revoke")).all()


def test_a_session_is_changed_and_ended_on_its_page(client, login, ward, departments, runtime, now):
    visit_id = booked(runtime, ward, now)
    login("department_head", departments["MED"])
    page = client.get("/visits/sessions").text
    assert "4 times of 15 minutes, 1 patient at a time" in page
    address = re.search(r"/visits/sessions/\d+", page)[0]
    shown = client.get(address).text
    assert "1 visit is booked" in shown
    form = {
        "from_on": "2026-03-16",
        "clinician": ward["clinician"],
        "room": "5F-01",
        "starts": "09:00",
        "slot_minutes": "15",
        "slots": "4",
        "capacity": "1",
    }
    told = client.post(address, data=form | {"room": "Internal medicine"})
    assert (told.status_code, "would name the department" in told.text) == (422, True)
    changed = client.post(address, data=form)
    assert changed.status_code == 302
    assert row(runtime, visit_id).room == "5F-01"
    calendar = client.get(f"/visits?on={DAY}").text
    assert "5F-01" in calendar
    assert "2F-03" not in calendar  # the day as it was before is not shown a second time
    assert client.post(f"{changed.location}/close", data={"close_from": "2026-03-16"}).status_code == 422
    ended = client.post(
        f"{changed.location}/close", data={"close_from": "2026-03-16", "reason": "leaves"}, follow_redirects=True
    )
    assert "1 day is closed. 1 patient is told." in ended.text
    assert row(runtime, visit_id).state is S.CANCELLED
    assert client.get("/visits/sessions/999999").status_code == 404


def test_an_ended_session_is_listed_apart_without_a_link_to_change_it(client, login, ward, departments, runtime):
    login("department_head", departments["MED"])
    page = client.get("/visits/sessions").text
    assert "Ended (" not in page
    address = re.search(r"/visits/sessions/\d+", page)[0]
    with unit_of_work(runtime.sessions) as session:
        for sitting in session.scalars(select(Sitting)):
            sitting.closed_at = runtime.clock.now()
    ended = client.get("/visits/sessions").text
    assert "Ended (1)" in ended
    assert "No session has a day to come" in ended
    assert address not in ended


def test_somebody_elses_session_is_neither_seen_nor_changed(client, login, ward, departments, runtime):
    with unit_of_work(runtime.sessions) as session:
        session_id = session.scalars(select(ClinicSession.id)).one()
    login("department_head", departments["SUR"])
    assert client.get(f"/visits/sessions/{session_id}").status_code in (403, 404)
    closing = {"close_from": "2026-03-16", "reason": "x"}
    assert client.post(f"/visits/sessions/{session_id}/close", data=closing).status_code in (403, 404)
    with unit_of_work(runtime.sessions) as session:
        assert session.scalars(select(Sitting.closed_at)).one() is None


def test_page_file_and_command_show_the_same_figures(client, login, ward, departments, runtime, facility, clock, now):
    visit_id = booked(runtime, ward, now)
    clock.advance(timedelta(days=8))
    evening = now + timedelta(days=8)
    with unit_of_work(runtime.sessions) as session:
        service.fulfil(session, appointment_id=visit_id, via=Via.STAFF, now=evening)
        days = Selection(now.date(), DAY, None)
        told = reports.visit_json(session, selection=days, by=By.DEPARTMENT, now=evening)
    assert (told["total"]["kept"], told["total"]["visits_due"], told["total"]["rate"]) == (1, 1, 1.0)
    assert [(each["code"], each["kept"]) for each in told["rows"] if each["kept"]] == [("MED", 1)]
    login("manager")
    address = f"from={now.date()}&to={DAY}"
    page = client.get(f"/visits/figures?{address}").text
    file = re.search(r'href="(/figures/visits\.csv[^"]+)"', page)[1].replace("&amp;", "&")
    lines = list(csv.DictReader(io.StringIO(client.get(file).data.decode("utf-8-sig"))))
    assert (lines[-1]["kept"], lines[-1]["visits_due"]) == ("1", "1")
    book = client.get(file.replace(".csv", ".xlsx"))
    assert book.status_code == 200
    assert book.data.startswith(b"PK")
    login("nurse", departments["MED"])
    assert client.get(file).status_code == 403


# ── sensitive visits ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def psychiatry(runtime, ward, facility, departments, now):
    """A visit of the patient to surgery, which is marked sensitive, on Tuesday at nine; its id."""
    with unit_of_work(runtime.sessions) as session:
        session.get_one(Department, departments["SUR"]).sensitive = True
        clinic = Clinic(session, now, facility, departments["SUR"])
        published = clinic.publish(day=DAY + timedelta(days=1), room="9F-01")
        return clinic.book(ward["patient"], clinic.slots(published)[0].id)


def test_a_visit_to_a_sensitive_department_is_seen_by_those_who_work_there_alone(
    client, login, ward, psychiatry, departments, runtime
):
    people = f"/patients/{ward['patient']}"
    login("nurse", departments["MED"])
    assert client.get(f"/visits/{psychiatry}").status_code in (403, 404)
    for page in (people, f"/visits/book?patient={ward['patient']}", "/visits/waiting"):
        text = client.get(page).text
        assert "9F-01" not in text
        assert "17 Mar 2026" not in text
    assert "王小明" not in client.get(f"/visits?on={DAY}").text
    client.post(f"/visits/{psychiatry}", data={"do": "cancel", "reason": "mistake"})
    assert row(runtime, psychiatry).state is S.BOOKED
    login("service_agent")
    assert "17 Mar 2026" in client.get(people).text
    assert client.get(f"/visits/{psychiatry}").status_code == 200


def test_texts_about_a_sensitive_visit_are_seen_by_those_who_may_know_of_it_alone(
    client, login, ward, psychiatry, departments, runtime
):
    with unit_of_work(runtime.sessions) as session:
        sent = session.scalars(select(OutboxMessage).where(OutboxMessage.conversation_subject_id == psychiatry)).one()
        sent.body = "Your appointment: 9F-01"
        message_id = sent.id
    people, why = f"/patients/{ward['patient']}", f"/messages/{message_id}/why"
    login("nurse", departments["MED"])
    assert "9F-01" not in client.get(people).text
    assert client.get(why).status_code == 403
    login("service_agent")
    assert "9F-01" in client.get(people).text
    assert client.get(why).status_code == 200


def test_a_clash_with_a_sensitive_visit_is_not_named(
    client, login, ward, psychiatry, departments, runtime, facility, now
):
    with unit_of_work(runtime.sessions) as session:
        clinic = Clinic(session, now, facility, departments["MED"])
        slot = clinic.slots(clinic.publish(day=DAY + timedelta(days=1)))[0].id
    login("nurse", departments["MED"])
    answer = client.post("/visits/book", data={"slot": slot, "patient": ward["patient"]}, follow_redirects=True)
    assert "The patient has another visit at that time." in answer.text
    assert "9F-01" not in answer.text


def test_a_visit_after_a_sensitive_stay_follows_the_stay(client, login, ward, departments, runtime, now):
    with unit_of_work(runtime.sessions) as session:
        session.get_one(Encounter, ward["stay"]).sensitive = True
    visit_id = booked(runtime, ward, now)
    with unit_of_work(runtime.sessions) as session:
        other = MessagingFactory(session, now, row(runtime, visit_id).facility_id)
        other.stay(ward["patient"], department_id=departments["SUR"])
    login("nurse", departments["SUR"])
    assert "Return visit booked" not in client.get(f"/patients/{ward['patient']}").text
    assert client.get(f"/visits/{visit_id}").status_code in (403, 404)
    login("nurse", departments["MED"])
    assert "Return visit booked" in client.get(f"/patients/{ward['patient']}").text
