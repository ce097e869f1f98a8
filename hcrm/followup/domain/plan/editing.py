"""Changes that a person makes to a plan, step by step; each gives a new plan."""

from __future__ import annotations

from dataclasses import replace

from hcrm.followup.domain.plan.parts import Plan, Step
from hcrm.followup.domain.plan.words import PerformerRole, StepChannel

_WHO = {
    StepChannel.SMS: PerformerRole.SYSTEM,
    StepChannel.WEB: PerformerRole.SYSTEM,
    StepChannel.PHONE: PerformerRole.NURSE,
    StepChannel.HOME_VISIT: PerformerRole.OUTREACH_WORKER,
}


def new_step(code: str, channel: str) -> Step:
    """A step to be filled in: from the next day on, a week long."""
    kind = StepChannel(channel)
    return Step(
        code=code,
        name_en="",
        name_zh="",
        tier=None,
        channel=kind,
        performer=_WHO[kind],
        from_day=1,
        until_day=7,
        target_day=3,
    )


def with_step(plan: Plan, step: Step) -> Plan:
    """The plan with ``step`` in the place of the one with its code."""
    return replace(plan, steps=tuple(step if each.code == step.code else each for each in plan.steps))


def without_step(plan: Plan, code: str) -> Plan:
    """The plan without this step; what was said of it in others is left for a person to look at."""
    return replace(plan, steps=tuple(each for each in plan.steps if each.code != code))


def moved(plan: Plan, code: str, by: int) -> Plan:
    """The plan with this step so many places later (earlier, if negative), as far as there are places."""
    steps = list(plan.steps)
    place = next(number for number, each in enumerate(steps) if each.code == code)
    steps.insert(min(max(place + by, 0), len(steps) - 1), steps.pop(place))
    return replace(plan, steps=tuple(steps))
