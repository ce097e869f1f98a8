"""Which answers open an alert, with which severity."""

from __future__ import annotations

import pytest

from hcrm.survey.domain import (
    JOINED_CODE,
    JOINED_RULE,
    Advice,
    Answers,
    AskContext,
    Cause,
    Respondent,
    Severity,
    alerts_for,
    is_compliment,
    word_hits,
)
from hcrm.survey.readers import packaged_questionnaire

NOBODY_IN_PARTICULAR = AskContext()
URGENT, HIGH, ROUTINE = Severity.URGENT, Severity.HIGH, Severity.ROUTINE
CHILD = AskContext(respondent=Respondent.PARENT, age_days=2000)

CASES = [
    ("SAT_IP", {"nurse_comm": 2}, {}, "nurse_comm", ROUTINE, Cause.SERVICE),
    ("SAT_IP", {"medicine_info": 1}, {}, "medicine_info", ROUTINE, Cause.MEDICINE),
    ("SAT_IP", {"discharge_info": 2}, {}, "discharge_info", HIGH, Cause.APPOINTMENT),
    ("SAT_IP", {"overall": 2}, {}, "overall", HIGH, Cause.SERVICE),
    ("SAT_IP", {"overall": 3, "comment": "It was cold."}, {}, "overall", ROUTINE, Cause.SERVICE),
    ("SAT_IP", {"recommend": 3}, {}, "recommend", ROUTINE, Cause.SERVICE),
    ("SAT_IP", {"nurse_comm": 5, "comment": "ok", "contact_me": "yes"}, {}, "contact_me", ROUTINE, Cause.SERVICE),
    ("SAT_IP", {"comment": "the nurse was rude"}, {}, "comment", ROUTINE, Cause.SERVICE),
    ("SAT_OP", {"privacy": 1}, {}, "privacy", HIGH, Cause.SERVICE),
    ("SAT_OP", {"next_steps": 2}, {}, "next_steps", HIGH, Cause.MEDICINE),
    ("SAT_ED", {"plan_kept": "not_booked"}, {}, "plan_kept", HIGH, Cause.APPOINTMENT),
    ("SAT_ED", {"advice_known": "no"}, {}, "advice_known", HIGH, Cause.OTHER),
    ("CLIN_GEN", {"danger": ("self_harm",)}, {}, "danger", URGENT, Cause.SYMPTOM),
    ("CLIN_GEN", {"feeling": "worse"}, {}, "feeling", HIGH, Cause.SYMPTOM),
    ("CLIN_GEN", {"fever": "high"}, {}, "fever", HIGH, Cause.SYMPTOM),
    ("CLIN_GEN", {"fever": "low"}, {}, "fever", ROUTINE, Cause.SYMPTOM),
    ("CLIN_GEN", {"fever": "not_measured"}, {"immune_risk": True}, "fever", HIGH, Cause.SYMPTOM),
    ("CLIN_GEN", {"fever": "low"}, {"immune_risk": False}, "fever", ROUTINE, Cause.SYMPTOM),
    ("CLIN_GEN", {"fever": "low"}, {"age_days": 91}, "fever", URGENT, Cause.SYMPTOM),
    ("CLIN_GEN", {"fever": "not_measured"}, {"age_days": 91}, "fever", HIGH, Cause.SYMPTOM),
    ("CLIN_GEN", {"fever": "low"}, {"age_days": 92}, "fever", ROUTINE, Cause.SYMPTOM),
    ("CLIN_GEN", {"pain": 7}, {}, "pain", HIGH, Cause.SYMPTOM),
    ("CLIN_GEN", {"pain": 4}, {}, "pain", ROUTINE, Cause.SYMPTOM),
    ("CLIN_GEN", {"intake": "no"}, {}, "intake", ROUTINE, Cause.SYMPTOM),
    ("CLIN_GEN", {"med_have": "none"}, {}, "med_have", HIGH, Cause.MEDICINE),
    ("CLIN_GEN", {"med_have": "all", "med_take": "unsure"}, {}, "med_take", HIGH, Cause.MEDICINE),
    ("CLIN_GEN", {"med_have": "all", "med_take": "missed"}, {}, "med_take", ROUTINE, Cause.MEDICINE),
    ("CLIN_GEN", {"med_have": "all", "med_problem": "yes"}, {}, "med_problem", HIGH, Cause.MEDICINE),
    ("CLIN_GEN", {"return_visit": "unsure"}, {}, "return_visit", ROUTINE, Cause.APPOINTMENT),
    ("CLIN_GEN", {"equipment": "problem"}, {"equipment": True}, "equipment", HIGH, Cause.EQUIPMENT),
    ("CLIN_GEN", {"support": "no"}, {}, "support", ROUTINE, Cause.SOCIAL),
    ("CLIN_GEN", {"care_elsewhere": "ed"}, {}, "care_elsewhere", ROUTINE, Cause.SYMPTOM),
    ("CLIN_GEN", {"child_drink": "no"}, {"respondent": Respondent.PARENT}, "child_drink", HIGH, Cause.SYMPTOM),
    ("CLIN_GEN", {"child_alert": "yes"}, {"age_days": 2000}, "child_alert", URGENT, Cause.SYMPTOM),
    ("CLIN_GEN", {"jaundice": "yes"}, {"age_days": 10}, "jaundice", HIGH, Cause.SYMPTOM),
    ("CLIN_SURG", {"wound": ("opened", "pus")}, {}, "wound", URGENT, Cause.SYMPTOM),
    ("CLIN_SURG", {"wound": ("smell", "swollen")}, {}, "wound", HIGH, Cause.SYMPTOM),
    ("CLIN_SURG", {"wound": ("swollen",)}, {}, "wound", ROUTINE, Cause.SYMPTOM),
    ("CLIN_SURG", {"leg": "yes"}, {}, "leg", URGENT, Cause.SYMPTOM),
    ("CLIN_SURG", {"urine": "no"}, {"days_since": 1}, "urine", URGENT, Cause.SYMPTOM),
    ("CLIN_SURG", {"urine": "no"}, {"days_since": 2}, "urine", HIGH, Cause.SYMPTOM),
    ("CLIN_SURG", {"bowel": "no_3"}, {"days_since": 3, "abdominal_surgery": True}, "bowel", HIGH, Cause.SYMPTOM),
    ("CLIN_SURG", {"fever": "high"}, {"implant": True}, "fever", URGENT, Cause.SYMPTOM),
    ("CLIN_SURG", {"thinner": "not"}, {}, "thinner", HIGH, Cause.MEDICINE),
    ("RECALL", {"called": "no"}, {}, "called", ROUTINE, Cause.SERVICE),
]

SILENT = [
    ("SAT_IP", {"nurse_comm": 3, "overall": 3, "recommend": 4, "ward_clean": 1, "night_quiet": 1}, {}),
    ("SAT_IP", {"response": "na", "pain_help": "na"}, {}),
    ("SAT_IP", {"comment": "Thank you, excellent nurses."}, {}),
    ("SAT_IP", {"contact_me": "yes"}, {}),
    ("SAT_OP", {"booking": 1, "signs": 1}, {}),
    ("SAT_ED", {"informed": 1}, {}),
    ("SAT_ED", {"first_contact": 1}, {"disposition": "left_without_being_seen"}),
    ("CLIN_GEN", {"danger": ("none",), "feeling": "same", "fever": "no", "pain": 3}, {}),
    ("CLIN_GEN", {"feeling": "unsure", "intake": "declined", "warning_known": "unsure"}, {}),
    ("CLIN_GEN", {"care_elsewhere": "admitted"}, {}),
    ("CLIN_GEN", {"med_have": "not_needed", "med_take": "changed"}, {}),
    ("CLIN_GEN", {"equipment": "problem"}, {}),
    ("CLIN_GEN", {"child_alert": "yes"}, {}),
    ("CLIN_SURG", {"urine": "no"}, {"days_since": 4}),
    ("CLIN_SURG", {"thinner": "not"}, {"blood_thinner": False}),
    ("RECALL", {"called": "unsure"}, {}),
]


@pytest.mark.parametrize(("code", "answers", "facts", "question", "severity", "cause"), CASES)
def test_an_answer_that_needs_somebody_opens_one_alert(
    code: str, answers: Answers, facts: dict[str, object], question: str, severity: Severity, cause: Cause
):
    raised = alerts_for(packaged_questionnaire(code), answers, AskContext(**facts))
    assert [(alert.question_code, alert.severity, alert.cause) for alert in raised] == [(question, severity, cause)]


@pytest.mark.parametrize(("code", "answers", "facts"), SILENT)
def test_other_answers_open_none(code: str, answers: Answers, facts: dict[str, object]):
    assert alerts_for(packaged_questionnaire(code), answers, AskContext(**facts)) == []


def test_danger_signs_stop_the_questions():
    [alert] = alerts_for(packaged_questionnaire("CLIN_GEN"), {"danger": ("breath", "bleeding")}, NOBODY_IN_PARTICULAR)
    assert alert.stop
    [child] = alerts_for(packaged_questionnaire("CLIN_GEN"), {"child_alert": "yes"}, CHILD)
    assert child.stop


def test_two_routine_alerts_of_different_causes_become_one_high_alert():
    answers = {"pain": 5, "support": "no", "feeling": "worse"}
    high, joined = alerts_for(packaged_questionnaire("CLIN_GEN"), answers, NOBODY_IN_PARTICULAR)
    assert high.question_code == "feeling"
    assert (joined.question_code, joined.rule, joined.severity) == (JOINED_CODE, JOINED_RULE, HIGH)
    assert joined.joined == (("pain", "moderate"), ("support", "no"))


def test_two_routine_alerts_of_one_cause_stay_two():
    raised = alerts_for(packaged_questionnaire("CLIN_GEN"), {"pain": 5, "intake": "no"}, NOBODY_IN_PARTICULAR)
    assert [alert.severity for alert in raised] == [ROUTINE, ROUTINE]


def test_routine_alerts_about_service_and_medicine_are_not_joined_in_a_satisfaction_survey():
    raised = alerts_for(packaged_questionnaire("SAT_IP"), {"nurse_comm": 1, "medicine_info": 1}, NOBODY_IN_PARTICULAR)
    assert [alert.severity for alert in raised] == [ROUTINE, ROUTINE]


def test_advice_goes_with_the_alert():
    raised = alerts_for(packaged_questionnaire("CLIN_GEN"), {"warning_known": "no"}, NOBODY_IN_PARTICULAR)
    assert raised[0].advice is Advice.EXPLAIN_NOW
    raised = alerts_for(packaged_questionnaire("CLIN_GEN"), {"return_visit": "not_booked"}, NOBODY_IN_PARTICULAR)
    assert raised[0].advice is Advice.OFFER_BOOKING


def test_somebody_who_left_unseen_because_of_the_wait_and_is_no_better_is_a_high_alert():
    left = AskContext(disposition="left_without_being_seen")
    questionnaire = packaged_questionnaire("SAT_ED")
    [better] = alerts_for(questionnaire, {"feeling": "better", "left_reason": "wait"}, left)
    [same] = alerts_for(questionnaire, {"feeling": "same", "left_reason": "wait"}, left)
    assert (better.severity, same.severity) == (ROUTINE, HIGH)


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("I have chest pain", {"danger": URGENT}),
        ("I can’t breathe", {"danger": URGENT}),
        ("cant breathe well", {"danger": URGENT}),
        ("胸痛", {"danger": URGENT}),
        ("我不想活了", {"danger": URGENT}),
        ("no chest pain", {"danger": ROUTINE}),
        ("没有胸痛", {"danger": ROUTINE}),
        ("没有发烧、呕吐", {"symptom": ROUTINE}),
        ("我不舒服，胸痛", {"danger": URGENT}),
        ("not well, chest pain since noon", {"danger": URGENT}),
        ("no fever but bleeding", {"danger": URGENT, "symptom": ROUTINE}),
        ("没有发烧但是胸痛", {"danger": URGENT, "symptom": ROUTINE}),
        ("no fever. Now fever again", {"symptom": HIGH}),
        ("it did not in any way get worse", {"symptom": HIGH}),
        ("she passed away in May", {"death": HIGH}),
        ("他走了", {"death": HIGH}),
        ("没走了", {"death": ROUTINE}),
        ("no one called me", {"service": ROUTINE}),
        ("没人打电话", {"service": ROUTINE}),
        ("打12345投诉", {"service": ROUTINE}),
        ("I pushed the button", {}),
        ("He complained about infections", {"service": ROUTINE, "symptom": HIGH}),
        ("trash everywhere", {}),
        ("Everything was fine", {}),
        ("ＦＥＶＥＲ", {"symptom": HIGH}),
        ("感谢医生", {}),
    ],
)
def test_words_in_free_text(text: str, hits: dict[str, Severity]):
    assert word_hits(text) == hits


def test_praise_is_a_compliment_unless_something_needs_attention():
    assert is_compliment("感谢王护士，态度好")
    assert is_compliment("Thanks to the kind nurses")
    assert not is_compliment("Thanks, but the doctor was rude")
    assert not is_compliment("Food was cold")


def test_a_free_text_may_open_several_alerts():
    raised = alerts_for(packaged_questionnaire("SAT_IP"), {"comment": "发烧，我要投诉"}, NOBODY_IN_PARTICULAR)
    assert [(alert.rule, alert.severity) for alert in raised] == [("words:symptom", HIGH), ("words:service", ROUTINE)]
