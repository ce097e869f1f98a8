"""Words for surveys on the screens, and what comes back from the pages of the web survey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date
from flask_babel import lazy_gettext as _l
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.datastructures import MultiDict

from hcrm.patients.domain import Proof
from hcrm.survey.domain import (
    NOT_APPLICABLE,
    InvalidAnswer,
    Question,
    QuestionKind,
    Respondent,
    ResponseState,
    checked_value,
)

RESPONDENT_CHOICES: Mapping[Respondent, str] = {
    Respondent.PATIENT: _l("I was the patient"),
    Respondent.PARENT: _l("I am a parent of the patient"),
    Respondent.CARER: _l("I answer for the patient as a relative or carer"),
}
STATE_LABELS: Mapping[ResponseState, str] = {
    ResponseState.INVITED: _l("Invited"),
    ResponseState.DELIVERED: _l("Invitation delivered"),
    ResponseState.STARTED: _l("Started"),
    ResponseState.PARTIAL: _l("Partly answered"),
    ResponseState.COMPLETED: _l("Completed"),
    ResponseState.REFUSED: _l("Refused"),
    ResponseState.INELIGIBLE: _l("Not eligible"),
    ResponseState.EXPIRED: _l("Expired"),
    ResponseState.FAILED: _l("Invitation not delivered"),
}
_STATE_SIGNS = {
    ResponseState.COMPLETED: "good",
    ResponseState.PARTIAL: "good",
    ResponseState.FAILED: "high",
}
TIMELINE_WORDS: Mapping[str, str] = {
    "survey.SAT_IP": _l("Satisfaction survey after the stay, %(answers)s answers"),
    "survey.SAT_OP": _l("Satisfaction survey after the outpatient visit, %(answers)s answers"),
    "survey.SAT_ED": _l("Emergency follow-up and satisfaction survey, %(answers)s answers"),
    "survey.CLIN_GEN": _l("Clinical check after discharge, %(answers)s answers"),
    "survey.CLIN_SURG": _l("Clinical check after surgery, %(answers)s answers"),
    "survey.other": _l("Survey of the hospital, %(answers)s answers"),
    "survey.RECALL": _l("Quality re-call, %(answers)s answers"),
}
TIMELINE_STATES: Mapping[str, tuple[str, str]] = {
    f"survey.{state.value}": (_STATE_SIGNS.get(state, "plain"), label) for state, label in STATE_LABELS.items()
}

_SHORT_DATE = {"en": "EEE d MMM", "zh_Hans": "M月d日"}
_SALT = "survey-page"
_PROOF_SALT = "survey-birth-date"
ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class PageSeal:
    """What a page of the survey says about itself when its form comes back.

    It is signed, and bound to the response and the question. It takes the place of a CSRF token that lives in a
    cookie: phones often block cookies, and the address itself is the key to these pages. Who could make a patient's
    phone send a form would have to know that address, and would still lack the seal.
    """

    response_id: int
    question_code: str
    last_answer_id: int

    def signed(self, secret: str) -> str:
        return str(_serializer(secret).dumps([self.response_id, self.question_code, self.last_answer_id]))


def read_seal(text: str, secret: str, *, response_id: int, question_code: str) -> PageSeal | None:
    """The seal of a form, if it is whole and belongs to this response and question."""
    try:
        seal = PageSeal(*_serializer(secret).loads(text))
    except (BadData, TypeError):
        return None
    return seal if (seal.response_id, seal.question_code) == (response_id, question_code) else None


def _serializer(secret: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret, salt=_SALT)


@dataclass(frozen=True, slots=True)
class Pass:
    """That a device knows the patient: signed, bound to the response and the device, good until ``until``.

    It is passed on in the addresses of the pages, as the device is, because there is no cookie.
    """

    response_id: int
    device: str
    until: int

    def signed(self, secret: str) -> str:
        return str(URLSafeSerializer(secret, salt=_PROOF_SALT).dumps([self.response_id, self.device, self.until]))


def is_pass(text: str, secret: str, *, response_id: int, device: str, at: float) -> bool:
    """Whether a pass is whole, belongs to this response and device, and is still good ``at`` this moment (seconds)."""
    try:
        shown = Pass(*URLSafeSerializer(secret, salt=_PROOF_SALT).loads(text))
    except (BadData, TypeError):
        return False
    return (shown.response_id, shown.device) == (response_id, device) and at < shown.until


def read_proof(form: MultiDict[str, str]) -> Proof:
    """The date of three fields in digits of any width, without one where it is no date, and the end of a number."""
    try:
        day = date(*(int(form.get(name, "")) for name in ("year", "month", "day")))
    except ValueError:
        day = None
    return Proof(day, form.get("record", "")[:40])


def read_answer(question: Question, form: MultiDict[str, str]) -> object:
    """The answer in a form that was sent. Raises ``InvalidAnswer`` when there is none or it is impossible."""
    if question.kind is QuestionKind.MULTI:
        return checked_value(question, form.getlist(ANSWER))
    sent = form.get(ANSWER, "")
    if question.ranged and sent != NOT_APPLICABLE:
        if not (sent.isascii() and sent.isdigit()):
            raise InvalidAnswer(question.code)
        return checked_value(question, int(sent))
    return checked_value(question, sent)


def read_respondent(form: MultiDict[str, str]) -> Respondent:
    """Who answers; the patient unless the form says otherwise."""
    try:
        return Respondent(form.get("respondent", Respondent.PATIENT))
    except ValueError:
        return Respondent.PATIENT


def short_date(day: date | None, language: str) -> str:
    """``Sat 21 Nov`` · ``11月21日``; empty without a day."""
    return "" if day is None else format_date(day, _SHORT_DATE[language], locale=language)
