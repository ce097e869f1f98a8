"""Follow-up figures: classified tasks summed up by the funnel, and the weeks of the control chart."""

from __future__ import annotations

from dataclasses import astuple
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from hcrm.reporting.domain.funnel import funnel
from hcrm.reporting.domain.reports import (
    FOLLOWUP_GROUPINGS,
    PERSONAL_GROUPINGS,
    TOTAL,
    Basis,
    By,
    FollowupReport,
    FollowupRow,
    Selection,
)
from hcrm.reporting.domain.spc import Count
from hcrm.reporting.models import MarkKind
from hcrm.reporting.queries.marks import Changed, changed
from hcrm.reporting.queries.rolled import classified_counts, live_discharges
from hcrm.reporting.queries.rolled import weekly_counts as weekly_task_counts
from hcrm.reporting.queries.tasks import Discharges, TaskFilter
from hcrm.reporting.service.kept import Arguments, Figure, result
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
    only, changes = only or TaskFilter(), changes or changed(session)
    last = selection.to_on - timedelta(days=selection.to_on.weekday())
    mondays = [last - timedelta(weeks=back) for back in range(weeks - 1, -1, -1)]
    end, today = last + timedelta(days=6), min(last, now.date())
    cut = today - OLD - timedelta(days=(today - OLD).weekday())
    if only.basis is not Basis.WINDOW or cut <= mondays[0]:
        cut = mondays[0]
    found = _weeks(session, changes, _on(selection, cut, end), only, now)
    if cut > mondays[0]:
        asked = {"tier": str(only.tier or ""), **{name: str(int(getattr(only, name))) for name in _FLAGS}}
        kept = result(session, WEEKS, _on(selection, mondays[0], cut - timedelta(days=1)), now, **asked)
        found |= {date.fromisoformat(monday): Count(*each) for monday, *each in kept}
    return tuple((monday, found.get(monday, Count(0, 0, provisional=False))) for monday in mondays)


OLD = timedelta(days=42)
"""Weeks that ended this long ago depend on the clock no more, and seldom change: what they came to is kept."""

_FLAGS = ("human", "messages", "without_recall")


def _on(selection: Selection, first: date, last: date) -> Selection:
    return Selection(first, last, selection.scope, selection.department_id)


def _weeks(
    session: Session, changes: Changed, selection: Selection, only: TaskFilter, now: datetime
) -> dict[date, Count]:
    """Whole weeks by their Monday, as far as they have tasks."""
    found = {}
    for monday, counts in weekly_task_counts(session, changes, selection, only, now).items():
        week = funnel(counts)
        found[monday] = Count(week.completed_in_time, week.due, week.provisional)
    return found


def _old_weeks(session: Session, selection: Selection, arguments: Arguments, now: datetime) -> Any:
    tier = int(arguments["tier"]) if arguments["tier"] else None
    human, messages, without_recall = (arguments[name] == "1" for name in _FLAGS)
    only = TaskFilter(tier=tier, human=human, messages=messages, without_recall=without_recall)
    weeks = _weeks(session, changed(session), selection, only, now)
    return [[monday.isoformat(), *astuple(each)] for monday, each in sorted(weeks.items())]


WEEKS = Figure("weeks", (MarkKind.TASK,), _old_weeks)
