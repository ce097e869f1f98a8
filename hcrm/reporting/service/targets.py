"""Targets: set, and judged by the process limits of the months before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.reporting.domain.funnel import funnel
from hcrm.reporting.domain.reports import By, Rate, Selection
from hcrm.reporting.domain.revisits import count
from hcrm.reporting.domain.spc import Count, capability, p_chart
from hcrm.reporting.domain.targets import Judged, Targeted, target_for
from hcrm.reporting.models import MarkKind, Target
from hcrm.reporting.queries.marks import changed
from hcrm.reporting.queries.meeting import targets
from hcrm.reporting.queries.rolled import classified_counts
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.kept import Arguments, Figure, result
from hcrm.reporting.service.revisits import counted_figures
from hcrm.reporting.service.satisfaction import satisfaction_report

MONTHS = 24
"""So many months a target is judged by."""

OLD = timedelta(days=40)
"""Months that ended this long ago depend on the clock no more: every window of theirs is over."""

_CALLS = TaskFilter(human=True, tier=1, without_recall=True)


def set_target(
    session: Session,
    *,
    facility_id: int,
    department_id: int | None,
    figure: Targeted,
    share: float | None,
    now: datetime,
    actor_user_id: int,
) -> None:
    """Set a target, or with None take it away."""
    here = (Target.facility_id == facility_id, Target.department_id == department_id, Target.figure == figure.value)
    session.execute(delete(Target).where(*here))
    if share is not None:
        session.add(
            Target(
                facility_id=facility_id,
                department_id=department_id,
                figure=figure.value,
                share=share,
                set_by=actor_user_id,
                set_at=now,
            )
        )
        session.flush()
    record(
        session,
        now=now,
        action="figures.target_set",
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="target",
        object_id=department_id,
        details={"figure": figure.value},
    )


def judged(
    session: Session, *, facility_id: int, selection: Selection, departments: Iterable[int], now: datetime
) -> list[Judged]:
    """Every target of the hospital and of these departments, with what the figure did."""
    known = targets(session, facility_id)
    found = []
    for figure in Targeted:
        for department_id in (None, *departments):
            share, own = target_for(known, figure, department_id)
            if share is None or (department_id is not None and not own):
                continue
            place = Selection(selection.from_on, selection.to_on, selection.scope, department_id)
            found.append(_judged(session, figure, place, share, now, own=own))
    return found


def _judged(session: Session, figure: Targeted, place: Selection, share: float, now: datetime, *, own: bool) -> Judged:
    assert place.to_on is not None
    first = (place.to_on.replace(day=1) - timedelta(days=30 * (MONTHS - 1))).replace(day=1)
    months = Selection(first, place.to_on, place.scope, place.department_id)
    chart = p_chart([each for _month, each in by_month(session, figure, months, now)])
    rate = rate_of(session, figure, place, now)
    able = capability(chart, share, higher_is_better=figure.higher_is_better)
    return Judged(figure, place.department_id, share, own, rate, chart, able)


def rate_of(session: Session, figure: Targeted, selection: Selection, now: datetime) -> Rate:
    """A figure in one place and period, by the function that every page uses."""
    if figure is Targeted.FOLLOWUP_IN_TIME:
        counted = classified_counts(session, changed(session), selection, _CALLS, (By.NONE,), now)
        tasks = funnel(each for counts in counted.values() for each in counts)
        return Rate(tasks.completed_in_time, tasks.due)
    if figure is Targeted.READMIT_30D:
        found = counted_figures(session, measure=figure.value, selection=selection, now=now)
        return found.report(session, By.NONE).total.rate
    total = satisfaction_report(session, selection=selection, by=By.NONE, with_index=False).total
    return Rate(total.positive or 0, total.n)


def by_month(session: Session, figure: Targeted, selection: Selection, now: datetime) -> list[tuple[str, Count]]:
    """A figure month by month; months that can still change are provisional. What long ago came to is kept."""
    cut = (min(selection.to_on or now.date(), now.date()) - OLD).replace(day=1)
    if selection.from_on is None or cut <= selection.from_on:
        return _by_month(session, figure, selection, now)
    old = Selection(selection.from_on, cut - timedelta(days=1), selection.scope, selection.department_id)
    new = Selection(cut, selection.to_on, selection.scope, selection.department_id)
    kept = result(session, MONTHS_OF[figure], old, now)
    return [(month, Count(*each)) for month, *each in kept] + _by_month(session, figure, new, now)


def _months_of(figure: Targeted, kind: MarkKind) -> Figure:
    """The months of a figure as a result that is kept: month, numerator, denominator, provisional."""

    def work_out(session: Session, selection: Selection, _arguments: Arguments, now: datetime) -> Any:
        return [[month, *astuple(each)] for month, each in _by_month(session, figure, selection, now)]

    return Figure(f"months_{figure.value}", (kind,), work_out)


MONTHS_OF = {
    Targeted.FOLLOWUP_IN_TIME: _months_of(Targeted.FOLLOWUP_IN_TIME, MarkKind.TASK),
    Targeted.READMIT_30D: _months_of(Targeted.READMIT_30D, MarkKind.STAY),
    Targeted.SATISFIED: _months_of(Targeted.SATISFIED, MarkKind.ANSWER),
}


def _by_month(session: Session, figure: Targeted, selection: Selection, now: datetime) -> list[tuple[str, Count]]:
    if figure is Targeted.FOLLOWUP_IN_TIME:
        counted = classified_counts(session, changed(session), selection, _CALLS, (By.MONTH,), now)
        tasks = {month: funnel(counts) for (month,), counts in counted.items()}
        return [
            (month, Count(tasks[month].completed_in_time, tasks[month].due, tasks[month].provisional))
            for month in sorted(tasks)
        ]
    if figure is Targeted.READMIT_30D:
        figures = counted_figures(session, measure=figure.value, selection=selection, now=now)
        counts = count(figures.outcomes, figures.measure, lambda stay: f"{stay.discharged_on:%Y-%m}")
        return [
            (month, Count(counts[month].numerator, counts[month].denominator, counts[month].provisional > 0))
            for month in sorted(counts)
        ]
    rows = satisfaction_report(session, selection=selection, by=By.MONTH, with_index=False).rows
    return [(row.label.name, Count(row.positive, row.n)) for row in rows if row.positive is not None]
