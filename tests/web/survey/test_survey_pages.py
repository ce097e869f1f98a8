"""The patient's web survey through the Flask client: no log-in, no script, no cookie."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest

from hcrm.patients.domain import Proof
from hcrm.patients.models import PatientIdentifier
from hcrm.survey import queries, service
from hcrm.survey.domain import Mode, Respondent, ResponseState
from hcrm.survey.domain.throttle import Throttle
from hcrm.survey.routes.visits import EXTENSION, Limits
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_survey import A_CHILD, BORN, invite


class Phone:
    """A phone without scripts and cookies: follows redirects, fills in and sends the form of the page it is on."""

    def __init__(self, app: Any) -> None:
        self.client = app.test_client(use_cookies=False)
        self.html = ""
        self.status = 0
        self.at = ""
        self.last_address = ""
        self.headers: Any = {}

    def open(self, path: str, *, prove: bool = True) -> Phone:
        """Open a page; the birth date, where it is asked for, is given at once."""
        self._take(self.client.get(path, follow_redirects=True))
        return self.send(**BORN) if prove and 'name="year"' in self.html else self

    def send(self, button: dict[str, str] | None = None, **fields: Any) -> Phone:
        action = unescape(re.search(r'<form method="post" action="([^"]+)"', self.html)[1])
        seal = re.search(r'name="seal" value="([^"]+)"', self.html)[1]
        data = {"seal": seal, **fields, **(button or {})}
        return self._take(self.client.post(action, data=data, follow_redirects=True))

    def answer(self, value: Any) -> Phone:
        return self.send(answer=value)

    def skip(self) -> Phone:
        return self.send({"skip": "1"})

    def follow(self, text: str) -> Phone:
        return self.open(unescape(re.search(rf'<a href="([^"]+)"[^>]*>{text}</a>', self.html)[1]))

    @property
    def heading(self) -> str:
        return unescape(re.sub("<[^>]+>", "", re.search(r"<h1[^>]*>(.*?)</h1>", self.html, re.DOTALL)[1])).strip()

    @property
    def text(self) -> str:
        return unescape(re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", self.html)))

    def _take(self, response: Any) -> Phone:
        self.html, self.status, self.headers = response.get_data(as_text=True), response.status_code, response.headers
        self.at = response.request.path
        self.last_address = response.request.full_path
        return self


@pytest.fixture
def phone(app: Any) -> Phone:
    return Phone(app)


@pytest.fixture
def other_phone(app: Any) -> Phone:
    return Phone(app)


def stored(runtime: Runtime, response_id: int) -> dict[str, Any]:
    with unit_of_work(runtime.sessions) as session:
        return queries.answers(session, response_id)


def state(runtime: Runtime, response_id: int) -> queries.ResponseSnapshot:
    with unit_of_work(runtime.sessions) as session:
        return queries.response(session, response_id)


def test_a_patient_answers_question_by_question_to_the_thanks(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path)
    assert "Who is answering?" in phone.text
    phone.send(respondent="patient")
    assert phone.heading == "How satisfied were you with how nurses listened to you and explained things?"
    assert "Question 1 of 11" in phone.text
    assert "About your stay that ended on Sun 8 Mar" in phone.text
    for value in ("5", "4", "na", "5", "na", "5", "4", "5", "5", "10"):
        phone.answer(value)
    assert phone.heading == "What did we do well, and what should we do better?"
    phone.skip()
    assert phone.heading == "Thank you. Your answers have reached us."
    assert "Reports show no names." in phone.text
    response = state(runtime, response_id)
    assert response.state is ResponseState.COMPLETED
    assert response.closed_at is not None
    assert stored(runtime, response_id)["response"] == "na"
    assert stored(runtime, response_id)["recommend"] == 10


def test_opening_the_link_changes_nothing(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    before = state(runtime, response_id)
    phone.open(path)
    assert state(runtime, response_id) == before


def test_every_answer_is_saved_at_once_and_the_survey_goes_on_where_it_stopped(
    phone: Phone, other_phone: Phone, runtime: Runtime, facility: int
):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient").answer("5").answer("3")
    assert stored(runtime, response_id) == {"nurse_comm": 5, "doctor_comm": 3}
    assert state(runtime, response_id).state is ResponseState.STARTED
    other_phone.open(path)
    assert "Question 3 of 11" in other_phone.text


def test_back_shows_the_rating_that_was_given(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient").answer("2").follow("Back")
    assert re.search(r'value="2" checked', phone.html)
    phone.answer("4")
    assert stored(runtime, response_id) == {"nurse_comm": 4}
    phone.follow("Back").follow("Back")
    assert "Who is answering?" in phone.text


def test_answers_about_health_and_texts_are_not_shown_again(phone: Phone, runtime: Runtime, facility: int):
    _, path = invite(runtime, facility, "CLIN_GEN")
    phone.open(path).send(respondent="patient").answer(["none"]).answer("worse").answer("My leg hurts since noon")
    phone.follow("Back")
    assert phone.heading == "What has got worse, and since when?"
    assert "leg" not in phone.text
    assert "What you answered is not shown here." in phone.text
    phone.follow("Back")
    assert " checked" not in phone.html


def test_a_first_page_tells_clinical_patients_whom_to_call(phone: Phone, runtime: Runtime, facility: int):
    _, path = invite(runtime, facility, "CLIN_GEN")
    assert "This form is not read at once. If you feel very unwell, call 120 now." in phone.open(path).text


def test_a_danger_sign_shows_the_emergency_page_at_once(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility, "CLIN_GEN")
    phone.open(path).send(respondent="patient").answer(["chest_pain"])
    assert phone.heading == "Please call 120 now."
    assert 'href="tel:120"' in phone.html
    assert stored(runtime, response_id) == {"danger": ("chest_pain",)}
    phone.follow("I have called: go on with the other questions, if I want to")
    assert "Skip this question" in phone.text


def test_the_page_is_in_the_patients_language_and_can_be_switched(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility, language="zh_Hans")
    phone.open(path)
    assert '<html lang="zh-Hans"' in phone.html
    assert "测试医院" in phone.text
    phone.send(respondent="patient")
    assert phone.heading == "护士倾听您的需要并耐心解释，您满意吗？"
    assert "关于您3月8日结束的这次住院" in phone.text
    phone.follow("English")
    assert phone.heading.startswith("How satisfied were you with how nurses")
    phone.answer("5")
    assert '<html lang="en"' in phone.html
    assert state(runtime, response_id).language == "en"
    assert Phone(phone.client.application).open(path).heading.startswith("How satisfied")


def test_a_carer_who_answers_for_the_patient_is_asked_about_the_patient(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="carer")
    assert "listened to the patient" in phone.heading
    phone.answer("4")
    with unit_of_work(runtime.sessions) as session:
        [answer] = queries.answer_snapshots(session, response_id)
    assert answer.respondent is Respondent.CARER


def test_a_childs_survey_speaks_to_the_parent(phone: Phone, runtime: Runtime, facility: int):
    _, path = invite(runtime, facility, **A_CHILD)
    phone.open(path)
    assert re.search(r'value="parent" checked', phone.html)
    phone.send(respondent="parent")
    assert "your child" in phone.heading


def test_no_answer_chosen_is_said_beside_the_question(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient")
    question = phone.heading
    for nonsense in ({}, {"answer": ""}, {"answer": "9"}, {"answer": "x"}, {"answer": "５"}):
        phone.send(**nonsense)
        assert phone.status == 422
        assert phone.heading == question
        assert "Please choose one answer, or skip this question." in phone.text
    assert stored(runtime, response_id) == {}


def test_none_of_these_excludes_the_others(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility, "CLIN_GEN")
    phone.open(path).send(respondent="patient").answer(["none", "breath"])
    assert phone.status == 422
    assert stored(runtime, response_id) == {}


def test_a_core_question_cannot_be_skipped(phone: Phone, runtime: Runtime, facility: int):
    _, path = invite(runtime, facility, "CLIN_GEN")
    phone.open(path).send(respondent="patient")
    assert "Skip this question" not in phone.text
    phone.skip()
    assert phone.status == 422


def test_a_form_without_its_seal_saves_nothing(phone: Phone, app: Any, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    app.config["WTF_CSRF_ENABLED"] = True
    forged = app.test_client().post(f"{path}/q/overall", data={"answer": "1"})
    assert forged.status_code == 400
    other = phone.open(path).send(respondent="patient").html
    seal = re.search(r'name="seal" value="([^"]+)"', other)[1]
    assert app.test_client().post(f"{path}/q/overall", data={"answer": "1", "seal": seal}).status_code == 400
    assert stored(runtime, response_id) == {}
    phone.answer("5")
    assert stored(runtime, response_id) == {"nurse_comm": 5}


def test_two_phones_answering_at_once_are_both_told(phone: Phone, other_phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient")
    other_phone.open(path).send(respondent="patient")
    phone.answer("5")
    other_phone.answer("1")
    assert other_phone.status == 409
    assert "Somebody has just answered this question on another phone." in other_phone.text
    assert stored(runtime, response_id) == {"nurse_comm": 5}
    other_phone.answer("3")
    assert stored(runtime, response_id) == {"nurse_comm": 3}
    phone.answer("4")
    assert "This survey is also being answered on another phone" in phone.text
    assert stored(runtime, response_id) == {"nurse_comm": 3, "doctor_comm": 4}


def test_an_answer_sent_twice_by_one_phone_is_no_conflict(phone: Phone, runtime: Runtime, facility: int):
    _, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient")
    first_page = phone.html
    phone.answer("5")
    phone.html = first_page
    phone.answer("4")
    assert phone.status == 200
    assert "another phone" not in phone.text


def test_a_survey_finished_on_another_phone_says_so_and_keeps_the_last_answer(
    phone: Phone, runtime: Runtime, facility: int
):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient")
    with unit_of_work(runtime.sessions) as session:
        service.record_answer(
            session,
            response_id=response_id,
            question_code="overall",
            value=5,
            mode=Mode.SMS,
            now=runtime.clock.now(),
        )
        service.close_response(session, response_id=response_id, now=runtime.clock.now())
    phone.answer("4")
    assert "This survey had been finished already" in phone.text
    assert stored(runtime, response_id) == {"overall": 5, "nurse_comm": 4}


def test_a_finished_link_thanks(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    with unit_of_work(runtime.sessions) as session:
        service.close_response(session, response_id=response_id, now=runtime.clock.now())
    assert phone.open(path).heading == "Thank you. Your answers have reached us."
    assert phone.open(f"{path}/q/overall").at.endswith("/done")


def test_an_expired_link_says_so_and_a_late_answer_is_kept(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility, days=1)
    phone.open(path).send(respondent="patient")
    runtime.clock.advance(timedelta(days=2))
    phone.answer("5")
    assert (phone.status, phone.heading) == (410, "This survey is closed.")
    assert "marked as late" in phone.text
    with unit_of_work(runtime.sessions) as session:
        [answer] = queries.answer_snapshots(session, response_id)
    assert answer.late
    assert phone.open(path).status == 410
    assert phone.open(f"{path}/done").status == 410


def test_a_refused_survey_is_closed(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient")
    with unit_of_work(runtime.sessions) as session:
        service.close_response(session, response_id=response_id, now=runtime.clock.now(), state=ResponseState.REFUSED)
    phone.answer("5")
    assert phone.heading == "This survey is closed."
    assert stored(runtime, response_id) == {}


@pytest.mark.parametrize("token", ["AAAAAAAAAAAA", "x", "%00", "a" * 500, "..%2f..%2fetc", "病人病人病人病人病人病人"])
def test_an_unknown_link_is_explained_in_plain_words(phone: Phone, token: str):
    phone.open(f"/s/{token}")
    assert phone.status == 404


def test_a_link_of_the_right_shape_that_nobody_has_is_explained(phone: Phone):
    assert phone.open("/s/AAAAAAAAAAAA").heading == "This link does not work."


@pytest.mark.parametrize("code", ["nothing", "contact_me", "food", "../x"])
def test_a_question_that_is_not_asked_leads_back(phone: Phone, runtime: Runtime, facility: int, code: str):
    _, path = invite(runtime, facility)
    assert "Who is answering?" in phone.open(f"{path}/q/{code}").text or phone.status == 404


def test_may_we_contact_you_decides_what_the_thanks_promise(phone: Phone, runtime: Runtime, facility: int):
    for wish, promise in (("yes", "will contact you"), ("no", "nobody contacts you")):
        _, path = invite(runtime, facility)
        phone.open(path).send(respondent="patient")
        for value in ("2", "4", "na", "5", "na", "5", "4", "5", "5", "10"):
            phone.answer(value)
        phone.skip()
        assert phone.heading == "May someone from the hospital contact you about your answer?"
        phone.answer(wish)
        assert promise in phone.text


def test_after_the_last_question_a_core_question_passed_by_is_asked(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient")
    phone.open(f"{path}/q/comment").skip()
    assert "caring for yourself at home" in phone.heading
    assert state(runtime, response_id).closed_at is None


def test_the_end_can_be_reached_by_hand_and_finished(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility)
    phone.open(path).send(respondent="patient").answer("5")
    phone.open(f"{path}/done")
    assert phone.heading == "You have reached the end of the questions."
    phone.send()
    assert phone.heading == "Thank you. Your answers have reached us."
    assert state(runtime, response_id).closed_at is not None


def test_pages_are_private_small_and_set_no_cookie(phone: Phone, runtime: Runtime, facility: int):
    for code in ("SAT_IP", "CLIN_GEN", "CLIN_SURG", "SAT_OP", "SAT_ED", "RECALL"):
        _, path = invite(runtime, facility, code)
        phone.open(path)
        for _ in range(30):
            assert phone.headers["X-Robots-Tag"].startswith("noindex")
            assert phone.headers["Referrer-Policy"] == "no-referrer"
            assert phone.headers["Cache-Control"] == "no-store"
            assert "Set-Cookie" not in phone.headers
            assert len(phone.html.encode()) <= 60 * 1024
            assert "病人" not in phone.text
            assert not re.search(r" style=|<script(?![^>]* src=)| on[a-z]+=", phone.html)
            if 'name="seal"' not in phone.html:
                break
            phone.send(**first_answer(phone))
        assert phone.heading == "Thank you. Your answers have reached us."


def first_answer(phone: Phone) -> dict[str, Any]:
    """The first thing that can be answered on this page; *none* where that is offered."""
    if "<textarea" in phone.html:
        return {"answer": "All fine"}
    if 'name="respondent"' in phone.html:
        return {"respondent": "patient"}
    values = re.findall(r'name="answer" id="[^"]+" value="([^"]+)"', phone.html)
    return {"answer": "none" if "none" in values and "checkbox" in phone.html else values[0]}


def test_too_many_requests_for_one_link_have_to_wait(phone: Phone, app: Any, runtime: Runtime, facility: int):
    _, path = invite(runtime, facility)
    app.extensions[EXTENSION] = Limits(pages=Throttle(2, 60), misses=Throttle(20, 60))
    assert phone.open(path).status == 200
    assert phone.open(path).status == 200
    assert phone.open(path).status == 429
    assert phone.headers["Retry-After"] == "60"
    _, other = invite(runtime, facility)
    assert phone.open(other).status == 200


def test_guessing_links_is_slowed_down_for_one_address(phone: Phone, app: Any):
    app.extensions[EXTENSION] = Limits(pages=Throttle(100, 60), misses=Throttle(1, 60))
    assert phone.open("/s/AAAAAAAAAAAA").status == 404
    assert phone.open("/s/AAAAAAAAAAAB").status == 429


def test_a_throttle_forgets_after_its_time_and_does_not_grow_without_end():
    throttle = Throttle(1, 10)
    assert throttle.allows("a", 0)
    assert not throttle.allows("a", 9.9)
    assert throttle.allows("a", 10)
    for number in range(25_000):
        throttle.allows(str(number), 11)
    assert len(throttle._windows) <= 20_000


def test_pages_about_health_begin_with_the_birth_date(
    phone: Phone, other_phone: Phone, runtime: Runtime, facility: int
):
    response_id, path = invite(runtime, facility, "CLIN_SURG")
    for page in ("", "/q/danger", "/help", "/done"):
        phone.open(f"{path}{page}", prove=False)
        assert phone.heading == "When was the patient born?"
        assert "surgery" not in phone.text
        assert "8 Mar" not in phone.text
        assert "please call" in phone.text.lower() or "call 120 now" in phone.text
    assert phone.send(year="1986", month="2", day="30").status == 422
    assert phone.send(year="1986", month="", day="x").status == 422
    assert "This is not the date that we have." in phone.text
    phone.send(year="１９８６", month="01", day="1")
    assert "Who is answering?" in phone.text
    assert phone.send(respondent="patient").answer("none").status == 200
    assert stored(runtime, response_id) == {"danger": ("none",)}

    other_phone.open(path, prove=False)
    assert other_phone.heading == "When was the patient born?"


def test_five_wrong_birth_dates_close_the_link_until_a_new_one_is_sent(phone: Phone, runtime: Runtime, facility: int):
    response_id, path = invite(runtime, facility, "CLIN_GEN")
    phone.open(path, prove=False)
    for _ in range(5):
        phone.send(year="1986", month="1", day="2")
    assert phone.heading == "The date was not right."
    with unit_of_work(runtime.sessions) as session:
        assert not service.check_who(session, response_id=response_id, given=Proof(date(1986, 1, 1)))
        generation = service.revoke_link(session, response_id=response_id, now=runtime.clock.now())
    assert phone.open(path, prove=False).status == 404
    fresh = service.survey_link("", runtime.settings.secret_key, response_id, generation)
    assert "Who is answering?" in phone.open(fresh).text


def test_a_proof_is_good_for_one_device_and_two_hours(phone: Phone, runtime: Runtime, facility: int):
    _, path = invite(runtime, facility, "CLIN_GEN", days=3)
    phone.open(path).send(respondent="patient")
    question = phone.last_address
    assert phone.open(question, prove=False).heading.startswith("Do you have any of these")
    stolen = re.sub(r"\bd=[^&]+", "d=abcdefgh", question)
    assert phone.open(stolen, prove=False).heading == "When was the patient born?"
    runtime.clock.advance(timedelta(hours=3))
    assert phone.open(question, prove=False).heading == "When was the patient born?"


def test_without_a_birth_date_on_record_pages_about_health_ask_for_the_end_of_the_record_number(
    phone: Phone, runtime: Runtime, facility: int
):
    response_id, path = invite(runtime, facility, "CLIN_GEN", birth_date=None)
    with unit_of_work(runtime.sessions) as session:
        patient_id = queries.response(session, response_id).patient_id
        session.add(PatientIdentifier(facility_id=facility, patient_id=patient_id, system="mrn", value="ZY-0074-2B"))
    page = phone.open(path, prove=False)
    assert phone.heading == "What is the patient's record number?"
    assert "0074" not in page.text
    phone.send(record="9999")
    assert phone.heading == "What is the patient's record number?"
    phone.send(record="742b")
    assert "Who is answering?" in phone.text


def test_a_satisfaction_survey_asks_for_no_birth_date_and_shows_nothing_but_the_day(
    phone: Phone, runtime: Runtime, facility: int
):
    _, path = invite(runtime, facility, "SAT_IP")
    assert "Who is answering?" in phone.open(path, prove=False).text


def test_every_page_of_every_questionnaire_is_at_most_60_kb(phone: Phone, runtime: Runtime, facility: int):
    """Before compression, with its own scripts and styles beside it counted by the browser test."""
    for code, language in (("SAT_IP", "zh_Hans"), ("CLIN_SURG", "en")):
        _, path = invite(runtime, facility, code, language=language)
        phone.open(path).send(respondent="patient")
        while "<textarea" in phone.html or 'name="answer"' in phone.html:
            assert len(phone.html.encode()) <= 60 * 1024
            if "<textarea" in phone.html:
                phone.answer("好" * 10_000)
            else:
                values = re.findall(r'name="answer" id="[^"]+" value="([^"]+)"', phone.html)
                phone.answer("none" if "none" in values else values[0])
        assert phone.at.endswith("/done")
        assert len(phone.html.encode()) <= 60 * 1024
