"""Answers to satisfaction questionnaires, counted by value, and how many of those asked answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, cast, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm.reporting.domain.reports import ALL, By, Selection
from hcrm.reporting.queries.places import covered, facility_zones
from hcrm.survey.domain import AnswerValue, ResponseState
from hcrm.survey.models import Questionnaire, QuestionnaireVersion, SurveyAnswer, SurveyResponse

_ANSWERED = (ResponseState.COMPLETED, ResponseState.PARTIAL)


@dataclass(slots=True)
class Answered:
    """The answers to one question in one group: how often each value was given, and how."""

    values: Counter[AnswerValue] = field(default_factory=Counter)
    modes: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Responses:
    """Invitations to eligible patients, those delivered, and the responses completed or partly answered (of both)."""

    invited: int = 0
    delivered: int = 0
    answered: int = 0
    answered_of_delivered: int = 0


def answer_counts(
    session: Session, selection: Selection, questionnaire_code: str, by: By, *, since: date | None = None
) -> dict[tuple[Any, str], Answered]:
    """Current answers given in the period by (group, question code).

    With ``since`` the group is whether the answer was given on or after that day: two periods from one reading.
    """
    found: dict[tuple[Any, str], Answered] = {}
    versions = versions_of(session, questionnaire_code)
    for facility_id, zone in facility_zones(session, selection).items():
        group = _group(by, SurveyAnswer.answered_at, zone).label("figure_group")
        if since is not None:
            group = (SurveyAnswer.answered_at >= midnight(since, zone)).label("figure_group")
        statement = (
            select(group, SurveyAnswer.question_code, SurveyAnswer.value, SurveyAnswer.mode, func.count())
            .join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
            .where(*answer_conditions(selection, versions, facility_id, zone))
            .group_by(group.name, SurveyAnswer.question_code, SurveyAnswer.value, SurveyAnswer.mode)
        )
        for key, question, value, mode, number in session.execute(statement):
            answered = found.setdefault((key, question), Answered())
            answered.values[_hashable(value)] += number
            answered.modes[mode] += number
    return found


def responses_with_answers(
    session: Session, selection: Selection, questionnaire_code: str, by: By
) -> list[tuple[Any, dict[str, AnswerValue]]]:
    """The answers of each response that was answered in the period, with its group."""
    found: list[tuple[Any, dict[str, AnswerValue]]] = []
    versions = versions_of(session, questionnaire_code)
    for facility_id, zone in facility_zones(session, selection).items():
        group = func.min(_group(by, SurveyAnswer.answered_at, zone)).label("figure_group")
        statement = (
            select(group, func.jsonb_object_agg(SurveyAnswer.question_code, SurveyAnswer.value))
            .join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
            .where(*answer_conditions(selection, versions, facility_id, zone))
            .group_by(SurveyAnswer.response_id)
        )
        found += [(key, answers) for key, answers in session.execute(statement)]
    return found


def response_counts(session: Session, selection: Selection, questionnaire_code: str, by: By) -> dict[Any, Responses]:
    """Invitations in the period by group; patients who turned out ineligible are not counted."""
    found: dict[Any, Responses] = {}
    versions = versions_of(session, questionnaire_code)
    for facility_id, zone in facility_zones(session, selection).items():
        group = _group(by, SurveyResponse.invited_at, zone).label("figure_group")
        statement = (
            select(
                group,
                func.count(),
                func.count(SurveyResponse.delivered_at),
                func.count().filter(SurveyResponse.state.in_(_ANSWERED)),
                func.count(SurveyResponse.delivered_at).filter(SurveyResponse.state.in_(_ANSWERED)),
            )
            .where(
                SurveyResponse.facility_id == facility_id,
                SurveyResponse.state != ResponseState.INELIGIBLE,
                SurveyResponse.questionnaire_version_id.in_(versions),
                covered(selection, SurveyResponse.facility_id, SurveyResponse.department_id),
                *_between(SurveyResponse.invited_at, selection, zone),
            )
            .group_by(group.name)
        )
        for key, *counts in session.execute(statement):
            before = found.get(key, Responses())
            found[key] = Responses(*(one + more for one, more in zip(astuple(before), counts, strict=True)))
    return found


def answer_conditions(
    selection: Selection, versions: Sequence[int], facility_id: int, zone: str
) -> list[ColumnElement[bool]]:
    """Current answers to any version of a questionnaire, given in the period by the facility's calendar."""
    return [
        SurveyAnswer.facility_id == facility_id,
        SurveyAnswer.superseded_at.is_(None),
        SurveyResponse.questionnaire_version_id.in_(versions),
        covered(selection, SurveyResponse.facility_id, SurveyResponse.department_id),
        *_between(SurveyAnswer.answered_at, selection, zone),
    ]


def versions_of(session: Session, questionnaire_code: str) -> list[int]:
    """The ids of all versions of a questionnaire; as plain numbers they let the database plan well."""
    statement = (
        select(QuestionnaireVersion.id)
        .join(Questionnaire, Questionnaire.id == QuestionnaireVersion.questionnaire_id)
        .where(Questionnaire.code == questionnaire_code)
        .order_by(QuestionnaireVersion.id)
    )
    return list(session.scalars(statement))


def _group(by: By, at: InstrumentedAttribute[Any], zone: str) -> ColumnElement[Any]:
    if by is By.DEPARTMENT:
        return SurveyResponse.department_id.expression
    if by is By.MONTH:
        return func.to_char(cast(func.timezone(zone, at), Date), "YYYY-MM")
    return literal(ALL)


def _between(at: InstrumentedAttribute[Any], selection: Selection, zone: str) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if selection.from_on:
        conditions.append(at >= midnight(selection.from_on, zone))
    if selection.to_on and selection.to_on < date.max:
        conditions.append(at < midnight(selection.to_on + timedelta(days=1), zone))
    return conditions


def midnight(day: date, zone: str) -> datetime:
    """The moment at which a day begins in a zone."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def _hashable(value: Any) -> AnswerValue:
    return tuple(value) if isinstance(value, list) else value
