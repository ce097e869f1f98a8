"""The follow-up figures counted in SQL: the twin of ``followup.domain.figures``, as columns to group by."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Date, String, and_, bindparam, case, cast, func, literal, or_

from hcrm.followup.domain.figures import SURVEY_PREFIX, FigureClass
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import EXCLUDING_REASONS, SURVEY_EXCLUDING_REASONS, TaskReason, TaskStatus
from hcrm.followup.models import TaskRow


def by_people() -> ColumnElement[bool]:
    """A call or a visit. Written out, not as parameters, or the planner would not see that partial indexes hold it."""
    channels = [StepChannel.PHONE, StepChannel.HOME_VISIT]
    return TaskRow.channel.in_(bindparam(None, channels, expanding=True, literal_execute=True))


def excluded() -> ColumnElement[bool]:
    """Whether a task is left out of the rates: taken back, for a reason that counts, before its window ended."""
    survey_step = TaskRow.questionnaire_code.startswith(SURVEY_PREFIX)
    cancelled_for_cause = and_(
        TaskRow.status == TaskStatus.CANCELLED,
        or_(
            TaskRow.reason.in_(sorted(EXCLUDING_REASONS)),
            and_(survey_step, TaskRow.reason.in_(sorted(SURVEY_EXCLUDING_REASONS))),
        ),
    )
    return and_(
        TaskRow.ended_at <= TaskRow.due_at,
        or_(TaskRow.status == TaskStatus.ENTERED_IN_ERROR, cancelled_for_cause),
    )


def still_open(now: datetime) -> ColumnElement[bool]:
    """Whether the window is still running and the task has no outcome."""
    return and_(TaskRow.status.in_([TaskStatus.OPEN, TaskStatus.ON_HOLD]), TaskRow.due_at >= now)


def figure_class(now: datetime) -> ColumnElement[Any]:
    """``FigureClass`` of a task, as text."""
    return case(
        (excluded(), literal(FigureClass.EXCLUDED.value)),
        (still_open(now), literal(FigureClass.OPEN.value)),
        else_=literal(FigureClass.DUE.value),
    )


def excluded_reason() -> ColumnElement[str]:
    """Why a task is excluded, empty for the others."""
    reason = func.coalesce(cast(TaskRow.reason, String), literal(TaskReason.ENTERED_IN_ERROR.value))
    return case((excluded(), reason), else_=literal("", String))


def completed() -> ColumnElement[bool]:
    return TaskRow.status == TaskStatus.COMPLETED


def completed_in_time(zone: str) -> ColumnElement[bool]:
    """Completed not after the latest date of the window, by the calendar of ``zone`` (an IANA name).

    Whatever was completed before the window ended needs no look at the calendar, which is the slow part.
    """
    completed_on = cast(func.timezone(zone, TaskRow.completed_at), Date)
    return and_(completed(), or_(TaskRow.completed_at <= TaskRow.due_at, completed_on <= TaskRow.due_on))


def attempted() -> ColumnElement[bool]:
    return TaskRow.first_attempt_at.is_not(None)


def reached() -> ColumnElement[bool]:
    return TaskRow.reached_at.is_not(None)
