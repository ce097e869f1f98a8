"""Patients who tap the link in a text: they answer a survey's pages, or change their visit, through the services that
the pages call.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.simulation import people, queries
from hcrm.simulation.clinics import Clinics
from hcrm.simulation.people import Habit
from hcrm.survey import service
from hcrm.survey.domain import AnswerValue, Question, QuestionKind, next_question
from hcrm.survey.queries import web_survey
from hcrm.unit_of_work import Runtime, unit_of_work

OPEN_SHARE = 0.8
"""How many of those who answer texts at all tap a link."""
BREAK_OFF_SHARE = 0.06
"""At each question; who breaks off comes back no more."""
COMMENT_SHARE = 0.5
_LINK = re.compile(r"/([sa])/([A-Za-z0-9_-]{12})\b")
_ANOTHER_TIME = ("We will phone you", "我们将致电")
"""What stands in the text that goes to those who want another time for their visit."""
_ANSWERING = frozenset({Habit.AT_ONCE, Habit.LATER, Habit.OTHER_LANGUAGE})


def follow_links(
    runtime: Runtime, seed: int, texts: Iterable[queries.PhoneText], clinics: Clinics | None = None
) -> int:
    """Let the holders of these phones tap the links in their texts; how many surveys they answered or began, and visits
    they changed (where there are ``clinics``).
    """
    done = 0
    for text in texts:
        found = _LINK.search(text.body)
        rng = random.Random(f"{seed}:link:{text.number}:{text.id}")
        if found is None or people.habit_of(seed, text.number) not in _ANSWERING or rng.random() > OPEN_SHARE:
            continue
        kind, token = found.groups()
        with unit_of_work(runtime.sessions) as session:
            if kind == "s":
                done += _answer(session, rng, token, runtime.clock.now())
            elif clinics is not None:
                asked = any(words in text.body for words in _ANOTHER_TIME)
                done += clinics.answer_by_link(session, rng, token, asked=asked, now=runtime.clock.now())
    return done


def _answer(session: Session, rng: random.Random, token: str, now: datetime) -> bool:
    """Answer page after page; a survey that is over, or that asks for a birth date, is left alone."""
    survey = web_survey(session, token, now)
    if survey is None or survey.response.closed_at is not None or survey.needs_check:
        return False
    answers, device = dict(survey.answers), f"{rng.getrandbits(32):08x}"
    last: str | None = None
    while (question := next_question(survey.questionnaire, answers, survey.context, after=last)) is not None:
        if last is not None and rng.random() < BREAK_OFF_SHARE:
            return True
        last = question.code
        value = _tapped(rng, question, survey.language)
        if value is None:
            continue
        service.answer_on_web(
            session,
            response_id=survey.response.id,
            question_code=question.code,
            value=value,
            language=survey.language,
            device=device,
            seen_answer_id=survey.last_answer_id,
            now=now,
        )
        answers[question.code] = value
    service.close_response(session, response_id=survey.response.id, now=now)
    return True


def _tapped(rng: random.Random, question: Question, language: str) -> AnswerValue | None:
    """What is tapped or typed; None for a question passed over."""
    if question.kind is QuestionKind.TEXT:
        said = people.comment(rng, "zh" if language.startswith("zh") else "en")
        return said if said != "0" and rng.random() < COMMENT_SHARE else None
    return people.spoken_answer(rng, question)
