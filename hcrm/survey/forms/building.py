"""Words for whoever writes questionnaires, and what comes back from the pages of the builder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from hcrm.survey.domain import Advice, Cause, Purpose, QuestionKind, Respondent, Severity, VersionStatus
from hcrm.survey.domain.changes import ChangeKind
from hcrm.survey.domain.drafts import FLAGS, Definition, NotADraft
from hcrm.survey.domain.questionnaire import SCALE_TEXTS, YES_NO
from hcrm.survey.domain.review import MOST_QUESTIONS, Flaw, FlawKind
from hcrm.survey.domain.rulebook import Comparison, RuleRow, condition_text, rows_of
from hcrm.web import language

PURPOSE_LABELS: Mapping[Purpose, str] = {
    Purpose.SATISFACTION: _l("How satisfied patients are"),
    Purpose.CLINICAL: _l("How patients are"),
    Purpose.QUALITY: _l("Whether calls were made"),
}
STATUS_LABELS: Mapping[VersionStatus, tuple[str, str]] = {
    VersionStatus.DRAFT: ("high", _l("Draft")),
    VersionStatus.PUBLISHED: ("good", _l("In use")),
    VersionStatus.RETIRED: ("plain", _l("Retired")),
}
KIND_LABELS: Mapping[QuestionKind, str] = {
    QuestionKind.SCALE5: _l("Satisfaction, 1 to 5"),
    QuestionKind.NPS: _l("Recommendation, 0 to 10"),
    QuestionKind.YES_NO: _l("Yes or no"),
    QuestionKind.CHOICE: _l("One of several answers"),
    QuestionKind.MULTI: _l("Any of several answers"),
    QuestionKind.NUMBER: _l("A number"),
    QuestionKind.TEXT: _l("Own words"),
}
FLAG_LABELS: Mapping[str, str] = {
    "core": _l("Has to be answered for the response to count as complete"),
    "opt": _l("May be left out"),
    "na": _l("Offers “does not apply”"),
    "scored": _l("Counts for the index 0 to 100"),
    "sms": _l("Is asked by text message too"),
    "words": _l("Words of danger in the answer open an alert"),
}
SEVERITY_LABELS: Mapping[Severity, str] = {
    Severity.URGENT: _l("Urgent, within 1 hour"),
    Severity.HIGH: _l("High, within 4 hours"),
    Severity.ROUTINE: _l("Routine, next workday"),
}
CAUSE_LABELS: Mapping[Cause, str] = {
    Cause.SYMPTOM: _l("Symptom"),
    Cause.MEDICINE: _l("Medicine"),
    Cause.APPOINTMENT: _l("Appointment"),
    Cause.EQUIPMENT: _l("Equipment"),
    Cause.SOCIAL: _l("Help at home"),
    Cause.SERVICE: _l("Service"),
    Cause.OTHER: _l("Other"),
}
ADVICE_LABELS: Mapping[Advice, str] = {
    Advice.EXPLAIN_NOW: _l("Explain it at once on the phone"),
    Advice.OFFER_BOOKING: _l("Offer to book the visit at once"),
}
COMPARISON_LABELS: Mapping[Comparison, str] = {
    Comparison.IS: _l("is"),
    Comparison.IS_NOT: _l("is not"),
    Comparison.AT_MOST: _l("is at most"),
    Comparison.AT_LEAST: _l("is at least"),
    Comparison.ANSWERED: _l("is answered"),
    Comparison.NOT_ANSWERED: _l("is not answered"),
}
JOIN_LABELS: Mapping[str, str] = {"and": _l("and"), "or": _l("or")}
LONGEST_LABEL = 60
FACT_LABELS: Mapping[str, str] = {
    "any_scale5": _l("Any satisfaction rating (1 to 5)"),
    "@days_since": _l("Days since going home"),
    "@age_days": _l("Age in days"),
    "@respondent": _l("Who answers (patient, parent, carer)"),
    "@disposition": _l("How the stay ended"),
    "@equipment": _l("Was sent home with equipment (yes, no)"),
    "@immune_risk": _l("Immune risk (yes, no)"),
    "@implant": _l("Has an implant (yes, no)"),
    "@abdominal_surgery": _l("Abdominal surgery (yes, no)"),
    "@blood_thinner": _l("Takes a blood thinner (yes, no)"),
}
"""What rules may ask about beside the questions."""

FLAW_LABELS: Mapping[FlawKind, str] = {
    FlawKind.NO_QUESTIONS: _l("There is no question yet."),
    FlawKind.TOO_MANY: _l("There are too many questions; nobody would finish."),
    FlawKind.NO_CORE: _l("No question has to be answered, so any answer would count as complete."),
    FlawKind.MISSING_LANGUAGE: _l("The text is missing in one language."),
    FlawKind.BAD_CODE: _l("A code has small letters, digits and _ only, and begins with a letter."),
    FlawKind.DUPLICATE_CODE: _l("Another question has the same code."),
    FlawKind.NO_CHOICES: _l("It needs at least two answers to choose from."),
    FlawKind.BAD_VALUE: _l("The code of an answer has small letters, digits and _ only, and is not “na”."),
    FlawKind.DUPLICATE_VALUE: _l("Two answers have the same code."),
    FlawKind.BAD_RANGE: _l("The smallest number has to be below the largest."),
    FlawKind.UNREADABLE_RULE: _l("The rule cannot be read."),
    FlawKind.UNKNOWN_SUBJECT: _l("The rule asks about something that does not exist."),
    FlawKind.UNKNOWN_ANSWER: _l("The rule asks for an answer that the question does not offer."),
    FlawKind.LOOP: _l("The rules go round in a circle."),
    FlawKind.LOOKS_AHEAD: _l("The rule asks about a question that comes later."),
    FlawKind.UNREACHABLE: _l("No answers lead to this question: its rule can never hold."),
    FlawKind.BAD_ALERT: _l("The alert is not complete, or its code is used twice."),
    FlawKind.UNKNOWN_MODULE: _l("The optional part is not one of this questionnaire."),
    FlawKind.NOT_SCORABLE: _l("Only ratings and numbers can count for the index."),
    FlawKind.WEIGHT_WITHOUT_SCORE: _l("It has a weight but does not count for the index."),
    FlawKind.WEIGHT_MISSING: _l("Other questions have a weight, this one has none."),
    FlawKind.BAD_WEIGHT: _l("A weight is above 0 and at most 1."),
    FlawKind.WEIGHTS_DO_NOT_SUM: _l("The weights do not add up to 1."),
    FlawKind.NO_SMS_TEXT: _l("It has no wording for a text message."),
}
PART_LABELS: Mapping[str, str] = {
    "name": _l("name"),
    "intro": _l("introduction"),
    "about": _l("heading of the pages"),
    "notice": _l("notice on the first page"),
    "text": _l("text"),
    "parent": _l("text for a parent"),
    "carer": _l("text for a carer"),
    "na_text": _l("reason why it does not apply"),
    "sms_text": _l("wording for text messages"),
    "code": _l("code"),
    "choices": _l("answers"),
    "minimum": _l("range"),
    "maximum": _l("range"),
    "show_if": _l("skip rule"),
    "readmitted_if": _l("rule for being back in hospital"),
    "alerts": _l("alerts"),
    "flags": _l("properties"),
    "weight": _l("weight"),
    "module": _l("optional part"),
    "kind": _l("kind of answer"),
    "en": _l("English text"),
    "zh": _l("Chinese text"),
    "purpose": _l("purpose"),
    "modules": _l("optional parts"),
    "sms_form": _l("order by text message"),
    "join_routine": _l("joining of routine alerts"),
    "invite_sms": _l("invitation by text message"),
}
CHANGE_LABELS: Mapping[ChangeKind, tuple[str, str]] = {
    ChangeKind.ADDED: ("good", _l("New")),
    ChangeKind.REMOVED: ("high", _l("Taken out")),
    ChangeKind.MOVED: ("info", _l("Moved")),
    ChangeKind.CHANGED: ("info", _l("Changed")),
}
_LANGUAGES = {"en": _l("English"), "zh": _l("Chinese")}


def flaw_place(flaw: Flaw, draft: Definition) -> str:
    """Where a flaw is, in words: the question with its number, and the part of it."""
    part = str(PART_LABELS.get(flaw.part, flaw.part))
    if flaw.place == 0:
        return str(_("The questionnaire: %(part)s", part=part) if part else _("The questionnaire"))
    code = draft["question"][flaw.place - 1]["code"] or "?"
    if not part:
        return str(_("Question %(number)s (%(code)s)", number=flaw.place, code=code))
    return str(_("Question %(number)s (%(code)s), %(part)s", number=flaw.place, code=code, part=part))


def flaw_text(flaw: Flaw) -> str:
    """What is wrong, with the word or number in question."""
    about = str(_LANGUAGES.get(flaw.about, flaw.about))
    if flaw.kind is FlawKind.TOO_MANY:
        about = _("%(count)s questions, at most %(most)s", count=flaw.about, most=MOST_QUESTIONS)
    return f"{FLAW_LABELS[flaw.kind]} {f'({about})' if about else ''}".strip()


def subjects(draft: Definition) -> list[tuple[str, str]]:
    """What rules may ask about: all questions in their words, and facts."""
    found = [(question["code"], _subject_label(at, question)) for at, question in enumerate(draft["question"], 1)]
    return found + [(code, str(label)) for code, label in FACT_LABELS.items()]


def _subject_label(at: int, question: Mapping[str, Any]) -> str:
    return f"{at}. {_short(_of_language(question)) or question['code']}"


def answers(draft: Definition) -> list[tuple[str, str]]:
    """(what is written into a rule, the answer in words with its question) for all answers that questions offer."""
    return [
        (value, f"{text} ({_subject_label(at, question)})")
        for at, question in enumerate(draft["question"], 1)
        for value, text in _answer_words(question).items()
    ]


def _answer_words(question: Mapping[str, Any]) -> dict[str, str]:
    """The answers of a question in words, by what is stored."""
    kind, choices = question["kind"], question.get("choices")
    if kind == QuestionKind.YES_NO:
        return {choice.value: choice.wording.patient.in_language(language()) for choice in YES_NO}
    if kind == QuestionKind.SCALE5:
        return {str(value): text.in_language(language()) for value, text in SCALE_TEXTS.items()}
    if not isinstance(choices, list):
        return {}
    return {choice["value"]: _of_language(choice) or choice["value"] for choice in choices}


def _of_language(texts: Mapping[str, Any]) -> str:
    """The text in the language of the page, else in the other one."""
    first, second = ("zh", "en") if language() == "zh_Hans" else ("en", "zh")
    return str(texts.get(first) or texts.get(second) or "")


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_LABEL else f"{text[: LONGEST_LABEL - 1]}…"


def choice_lines(question: Mapping[str, Any]) -> str:
    """The answers of a question, one ``code | English | 中文`` in a line; ``frequency`` stands for never … always."""
    choices = question.get("choices", [])
    if choices == "frequency":
        return "frequency"
    return "\n".join(f"{choice['value']} | {choice['en']} | {choice['zh']}" for choice in choices)


def read_question(form: MultiDict[str, str], old: Mapping[str, Any]) -> dict[str, Any]:
    """The question that a form describes. What the form does not show is kept from ``old``. Raises ``NotADraft``."""
    kind = form.get("kind", old["kind"])
    question: dict[str, Any] = {
        "code": form.get("code", ""),
        "kind": kind,
        "flags": [flag for flag in FLAGS if flag in form.getlist("flag")],
        **_text(form, ""),
        "parent": _text(form, "parent_"),
        "carer": _text(form, "carer_"),
        "show_if": condition_text(read_rows(form, "show_if")),
        "module": form.get("module", ""),
        "alerts": _alerts(form),
    }
    for name in ("na_text", "sms_text"):
        text = _text(form, f"{name}_")
        if any(text.values()):
            question[name] = text
    if form.get("weight", "").strip():
        question["weight"] = _decimal(form["weight"], "weight")
    if "readmitted_if" in old:
        question["readmitted_if"] = old["readmitted_if"]
    return question | _of_kind(form, kind, old)


def _of_kind(form: MultiDict[str, str], kind: str, old: Mapping[str, Any]) -> dict[str, Any]:
    if kind == QuestionKind.NUMBER:
        return {name: int(_decimal(form.get(name) or "0", name)) for name in ("minimum", "maximum")}
    if kind in (QuestionKind.CHOICE, QuestionKind.MULTI):
        return {"choices": _choices(form.get("choices", ""), old)}
    return {}


def _choices(lines: str, old: Mapping[str, Any]) -> list[dict[str, Any]] | str:
    """Answers from their lines; what a parent or carer reads is kept from the answer of the same code."""
    if lines.strip() == "frequency":
        return "frequency"
    before = old.get("choices", [])
    known = {choice["value"]: choice for choice in before} if isinstance(before, list) else {}
    found: list[dict[str, Any]] = []
    for line in lines.splitlines():
        value, en, zh = ([part.strip() for part in line.replace("｜", "|").split("|")] + ["", ""])[:3]
        if value or en or zh:
            kept = {name: text for name, text in known.get(value, {}).items() if name in ("parent", "carer")}
            found.append({"value": value, "en": en, "zh": zh, **kept})
    return found


def _alerts(form: MultiDict[str, str]) -> list[dict[str, Any]]:
    """Alerts in their order; one without a rule is left out. A new one gets a code that is free."""
    found: list[dict[str, Any]] = []
    for at in range(len(form.getlist("alert_code"))):
        rows = read_rows(form, f"alert{at}")
        if not any(row.subject for row in rows):
            continue
        codes = [alert["code"] for alert in found] + form.getlist("alert_code")
        rule: dict[str, Any] = {
            "code": form.getlist("alert_code")[at].strip() or _free(codes),
            "when": condition_text(rows),
            "severity": form.get(f"alert{at}_severity", Severity.ROUTINE.value),
            "cause": form.get(f"alert{at}_cause", Cause.OTHER.value),
            "stop": f"alert{at}_stop" in form,
            "advice": form.get(f"alert{at}_advice", ""),
        }
        found.append(rule)
    return found


def _free(codes: Sequence[str]) -> str:
    return next(code for code in (f"rule{number}" for number in range(1, 100)) if code not in codes)


def read_rows(form: MultiDict[str, str], name: str) -> list[RuleRow]:
    """The rows of one rule; rows that say nothing are left out."""
    columns = [form.getlist(f"{name}_{part}") for part in ("subject", "comparison", "value", "joined")]
    rows: list[RuleRow] = []
    for subject, comparison, value, joined in zip(*columns, strict=False):
        known = Comparison(comparison) if comparison in set(Comparison) else Comparison.IS
        if subject:
            rows.append(RuleRow(subject, known, value, "or" if joined == "or" else "and"))
    return rows


def rule_words(text: str, draft: Definition) -> str:
    """A stored rule as a sentence, in the words of its questions and answers."""
    asked = {question["code"]: (at, question) for at, question in enumerate(draft["question"], 1)}
    said: list[str] = []
    for number, row in enumerate(rows_of(text)):
        at, question = asked.get(row.subject, (0, None))
        subject = _subject_label(at, question) if question else str(FACT_LABELS.get(row.subject, row.subject))
        joined = [str(JOIN_LABELS[row.joined])] if number else []
        said += [*joined, f"“{subject}”", str(COMPARISON_LABELS[row.comparison])]
        said += [_value_words(row.value, question)] if row.value else []
    return " ".join(said)


def _value_words(value: str, question: Mapping[str, Any] | None) -> str:
    words = _answer_words(question) if question else {}
    parts = [part.strip() for part in value.replace("，", ",").split(",")]
    return str(_(", ")).join(f"“{words[part]}”" if part in words else part for part in parts)


def rule_rows(text: str, blank: int = 1) -> list[RuleRow]:
    """The rows of a stored rule, and empty ones to fill in."""
    return [*rows_of(text), *[RuleRow("", Comparison.IS)] * blank]


def read_settings(form: MultiDict[str, str], draft: Definition) -> dict[str, Any]:
    """The draft with what its own form says: names, introduction, heading, notice, order by text, optional parts."""
    changed: dict[str, Any] = {**draft, "purpose": form.get("purpose", draft["purpose"])}
    for name in ("name", "intro", "about", "notice"):
        kept = {part: text for part, text in draft.get(name, {}).items() if part in ("parent", "carer")}
        changed[name] = kept | _text(form, f"{name}_")
    for name in ("intro", "about"):
        for who in (Respondent.PARENT.value, Respondent.CARER.value):
            changed[name][who] = _text(form, f"{name}_{who}_")
    if not any(changed["notice"].values()):
        del changed["notice"]
    changed["sms_form"] = _codes(form.get("sms_form", ""))
    changed["modules"] = _codes(form.get("modules", ""))
    changed["join_routine"] = "join_routine" in form
    return changed


def _codes(text: str) -> list[str]:
    return [code.strip() for code in text.replace("，", ",").split(",") if code.strip()]


def _text(form: MultiDict[str, str], prefix: str) -> dict[str, str]:
    return {language: form.get(f"{prefix}{language}", "") for language in ("en", "zh")}


def _decimal(text: str, place: str) -> float:
    try:
        number = float(text.strip().replace(",", "."))
    except ValueError:
        raise NotADraft(place) from None
    if not math.isfinite(number):
        raise NotADraft(place)
    return number
