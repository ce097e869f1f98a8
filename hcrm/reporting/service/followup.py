"""Follow-up figures: classified tasks summed up by the funnel, and the weeks of the control chart."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hcrm.reporting.domain.funnel import funnel
from hcrm.reporting.domain.reports import (
    FOLLOWUP_GROUPINGS,
    PERSONAL_GROUPINGS,
    TOTAL,
    By,
    FollowupReport,
    FollowupRow,
    Selection,
)
from hcrm.reporting.domain.spc import Count
from hcrm.reporting.queries.marks import Changed, changed
from hcrm.reporting.queries.rolled import classified_counts, live_discharges
from hcrm.reporting.queries.rolled import weekly_counts as weekly_task_counts
from hcrm.reporting.queries.tasks import Discharges, TaskFilter
from hcrm.reporting.service.labels import Labels

DISCHARGE_GROUPINGS = (By.DEPARTMENT, By.CLINICIAN, By.MONTH)
"""Groupings that live discharges have too."""


def followup_report(
    session: Session, *, selection: Selection, by: By, now: datetime, only: TaskFilter | None = None
) -> FollowupReport:
    """The funnel in groups and in total. Raises ``ValueError`` for a grouping it lacks."""
    if by not in FOLLOWUP_GROUPINGS:
        raise ValueError(by)
    only = only or TaskFilter()
    labels, changes = Labels(session, by), changed(session)
    groups = {key: each for (key,), each in classified_counts(session, changes, selection, only, (by,), now).items()}
    discharges: dict[Any, Discharges] = {}
    if by in DISCHARGE_GROUPINGS:
        discharges = live_discharges(session, changes, selection, by)
    everyone = live_discharges(session, changes, selection, By.NONE)
    total = FollowupRow(
        TOTAL,
        funnel(each for counts in groups.values() for each in counts),
        sum(each.discharged for each in everyone.values()),
        sum(each.followed_up for each in everyone.values()),
    )
    rows = []
    for key in labels.ordered({**groups, **discharges}):
        here = discharges.get(key, Discharges(0, 0)) if by in DISCHARGE_GROUPINGS else None
        rows.append(
            FollowupRow(
                labels.of(key),
                funnel(groups.get(key, ())),
                here.discharged if here else None,
                here.followed_up if here else None,
                of_person=by in PERSONAL_GROUPINGS,
            )
        )
    return FollowupReport(
        by,
        only.basis,
        selection.from_on,
        selection.to_on,
        (total,) if by is By.NONE else tuple(rows),
        total,
    )


def weekly_counts(
    session: Session,
    *,
    selection: Selection,
    weeks: int,
    now: datetime,
    only: TaskFilter | None = None,
    changes: Changed | None = None,
) -> tuple[tuple[date, Count], ...]:
    """Completed in time of due, for so many weeks (Monday to Sunday) up to the one that ``selection.to_on`` lies in.

    Weeks with open tasks are provisional.
    """
    assert selection.to_on is not None
    last = selection.to_on - timedelta(days=selection.to_on.weekday())
    mondays = [last - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
    whole = Selection(mondays[0], last + timedelta(days=6), selection.scope, selection.department_id)
    found = weekly_task_counts(session, changes or changed(session), whole, only or TaskFilter(), now)
    result = []
    for monday in mondays:
        week = funnel(found.get(monday, ()))
        result.append((monday, Count(week.completed_in_time, week.due, week.provisional)))
    return tuple(result)
