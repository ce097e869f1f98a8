"""What a follow-up plan is: a versioned list of steps with the discharges it is for.

A plan is data (TOML in the package, JSON in the database). ``plan_from_mapping`` turns it into these dataclasses and
refuses what contradicts itself; ``plan_to_mapping`` turns it back; ``flaws_against`` compares it with what the hospital
has before it is published.
"""

from hcrm.followup.domain.plan.changes import Change, ChangeKind, differences
from hcrm.followup.domain.plan.checks import Asked, Flaw, FlawKind, Known, flaws_against, flaws_in
from hcrm.followup.domain.plan.data import plain_code, plan_from_mapping, plan_to_mapping, read_plan
from hcrm.followup.domain.plan.editing import moved, new_step, with_step, without_step
from hcrm.followup.domain.plan.parts import SURGERY, Eligibility, Plan, PlanInvalid, Step
from hcrm.followup.domain.plan.words import (
    Condition,
    DayKind,
    HolidayRule,
    PerformerRole,
    PlanScope,
    RiskLevel,
    StepChannel,
    Trigger,
    VersionStatus,
)

__all__ = [
    "SURGERY",
    "Asked",
    "Change",
    "ChangeKind",
    "Condition",
    "DayKind",
    "Eligibility",
    "Flaw",
    "FlawKind",
    "HolidayRule",
    "Known",
    "PerformerRole",
    "Plan",
    "PlanInvalid",
    "PlanScope",
    "RiskLevel",
    "Step",
    "StepChannel",
    "Trigger",
    "VersionStatus",
    "differences",
    "flaws_against",
    "flaws_in",
    "moved",
    "new_step",
    "plain_code",
    "plan_from_mapping",
    "plan_to_mapping",
    "read_plan",
    "with_step",
    "without_step",
]
