"""Which questions are asked, and when a response is complete."""

from __future__ import annotations

import pytest

from hcrm.survey.domain import (
    AskContext,
    Completeness,
    InvalidAnswer,
    InvalidCondition,
    Mode,
    Question,
    Respondent,
    checked_value,
    completeness,
    next_question,
    parse_condition,
    previous_question,
    shown_answers,
    shown_questions,
)
from hcrm.survey.readers import packaged_questionnaire

SAT, CLIN, SURG, ED = (packaged_questionnaire(code) for code in ("SAT_IP", "CLIN_GEN", "CLIN_SURG", "SAT_ED"))
ANYBODY = AskContext()


def codes(questionnaire, answers=None, **facts) -> list[str]:
    return [question.code for question in shown_questions(questionnaire, answers or {}, AskContext(**facts))]


def test_the_regulators_module_appears_when_it_is_switched_on():
    assert "food" not in codes(SAT)
    assert "food" in codes(SAT, modules=frozenset({"IP_PLUS"}))


@pytest.mark.parametrize(
    ("answers", "asked"),
    [({}, False), ({"overall": 3}, False), ({"ward_clean": 2}, True), ({"comment": "Hm"}, True)],
)
def test_may_we_contact_you_is_asked_after_a_low_rating_or_a_comment(answers, asked):
    assert ("contact_me" in codes(SAT, answers)) is asked


def test_medicine_questions_depend_on_having_medicines():
    assert "med_take" not in codes(CLIN)
    assert "med_take" in codes(CLIN, {"med_have": "some"})
    assert "med_take" not in codes(CLIN, {"med_have": "none"})


def test_an_answer_hidden_by_a_later_change_counts_no_more():
    answers = {"med_have": "not_needed", "med_problem": "yes", "med_problem_what": "rash"}
    assert "med_problem_what" not in codes(CLIN, answers)
    assert set(shown_answers(CLIN, answers, ANYBODY)) == {"med_have"}


def test_childrens_questions_are_for_parents_and_children():
    assert "child_drink" not in codes(CLIN)
    assert "child_drink" in codes(CLIN, respondent=Respondent.PARENT)
    assert "child_alert" in codes(CLIN, age_days=5112)
    assert "child_alert" not in codes(CLIN, age_days=5113)
    assert "jaundice" in codes(CLIN, age_days=28)
    assert "jaundice" not in codes(CLIN, age_days=29, respondent=Respondent.PARENT)


def test_questions_after_surgery_depend_on_day_and_operation():
    assert "urine" in codes(SURG, days_since=3)
    assert "urine" in codes(SURG)
    assert "urine" not in codes(SURG, days_since=4)
    assert "bowel" in codes(SURG, days_since=2, abdominal_surgery=True)
    assert "bowel" not in codes(SURG, days_since=1, abdominal_surgery=True)
    assert "bowel" not in codes(SURG, days_since=5)
    assert "thinner" in codes(SURG)
    assert "thinner" not in codes(SURG, blood_thinner=False)


def test_who_left_before_being_seen_is_asked_four_questions():
    assert codes(ED, disposition="left_without_being_seen") == ["danger", "feeling", "left_reason", "comment"]
    assert "left_reason" not in codes(ED, disposition="home")
    assert len(codes(ED)) == 11


def test_next_and_previous_pass_over_hidden_and_answered_questions():
    assert next_question(CLIN, {}, ANYBODY).code == "danger"
    assert next_question(CLIN, {"danger": ("none",), "feeling": "better"}, ANYBODY).code == "fever"
    assert next_question(CLIN, {}, ANYBODY, after="feeling").code == "fever"
    assert next_question(CLIN, {}, ANYBODY, after="anything_else") is None
    assert previous_question(CLIN, {}, ANYBODY, "fever").code == "feeling"
    assert previous_question(CLIN, {}, ANYBODY, "danger") is None


def test_a_response_is_complete_when_all_core_items_are_answered():
    assert completeness(SAT, {}, ANYBODY) is Completeness.NONE
    assert completeness(SAT, {"nurse_comm": 5}, ANYBODY) is Completeness.INSUFFICIENT
    assert completeness(SAT, {"overall": 5}, ANYBODY) is Completeness.PARTIAL
    assert completeness(SAT, {"overall": 5, "discharge_info": 4}, ANYBODY) is Completeness.COMPLETE


def test_half_of_the_items_make_a_partial_response():
    half = dict.fromkeys(("nurse_comm", "doctor_comm", "response", "pain_help"), 5)
    assert completeness(SAT, half, ANYBODY) is Completeness.INSUFFICIENT
    assert completeness(SAT, half | {"recommend": 9}, ANYBODY) is Completeness.PARTIAL


def test_after_a_danger_sign_the_rest_is_optional():
    assert completeness(CLIN, {"danger": ("none",)}, ANYBODY) is Completeness.INSUFFICIENT
    assert completeness(CLIN, {"danger": ("breath",)}, ANYBODY) is Completeness.COMPLETE


def test_an_answer_by_key_counts_as_answered():
    core = {question.code: "declined" for question in shown_questions(CLIN, {}, ANYBODY) if question.core}
    core |= {"pain": 0, "danger": ("declined",)}
    assert completeness(CLIN, core, ANYBODY) is Completeness.COMPLETE


@pytest.mark.parametrize(
    "text", ["", "feeling", "feeling == worse", "feeling <= low", "a and", "or b answered", "A = b"]
)
def test_a_condition_that_cannot_be_read_is_refused(text: str):
    with pytest.raises(InvalidCondition):
        parse_condition(text)


@pytest.mark.parametrize(
    ("question", "value", "stored"),
    [
        (SAT.question("overall"), 5, 5),
        (SAT.question("recommend"), 0, 0),
        (SAT.question("response"), "na", "na"),
        (CLIN.question("feeling"), "worse", "worse"),
        (CLIN.question("feeling"), "declined", "declined"),
        (CLIN.question("danger"), ["bleeding", "chest_pain"], ("chest_pain", "bleeding")),
        (CLIN.question("danger"), ["none"], ("none",)),
        (CLIN.question("danger"), "unsure", ("unsure",)),
        (SAT.question("comment"), "  hello \x00", "hello"),
    ],
)
def test_a_possible_value_is_stored_in_one_way(question: Question, value: object, stored: object):
    assert checked_value(question, value) == stored


@pytest.mark.parametrize(
    ("question", "value"),
    [
        (SAT.question("overall"), 6),
        (SAT.question("overall"), "5"),
        (SAT.question("overall"), True),
        (SAT.question("overall"), "na"),
        (SAT.question("overall"), None),
        (SAT.question("recommend"), 11),
        (CLIN.question("feeling"), "splendid"),
        (CLIN.question("feeling"), ["worse"]),
        (CLIN.question("danger"), []),
        (CLIN.question("danger"), ["none", "breath"]),
        (CLIN.question("danger"), ["unsure", "breath"]),
        (CLIN.question("danger"), 3),
        (SAT.question("comment"), "   "),
        (SAT.question("comment"), 5),
    ],
)
def test_an_impossible_value_is_refused_without_repeating_it(question: Question, value: object):
    with pytest.raises(InvalidAnswer) as refused:
        checked_value(question, value)
    assert refused.value.args == (question.code,)


def test_not_sure_and_declined_are_offered_in_calls_only():
    offered = {choice.value for choice in CLIN.question("med_take").offered(Mode.PHONE)}
    assert offered == {"as_told", "missed", "changed", "unsure", "declined"}
    assert {choice.value for choice in CLIN.question("intake").offered(Mode.WEB)} == {"yes", "no"}
