"""A questionnaire being written: a definition that may still be incomplete, and the moves that change it.

A draft is the data of a definition (see ``definition``). It is read from a file or a form by ``tidied``, which keeps
what has the right shape and refuses the rest by its place; what it says is judged by ``review``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hcrm.survey.domain.questionnaire import Purpose, QuestionKind

Definition = Mapping[str, Any]

MOST_STORED = 300
"""More questions than this are not even kept as a draft."""
LONGEST_TEXT = 1_000
LONGEST_RULE = 500
MOST_CHOICES = 40
MOST_ALERTS = 12
FLAGS = ("scored", "core", "na", "opt", "sms", "words")
CODE = re.compile(r"[A-Z][A-Z0-9_]{1,31}")
"""Codes of questionnaires."""

_TO_FULL_WIDTH = str.maketrans(",?!;:()", "，？！；：（）")
_HALF = re.compile(r"(?<=[\u4e00-\u9fff，。？！；：（）“”])[,?!;:()]|[,?!;:()](?=[\u4e00-\u9fff])")


class NotADraft(ValueError):
    """The data is no questionnaire; the argument is the place, such as ``question 3: choices``."""


class NoSuchQuestion(LookupError):
    """The draft has no question at this place."""


def full_width(text: str) -> str:
    """Chinese text with the punctuation of Chinese: marks beside a Chinese character become full-width."""
    previous = ""
    while previous != text:
        previous, text = text, _HALF.sub(lambda match: match[0].translate(_TO_FULL_WIDTH), text)
    return text


def new_definition(code: str, *, en: str, zh: str, purpose: Purpose) -> dict[str, Any]:
    """An empty questionnaire. Raises ``NotADraft`` for an impossible code."""
    return tidied(
        {
            "code": code,
            "purpose": purpose.value,
            "name": {"en": en, "zh": zh},
            "intro": {"en": en, "zh": zh},
            "about": {"en": en, "zh": zh},
            "question": [],
        }
    )


def tidied(data: object, version: int = 1) -> dict[str, Any]:
    """The draft in ``data``, an object as JSON or TOML gives it. Raises ``NotADraft``."""
    source = _mapping(data, "file")
    code = source.get("code")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise NotADraft("code")
    questions = _list(source.get("question", []), "question", MOST_STORED)
    draft: dict[str, Any] = {
        "code": code,
        "version": version,
        "purpose": _one_of(source.get("purpose"), Purpose, "purpose"),
        "name": _text(source.get("name"), "name"),
        "intro": _wording(source.get("intro"), "intro"),
        "about": _wording(source.get("about"), "about"),
        "question": [_question(entry, f"question {place}") for place, entry in enumerate(questions, 1)],
        "modules": _words(source.get("modules", []), "modules"),
        "sms_form": _words(source.get("sms_form", []), "sms_form"),
        "join_routine": source.get("join_routine") is True,
    }
    if source.get("notice"):
        draft["notice"] = _text(source["notice"], "notice")
    if isinstance(source.get("invite_sms"), str):
        draft["invite_sms"] = _line(source["invite_sms"], "invite_sms")
    return with_sms_order(draft)


def with_sms_order(draft: Definition) -> dict[str, Any]:
    """The draft with its short form put right: each question for text messages once, new ones at the end."""
    flagged = [question["code"] for question in draft["question"] if "sms" in question["flags"]]
    kept = [code for code in dict.fromkeys(draft["sms_form"]) if code in flagged]
    return {**draft, "sms_form": [*kept, *(code for code in dict.fromkeys(flagged) if code not in kept)]}


def question_at(draft: Definition, place: int) -> dict[str, Any]:
    """The question at ``place``, from 1. Raises ``NoSuchQuestion``."""
    if not 1 <= place <= len(draft["question"]):
        raise NoSuchQuestion(place)
    found: dict[str, Any] = draft["question"][place - 1]
    return found


def blank_question(kind: QuestionKind, code: str = "") -> dict[str, Any]:
    """A question without words yet."""
    return _question({"code": code, "kind": kind.value}, "question")


def put(draft: Definition, question: object, place: int | None = None) -> dict[str, Any]:
    """The draft with the question at ``place`` replaced, or with one more at its end.

    Raises ``NotADraft`` and ``NoSuchQuestion``.
    """
    questions = list(draft["question"])
    if place is None:
        if len(questions) >= MOST_STORED:
            raise NotADraft("question")
        questions.append(_question(question, f"question {len(questions) + 1}"))
    else:
        question_at(draft, place)
        questions[place - 1] = _question(question, f"question {place}")
    return with_sms_order({**draft, "question": questions})


def removed(draft: Definition, place: int) -> dict[str, Any]:
    """The draft without the question at ``place``. Raises ``NoSuchQuestion``."""
    question_at(draft, place)
    left = [question for at, question in enumerate(draft["question"], 1) if at != place]
    return with_sms_order({**draft, "question": left})


def moved(draft: Definition, place: int, to: int) -> dict[str, Any]:
    """The draft with the question at ``place`` standing at ``to``, at most at the end. Raises ``NoSuchQuestion``."""
    question = question_at(draft, place)
    rest = [entry for at, entry in enumerate(draft["question"], 1) if at != place]
    to = min(max(1, to), len(rest) + 1)
    return {**draft, "question": [*rest[: to - 1], question, *rest[to - 1 :]]}


def _question(data: object, place: str) -> dict[str, Any]:
    source = _mapping(data, place)
    kind = _one_of(source.get("kind"), QuestionKind, f"{place}: kind")
    question: dict[str, Any] = {
        "code": _line(source.get("code", ""), f"{place}: code"),
        "kind": kind,
        "flags": [flag for flag in FLAGS if flag in _words(source.get("flags", []), f"{place}: flags")],
        **_wording(source, place),
    }
    own: dict[str, Callable[[object, str], Any]] = {
        "na_text": _text,
        "sms_text": _text,
        "show_if": _rule,
        "readmitted_if": _rule,
        "module": _line,
        "weight": _number,
    }
    for name, read in own.items():
        given = source.get(name) not in (None, "", {})
        said = read(source[name], f"{place}: {name}") if given else ""
        if said != "":
            question[name] = said
    return question | _of_kind(QuestionKind(kind), source, place) | _alerts(source, place)


def _of_kind(kind: QuestionKind, source: Mapping[str, Any], place: str) -> dict[str, Any]:
    if kind is QuestionKind.NUMBER:
        return {name: _whole(source.get(name, 0), f"{place}: {name}") for name in ("minimum", "maximum")}
    if kind not in (QuestionKind.CHOICE, QuestionKind.MULTI):
        return {}
    if source.get("choices") == "frequency":
        return {"choices": "frequency"}
    entries = _list(source.get("choices", []), f"{place}: choices", MOST_CHOICES)
    return {"choices": [_choice(entry, f"{place}: choices") for entry in entries]}


def _choice(data: object, place: str) -> dict[str, Any]:
    source = _mapping(data, place)
    return {"value": _line(source.get("value", ""), place), **_wording(source, place)}


def _alerts(source: Mapping[str, Any], place: str) -> dict[str, Any]:
    entries = _list(source.get("alerts", []), f"{place}: alerts", MOST_ALERTS)
    rules = [_alert(entry, f"{place}: alerts") for entry in entries]
    return {"alerts": rules} if rules else {}


def _alert(data: object, place: str) -> dict[str, Any]:
    source = _mapping(data, place)
    rule: dict[str, Any] = {name: _line(source.get(name, ""), place) for name in ("code", "severity", "cause")}
    rule["when"] = _rule(source.get("when", ""), place)
    if source.get("stop") is True:
        rule["stop"] = True
    if source.get("advice"):
        rule["advice"] = _line(source["advice"], place)
    return rule


def _wording(data: object, place: str) -> dict[str, Any]:
    source = _mapping(data or {}, place)
    own = {name: _text(source[name], f"{place}: {name}") for name in ("parent", "carer") if source.get(name)}
    return {**_text(source, place), **{name: text for name, text in own.items() if any(text.values())}}


def _text(data: object, place: str) -> dict[str, str]:
    source = _mapping(data or {}, place)
    return {
        "en": _line(source.get("en", ""), f"{place}: en", LONGEST_TEXT),
        "zh": full_width(_line(source.get("zh", ""), f"{place}: zh", LONGEST_TEXT)),
    }


def _line(data: object, place: str, longest: int = 64) -> str:
    if not isinstance(data, str) or len(data) > longest:
        raise NotADraft(place)
    return "".join(character if character.isprintable() else " " for character in data).strip()


def _rule(data: object, place: str) -> str:
    return _line(data, place, LONGEST_RULE)


def _whole(data: object, place: str) -> int:
    if not isinstance(data, int) or isinstance(data, bool) or not -1_000 <= data <= 1_000:
        raise NotADraft(place)
    return data


def _number(data: object, place: str) -> float:
    if not isinstance(data, (int, float)) or isinstance(data, bool) or not -1_000 <= data <= 1_000:
        raise NotADraft(place)
    return float(data)


def _one_of(data: object, values: type[Purpose | QuestionKind], place: str) -> str:
    if not isinstance(data, str) or data not in {entry.value for entry in values}:
        raise NotADraft(place)
    return data


def _words(data: object, place: str) -> list[str]:
    return [_line(entry, place) for entry in _list(data, place, MOST_STORED)]


def _list(data: object, place: str, most: int) -> Sequence[Any]:
    if not isinstance(data, list) or len(data) > most:
        raise NotADraft(place)
    return data


def _mapping(data: object, place: str) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise NotADraft(place)
    return data
