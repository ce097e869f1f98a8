"""What a follow-up plan is made of: the discharges it is for, and its steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import time

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

MOST_OCCURRENCES = 120
"""No step is repeated more often."""

SURGERY = "surgery"
"""Entry of a step's questionnaires for stays with an operation."""


class PlanInvalid(ValueError):
    """The data do not describe a plan; the message says where."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a plan.

    Days are counted from the local day of discharge (day 0). The window runs from ``from_time`` on day ``from_day``
    to ``until_time`` on day ``until_day``; ``target_day`` at ``target_time`` is when the step should be done. With
    ``day_kind`` workdays the target and the end are counted in workdays, the beginning always in days.
    ``sample`` is the share of discharges that get it, more than 0 and at most 1.

    ``answer_question`` and ``answer_values`` say what must have been answered in the earlier step (``if_answer``).
    ``goes_on_until_day``: after two attempts in different half-days that reached nobody the window goes on until then.
    ``repeat_weeks`` and ``repeat_until_day`` repeat a step of a plan of the patient: every so many weeks, as long as
    the first day of the window is not later than that day.
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
    answer_question: str = ""
    answer_values: tuple[str, ...] = ()
    template: str | None = None
    questionnaires: tuple[tuple[str, str], ...] = ()
    flagged_too: bool = False
    goes_on_until_day: int | None = None
    repeat_weeks: int = 0
    repeat_until_day: int = 0
    active: bool = True

    def questionnaire_for(self, encounter_class: str, *, surgery: bool = False) -> str | None:
        """The questionnaire asked after a stay: the entry ``surgery`` first, then the class, ``*`` for all others."""
        table = dict(self.questionnaires)
        if surgery and SURGERY in table:
            return table[SURGERY]
        return table.get(encounter_class, table.get("*"))

    def is_answered(self, answers: Mapping[str, object]) -> bool:
        """Whether one of these answers (by question code) is one that the step waits for."""
        given = answers.get(self.answer_question)
        values = given if isinstance(given, tuple) else (given,)
        return any(str(value) in self.answer_values for value in values if value is not None)

    def name_in(self, language: str) -> str:
        """The name for a reader of ``language`` ("en", "zh_Hans")."""
        return self.name_zh if language.startswith("zh") else self.name_en

    @property
    def starts(self) -> Iterator[int]:
        """By how many days each occurrence of the step is later than the first: 0 alone unless it is repeated."""
        every = 7 * self.repeat_weeks
        times = (self.repeat_until_day - self.from_day) // every if every > 0 else 0
        yield from (every * number for number in range(1 + min(max(times, 0), MOST_OCCURRENCES)))


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Which discharges a plan is for; what is left empty narrows nothing.

    ``departments`` are codes of departments, ``diagnoses`` prefixes of ICD-10 codes and ``procedures`` prefixes of
    procedure codes, without dots; one that matches is enough. Ages are full years on the day of discharge, both ends
    belong to it; somebody whose birth date is not known is not meant by a plan with an age.
    """

    classes: frozenset[str]
    dispositions: frozenset[str] = frozenset()
    excluded_dispositions: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[str, ...] = ()
    surgery: bool | None = None
    age_from: int | None = None
    age_until: int | None = None
    risks: frozenset[RiskLevel] = frozenset()

    def admits(self, encounter_class: str, disposition: str | None) -> bool:
        """Whether a discharge of this class and disposition is meant."""
        if encounter_class not in self.classes or disposition in self.excluded_dispositions:
            return False
        return not self.dispositions or disposition in self.dispositions

    @property
    def is_narrow(self) -> bool:
        """Whether more than class and disposition decides."""
        return self != Eligibility(self.classes, self.dispositions, self.excluded_dispositions)


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

    def name_in(self, language: str) -> str:
        """The name for a reader of ``language`` ("en", "zh_Hans")."""
        return self.name_zh if language.startswith("zh") else self.name_en
