"""What the charts say, in sentences: every chart of the pages has one above it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from typing import cast

from flask_babel import gettext
from flask_babel import ngettext as plural

from hcrm.reporting.domain.change import Change
from hcrm.reporting.domain.funnel_plot import Place
from hcrm.reporting.domain.reports import SatisfactionRow
from hcrm.reporting.domain.spc import Capability, Chart, Firmness, Point, Signal, Verdict, verdict
from hcrm.reporting.forms import EXCLUSION_LABELS, MODE_LABELS, REASON_LABELS, label_text
from hcrm.reporting.service.overview import Overview
from hcrm.web import language, number, percent

_ = cast("Callable[..., str]", gettext)
ngettext = cast("Callable[..., str]", plural)

SIGN = {Verdict.IMPROVEMENT: "better", Verdict.CONCERN: "worse", Verdict.VARIATION: "plain"}
CHANGE_SIGN = {Change.HIGHER: "better", Change.LOWER: "worse", Change.NONE: "plain", Change.TOO_FEW: "plain"}


def joined(parts: list[str]) -> str:
    """A list in a sentence: commas, and the language's own way of writing them."""
    return ("、" if language() == "zh_Hans" else ", ").join(parts)


def sentences(*parts: str) -> str:
    """Sentences after each other, with a space between them where the language wants one."""
    return ("" if language() == "zh_Hans" else " ").join(part for part in parts if part)


def newest(chart: Chart) -> Point | None:
    """The newest week that has a rate and is not provisional."""
    usable = [point for point in chart.points if point.value is not None and not point.provisional]
    return usable[-1] if usable else None


def followup_verdict(chart: Chart) -> tuple[str, str]:
    """(kind of sign, word) for follow-up as it stands now."""
    point = newest(chart)
    if point is None or chart.firmness is Firmness.NONE:
        return "plain", _("Too few weeks to judge")
    found = verdict(point.signal, higher_is_better=True)
    words = {
        Verdict.IMPROVEMENT: _("Improving"),
        Verdict.CONCERN: _("Concern"),
        Verdict.VARIATION: _("No real change"),
    }
    return SIGN[found], words[found]


def target_sentence(view: Overview) -> str:
    """Whether the target can be met reliably, as things run now."""
    target = percent(view.target, 0)
    return {
        Capability.ALWAYS: _(
            "The target of %(target)s lies below the expected range: it is met reliably.", target=target
        ),
        Capability.NEVER: _(
            "The target of %(target)s lies above the expected range: it will not be met without a change.",
            target=target,
        ),
        Capability.SOMETIMES: _(
            "The target of %(target)s is inside the expected range, so it will be met in some weeks and missed in "
            "others.",
            target=target,
        ),
        Capability.UNKNOWN: "",
    }[view.capability]


def chart_sentence(view: Overview) -> str:
    """What the weekly chart says."""
    chart = view.chart
    usable = [point for point in chart.points if point.value is not None and not point.provisional]
    if chart.firmness is Firmness.NONE:
        return _(
            "%(count)s complete weeks so far: expected limits are drawn from 12 weeks on, so no signal is claimed yet.",
            count=len(usable),
        )
    provisional = (
        _("The limits are provisional, from fewer than 20 weeks.") if chart.firmness is Firmness.PROVISIONAL else ""
    )
    return sentences(_signal_sentence(usable), target_sentence(view), provisional)


def _signal_sentence(usable: list[Point]) -> str:
    last = usable[-1].signal
    run = sum(1 for _point in takewhile(lambda point: point.signal is last, reversed(usable)))
    outside = sum(point.signal in {Signal.ABOVE_LIMIT, Signal.BELOW_LIMIT} for point in usable)
    texts = {
        Signal.NONE: _("The newest week differs from the mean by chance alone."),
        Signal.ABOVE_LIMIT: _("The newest week is better than chance explains."),
        Signal.BELOW_LIMIT: _("The newest week is worse than chance explains."),
        Signal.SHIFT_UP: _("The last %(count)s weeks are all above the mean: a real improvement.", count=run),
        Signal.SHIFT_DOWN: _("The last %(count)s weeks are all below the mean: a real concern.", count=run),
        Signal.TREND_UP: _("The rate has risen week after week: a real improvement."),
        Signal.TREND_DOWN: _("The rate has fallen week after week: a real concern."),
        Signal.NEAR_UPPER: _("Two of the last three weeks are unusually high: an improvement."),
        Signal.NEAR_LOWER: _("Two of the last three weeks are unusually low: a concern."),
    }
    if last is not Signal.NONE or not outside:
        return texts[last]
    earlier = ngettext(
        "%(num)s earlier week lies outside the expected range.",
        "%(num)s earlier weeks lie outside the expected range.",
        outside,
    )
    return sentences(texts[last], earlier)


def signal_text(signal: Signal) -> str:
    """A signal in a cell of a table."""
    return {
        Signal.NONE: _("just variation"),
        Signal.ABOVE_LIMIT: _("improvement, above the expected range"),
        Signal.BELOW_LIMIT: _("concern, below the expected range"),
        Signal.SHIFT_UP: _("improvement, 7 or more above the mean"),
        Signal.SHIFT_DOWN: _("concern, 7 or more below the mean"),
        Signal.TREND_UP: _("improvement, rising"),
        Signal.TREND_DOWN: _("concern, falling"),
        Signal.NEAR_UPPER: _("improvement, near the upper limit"),
        Signal.NEAR_LOWER: _("concern, near the lower limit"),
    }[signal]


def funnel_sentence(view: Overview) -> str:
    """What the bars count, and where tasks were lost on the way."""
    if view.followup.only.tier is None:
        return _lost_sentence(view)
    return sentences(_("Tier 1: calls about health; a discharge can have more than one."), _lost_sentence(view))


def _lost_sentence(view: Overview) -> str:
    total = view.followup.total.funnel
    if total.due == 0:
        return _("No task was due in this period.")
    untried = total.due - total.attempted
    if untried == 0:
        return _("All %(due)s tasks due were tried. Shares are of those due.", due=number(total.due))
    worst = max(view.followup.departments, key=lambda row: row.funnel.due - row.funnel.attempted)
    most = worst.funnel.due - worst.funnel.attempted
    first = ngettext(
        "Of %(due)s tasks due, %(count)s was never tried.",
        "Of %(due)s tasks due, %(count)s were never tried.",
        untried,
        count=number(untried),
        due=number(total.due),
    )
    where = ""
    if len(view.followup.departments) > 1 and 2 * most > untried:
        where = _("Most of them are in %(name)s.", name=label_text(worst.label))
    return sentences(first, where, _("Shares are of those due."))


def excluded_sentence(view: Overview) -> str:
    """Every exclusion with its number."""
    total = view.followup.total.funnel
    if not total.excluded_total:
        return _("Nothing was left out.")
    parts = [
        f"{REASON_LABELS.get(reason, reason)} {number(count)}"
        for reason, count in sorted(total.excluded.items(), key=lambda item: -item[1])
    ]
    return _("Left out, %(count)s: %(reasons)s.", count=number(total.excluded_total), reasons=joined(parts))


def departments_sentence(view: Overview) -> str:
    """Which departments lie outside the limits."""
    rows = [row for row in view.revisits.rows if row.rate.denominator]
    if not rows or view.funnel_plot is None:
        return _("No discharge in this period.")
    if not view.compares_departments:
        return _("Too few departments for a funnel plot: each is shown with its interval.")
    places = [(row, view.funnel_plot.place(row.rate.numerator, row.rate.denominator)) for row in rows]
    high = [label_text(row.label) for row, place in places if place is Place.HIGH]
    low = [label_text(row.label) for row, place in places if place is Place.LOW]
    if not high and not low:
        return _("No department differs from the hospital by more than chance and its size explain.")
    above = _("Higher than chance and size explain: %(names)s.", names=joined(high)) if high else ""
    below = _("Lower than chance and size explain: %(names)s.", names=joined(low)) if low else ""
    return sentences(above, below, _("The others do not differ."))


def returned_sentence(view: Overview) -> str:
    """When patients come back."""
    events = sum(point.events for point in view.returned)
    if events == 0:
        return _("Nobody has come back so far.")
    week = sum(point.events for point in view.returned if point.day <= 7)
    if 2 * week > events:
        return _("More than half of the returns happen in the first week: a call after day 7 comes too late for them.")
    return _("%(share)s of the returns happen in the first week.", share=percent(week / events, 0))


def revisit_exclusions(view: Overview) -> str:
    """Who is no index, itemised."""
    parts = [f"{EXCLUSION_LABELS[reason]} {number(count)}" for reason, count in view.revisits.total.excluded.items()]
    return _("Left out: %(reasons)s.", reasons=joined(parts)) if parts else ""


def change_text(row: SatisfactionRow, found: Change) -> str:
    """How a question stands against the three months before."""
    if row.score.suppressed:
        return _("Fewer than 5 answers: not shown")
    if row.score.caution:
        return _("Too few answers to judge (fewer than 30)")
    return {
        Change.HIGHER: _("Improving"),
        Change.LOWER: _("Concern, lower than before"),
        Change.NONE: _("No real change"),
        Change.TOO_FEW: _("Nothing to compare with yet"),
    }[found]


def modes_text(row: SatisfactionRow) -> str:
    """How many answers came in each way."""
    return joined([f"{MODE_LABELS[mode]} {number(count)}" for mode, count in row.modes.items()])


def lowest_question(view: Overview) -> SatisfactionRow | None:
    """The rated question with the lowest share satisfied among those with enough answers."""
    rows = [
        row
        for row in view.satisfaction.rows
        if row.score.value is not None and not row.score.caution and row.nps is None
    ]
    return min(rows, key=lambda row: row.score.value or 0.0) if len(rows) > 1 else None
