"""Tasks: what is stored about them, and what follows from their window and the time.

Stored is only what a person or an event caused. ``draft``, ``ready`` and overdue are derived here. What counts
as missed is said in ``followup.domain.figures``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EnrolmentStatus(StrEnum):
    """State of one run of a plan."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class TaskStatus(StrEnum):
    """What is stored about a task."""

    OPEN = "open"
    ON_HOLD = "on_hold"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered_in_error"


class TaskState(StrEnum):
    """The state that people see (HL7 FHIR Task), derived from status, window, lease and time."""

    DRAFT = "draft"
    READY = "ready"
    IN_PROGRESS = "in-progress"
    OVERDUE = "overdue"
    ON_HOLD = "on-hold"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    ENTERED_IN_ERROR = "entered-in-error"


class BusinessStatus(StrEnum):
    """What more there is to say about an open or failed task."""

    CALLBACK_SCHEDULED = "callback_scheduled"
    AWAITING_REPLY = "awaiting_reply"
    ESCALATED = "escalated"
    UNABLE_TO_CONTACT = "unable_to_contact"
    MISSED_WINDOW = "missed_window"


class TaskReason(StrEnum):
    """Why a task was held, failed or cancelled."""

    READMITTED = "readmitted"
    DECEASED = "deceased"
    TRANSFERRED = "transferred"
    OPTED_OUT = "opted_out"
    DUPLICATE_MERGED = "duplicate_merged"
    ENTERED_IN_ERROR = "entered_in_error"
    CONDITION_NOT_MET = "condition_not_met"
    INELIGIBLE = "ineligible"
    SUPERSEDED = "superseded"
    FATIGUE_LIMIT = "fatigue_limit"
    OTHER = "other"
    UNABLE_TO_CONTACT = "unable_to_contact"
    REFUSED = "refused"
    UNABLE_TO_PARTICIPATE = "unable_to_participate"
    INCOMPLETE = "incomplete"
    NOT_DELIVERED = "not_delivered"


EXCLUDING_REASONS = frozenset(
    {
        TaskReason.READMITTED,
        TaskReason.DECEASED,
        TaskReason.TRANSFERRED,
        TaskReason.OPTED_OUT,
        TaskReason.DUPLICATE_MERGED,
        TaskReason.ENTERED_IN_ERROR,
        TaskReason.CONDITION_NOT_MET,
        TaskReason.INELIGIBLE,
        TaskReason.SUPERSEDED,
    }
)
"""Cancelled for one of these before the window ended: the task is excluded from the rates."""

SURVEY_EXCLUDING_REASONS = frozenset({TaskReason.FATIGUE_LIMIT})
"""Excludes survey steps only."""

BY_HAND_REASONS = (
    TaskReason.READMITTED,
    TaskReason.DECEASED,
    TaskReason.TRANSFERRED,
    TaskReason.OPTED_OUT,
    TaskReason.INELIGIBLE,
    TaskReason.OTHER,
)
"""What a person may give as the reason for cancelling; ``other`` stays in ``due``."""


@dataclass(frozen=True, slots=True)
class TaskFacts:
    """What the derived states depend on; ``leased`` when a lease runs by the database's clock."""

    status: TaskStatus
    window_starts_at: datetime
    due_at: datetime
    leased: bool = False


def task_state(task: TaskFacts, now: datetime) -> TaskState:
    """The state at ``now``. A task past its window stays callable (``overdue``); figures count it as missed."""
    if task.status is not TaskStatus.OPEN:
        return _ENDED[task.status]
    if task.leased:
        return TaskState.IN_PROGRESS
    if now < task.window_starts_at:
        return TaskState.DRAFT
    return TaskState.READY if now <= task.due_at else TaskState.OVERDUE


_ENDED = {
    TaskStatus.ON_HOLD: TaskState.ON_HOLD,
    TaskStatus.COMPLETED: TaskState.COMPLETED,
    TaskStatus.FAILED: TaskState.FAILED,
    TaskStatus.CANCELLED: TaskState.CANCELLED,
    TaskStatus.ENTERED_IN_ERROR: TaskState.ENTERED_IN_ERROR,
}
