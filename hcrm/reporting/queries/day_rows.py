"""Statements that add up the records of one facility's days into the rows of the roll-ups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, String, Text, and_, case, cast, func, or_, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute

from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.followup.queries import figures
from hcrm.patients.models import Encounter
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.queries.answers import midnight
from hcrm.reporting.queries.tasks import discharge_conditions, has_contact
from hcrm.survey.domain import NOT_APPLICABLE, ResponseState
from hcrm.survey.models import SurveyAnswer, SurveyResponse

ANSWERED = (ResponseState.COMPLETED, ResponseState.PARTIAL)
_WORDS = (NOT_APPLICABLE, "yes", "no")
"""The answers in words that are added up."""


def task_days(facility_id: int, zone: str, days: Iterable[date]) -> Select[Any]:
    """``TaskDay`` rows. Flags of tasks that are left out are false: no figure counts them."""
    excluded = figures.excluded()

    def kept(flag: ColumnElement[bool], name: str) -> ColumnElement[bool]:
        return case((excluded, False), else_=func.coalesce(flag, False)).label(name)

    pending = TaskRow.status.in_([TaskStatus.OPEN, TaskStatus.ON_HOLD])
    columns: list[ColumnElement[Any]] = [
        TaskRow.facility_id.expression,
        TaskRow.due_on.expression,
        TaskRow.department_id.expression,
        TaskRow.tier.expression,
        type_coerce(TaskRow.channel, String).label("channel"),
        TaskRow.step_code.expression,
        figures.excluded_reason().label("reason"),
        kept(pending, "pending"),
        kept(figures.attempted(), "attempted"),
        kept(figures.reached(), "reached"),
        kept(figures.completed(), "completed"),
        kept(figures.completed_in_time(zone), "in_time"),
    ]
    each = select(*columns).where(TaskRow.facility_id == facility_id, TaskRow.due_on.in_(sorted(days))).subquery()
    return select(*each.c, func.count().label("tasks")).group_by(*each.c)


def discharge_days(facility_id: int, days: Iterable[date]) -> Select[Any]:
    """``DischargeDay`` rows."""
    return (
        select(
            Encounter.facility_id,
            Encounter.discharged_on,
            Encounter.department_id,
            func.count().label("discharged"),
            func.count().filter(has_contact()).label("followed_up"),
        )
        .where(
            Encounter.facility_id == facility_id,
            Encounter.discharged_on.in_(sorted(days)),
            *discharge_conditions(Selection()),
        )
        .group_by(Encounter.facility_id, Encounter.discharged_on, Encounter.department_id)
    )


def answer_days(facility_id: int, zone: str, days: Iterable[date]) -> Select[Any]:
    """``AnswerDay`` rows: numbers, and that a question does not apply; no words that a patient wrote."""
    day = cast(func.timezone(zone, SurveyAnswer.answered_at), Date).label("day")
    return (
        select(
            SurveyAnswer.facility_id,
            day,
            SurveyResponse.department_id,
            SurveyResponse.questionnaire_version_id,
            SurveyAnswer.question_code,
            SurveyAnswer.value,
            type_coerce(SurveyAnswer.mode, String).label("mode"),
            func.count().label("answers"),
        )
        .join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
        .where(
            SurveyAnswer.facility_id == facility_id,
            SurveyAnswer.superseded_at.is_(None),
            countable(),
            on_days(SurveyAnswer.answered_at, days, zone),
        )
        .group_by(
            SurveyAnswer.facility_id,
            "day",
            SurveyResponse.department_id,
            SurveyResponse.questionnaire_version_id,
            SurveyAnswer.question_code,
            SurveyAnswer.value,
            SurveyAnswer.mode,
        )
    )


def countable() -> ColumnElement[bool]:
    """Whether an answer is a value that scores are made of, or says that the question does not apply."""
    kind = func.jsonb_typeof(SurveyAnswer.value)
    return or_(kind == "number", cast(SurveyAnswer.value, Text).in_([f'"{word}"' for word in _WORDS]))


def invitation_days(facility_id: int, zone: str, days: Iterable[date]) -> Select[Any]:
    """``InvitationDay`` rows."""
    day = cast(func.timezone(zone, SurveyResponse.invited_at), Date).label("day")
    answered = SurveyResponse.state.in_(ANSWERED)
    return (
        select(
            SurveyResponse.facility_id,
            day,
            SurveyResponse.department_id,
            SurveyResponse.questionnaire_version_id,
            func.count().label("invited"),
            func.count(SurveyResponse.delivered_at).label("delivered"),
            func.count().filter(answered).label("answered"),
            func.count(SurveyResponse.delivered_at).filter(answered).label("answered_of_delivered"),
        )
        .where(
            SurveyResponse.facility_id == facility_id,
            SurveyResponse.state != ResponseState.INELIGIBLE,
            on_days(SurveyResponse.invited_at, days, zone),
        )
        .group_by(
            SurveyResponse.facility_id, "day", SurveyResponse.department_id, SurveyResponse.questionnaire_version_id
        )
    )


def on_days(at: InstrumentedAttribute[Any], days: Iterable[date], zone: str) -> ColumnElement[bool]:
    """Whether a moment lies on one of these days of the zone; days in a row are one range, so that an index helps."""
    return or_(
        *(
            and_(at >= midnight(first, zone), at < midnight(last + timedelta(days=1), zone))
            for first, last in runs(days)
        )
    )


def runs(days: Iterable[date]) -> list[tuple[date, date]]:
    """First and last day of each run of days that follow one another."""
    found: list[tuple[date, date]] = []
    for day in sorted(days):
        if found and found[-1][1] == day - timedelta(days=1):
            found[-1] = (found[-1][0], day)
        else:
            found.append((day, day))
    return found
