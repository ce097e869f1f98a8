"""What keeps a draft from being published: every flaw with its place. Pure; an empty list means it may go out."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hcrm.survey.domain.conditions import ANY_SCALE5, Condition, InvalidCondition, parse_condition
from hcrm.survey.domain.definition import choices_of, known_facts, span_of
from hcrm.survey.domain.drafts import Definition
from hcrm.survey.domain.questionnaire import (
    NOT_APPLICABLE,
    Advice,
    Cause,
    Question,
    QuestionKind,
    Severity,
    Text,
    Wording,
)
from hcrm.survey.domain.reach import Rule, loop_through, rule_of, unreachable

MOST_QUESTIONS = 60
"""A questionnaire with more is answered by nobody."""
WEIGHTS_SUM_TO = 1.0
_ROUNDING = 0.001
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
_VALUE = re.compile(r"[a-z0-9][a-z0-9_]{0,31}")
_RANGED = frozenset({QuestionKind.SCALE5, QuestionKind.NPS, QuestionKind.NUMBER})
_CHOSEN = frozenset({QuestionKind.CHOICE, QuestionKind.MULTI})


class FlawKind(StrEnum):
    """What is wrong. The words for it are the forms'."""

    NO_QUESTIONS = "no_questions"
    TOO_MANY = "too_many"
    NO_CORE = "no_core"
    MISSING_LANGUAGE = "missing_language"
    BAD_CODE = "bad_code"
    DUPLICATE_CODE = "duplicate_code"
    NO_CHOICES = "no_choices"
    BAD_VALUE = "bad_value"
    DUPLICATE_VALUE = "duplicate_value"
    BAD_RANGE = "bad_range"
    UNREADABLE_RULE = "unreadable_rule"
    UNKNOWN_SUBJECT = "unknown_subject"
    UNKNOWN_ANSWER = "unknown_answer"
    LOOP = "loop"
    LOOKS_AHEAD = "looks_ahead"
    UNREACHABLE = "unreachable"
    BAD_ALERT = "bad_alert"
    UNKNOWN_MODULE = "unknown_module"
    NOT_SCORABLE = "not_scorable"
    WEIGHT_WITHOUT_SCORE = "weight_without_score"
    WEIGHT_MISSING = "weight_missing"
    BAD_WEIGHT = "bad_weight"
    WEIGHTS_DO_NOT_SUM = "weights_do_not_sum"
    NO_SMS_TEXT = "no_sms_text"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One flaw: ``place`` is the position of the question from 1 (0 = the questionnaire itself), ``part`` the field of
    it, ``about`` the word, code or number in question.
    """

    kind: FlawKind
    place: int = 0
    part: str = ""
    about: str = ""


def review(draft: Definition, *, sms_codes: Collection[str] = ()) -> tuple[Flaw, ...]:
    """All flaws of a draft (as ``drafts.tidied`` gives it), in the order of the page.

    ``sms_codes`` are the codes of questions for which messaging has a text of its own.
    """
    return (
        *_whole(draft),
        *(flaw for place, question in enumerate(draft["question"], 1) for flaw in _of_question(draft, question, place)),
        *_rules(draft),
        *_weights(draft),
        *_by_text(draft, sms_codes),
    )


def _whole(draft: Definition) -> Iterator[Flaw]:
    questions = draft["question"]
    for part in ("name", "intro", "about", "notice"):
        if part in draft:
            yield from _texts(draft[part], 0, part)
    if not questions:
        yield Flaw(FlawKind.NO_QUESTIONS)
    if len(questions) > MOST_QUESTIONS:
        yield Flaw(FlawKind.TOO_MANY, MOST_QUESTIONS + 1, about=str(len(questions)))
    if questions and not any("core" in question["flags"] for question in questions):
        yield Flaw(FlawKind.NO_CORE)


def _texts(wording: Mapping[str, Any], place: int, part: str) -> Iterator[Flaw]:
    """Both languages, of the text itself and of those for a parent and a carer where they are given."""
    for language in ("en", "zh"):
        if not wording.get(language, "").strip():
            yield Flaw(FlawKind.MISSING_LANGUAGE, place, part, language)
    for overlay in ("parent", "carer"):
        if overlay in wording:
            yield from _texts(wording[overlay], place, overlay)


def _of_question(draft: Definition, question: Mapping[str, Any], place: int) -> Iterator[Flaw]:
    code = question["code"]
    if not _CODE.fullmatch(code) or code == ANY_SCALE5:
        yield Flaw(FlawKind.BAD_CODE, place, "code", code)
    elif code in [other["code"] for other in draft["question"][: place - 1]]:
        yield Flaw(FlawKind.DUPLICATE_CODE, place, "code", code)
    yield from _texts(question, place, "text")
    for part in ("na_text", "sms_text"):
        if part in question:
            yield from _texts(question[part], place, part)
    if question.get("module") and question["module"] not in draft["modules"]:
        yield Flaw(FlawKind.UNKNOWN_MODULE, place, "module", question["module"])
    yield from _values(question, place)
    for rule in question.get("alerts", ()):
        yield from _alert(question, rule, place)


def _values(question: Mapping[str, Any], place: int) -> Iterator[Flaw]:
    kind = QuestionKind(question["kind"])
    if kind is QuestionKind.NUMBER and not question["minimum"] < question["maximum"]:
        yield Flaw(FlawKind.BAD_RANGE, place, "minimum")
    if kind in _CHOSEN:
        yield from _choices(question, place)


def _choices(question: Mapping[str, Any], place: int) -> Iterator[Flaw]:
    choices = question["choices"]
    if choices == "frequency":
        return
    if len(choices) < 2:
        yield Flaw(FlawKind.NO_CHOICES, place, "choices")
    seen: set[str] = set()
    for choice in choices:
        value = choice["value"]
        if not _VALUE.fullmatch(value) or value == NOT_APPLICABLE:
            yield Flaw(FlawKind.BAD_VALUE, place, "choices", value)
        elif value in seen:
            yield Flaw(FlawKind.DUPLICATE_VALUE, place, "choices", value)
        seen.add(value)
        yield from (
            Flaw(flaw.kind, place, "choices", f"{value or '?'}, {flaw.about}") for flaw in _texts(choice, place, "")
        )


def _alert(question: Mapping[str, Any], rule: Mapping[str, Any], place: int) -> Iterator[Flaw]:
    known = {
        "severity": {entry.value for entry in Severity},
        "cause": {entry.value for entry in Cause},
        "advice": {entry.value for entry in Advice},
    }
    for part, values in known.items():
        if part in rule and rule[part] not in values:
            yield Flaw(FlawKind.BAD_ALERT, place, "alerts", part)
    codes = Counter(entry["code"] for entry in question["alerts"])
    if not _VALUE.fullmatch(rule["code"]) or codes[rule["code"]] > 1:
        yield Flaw(FlawKind.BAD_ALERT, place, "alerts", rule["code"])


def _rules(draft: Definition) -> Iterator[Flaw]:
    """What conditions ask about, then the order and the reach of skip rules."""
    parsed = [_parsed(question) for question in draft["question"]]
    pairs = list(zip(draft["question"], parsed, strict=True))
    rules = [_rule(question, conditions.get("show_if")) for question, conditions in pairs]
    known = {rule.code: rule for rule in rules}
    bad: set[int] = set()
    for place, (question, conditions) in enumerate(pairs, 1):
        for part, text in _written(question):
            flaws = list(_about(part, text, conditions.get(part, conditions.get(text)), known, place))
            bad |= {place} if flaws and part == "show_if" else set()
            yield from flaws
    yield from _order(rules, known, bad)


def _written(question: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for part in ("show_if", "readmitted_if"):
        if part in question:
            yield part, question[part]
    for rule in question.get("alerts", ()):
        yield "alerts", rule["when"]


def _parsed(question: Mapping[str, Any]) -> dict[str, Condition]:
    """Conditions that can be read, by their part; those of alerts by their text."""
    found: dict[str, Condition] = {}
    for part, text in _written(question):
        try:
            found[text if part == "alerts" else part] = parse_condition(text)
        except InvalidCondition:
            continue
    return found


def _rule(question: Mapping[str, Any], show_if: Condition | None) -> Rule:
    kind = QuestionKind(question["kind"])
    minimum, maximum = span_of(kind, question)
    plain = Question(
        code=question["code"],
        kind=kind,
        wording=Wording(Text("", "")),
        choices=choices_of(kind, question),
        minimum=minimum,
        maximum=maximum,
        na="na" in question["flags"],
        show_if=show_if,
    )
    return rule_of(plain)


def _about(part: str, text: str, condition: Condition | None, known: Mapping[str, Rule], place: int) -> Iterator[Flaw]:
    if condition is None:
        yield Flaw(FlawKind.UNREADABLE_RULE, place, part, text)
        return
    for test in (test for tests in condition.alternatives for test in tests):
        rule = known.get(test.subject)
        if rule is None and test.subject != ANY_SCALE5 and test.subject not in known_facts():
            yield Flaw(FlawKind.UNKNOWN_SUBJECT, place, part, test.subject)
        elif rule is not None and not rule.open_text:
            offered = {str(value) for value in rule.values}
            yield from (
                Flaw(FlawKind.UNKNOWN_ANSWER, place, part, f"{test.subject} = {value}")
                for value in sorted(test.values - offered)
            )


def _order(rules: list[Rule], known: Mapping[str, Rule], bad: Collection[int]) -> Iterator[Flaw]:
    """Loops and looks ahead; only where there are none, whether each question can be reached."""
    ordered = len(known) == len(rules) <= MOST_QUESTIONS
    before: set[str] = set()
    for place, rule in enumerate(rules, 1):
        way = loop_through(rule.code, known)
        if way:
            yield Flaw(FlawKind.LOOP, place, "show_if", " → ".join(way))
        else:
            ahead = sorted((rule.show_if.subjects if rule.show_if else frozenset()) & known.keys() - before)
            yield from (Flaw(FlawKind.LOOKS_AHEAD, place, "show_if", subject) for subject in ahead)
            ordered = ordered and not ahead
        ordered = ordered and not way
        before.add(rule.code)
    lost = unreachable(rules) if ordered else frozenset()
    for place, rule in enumerate(rules, 1):
        if place not in bad and rule.show_if is not None and rule.code in lost:
            yield Flaw(FlawKind.UNREACHABLE, place, "show_if", rule.show_if.text)


def _weights(draft: Definition) -> Iterator[Flaw]:
    """Either no scored question has a weight of its own and all count the same, or each has one and they sum to 1."""
    for place, question in enumerate(draft["question"], 1):
        scored = "scored" in question["flags"]
        if scored and QuestionKind(question["kind"]) not in _RANGED:
            yield Flaw(FlawKind.NOT_SCORABLE, place, "flags", question["kind"])
        if "weight" in question and not scored:
            yield Flaw(FlawKind.WEIGHT_WITHOUT_SCORE, place, "weight")
    scored_ones = {place: each for place, each in enumerate(draft["question"], 1) if "scored" in each["flags"]}
    if any("weight" in question for question in scored_ones.values()):
        yield from _sum_of_weights(scored_ones)


def _sum_of_weights(scored: Mapping[int, Mapping[str, Any]]) -> Iterator[Flaw]:
    for place, question in scored.items():
        if "weight" not in question:
            yield Flaw(FlawKind.WEIGHT_MISSING, place, "weight")
        elif not 0 < question["weight"] <= WEIGHTS_SUM_TO:
            yield Flaw(FlawKind.BAD_WEIGHT, place, "weight", f"{question['weight']:g}")
    given = [question["weight"] for question in scored.values() if "weight" in question]
    total = math.fsum(given)
    if len(given) == len(scored) and abs(total - WEIGHTS_SUM_TO) > _ROUNDING:
        yield Flaw(FlawKind.WEIGHTS_DO_NOT_SUM, min(scored), "weight", f"{total:.3f}")


def _by_text(draft: Definition, sms_codes: Collection[str]) -> Iterator[Flaw]:
    """Every question for text messages needs words for one; the first may be the invitation's own."""
    places = {question["code"]: (place, question) for place, question in enumerate(draft["question"], 1)}
    for at, code in enumerate(draft["sms_form"]):
        place, question = places[code]
        invited = at == 0 and code == "overall" and question["kind"] == QuestionKind.SCALE5
        ready = invited if at == 0 else code in sms_codes
        if "sms_text" not in question and not ready:
            yield Flaw(FlawKind.NO_SMS_TEXT, place, "sms_text", code)
