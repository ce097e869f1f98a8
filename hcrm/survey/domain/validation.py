"""Whether a value can be an answer to a question."""

from __future__ import annotations

from hcrm.survey.domain.questionnaire import (
    BY_KEY,
    NONE_OF_THESE,
    NOT_APPLICABLE,
    TEXT_LIMIT,
    AnswerValue,
    InvalidAnswer,
    Question,
    QuestionKind,
)

_BY_KEY_VALUES = frozenset(choice.value for choice in BY_KEY)


def checked_value(question: Question, value: object) -> AnswerValue:
    """``value`` as it is stored: texts trimmed, several choices in the order of the question.

    Takes lists for ``multi``. Raises ``InvalidAnswer`` for anything that the question cannot have.
    """
    if question.na and value == NOT_APPLICABLE:
        return NOT_APPLICABLE
    if question.ranged:
        return _whole_number(question, value)
    if question.kind is QuestionKind.MULTI:
        return _several(question, value)
    if question.kind is QuestionKind.TEXT:
        return _text(question, value)
    if isinstance(value, str) and (value in _own(question) or value in _BY_KEY_VALUES):
        return value
    raise InvalidAnswer(question.code)


def _own(question: Question) -> frozenset[str]:
    return frozenset(choice.value for choice in question.choices)


def _whole_number(question: Question, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and question.minimum <= value <= question.maximum:
        return value
    raise InvalidAnswer(question.code)


def _several(question: Question, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = (value,)
    if not isinstance(value, (list, tuple)) or not value:
        raise InvalidAnswer(question.code)
    chosen = set(value)
    if chosen - _own(question) - _BY_KEY_VALUES:
        raise InvalidAnswer(question.code)
    if len(chosen) > 1 and chosen & ({NONE_OF_THESE} | _BY_KEY_VALUES):
        raise InvalidAnswer(question.code)
    order = [choice.value for choice in question.choices] + [choice.value for choice in BY_KEY]
    return tuple(entry for entry in order if entry in chosen)


def _text(question: Question, value: object) -> str:
    if not isinstance(value, str):
        raise InvalidAnswer(question.code)
    printable = "".join(character for character in value if character == "\n" or character.isprintable())
    text = printable.strip()[:TEXT_LIMIT]
    if not text:
        raise InvalidAnswer(question.code)
    return text
