"""The figures of the manager's pages as Plotly JSON.

A figure has no title, no legend, no toolbar and no background; lines and points are labelled where they end. Colour
follows the meaning (better, worse, plain), and each meaning also has its own marker shape. Nothing here computes a
rate. No markup in figure text: it becomes inline style, which the content security policy blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from flask_babel import gettext as _

from hcrm.reporting.charts import base
from hcrm.reporting.charts.departments import departments_funnel, departments_intervals
from hcrm.reporting.charts.sides import (
    drivers,
    expected_ratios,
    hours_of_the_week,
    intervals,
    months,
    run_of_days,
    tries,
)
from hcrm.reporting.domain.kaplan_meier import Returned
from hcrm.reporting.domain.reports import FollowupRow
from hcrm.reporting.domain.spc import Chart, Count, Firmness, verdict
from hcrm.web import language, number, percent

Figure = base.Figure

__all__ = [
    "Figure",
    "completion_funnel",
    "control_chart",
    "departments_funnel",
    "departments_intervals",
    "drivers",
    "expected_ratios",
    "funnel_steps",
    "hours_of_the_week",
    "intervals",
    "months",
    "returned_by_day",
    "run_of_days",
    "tries",
]


def control_chart(weeks: Sequence[tuple[date, Count]], chart: Chart, target: float) -> base.Figure:
    """Weekly rate completed in time with its limits; a bare line where there are too few weeks for limits."""
    days = [f"{monday:%Y-%m-%d}" for monday, _count in weeks]
    data = [*_limit_band(days, chart)] if chart.firmness is not Firmness.NONE else []
    if chart.mean is not None and chart.firmness is not Firmness.NONE:
        data.append(base.line([days[0], days[-1]], [chart.mean, chart.mean], color=base.INK_3, width=1.5))
    data += [
        base.line([days[0], days[-1]], [target, target], color=base.INK, width=1.5, dash="6px,4px"),
        _weekly(weeks, chart),
    ]
    notes = [base.note(days[-1], target, _("target %(share)s", share=percent(target, 0)), base.INK)]
    if chart.mean is not None and chart.firmness is not Firmness.NONE:
        notes.append(base.note(days[-1], chart.mean, _("mean %(share)s", share=percent(chart.mean))))
    layout = {
        "margin": {"l": 48, "r": 104, "t": 16, "b": 40},
        "annotations": base.apart(notes),
        "yaxis": {"tickformat": ".0%", "nticks": 6, "range": _span([*_values(chart), target])},
        "xaxis": {
            "type": "date",
            "tickformat": base.day_format(),
            "nticks": 6,
            "range": [f"{weeks[0][0] - timedelta(days=3):%Y-%m-%d}", f"{weeks[-1][0] + timedelta(days=3):%Y-%m-%d}"],
        },
    }
    return base.figure(data, layout)


def _limit_band(days: Sequence[str], chart: Chart) -> list[base.Figure]:
    """The expected range: an invisible upper line, and a lower one filled up to it."""
    with_limits = [(day, point) for day, point in zip(days, chart.points, strict=True) if point.low is not None]
    x = [day for day, _point in with_limits]
    edge = {"width": 0, "shape": "hvh"}
    upper = {"type": "scatter", "mode": "lines", "x": x, "y": [p.high for _d, p in with_limits], "line": edge}
    lower = {"type": "scatter", "mode": "lines", "x": x, "y": [p.low for _d, p in with_limits], "line": edge}
    return [upper | {"hoverinfo": "skip"}, lower | {"hoverinfo": "skip", "fill": "tonexty", "fillcolor": base.BAND}]


def _weekly(weeks: Sequence[tuple[date, Count]], chart: Chart) -> base.Figure:
    kinds = [base.KINDS[verdict(point.signal, higher_is_better=True)] for point in chart.points]
    open_marks = [point.provisional for point in chart.points]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": [f"{monday:%Y-%m-%d}" for monday, _count in weeks],
        "y": [point.value for point in chart.points],
        "line": {"color": base.INK_3, "width": 1.5},
        "connectgaps": False,
        "marker": {
            "color": [base.MARKER[kind]["color"] for kind in kinds],
            "symbol": [
                f"{base.MARKER[kind]['symbol']}-open" if still_open else base.MARKER[kind]["symbol"]
                for kind, still_open in zip(kinds, open_marks, strict=True)
            ],
            "size": [base.MARKER[kind]["size"] for kind in kinds],
            "opacity": 1,
            "line": {"color": [base.INK_3 if still_open else base.SURFACE for still_open in open_marks], "width": 1},
        },
        "text": [
            _week_text(monday, count, point.value) for (monday, count), point in zip(weeks, chart.points, strict=True)
        ],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _week_text(monday: date, count: Count, value: float | None) -> str:
    day = f"{monday.month}月{monday.day}日" if language() == "zh_Hans" else f"{monday.day} {monday:%b}"
    text = _(
        "Week of %(day)s: %(share)s, %(done)s of %(due)s",
        day=day,
        share=percent(value),
        done=number(count.numerator),
        due=number(count.denominator),
    )
    still_open = _("still open")
    return f"{text} ({still_open})" if count.provisional else text


def completion_funnel(steps: Sequence[tuple[str, int]], *, of: int, focus: int) -> base.Figure:
    """Bars from one zero; ``of`` is the place of the step that shares are of, ``focus`` of the one that counts."""
    total = steps[of][1]
    names = [name for name, _count in steps]
    colours = [base.ACCENT if at == focus else base.MIDDLE if at >= of else base.QUIET for at in range(len(steps))]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [count for _name, count in steps],
        "y": names,
        "marker": {"color": colours, "line": {"width": 0}},
        "text": [f"{name}: {number(count)}" for name, count in steps],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
    }
    notes = []
    for at, (name, count) in enumerate(steps):
        share = f"  {percent(count / total)}" if at > of and total else ""
        weight = base.BOLD if at == focus else 400
        font = {"size": 13, "weight": weight, "color": base.INK}
        notes.append(base.note(count, name, f"{number(count)}{share}", base.INK) | {"xshift": 4, "font": font})
    layout = {
        "margin": {"l": 92, "r": 104, "t": 4, "b": 8},
        "bargap": 0.32,
        "annotations": notes,
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "showgrid": False,
            "tickfont": {"size": 13, "color": base.INK},
            "ticklabelstandoff": 8,
            "showline": False,
        },
        "xaxis": {"visible": False, "range": [0, max(1, *(count for _name, count in steps))]},
    }
    return base.figure([bars], layout)


def returned_by_day(curve: Sequence[Returned]) -> base.Figure:
    """Kaplan–Meier, drawn as the share that has come back by each day (from zero, not cut off at 90 %)."""
    days = [point.day for point in curve]
    edge = {"width": 0, "shape": "hv"}
    band = {"type": "scatter", "mode": "lines", "x": days, "line": edge, "hoverinfo": "skip"}
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": days,
        "y": [point.share for point in curve],
        "line": {"color": base.ACCENT, "width": 2.25, "shape": "hv"},
        "text": [_("by day %(day)s: %(share)s", day=point.day, share=percent(point.share)) for point in curve],
        "hovertemplate": "%{text}<extra></extra>",
    }
    data = [
        band | {"y": [point.high for point in curve]},
        band | {"y": [point.low for point in curve], "fill": "tonexty", "fillcolor": base.ACCENT_BAND},
        line,
    ]
    last = curve[-1]
    text = _("%(share)s by day %(day)s", share=percent(last.share), day=last.day)
    above = {"xanchor": "right", "xshift": 0, "yshift": 14}
    notes = [
        base.note(last.day, last.share, text)
        | above
        | {"font": {"size": 12, "weight": base.BOLD, "color": base.ACCENT}}
    ]
    layout = {
        "margin": {"l": 48, "r": 24, "t": 16, "b": 48},
        "annotations": notes,
        "yaxis": {
            "tickformat": ".1%" if max(p.high for p in curve) < 0.05 else ".0%",
            "rangemode": "tozero",
            "nticks": 5,
        },
        "xaxis": {
            "title": {"text": _("days since discharge")},
            "tickvals": [day for day in (0, 7, 14, 21, 30) if day <= last.day],
            "range": [0, last.day],
        },
    }
    return base.figure(data, layout)


def funnel_steps(row: FollowupRow) -> list[tuple[str, int]]:
    """The bars of the completion funnel, from the discharge to the call in time."""
    funnel = row.funnel
    return [
        (_("Discharged"), row.discharged or 0),
        (_("Eligible"), funnel.planned),
        (_("Due"), funnel.due),
        (_("Attempted"), funnel.attempted),
        (_("Reached"), funnel.reached),
        (_("Completed"), funnel.completed),
        (_("In time"), funnel.completed_in_time),
    ]


def _values(chart: Chart) -> list[float]:
    return [value for point in chart.points for value in (point.value, point.low, point.high) if value is not None]


def _span(values: Sequence[float]) -> list[float]:
    """A range of the axis with some air, inside 0 … 1."""
    low, high = min(values), max(values)
    air = max(0.02, (high - low) * 0.08)
    return [max(0.0, low - air), min(1.0, high + air) + (0.01 if high + air >= 1 else 0)]
