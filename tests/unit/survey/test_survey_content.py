"""The packaged questionnaires say what the content page says, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcrm.survey.domain import Mode, Purpose, Question, QuestionKind, Respondent, Text
from hcrm.survey.domain.definition import InvalidQuestionnaire, questionnaire_from
from hcrm.survey.readers import PACKAGED, call_script, packaged_definition, packaged_questionnaire

CONTENT_PAGE = Path(__file__).resolve().parents[4] / "shared" / "design" / "content.md"

CODES = {
    "SAT_IP": "nurse_comm doctor_comm response pain_help medicine_info discharge_info ward_clean night_quiet overall "
    "recommend family_respect signs admin_easy food cost_clear comment contact_me",
    "CLIN_GEN": "danger feeling child_drink child_alert jaundice worse_what fever pain intake med_have med_take "
    "med_problem med_problem_what warning_known return_visit equipment support care_elsewhere anything_else",
    "CLIN_SURG": "danger feeling worse_what fever pain pain_control wound leg vomit urine bowel tube thinner stitches "
    "moving med_have med_take med_problem med_problem_what warning_known return_visit care_elsewhere anything_else",
    "SAT_OP": "booking waiting signs doctor_comm staff_courtesy privacy next_steps overall recommend comment "
    "contact_me",
    "SAT_ED": "danger feeling left_reason advice_known plan_kept first_contact informed pain_help staff_comm overall "
    "recommend comment",
    "RECALL": "called called_when called_by asked_care answered",
}
FLAGS = {
    "SAT_IP": {
        "scored": "nurse_comm doctor_comm response pain_help medicine_info discharge_info ward_clean night_quiet "
        "overall",
        "core": "discharge_info overall",
        "na": "response pain_help medicine_info family_respect signs admin_easy food cost_clear",
        "sms": "nurse_comm doctor_comm discharge_info overall recommend comment",
        "optional": "comment contact_me",
    },
    "CLIN_GEN": {
        "scored": "",
        "core": "danger feeling child_drink child_alert jaundice fever pain med_have med_take warning_known "
        "return_visit care_elsewhere",
        "sms": "",
        "optional": "worse_what med_problem_what anything_else",
    },
    "CLIN_SURG": {
        "scored": "",
        "core": "danger feeling fever pain wound leg urine thinner med_have med_take warning_known return_visit "
        "care_elsewhere",
    },
    "SAT_OP": {
        "scored": "booking waiting signs doctor_comm staff_courtesy privacy next_steps overall",
        "core": "doctor_comm overall",
        "na": "booking",
        "sms": "waiting doctor_comm next_steps overall recommend comment",
    },
    "SAT_ED": {
        "scored": "first_contact informed pain_help staff_comm overall",
        "core": "danger feeling advice_known overall",
        "na": "pain_help",
        "sms": "first_contact staff_comm overall recommend comment",
    },
}


def every_text() -> Iterator[tuple[str, Text]]:
    for code in PACKAGED:
        questionnaire = packaged_questionnaire(code)
        yield f"{code} name", questionnaire.name
        for question in questionnaire.questions:
            for respondent in Respondent:
                yield f"{code}.{question.code}", question.wording.for_(respondent)
            for choice in question.offered(Mode.PHONE):
                yield f"{code}.{question.code}={choice.value}", choice.text
    for step in call_script().steps + call_script().cases:
        for text in filter(None, (step.title, step.text, step.said)):
            yield f"script {step.code}", text


@pytest.mark.parametrize("code", PACKAGED)
def test_questions_stand_in_the_order_of_the_content_page(code: str):
    assert [question.code for question in packaged_questionnaire(code).questions] == CODES[code].split()


@pytest.mark.parametrize("code", FLAGS)
def test_flags_are_those_of_the_content_page(code: str):
    questions = packaged_questionnaire(code).questions
    for flag, codes in FLAGS[code].items():
        assert {question.code for question in questions if getattr(question, flag)} == set(codes.split()), flag


def test_short_form_asks_first_what_most_people_answer():
    form = packaged_questionnaire("SAT_IP").sms_form
    assert form == ("overall", "nurse_comm", "doctor_comm", "discharge_info", "recommend", "comment")


@pytest.mark.parametrize("code", ["CLIN_GEN", "CLIN_SURG", "RECALL"])
def test_clinical_checks_and_recalls_have_no_conversation_by_text(code: str):
    assert packaged_questionnaire(code).sms_form == ()


def test_questions_shared_by_the_clinical_checks_are_the_same():
    general, surgery = packaged_questionnaire("CLIN_GEN"), packaged_questionnaire("CLIN_SURG")
    shared = set(general.by_code) & set(surgery.by_code) - {"fever"}
    assert len(shared) == 12
    assert all(general.question(code) == surgery.question(code) for code in shared)
    assert surgery.question("fever").alerts[1:] == general.question("fever").alerts
    assert packaged_questionnaire("SAT_ED").question("danger") == general.question("danger")


@pytest.mark.parametrize("code", PACKAGED)
def test_parents_and_carers_have_texts_of_their_own(code: str):
    own_already = {"child_drink", "child_alert"}  # these speak to a parent in the first place
    for question in packaged_questionnaire(code).questions:
        assert question.wording.carer is not None, question.code
        assert question.wording.carer != question.wording.patient
        if question.code not in own_already:
            assert question.wording.parent is not None, question.code
            assert question.wording.parent != question.wording.patient
            assert "child" in question.wording.parent.en, question.code
            assert "孩子" in question.wording.parent.zh, question.code


def test_chinese_texts_use_full_width_punctuation():
    half_width = re.compile(r"[\u4e00-\u9fff”）][,?!;:()]|[,?!;:()][\u4e00-\u9fff“]")
    wrong = [(where, text.zh) for where, text in every_text() if half_width.search(text.zh)]
    assert wrong == []


def test_no_text_is_missing_in_either_language():
    for where, text in every_text():
        assert text.en, where
        assert re.search("[\u4e00-\u9fff]", text.zh), where
        assert not re.search("[\u4e00-\u9fff]", text.en), where


def folded(text: str) -> str:
    """Without what the content page writes in another way: half-width signs, bold, the dots of a common beginning."""
    wide = str.maketrans("，。？：；！（）“”–", ',.?:;!()""-')
    return re.sub(r"[\s*…]", "", text.translate(wide)).lower()


@pytest.mark.skipif(not CONTENT_PAGE.exists(), reason="the content page is not beside this checkout")
@pytest.mark.parametrize("code", PACKAGED)
def test_wording_is_that_of_the_content_page(code: str):
    page = folded(CONTENT_PAGE.read_text(encoding="utf-8"))
    for question in packaged_questionnaire(code).questions:
        text = question.wording.patient
        english = text.en.removeprefix("How satisfied were you with ")
        assert folded(text.zh) in page, text.zh
        assert folded(english) in page, text.en


def test_questions_about_health_are_never_scored():
    for code in PACKAGED:
        questionnaire = packaged_questionnaire(code)
        if questionnaire.purpose is not Purpose.SATISFACTION:
            assert not any(question.scored for question in questionnaire.questions)
    assert not packaged_questionnaire("SAT_ED").question("danger").scored


def test_calls_offer_not_sure_and_would_rather_not_say():
    for code in PACKAGED:
        for question in packaged_questionnaire(code).questions:
            by_key = {choice.value for choice in question.offered(Mode.PHONE)}
            if question.kind in {QuestionKind.YES_NO, QuestionKind.CHOICE, QuestionKind.MULTI}:
                assert {"unsure", "declined"} <= by_key
            else:
                assert not {"unsure", "declined"} & by_key
            assert "declined" not in {choice.value for choice in question.offered(Mode.WEB)}


def test_regulators_module_is_off_until_it_is_switched_on():
    questionnaire = packaged_questionnaire("SAT_IP")
    module = [question for question in questionnaire.questions if question.module]
    assert [question.code for question in module] == ["family_respect", "signs", "admin_easy", "food", "cost_clear"]
    assert all([choice.value for choice in question.choices] == ["1", "2", "3", "4"] for question in module)


def test_call_script_has_every_step_and_special_case():
    script = call_script()
    assert len(script.steps) == 15
    assert len(script.cases) == 9
    said = {step.code for step in script.steps if step.said is not None}
    assert said == {"opening", "purpose", "danger", "close"}
    assert "{emergency}" in script.step("danger").said.zh
    with pytest.raises(KeyError):
        script.step("singing")


def broken(**changes: object) -> dict[str, object]:
    question = {"code": "q", "kind": "yes_no", "en": "Well?", "zh": "好吗？", **changes}
    return {**packaged_definition("RECALL"), "question": [question]}


@pytest.mark.parametrize(
    "definition",
    [
        broken(kind="essay"),
        broken(zh="好吗?"),
        broken(code="Über"),
        broken(show_if="other = yes"),
        broken(show_if="q = yes"),
        broken(show_if="q is yes"),
        broken(surprise=1),
        broken(module="EXTRA"),
        broken(flags=["scored"]),
        broken(flags=["bold"]),
        broken(flags=["sms"]),
        broken(kind="choice"),
        broken(kind="choice", choices=[{"value": "a", "en": "A", "zh": "甲"}, {"value": "a", "en": "B", "zh": "乙"}]),
        broken(alerts=[{"code": "x", "when": "q = maybe", "severity": "high", "cause": "service"}]),
        broken(alerts=[{"code": "x", "when": "q = no", "severity": "grave", "cause": "service"}]),
        {**packaged_definition("RECALL"), "sms_form": ["called"]},
        {**packaged_definition("RECALL"), "question": [*packaged_definition("RECALL")["question"]] * 2},
    ],
)
def test_a_definition_that_does_not_hold_together_is_refused(definition: dict[str, object]):
    with pytest.raises(InvalidQuestionnaire):
        questionnaire_from(definition)


def test_a_choice_may_read_differently_for_a_parent():
    danger: Question = packaged_questionnaire("CLIN_GEN").question("danger")
    harm = next(choice for choice in danger.choices if choice.value == "self_harm")
    assert harm.wording.for_(Respondent.PARENT).zh == "孩子有伤害自己的想法"
    assert harm.text.in_language("zh-Hans") == "有伤害自己的想法"
