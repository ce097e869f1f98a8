"""The survey by text message as a pure state machine: one question per message.

Asked → an answer is recorded and the next question goes out; what cannot be read is answered with help once, the
second time a person takes over; words of danger go to a person at once. Nothing here knows how messages are sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from hcrm.survey.domain.alerts import alerts_for, word_hits
from hcrm.survey.domain.flow import is_shown
from hcrm.survey.domain.parsing import NotUnderstood, Parsed, parse_reply
from hcrm.survey.domain.questionnaire import (
    Answers,
    AnswerValue,
    AskContext,
    Questionnaire,
    Severity,
)


class ReplyKind(StrEnum):
    """What goes back to the patient."""

    ASK = "ask"
    HELP = "help"
    HANDED_OVER = "handed_over"
    THANKS = "thanks"
    THANKS_LOW = "thanks_low"


@dataclass(frozen=True, slots=True)
class SmsPosition:
    """Where a conversation stands: the question that waits for its reply, those left out, whether help was given."""

    waiting_for: str | None
    skipped: tuple[str, ...] = ()
    help_sent: bool = False

    @property
    def finished(self) -> bool:
        return self.waiting_for is None

    def to_json(self) -> dict[str, Any]:
        return {"waiting_for": self.waiting_for, "skipped": list(self.skipped)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, help_sent: bool) -> SmsPosition:
        return cls(data["waiting_for"], tuple(data["skipped"]), help_sent)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one reply does: the answer to record (code, value), what to send, and whether a person must read it."""

    position: SmsPosition
    reply: ReplyKind
    ask: str | None = None
    answer: tuple[str, AnswerValue] | None = None
    to_person: bool = False


def begin(questionnaire: Questionnaire, answers: Answers, context: AskContext) -> SmsPosition:
    """The position before the first message; finished at once when nothing of the short form is left to ask."""
    return SmsPosition(_next_in_form(questionnaire, answers, context, ()))


def take_text(
    questionnaire: Questionnaire, position: SmsPosition, answers: Answers, context: AskContext, text: str
) -> Turn:
    """Advance by one reply. ``answers`` are those given so far, on whatever channel.

    Raises ``ValueError`` when the conversation is finished: such a message is for a person.
    """
    if position.waiting_for is None:
        raise ValueError("the conversation is finished")
    question = questionnaire.question(position.waiting_for)
    parsed = parse_reply(question, text)
    if isinstance(parsed, NotUnderstood):
        return _not_understood(questionnaire, position, answers, text)
    if parsed.value is None:
        skipped = replace(position, skipped=(*position.skipped, question.code))
        return _go_on(questionnaire, skipped, answers, context, None)
    answer = (question.code, parsed.value)
    return _go_on(questionnaire, position, {**answers, question.code: parsed.value}, context, answer)


def _not_understood(questionnaire: Questionnaire, position: SmsPosition, answers: Answers, text: str) -> Turn:
    grave = any(severity is not Severity.ROUTINE for severity in word_hits(text).values())
    if not grave and not position.help_sent:
        return Turn(replace(position, help_sent=True), ReplyKind.HELP, ask=position.waiting_for)
    ended = replace(position, waiting_for=None)
    answer = _as_comment(questionnaire, answers, text) if grave else None
    return Turn(ended, ReplyKind.HANDED_OVER, answer=answer, to_person=True)


def _as_comment(questionnaire: Questionnaire, answers: Answers, text: str) -> tuple[str, AnswerValue] | None:
    """Words of danger are kept as the comment, as they were written, so that they open an alert at once."""
    for code in questionnaire.sms_form:
        question = questionnaire.question(code)
        if question.word_lists and code not in answers:
            parsed = parse_reply(question, text)
            return (code, parsed.value) if isinstance(parsed, Parsed) and parsed.value is not None else None
    return None


def _go_on(
    questionnaire: Questionnaire,
    position: SmsPosition,
    answers: Answers,
    context: AskContext,
    answer: tuple[str, AnswerValue] | None,
) -> Turn:
    following = _next_in_form(questionnaire, answers, context, position.skipped)
    moved = replace(position, waiting_for=following)
    if following is not None:
        return Turn(moved, ReplyKind.ASK, ask=following, answer=answer)
    sorry = bool(alerts_for(questionnaire, answers, context))
    return Turn(moved, ReplyKind.THANKS_LOW if sorry else ReplyKind.THANKS, answer=answer)


def _next_in_form(
    questionnaire: Questionnaire, answers: Answers, context: AskContext, skipped: tuple[str, ...]
) -> str | None:
    for code in questionnaire.sms_form:
        question = questionnaire.question(code)
        if code not in answers and code not in skipped and is_shown(questionnaire, question, answers, context):
            return code
    return None
