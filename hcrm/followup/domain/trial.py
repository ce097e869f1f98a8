"""What plans would ask of people in a month of known discharges: calls, hours, visits, texts and what these cost.

Everything here is pure. Stays that are alike (plan, day of discharge, risk, language, service area) are planned once
and counted. A sampled step counts its share of them, so that two versions differ by what they say and not by who
happens to be drawn. What happened is not replayed: how many calls an attempt needs and how many people answer are
assumptions, which the page shows and lets one change. Steps that begin with a booked visit are left out, for the
bookings of other plans are not known.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from hcrm.followup.domain.eligibility import PublishedPlan, StayFacts, choose_plan
from hcrm.followup.domain.expansion import PlannedTask, is_drawn_by_area, plan_occurrences, plan_step
from hcrm.followup.domain.plan import Condition, PerformerRole, PlanScope, RiskLevel, Step, StepChannel, Trigger
from hcrm.organization.domain import Calendar


class Team(StrEnum):
    """Who does the work of a step."""

    WARD = "ward"
    SERVICE_CENTRE = "service_centre"
    OUTREACH = "outreach"
    PROGRAM = "program"


TEAMS: Mapping[PerformerRole, Team] = {
    PerformerRole.PHYSICIAN: Team.WARD,
    PerformerRole.NURSE: Team.WARD,
    PerformerRole.SERVICE_AGENT: Team.SERVICE_CENTRE,
    PerformerRole.OUTREACH_WORKER: Team.OUTREACH,
    PerformerRole.SYSTEM: Team.PROGRAM,
}


@dataclass(frozen=True, slots=True)
class TriedStay:
    """One discharge of the month; ``language`` is the patient's, ``person_id`` has the plan of the patient.

    ``in_area``: the patient lives where the teams for home visits go.
    """

    person_id: int
    facts: StayFacts
    language: str
    in_area: bool = True


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What a try-out cannot know. Shares lie between 0 and 1; ``ward_hours`` has a day for calls, 0 if not said."""

    minutes_per_attempt: float = 4.5
    minutes_per_visit: float = 60.0
    attempts_per_call: float = 1.4
    reached: float = 0.8
    answered: float = 0.3
    matched: float = 0.1
    price_per_text: float = 0.05
    ward_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Work:
    """An amount of work. ``texts`` are segments as they are paid for; ``hours`` are those of people."""

    calls: float = 0.0
    visits: float = 0.0
    texts: float = 0.0
    hours: float = 0.0
    cost: float = 0.0

    def __add__(self, other: Work) -> Work:
        return Work(
            self.calls + other.calls,
            self.visits + other.visits,
            self.texts + other.texts,
            self.hours + other.hours,
            self.cost + other.cost,
        )

    def times(self, factor: float) -> Work:
        """So many times this work."""
        return Work(*(factor * each for each in (self.calls, self.visits, self.texts, self.hours, self.cost)))


NOTHING = Work()


@dataclass(frozen=True, slots=True)
class Trial:
    """What the plans would ask for. ``enrolled`` counts stays by the code of their plan of the stay."""

    discharges: int
    enrolled: Mapping[str, int]
    by_day: Mapping[date, Work]
    by_team: Mapping[Team, Work]
    ward_calls: Mapping[date, float]
    by_step: Mapping[tuple[str, str], Work]

    @property
    def total(self) -> Work:
        return sum(self.by_day.values(), NOTHING)

    @property
    def enrolled_total(self) -> int:
        return sum(self.enrolled.values())

    @property
    def busiest(self) -> tuple[date, Work] | None:
        """The day with the most hours of people, the first of several."""
        if not self.by_day:
            return None
        day = min(self.by_day, key=lambda each: (-self.by_day[each].hours, each))
        return day, self.by_day[day]

    def ward_calls_by_weekday(self, first: date, last: date) -> list[float]:
        """Calls of the wards on an average Monday … Sunday of the days from ``first`` to ``last``."""
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        found = []
        for weekday in range(7):
            own = [self.ward_calls.get(day, 0.0) for day in days if day.weekday() == weekday]
            found.append(sum(own) / len(own) if own else 0.0)
        return found


class _Alike(NamedTuple):
    """What stays have in common that are planned the same way."""

    plan: int
    discharged_on: date
    risk: RiskLevel
    language: str
    in_area: bool


Segments = Mapping[tuple[str, str], int]
"""How many text messages a text is, by its code (of the template, or of the questionnaire) and language."""


@dataclass(slots=True)
class _Tally:
    by_day: dict[date, Work] = field(default_factory=lambda: defaultdict(Work))
    by_team: dict[Team, Work] = field(default_factory=lambda: defaultdict(Work))
    by_step: dict[tuple[str, str], Work] = field(default_factory=lambda: defaultdict(Work))
    ward_calls: dict[date, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, day: date, work: Work, plan: str, step: Step) -> None:
        team = TEAMS[step.performer]
        self.by_day[day] += work
        self.by_team[team] += work
        self.by_step[plan, step.code] += work
        if team is Team.WARD:
            self.ward_calls[day] += work.calls


def try_plans(
    plans: Sequence[PublishedPlan],
    stays: Sequence[TriedStay],
    calendar: Calendar,
    zone: ZoneInfo,
    assumptions: Assumptions,
    segments: Segments,
) -> Trial:
    """What these plans would ask for after these discharges, day by day; days are those of the hospital."""
    alike: Counter[_Alike] = Counter()
    enrolled: Counter[str] = Counter()
    begun: set[tuple[int, int]] = set()
    for stay in stays:
        for number in _chosen(plans, stay, begun):
            if plans[number].plan.scope is PlanScope.ENCOUNTER:
                enrolled[plans[number].plan.code] += 1
            day = stay.facts.discharged_on or date.min
            alike[_Alike(number, day, stay.facts.risk, stay.language, stay.in_area)] += 1
    tally = _Tally()
    reckoning = _Reckoning(calendar, zone, assumptions, segments, tally)
    for key, stays_alike in alike.items():
        reckoning.count(plans[key.plan], key, stays_alike)
    return Trial(
        discharges=len(stays),
        enrolled=dict(enrolled),
        by_day=dict(sorted(tally.by_day.items())),
        by_team=dict(tally.by_team),
        ward_calls=dict(tally.ward_calls),
        by_step=dict(tally.by_step),
    )


def _chosen(plans: Sequence[PublishedPlan], stay: TriedStay, begun: set[tuple[int, int]]) -> Iterator[int]:
    """The plan of the stay, and that of the patient unless this person has it since an earlier discharge."""
    numbers = {each.plan_id: number for number, each in enumerate(plans)}
    for scope in PlanScope:
        found = choose_plan(plans, stay.facts, scope)
        if found is None:
            continue
        if scope is PlanScope.PATIENT:
            if (stay.person_id, found.plan_id) in begun:
                continue
            begun.add((stay.person_id, found.plan_id))
        yield numbers[found.plan_id]


@dataclass(frozen=True, slots=True)
class _Reckoning:
    """Turns stays that are alike into dated work."""

    calendar: Calendar
    zone: ZoneInfo
    assumptions: Assumptions
    segments: Segments
    tally: _Tally

    def count(self, published: PublishedPlan, key: _Alike, stays: int) -> None:
        """The work of one plan for these stays, step by step in the order of the plan."""
        dated: dict[str, dict[date, float]] = {}
        for step in published.plan.steps:
            if not step.active or key.risk not in step.risks:
                continue
            days = self._days(step, published, key, stays, dated)
            dated[step.code] = days
            for day, weight in days.items():
                for done_on, work in self._work(step, key.language, day):
                    self.tally.add(done_on, work.times(weight), published.plan.code, step)

    def _days(
        self,
        step: Step,
        published: PublishedPlan,
        key: _Alike,
        stays: int,
        dated: Mapping[str, Mapping[date, float]],
    ) -> dict[date, float]:
        """On which days a step is to be done, and how often."""
        if step.trigger in (Trigger.APPOINTMENT, Trigger.VISIT_MISSED):
            return {}
        if is_drawn_by_area(step) and not key.in_area:
            return {}
        share = self._share(step, published) * step.sample
        if step.trigger is Trigger.STEP_ENDED:
            return self._after_others(step, dated, share)
        found = plan_occurrences(step, key.discharged_on, self.calendar, self.zone)
        return {self._day(each): stays * share for each in found}

    def _after_others(self, step: Step, dated: Mapping[str, Mapping[date, float]], share: float) -> dict[date, float]:
        days: dict[date, float] = defaultdict(float)
        for code in step.after_steps:
            for day, weight in dated.get(code, {}).items():
                days[self._day(plan_step(step, day, self.calendar, self.zone))] += weight * share
        return days

    def _day(self, planned: PlannedTask) -> date:
        return planned.target_at.astimezone(self.zone).date()

    def _share(self, step: Step, published: PublishedPlan) -> float:
        """How many of those who have come so far meet the condition."""
        if step.condition is Condition.ALWAYS:
            return 1.0
        earlier = next((each for each in published.plan.steps if each.code in step.after_steps), None)
        by_people = earlier is not None and earlier.channel in (StepChannel.PHONE, StepChannel.HOME_VISIT)
        completed = self.assumptions.reached if by_people else self.assumptions.answered
        return {
            Condition.IF_COMPLETED: completed,
            Condition.IF_NOT_COMPLETED: 1.0 - completed,
            Condition.IF_ANSWER: completed * self.assumptions.matched,
        }[step.condition]

    def _work(self, step: Step, language: str, day: date) -> Iterable[tuple[date, Work]]:
        """What one patient's step asks for, and on which days: calls that reached nobody are repeated on the next
        workday.
        """
        told = self.assumptions
        if step.channel is StepChannel.HOME_VISIT:
            return ((day, Work(visits=1.0, hours=told.minutes_per_visit / 60)),)
        if step.channel is StepChannel.PHONE:
            once = Work(calls=1.0, hours=told.minutes_per_attempt / 60)
            again = self.calendar.next_workday(day + timedelta(days=1))
            return ((day, once), (again, once.times(max(0.0, told.attempts_per_call - 1.0))))
        texts = float(self.segments.get((step.template or step.questionnaire_for("*") or "", language), 1))
        return ((day, Work(texts=texts, cost=texts * told.price_per_text)),)
