"""From the data of a questionnaire (TOML file or JSON column, the same shape) to frozen, checked objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hcrm.survey.domain.conditions import ANY_SCALE5, Condition, InvalidCondition, parse_condition
from hcrm.survey.domain.questionnaire import (
    BY_KEY,
    FREQUENCY,
    NOT_APPLICABLE,
    NPS_MAX,
    NPS_MIN,
    SCALE_MAX,
    SCALE_MIN,
    YES_NO,
    Advice,
    AlertRule,
    AskContext,
    Cause,
    Choice,
    Purpose,
    Question,
    QuestionKind,
    Questionnaire,
    Severity,
    Text,
    Wording,
)

_FLAGS = {"scored": "scored", "core": "core", "na": "na", "opt": "optional", "sms": "sms", "words": "word_lists"}
_QUESTION_KEYS = frozenset(
    {
        "code",
        "kind",
        "flags",
        "en",
        "zh",
        "parent",
        "carer",
        "na_text",
        "sms_text",
        "choices",
        "minimum",
        "maximum",
        "weight",
        "module",
        "show_if",
        "alerts",
        "readmitted_if",
    }
)
_FACTS = frozenset(f"@{entry.name}" for entry in fields(AskContext))
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_HALF_WIDTH = re.compile(r"[\u4e00-\u9fff][,?!;:()]|[,?!;:()][\u4e00-\u9fff]")


class InvalidQuestionnaire(ValueError):
    """A definition that does not hold together; the argument says where and what."""


def questionnaire_from(definition: Mapping[str, Any]) -> Questionnaire:
    """Read and check a whole definition. Raises ``InvalidQuestionnaire``."""
    try:
        questionnaire = _questionnaire(definition)
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidQuestionnaire(f"{definition.get('code', '?')}: {error}") from error
    _check(questionnaire)
    return questionnaire


def _questionnaire(data: Mapping[str, Any]) -> Questionnaire:
    return Questionnaire(
        code=data["code"],
        version=data["version"],
        name=_text(data["name"]),
        purpose=Purpose(data["purpose"]),
        intro=_wording(data["intro"]),
        about=_wording(data["about"]),
        notice=_text(data["notice"]) if "notice" in data else None,
        questions=tuple(_question(entry) for entry in data["question"]),
        sms_form=tuple(data.get("sms_form", ())),
        invite_sms=data.get("invite_sms", "survey_invite_sms"),
        join_routine=data.get("join_routine", False),
        modules=tuple(data.get("modules", ())),
    )


def _text(data: Mapping[str, str]) -> Text:
    if _HALF_WIDTH.search(data["zh"]):
        raise ValueError(f"half-width punctuation in {data['zh']}")
    return Text(data["en"], data["zh"])


def _wording(data: Mapping[str, Any]) -> Wording:
    own = {name: _text(data[name]) for name in ("parent", "carer") if name in data}
    return Wording(_text(data), **own)


def _question(data: Mapping[str, Any]) -> Question:
    unknown = set(data) - _QUESTION_KEYS
    if unknown or not _CODE.fullmatch(data["code"]):
        raise ValueError(f"question {data['code']}: {sorted(unknown)}")
    kind = QuestionKind(data["kind"])
    minimum, maximum = span_of(kind, data)
    flags = {_FLAGS[flag]: True for flag in data.get("flags", ())}
    return Question(
        code=data["code"],
        kind=kind,
        wording=_wording(data),
        choices=choices_of(kind, data),
        minimum=minimum,
        maximum=maximum,
        na_text=_text(data["na_text"]) if "na_text" in data else None,
        sms_text=_text(data["sms_text"]) if "sms_text" in data else None,
        weight=float(data.get("weight", 1)),
        module=data.get("module", ""),
        show_if=_condition(data.get("show_if")),
        alerts=tuple(_alert(rule) for rule in data.get("alerts", ())),
        readmitted_if=_condition(data.get("readmitted_if")),
        **flags,
    )


def span_of(kind: QuestionKind, data: Mapping[str, Any]) -> tuple[int, int]:
    """The least and the greatest value of a rated question or a number, else zeros."""
    if kind is QuestionKind.SCALE5:
        return SCALE_MIN, SCALE_MAX
    if kind is QuestionKind.NPS:
        return NPS_MIN, NPS_MAX
    if kind is QuestionKind.NUMBER:
        return data["minimum"], data["maximum"]
    return 0, 0


def choices_of(kind: QuestionKind, data: Mapping[str, Any]) -> tuple[Choice, ...]:
    """What can be picked, in order."""
    if kind is QuestionKind.YES_NO:
        return YES_NO
    if kind not in (QuestionKind.CHOICE, QuestionKind.MULTI):
        return ()
    if data["choices"] == "frequency":
        return FREQUENCY
    return tuple(Choice(choice["value"], _wording(choice)) for choice in data["choices"])


def _condition(text: str | None) -> Condition | None:
    return None if text is None else parse_condition(text)


def _alert(data: Mapping[str, Any]) -> AlertRule:
    return AlertRule(
        code=data["code"],
        when=parse_condition(data["when"]),
        severity=Severity(data["severity"]),
        cause=Cause(data["cause"]),
        stop=data.get("stop", False),
        advice=Advice(data["advice"]) if "advice" in data else None,
    )


def known_facts() -> frozenset[str]:
    """What conditions may ask about beside answers, each with its ``@``."""
    return _FACTS


def _check(questionnaire: Questionnaire) -> None:
    codes = [question.code for question in questionnaire.questions]
    problems = [f"{code} appears twice" for code in sorted({code for code in codes if codes.count(code) > 1})]
    for question in questionnaire.questions:
        problems += _problems_of(questionnaire, question)
    problems += [
        f"sms_form: {code}"
        for code in questionnaire.sms_form
        if code not in questionnaire.by_code or not questionnaire.by_code[code].sms
    ]
    problems += [f"{code} is not in sms_form" for code in codes if _missing_in_form(questionnaire, code)]
    if problems:
        raise InvalidQuestionnaire(f"{questionnaire.code}: {'; '.join(problems)}")


def _missing_in_form(questionnaire: Questionnaire, code: str) -> bool:
    return questionnaire.by_code[code].sms and code not in questionnaire.sms_form


def _problems_of(questionnaire: Questionnaire, question: Question) -> list[str]:
    problems = []
    if question.module and question.module not in questionnaire.modules:
        problems.append(f"{question.code}: module {question.module}")
    if question.scored and not question.ranged:
        problems.append(f"{question.code}: only ranged questions are scored")
    values = [choice.value for choice in question.choices]
    if len(set(values)) != len(values):
        problems.append(f"{question.code}: a choice appears twice")
    conditions = [rule.when for rule in question.alerts]
    conditions += [entry for entry in (question.show_if, question.readmitted_if) if entry is not None]
    for condition in conditions:
        problems += [f"{question.code}: {problem}" for problem in _unknown_in(questionnaire, condition)]
    earlier = set(questionnaire.by_code) if question.show_if is None else _before(questionnaire, question.code)
    asked_about = question.show_if.subjects if question.show_if is not None else frozenset()
    problems += [
        f"{question.code}: show_if looks ahead to {subject}"
        for subject in sorted(asked_about)
        if subject in questionnaire.by_code and subject not in earlier
    ]
    return problems


def _before(questionnaire: Questionnaire, code: str) -> set[str]:
    codes = [question.code for question in questionnaire.questions]
    return set(codes[: codes.index(code)])


def _unknown_in(questionnaire: Questionnaire, condition: Condition) -> list[str]:
    """Subjects and answer values in a condition that do not exist."""
    problems = []
    for tests in condition.alternatives:
        for test in tests:
            question = questionnaire.by_code.get(test.subject)
            if question is None and test.subject != ANY_SCALE5 and test.subject not in _FACTS:
                problems.append(f"unknown {test.subject}")
            elif question is not None and question.choices:
                offered = {choice.value for choice in (*question.choices, *BY_KEY)} | (
                    {NOT_APPLICABLE} if question.na else set()
                )
                problems += [f"{test.subject} has no answer {value}" for value in sorted(test.values - offered)]
    return problems


__all__ = ["InvalidCondition", "InvalidQuestionnaire", "questionnaire_from"]
