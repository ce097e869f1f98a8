"""Who is asked how satisfied they are, and why each other one is not. Pure; told from the plan's steps and tasks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskReason, TaskStatus


class Asked(StrEnum):
    """Whether a discharge was asked."""

    YES = "yes"
    TO_COME = "to_come"
    NO = "no"


class WhyNot(StrEnum):
    """Why nobody asks, beside the reasons that a task has itself."""

    DIED = "died"
    POST_ACUTE = "post_acute"
    NO_PLAN = "no_plan"
    NO_SURVEY = "no_survey"
    OTHER_RISK = "other_risk"
    NOT_SAMPLED = "not_sampled"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class SurveyStep:
    """A step of the plan that asks. ``sampled``: the hash of plan, step and stay lies below ``share``."""

    code: str
    channel: StepChannel
    share: float
    sampled: bool
    for_risk: bool


@dataclass(frozen=True, slots=True)
class SurveyTask:
    """A task that asks; ``tried_at`` is when its message arrived or the first call was made."""

    channel: StepChannel
    status: TaskStatus
    reason: TaskReason | None
    starts_at: datetime
    due_at: datetime
    tried_at: datetime | None


@dataclass(frozen=True, slots=True)
class StayAsked:
    """What is known of a discharge. ``answered_at`` is when its survey was begun, whatever the channel."""

    died: bool
    post_acute: bool
    enrolled: bool
    steps: tuple[SurveyStep, ...] = ()
    tasks: tuple[SurveyTask, ...] = ()
    answered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """The verdict. ``channel`` and ``at`` say how and when (for what is to come, from when); ``why`` is the reason of
    one who is not asked; ``share`` the part of discharges that is drawn, where the draw decided.
    """

    asked: Asked
    channel: StepChannel | None = None
    at: datetime | None = None
    why: WhyNot | TaskReason | None = None
    share: float | None = None


def invitation(stay: StayAsked, now: datetime) -> Invitation:
    """Whether this discharge was asked, will be, or why not."""
    tried = [task for task in stay.tasks if task.tried_at is not None]
    if tried:
        first = min(tried, key=_tried)
        return Invitation(Asked.YES, first.channel, first.tried_at)
    if stay.answered_at is not None:
        return Invitation(Asked.YES, None, stay.answered_at)
    waiting = [task for task in stay.tasks if task.status is TaskStatus.OPEN and task.due_at > now]
    if waiting:
        soonest = min(waiting, key=_start)
        return Invitation(Asked.TO_COME, soonest.channel, soonest.starts_at)
    if stay.tasks:
        return Invitation(Asked.NO, why=_why_ended(stay.tasks))
    return _never_planned(stay)


def _tried(task: SurveyTask) -> datetime:
    assert task.tried_at is not None
    return task.tried_at


def _start(task: SurveyTask) -> datetime:
    return task.starts_at


def _why_ended(tasks: Sequence[SurveyTask]) -> WhyNot | TaskReason:
    """The reason of the last task that has one of its own; a step that only stood in for another tells nothing."""
    for task in reversed(tasks):
        if task.reason is not None and task.reason is not TaskReason.CONDITION_NOT_MET:
            return task.reason
    return WhyNot.MISSED


def _never_planned(stay: StayAsked) -> Invitation:
    for holds, why in ((stay.died, WhyNot.DIED), (stay.post_acute, WhyNot.POST_ACUTE)):
        if holds:
            return Invitation(Asked.NO, why=why)
    if not stay.enrolled:
        return Invitation(Asked.NO, why=WhyNot.NO_PLAN)
    if not stay.steps:
        return Invitation(Asked.NO, why=WhyNot.NO_SURVEY)
    mine = [step for step in stay.steps if step.for_risk]
    if not mine:
        return Invitation(Asked.NO, why=WhyNot.OTHER_RISK)
    drawn = [step.share for step in mine if not step.sampled]
    return Invitation(Asked.NO, why=WhyNot.NOT_SAMPLED if drawn else WhyNot.NO_SURVEY, share=max(drawn, default=None))
