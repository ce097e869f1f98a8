"""Which questions are shown, which comes next, and how complete a response is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from enum import StrEnum

from hcrm.survey.domain.conditions import ANY_SCALE5, Condition, Lookup
from hcrm.survey.domain.questionnaire import (
    NOT_APPLICABLE,
    Answers,
    AskContext,
    Question,
    QuestionKind,
    Questionnaire,
)

OVERALL = "overall"
_FACTS = frozenset(entry.name for entry in fields(AskContext))


class Completeness(StrEnum):
    """``insufficient`` answers are fewer than half and without ``overall`` (AAPOR: break-off)."""

    NONE = "none"
    INSUFFICIENT = "insufficient"
    PARTIAL = "partial"
    COMPLETE = "complete"


def lookup(questionnaire: Questionnaire, answers: Answers, context: AskContext) -> Lookup:
    """Values of question codes, ``@facts`` of the context and ``any_scale5``, for conditions."""

    def values(subject: str) -> Iterator[object]:
        if subject == ANY_SCALE5:
            yield from _scale5_values(questionnaire, answers)
        elif subject.startswith("@"):
            yield from _fact(context, subject[1:])
        else:
            yield from _answer(answers, subject)

    return values


def _scale5_values(questionnaire: Questionnaire, answers: Answers) -> Iterator[object]:
    for question in questionnaire.questions:
        if question.kind is QuestionKind.SCALE5 and question.code in answers:
            yield answers[question.code]


def _fact(context: AskContext, name: str) -> Iterator[object]:
    value = getattr(context, name) if name in _FACTS else None
    if value is not None and value != "":
        yield value


def _answer(answers: Answers, code: str) -> Iterator[object]:
    value = answers.get(code)
    if isinstance(value, tuple):
        yield from value
    elif value is not None and value != "":
        yield value


def holds(condition: Condition, questionnaire: Questionnaire, answers: Answers, context: AskContext) -> bool:
    return condition.holds(lookup(questionnaire, answers, context))


def is_shown(questionnaire: Questionnaire, question: Question, answers: Answers, context: AskContext) -> bool:
    """Whether the question is asked now: its module is on and its skip rule lets it through."""
    return question in shown_questions(questionnaire, answers, context)


def shown_questions(questionnaire: Questionnaire, answers: Answers, context: AskContext) -> tuple[Question, ...]:
    """The questions asked, in order, as the answers stand.

    An answer to a question that is itself hidden now (an answer changed later hides it) counts for no skip rule after
    it; skip rules look at earlier questions only, so one pass is enough.
    """
    shown: list[Question] = []
    valid = dict(answers)
    for question in questionnaire.questions:
        asked = not question.module or question.module in context.modules
        if asked and (question.show_if is None or holds(question.show_if, questionnaire, valid, context)):
            shown.append(question)
        else:
            valid.pop(question.code, None)
    return tuple(shown)


def shown_answers(questionnaire: Questionnaire, answers: Answers, context: AskContext) -> Answers:
    """The answers to questions that are asked as things stand; scores and alerts look at these only."""
    codes = {question.code for question in shown_questions(questionnaire, answers, context)}
    return {code: value for code, value in answers.items() if code in codes}


def next_question(
    questionnaire: Questionnaire, answers: Answers, context: AskContext, *, after: str | None = None
) -> Question | None:
    """The first unanswered question asked after ``after`` (from the start without it); ``None`` at the end."""
    shown = shown_questions(questionnaire, answers, context)
    position = _position(questionnaire, after)
    order = {question.code: index for index, question in enumerate(questionnaire.questions)}
    for question in shown:
        if order[question.code] > position and question.code not in answers:
            return question
    return None


def previous_question(
    questionnaire: Questionnaire, answers: Answers, context: AskContext, code: str
) -> Question | None:
    """The question asked before ``code``; ``None`` at the beginning."""
    shown = shown_questions(questionnaire, answers, context)
    order = {question.code: index for index, question in enumerate(questionnaire.questions)}
    earlier = [question for question in shown if order[question.code] < _position(questionnaire, code)]
    return earlier[-1] if earlier else None


def _position(questionnaire: Questionnaire, code: str | None) -> int:
    if code is None:
        return -1
    return next((index for index, question in enumerate(questionnaire.questions) if question.code == code), -1)


def stopped(questionnaire: Questionnaire, answers: Answers, context: AskContext) -> bool:
    """Whether an answer told the person to call for help at once; every other question is optional then."""
    for question in shown_questions(questionnaire, answers, context):
        if question.code in answers and any(
            rule.stop and holds(rule.when, questionnaire, answers, context) for rule in question.alerts
        ):
            return True
    return False


def completeness(questionnaire: Questionnaire, answers: Answers, context: AskContext) -> Completeness:
    """Complete = all core items asked are answered; partial = ``overall`` or at least half of the items asked.

    After a danger sign the rest is optional, so the response is complete.
    """
    shown = shown_questions(questionnaire, answers, context)
    answered = [question for question in shown if question.code in answers]
    if not answered:
        return Completeness.NONE
    core = [question for question in shown if question.core]
    if all(question.code in answers for question in core) or stopped(questionnaire, answers, context):
        return Completeness.COMPLETE
    items = [question for question in shown if not question.optional]
    enough = 2 * sum(question.code in answers for question in items) >= len(items)
    return Completeness.PARTIAL if enough or _rated_overall(answers) else Completeness.INSUFFICIENT


def _rated_overall(answers: Answers) -> bool:
    return answers.get(OVERALL, NOT_APPLICABLE) != NOT_APPLICABLE
