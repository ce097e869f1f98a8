"""What a follow-up plan is: a versioned list of steps with the discharges it is for.

A plan is data (TOML in the package, JSON in the database). ``plan_from_mapping`` turns it into these dataclasses and
refuses what does not fit; ``plan_to_mapping`` turns it back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum
from typing import Any

SURGERY = "surgery"
"""Entry of a step's questionnaires for stays with an operation."""


class PlanScope(StrEnum):
    """What a plan is about: one stay, or the patient over many stays."""

    ENCOUNTER = "encounter"
    PATIENT = "patient"


class VersionStatus(StrEnum):
    """State of a version of a plan; enrolments keep the version they started with."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"


class StepChannel(StrEnum):
    """How a step reaches the patient."""

    SMS = "sms"
    PHONE = "phone"
    WEB = "web"
    HOME_VISIT = "home_visit"


class PerformerRole(StrEnum):
    """Who does a step. The values are those of the roles of accounts, and ``system``."""

    SYSTEM = "system"
    PHYSICIAN = "physician"
    NURSE = "nurse"
    SERVICE_AGENT = "service_agent"
    OUTREACH_WORKER = "outreach_worker"


class Condition(StrEnum):
    """When a step is done, seen from the earlier step it names."""

    ALWAYS = "always"
    IF_NOT_COMPLETED = "if_not_completed"
    IF_COMPLETED = "if_completed"

    def is_met(self, *, completed: bool) -> bool:
        """Whether the step is done after the earlier one has ended, ``completed`` or not."""
        return self is Condition.ALWAYS or completed is (self is Condition.IF_COMPLETED)


class Trigger(StrEnum):
    """What brings a step into being."""

    DISCHARGE = "discharge"
    STEP_ENDED = "step_ended"
    APPOINTMENT = "appointment"


class HolidayRule(StrEnum):
    """What happens when a target day is no workday."""

    KEEP = "keep"
    ADVANCE = "advance"
    POSTPONE = "postpone"


class DayKind(StrEnum):
    """What the days of a window are counted in."""

    DAYS = "days"
    WORKDAYS = "workdays"


class RiskLevel(StrEnum):
    """How likely the patient is to come back unplanned."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class PlanInvalid(ValueError):
    """The data do not describe a plan; the message says where."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Days are counted from the local day of discharge (day 0). The window runs from ``from_time`` on day ``from_day``
    to ``until_time`` on day ``until_day``; ``target_day`` at ``target_time`` is when the step should be done. With
    ``day_kind`` workdays the target and the end are counted in workdays, the beginning always in days.
    ``sample`` is the share of discharges that get it, between 0 and 1.
    """

    code: str
    name_en: str
    name_zh: str
    tier: int | None
    channel: StepChannel
    performer: PerformerRole
    from_day: int
    until_day: int
    target_day: int
    from_time: time = time(0, 0)
    until_time: time = time(20, 0)
    target_time: time = time(10, 0)
    day_kind: DayKind = DayKind.DAYS
    holiday_rule: HolidayRule = HolidayRule.KEEP
    sample: float = 1.0
    risks: frozenset[RiskLevel] = frozenset(RiskLevel)
    trigger: Trigger = Trigger.DISCHARGE
    condition: Condition = Condition.ALWAYS
    after_steps: tuple[str, ...] = ()
    template: str | None = None
    questionnaires: tuple[tuple[str, str], ...] = ()
    flagged_too: bool = False
    active: bool = True

    def questionnaire_for(self, encounter_class: str, *, surgery: bool = False) -> str | None:
        """The questionnaire asked after a stay: the entry ``surgery`` first, then the class, ``*`` for all others."""
        table = dict(self.questionnaires)
        if surgery and SURGERY in table:
            return table[SURGERY]
        return table.get(encounter_class, table.get("*"))


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Which discharges a plan is for. An empty set of dispositions means every one but the excluded."""

    classes: frozenset[str]
    dispositions: frozenset[str] = frozenset()
    excluded_dispositions: frozenset[str] = frozenset()

    def admits(self, encounter_class: str, disposition: str | None) -> bool:
        """Whether a discharge of this class and disposition is meant."""
        if encounter_class not in self.classes or disposition in self.excluded_dispositions:
            return False
        return not self.dispositions or disposition in self.dispositions


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan with its steps, in the order in which they are shown."""

    code: str
    name_en: str
    name_zh: str
    scope: PlanScope
    eligibility: Eligibility
    steps: tuple[Step, ...]

    def step(self, code: str) -> Step:
        """The step with this code; ``KeyError`` when there is none."""
        for step in self.steps:
            if step.code == code:
                return step
        raise KeyError(code)


def _time(value: Any, where: str) -> time:
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise PlanInvalid(f"{where}: “{value}” is not a time of day") from None


def _step(entry: Mapping[str, Any]) -> Step:
    code = str(entry.get("code", ""))
    where = f"step {code or '?'}"
    try:
        first, last = int(entry["from_day"]), int(entry["until_day"])
        step = Step(
            code=code,
            name_en=str(entry["name_en"]),
            name_zh=str(entry["name_zh"]),
            tier=entry.get("tier"),
            channel=StepChannel(entry["channel"]),
            performer=PerformerRole(entry["performer"]),
            from_day=first,
            until_day=last,
            target_day=int(entry.get("target_day", first)),
            from_time=_time(entry.get("from_time", "00:00"), where),
            until_time=_time(entry.get("until_time", "20:00"), where),
            target_time=_time(entry.get("target_time", "10:00"), where),
            day_kind=DayKind(entry.get("day_kind", DayKind.DAYS)),
            holiday_rule=HolidayRule(entry.get("holiday_rule", HolidayRule.KEEP)),
            sample=float(entry.get("sample", 1.0)),
            risks=frozenset(RiskLevel(value) for value in entry.get("risks", list(RiskLevel))),
            trigger=Trigger(entry.get("trigger", Trigger.DISCHARGE)),
            condition=Condition(entry.get("condition", Condition.ALWAYS)),
            after_steps=tuple(entry.get("after_steps", ())),
            template=entry.get("template"),
            questionnaires=tuple(sorted(dict(entry.get("questionnaires", {})).items())),
            flagged_too=bool(entry.get("flagged_too", False)),
            active=bool(entry.get("active", True)),
        )
    except KeyError as error:
        raise PlanInvalid(f"{where}: {error.args[0]} is missing") from None
    except ValueError as error:
        raise PlanInvalid(f"{where}: {error}") from None
    _check_step(step)
    return step


def _check_step(step: Step) -> None:
    if not step.code:
        raise PlanInvalid("a step has no code")
    if step.from_day < 0 or (step.from_day, step.from_time) >= (step.until_day, step.until_time):
        raise PlanInvalid(f"step {step.code}: its window is empty or begins before the discharge")
    if not step.from_day <= step.target_day <= step.until_day:
        raise PlanInvalid(f"step {step.code}: its target day is outside its window")
    if not 0.0 <= step.sample <= 1.0:
        raise PlanInvalid(f"step {step.code}: a share lies between 0 and 1")
    if (step.condition is not Condition.ALWAYS or step.trigger is Trigger.STEP_ENDED) and not step.after_steps:
        raise PlanInvalid(f"step {step.code}: a condition needs the earlier step it is about")
    if step.condition is Condition.IF_COMPLETED and step.trigger is not Trigger.STEP_ENDED:
        raise PlanInvalid(f"step {step.code}: what needs a completed step is triggered by its end (step_ended)")


def _check_references(steps: Sequence[Step]) -> None:
    codes = [step.code for step in steps]
    if len(set(codes)) != len(codes):
        raise PlanInvalid("two steps have the same code")
    for step in steps:
        unknown = [code for code in step.after_steps if code not in codes]
        if unknown:
            raise PlanInvalid(f"step {step.code}: there is no step {unknown[0]}")


def plan_from_mapping(entry: Mapping[str, Any]) -> Plan:
    """The plan that the data describe. Raises ``PlanInvalid``."""
    try:
        rules = entry["eligibility"]
        eligibility = Eligibility(
            classes=frozenset(rules["classes"]),
            dispositions=frozenset(rules.get("dispositions", ())),
            excluded_dispositions=frozenset(rules.get("excluded_dispositions", ())),
        )
        steps = tuple(_step(item) for item in entry["steps"])
        plan = Plan(
            code=str(entry["code"]),
            name_en=str(entry["name_en"]),
            name_zh=str(entry["name_zh"]),
            scope=PlanScope(entry.get("scope", PlanScope.ENCOUNTER)),
            eligibility=eligibility,
            steps=steps,
        )
    except KeyError as error:
        raise PlanInvalid(f"{error.args[0]} is missing") from None
    _check_references(steps)
    return plan


def _step_to_mapping(step: Step) -> dict[str, Any]:
    return {
        "code": step.code,
        "name_en": step.name_en,
        "name_zh": step.name_zh,
        "tier": step.tier,
        "channel": step.channel.value,
        "performer": step.performer.value,
        "from_day": step.from_day,
        "until_day": step.until_day,
        "target_day": step.target_day,
        "from_time": step.from_time.isoformat("minutes"),
        "until_time": step.until_time.isoformat("minutes"),
        "target_time": step.target_time.isoformat("minutes"),
        "day_kind": step.day_kind.value,
        "holiday_rule": step.holiday_rule.value,
        "sample": step.sample,
        "risks": sorted(risk.value for risk in step.risks),
        "trigger": step.trigger.value,
        "condition": step.condition.value,
        "after_steps": list(step.after_steps),
        "template": step.template,
        "questionnaires": dict(step.questionnaires),
        "flagged_too": step.flagged_too,
        "active": step.active,
    }


def plan_to_mapping(plan: Plan) -> dict[str, Any]:
    """The plan as plain data that ``plan_from_mapping`` reads back to an equal plan."""
    return {
        "code": plan.code,
        "name_en": plan.name_en,
        "name_zh": plan.name_zh,
        "scope": plan.scope.value,
        "eligibility": {
            "classes": sorted(plan.eligibility.classes),
            "dispositions": sorted(plan.eligibility.dispositions),
            "excluded_dispositions": sorted(plan.eligibility.excluded_dispositions),
        },
        "steps": [_step_to_mapping(step) for step in plan.steps],
    }
