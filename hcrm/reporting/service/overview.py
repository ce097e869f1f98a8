"""Everything that the manager's first screen shows, read in one transaction by the same functions as the reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import dropwhile

from sqlalchemy.orm import Session

from hcrm.reporting.domain.change import Change, change
from hcrm.reporting.domain.funnel import ClassifiedCount, funnel
from hcrm.reporting.domain.funnel_plot import Funnel as FunnelPlot
from hcrm.reporting.domain.funnel_plot import funnel as fit_funnel
from hcrm.reporting.domain.kaplan_meier import Returned
from hcrm.reporting.domain.order import natural_order
from hcrm.reporting.domain.periods import Period
from hcrm.reporting.domain.reports import (
    TOTAL,
    By,
    FollowupRow,
    Label,
    Rate,
    RevisitReport,
    SatisfactionReport,
    Selection,
)
from hcrm.reporting.domain.spc import Capability, Chart, Count, Point, capability, p_chart
from hcrm.reporting.domain.targets import DEFAULT_TARGETS, Targeted, target_for
from hcrm.reporting.queries.marks import Changed, changed
from hcrm.reporting.queries.meeting import targets
from hcrm.reporting.queries.needs import Needs, needs
from hcrm.reporting.queries.rolled import classified_counts, live_discharges
from hcrm.reporting.queries.tasks import RECALL_STEP, TaskFilter
from hcrm.reporting.service.followup import weekly_counts
from hcrm.reporting.service.labels import Labels
from hcrm.reporting.service.revisits import counted_figures, revisit_report
from hcrm.reporting.service.satisfaction import satisfaction_and_before

REVISIT_MEASURE = "readmit_30d"
HEADLINE_TIER = 1
WEEKS = 26
COMPARED_DAYS = 91
"""Satisfaction is compared with the three months before the period."""

LEAST_DEPARTMENTS = 5
"""With fewer departments a funnel plot says nothing that plain intervals do not say better."""


@dataclass(frozen=True, slots=True)
class Followup:
    """The headline: contact by a person in tier 1 (in every tier where nothing is tier 1), in total and by department.

    Those are the calls about health, of all plans; re-calls, which check them, are left to the table of the tiers.

    ``only`` says which tasks the headline is made of. Beside it every tier's contact by a person, and messages apart.
    """

    only: TaskFilter
    total: FollowupRow
    tiers: tuple[FollowupRow, ...]
    departments: tuple[FollowupRow, ...]
    messages: FollowupRow


@dataclass(frozen=True, slots=True)
class Overview:
    """The first screen of a manager. ``changes`` compares each question with the three months before."""

    period: Period
    followup: Followup
    weeks: tuple[tuple[date, Count], ...]
    chart: Chart
    capability: Capability
    target: float
    revisits: RevisitReport
    returned: tuple[Returned, ...]
    funnel_plot: FunnelPlot | None
    satisfaction: SatisfactionReport
    changes: Mapping[str, Change]
    needs: Needs
    busiest: Label | None

    @property
    def newest_weeks(self) -> list[tuple[date, Count, Point]]:
        """The weeks with their places on the chart, the newest first."""
        return [(monday, count, point) for (monday, count), point in zip(self.weeks, self.chart.points, strict=True)][
            ::-1
        ]

    @property
    def compares_departments(self) -> bool:
        """Whether there are enough departments for a funnel plot."""
        return sum(row.rate.denominator > 0 for row in self.revisits.rows) >= LEAST_DEPARTMENTS

    @property
    def is_empty(self) -> bool:
        """Whether the period holds nothing to report."""
        return not (
            self.followup.total.funnel.planned or self.followup.total.discharged or self.revisits.total.rate.denominator
        )


def overview(
    session: Session, *, period: Period, place: Selection, now: datetime, today: date, with_inbox: bool
) -> Overview:
    """Read everything for one period; ``place`` says where (its own days are not used)."""
    selection = Selection(period.from_on, period.to_on, place.scope, place.department_id)
    figures = counted_figures(session, measure=REVISIT_MEASURE, selection=selection, now=now)
    revisits = figures.report(session, By.DEPARTMENT)
    changes = changed(session)
    followup = followup_by_tier_and_department(session, changes, selection, now)
    weeks = since_the_first(
        weekly_counts(session, selection=selection, weeks=WEEKS, now=now, only=followup.only, changes=changes)
    )
    chart, target = p_chart([count for _, count in weeks]), _target(session, place)
    satisfaction, before = satisfaction_and_before(
        session, selection=selection, earlier_on=period.from_on - timedelta(days=COMPARED_DAYS)
    )
    found = needs(session, place, now=now, until_on=sunday(today), with_inbox=with_inbox)
    return Overview(
        period=period,
        followup=followup,
        weeks=weeks,
        chart=chart,
        capability=capability(chart, target),
        target=target,
        revisits=revisits,
        returned=figures.returned_by_day(),
        funnel_plot=fit_funnel([(row.rate.numerator, row.rate.denominator) for row in revisits.rows]),
        satisfaction=satisfaction,
        changes=_changes(satisfaction, before),
        needs=found,
        busiest=Labels(session, By.DEPARTMENT).of(found.busiest_department_id) if found.calls_ending else None,
    )


def _target(session: Session, place: Selection) -> float:
    """What follow-up in time should reach: the department's own target, else the hospital's, else the shipped one."""
    figure = Targeted.FOLLOWUP_IN_TIME
    facility_id = min(place.scope) if place.scope else 0
    share, _own = target_for(targets(session, facility_id), figure, place.department_id)
    return DEFAULT_TARGETS[figure] if share is None else share


def since_the_first(weeks: Sequence[tuple[date, Count]]) -> tuple[tuple[date, Count], ...]:
    """The weeks from the first one with tasks on: before it there is nothing to show."""
    return tuple(dropwhile(lambda week: not week[1].denominator and not week[1].provisional, weeks))


def sunday(today: date) -> date:
    """The last day of the week that ``today`` lies in."""
    return today + timedelta(days=6 - today.weekday())


@dataclass(frozen=True, slots=True)
class DepartmentLine:
    """One department: its follow-up and its revisits."""

    label: Label
    followup: FollowupRow
    revisits: Rate
    provisional: int


@dataclass(frozen=True, slots=True)
class DepartmentLines:
    """All departments and the hospital; ``only`` says which tasks the follow-up is made of."""

    departments: tuple[DepartmentLine, ...]
    total: DepartmentLine
    only: TaskFilter


def department_lines(session: Session, *, selection: Selection, now: datetime) -> DepartmentLines:
    """Follow-up and revisits of every department that has any."""
    followup = followup_by_tier_and_department(session, changed(session), selection, now)
    revisits = revisit_report(session, measure=REVISIT_MEASURE, selection=selection, by=By.DEPARTMENT, now=now)
    tasks = {row.label.key: row for row in followup.departments}
    returns = {row.label.key: row for row in revisits.rows}
    lines = []
    for key in {**tasks, **returns}:
        label = tasks[key].label if key in tasks else returns[key].label
        back = returns.get(key)
        lines.append(
            DepartmentLine(
                label,
                tasks.get(key) or FollowupRow(label, funnel(())),
                back.rate if back else Rate(0, 0),
                back.provisional if back else 0,
            )
        )
    total = DepartmentLine(TOTAL, followup.total, revisits.total.rate, revisits.total.provisional)
    return DepartmentLines(tuple(lines), total, followup.only)


def sorted_lines(
    lines: Sequence[DepartmentLine], column: str, *, descending: bool, language: str
) -> list[DepartmentLine]:
    """Lines by a column; those without a value stand last either way. Raises ``KeyError`` for an unknown column.

    By name means by the name in ``language``, the one that is shown.
    """
    if column == "name":
        return sorted(lines, key=lambda line: natural_order(line.label.in_language(language)), reverse=descending)
    value = _COLUMNS[column]
    known = sorted(
        (line for line in lines if value(line) is not None), key=lambda line: value(line) or 0, reverse=descending
    )
    return known + [line for line in lines if value(line) is None]


_COLUMNS: Mapping[str, Callable[[DepartmentLine], float | None]] = {
    "planned": lambda line: line.followup.funnel.planned,
    "due": lambda line: line.followup.funnel.due,
    "attempted": lambda line: line.followup.funnel.attempted,
    "reached": lambda line: line.followup.funnel.reached,
    "completed": lambda line: line.followup.funnel.completed,
    "in_time": lambda line: line.followup.funnel.completed_in_time,
    "on_time": lambda line: line.followup.in_time.value,
    "discharges": lambda line: line.revisits.denominator,
    "revisits": lambda line: line.revisits.value,
}


def followup_by_tier_and_department(
    session: Session, changes: Changed, selection: Selection, now: datetime
) -> Followup:
    """The funnel of one selection: contact by a person, cut in several ways from one count, and messages."""
    people, cut = TaskFilter(human=True), (By.DEPARTMENT, By.TIER, By.STEP)
    counted = classified_counts(session, changes, selection, people, cut, now)
    messages = classified_counts(session, changes, selection, TaskFilter(messages=True), (By.NONE,), now)
    by_tier: dict[int | None, list[ClassifiedCount]] = {}
    by_department: dict[tuple[int | None, int | None], list[ClassifiedCount]] = {}
    for (department, tier, step), counts in counted.items():
        by_tier.setdefault(tier, []).extend(counts)
        if step != RECALL_STEP:
            by_department.setdefault((tier, department), []).extend(counts)
    only = TaskFilter(human=True, tier=HEADLINE_TIER if HEADLINE_TIER in by_tier else None, without_recall=True)
    headline: dict[int | None, list[ClassifiedCount]] = {}
    for (tier, department), counts in by_department.items():
        if only.tier in {None, tier}:
            headline.setdefault(department, []).extend(counts)
    live = live_discharges(session, changes, selection, By.NONE).values()
    return Followup(
        only,
        FollowupRow(
            TOTAL,
            funnel(each for counts in headline.values() for each in counts),
            sum(each.discharged for each in live),
            sum(each.followed_up for each in live),
        ),
        _rows(Labels(session, By.TIER), by_tier),
        _rows(Labels(session, By.DEPARTMENT), headline),
        FollowupRow(TOTAL, funnel(each for counts in messages.values() for each in counts)),
    )


def _rows(labels: Labels, groups: Mapping[int | None, list[ClassifiedCount]]) -> tuple[FollowupRow, ...]:
    return tuple(FollowupRow(labels.of(key), funnel(groups[key])) for key in labels.ordered(groups))


def _changes(report: SatisfactionReport, before: Mapping[str, Rate]) -> dict[str, Change]:
    """Each question against the three months before the period."""
    nothing = Rate(0, 0)
    return {row.question: change(_rate(row.positive, row.n), before.get(row.question, nothing)) for row in report.rows}


def _rate(positive: int | None, answers: int) -> Rate:
    return Rate(0, 0) if positive is None else Rate(positive, answers)
