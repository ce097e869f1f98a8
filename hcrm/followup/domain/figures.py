"""Where a task stands in the follow-up figures.

The SQL twin is ``followup.queries.figures``; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from hcrm.followup.domain.task import EXCLUDING_REASONS, SURVEY_EXCLUDING_REASONS, TaskReason, TaskStatus

SURVEY_PREFIX = "SAT"
"""Questionnaires whose code begins so ask how satisfied patients are; a step with one is a survey step."""


def asks_satisfaction(questionnaire_code: str | None) -> bool:
    """Whether a step with this questionnaire is a survey step."""
    return (questionnaire_code or "").startswith(SURVEY_PREFIX)


class FigureClass(StrEnum):
    """``due`` = planned − excluded − open; ``missed_window`` stays in ``due``."""

    EXCLUDED = "excluded"
    OPEN = "open"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class FigureFacts:
    """What a task's place in the figures depends on. ``ended_at``: when it was completed, failed or cancelled.

    ``due_at`` is the end of the window, ``due_on`` its day in ``zone``, the facility's.
    """

    status: TaskStatus
    reason: TaskReason | None
    due_at: datetime
    due_on: date
    zone: ZoneInfo
    ended_at: datetime | None = None
    first_attempt_at: datetime | None = None
    reached_at: datetime | None = None
    completed_at: datetime | None = None
    questionnaire_code: str | None = None


@dataclass(frozen=True, slots=True)
class FigurePlace:
    """Class and flags of one task; ``reason`` only when excluded, the flags only when due."""

    figure_class: FigureClass
    reason: str = ""
    attempted: bool = False
    reached: bool = False
    completed: bool = False
    in_time: bool = False


def classify_for_figures(task: FigureFacts, now: datetime) -> FigurePlace:
    """Excluded, open or due at ``now``, and how far a due task got.

    An exclusion counts only when it happened before the window ended; the fatigue limit excludes survey steps only.
    Open means that the window is still running and the task has no outcome. Completed in time means not after the
    latest date of the window, as the calendar of the facility shows it.
    """
    if _is_excluded(task):
        return FigurePlace(FigureClass.EXCLUDED, (task.reason or TaskReason.ENTERED_IN_ERROR).value)
    if task.status in (TaskStatus.OPEN, TaskStatus.ON_HOLD) and now <= task.due_at:
        return FigurePlace(FigureClass.OPEN)
    completed = task.status is TaskStatus.COMPLETED
    return FigurePlace(
        FigureClass.DUE,
        attempted=task.first_attempt_at is not None,
        reached=task.reached_at is not None,
        completed=completed,
        in_time=completed and _completed_on(task) <= task.due_on,
    )


def _completed_on(task: FigureFacts) -> date:
    return task.completed_at.astimezone(task.zone).date() if task.completed_at else date.max


def _is_excluded(task: FigureFacts) -> bool:
    if task.status not in (TaskStatus.CANCELLED, TaskStatus.ENTERED_IN_ERROR):
        return False
    if task.ended_at is None or task.ended_at > task.due_at:
        return False
    if task.status is TaskStatus.ENTERED_IN_ERROR or task.reason in EXCLUDING_REASONS:
        return True
    survey_step = asks_satisfaction(task.questionnaire_code)
    return survey_step and task.reason in SURVEY_EXCLUDING_REASONS
