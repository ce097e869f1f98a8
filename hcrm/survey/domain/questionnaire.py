"""Questionnaires as frozen data: questions, their texts in both languages, skip rules and alert rules.

Answer values are stored, never their texts: ``scale5`` 1–5, ``nps`` 0–10 and ``number`` are ints; ``yes_no`` and
``choice`` are the value of a choice; ``multi`` is a tuple of values in the order of the question; ``text`` is what was
written. ``NOT_APPLICABLE`` may stand in place of any value where the question offers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from hcrm.survey.domain.conditions import Condition

AnswerValue = int | str | tuple[str, ...]

Answers = Mapping[str, AnswerValue]
"""Current answers by question code."""

SHIPPED = ("SAT_IP", "CLIN_GEN", "CLIN_SURG", "SAT_OP", "SAT_ED", "RECALL")
"""Codes of the questionnaires that come with the product; hospitals write others."""

NOT_APPLICABLE = "na"
UNSURE = "unsure"
DECLINED = "declined"
NONE_OF_THESE = "none"

SCALE_MIN, SCALE_MAX = 1, 5
NPS_MIN, NPS_MAX = 0, 10
TEXT_LIMIT = 2000
"""Characters kept of a free text."""


class QuestionKind(StrEnum):
    """What kind of answer a question takes."""

    SCALE5 = "scale5"
    NPS = "nps"
    YES_NO = "yes_no"
    CHOICE = "choice"
    MULTI = "multi"
    NUMBER = "number"
    TEXT = "text"


class Purpose(StrEnum):
    """What a questionnaire is for; nobody surveys their own department, and clinical answers are never shown again."""

    SATISFACTION = "satisfaction"
    CLINICAL = "clinical"
    QUALITY = "quality"


class VersionStatus(StrEnum):
    """A published version never changes; retired ones are kept for their answers."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class Mode(StrEnum):
    """Through which channel an answer came."""

    SMS = "sms"
    WEB = "web"
    PHONE = "phone"
    VISIT = "visit"


class Respondent(StrEnum):
    """Who answers for the patient's stay."""

    PATIENT = "patient"
    PARENT = "parent"
    CARER = "carer"


class Severity(StrEnum):
    """How soon an alert must be looked at."""

    URGENT = "urgent"
    HIGH = "high"
    ROUTINE = "routine"


class Cause(StrEnum):
    """What an alert is about."""

    SYMPTOM = "symptom"
    MEDICINE = "medicine"
    APPOINTMENT = "appointment"
    EQUIPMENT = "equipment"
    SOCIAL = "social"
    SERVICE = "service"
    OTHER = "other"


class Advice(StrEnum):
    """What the person on the phone does at once when an alert rule matches."""

    EXPLAIN_NOW = "explain_now"
    OFFER_BOOKING = "offer_booking"


class InvalidAnswer(ValueError):
    """A value that the question cannot have; the argument is the question's code, never the value."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """The Chinese text for any Chinese language tag, else the English one."""
        return self.zh if language.lower().startswith("zh") else self.en


@dataclass(frozen=True, slots=True)
class Wording:
    """A text for the patient, and texts of their own for a parent and a carer where these differ."""

    patient: Text
    parent: Text | None = None
    carer: Text | None = None

    def for_(self, respondent: Respondent) -> Text:
        own = {Respondent.PARENT: self.parent, Respondent.CARER: self.carer}.get(respondent)
        return own or self.patient


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer to pick: what is stored and what is read."""

    value: str
    wording: Wording

    @property
    def text(self) -> Text:
        return self.wording.patient


def plain_choice(value: str, en: str, zh: str) -> Choice:
    """A choice that reads the same whoever answers."""
    return Choice(value, Wording(Text(en, zh)))


YES_NO = (plain_choice("yes", "Yes", "是"), plain_choice("no", "No", "否"))
FREQUENCY = (
    plain_choice("1", "Never", "从未如此"),
    plain_choice("2", "Sometimes", "有时如此"),
    plain_choice("3", "Usually", "经常如此"),
    plain_choice("4", "Always", "总是如此"),
)

SCALE_TEXTS = {
    1: Text("Very dissatisfied", "很不满意"),
    2: Text("Dissatisfied", "不满意"),
    3: Text("Neither", "一般"),
    4: Text("Satisfied", "满意"),
    5: Text("Very satisfied", "很满意"),
}
NPS_TEXTS = {NPS_MIN: Text("Not at all likely", "一定不会"), NPS_MAX: Text("Extremely likely", "一定会")}
BY_KEY = (
    plain_choice(UNSURE, "Not sure", "不清楚"),
    plain_choice(DECLINED, "Would rather not say", "不愿回答"),
)
"""Offered in calls and visits with every yes/no, choice and multi question."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When ``when`` holds, the answer needs somebody. Of the rules of one question the first that matches counts."""

    code: str
    when: Condition
    severity: Severity
    cause: Cause
    stop: bool = False
    advice: Advice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question. ``minimum`` and ``maximum`` bound ``scale5``, ``nps`` and ``number`` (both included).

    ``sms_text`` is how it is asked by text message, where no text of messaging stands ready for its code.
    """

    code: str
    kind: QuestionKind
    wording: Wording
    choices: tuple[Choice, ...] = ()
    minimum: int = 0
    maximum: int = 0
    na: bool = False
    na_text: Text | None = None
    optional: bool = False
    scored: bool = False
    weight: float = 1.0
    core: bool = False
    sms: bool = False
    sms_text: Text | None = None
    word_lists: bool = False
    module: str = ""
    show_if: Condition | None = None
    alerts: tuple[AlertRule, ...] = ()
    readmitted_if: Condition | None = None

    @property
    def na_choice(self) -> Choice | None:
        """*Does not apply*, with the reason where the question names one."""
        if not self.na:
            return None
        if self.na_text is None:
            return plain_choice(NOT_APPLICABLE, "Does not apply", "不适用")
        return plain_choice(NOT_APPLICABLE, f"Does not apply: {self.na_text.en}", f"不适用：{self.na_text.zh}")

    @property
    def ranged(self) -> bool:
        """Whether its values are whole numbers between ``minimum`` and ``maximum``."""
        return self.kind in (QuestionKind.SCALE5, QuestionKind.NPS, QuestionKind.NUMBER)

    def offered(self, mode: Mode) -> tuple[Choice, ...]:
        """The choices shown in this mode, in order; empty for numbers and text (but for *does not apply*)."""
        extra: tuple[Choice, ...] = ()
        if self.na_choice is not None:
            extra = (self.na_choice,)
        if self.choices and mode in (Mode.PHONE, Mode.VISIT):
            own = {choice.value for choice in self.choices}
            extra += tuple(choice for choice in BY_KEY if choice.value not in own)
        return self.choices + extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Questionnaire:
    """A version of a questionnaire.

    ``intro`` is read out before the questions, ``about`` stands over each page; both may hold ``{when}``. ``notice`` is
    shown before the first question on the web and holds ``{emergency}``. ``sms_form`` is the short form in its order.
    """

    code: str
    version: int
    name: Text
    purpose: Purpose
    intro: Wording
    about: Wording
    questions: tuple[Question, ...]
    notice: Text | None = None
    sms_form: tuple[str, ...] = ()
    invite_sms: str = "survey_invite_sms"
    join_routine: bool = False
    modules: tuple[str, ...] = ()
    by_code: Mapping[str, Question] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_code", {question.code: question for question in self.questions})

    def question(self, code: str) -> Question:
        """Raises ``KeyError`` for a code that the questionnaire does not have."""
        return self.by_code[code]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskContext:
    """What is known about the stay and the person, apart from the answers. ``None`` = not known.

    ``days_since`` are calendar days since discharge (or the operation); ``age_days`` is the patient's age.
    """

    respondent: Respondent = Respondent.PATIENT
    age_days: int | None = None
    days_since: int | None = None
    disposition: str = ""
    equipment: bool | None = None
    immune_risk: bool | None = None
    implant: bool | None = None
    abdominal_surgery: bool | None = None
    blood_thinner: bool | None = None
    modules: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class AnswerSnapshot:
    """One current answer with how it came."""

    question_code: str
    value: AnswerValue
    mode: Mode
    respondent: Respondent
    answered_at: datetime
    late: bool
