"""*Why (not)?* of a task: the rules that brought it about, held it, gave it to somebody or ended it; by which fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from hcrm.followup.domain.plan import Condition, PerformerRole, RiskLevel
from hcrm.followup.domain.task import BusinessStatus, TaskReason, TaskStatus


@dataclass(frozen=True, slots=True)
class TaskStory:
    """What is known of a task. ``plan`` is ``code:version``, None without a plan; ``share`` the part of all discharges
    that gets the step; ``kept_until`` until when it is the attending physician's alone; ``given_to`` a user.
    """

    created_at: datetime
    discharged_on: date
    plan: str | None
    share: float
    risk: RiskLevel
    window_starts_at: datetime
    due_at: datetime
    performer: PerformerRole
    status: TaskStatus
    condition: Condition = Condition.ALWAYS
    after_step: str | None = None
    kept_until: datetime | None = None
    given_to: int | None = None
    attempts: int = 0
    last_attempt_at: datetime | None = None
    callback_at: datetime | None = None
    business_status: BusinessStatus | None = None
    reopened_at: datetime | None = None
    message_id: int | None = None
    self_reported: bool = False
    reason: TaskReason | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """One rule that had a say: its code, the fact that it went by, and the time that belongs to it."""

    rule: str
    fact: str
    at: datetime | None = None


def explain_task(task: TaskStory, now: datetime) -> list[Told]:
    """Everything that had a say, in the order in which it did."""
    return [*_planning(task), *_doing(task, now), *_ending(task, now)]


def _planning(task: TaskStory) -> Iterator[Told]:
    if task.plan is None:
        yield Told("by_hand", "", task.created_at)
    else:
        yield Told("plan", task.plan, task.created_at)
        yield Told("discharged", task.discharged_on.isoformat())
    if task.share < 1:
        yield Told("sampled", f"{task.share:g}", task.created_at)
    yield Told("risk", task.risk.value, task.created_at)
    yield Told("opens", "", task.window_starts_at)
    yield Told("closes", "", task.due_at)
    if task.condition is not Condition.ALWAYS and task.after_step is not None:
        yield Told(task.condition.value, task.after_step)


def _doing(task: TaskStory, now: datetime) -> Iterator[Told]:
    yield Told("performer", task.performer.value)
    if task.kept_until is not None:
        yield Told("kept", "now" if task.kept_until > now else "over", task.kept_until)
    if task.given_to is not None:
        yield Told("given", str(task.given_to))
    if task.attempts:
        yield Told("attempts", str(task.attempts), task.last_attempt_at)
    if task.message_id is not None:
        yield Told("message", str(task.message_id))
    if task.callback_at is not None and task.callback_at > now:
        asked = task.business_status is BusinessStatus.CALLBACK_SCHEDULED
        yield Told("waits", "asked" if asked else "retry", task.callback_at)
    if task.reopened_at is not None:
        yield Told("reopened", "", task.reopened_at)


def _ending(task: TaskStory, now: datetime) -> Iterator[Told]:
    if task.self_reported:
        yield Told("self_reported", "")
    if task.status is not TaskStatus.OPEN:
        yield Told(task.status.value, "" if task.reason is None else task.reason.value, task.ended_at)
    elif now > task.due_at:
        yield Told("missed", "", task.due_at)
    elif now < task.window_starts_at:
        yield Told("not_begun", "", task.window_starts_at)
