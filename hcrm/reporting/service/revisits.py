"""Revisit figures: read the stays once, decide once, count in as many groupings as needed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from hcrm.reporting.domain.kaplan_meier import Returned, returned_by_day
from hcrm.reporting.domain.measures import MEASURES, Link, Measure, Unit
from hcrm.reporting.domain.reports import (
    REVISIT_GROUPINGS,
    By,
    Rate,
    RevisitReport,
    RevisitRow,
    Selection,
    UnknownMeasure,
)
from hcrm.reporting.domain.revisits import Outcome, RevisitCounts, Stay, count, outcomes
from hcrm.reporting.queries.stays import stays
from hcrm.reporting.service.labels import Labels


@dataclass(frozen=True, slots=True)
class RevisitFigures:
    """The outcomes of one measure in one selection; every number of the measure is counted from them."""

    measure: Measure
    selection: Selection
    outcomes: tuple[Outcome, ...]

    def report(self, session: Session, by: By) -> RevisitReport:
        labels = Labels(session, by)
        groups = count(self.outcomes, self.measure, _KEYS[by]) if by is not By.NONE else {}
        totals = count(self.outcomes, self.measure, _KEYS[By.NONE])
        total = _row(Labels(session, By.NONE), By.NONE.value, totals.get(By.NONE.value, RevisitCounts()))
        rows = tuple(_row(labels, key, groups[key]) for key in labels.ordered(groups))
        return RevisitReport(
            self.measure.code,
            self.measure.link,
            by,
            self.selection.from_on,
            self.selection.to_on,
            rows if by is not By.NONE else (total,),
            total,
        )

    def returned_by_day(self) -> tuple[Returned, ...]:
        """Kaplan–Meier of the time to the revisit, over the indexes of the measure."""
        watched = [
            (outcome.followed_days, outcome.revisit is not None, outcome.index.weight)
            for outcome in self.outcomes
            if outcome.excluded is None
        ]
        last = -(-self.measure.last // 24) if self.measure.unit is Unit.HOURS else self.measure.last
        return returned_by_day(watched, last)


def revisit_figures(
    session: Session,
    *,
    measure: str,
    selection: Selection,
    now: datetime,
    link: Link | None = None,
    grouped: bool = False,
) -> RevisitFigures:
    """Decide for every index of the selection whether the patient came back.

    ``link`` overrides the measure's own rule. ``grouped`` is for counting: indexes that are alike come as one outcome
    with a weight. Raises ``UnknownMeasure``.
    """
    if measure not in MEASURES:
        raise UnknownMeasure(measure)
    definition = MEASURES[measure].linked(link)
    found = outcomes(
        stays(session, selection, definition, grouped=grouped),
        definition,
        from_on=selection.from_on,
        to_on=selection.to_on,
        now=now,
    )
    return RevisitFigures(definition, selection, tuple(each for each in found if _inside(each.index, selection)))


def revisit_report(
    session: Session, *, measure: str, selection: Selection, by: By, now: datetime, link: Link | None = None
) -> RevisitReport:
    """A measure in groups and in total. Raises ``UnknownMeasure``, and ``ValueError`` for a grouping it lacks."""
    if by not in REVISIT_GROUPINGS:
        raise ValueError(by)
    figures = revisit_figures(session, measure=measure, selection=selection, now=now, link=link, grouped=True)
    return figures.report(session, by)


def _inside(stay: Stay, selection: Selection) -> bool:
    if selection.department_id is not None and stay.department_id != selection.department_id:
        return False
    if selection.scope is None:
        return True
    if stay.facility_id not in selection.scope:
        return False
    departments = selection.scope[stay.facility_id]
    return departments is None or stay.department_id in departments


_KEYS: dict[By, Callable[[Stay], Any]] = {
    By.DEPARTMENT: lambda stay: stay.department_id,
    By.FACILITY: lambda stay: stay.facility_id,
    By.MONTH: lambda stay: f"{stay.discharged_on:%Y-%m}",
    By.NONE: lambda _: By.NONE.value,
}


def _row(labels: Labels, key: Any, counts: RevisitCounts) -> RevisitRow:
    return RevisitRow(
        labels.of(key),
        Rate(counts.numerator, counts.denominator),
        dict(sorted(counts.excluded.items())),
        counts.provisional,
        dict(counts.bands),
    )
