"""Revisits by department: a funnel plot, or plain intervals where there are too few departments for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _

from hcrm.reporting.charts import base
from hcrm.reporting.domain.funnel_plot import ALARM, WARNING, Place
from hcrm.reporting.domain.funnel_plot import Funnel as FunnelPlot
from hcrm.reporting.domain.reports import RevisitRow
from hcrm.web import language, number, percent

ON_THE_AXIS = 0.06
"""A name lower than this share of the height is lifted, or the axis would run through it."""

LINE = 0.08
"""The height of a line of text as a share of the height of the chart."""

LETTERS = 60
"""So many letters are as wide as the chart; it is a little more on a screen and less on a phone."""


def departments_funnel(rows: Sequence[RevisitRow], fitted: FunnelPlot) -> base.Figure:
    """Departments against their size with 95 % and 99.8 % limits; those outside, and the three largest, are named."""
    sizes = [row.rate.denominator for row in rows]
    low, high = max(1.0, min(sizes) * 0.75), max(sizes) * 1.05
    steps = [low + (high - low) * at / 80 for at in range(81)]
    data: list[base.Figure] = []
    notes: list[base.Figure] = []
    for level, dash in ((ALARM, "solid"), (WARNING, "3px,3px")):
        for upper in (True, False):
            limits = [fitted.limit(level, size, upper=upper) for size in steps]
            data.append(base.line(steps, limits, color=base.LINE_STRONG, width=1.25, dash=dash))
        notes.append(
            base.note(
                high, fitted.limit(level, high, upper=True), percent(level, 1 if level == ALARM else 0), base.INK_3
            )
        )
    data.append(base.line([low, high], [fitted.mean, fitted.mean], color=base.INK_3, width=1.5))
    notes.append(base.note(high, fitted.mean, _("hospital %(share)s", share=percent(fitted.mean))))
    top = max([fitted.limit(ALARM, low, upper=True), *(row.rate.value or 0 for row in rows)])
    points, names = _department_points(rows, fitted, _Paper(low, high, min(1.0, top * 1.05) or 1.0))
    layout = {
        "margin": {"l": 48, "r": 96, "t": 16, "b": 48},
        "annotations": [*base.apart(notes), *names],
        "yaxis": {"tickformat": ".0%", "range": [0, min(1.0, top * 1.05) or 1.0], "nticks": 6},
        "xaxis": {"title": {"text": _("discharges in the period")}, "range": [low, high], "nticks": 6},
    }
    return base.figure([*data, points], layout)


@dataclass(frozen=True, slots=True)
class _Paper:
    """What is drawn on: discharges from ``low`` to ``high``, rates from 0 to ``top``."""

    low: float
    high: float
    top: float

    def is_right(self, size: float) -> bool:
        """Whether a name beside a point would leave the paper on the right."""
        return size > self.low + 0.7 * (self.high - self.low)

    def taken(self, size: float, text: str) -> tuple[float, float]:
        """From where to where a name beside a point reaches; Chinese letters are twice as wide."""
        letters = sum(1 + (ord(letter) > 0x2E80) for letter in text) + 2
        width = letters / LETTERS * (self.high - self.low)
        return (size - width, size) if self.is_right(size) else (size, size + width)

    def meet(self, one: base.Figure, size: float, rate: float, text: str) -> bool:
        """Whether a name would be written over one that stands there already."""
        first, second = self.taken(one["x"], one["text"]), self.taken(size, text)
        return first[0] < second[1] and second[0] < first[1] and abs(one["y"] - rate) < LINE * self.top


def _department_points(
    rows: Sequence[RevisitRow], fitted: FunnelPlot, paper: _Paper
) -> tuple[base.Figure, list[base.Figure]]:
    places = [fitted.place(row.rate.numerator, row.rate.denominator) for row in rows]
    kinds = ["worse" if place is Place.HIGH else "better" if place is Place.LOW else "plain" for place in places]
    largest = {row.label.key for row in sorted(rows, key=lambda row: -row.rate.denominator)[: base.NAMED]}
    names: list[base.Figure] = []
    for row, kind in sorted(zip(rows, kinds, strict=True), key=lambda pair: pair[1] == "plain"):
        size, rate, name = row.rate.denominator, row.rate.value or 0.0, row.label.in_language(language())
        crowded = any(paper.meet(each, size, rate, name) for each in names)
        if kind == "plain" and (row.label.key not in largest or crowded):
            continue
        left = paper.is_right(size)
        colour, weight = (base.INK_2, 400) if kind == "plain" else (base.MARKER[kind]["color"], base.BOLD)
        text = name if kind == "plain" else f"{name} {percent(row.rate.value)}"
        place = {"xanchor": "right" if left else "left", "xshift": -11 if left else 11}
        if rate < ON_THE_AXIS * paper.top:
            place["yshift"] = 11
        names.append(base.note(size, rate, text) | place | {"font": {"size": 12, "weight": weight, "color": colour}})
    points = {
        "type": "scatter",
        "mode": "markers",
        "cliponaxis": False,
        "x": [row.rate.denominator for row in rows],
        "y": [row.rate.value for row in rows],
        "text": [_rate_text(row) for row in rows],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "color": [base.MARKER[kind]["color"] for kind in kinds],
            "symbol": [base.MARKER[kind]["symbol"] for kind in kinds],
            "size": [8 if kind == "plain" else 13 for kind in kinds],
            "opacity": 1,
            "line": {"color": base.SURFACE, "width": 1},
        },
    }
    return points, names


def departments_intervals(rows: Sequence[RevisitRow]) -> base.Figure:
    """Each department's rate with its 95 % interval: for hospitals with too few departments for a funnel plot."""
    names = [row.label.in_language(language()) for row in rows]
    bars = {
        "type": "scatter",
        "mode": "markers",
        "cliponaxis": False,
        "x": [row.rate.value for row in rows],
        "y": names,
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [(row.rate.high or 0) - (row.rate.value or 0) for row in rows],
            "arrayminus": [(row.rate.value or 0) - (row.rate.low or 0) for row in rows],
            "color": base.MIDDLE,
            "thickness": 4,
            "width": 0,
        },
        "marker": {"color": base.ACCENT, "symbol": "square", "size": 9},
        "text": [_rate_text(row) for row in rows],
        "hovertemplate": "%{text}<extra></extra>",
    }
    layout = {
        "margin": {"l": 130, "r": 24, "t": 16, "b": 40},
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "showgrid": False,
            "tickfont": {"size": 13, "color": base.INK},
            "type": "category",
            "ticklabelstandoff": 8,
        },
        "xaxis": {"tickformat": ".0%", "rangemode": "tozero", "showgrid": True, "gridcolor": "#e6eaed", "nticks": 6},
    }
    return base.figure([bars], layout)


def _rate_text(row: RevisitRow) -> str:
    text: str = _(
        "%(name)s: %(share)s, %(some)s of %(all)s",
        name=row.label.in_language(language()),
        share=percent(row.rate.value),
        some=number(row.rate.numerator),
        all=number(row.rate.denominator),
    )
    return text
