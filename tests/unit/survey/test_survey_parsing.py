"""What patients write in text messages, and what it is read as."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hcrm.survey.domain import (
    AskContext,
    NotUnderstood,
    Parsed,
    Question,
    QuestionKind,
    ReplyKind,
    begin,
    parse_reply,
    take_text,
)
from hcrm.survey.readers import packaged_questionnaire

SAT = packaged_questionnaire("SAT_IP")
COMMENT = SAT.question("comment")

TABLE = Path(__file__).with_name("replies.tsv")
"""Question, reply (as JSON) and reading: ``=`` and the value, ``text`` as written, ``skip`` left out, ``help``."""


def rows() -> list[tuple[str, str, str]]:
    """Every row of the table."""
    lines = TABLE.read_text(encoding="utf-8").splitlines()[1:]
    return [(question, json.loads(reply), reading) for question, reply, reading in (line.split("\t") for line in lines)]


ROWS = rows()


def reading_of(question: Question, reply: str) -> str:
    """What is read, in the words of the table."""
    parsed = parse_reply(question, reply)
    if isinstance(parsed, NotUnderstood):
        return "help"
    if parsed.value is None:
        return "skip"
    if question.kind is QuestionKind.TEXT:
        assert parsed.value == reply.strip()
        return "text"
    return "=" + (",".join(parsed.value) if isinstance(parsed.value, tuple) else str(parsed.value))


@pytest.mark.parametrize("code", sorted({question for question, _, _ in ROWS}))
def test_every_reply_of_the_table_is_read_as_it_says(code: str):
    form, name = code.split(".")
    question = packaged_questionnaire(form).question(name)
    wrong = [
        (reply, reading, reading_of(question, reply))
        for asked, reply, reading in ROWS
        if asked == code and reading_of(question, reply) != reading
    ]
    assert wrong == []


def test_the_table_is_large_and_in_both_languages():
    assert len({(question, reply) for question, reply, _ in ROWS}) == len(ROWS) >= 400
    chinese = [reply for _, reply, _ in ROWS if any("\u4e00" <= character <= "\u9fff" for character in reply)]
    english = [reply for _, reply, _ in ROWS if any(character.isascii() and character.isalpha() for character in reply)]
    assert min(len(chinese), len(english)) >= 150
    for code in {question for question, _, _ in ROWS}:
        readings = [reading for question, _, reading in ROWS if question == code]
        assert "help" in readings


@pytest.mark.parametrize(
    "reply", [reply for code, reply, reading in ROWS if code == "SAT_IP.overall" and reading == "help"]
)
def test_what_is_not_one_certain_rating_goes_to_help_and_then_to_a_person(reply: str):
    start = begin(SAT, {}, AskContext())
    first = take_text(SAT, start, {}, AskContext(), reply)
    grave = first.to_person
    assert first.reply is (ReplyKind.HANDED_OVER if grave else ReplyKind.HELP)
    if not grave:
        second = take_text(SAT, first.position, {}, AskContext(), reply)
        assert (second.reply, second.to_person, second.answer) == (ReplyKind.HANDED_OVER, True, None)


def test_a_long_comment_is_cut_and_control_characters_are_dropped():
    parsed = parse_reply(COMMENT, "a\x00b\x07" + "c" * 5000)
    assert isinstance(parsed, Parsed)
    assert parsed.value == "ab" + "c" * 1998
