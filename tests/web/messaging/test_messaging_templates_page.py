"""The wording of messages as a nurse manager edits it: versions, preview, what must not be published."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hcrm.app import create_app
from hcrm.messaging import queries, service
from hcrm.patients.domain import sort_key
from hcrm.unit_of_work import unit_of_work
from tests.conftest import PASSWORD
from tests.factories_messaging import MessagingFactory
from tests.factories_twilio import twilio_runtime

ENGLISH = "{hospital}: Get well soon. Questions: {phone}. Emergency: {emergency}. STOP to opt out"
CHINESE = "【{hospital}】祝早日康复。咨询{phone}，紧急情况请拨{emergency}。退订回T"


@pytest.fixture
def manager(runtime, login, client):
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
    login("manager")

    def post(do, english=ENGLISH, chinese=CHINESE, **more):
        return client.post("/templates/welcome", data={"do": do, "body_en": english, "body_zh_hans": chinese} | more)

    return post


def in_force(runtime, language="en"):
    with unit_of_work(runtime.sessions) as session:
        return queries.published_wordings(session)["welcome", language]


def test_a_new_wording_is_a_new_version_and_the_next_message_says_it(client, runtime, manager):
    assert client.get("/templates").status_code == 200
    assert "As a phone shows it" in client.get("/templates/welcome").text
    assert manager("publish").status_code == 302
    assert (in_force(runtime).body, in_force(runtime).version) == (ENGLISH, 2)
    assert in_force(runtime, "zh_Hans").body == CHINESE
    with runtime.engine.connect() as connection:
        states = (
            connection.execute(
                text(
                    "SELECT version, status FROM message_template WHERE code = 'welcome' AND language = 'en' ORDER BY 1"
                )
            )
            .tuples()
            .all()
        )
    assert states == [(1, "retired"), (2, "published")]


def test_a_draft_changes_nothing_until_it_is_published(client, runtime, manager):
    manager("draft")
    manager("draft", english=ENGLISH.replace("soon", "quickly"))
    assert in_force(runtime).version == 1
    assert "Get well quickly" in client.get("/templates/welcome").text
    manager("publish")
    assert in_force(runtime).version == 2


@pytest.mark.parametrize(
    ("english", "said"),
    [
        ("", "missing in this language"),
        ("   ", "missing in this language"),
        ("Get well. {phone} STOP to opt out", "has to stand in front"),
        (ENGLISH.replace(" STOP to opt out", ""), "how to opt out"),
        (ENGLISH + " {diagnosis}", "cannot fill this in"),
        (ENGLISH + " {", "Braces"),
        (ENGLISH + " {Phone}", "Braces"),
        (ENGLISH + " Reply CANCEL to cancel", "word cancel"),
        (ENGLISH + " chemotherapy", "chemotherapy"),
        (ENGLISH + "!" * 160, "grown to more"),
        (ENGLISH + "!" * 800, "too long"),
        ("x" * 1001, "at most 1,000"),
    ],
)
def test_what_must_not_be_published_is_said_and_not_published(runtime, manager, english, said):
    page = manager("publish", english=english)
    assert page.status_code == 422
    assert said in page.text
    assert in_force(runtime).version == 1


def test_a_language_that_is_missing_altogether_is_not_published(client, runtime, manager):
    assert client.post("/templates/welcome", data={"do": "publish", "body_en": ENGLISH}).status_code == 422
    assert in_force(runtime).version == 1


def test_longer_or_doubtful_texts_need_a_yes(runtime, manager):
    longer = ENGLISH + " More about it stands on the paper that you were given when you left us. Please read it well."
    assert manager("publish", english=longer).status_code == 422
    assert manager("publish", english=longer, sure="y").status_code == 302
    assert in_force(runtime).body == longer


def test_a_preview_stores_nothing_and_shows_the_length(runtime, manager):
    page = manager("preview", english=ENGLISH + " 好")
    assert "UCS-2" in page.text
    assert in_force(runtime).version == 1


def patients(runtime, facility, *people):
    """Patients by (name, language); each has had a text that names a ward's phone."""
    with unit_of_work(runtime.sessions) as session:
        make = MessagingFactory(session, runtime.clock.now(), facility)
        session.execute(text("UPDATE facility SET name = 'City General', name_zh = '市医院', phone = '02155556666'"))
        for name, language in people:
            patient_id = make.patient(full_name=name, name_sort_key=sort_key(name), language=language)
            make.message(make.request(patient_id, values={"ward_phone": "02177778888"}))


def test_a_preview_is_filled_in_with_what_is_known_of_a_patient_and_audited(runtime, facility, manager):
    patients(runtime, facility, ("Ada Bell", "zh_Hans"))
    wording = "{hospital}: Ada Bell, your surgery. {ward_phone}, {phone} by {by}. STOP to opt out"
    page = manager("preview", english=wording, patient="ada bell").text
    assert "City General: Ada Bell, your surgery. 02177778888, 02155556666 by Mon 16 Mar. STOP" in page
    assert "【市医院】祝早日康复" in page
    assert "Examples, because nothing is known yet: {by}" in page
    assert "or who it is: Ada Bell, surgery" in page
    assert "Shown as Ada Bell would get it" in page
    with runtime.engine.connect() as connection:
        audited = connection.execute(text("SELECT count(*) FROM audit_entry WHERE action = 'template.previewed'"))
        assert audited.scalar_one() == 1


def test_who_is_meant_is_asked_when_several_fit_and_nobody_is_shown_whom_one_may_not_see(
    runtime, facility, manager, client, login
):
    patients(runtime, facility, ("Ada Bell", "en"), ("Ada Bose", "en"))
    page = manager("preview", patient="ada").text
    assert "Which patient is meant?" in page
    assert "would get it</h2>" in page
    assert "Shown as" not in page
    with runtime.engine.connect() as connection:
        chosen = connection.execute(text("SELECT id FROM patient WHERE full_name = 'Ada Bose'")).scalar_one()
    assert "Shown as Ada Bose" in manager("preview", patient="ada", chosen=str(chosen)).text
    client.post("/logout")
    login("administrator")
    page = manager("preview", patient="ada", chosen=str(chosen)).text
    assert "Ada Bose" not in page
    assert "Preview with a patient" not in page


def test_each_provider_has_its_own_registered_number_and_others_keep_theirs(runtime, login):
    ours = twilio_runtime(runtime, public_base_url="http://127.0.0.1:8000")
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
        session.execute(text("""UPDATE message_template SET registrations = '{"other": "X-9"}'"""))
    app = create_app(ours.settings, runtime=ours)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    client = app.test_client()
    login("manager")
    assert client.post("/login", data={"username": "manager-all", "password": PASSWORD}).status_code == 302
    bodies = {"do": "publish", "body_en": ENGLISH, "body_zh_hans": CHINESE}
    assert "Twilio registered this wording" in client.get("/templates/welcome").text
    numbers = {"number_en_twilio": "T-17", "number_zh_hans_twilio": ""}
    assert client.post("/templates/welcome", data=bodies | numbers).status_code == 302
    assert in_force(runtime).registrations == {"other": "X-9", "twilio": "T-17"}
    assert in_force(runtime, "zh_Hans").registrations == {"other": "X-9"}
    assert 'value="T-17"' in client.get("/templates/welcome").text


def test_a_shipped_correction_does_not_touch_what_the_hospital_has_changed(runtime, manager):
    manager("publish")
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
    assert in_force(runtime).body == ENGLISH


def test_a_nurse_does_not_edit_texts(client, login):
    login("nurse")
    assert client.get("/templates").status_code == 403
    assert client.get("/templates/none").status_code == 403
