"""Sentences of the plan editor: when and by whom a step is done, whom a plan is for, what differs, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import time
from enum import StrEnum
from typing import Any

from hcrm.followup.domain.plan import (
    Change,
    ChangeKind,
    Condition,
    DayKind,
    Eligibility,
    Flaw,
    Plan,
    RiskLevel,
    Step,
    Trigger,
)
from hcrm.followup.forms.labels import RISKS
from hcrm.followup.forms.plan_labels import (
    CHANNELS,
    CONDITIONS,
    DAY_KINDS,
    FIELDS,
    FLAWS,
    HOLIDAY_RULES,
    PERFORMERS,
    QUESTIONNAIRES,
    SCOPES,
    TRIGGERS,
)
from hcrm.followup.forms.words.lists import inside
from hcrm.patients.forms.labels import CLASSES, DISPOSITIONS
from hcrm.web import gettext as _
from hcrm.web import language

_VALUES: Mapping[str, Mapping[Any, str]] = {
    "channel": CHANNELS,
    "performer": PERFORMERS,
    "scope": SCOPES,
    "condition": CONDITIONS,
    "trigger": TRIGGERS,
    "day_kind": DAY_KINDS,
    "holiday_rule": HOLIDAY_RULES,
    "classes": {each.value: label for each, label in CLASSES.items()},
    "dispositions": {each.value: label for each, label in DISPOSITIONS.items()},
    "excluded_dispositions": {each.value: label for each, label in DISPOSITIONS.items()},
    "risks": RISKS,
}


def step_words(step: Step) -> str:
    """Who does a step and when, in one line."""
    parts = [str(PERFORMERS[step.performer]), _when(step)]
    if step.sample != 1.0:
        parts.append(_("%(share)s %% of patients", share=f"{100 * step.sample:g}"))
    if step.risks != frozenset(RiskLevel):
        parts.append(_(" or ").join(inside(str(RISKS[each])) for each in RiskLevel if each in step.risks))
    if step.condition is not Condition.ALWAYS:
        parts.append(inside(str(CONDITIONS[step.condition])))
    if step.repeat_weeks:
        parts.append(_("every %(weeks)s weeks until day %(day)s", weeks=step.repeat_weeks, day=step.repeat_until_day))
    if step.goes_on_until_day is not None:
        parts.append(_("goes on to day %(day)s if nobody is reached", day=step.goes_on_until_day))
    if not step.active:
        parts.append(_("not in use"))
    return _(", ").join(parts)


def _when(step: Step) -> str:
    if step.trigger is Trigger.APPOINTMENT:
        return _("counted from the booked visit")
    if step.trigger is Trigger.VISIT_MISSED:
        return _("%(first)s to %(last)s days after a missed visit", first=step.from_day, last=step.until_day)
    if step.trigger is Trigger.STEP_ENDED:
        return _("%(first)s to %(last)s days after an earlier step", first=step.from_day, last=step.until_day)
    if step.day_kind is DayKind.WORKDAYS:
        return _("within %(last)s business days", last=step.until_day)
    if step.from_day == step.until_day:
        return _("day %(day)s at %(time)s", day=step.from_day, time=f"{step.target_time:%H:%M}")
    return _("days %(first)s to %(last)s, best %(target)s", first=step.from_day, last=step.until_day,
             target=step.target_day)  # fmt: skip


def rules_words(rules: Eligibility, departments: Mapping[str, str]) -> list[str]:
    """Whom a plan is for, one rule in each line; ``departments`` are names by code."""
    return list(_rules(rules, departments))


def _rules(rules: Eligibility, departments: Mapping[str, str]) -> Iterator[str]:
    yield from _of_stay(rules, departments)
    if rules.surgery is not None:
        yield _("Only after an operation") if rules.surgery else _("Only without an operation")
    if rules.age_from is not None or rules.age_until is not None:
        yield _("Age: %(first)s to %(last)s", first=rules.age_from or 0, last=rules.age_until or _("any"))
    if rules.risks:
        yield _("Risk: %(names)s", names=_listed("risks", rules.risks))


def _of_stay(rules: Eligibility, departments: Mapping[str, str]) -> Iterator[str]:
    yield _("Kinds of stay: %(names)s", names=_listed("classes", rules.classes))
    if rules.dispositions:
        yield _("The patient %(ends)s", ends=_or("dispositions", rules.dispositions))
    if rules.excluded_dispositions:
        yield _("Not if the patient %(ends)s", ends=_or("dispositions", rules.excluded_dispositions))
    if rules.departments:
        names = sorted(departments.get(code, code) for code in rules.departments)
        yield _("Departments: %(names)s", names=_(", ").join(names))
    if rules.diagnoses:
        yield _("A diagnosis that begins with %(codes)s", codes=_(", ").join(rules.diagnoses))
    if rules.procedures:
        yield _("A procedure that begins with %(codes)s", codes=_(", ").join(rules.procedures))


def _listed(field: str, values: frozenset[Any]) -> str:
    return _(", ").join(str(label) for value, label in _VALUES[field].items() if value in values)


def _or(field: str, values: frozenset[Any]) -> str:
    return _(" or ").join(str(label) for value, label in _VALUES[field].items() if value in values)


def change_words(change: Change) -> str:
    """One difference between two versions as a sentence."""
    if change.kind is ChangeKind.CHANGED:
        values = {"before": _shown(change.field, change.before), "after": _shown(change.field, change.after)}
        return _("%(field)s: %(before)s → %(after)s", field=FIELDS.get(change.field, change.field), **values)
    return {
        ChangeKind.ADDED: _("The step is new."),
        ChangeKind.REMOVED: _("The step is gone."),
        ChangeKind.MOVED: _("The step has another place in the plan."),
    }[change.kind]


def changes_by_step(changes: list[Change], before: Plan, after: Plan) -> list[tuple[str, list[str]]]:
    """The differences with their heading: the plan, then each step by its name."""
    grouped: dict[str, list[str]] = {}
    for change in changes:
        heading = _("The plan") if not change.step else step_name(change.step, after, before)
        grouped.setdefault(heading, []).append(change_words(change))
    return list(grouped.items())


def step_name(code: str, *plans: Plan) -> str:
    """The name of a step in the language of the page, from the first plan that has it."""
    found = next((step for plan in plans for step in plan.steps if step.code == code), None)
    return code if found is None else found.name_in(language()) or code


def flaw_words(flaw: Flaw, plan: Plan) -> str:
    """What is wrong, with the name of the step."""
    said = str(FLAWS[flaw.kind])
    detail = flaw.detail
    if detail in {step.code for step in plan.steps}:
        detail = step_name(detail, plan)
    if said.endswith((":", "：")):
        said = _("%(sentence)s %(detail)s", sentence=said, detail=detail)
    if not flaw.step:
        return said
    return _("Step “%(step)s”: %(problem)s", step=step_name(flaw.step, plan), problem=said)


def _shown(field: str, value: Any) -> str:
    """A value as people read it."""
    if field == "sample":
        return f"{100 * float(value):g} %"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if value is None or value in ((), "", frozenset()):
        return _("nothing")
    return _several(field, value) if isinstance(value, (tuple, frozenset)) else _single(field, value)


def _single(field: str, value: Any) -> str:
    labels = _VALUES.get(field, {})
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, StrEnum) or value in labels:
        return str(labels.get(value, value))
    return str(value)


def _several(field: str, values: Any) -> str:
    if field == "questionnaires":
        return _(", ").join(str(QUESTIONNAIRES.get(code, code)) for _entry, code in values)
    return _(", ").join(_single(field, each) for each in sorted(values))
