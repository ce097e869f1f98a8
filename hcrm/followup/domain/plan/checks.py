"""What keeps a plan from being published, with the step it is about.

``flaws_in`` looks at the plan alone, ``flaws_against`` at what it names: texts, questionnaires, departments. Both are
pure; which texts and questionnaires there are is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hcrm.followup.domain.plan.parts import MOST_OCCURRENCES, Plan, Step
from hcrm.followup.domain.plan.words import Condition, PerformerRole, PlanScope, StepChannel, Trigger

LATEST_DAY = 3_700
"""Ten years and a little: no step is planned later."""


class FlawKind(StrEnum):
    """What is wrong."""

    NO_STEPS = "no_steps"
    NO_CLASSES = "no_classes"
    NAME_MISSING = "name_missing"
    AGES_CONTRADICT = "ages_contradict"
    DISPOSITIONS_CONTRADICT = "dispositions_contradict"
    NO_CODE = "no_code"
    CODE_TWICE = "code_twice"
    STEP_NAME_MISSING = "step_name_missing"
    TIER = "tier"
    WINDOW_EMPTY = "window_empty"
    TARGET_OUTSIDE = "target_outside"
    TOO_LATE = "too_late"
    GOES_ON_TOO_EARLY = "goes_on_too_early"
    SHARE = "share"
    NO_RISKS = "no_risks"
    WHO_AND_HOW = "who_and_how"
    CONDITION_WITHOUT_STEP = "condition_without_step"
    CONDITION_NEEDS_END = "condition_needs_end"
    STEP_UNKNOWN = "step_unknown"
    STEP_LATER = "step_later"
    WINDOW_BEFORE_CONDITION = "window_before_condition"
    ANSWER_MISSING = "answer_missing"
    NOTHING_TO_SAY = "nothing_to_say"
    REPEAT_SCOPE = "repeat_scope"
    REPEAT_OVERLAPS = "repeat_overlaps"
    REPEAT_TOO_OFTEN = "repeat_too_often"
    DEPARTMENT_UNKNOWN = "department_unknown"
    TEMPLATE_UNKNOWN = "template_unknown"
    TEMPLATE_LANGUAGE = "template_language"
    QUESTIONNAIRE_UNKNOWN = "questionnaire_unknown"
    QUESTIONNAIRE_LANGUAGE = "questionnaire_language"
    QUESTION_UNKNOWN = "question_unknown"
    ANSWER_UNKNOWN = "answer_unknown"


@dataclass(frozen=True, slots=True)
class Flaw:
    """One thing that is wrong: ``step`` is the code of the step (empty: the plan), ``detail`` what it is about."""

    kind: FlawKind
    step: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A questionnaire as plans see it: its languages, and the answers that each question can have (none: any)."""

    languages: frozenset[str]
    questions: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Known:
    """What a hospital has: languages of its texts in force, questionnaires, codes of departments."""

    languages: frozenset[str]
    templates: Mapping[str, frozenset[str]] = field(default_factory=dict)
    questionnaires: Mapping[str, Asked] = field(default_factory=dict)
    departments: frozenset[str] = frozenset()


def sentence(flaw: Flaw) -> str:
    """The flaw for a developer or a log; screens have words of their own."""
    where = f"step {flaw.step}: " if flaw.step else ""
    return f"{where}{flaw.kind.value.replace('_', ' ')}{f' ({flaw.detail})' if flaw.detail else ''}"


def flaws_in(plan: Plan) -> list[Flaw]:
    """What contradicts itself in the plan, in the order of its steps; empty for a plan that can be."""
    return [*_of_plan(plan), *(flaw for step in plan.steps for flaw in _of_step(plan, step))]


def _of_plan(plan: Plan) -> Iterator[Flaw]:
    rules = plan.eligibility
    if not any(step.active for step in plan.steps):
        yield Flaw(FlawKind.NO_STEPS)
    if not rules.classes:
        yield Flaw(FlawKind.NO_CLASSES)
    if not (plan.code and plan.name_en.strip() and plan.name_zh.strip()):
        yield Flaw(FlawKind.NAME_MISSING)
    if (rules.age_from or 0) > (LATEST_DAY if rules.age_until is None else rules.age_until):
        yield Flaw(FlawKind.AGES_CONTRADICT)
    if rules.dispositions and not rules.dispositions - rules.excluded_dispositions:
        yield Flaw(FlawKind.DISPOSITIONS_CONTRADICT)
    codes = [step.code for step in plan.steps]
    yield from (Flaw(FlawKind.CODE_TWICE, code) for code in sorted({each for each in codes if codes.count(each) > 1}))


def _of_step(plan: Plan, step: Step) -> Iterator[Flaw]:
    yield from (Flaw(kind, step.code) for kind, found in _SIMPLE.items() if found(step))
    yield from _of_reference(plan, step)
    if step.repeat_weeks and plan.scope is not PlanScope.PATIENT:
        yield Flaw(FlawKind.REPEAT_SCOPE, step.code)


def _is_window_empty(step: Step) -> bool:
    return step.from_day < 0 or (step.from_day, step.from_time) >= (step.until_day, step.until_time)


def _does_not_fit(step: Step) -> bool:
    """Texts are sent by the system and by nobody else."""
    return (step.channel in (StepChannel.SMS, StepChannel.WEB)) is not (step.performer is PerformerRole.SYSTEM)


def _lacks_step(step: Step) -> bool:
    needs = step.condition is not Condition.ALWAYS or step.trigger is Trigger.STEP_ENDED
    return needs and not step.after_steps


def _needs_end(step: Step) -> bool:
    """Whether somebody completed a step, or what they answered, is known when it ends."""
    waits = step.condition in (Condition.IF_COMPLETED, Condition.IF_ANSWER)
    return waits and step.trigger is not Trigger.STEP_ENDED


def _repeats_into_itself(step: Step) -> bool:
    return step.repeat_weeks < 0 or 0 < 7 * step.repeat_weeks <= step.until_day - step.from_day


_SIMPLE: Mapping[FlawKind, Callable[[Step], bool]] = {
    FlawKind.NO_CODE: lambda step: not step.code,
    FlawKind.STEP_NAME_MISSING: lambda step: not (step.name_en.strip() and step.name_zh.strip()),
    FlawKind.TIER: lambda step: step.tier not in (None, 1, 2, 3),
    FlawKind.WINDOW_EMPTY: _is_window_empty,
    FlawKind.TARGET_OUTSIDE: lambda step: not step.from_day <= step.target_day <= step.until_day,
    FlawKind.TOO_LATE: lambda step: (
        max(step.until_day, step.repeat_until_day, step.goes_on_until_day or 0) > LATEST_DAY
    ),
    FlawKind.GOES_ON_TOO_EARLY: lambda step: (
        step.goes_on_until_day is not None and step.goes_on_until_day <= step.until_day
    ),
    FlawKind.SHARE: lambda step: not 0.0 < step.sample <= 1.0,
    FlawKind.NO_RISKS: lambda step: not step.risks,
    FlawKind.WHO_AND_HOW: _does_not_fit,
    FlawKind.CONDITION_WITHOUT_STEP: _lacks_step,
    FlawKind.CONDITION_NEEDS_END: _needs_end,
    FlawKind.ANSWER_MISSING: lambda step: (
        step.condition is Condition.IF_ANSWER and not (step.answer_question and step.answer_values)
    ),
    FlawKind.NOTHING_TO_SAY: lambda step: not step.template and not step.questionnaires,
    FlawKind.REPEAT_OVERLAPS: _repeats_into_itself,
    FlawKind.REPEAT_TOO_OFTEN: lambda step: (
        step.repeat_weeks > 0 and step.repeat_until_day - step.from_day > MOST_OCCURRENCES * 7 * step.repeat_weeks
    ),
}


def _of_reference(plan: Plan, step: Step) -> Iterator[Flaw]:
    """An earlier step is one that stands before in the plan and begins no later than this one may still be done."""
    position = {each.code: place for place, each in enumerate(plan.steps)}
    for code in step.after_steps:
        if code not in position:
            yield Flaw(FlawKind.STEP_UNKNOWN, step.code, code)
        elif position[code] >= position[step.code]:
            yield Flaw(FlawKind.STEP_LATER, step.code, code)
        elif step.trigger is Trigger.DISCHARGE and plan.steps[position[code]].from_day > step.until_day:
            yield Flaw(FlawKind.WINDOW_BEFORE_CONDITION, step.code, code)


def flaws_against(plan: Plan, known: Known) -> list[Flaw]:
    """What the plan names and the hospital does not have, or not in each of its languages."""
    unknown = sorted(plan.eligibility.departments - known.departments)
    found = [Flaw(FlawKind.DEPARTMENT_UNKNOWN, detail=code) for code in unknown]
    for step in plan.steps:
        if step.active:
            found += [*_of_template(step, known), *_of_questionnaires(step, known), *_of_answer(plan, step, known)]
    return found


def _of_template(step: Step, known: Known) -> Iterator[Flaw]:
    if not step.template:
        return
    languages = known.templates.get(step.template)
    if languages is None:
        yield Flaw(FlawKind.TEMPLATE_UNKNOWN, step.code, step.template)
    elif known.languages - languages:
        yield Flaw(FlawKind.TEMPLATE_LANGUAGE, step.code, ", ".join(sorted(known.languages - languages)))


def _of_questionnaires(step: Step, known: Known) -> Iterator[Flaw]:
    for code in sorted({code for _, code in step.questionnaires}):
        asked = known.questionnaires.get(code)
        if asked is None:
            yield Flaw(FlawKind.QUESTIONNAIRE_UNKNOWN, step.code, code)
        elif known.languages - asked.languages:
            yield Flaw(FlawKind.QUESTIONNAIRE_LANGUAGE, step.code, code)


def _of_answer(plan: Plan, step: Step, known: Known) -> Iterator[Flaw]:
    """The question stands in a questionnaire of the earlier steps and can be answered so."""
    if step.condition is not Condition.IF_ANSWER or not step.answer_question:
        return
    earlier = [each for each in plan.steps if each.code in step.after_steps]
    asked = [known.questionnaires[code] for each in earlier for _, code in each.questionnaires if code in
             known.questionnaires]  # fmt: skip
    possible = [each.questions[step.answer_question] for each in asked if step.answer_question in each.questions]
    if not possible:
        yield Flaw(FlawKind.QUESTION_UNKNOWN, step.code, step.answer_question)
        return
    if all(possible):
        unknown = sorted(set(step.answer_values) - frozenset[str]().union(*possible))
        yield from (Flaw(FlawKind.ANSWER_UNKNOWN, step.code, value) for value in unknown)
