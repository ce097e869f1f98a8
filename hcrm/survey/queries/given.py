"""The answers of a response as part of the statement that reads the response, and versions known by their digest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import Session

from hcrm.survey.domain import AnswerSnapshot, AnswerValue, Mode, Questionnaire, Respondent
from hcrm.survey.domain.definition import questionnaire_from
from hcrm.survey.models import QuestionnaireVersion, SurveyAnswer, SurveyResponse

_VERSIONS_READ: dict[str, Questionnaire] = {}
_VERSIONS_KEPT = 256


def given() -> ColumnElement[Any]:
    """The current answers of a response in the order in which they were given, as an array of arrays, or null."""
    one = func.jsonb_build_array(
        SurveyAnswer.question_code,
        SurveyAnswer.value,
        SurveyAnswer.mode,
        SurveyAnswer.respondent,
        SurveyAnswer.answered_at,
        SurveyAnswer.late,
    )
    return (
        select(func.jsonb_agg(aggregate_order_by(one, SurveyAnswer.id)))
        .where(SurveyAnswer.response_id == SurveyResponse.id, SurveyAnswer.superseded_at.is_(None))
        .correlate(SurveyResponse)
        .scalar_subquery()
        .label("given")
    )


def answers_of(stored: Sequence[Sequence[Any]] | None) -> tuple[AnswerSnapshot, ...]:
    """What ``given`` has read."""
    return tuple(
        AnswerSnapshot(code, as_value(value), Mode(mode), Respondent(respondent), datetime.fromisoformat(at), late)
        for code, value, mode, respondent, at, late in stored or ()
    )


def as_value(stored: int | str | list[str]) -> AnswerValue:
    """An answer as the domain holds it, from how JSON holds it."""
    return tuple(stored) if isinstance(stored, list) else stored


def version_of(session: Session, version_id: int, digest: str) -> Questionnaire:
    """A version, read and checked once in a process and known again by its digest: published ones never change."""
    found = _VERSIONS_READ.get(digest)
    if found is None:
        definition = select(QuestionnaireVersion.definition).where(QuestionnaireVersion.id == version_id)
        found = questionnaire_from(session.scalars(definition).one())
        if len(_VERSIONS_READ) >= _VERSIONS_KEPT:
            _VERSIONS_READ.clear()
        _VERSIONS_READ[digest] = found
    return found
