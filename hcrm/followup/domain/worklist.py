"""The work list of a day: its groups, filters and who works on what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from hcrm.accounts.domain import Role
from hcrm.followup.domain.plan import PerformerRole
from hcrm.followup.domain.task import BusinessStatus


class WorkGroup(IntEnum):
    """Why a task is in the list, in the order in which people work through it."""

    CALLBACK = 1
    OVERDUE = 2
    TODAY = 3
    LATER = 4


class WorkState(StrEnum):
    """What the list can be narrowed to."""

    TO_DO = "todo"
    CALLBACK = "callback"
    OVERDUE = "overdue"
    TODAY = "today"
    LATER = "later"
    ON_HOLD = "hold"
    DONE = "done"


GROUP_OF_STATE = {
    WorkState.CALLBACK: WorkGroup.CALLBACK,
    WorkState.OVERDUE: WorkGroup.OVERDUE,
    WorkState.TODAY: WorkGroup.TODAY,
    WorkState.LATER: WorkGroup.LATER,
}

_WARD = frozenset({PerformerRole.NURSE, PerformerRole.PHYSICIAN})
_ALL = frozenset(PerformerRole) - {PerformerRole.SYSTEM}
PERFORMERS: dict[Role, frozenset[PerformerRole]] = {
    Role.NURSE: _WARD,
    Role.PHYSICIAN: _WARD,
    Role.DEPARTMENT_HEAD: _WARD,
    Role.SERVICE_AGENT: frozenset({PerformerRole.SERVICE_AGENT}),
    Role.OUTREACH_WORKER: frozenset({PerformerRole.OUTREACH_WORKER}),
    Role.MANAGER: _ALL,
}
"""Whose tasks a role sees: ward nurse and physician stand in for each other, nobody judges their own department."""


@dataclass(frozen=True, slots=True)
class WorkFacts:
    """What the place of an open task in the list depends on."""

    due_at: datetime
    target_at: datetime
    callback_at: datetime | None = None
    business_status: BusinessStatus | None = None


def work_group(task: WorkFacts, now: datetime, end_of_day: datetime) -> WorkGroup:
    """Where an open task that is in its window, or not long past it, stands in the list.

    A time that the patient asked for comes first once it has come; until then, and until the time proposed for another
    try, the task waits. ``end_of_day`` is the end of the facility's day.
    """
    if task.callback_at is not None and task.callback_at > now:
        return WorkGroup.TODAY if task.callback_at < end_of_day else WorkGroup.LATER
    if task.callback_at is not None and task.business_status is BusinessStatus.CALLBACK_SCHEDULED:
        return WorkGroup.CALLBACK
    if task.due_at < now:
        return WorkGroup.OVERDUE
    return WorkGroup.TODAY if min(task.due_at, task.target_at) < end_of_day else WorkGroup.LATER


@dataclass(frozen=True, slots=True)
class WorkFilters:
    """What somebody asked to see. ``rows`` is how many are shown."""

    department_id: int | None = None
    tier: int | None = None
    state: WorkState = WorkState.TO_DO
    mine: bool = False
    rows: int = 50
