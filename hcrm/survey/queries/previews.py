"""What a questionnaire looks like as text messages, with their lengths, before it is published."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from hcrm.messaging.domain import LANGUAGES, SAMPLE, Length, measure, render
from hcrm.messaging.queries.outbox import published_wordings
from hcrm.survey.domain import Question, Questionnaire


@dataclass(frozen=True, slots=True)
class Preview:
    """One text message in one language as a phone shows it."""

    text: str
    length: Length


@dataclass(frozen=True, slots=True)
class SmsStep:
    """One question of the short form, by language; a language without a wording has none."""

    question: Question
    previews: dict[str, Preview]


def by_text(session: Session, questionnaire: Questionnaire) -> tuple[SmsStep, ...]:
    """The short form in its order, the first as the invitation that asks it."""
    wordings = published_wordings(session)
    steps: list[SmsStep] = []
    for at, code in enumerate(questionnaire.sms_form):
        question = questionnaire.question(code)
        template = _template(questionnaire, question, first=at == 0)
        bodies = {language: wordings.get((template, language)) for language in LANGUAGES}
        found = {
            language: _preview(wording.body, question, language)
            for language, wording in bodies.items()
            if wording is not None
        }
        steps.append(SmsStep(question, found))
    return tuple(steps)


def _template(questionnaire: Questionnaire, question: Question, *, first: bool) -> str:
    if question.sms_text is not None:
        return "survey_invite_question" if first else "q_own"
    return questionnaire.invite_sms if first else f"q_{question.code}"


def _preview(body: str, question: Question, language: str) -> Preview:
    own = question.sms_text
    values = SAMPLE if own is None else {**SAMPLE, "text": {"en": own.en, "zh_Hans": own.zh}}
    shown = render(body, values, language).whole
    return Preview(shown, measure(shown))
