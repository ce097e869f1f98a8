"""The survey by text message, as a state machine."""

from __future__ import annotations

import pytest

from hcrm.survey.domain import AskContext, ReplyKind, SmsPosition, begin, take_text
from hcrm.survey.readers import packaged_questionnaire

SAT = packaged_questionnaire("SAT_IP")
ANYBODY = AskContext()


def talk(*texts: str, answers: dict[str, object] | None = None):
    """The turns that these texts make, and the answers recorded on the way."""
    known = dict(answers or {})
    position = begin(SAT, known, ANYBODY)
    turns = []
    for text in texts:
        turn = take_text(SAT, position, known, ANYBODY, text)
        if turn.answer:
            known[turn.answer[0]] = turn.answer[1]
        position = turn.position
        turns.append(turn)
    return turns, known


def test_one_question_per_message_in_the_order_of_the_short_form():
    turns, known = talk("5", "五", "4分", "satisfied", "9", "护士很好")
    assert [turn.ask for turn in turns] == ["nurse_comm", "doctor_comm", "discharge_info", "recommend", "comment", None]
    assert known == {
        "overall": 5,
        "nurse_comm": 5,
        "doctor_comm": 4,
        "discharge_info": 4,
        "recommend": 9,
        "comment": "护士很好",
    }
    assert turns[-1].reply is ReplyKind.THANKS
    assert turns[-1].position.finished


def test_zero_at_the_last_question_ends_without_a_comment():
    turns, known = talk("5", "5", "5", "5", "10", "0")
    assert "comment" not in known
    assert turns[-1].reply is ReplyKind.THANKS


def test_a_low_answer_is_met_with_regret_at_the_end():
    turns, _ = talk("2", "5", "5", "5", "10", "0")
    assert turns[0].reply is ReplyKind.ASK
    assert turns[-1].reply is ReplyKind.THANKS_LOW


def test_help_is_sent_once_then_a_person_takes_over():
    turns, known = talk("what?", "hmm")
    assert (turns[0].reply, turns[0].ask, turns[0].to_person) == (ReplyKind.HELP, "overall", False)
    assert (turns[1].reply, turns[1].to_person, turns[1].position.finished) == (ReplyKind.HANDED_OVER, True, True)
    assert known == {}


def test_help_is_sent_once_in_a_conversation_not_once_per_question():
    turns, known = talk("what?", "5", "great")
    assert known == {"overall": 5}
    assert turns[2].reply is ReplyKind.HANDED_OVER


def test_words_of_danger_go_to_a_person_at_once_and_are_kept_as_the_comment():
    turns, known = talk("I have chest pain")
    assert (turns[0].reply, turns[0].to_person) == (ReplyKind.HANDED_OVER, True)
    assert known == {"comment": "I have chest pain"}


def test_a_survey_begun_on_the_web_goes_on_where_it_stopped():
    turns, _ = talk("5", answers={"overall": 4, "nurse_comm": 4})
    assert turns[0].answer == ("doctor_comm", 5)
    assert turns[0].ask == "discharge_info"


def test_nothing_is_left_to_ask_when_all_is_answered():
    everything = dict.fromkeys(SAT.sms_form[:-1], 5) | {"comment": "fine"}
    assert begin(SAT, everything, ANYBODY).finished


def test_a_text_after_the_end_is_for_a_person():
    with pytest.raises(ValueError, match="finished"):
        take_text(SAT, SmsPosition(None), {}, ANYBODY, "5")


def test_the_position_survives_storage():
    position = SmsPosition("comment", ("recommend",), help_sent=True)
    assert SmsPosition.from_json(position.to_json(), help_sent=True) == position


def test_who_left_before_being_seen_is_asked_for_a_comment_only():
    left = AskContext(disposition="left_without_being_seen")
    assert begin(packaged_questionnaire("SAT_ED"), {}, left).waiting_for == "comment"
