"""The wording of messages as a nurse manager edits it: versions, preview, what must not be published."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from hcrm.messaging import queries, service
from hcrm.unit_of_work import unit_of_work

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
    assert manager("publish", number_en="T-17").status_code == 302
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


def test_a_shipped_correction_does_not_touch_what_the_hospital_has_changed(runtime, manager):
    manager("publish")
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
    assert in_force(runtime).body == ENGLISH


def test_a_nurse_does_not_edit_texts(client, login):
    login("nurse")
    assert client.get("/templates").status_code == 403
    assert client.get("/templates/none").status_code == 403
