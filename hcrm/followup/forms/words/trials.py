"""What a try-out says: the rows of its table, the bars of its week, what there is not time for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from babel import Locale
from babel.dates import get_day_names

from hcrm.followup.domain.trial import NOTHING, Assumptions, Team, Trial, Work
from hcrm.followup.queries.trial import Comparison
from hcrm.web import WEEKDAYS, language, number
from hcrm.web import gettext as _


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work with the draft, with what is in force, and the difference; ``unit`` follows the numbers."""

    name: str
    draft: float
    present: float
    digits: int = 0
    unit: str = ""

    @property
    def change(self) -> float:
        return round(self.draft, self.digits) - round(self.present, self.digits)

    def shown(self, value: float, *, signed: bool = False) -> str:
        """A value as people read it."""
        rounded = round(value, self.digits)
        sign = "+" if signed and rounded > 0 else ""
        return sign + number(rounded, self.digits) + self.unit


def rows(found: Comparison) -> list[Row]:
    """The work of the month, in the order in which people ask for it."""
    draft, present = found.draft, found.present

    def team(trial: Trial, name: Team) -> Work:
        return trial.by_team.get(name, NOTHING)

    hours = _(" h")
    return [
        Row(_("Call attempts of the wards"), team(draft, Team.WARD).calls, team(present, Team.WARD).calls),
        Row(_("Ward nurse hours"), team(draft, Team.WARD).hours, team(present, Team.WARD).hours, 1, hours),
        Row(
            _("Call attempts of the service centre"),
            team(draft, Team.SERVICE_CENTRE).calls,
            team(present, Team.SERVICE_CENTRE).calls,
        ),
        Row(
            _("Service centre hours"),
            team(draft, Team.SERVICE_CENTRE).hours,
            team(present, Team.SERVICE_CENTRE).hours,
            1,
            hours,
        ),
        Row(_("Home visits"), draft.total.visits, present.total.visits),
        Row(_("Text messages"), draft.total.texts, present.total.texts),
        Row(_("Cost of text messages"), draft.total.cost, present.total.cost, 2),
    ]


def busiest_words(trial: Trial) -> str:
    """The busiest day with its work."""
    if trial.busiest is None:
        return _("no work")
    day, work = trial.busiest
    return _(
        "%(day)s: %(calls)s call attempts, %(hours)s hours",
        day=weekday_of(day),
        calls=number(work.calls),
        hours=number(work.hours, 1),
    )


def weekday_of(day: date) -> str:
    """``Monday 2026-10-05``."""
    return f"{WEEKDAYS[day.weekday()][1]} {day.isoformat()}"


@dataclass(frozen=True, slots=True)
class Bar:
    """A weekday of the chart: its calls, and how high the bar and the part above the limit are, in units of it."""

    name: str
    calls: int
    height: float
    over: float


HIGHEST = 120.0
"""Units of the highest bar."""


def capacity(assumptions: Assumptions) -> float:
    """Call attempts that a day has time for; 0 when it was not said."""
    if assumptions.minutes_per_attempt <= 0:
        return 0.0
    return 60 * assumptions.ward_hours / assumptions.minutes_per_attempt


def bars(found: Comparison, assumptions: Assumptions) -> list[Bar]:
    """The wards' call attempts on an average day of the week, with the draft."""
    means = found.draft.ward_calls_by_weekday(found.month.first, found.month.last)
    limit = capacity(assumptions)
    scale = HIGHEST / max(*means, limit, 1.0)
    names = get_day_names("abbreviated", locale=Locale.parse(language()))
    return [
        Bar(names[weekday], round(mean), mean * scale, max(0.0, mean - limit) * scale if limit else 0.0)
        for weekday, mean in enumerate(means)
    ]


def limit_height(found: Comparison, assumptions: Assumptions) -> float:
    """How high the line of what there is time for stands."""
    means = found.draft.ward_calls_by_weekday(found.month.first, found.month.last)
    limit = capacity(assumptions)
    return limit * HIGHEST / max(*means, limit, 1.0)


def too_much(found: Comparison, assumptions: Assumptions) -> Iterator[str]:
    """A sentence for each weekday that would need more than there is time for."""
    limit = capacity(assumptions)
    if limit:
        for bar in bars(found, assumptions):
            if bar.calls > limit:
                yield _(
                    "%(day)s would need %(count)s call attempts more than there is time for.",
                    day=bar.name,
                    count=number(bar.calls - limit),
                )


def days(found: Comparison) -> list[tuple[date, Work, Work]]:
    """Each day with work: with the draft, and with what is in force."""
    draft, present = found.draft.by_day, found.present.by_day
    return [(day, draft.get(day, NOTHING), present.get(day, NOTHING)) for day in sorted({*draft, *present})]
