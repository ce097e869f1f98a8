"""How made-up patients answer: texts by their own habits, questions on the phone mostly well. Pure."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from enum import StrEnum

from hcrm.followup.domain.alerts import AlertAction
from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.messaging.domain import Outcome
from hcrm.survey.domain import AnswerValue, Cause, Question, QuestionKind

HABITS = (
    ("never", 42), ("at_once", 35), ("later", 12), ("other_language", 4), ("odd", 4), ("stop", 2), ("wrong_person", 1),
)  # fmt: skip
GOOD_SCORES = (5,) * 9 + (4,) * 8 + (3,) * 2 + (2,)
"""Most are satisfied; one in twenty answers is a 2."""
RECOMMEND = (10, 10, 10, 9, 9, 9, 8, 8, 7, 6)
COMMENTS = {
    "en": ("The nurses were kind, thank you", "It was noisy at night", "Everything was explained well", "0", "0"),
    "zh": ("护士态度好，感谢", "夜里有点吵", "医生讲得很清楚", "0", "0"),
}
COMPLAINTS = {
    "en": (
        "I want to complain: nobody explained my medicines to me",
        "We waited five hours for the discharge letter, nobody cared",
        "My complaint: the ward was dirty and the buzzer was ignored all night",
    ),
    "zh": ("我要投诉：没有人告诉我药怎么吃", "出院等了五个小时，没人管", "投诉：病房脏，夜里按铃没人理"),
}
COMPLAINT_SHARE = 0.08
WRONG_PERSON = {
    "en": ("wrong number", "I was never in hospital, who is this?"),
    "zh": ("打错了", "我没住过院，你发错人了"),
}
HAN = re.compile(r"[\u4e00-\u9fff]")
OTHER = {"en": "zh", "zh": "en"}
ODD_REPLIES = {"en": ("it was ok I think", "who is this?", "4 or 5"), "zh": ("还行吧", "请问你是哪位？", "四五分吧")}
SCORES_IN_WORDS = {
    "en": {5: "very satisfied", 4: "satisfied", 3: "neutral", 2: "not satisfied", 1: "very dissatisfied"},
    "zh": {5: "很满意", 4: "满意", 3: "一般", 2: "不满意", 1: "很不满意"},
}
WORDED_SCORES = {
    5: ("5", "very satisfied", "5分", "很满意"),
    4: ("4", "4.", "四", "满意"),
    3: ("3", "3", "3", "一般"),
    2: ("2", "2", "2", "不满意"),
    1: ("1", "1!", "1", "很不满意"),
}
CONNECTIONS = (
    (Connection.ANSWERED_PATIENT, 70), (Connection.ANSWERED_PROXY, 5), (Connection.NO_ANSWER, 14), (Connection.BUSY, 3),
    (Connection.POWERED_OFF, 4), (Connection.VOICEMAIL_LEFT, 3), (Connection.WRONG_NUMBER, 1),
)  # fmt: skip
DISPOSITIONS = (
    (Disposition.COMPLETED, 860), (Disposition.CALLBACK_REQUESTED, 70), (Disposition.REFUSED_THIS_CONTACT, 30),
    (Disposition.PARTIAL, 20), (Disposition.OPTED_OUT, 8), (Disposition.REPORTED_READMITTED, 6),
    (Disposition.UNABLE_TO_PARTICIPATE, 4), (Disposition.REPORTED_DECEASED, 2),
)  # fmt: skip


ALERT_ANSWERS: dict[Cause, tuple[AlertAction, str]] = {
    Cause.SYMPTOM: (AlertAction.DOCTOR_CALLED_BACK, "The doctor has called and explained what to watch for."),
    Cause.MEDICINE: (AlertAction.ADVISED_BY_PHONE, "Went through the medicines once more."),
    Cause.APPOINTMENT: (AlertAction.VISIT_ARRANGED, "The return visit is arranged."),
    Cause.EQUIPMENT: (AlertAction.EQUIPMENT_SUPPLIED, "New dressings are on their way."),
    Cause.SOCIAL: (AlertAction.SOCIAL_SUPPORT, "Passed on to the social service."),
    Cause.SERVICE: (AlertAction.PASSED_TO_SERVICE, "Apologised and passed it on to the ward."),
    Cause.OTHER: (AlertAction.ADVISED_BY_PHONE, "Explained by phone."),
}


STOPS = {"en": "STOP", "zh": "T"}
WHO_WE_ARE = {
    "en": "This is the follow-up team. We asked how you are after your stay. Please call us with any question.",
    "zh": "这里是随访中心，想了解您出院后的情况。如有疑问请来电。",
}


class Habit(StrEnum):
    """What a patient does with a text that asks something."""

    NEVER = "never"
    AT_ONCE = "at_once"
    OTHER_LANGUAGE = "other_language"
    WRONG_PERSON = "wrong_person"
    LATER = "later"
    ODD = "odd"
    STOP = "stop"


def habit_of(seed: int, number: str) -> Habit:
    """The habit of whoever holds a number."""
    rng = random.Random(f"habit:{seed}:{number}")
    return Habit(rng.choices([name for name, _ in HABITS], [weight for _, weight in HABITS])[0])


_ABOUT_VISITS = ("Reply 1 to confirm", "reply 1 to take it", "回复1确认", "回复1预约")


def text_reply(rng: random.Random, habit: Habit, body: str) -> str | None:
    """What a patient writes back to a text; None when nothing is asked or nothing is said."""
    language = "zh" if "【" in body else "en"
    asks = _asks(body)
    if asks is None or habit is Habit.NEVER:
        return None
    if habit is Habit.STOP:
        return STOPS[language]
    if any(words in body for words in _ABOUT_VISITS):
        return rng.choice("11111123")
    if habit is Habit.WRONG_PERSON or (habit is Habit.ODD and rng.random() < 0.6):
        return rng.choice((WRONG_PERSON if habit is Habit.WRONG_PERSON else ODD_REPLIES)[language])
    return _answer(rng, habit, asks, language)


def _answer(rng: random.Random, habit: Habit, asks: QuestionKind, language: str) -> str:
    if habit is Habit.OTHER_LANGUAGE:
        language = OTHER[language]
    if asks is QuestionKind.TEXT:
        return comment(rng, language)
    if asks is QuestionKind.NPS:
        return str(rng.choice(RECOMMEND))
    score = rng.choice(GOOD_SCORES)
    return SCORES_IN_WORDS[language][score] if habit is Habit.OTHER_LANGUAGE else rng.choice(WORDED_SCORES[score])


def comment(rng: random.Random, language: str) -> str:
    """What somebody says in their own words; now and then a complaint. ``language`` is ``en`` or ``zh``."""
    return rng.choice((COMPLAINTS if rng.random() < COMPLAINT_SHARE else COMMENTS)[language])


def _asks(body: str) -> QuestionKind | None:
    if "own words" in body or "请直接回复文字" in body:
        return QuestionKind.TEXT
    if "0 (not at all)" in body or "0（一定不会）" in body:
        return QuestionKind.NPS
    if "Reply 1" in body or "number from 1 to 5" in body or "回复1" in body or "1很不满意" in body:
        return QuestionKind.SCALE5
    return None


WELL: dict[str, AnswerValue] = {
    "danger": ("none",), "feeling": "better", "fever": "no", "med_have": "all", "med_take": "as_told",
    "med_problem": "no", "warning_known": "yes", "return_visit": "booked", "equipment": "ok", "support": "yes",
    "care_elsewhere": "no", "intake": "yes", "child_drink": "yes", "child_alert": "no", "jaundice": "no",
    "wound": ("none",), "leg": "no", "vomit": "no", "urine": "yes", "bowel": "yes", "tube": "none",
    "thinner": "as_told", "stitches": "known", "moving": "yes", "pain_control": "enough", "advice_known": "yes",
    "plan_kept": "booked", "contact_me": "no",
}  # fmt: skip
NOT_WELL: dict[str, AnswerValue] = {
    "feeling": "worse", "fever": "high", "med_take": "unsure", "med_have": "some", "return_visit": "not_booked",
    "warning_known": "no", "support": "no", "wound": ("red",), "pain_control": "not",
}  # fmt: skip


SPOKEN_COMMENTS = 0.1


def spoken_answer(rng: random.Random, question: Question) -> AnswerValue | None:
    """What a patient answers on the phone; None for a question passed over."""
    if question.code in NOT_WELL and rng.random() < 0.015:
        return NOT_WELL[question.code]
    if question.code in WELL:
        return WELL[question.code]
    ranged = {
        QuestionKind.SCALE5: GOOD_SCORES,
        QuestionKind.NPS: RECOMMEND,
        QuestionKind.NUMBER: tuple(
            min(question.maximum, question.minimum + each) for each in (0,) * 8 + (1, 1, 1, 2, 2, 2, 3, 3, 4, 7)
        ),
    }
    if question.kind in ranged:
        return rng.choice(ranged[question.kind])
    if question.kind is QuestionKind.TEXT:
        return comment(rng, "en") if rng.random() < SPOKEN_COMMENTS else None
    return _any_choice(rng, question)


def _any_choice(rng: random.Random, question: Question) -> AnswerValue | None:
    if not question.choices:
        return None
    value = question.choices[0].value if rng.random() < 0.85 else rng.choice(question.choices).value
    return (value,) if question.kind is QuestionKind.MULTI else value


def alert_answer(rng: random.Random, cause: Cause) -> tuple[AlertAction, str] | None:
    """What staff do about an alert and write down; None when they do not get to it this time."""
    if rng.random() < 0.15:
        return None
    return ALERT_ANSWERS[cause]


@dataclass(frozen=True, slots=True)
class TextAnswer:
    """What the service centre does about a text: the outcome, a note, and what it writes back, if anything."""

    outcome: Outcome
    note: str
    reply: str = ""


def text_answer(body: str) -> TextAnswer:
    """What the service centre does about a text that no rule could take."""
    language = "zh" if HAN.search(body) else "en"
    if body in COMPLAINTS[language]:
        return TextAnswer(Outcome.PASSED_ON, "Passed to the complaints officer.")
    if body in WRONG_PERSON[language]:
        return TextAnswer(Outcome.PASSED_ON, "Not the patient's number: passed to the ward.")
    if body.endswith(("?", "？")):
        return TextAnswer(Outcome.ANSWERED, "", WHO_WE_ARE[language])
    if body.isdecimal():
        return TextAnswer(Outcome.NO_ACTION, "An answer to a question that had been settled.")
    return TextAnswer(Outcome.PHONED, "Called, thanked, and noted what was said.")


def call_outcome(rng: random.Random, skill: float = 1.0) -> tuple[Connection, Disposition | None]:
    """How a call goes; callers of more skill bring more of them to their end."""
    connection = rng.choices([value for value, _ in CONNECTIONS], [weight for _, weight in CONNECTIONS])[0]
    if connection not in {Connection.ANSWERED_PATIENT, Connection.ANSWERED_PROXY}:
        return connection, None
    weights = [weight * skill**3 if value is Disposition.COMPLETED else weight for value, weight in DISPOSITIONS]
    return connection, rng.choices([value for value, _ in DISPOSITIONS], weights)[0]
