"""The figures whose results are kept (``kept.py``), each with how it is worked out from the records and read back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hcrm.reporting.domain.case_mix import Case, fit
from hcrm.reporting.domain.drivers import LEAST_PAIRS, correlation
from hcrm.reporting.domain.groups import years_old
from hcrm.reporting.domain.measures import Measure, Unit
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.domain.revisits import Outcome, RevisitCounts
from hcrm.reporting.models import MarkKind
from hcrm.reporting.queries.answers import responses_with_answers
from hcrm.reporting.queries.attempts import tries_by_hour, tries_of_tasks
from hcrm.reporting.queries.indexes import known
from hcrm.reporting.service.followup import WEEKS
from hcrm.reporting.service.kept import Arguments, Figure
from hcrm.reporting.service.revisits import revisit_figures
from hcrm.reporting.service.satisfaction import INDEXES, OVERALL, SCORED_KINDS
from hcrm.reporting.service.targets import MONTHS_OF
from hcrm.survey.queries import questionnaire as published_questionnaire


def _tries(session: Session, selection: Selection, _arguments: Arguments, _now: datetime) -> Any:
    """Tries by hour, the number of the try by which tasks were reached, and how many had a first, second … try."""
    hours = [list(astuple(hour)) for hour in tries_by_hour(session, selection)]
    reached_at, made = tries_of_tasks(session, selection)
    return {"hours": hours, "reached": sorted(Counter(reached_at).items()), "made": sorted(made.items())}


TRIES = Figure("tries", (MarkKind.TRY,), _tries)


def _returns(session: Session, selection: Selection, arguments: Arguments, now: datetime) -> Any:
    """A measure in groups and in total, how long indexes were watched, and what the case mix lets expect."""
    by = By(arguments["by"])
    figures = revisit_figures(session, measure=arguments["measure"], selection=selection, now=now)
    groups, total = figures.counts(session, by)
    indexes = [outcome for outcome in figures.outcomes if outcome.excluded is None]
    watched = Counter((each.followed_days, each.revisit is not None) for each in indexes)
    cases = _cases(session, indexes)
    return {
        "groups": [[key, _counts_as_json(counts)] for key, counts in groups.items()],
        "total": _counts_as_json(total),
        "watched": [[days, back, number] for (days, back), number in sorted(watched.items())],
        "modelled": len(cases),
        "expected": _expected(indexes, cases),
    }


RETURNS = Figure("returns", (MarkKind.STAY,), _returns)
RETURNS_BY_OUTCOME = Figure("returns_by_outcome", (MarkKind.STAY, MarkKind.TASK), _returns, after=timedelta(days=62))
"""What the follow-up came to stands in tasks; their windows end within two months."""


def settled(measure: Measure, to_on: date | None, today: date) -> bool:
    """Whether nothing about indexes up to a day depends on the clock any more."""
    days = -(-measure.last // 24) if measure.unit is Unit.HOURS else measure.last
    return to_on is not None and (today - to_on).days > days + 1


@dataclass(frozen=True, slots=True)
class Counted:
    """What is kept of a measure: counts by group and in total, and the other halves of the page."""

    groups: Mapping[Any, RevisitCounts]
    total: RevisitCounts
    watched: tuple[tuple[int, bool, int], ...]
    modelled: int
    expected: Mapping[Any, tuple[int, int, float]] | None

    @classmethod
    def read(cls, found: Any) -> Counted:
        expected = found["expected"]
        return cls(
            {key: _counts(counts) for key, counts in found["groups"]},
            _counts(found["total"]),
            tuple((days, back, number) for days, back, number in found["watched"]),
            found["modelled"],
            None if expected is None else {key: (some, back, more) for key, some, back, more in expected},
        )


def _counts_as_json(counts: RevisitCounts) -> list[Any]:
    return [counts.numerator, counts.denominator, counts.provisional, counts.excluded, counts.bands]


def _counts(found: list[Any]) -> RevisitCounts:
    return RevisitCounts(*found)


def _cases(session: Session, indexes: list[Outcome]) -> dict[int, Case]:
    """The indexes that the model can use, by their place in the list."""
    found = known(session, (outcome.index.id for outcome in indexes))
    cases = {}
    for at, outcome in enumerate(indexes):
        facts, day = found.get(outcome.index.id), outcome.index.discharged_on
        if facts is None or facts.born_on is None or facts.lace is None or day is None:
            continue
        if facts.sex.value not in {"male", "female"} or facts.born_on > day:
            continue
        age = years_old(facts.born_on, day)
        cases[at] = Case(age, facts.sex.value == "male", facts.lace, outcome.revisit is not None)
    return cases


def _expected(indexes: list[Outcome], cases: Mapping[int, Case]) -> list[list[Any]] | None:
    """For each department the cases, those who came back, and how many the model expects; None without a model."""
    model = fit(list(cases.values()))
    if model is None:
        return None
    groups: dict[Any, list[Case]] = defaultdict(list)
    for at, case in cases.items():
        groups[indexes[at].index.department_id].append(case)
    return [
        [key, len(here), sum(case.returned for case in here), sum(model.expected(case) for case in here)]
        for key, here in groups.items()
    ]


def _drivers(session: Session, selection: Selection, arguments: Arguments, _now: datetime) -> Any:
    """Each scored question with how it moves with the overall score, None with too few answers."""
    form = published_questionnaire(session, arguments["questionnaire"])
    answers = [each for _key, each in responses_with_answers(session, selection, form.code, By.NONE)]
    found = []
    for question in form.questions:
        if question.kind not in SCORED_KINDS or question.code == OVERALL:
            continue
        pairs = [
            (float(one), float(whole))
            for each in answers
            if isinstance(one := each.get(question.code), int) and isinstance(whole := each.get(OVERALL), int)
        ]
        moved = correlation(pairs) if len(pairs) >= LEAST_PAIRS else None
        found.append([question.code, None if moved is None else list(astuple(moved))])
    return found


DRIVERS = Figure("drivers", (MarkKind.ANSWER,), _drivers)


KEPT: Mapping[str, Figure] = {
    figure.name: figure for figure in (TRIES, RETURNS, RETURNS_BY_OUTCOME, DRIVERS, INDEXES, WEEKS, *MONTHS_OF.values())
}
"""What the worker works out again while people look at it."""
