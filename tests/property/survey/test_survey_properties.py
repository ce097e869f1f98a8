"""What always holds for replies, conversations, alerts and scores."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.survey.domain import (
    AskContext,
    Completeness,
    Mode,
    NotUnderstood,
    Parsed,
    QuestionKind,
    Respondent,
    Severity,
    alerts_for,
    begin,
    checked_value,
    completeness,
    next_question,
    parse_reply,
    shown_questions,
    take_text,
)
from hcrm.survey.domain.definition import questionnaire_from
from hcrm.survey.domain.scoring import mean_interval, nps, response_index, share_difference_interval, wilson
from hcrm.survey.readers import PACKAGED, packaged_definition, packaged_questionnaire

QUESTIONNAIRES = [packaged_questionnaire(code) for code in PACKAGED]
ANY_QUESTION = st.sampled_from([question for entry in QUESTIONNAIRES for question in entry.questions])
CONTEXTS = st.builds(
    AskContext,
    respondent=st.sampled_from(Respondent),
    age_days=st.none() | st.integers(0, 36500),
    days_since=st.none() | st.integers(0, 60),
    disposition=st.sampled_from(["", "home", "left_without_being_seen"]),
    equipment=st.none() | st.booleans(),
    immune_risk=st.none() | st.booleans(),
    implant=st.none() | st.booleans(),
    abdominal_surgery=st.none() | st.booleans(),
    blood_thinner=st.none() | st.booleans(),
    modules=st.sampled_from([frozenset(), frozenset({"IP_PLUS"})]),
)
REPLIES = st.text(max_size=30) | st.text(
    st.sampled_from("0123456789０５五十满意不很分 .,!?-very satisfied"), max_size=16
)


@st.composite
def a_value(draw, question):
    if question.ranged:
        value = draw(st.integers(question.minimum, question.maximum))
        return draw(st.sampled_from(["na", value])) if question.na else value
    if question.kind is QuestionKind.TEXT:
        return draw(st.text(min_size=1, max_size=40).filter(lambda text: checkable(question, text)))
    offered = [choice.value for choice in question.offered(Mode.PHONE)]
    one = draw(st.sampled_from(offered))
    return (one,) if question.kind is QuestionKind.MULTI else one


def checkable(question, text: str) -> bool:
    return any(character.isprintable() and not character.isspace() for character in text)


@st.composite
def a_response(draw):
    questionnaire = draw(st.sampled_from(QUESTIONNAIRES))
    asked = draw(st.lists(st.sampled_from(questionnaire.questions), unique_by=lambda question: question.code))
    answers = {question.code: draw(a_value(question)) for question in asked}
    return questionnaire, answers, draw(CONTEXTS)


@settings(max_examples=400)
@given(ANY_QUESTION, REPLIES)
def test_whatever_is_read_is_a_possible_answer(question, text):
    parsed = parse_reply(question, text)
    if not isinstance(parsed, NotUnderstood) and parsed.value is not None:
        assert checked_value(question, parsed.value) == parsed.value


COURTESY = st.sampled_from(["thanks", "Thank you!", "please", "谢谢", "，谢谢您。", "!", "。", " ", "🙏", "\n"])


@settings(max_examples=150)
@given(st.sampled_from(["SAT_IP.overall", "SAT_IP.recommend"]), st.data())
def test_courtesy_never_changes_what_a_number_says(name, data):
    code, question = name.split(".")
    asked = packaged_questionnaire(code).question(question)
    number = data.draw(st.integers(asked.minimum, asked.maximum))
    said = data.draw(st.sampled_from([str(number), chr(0xFF10 + number) if number < 10 else "１０", f"{number}分"]))
    before, after = data.draw(COURTESY), data.draw(COURTESY)
    assert parse_reply(asked, f"{before} {said} {after}") in (Parsed(number), NotUnderstood())
    assert parse_reply(asked, f"{said} {after}") == Parsed(number)


@settings(max_examples=150)
@given(
    st.integers(1, 5), st.integers(1, 5), st.sampled_from([" ", ",", " or ", "或", "-", "和", " and ", "/", "到", "; "])
)
def test_two_numbers_are_never_read_as_one(first, second, between):
    parsed = parse_reply(packaged_questionnaire("SAT_IP").question("overall"), f"{first}{between}{second}")
    assert parsed == NotUnderstood()


@settings(max_examples=60, deadline=2000)
@given(ANY_QUESTION, st.text(max_size=4), st.sampled_from([",", " ", "谢谢", "5", "很", "😀", "\u200b", "thanks "]))
def test_ten_thousand_characters_are_read_or_not_in_no_time(question, start, filler):
    parsed = parse_reply(question, start + filler * (10_000 // len(filler)))
    if not isinstance(parsed, NotUnderstood):
        assert question.kind is QuestionKind.TEXT
        assert parsed.value is None or len(parsed.value) <= 2000


@settings(max_examples=300)
@given(st.integers(-999, 999))
def test_a_number_outside_the_scale_is_never_read(number):
    parsed = parse_reply(packaged_questionnaire("SAT_IP").question("overall"), str(number))
    assert isinstance(parsed, NotUnderstood) == (not 1 <= number <= 5)


@settings(max_examples=200)
@given(st.sampled_from(["SAT_IP", "SAT_OP", "SAT_ED"]), st.lists(REPLIES, max_size=12), CONTEXTS)
def test_a_conversation_always_ends_and_helps_at_most_once(code, texts, context):
    questionnaire = packaged_questionnaire(code)
    position, answers, helped = begin(questionnaire, {}, context), {}, 0
    for text in texts:
        if position.finished:
            break
        turn = take_text(questionnaire, position, answers, context, text)
        helped += turn.reply == "help"
        assert turn.position != position
        if turn.answer:
            assert turn.answer[0] not in answers
            answers[turn.answer[0]] = turn.answer[1]
        assert turn.position.finished == (turn.ask is None)
        position = turn.position
    assert helped <= 1


@settings(max_examples=300)
@given(a_response())
def test_alerts_name_questions_that_were_asked_and_answered(response):
    questionnaire, answers, context = response
    shown = {question.code for question in shown_questions(questionnaire, answers, context)}
    raised = alerts_for(questionnaire, answers, context)
    named = {code for alert in raised for code, _ in (alert.joined or ((alert.question_code, alert.rule),))}
    assert named <= shown & set(answers)
    assert len({(alert.question_code, alert.rule) for alert in raised}) == len(raised)
    if questionnaire.join_routine:
        causes = {alert.cause for alert in raised if alert.severity is Severity.ROUTINE}
        assert len(causes) <= 1


@settings(max_examples=300)
@given(a_response())
def test_answering_question_after_question_completes_any_questionnaire(response):
    questionnaire, answers, context = response
    for _ in range(60):
        question = next_question(questionnaire, answers, context)
        if question is None:
            break
        harmless = {QuestionKind.MULTI: ("none",), QuestionKind.TEXT: "fine"}.get(question.kind)
        if harmless is None:
            harmless = question.maximum if question.ranged else question.choices[0].value
        answers = {**answers, question.code: harmless}
    else:
        raise AssertionError("the questions never end")
    assert completeness(questionnaire, answers, context) is Completeness.COMPLETE


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_share_and_stays_between_nothing_and_all(case):
    x, n = case
    interval = wilson(x, n)
    if interval is None:
        assert n == 0
    else:
        assert 0 <= interval[0] <= x / n <= interval[1] <= 1


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_interval_of_a_mean_holds_the_mean(values):
    low, high = mean_interval(values, 1, 5)
    assert 1 <= low <= sum(values) / len(values) + 1e-9
    assert sum(values) / len(values) - 1e-9 <= high <= 5


@given(st.lists(st.integers(0, 10), min_size=1, max_size=80))
def test_interval_of_the_net_promoter_score_holds_it(values):
    score = nps(values)
    assert -100 - 1e-6 <= score.low <= score.value + 1e-6
    assert score.value - 1e-6 <= score.high <= 100 + 1e-6


@given(st.integers(1, 60), st.data())
def test_swapping_promoters_and_detractors_mirrors_the_interval(n, data):
    plus = data.draw(st.integers(0, n))
    minus = data.draw(st.integers(0, n - plus))
    low, high = share_difference_interval(plus, minus, n)
    mirrored = share_difference_interval(minus, plus, n)
    assert abs(low + mirrored[1]) < 1e-6
    assert abs(high + mirrored[0]) < 1e-6


@settings(max_examples=200)
@given(a_response())
def test_the_index_is_a_number_between_0_and_100_or_none(response):
    questionnaire, answers, _ = response
    value = response_index(questionnaire.questions, answers)
    assert value is None or 0 <= value <= 100


@given(st.sampled_from(PACKAGED))
def test_a_definition_read_twice_is_the_same_questionnaire(code):
    assert questionnaire_from(packaged_definition(code)) == packaged_questionnaire(code)
