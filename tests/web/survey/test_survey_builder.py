"""The builder's pages: from a draft to a published version, with everything that can stand in the way."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from sqlalchemy import select

from hcrm.followup.service import begin_draft
from hcrm.followup.service.retiring import plans_asking
from hcrm.organization.models import Facility
from hcrm.survey import queries
from hcrm.survey.domain import VersionStatus
from hcrm.survey.domain.changes import changes
from hcrm.survey.models import Questionnaire as QuestionnaireRowModel
from hcrm.survey.models import QuestionnaireVersion
from hcrm.survey.queries.drafts import draft_of, questionnaire_row
from hcrm.survey.service import install_default_questionnaires
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults

Login = Callable[..., int]

pytestmark = pytest.mark.database
BASE = "/questionnaires/SAT_IP"


@pytest.fixture
def manager(client: Any, login: Login, runtime: Runtime) -> Any:
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, runtime.clock.now())
    login("administrator")
    return client


def draft(runtime: Runtime, code: str = "SAT_IP") -> Any:
    with unit_of_work(runtime.sessions) as session:
        return draft_of(session, code)


def send(client: Any, runtime: Runtime, path: str, **data: Any) -> Any:
    """A form of the draft's page, with the revision that the page shows now."""
    found = draft(runtime)
    return client.post(f"{BASE}/draft/{path}", data={"revision": found.revision if found else 0, **data})


def test_a_questionnaire_is_changed_previewed_compared_and_published(manager: Any, runtime: Runtime) -> None:
    assert manager.get("/questionnaires").status_code == 200
    assert manager.post(f"{BASE}/draft").headers["Location"] == f"{BASE}/draft"
    page = manager.get(f"{BASE}/draft").text
    assert "Nothing is missing." in page
    assert "Draft of version 2" in page

    assert send(manager, runtime, "move", place="9", to="1").status_code == 302
    assert draft(runtime).definition["question"][0]["code"] == "overall"
    added = send(manager, runtime, "questions", kind="choice", code="meals")
    assert added.headers["Location"] == f"{BASE}/draft/questions/18"
    assert "The text is missing in one language." in manager.get(f"{BASE}/draft").text
    assert send(manager, runtime, "publish").headers["Location"].endswith("#flaws")
    assert manager.get(f"{BASE}/draft/questions/18").status_code == 200
    saved = send(
        manager,
        runtime,
        "questions/18",
        code="meals",
        kind="choice",
        en="How was the food?",
        zh="饭菜怎么样?",
        choices="good | Good | 好\nbad | Bad | 不好\nnone | I did not eat | 没有用餐",
        flag=["opt", "sms"],
        sms_text_en="How was the food? Reply 1 good, 2 bad, 3 did not eat",
        sms_text_zh="饭菜怎么样?请回复1好 2不好 3没有用餐",
        show_if_joined=["and", "and"],
        show_if_subject=["overall", ""],
        show_if_comparison=["at_most", "is"],
        show_if_value=["3", ""],
        alert_code=[""],
        alert0_joined=["and"],
        alert0_subject=["meals"],
        alert0_comparison=["is"],
        alert0_value=["bad"],
        alert0_severity="routine",
        alert0_cause="service",
    )
    assert saved.status_code == 302
    question = draft(runtime).definition["question"][17]
    assert question["show_if"] == "overall <= 3"
    assert question["zh"] == "饭菜怎么样？"
    assert question["alerts"] == [{"code": "rule1", "severity": "routine", "cause": "service", "when": "meals = bad"}]
    for view in ("phone", "sms", "call"):
        for shown in ("en", "zh_Hans"):
            assert manager.get(f"{BASE}/2?as={view}&in={shown}").status_code == 200
    assert "1 text message, " in manager.get(f"{BASE}/2?as=sms&in=en").text
    compared = manager.get(f"{BASE}/changes").text
    assert "Moved" in compared
    assert "How was the food?" in compared

    assert send(manager, runtime, "publish").headers["Location"] == BASE
    with unit_of_work(runtime.sessions) as session:
        assert queries.questionnaire(session, "SAT_IP").version == 2
        assert queries.questionnaire(session, "SAT_IP").sms_form[-1] == "meals"
        states = [entry.status for entry in questionnaire_row(session, "SAT_IP").versions]
        assert states == [VersionStatus.PUBLISHED, VersionStatus.RETIRED]
        assert install_default_questionnaires(session, runtime.clock.now()) == 0


def test_every_question_page_of_every_questionnaire_saves_what_it_shows(manager: Any, runtime: Runtime) -> None:
    """Opened and saved without a change, a draft stays what it was; the pages are made for the largest of them."""
    for code in ("CLIN_SURG", "SAT_ED"):
        manager.post(f"/questionnaires/{code}/draft")
        before = draft(runtime, code)
        for place in range(1, len(before.definition["question"]) + 1):
            address = f"/questionnaires/{code}/draft/questions/{place}"
            assert manager.post(address, data=browser_form(manager.get(address).text)).status_code == 302
        after = draft(runtime, code)
        assert changes(before.definition, after.definition) == ()
        assert after.revision == before.revision + len(before.definition["question"])


def browser_form(page: str) -> dict[str, list[str]]:
    """The fields of the first form of the page as a browser without scripts sends them."""
    start = page.index("<form", page.index("<main"))
    form = page[start : page.index("</form>", start)]
    data: dict[str, list[str]] = {}
    for tag in re.finditer(
        r"<(input|textarea|select)\b([^>]*)>(.*?)(?=<(?:input|textarea|select|/form)|$)", form, re.DOTALL
    ):
        kind, attributes, inside = tag.groups()
        name = re.search(r'\bname="([^"]+)"', attributes)
        if name is None or ("checkbox" in attributes and not re.search(r"\bchecked\b", attributes)):
            continue
        data.setdefault(name[1], []).append(_value(kind, attributes, inside))
    return data


def _value(kind: str, attributes: str, inside: str) -> str:
    if kind == "textarea":
        return unescape(inside.split("</textarea>", maxsplit=1)[0])
    if kind == "select":
        options = re.findall(r"<option(?: value=\"([^\"]*)\")?( selected)?>([^<]*)", inside)
        chosen = [value or text for value, selected, text in options if selected]
        return unescape(chosen[0] if chosen else options[0][0])
    found = re.search(r'\bvalue="([^"]*)"', attributes)
    return unescape(found[1]) if found else ""


def test_two_people_at_one_draft_never_undo_each_other_unseen(manager: Any, runtime: Runtime) -> None:
    manager.post(f"{BASE}/draft")
    seen = draft(runtime).revision
    assert send(manager, runtime, "move", place="1", to="2").status_code == 302
    late = manager.post(f"{BASE}/draft/move", data={"revision": seen, "place": "3", "to": "1"}, follow_redirects=True)
    assert "somebody else has changed this draft" in late.text
    assert draft(runtime).definition["question"][0]["code"] == "doctor_comm"
    stale = manager.post(f"{BASE}/draft/publish", data={"revision": seen}, follow_redirects=True)
    assert "somebody else has changed this draft" in stale.text


def test_a_file_goes_out_and_comes_back_as_a_draft(manager: Any, runtime: Runtime) -> None:
    file = manager.get(f"{BASE}/1/file")
    data = json.loads(file.data)
    assert file.headers["Content-Disposition"] == 'attachment; filename="SAT_IP-1.json"'
    data["code"] = "SAT_OTHER"
    sent = {"file": (io.BytesIO(json.dumps(data).encode()), "x.json")}
    assert manager.post("/questionnaires/file", data=sent).headers["Location"] == "/questionnaires/SAT_OTHER/draft"
    assert draft(runtime, "SAT_OTHER").definition["question"] == data["question"]
    toml = b'code = "SAT_T"\npurpose = "quality"\nname = { en = "T", zh = "T" }\n'
    manager.post("/questionnaires/file", data={"file": (io.BytesIO(toml), "x.toml")})
    assert "There is no question yet." in manager.get("/questionnaires/SAT_T/draft").text
    for bad in (b"\xff\xfe", b"[" * 5000, b"{}", b'{"code": "SAT_IP"}', b"x" * 600_000):
        answer = manager.post("/questionnaires/file", data={"file": (io.BytesIO(bad), "x.json")}, follow_redirects=True)
        assert "The file was not taken in" in answer.text
    with unit_of_work(runtime.sessions) as session:
        drafts = session.scalars(
            select(QuestionnaireVersion).where(QuestionnaireVersion.status == VersionStatus.DRAFT)
        ).all()
        assert len(drafts) == 2


def test_a_draft_is_thrown_away_with_a_questionnaire_that_has_nothing_else(manager: Any, runtime: Runtime) -> None:
    made = manager.post(
        "/questionnaires", data={"code": "sat_day", "name_en": "Day", "name_zh": "日间", "purpose": "satisfaction"}
    )
    assert made.headers["Location"] == "/questionnaires/SAT_DAY/draft"
    again = manager.post(
        "/questionnaires",
        data={"code": "SAT_DAY", "name_en": "Day", "name_zh": "日间", "purpose": "satisfaction"},
        follow_redirects=True,
    )
    assert "There is a questionnaire with this code already." in again.text
    revision = draft(runtime, "SAT_DAY").revision
    manager.post("/questionnaires/SAT_DAY/draft/discard", data={"revision": revision})
    assert manager.get("/questionnaires/SAT_DAY").status_code == 404
    assert manager.get("/questionnaires/NOPE/draft").status_code == 404
    assert manager.get(f"{BASE}/99").status_code == 404


def test_two_hundred_questions_are_shown_and_refused(manager: Any, runtime: Runtime) -> None:
    text = {"en": "x", "zh": "题"}
    data = {
        "code": "SAT_LONG", "purpose": "quality", "name": text, "intro": text, "about": text,
        "question": [{"code": f"q{number}", "kind": "yes_no", "flags": ["core"], **text} for number in range(200)],
    }  # fmt: skip
    manager.post("/questionnaires/file", data={"file": (io.BytesIO(json.dumps(data).encode()), "x.json")})
    page = manager.get("/questionnaires/SAT_LONG/draft")
    assert page.status_code == 200
    assert "200 questions, at most 60" in page.text
    refused = manager.post("/questionnaires/SAT_LONG/draft/publish", data={"revision": 1}, follow_redirects=True)
    assert "It was not published" in refused.text


# ── whose they are ────────────────────────────────────────────────────────────────────────────────────────────────────


def owned(client: Any, runtime: Runtime, code: str = "SAT_OWN") -> str:
    """A questionnaire of the hospital, copied from a shipped one; its address."""
    client.post(f"{BASE}/copy", data={"code": code})
    return f"/questionnaires/{code}"


def owner_of(runtime: Runtime, code: str) -> int | None:
    with unit_of_work(runtime.sessions) as session:
        return questionnaire_row(session, code).facility_id


def test_what_belongs_to_all_hospitals_is_copied_by_a_hospital_and_changed_by_administrators_alone(
    manager: Any, login: Login, runtime: Runtime, facility: int
) -> None:
    login("manager")
    page = manager.get(BASE).text
    assert "It belongs to all hospitals" in page
    assert f"{BASE}/retire" not in page
    for path in ("draft", "draft/words", "draft/move", "draft/questions", "draft/publish", "draft/discard", "retire"):
        assert manager.post(f"{BASE}/{path}", data={"revision": 1, "kind": "text"}).status_code == 403
    file = {"file": (io.BytesIO(manager.get(f"{BASE}/1/file").data), "x.json")}
    assert manager.post("/questionnaires/file", data=file).status_code == 403
    address = owned(manager, runtime)
    assert owner_of(runtime, "SAT_OWN") == facility
    assert owner_of(runtime, "SAT_IP") is None
    assert manager.post(f"{address}/draft/publish", data={"revision": 1}).headers["Location"] == address
    with unit_of_work(runtime.sessions) as session:
        assert [each.code for each in queries.questionnaires(session, facility)][-1] == "SAT_OWN"
        assert "SAT_OWN" not in [each.code for each in queries.questionnaires(session, facility + 1)]
    again = manager.post(f"{BASE}/copy", data={"code": "SAT_OWN"}, follow_redirects=True).text
    assert "There is a questionnaire with this code already." in again
    assert "A code has 2 to 32" in manager.post(f"{BASE}/copy", data={"code": "1"}, follow_redirects=True).text


def test_the_head_of_one_ward_writes_for_the_hospital_and_publishes_for_nobody(
    manager: Any, login: Login, runtime: Runtime, departments: dict[str, int]
) -> None:
    login("department_head", departments["MED"])
    address = owned(manager, runtime)
    page = manager.get(f"{address}/draft").text
    assert "A manager of the hospital publishes it." in page
    assert "draft/publish" not in page
    assert manager.post(f"{address}/draft/move", data={"revision": 1, "place": 1, "to": 2}).status_code == 302
    assert draft(runtime, "SAT_OWN").revision == 2
    assert manager.post(f"{address}/draft/publish", data={"revision": 2}).status_code == 403
    assert manager.post(f"{BASE}/draft").status_code == 403


def test_another_hospitals_questionnaire_is_not_there(manager: Any, login: Login, runtime: Runtime) -> None:
    login("manager")
    address = owned(manager, runtime)
    with unit_of_work(runtime.sessions) as session:
        elsewhere = Facility(
            code="B", name="B", name_zh="", timezone="UTC", country="GB", phone="1", settings={},
            created_at=runtime.clock.now(),
        )  # fmt: skip
        session.add(elsewhere)
        session.flush()
        row = session.scalars(select(QuestionnaireRowModel).where(QuestionnaireRowModel.code == "SAT_OWN")).one()
        row.facility_id = elsewhere.id
    assert "SAT_OWN" not in manager.get("/questionnaires").text
    for path in ("", "/draft", "/1", "/1/file", "/changes", "/draft/questions/1", "/retire"):
        assert manager.get(f"{address}{path}").status_code == 404
    for path in ("/draft", "/copy", "/draft/publish", "/retire"):
        assert manager.post(f"{address}{path}", data={"revision": 1, "code": "SAT_X"}).status_code == 404
    login("group_administrator")  # of one hospital of two: what belongs to both is not theirs alone any more
    assert manager.post(f"{BASE}/draft").status_code == 403


def test_rules_are_shown_in_the_words_of_questions_and_answers(manager: Any) -> None:
    manager.post(f"{BASE}/draft")
    page = unescape(manager.get(f"{BASE}/draft/questions/9").text)
    assert "is at most “Dissatisfied”" in page
    assert "9. Overall, how satisfied were you with this stay?" in page
    manager.post("/account/language", data={"language": "zh_Hans"})
    listed = unescape(manager.get(f"{BASE}/draft").text)
    assert "SAT_IP" in listed


# ── retiring ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_retiring_names_the_plans_that_ask_it_and_gives_them_another_one(
    manager: Any, runtime: Runtime, facility: int
) -> None:
    page = manager.get(f"{BASE}/retire").text
    assert "Three-level follow-up" in page
    undecided = manager.post(f"{BASE}/retire")
    assert (undecided.status_code, "Choose what these plans are to ask instead." in undecided.text) == (422, True)
    assert manager.post(f"{BASE}/retire", data={"other": "CLIN_GEN"}).status_code == 422  # serves another purpose
    done = manager.post(f"{BASE}/retire", data={"other": "SAT_OP"}, follow_redirects=True)
    assert "The questionnaire is retired." in done.text
    with unit_of_work(runtime.sessions) as session:
        assert [each.plan.code for each in plans_asking(session, "SAT_IP", [facility])] == []
        assert [each.plan.code for each in plans_asking(session, "SAT_OP", [facility])]
        assert questionnaire_row(session, "SAT_IP").published is None
        assert "SAT_IP" not in [each.code for each in queries.questionnaires(session)]
        # Who is enrolled already is still asked it.
        assert queries.questionnaire(session, "SAT_IP").version == 1
    assert manager.get(f"{BASE}/retire").status_code == 404
    manager.post(f"{BASE}/draft")
    assert send(manager, runtime, "publish").status_code == 302
    with unit_of_work(runtime.sessions) as session:
        assert questionnaire_row(session, "SAT_IP").published.version == 2


@pytest.mark.parametrize(
    ("language", "sentence"),
    [("en", "Plans that you may not change ask it"), ("zh_Hans", "有您无权修改的方案在使用它")],
)
def test_who_may_not_edit_plans_retires_no_questionnaire_that_they_ask(
    manager: Any, login: Login, runtime: Runtime, facility: int, language: str, sentence: str
) -> None:
    manager.post("/logout")
    login("group_administrator", language=language)
    page = manager.get(f"{BASE}/retire").text
    assert sentence in page
    assert 'name="other"' not in page
    refused = manager.post(f"{BASE}/retire", data={"other": "SAT_OP"})
    assert (refused.status_code, sentence in refused.text) == (403, True)
    with unit_of_work(runtime.sessions) as session:
        assert questionnaire_row(session, "SAT_IP").published is not None
        assert plans_asking(session, "SAT_IP", [facility])


def test_a_plan_that_is_being_changed_is_not_published_half_done(manager: Any, runtime: Runtime, facility: int) -> None:
    with unit_of_work(runtime.sessions) as session:
        (asking,) = [e for e in plans_asking(session, "SAT_IP", [facility]) if e.plan.code == "three_level"]
        begin_draft(session, plan_id=asking.plan_id, facility_id=facility, actor_user_id=1, now=runtime.clock.now())
    refused = manager.post(f"{BASE}/retire", data={"other": "SAT_OP"})
    assert refused.status_code == 409
    assert "is being changed" in refused.text
    with unit_of_work(runtime.sessions) as session:
        assert questionnaire_row(session, "SAT_IP").published is not None


def test_a_questionnaire_that_no_plan_asks_is_retired_at_once(manager: Any, login: Login, runtime: Runtime) -> None:
    login("manager")
    address = owned(manager, runtime)
    manager.post(f"{address}/draft/publish", data={"revision": 1})
    assert "No plan asks it." in manager.get(f"{address}/retire").text
    manager.post(f"{address}/retire")
    with unit_of_work(runtime.sessions) as session:
        assert questionnaire_row(session, "SAT_OWN").published is None
