"""Which answers need somebody: thresholds of each question, combinations, and words in free text.

A rule decides nothing; it opens an alert for a person to read.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from hcrm.survey.domain.flow import holds, shown_answers
from hcrm.survey.domain.questionnaire import (
    Advice,
    Answers,
    AskContext,
    Cause,
    Question,
    Questionnaire,
    Severity,
)

JOINED_CODE = "*"
"""Question code of the alert that joins several routine ones."""

JOINED_RULE = "joined_routine"

_NEGATIONS_ZH = ("没", "不")
_NEGATIONS_EN = frozenset({"no", "not"})
_NEGATION_REACH_ZH = 6
_NEGATION_REACH_EN = 3
_CLAUSE_END = re.compile(r"[，。！？；：,.!?;:\n]|\bbut\b|但")
_SUFFIX = r"(?:s|es|d|ed|ing|ly|ful)?"


@dataclass(frozen=True, slots=True)
class WordList:
    """Words whose mention in free text opens an alert; without ``severity`` it is a compliment to confirm."""

    code: str
    severity: Severity | None
    cause: Cause
    words_en: tuple[str, ...]
    words_zh: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """An answer that needs somebody.

    ``stop``: the person is told to call for help at once. ``joined`` names the (question code, rule) pairs of the
    routine alerts that this one stands for.
    """

    question_code: str
    rule: str
    severity: Severity
    cause: Cause
    stop: bool = False
    advice: Advice | None = None
    joined: tuple[tuple[str, str], ...] = ()


WORD_LISTS = (
    WordList(
        "danger",
        Severity.URGENT,
        Cause.SYMPTOM,
        (
            "chest pain",
            "can't breathe",
            "cannot breathe",
            "bleeding",
            "unconscious",
            "passed out",
            "suicide",
            "kill myself",
            "overdose",
        ),
        ("胸痛", "喘不上气", "呼吸困难", "大出血", "出血不止", "昏迷", "晕倒", "不想活", "自杀", "轻生"),
    ),
    WordList(
        "symptom",
        Severity.HIGH,
        Cause.SYMPTOM,
        ("fever", "infection", "pus", "swollen", "vomiting", "worse", "severe pain", "rash"),
        ("发烧", "发热", "感染", "流脓", "红肿", "呕吐", "加重", "疼得厉害", "皮疹"),
    ),
    WordList(
        "death",
        Severity.HIGH,
        Cause.OTHER,
        ("passed away", "died", "deceased"),
        ("去世", "过世", "走了", "病故", "不在了"),
    ),
    WordList(
        "service",
        Severity.ROUTINE,
        Cause.SERVICE,
        ("complain", "complaint", "rude", "lawyer", "refund", "no one called", "bribe"),
        ("投诉", "态度差", "律师", "曝光", "退费", "没人打电话", "没接到电话", "红包", "举报", "12345"),
    ),
    WordList(
        "praise",
        None,
        Cause.SERVICE,
        ("thank", "grateful", "excellent", "kind"),
        ("感谢", "表扬", "锦旗", "医术高", "态度好"),
    ),
)
"""The starting point of content §7."""


def alerts_for(
    questionnaire: Questionnaire,
    answers: Answers,
    context: AskContext,
    word_lists: tuple[WordList, ...] = WORD_LISTS,
) -> list[AlertRaised]:
    """Every alert that the answers raise as they stand, in the order of the questions.

    Of the rules of one question the first that matches counts; every word list that hits counts. Where the
    questionnaire says so, routine alerts of different causes are joined into one high alert.
    """
    valid = shown_answers(questionnaire, answers, context)
    raised: list[AlertRaised] = []
    for question in questionnaire.questions:
        if question.code in valid:
            raised += _rule_alerts(questionnaire, question, valid, context)
            raised += _word_alerts(question, valid, word_lists)
    return _joined(raised) if questionnaire.join_routine else raised


def alerts_of_text(text: str, question_code: str, word_lists: tuple[WordList, ...] = WORD_LISTS) -> list[AlertRaised]:
    """What a free text raises by itself, for words that came without a question (a text message, a note)."""
    hits = word_hits(text, word_lists)
    return [
        AlertRaised(question_code, f"words:{entry.code}", hits[entry.code], entry.cause)
        for entry in word_lists
        if entry.code in hits
    ]


def is_compliment(text: str, word_lists: tuple[WordList, ...] = WORD_LISTS) -> bool:
    """Whether a text holds words of praise and nothing that raises an alert."""
    praise = any(entry.severity is None and _positions(entry, normalised(text)) for entry in word_lists)
    return praise and not word_hits(text, word_lists)


def word_hits(text: str, word_lists: tuple[WordList, ...] = WORD_LISTS) -> Mapping[str, Severity]:
    """Severity per word list that hits; a hit after a negation counts as routine, it is never dropped.

    A negation counts within six characters (Chinese) or three words (English) before the hit, in the same clause.
    """
    plain = normalised(text)
    hits: dict[str, Severity] = {}
    for entry in word_lists:
        positions = _positions(entry, plain)
        if entry.severity is None or not positions:
            continue
        certain = any(not _negated(plain[:position]) for position in positions)
        hits[entry.code] = entry.severity if certain else Severity.ROUTINE
    return hits


def normalised(text: str) -> str:
    """Width-folded, case-folded text with plain apostrophes and single blanks."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("’", "'").replace("‘", "'")
    return re.sub(r"[^\S\n]+", " ", folded).strip()


def _rule_alerts(
    questionnaire: Questionnaire, question: Question, answers: Answers, context: AskContext
) -> list[AlertRaised]:
    for rule in question.alerts:
        if holds(rule.when, questionnaire, answers, context):
            return [AlertRaised(question.code, rule.code, rule.severity, rule.cause, rule.stop, rule.advice)]
    return []


def _word_alerts(question: Question, answers: Answers, word_lists: tuple[WordList, ...]) -> list[AlertRaised]:
    value = answers[question.code]
    if not question.word_lists or not isinstance(value, str):
        return []
    return alerts_of_text(value, question.code, word_lists)


def _joined(raised: list[AlertRaised]) -> list[AlertRaised]:
    routine = [alert for alert in raised if alert.severity is Severity.ROUTINE]
    if len({alert.cause for alert in routine}) < 2:
        return raised
    pairs = tuple((alert.question_code, alert.rule) for alert in routine)
    joined = AlertRaised(JOINED_CODE, JOINED_RULE, Severity.HIGH, routine[0].cause, joined=pairs)
    return [alert for alert in raised if alert.severity is not Severity.ROUTINE] + [joined]


def _positions(entry: WordList, plain: str) -> list[int]:
    """Where words of the list start. English words stand alone (with a usual ending), Chinese ones anywhere."""
    found = [match.start() for word in entry.words_zh for match in re.finditer(re.escape(word), plain)]
    for word in entry.words_en:
        pattern = re.escape(word).replace("'", "'?")
        found += [match.start() for match in re.finditer(rf"(?<![a-z0-9]){pattern}{_SUFFIX}(?![a-z0-9])", plain)]
    return found


def _negated(before: str) -> bool:
    clause = _CLAUSE_END.split(before)[-1]
    if any(negation in clause[-_NEGATION_REACH_ZH:] for negation in _NEGATIONS_ZH):
        return True
    words = re.findall(r"[a-z']+", clause)
    return bool(_NEGATIONS_EN & set(words[-_NEGATION_REACH_EN:]))
