"""Compares the figures with a recomputation that shares nothing with them but the definitions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.followup.domain.figures import classify_for_figures
from hcrm.reporting.domain.funnel import ClassifiedCount, funnel
from hcrm.reporting.domain.measures import MEASURES, Link, Measure
from hcrm.reporting.domain.recount import recount
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.domain.revisits import Stay, outcomes
from hcrm.reporting.queries.measures import own_measures
from hcrm.reporting.queries.stays import stays
from hcrm.reporting.queries.tasks import TaskFilter, classified_counts, figure_facts
from hcrm.reporting.service.rollup import wrong_rows


@dataclass(frozen=True, slots=True)
class Checked:
    """One figure that was computed twice: how many records it is made of, and how many of them disagree."""

    figure: str
    records: int
    differences: int


def verify(session: Session, now: datetime) -> list[Checked]:
    """Every revisit measure (shipped or a hospital's own), linked and not, the funnel by month, and all roll-ups.

    Days that have changed since they were added up are not checked: pages count them from the records.
    """
    everything = Selection()
    checked: list[Checked] = []
    for measure in MEASURES.values():
        checked += _measure(session, measure, everything, now)
    for own in own_measures(session, None):
        checked += _measure(session, own.measure, Selection(scope={own.facility_id: None}), now)
    checked.append(_followup(session, everything, now))
    return [*checked, *(Checked(f"days/{name}", rows, wrong) for name, rows, wrong in wrong_rows(session, now))]


def _measure(session: Session, measure: Measure, selection: Selection, now: datetime) -> list[Checked]:
    """A measure, linked and not, over all stays of the persons it is about."""
    records = stays(session, selection, measure)
    return [_revisits(f"{measure.code}/{link}", records, measure.linked(link), now) for link in Link]


def _revisits(name: str, records: list[Stay], measure: Measure, now: datetime) -> Checked:
    expected = recount(records, measure, from_on=None, to_on=None, now=now)
    found = {
        (
            each.index.id,
            each.excluded.value if each.excluded else None,
            each.provisional,
            each.revisit.id if each.revisit else None,
        )
        for each in outcomes(records, measure, from_on=None, to_on=None, now=now)
    }
    return Checked(name, len(expected), len(found ^ expected))


def _followup(session: Session, everything: Selection, now: datetime) -> Checked:
    """Counts by month made in SQL, against each task classified one by one."""
    counted = {
        month: counts
        for (month,), counts in classified_counts(session, everything, TaskFilter(), (By.MONTH,), now).items()
    }
    one_by_one: dict[str, list[ClassifiedCount]] = {}
    records = 0
    for facts in figure_facts(session):
        place = classify_for_figures(facts, now)
        month = f"{facts.due_on:%Y-%m}"
        one_by_one.setdefault(month, []).append(
            ClassifiedCount(
                place.figure_class, 1, place.reason, place.attempted, place.reached, place.completed, place.in_time
            )
        )
        records += 1
    differing = sum(
        funnel(counted.get(month, ())) != funnel(one_by_one.get(month, ())) for month in counted.keys() | one_by_one
    )
    return Checked("followup", records, differing)
