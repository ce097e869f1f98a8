"""From a plan and a discharge to dated tasks: one pure function, used in bulk and singly.

What comes out depends on the plan, the local day of discharge, the risk and the calendar alone, so it can be cached
for all discharges of one day. Sampling is apart, because it depends on the encounter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hcrm.clock import local_moment
from hcrm.followup.domain.plan import DayKind, HolidayRule, Plan, RiskLevel, Step, StepChannel, Trigger
from hcrm.ids import stable_share
from hcrm.organization.domain import Calendar

_LEAST_WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """One step with its dates. Moments are aware UTC; ``due_on`` is the local day on which the window ends.

    ``occurrence`` counts from 1 how often the step comes in the plan.
    """

    step: Step
    window_starts_at: datetime
    target_at: datetime
    due_at: datetime
    due_on: date
    occurrence: int = 1


def expand_plan(
    plan: Plan, discharged_on: date, risk: RiskLevel, calendar: Calendar, zone: ZoneInfo
) -> tuple[PlannedTask, ...]:
    """The dated tasks of one discharge, before sampling: the active steps that a discharge triggers, for this risk."""
    return tuple(
        planned
        for step in plan.steps
        if step.active and step.trigger is Trigger.DISCHARGE and risk in step.risks
        for planned in plan_occurrences(step, discharged_on, calendar, zone)
    )


def plan_occurrences(step: Step, day_zero: date, calendar: Calendar, zone: ZoneInfo) -> Iterator[PlannedTask]:
    """One step as often as it comes, its days counted from ``day_zero``: once, unless it is repeated."""
    for occurrence, later in enumerate(step.starts, start=1):
        yield plan_step(step, day_zero + timedelta(days=later), calendar, zone, occurrence)


def plan_step(step: Step, day_zero: date, calendar: Calendar, zone: ZoneInfo, occurrence: int = 1) -> PlannedTask:
    """One step with its dates counted from ``day_zero``. Window start < window end, the target lies between them.

    Where daylight saving skips the whole window, the end is an hour after the start.
    """
    first, target, last = _days(step, day_zero, calendar)
    starts_at = local_moment(first, step.from_time, zone)
    due_at = local_moment(last, step.until_time, zone)
    if due_at <= starts_at:
        due_at = starts_at + _LEAST_WINDOW
    target_at = min(max(local_moment(target, step.target_time, zone), starts_at), due_at)
    return PlannedTask(step, starts_at, target_at, due_at, last, occurrence)


def goes_on_until(step: Step, day_zero: date, zone: ZoneInfo) -> tuple[datetime, date] | None:
    """The later end of the window (moment and local day) of a step that goes on when nobody was reached; else None."""
    if step.goes_on_until_day is None:
        return None
    last = day_zero + timedelta(days=step.goes_on_until_day)
    return local_moment(last, step.until_time, zone), last


def _days(step: Step, day_zero: date, calendar: Calendar) -> tuple[date, date, date]:
    """First, target and last day of the window."""
    first = day_zero + timedelta(days=step.from_day)
    if step.day_kind is DayKind.WORKDAYS:
        target = calendar.add_workdays(day_zero, max(step.target_day, 1))
        last = calendar.add_workdays(day_zero, max(step.until_day, 1))
        return min(first, target), target, last
    target = day_zero + timedelta(days=step.target_day)
    last = day_zero + timedelta(days=step.until_day)
    return _off_holidays(step.holiday_rule, first, target, last, calendar)


def _off_holidays(
    rule: HolidayRule, first: date, target: date, last: date, calendar: Calendar
) -> tuple[date, date, date]:
    """Move a target that is no workday as the rule says.

    *Postpone* takes the next workday of the window; when the window holds none after the target, the window is extended
    to the next workday. *Advance* takes the workday before; when that lies before the window, the day is kept.
    """
    if rule is HolidayRule.KEEP or calendar.is_workday(target):
        return first, target, last
    if rule is HolidayRule.ADVANCE:
        earlier = calendar.previous_workday(target)
        return first, (earlier if earlier >= first else target), last
    later = calendar.next_workday(target)
    return first, later, max(last, later)


def is_sampled(step: Step, plan_version: str, encounter_id: int, *, flagged: bool = False) -> bool:
    """Whether this encounter gets the step: a hash of plan version, step and encounter below the share.

    ``plan_version`` reads ``code:version``. A patient flagged for it gets the step in any case.
    """
    if step.sample >= 1.0 or (flagged and step.flagged_too):
        return True
    return stable_share(plan_version, step.code, encounter_id) < step.sample


def is_drawn_by_area(step: Step) -> bool:
    """Whether the step is a sampled home visit: only who lives where the teams go is drawn for it."""
    return step.channel is StepChannel.HOME_VISIT and step.sample < 1.0
