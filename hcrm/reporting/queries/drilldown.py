"""The records behind a number: exactly as many as the number says, in pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, and_, cast, func, not_, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.figures import FigureClass
from hcrm.followup.models import TaskRow
from hcrm.followup.queries import figures
from hcrm.patients.models import Encounter
from hcrm.reporting.domain.reports import Group, Selection
from hcrm.reporting.queries.answers import answer_conditions, versions_of
from hcrm.reporting.queries.needs import ending_calls
from hcrm.reporting.queries.places import facility_zones
from hcrm.reporting.queries.tasks import (
    TaskFilter,
    discharge_column,
    discharge_conditions,
    group_column,
    has_contact,
    in_group,
    task_conditions,
)
from hcrm.survey.domain import Mode
from hcrm.survey.models import SurveyAnswer, SurveyResponse


class TaskPart(StrEnum):
    """The parts of the follow-up funnel that can be opened."""

    PLANNED = "planned"
    EXCLUDED = "excluded"
    OPEN = "open"
    DUE = "due"
    ATTEMPTED = "attempted"
    NEVER_TRIED = "never_tried"
    REACHED = "reached"
    COMPLETED = "completed"
    IN_TIME = "in_time"
    NOT_IN_TIME = "not_in_time"
    ENDING = "ending"


@dataclass(frozen=True, slots=True)
class TaskHit:
    """One task behind a number."""

    task_id: int
    patient_id: int
    department_id: int | None
    step_code: str
    channel: str
    status: str
    reason: str | None
    discharged_on: date
    due_at: datetime
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StayHit:
    """One discharge behind a number."""

    encounter_id: int
    patient_id: int
    department_id: int | None
    discharged_on: date


@dataclass(frozen=True, slots=True)
class AnswerHit:
    """One answer behind a number."""

    response_id: int
    patient_id: int
    department_id: int | None
    value: Any
    mode: Mode
    answered_at: datetime


@dataclass(frozen=True, slots=True)
class TaskQuestion:
    """Which tasks are asked for: a part of the funnel, for excluded ones also the reason."""

    part: TaskPart
    only: TaskFilter
    reason: str | None = None
    until_on: date | None = None
    group: Group | None = None


def tasks(
    session: Session, selection: Selection, asked: TaskQuestion, *, now: datetime, offset: int, limit: int
) -> tuple[int, list[TaskHit]]:
    """How many tasks there are, and a page of them by the end of their window. The selection is in one facility."""
    conditions = _task_conditions(session, selection, asked, now)
    statement = (
        select(
            TaskRow.id,
            TaskRow.patient_id,
            TaskRow.department_id,
            TaskRow.step_code,
            TaskRow.channel,
            TaskRow.status,
            TaskRow.reason,
            TaskRow.discharged_on,
            TaskRow.due_at,
            TaskRow.completed_at,
        )
        .where(*conditions)
        .order_by(TaskRow.due_at, TaskRow.id)
    )
    total = session.scalar(select(func.count()).select_from(TaskRow).where(*conditions)) or 0
    return total, [TaskHit(*row) for row in session.execute(statement.offset(offset).limit(limit))]


def _task_conditions(
    session: Session, selection: Selection, asked: TaskQuestion, now: datetime
) -> Sequence[ColumnElement[bool]]:
    if asked.part is TaskPart.ENDING:
        return ending_calls(selection, now=now, until_on=asked.until_on or now.date())
    zone = next(iter(facility_zones(session, selection).values()), "UTC")
    conditions = [*task_conditions(selection, asked.only), *_PARTS[asked.part](zone, now)]
    if asked.reason is not None:
        conditions.append(figures.excluded_reason() == asked.reason)
    if asked.group is not None:
        conditions += in_group(group_column(asked.group.by, asked.only.basis), asked.group)
    return conditions


def _due(now: datetime) -> ColumnElement[bool]:
    return figures.figure_class(now) == FigureClass.DUE.value


_PARTS: dict[TaskPart, Callable[[str, datetime], list[ColumnElement[bool]]]] = {
    TaskPart.PLANNED: lambda _zone, _now: [],
    TaskPart.EXCLUDED: lambda _zone, now: [figures.figure_class(now) == FigureClass.EXCLUDED.value],
    TaskPart.OPEN: lambda _zone, now: [figures.figure_class(now) == FigureClass.OPEN.value],
    TaskPart.DUE: lambda _zone, now: [_due(now)],
    TaskPart.ATTEMPTED: lambda _zone, now: [_due(now), figures.attempted()],
    TaskPart.NEVER_TRIED: lambda _zone, now: [_due(now), not_(figures.attempted())],
    TaskPart.REACHED: lambda _zone, now: [_due(now), figures.reached()],
    TaskPart.COMPLETED: lambda _zone, now: [_due(now), figures.completed()],
    TaskPart.IN_TIME: lambda zone, now: [_due(now), figures.completed_in_time(zone)],
    TaskPart.NOT_IN_TIME: lambda zone, now: [
        _due(now),
        not_(func.coalesce(figures.completed_in_time(zone), False)),
    ],
}


def discharges(
    session: Session, selection: Selection, *, only_followed_up: bool, group: Group | None, offset: int, limit: int
) -> tuple[int, list[StayHit]]:
    """How many live discharges there are (of them those with a completed contact), and a page of them."""
    conditions = discharge_conditions(selection)
    if only_followed_up:
        conditions.append(has_contact())
    if group is not None:
        conditions += in_group(discharge_column(group.by), group)
    statement = (
        select(Encounter.id, Encounter.patient_id, Encounter.department_id, Encounter.discharged_on)
        .where(*conditions)
        .order_by(Encounter.discharged_on, Encounter.id)
    )
    return _count(session, statement), [StayHit(*row) for row in session.execute(statement.offset(offset).limit(limit))]


def answers(
    session: Session,
    selection: Selection,
    questionnaire: str,
    question: str,
    values: Sequence[int],
    *,
    offset: int,
    limit: int,
) -> tuple[int, list[AnswerHit]]:
    """How many answers with one of ``values`` were given to a question, and a page of them, the newest first."""
    facility_id, zone = next(iter(facility_zones(session, selection).items()))
    statement = (
        select(
            SurveyResponse.id,
            SurveyResponse.patient_id,
            SurveyResponse.department_id,
            SurveyAnswer.value,
            SurveyAnswer.mode,
            SurveyAnswer.answered_at,
        )
        .join(SurveyResponse, SurveyResponse.id == SurveyAnswer.response_id)
        .where(
            and_(*answer_conditions(selection, versions_of(session, questionnaire), facility_id, zone)),
            SurveyAnswer.question_code == question,
            cast(SurveyAnswer.value, Text).in_([str(value) for value in values]),
        )
        .order_by(SurveyAnswer.answered_at.desc(), SurveyAnswer.id)
    )
    return _count(session, statement), [
        AnswerHit(*row) for row in session.execute(statement.offset(offset).limit(limit))
    ]


def _count(session: Session, statement: Select[Any]) -> int:
    return session.scalar(select(func.count()).select_from(statement.order_by(None).subquery())) or 0
