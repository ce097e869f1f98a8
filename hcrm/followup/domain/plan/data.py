"""Plans as plain data (TOML in the package and in exports, JSON in the database), there and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import time
from typing import Any

from hcrm.followup.domain.plan.checks import Flaw, flaws_in, sentence
from hcrm.followup.domain.plan.parts import Eligibility, Plan, PlanInvalid, Step
from hcrm.followup.domain.plan.words import (
    Condition,
    DayKind,
    HolidayRule,
    PerformerRole,
    PlanScope,
    RiskLevel,
    StepChannel,
    Trigger,
)

_LATER_FIELDS = ("answer_question", "answer_values", "goes_on_until_day", "repeat_weeks", "repeat_until_day")
"""Written only where they say something, so that a plan without them reads as it did before they were invented."""

_FARTHEST = 100_000

_RULES = ("departments", "diagnoses", "procedures", "surgery", "age_from", "age_until", "risks")


def plain_code(code: str) -> str:
    """A code of a diagnosis or procedure as prefixes are compared: capital letters, no dots or blanks."""
    return code.upper().replace(".", "").replace(" ", "")


def _time(value: Any, where: str) -> time:
    try:
        return time.fromisoformat(str(value))
    except ValueError:
        raise PlanInvalid(f"{where}: “{value}” is not a time of day") from None


def _whole(value: Any) -> int:
    """A whole number that calendars can bear; whether it makes sense is another matter (``checks``)."""
    number = int(value)
    if not -_FARTHEST <= number <= _FARTHEST:
        raise ValueError("a number is too large")
    return number


def _number(value: Any) -> int | None:
    return None if value is None else _whole(value)


def _share(value: Any) -> float:
    share = float(value)
    if not -_FARTHEST <= share <= _FARTHEST:
        raise ValueError("a share is not a number")
    return share


def _step(entry: Mapping[str, Any]) -> Step:
    code = str(entry.get("code", ""))
    where = f"step {code or '?'}"
    try:
        first, last = _whole(entry["from_day"]), _whole(entry["until_day"])
        return Step(
            code=code,
            name_en=str(entry["name_en"]),
            name_zh=str(entry["name_zh"]),
            tier=_number(entry.get("tier")),
            channel=StepChannel(entry["channel"]),
            performer=PerformerRole(entry["performer"]),
            from_day=first,
            until_day=last,
            target_day=_whole(entry.get("target_day", first)),
            from_time=_time(entry.get("from_time", "00:00"), where),
            until_time=_time(entry.get("until_time", "20:00"), where),
            target_time=_time(entry.get("target_time", "10:00"), where),
            day_kind=DayKind(entry.get("day_kind", DayKind.DAYS)),
            holiday_rule=HolidayRule(entry.get("holiday_rule", HolidayRule.KEEP)),
            sample=_share(entry.get("sample", 1.0)),
            risks=frozenset(RiskLevel(value) for value in entry.get("risks", list(RiskLevel))),
            trigger=Trigger(entry.get("trigger", Trigger.DISCHARGE)),
            condition=Condition(entry.get("condition", Condition.ALWAYS)),
            after_steps=tuple(map(str, entry.get("after_steps", ()))),
            answer_question=str(entry.get("answer_question", "")),
            answer_values=tuple(map(str, entry.get("answer_values", ()))),
            template=entry.get("template"),
            questionnaires=tuple(sorted(dict(entry.get("questionnaires", {})).items())),
            flagged_too=bool(entry.get("flagged_too", False)),
            goes_on_until_day=_number(entry.get("goes_on_until_day")),
            repeat_weeks=_whole(entry.get("repeat_weeks", 0)),
            repeat_until_day=_whole(entry.get("repeat_until_day", 0)),
            active=bool(entry.get("active", True)),
        )
    except KeyError as error:
        raise PlanInvalid(f"{where}: {error.args[0]} is missing") from None
    except PlanInvalid:
        raise
    except (OverflowError, TypeError, ValueError) as error:
        raise PlanInvalid(f"{where}: {error}") from None


def _eligibility(rules: Mapping[str, Any]) -> Eligibility:
    surgery = rules.get("surgery")
    return Eligibility(
        classes=frozenset(rules["classes"]),
        dispositions=frozenset(rules.get("dispositions", ())),
        excluded_dispositions=frozenset(rules.get("excluded_dispositions", ())),
        departments=frozenset(map(str, rules.get("departments", ()))),
        diagnoses=tuple(plain_code(str(each)) for each in rules.get("diagnoses", ())),
        procedures=tuple(plain_code(str(each)) for each in rules.get("procedures", ())),
        surgery=None if surgery is None else bool(surgery),
        age_from=_number(rules.get("age_from")),
        age_until=_number(rules.get("age_until")),
        risks=frozenset(RiskLevel(value) for value in rules.get("risks", ())),
    )


def read_plan(entry: Mapping[str, Any]) -> Plan:
    """The plan that the data describe, with whatever flaws it has. Raises ``PlanInvalid`` where it cannot be read."""
    try:
        return Plan(
            code=str(entry["code"]),
            name_en=str(entry["name_en"]),
            name_zh=str(entry["name_zh"]),
            scope=PlanScope(entry.get("scope", PlanScope.ENCOUNTER)),
            eligibility=_eligibility(entry["eligibility"]),
            steps=tuple(_step(item) for item in entry["steps"]),
        )
    except KeyError as error:
        raise PlanInvalid(f"{error.args[0]} is missing") from None
    except PlanInvalid:
        raise
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise PlanInvalid(str(error)) from None


def plan_from_mapping(entry: Mapping[str, Any]) -> Plan:
    """The plan that the data describe. Raises ``PlanInvalid``, also for a plan that contradicts itself."""
    plan = read_plan(entry)
    found: list[Flaw] = flaws_in(plan)
    if found:
        raise PlanInvalid(sentence(found[0]))
    return plan


def _step_to_mapping(step: Step) -> dict[str, Any]:
    usual = {field.name: field.default for field in fields(Step)}
    values: dict[str, Any] = {
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
    for name in _LATER_FIELDS:
        value = getattr(step, name)
        if value != usual[name]:
            values[name] = list(value) if isinstance(value, tuple) else value
    return values


def _rules_to_mapping(rules: Eligibility) -> dict[str, Any]:
    values: dict[str, Any] = {
        "classes": sorted(rules.classes),
        "dispositions": sorted(rules.dispositions),
        "excluded_dispositions": sorted(rules.excluded_dispositions),
    }
    for name in _RULES:
        value = getattr(rules, name)
        if isinstance(value, frozenset):
            value = sorted(value)
        if value not in (None, [], ()):
            values[name] = list(value) if isinstance(value, tuple) else value
    return values


def plan_to_mapping(plan: Plan) -> dict[str, Any]:
    """The plan as plain data that ``plan_from_mapping`` reads back to an equal plan."""
    return {
        "code": plan.code,
        "name_en": plan.name_en,
        "name_zh": plan.name_zh,
        "scope": plan.scope.value,
        "eligibility": _rules_to_mapping(plan.eligibility),
        "steps": [_step_to_mapping(step) for step in plan.steps],
    }
