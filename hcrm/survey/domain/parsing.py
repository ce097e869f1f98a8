"""Reading what a patient wrote in a text message as an answer, in English and Chinese. Nothing is guessed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from hcrm.survey.domain.questionnaire import (
    DECLINED,
    NONE_OF_THESE,
    NOT_APPLICABLE,
    TEXT_LIMIT,
    UNSURE,
    AnswerValue,
    Choice,
    Question,
    QuestionKind,
)


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the reply says; ``None`` = the person leaves this question out."""

    value: AnswerValue | None


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The reply is not one certain answer to this question."""


_NOT_UNDERSTOOD = NotUnderstood()

LONGEST_ANSWER = 300
"""Whoever writes more than this says more than one answer, except in own words."""

_DIGITS_ZH = {
    "零": 0,
    "〇": 0,
    "一": 1,
    "二": 2,
    "三": 3,
    "四": 4,
    "五": 5,
    "六": 6,
    "七": 7,
    "八": 8,
    "九": 9,
    "十": 10,
    "两": 2,
    **{sign: number for number, sign in enumerate("零壹贰叁肆伍陆柒捌玖拾")},
}
_DIGITS_EN = {
    word: number
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    )
}
_SCALE_WORDS = {
    "很不满意": 1,
    "非常不满意": 1,
    "不满意": 2,
    "一般": 3,
    "满意": 4,
    "很满意": 5,
    "非常满意": 5,
    "very dissatisfied": 1,
    "very unsatisfied": 1,
    "dissatisfied": 2,
    "unsatisfied": 2,
    "not satisfied": 2,
    "neither": 3,
    "neutral": 3,
    "satisfied": 4,
    "very satisfied": 5,
}
_NPS_WORDS = {"一定不会": 0, "一定会": 10, "not at all likely": 0, "not at all": 0, "extremely likely": 10}
_YES = frozenset({"yes", "y", "yeah", "yep", "是", "是的", "对", "对的", "有", "愿意"})
_NO = frozenset({"no", "n", "nope", "否", "不", "不是", "没有", "没", "无", "不愿意"})
_UNSURE = frozenset({"unsure", "not sure", "don't know", "dont know", "do not know", "不清楚", "不知道", "不确定"})
_DECLINED = frozenset({"declined", "would rather not say", "rather not say", "不愿回答", "不想回答"})
_NOT_APPLICABLE = frozenset({"n/a", "na", "does not apply", "doesn't apply", "not applicable", "不适用"})
_NO_COMMENT = frozenset({"0", "零", "无", "没有", "没有了", "暂无", "none", "nothing", "no", "nope"})

_LEAD_EN = (
    "my answer is|the answer is|my answer|answer|reply|i choose|i say|i'd say|i would say|i give it|i give|i'd give it"
    "|i would give it|it's|it is|my rating is|rating|my score is|score|number|option|a(?= \\d)"
)
_LEAD_ZH = (
    "我选择|我选|选择|选|我回复|回复|我的回答是|我的回答|回答|我的答案是|答案是|答案|答|我打|我评|评分|打|我给|给"
)
_LEAD = re.compile(rf"^(?:{_LEAD_EN}|{_LEAD_ZH})\s*[:：]?\s*")
_COURTESY = (
    r"(?:thank you very much|thank you|thanks|thx|please|谢谢您们|谢谢您|谢谢你们|谢谢你|谢谢大家|谢谢|多谢|感谢|🙏|🌹)"
)
_TAIL = re.compile(rf"[\s,，.。!！~、]*(?:{_COURTESY}[\s,，.。!！~、]*)+$")
_FRONT = re.compile(rf"^(?:{_COURTESY}[\s,，.。!！~、]+)+")
_EDGES = " \t\r\n.。,，!！、~;；:：\"'“”‘’()（）[]【】《》#"
_NUMBER = re.compile(r"(\d{1,3})(?:\.0+)?")
_UNIT = re.compile(r"\s*(?:分|points?|stars?|星)$")
_OUT_OF = re.compile(r"(\d{1,2}) out of (\d{1,2})")
_TO_SIMPLIFIED = str.maketrans("滿沒謝無對願適貳參陸兩", "满没谢无对愿适贰叁陆两")
"""Signs of answers as they are written in Hong Kong and Taiwan."""
_MARKS = re.compile("[\ufe0e\ufe0f\u20e3\u200b-\u200f\u202a-\u202e\u2060\ufeff]")


def parse_reply(question: Question, text: str) -> Parsed | NotUnderstood:
    """Read ``text`` as an answer to ``question``.

    Accepts what names exactly one answer: a digit in any width or script (``5``, ``５``, ``五``, ``five``), with a unit
    or courtesy (``5分``, `` 5 !``, ``5 thanks``), the text of an answer in either language, or both when they agree.
    A range, two answers, a doubt or a contradiction is ``NotUnderstood``.
    """
    if question.kind is QuestionKind.TEXT:
        return _free_text(question, text)
    plain = _plain(text) if len(text) <= LONGEST_ANSWER else ""
    if not plain:
        return _NOT_UNDERSTOOD
    if question.na and (plain in _NOT_APPLICABLE or plain in _na_texts(question)):
        return Parsed(NOT_APPLICABLE)
    if question.kind is QuestionKind.MULTI:
        return _several(question, plain)
    value = _ranged(question, plain) if question.ranged else _chosen(question, plain)
    return _NOT_UNDERSTOOD if value is None else Parsed(value)


def _free_text(question: Question, text: str) -> Parsed | NotUnderstood:
    cleaned = "".join(character for character in text if character == "\n" or character.isprintable()).strip()
    if question.optional and len(text) <= LONGEST_ANSWER and _plain(text) in _NO_COMMENT:
        return Parsed(None)
    if not any(character.isalnum() for character in unicodedata.normalize("NFKC", cleaned)):
        return Parsed(cleaned[:TEXT_LIMIT]) if cleaned else _NOT_UNDERSTOOD
    return Parsed(cleaned[:TEXT_LIMIT])


def _plain(text: str) -> str:
    """Folded in width and case, without edge punctuation, courtesy and an opening such as *my answer is*."""
    folded = unicodedata.normalize("NFKC", _MARKS.sub("", text)).casefold().replace("’", "'")
    folded = _MARKS.sub("", folded).translate(_TO_SIMPLIFIED)
    folded = re.sub(r"\s+", " ", folded).strip(_EDGES)
    for pattern in (_FRONT, _TAIL, _LEAD, _LEAD):
        shorter = pattern.sub("", folded).strip(_EDGES)
        folded = shorter or folded
    return folded


def _integer(plain: str) -> int | None:
    """One whole number, in digits or words, with or without a unit."""
    bare = _UNIT.sub("", plain).strip()
    match = _NUMBER.fullmatch(bare)
    if match is not None:
        digits = match[1]
        return int(digits) if digits.isascii() and (digits == "0" or digits[0] != "0") else None
    return _DIGITS_ZH.get(bare, _DIGITS_EN.get(bare))


def _ranged(question: Question, plain: str) -> int | None:
    words = {QuestionKind.SCALE5: _SCALE_WORDS, QuestionKind.NPS: _NPS_WORDS}.get(question.kind, {})
    value = words.get(plain)
    if value is None:
        value = _integer(plain)
    if value is None:
        value = _out_of(question, plain)
    if value is None:
        value = _number_with_words(plain, words)
    return value if value is not None and question.minimum <= value <= question.maximum else None


def _out_of(question: Question, plain: str) -> int | None:
    match = _OUT_OF.fullmatch(plain)
    return int(match[1]) if match is not None and int(match[2]) == question.maximum else None


def _number_with_words(plain: str, words: dict[str, int]) -> int | None:
    """A number followed or preceded by its own text (``5 very satisfied``, ``很满意5分``); they must agree."""
    for word, value in words.items():
        if plain.startswith(word) or plain.endswith(word):
            rest = plain.removeprefix(word) if plain.startswith(word) else plain.removesuffix(word)
            rest = rest.strip(_EDGES + "-=—–")
            if _integer(rest) == value:
                return value
    return None


def _texts(choice: Choice | None) -> frozenset[str]:
    return frozenset({_plain(choice.text.en), _plain(choice.text.zh)}) if choice is not None else frozenset()


def _na_texts(question: Question) -> frozenset[str]:
    named = question.na_text
    own = frozenset({_plain(named.en), _plain(named.zh)}) if named is not None else frozenset()
    return own | _texts(question.na_choice)


def _chosen(question: Question, plain: str) -> str | None:
    """The value of the one choice meant: by its place (1, 2 …), its text, or a usual word for it."""
    own = {choice.value for choice in question.choices}
    number = _integer(plain)
    if number is not None:
        return question.choices[number - 1].value if 1 <= number <= len(question.choices) else None
    named = [choice.value for choice in question.choices if plain in _texts(choice)]
    if named:
        return named[0] if len(named) == 1 else None
    if question.kind is QuestionKind.YES_NO and plain in _YES | _NO:
        return "yes" if plain in _YES else "no"
    if plain in _UNSURE:
        return UNSURE
    if plain in _DECLINED:
        return DECLINED if DECLINED not in own else None
    return None


def _several(question: Question, plain: str) -> Parsed | NotUnderstood:
    """Places or texts of choices, parted by commas, blanks or *and*; *none* excludes every other one."""
    whole = _chosen(question, plain)
    if whole is not None:
        return Parsed((whole,))
    separator = r"\s*(?:,|;|、|\band\b|和|\+)\s*" if re.search(r"[,;、+和]|\band\b", plain) else r"\s+"
    parts = [part for part in re.split(separator, plain) if part]
    values = [_chosen(question, part) for part in parts]
    if not values or None in values or len(set(values)) != len(values):
        return _NOT_UNDERSTOOD
    chosen = {value for value in values if value is not None}
    if len(chosen) > 1 and chosen & {NONE_OF_THESE, UNSURE, DECLINED}:
        return _NOT_UNDERSTOOD
    return Parsed(tuple(choice.value for choice in question.choices if choice.value in chosen))
