"""The figures of the pages behind the overview: days, hours of the week, tries, groups, expected returns, drivers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask_babel import gettext as _

from hcrm.reporting.charts import base
from hcrm.reporting.domain.drivers import Correlation
from hcrm.reporting.domain.reach import Hour, Try
from hcrm.reporting.domain.reports import FollowupRow, Rate
from hcrm.reporting.domain.spc import Chart, Firmness, verdict
from hcrm.survey.domain.scoring import Score
from hcrm.web import number, percent

SCALE = [[0, "#eef3f4"], [0.5, base.MIDDLE], [1, base.ACCENT]]
"""From few to many reached, in one hue: it is read without telling colours apart."""


def run_of_days(rows: Sequence[FollowupRow]) -> base.Figure:
    """The share in time of the tasks of each day, as a run around its median."""
    shown = [row for row in rows if row.funnel.due]
    days = [row.label.name for row in shown]
    shares = [row.in_time.value or 0.0 for row in shown]
    median = sorted(shares)[len(shares) // 2] if shares else 0.0
    points = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": days,
        "y": shares,
        "line": {"color": base.INK_3, "width": 1.5},
        "marker": {"color": base.PLAIN, "size": 6},
        "text": [
            f"{row.label.name}: {percent(row.in_time.value)}, {row.funnel.completed_in_time}/{row.funnel.due}"
            for row in shown
        ],
        "hovertemplate": "%{text}<extra></extra>",
    }
    middle = base.line(days[:1] + days[-1:], [median, median], color=base.INK_3, width=1.5, dash="6px,4px")
    notes = [base.note(days[-1], median, _("median %(share)s", share=percent(median)))] if days else []
    layout = {
        "margin": {"l": 48, "r": 104, "t": 16, "b": 40},
        "annotations": notes,
        "yaxis": {"tickformat": ".0%", "range": [0, 1.05], "nticks": 6},
        "xaxis": {"type": "date", "tickformat": base.day_format(), "nticks": 8},
    }
    return base.figure([middle, points], layout)


def hours_of_the_week(hours: Sequence[Hour], weekdays: Sequence[str]) -> base.Figure:
    """A heat map of the share reached, the darker the more; hours without a try are left empty.

    Drawn as squares: the trace made for heat maps sets styles that the content security policy blocks.
    """
    first, last = min(hour.hour for hour in hours), max(hour.hour for hour in hours)
    columns = list(range(first, last + 1))
    known = {(hour.weekday, hour.hour): hour for hour in hours}
    shown = [known[place] for place in sorted(known)]
    cells = {
        "type": "scatter",
        "mode": "markers",
        "x": [f"{hour.hour:02d}:00" for hour in shown],
        "y": [weekdays[hour.weekday] for hour in shown],
        "text": [
            _("%(share)s of %(tries)s tries", share=percent(hour.share), tries=number(hour.tries)) for hour in shown
        ],
        "hovertemplate": "%{y} %{x}: %{text}<extra></extra>",
        "marker": {
            "symbol": "square",
            "size": 24,
            "color": [hour.share for hour in shown],
            "cmin": 0,
            "cmax": 1,
            "colorscale": SCALE,
            "opacity": 1,
            "line": {"color": base.LINE_STRONG, "width": 1},
        },
    }
    layout = {
        "margin": {"l": 48, "r": 16, "t": 8, "b": 40},
        "yaxis": {
            "type": "category",
            "categoryarray": list(weekdays),
            "range": [6.6, -0.6],
            "showgrid": False,
            "automargin": True,
        },
        "xaxis": {
            "type": "category",
            "categoryarray": [f"{at:02d}:00" for at in columns],
            "range": [-0.6, len(columns) - 0.4],
        },
    }
    return base.figure([cells], layout)


def tries(found: Sequence[Try], tasks: int) -> base.Figure:
    """How many patients have been reached by each try, of all that were tried."""
    bars = {
        "type": "bar",
        "x": [str(each.number) for each in found],
        "y": [each.reached_so_far / tasks for each in found],
        "marker": {"color": base.ACCENT},
        "text": [percent(each.reached_so_far / tasks) for each in found],
        "textposition": "outside",
        "cliponaxis": False,
        "hovertemplate": "%{x}: %{text}<extra></extra>",
    }
    layout = {
        "margin": {"l": 48, "r": 16, "t": 24, "b": 48},
        "bargap": 0.4,
        "yaxis": {"tickformat": ".0%", "range": [0, 1.05], "nticks": 6},
        "xaxis": {"type": "category", "title": {"text": _("tries")}},
    }
    return base.figure([bars], layout)


def intervals(rows: Sequence[tuple[str, Rate]]) -> base.Figure:
    """The rate of each group with its 95 % interval."""
    known = [(name, rate) for name, rate in rows if rate.denominator]
    return _ranges(
        [name for name, _rate in known],
        [(rate.value or 0.0, rate.low or 0.0, rate.high or 0.0) for _name, rate in known],
        [f"{name}: {percent(rate.value)}, {rate.numerator}/{rate.denominator}" for name, rate in known],
        {"tickformat": ".0%", "rangemode": "tozero"},
    )


def expected_ratios(rows: Sequence[tuple[str, float, float, float]]) -> base.Figure:
    """Observed / expected of each department with its interval; 1 is as many as expected."""
    figure = _ranges(
        [name for name, *_rest in rows],
        [(value, low, high) for _name, value, low, high in rows],
        [f"{name}: {value:.2f} ({low:.2f} – {high:.2f})" for name, value, low, high in rows],
        {"rangemode": "tozero", "tickformat": ".1f"},
    )
    figure["layout"]["shapes"] = [
        {"type": "line", "x0": 1, "x1": 1, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": base.INK, "width": 1.5}}
    ]
    return figure


def drivers(rows: Sequence[tuple[str, Correlation]]) -> base.Figure:
    """How strongly each question moves with the overall score, with its interval."""
    return _ranges(
        [name for name, _found in rows],
        [(found.r, found.low, found.high) for _name, found in rows],
        [f"{name}: {found.r:.2f} ({found.low:.2f} – {found.high:.2f}), n = {found.n}" for name, found in rows],
        {"tickformat": ".1f", "range": [min(0.0, *(found.low for _name, found in rows)), 1]},
    )


def months(names: Sequence[str], means: Sequence[Score], chart: Chart) -> base.Figure:
    """The mean of each month with its 95 % interval; with limits of an XmR chart where there are enough months.

    All ``means`` have a value; months to be read with caution are drawn as hollow marks.
    """
    values = [mean.value or 0.0 for mean in means]
    spans = [
        (value if mean.low is None else mean.low, value if mean.high is None else mean.high)
        for value, mean in zip(values, means, strict=True)
    ]
    kinds = [base.KINDS[verdict(point.signal, higher_is_better=True)] for point in chart.points]
    data: list[base.Figure] = []
    notes: list[base.Figure] = []
    limits = [(point.low, point.high) for point in chart.points if point.low is not None and point.high is not None]
    if chart.firmness is not Firmness.NONE and chart.mean is not None and limits:
        ends = [names[0], names[-1]]
        low, high = limits[-1]
        data += [base.line(ends, [at, at], color=base.LINE_STRONG, width=1.25) for at in (low, high)]
        data.append(base.line(ends, [chart.mean, chart.mean], color=base.INK_3, width=1.5))
        notes.append(base.note(names[-1], chart.mean, _("mean %(value)s", value=number(chart.mean, 2))))
    data.append(
        {
            "type": "scatter",
            "mode": "lines+markers",
            "x": list(names),
            "y": values,
            "error_y": {
                "type": "data",
                "symmetric": False,
                "array": [high - value for value, (_low, high) in zip(values, spans, strict=True)],
                "arrayminus": [value - low for value, (low, _high) in zip(values, spans, strict=True)],
                "color": base.MIDDLE,
                "thickness": 3,
                "width": 0,
            },
            "line": {"color": base.INK_3, "width": 1.5},
            "marker": {
                "color": [base.MARKER[kind]["color"] for kind in kinds],
                "symbol": [
                    f"{base.MARKER[kind]['symbol']}{'-open' if mean.caution else ''}"
                    for kind, mean in zip(kinds, means, strict=True)
                ],
                "size": [base.MARKER[kind]["size"] + 2 * mean.caution for kind, mean in zip(kinds, means, strict=True)],
                "line": {"width": 2},
            },
            "text": [
                f"{name}: {value:.2f} ({low:.2f} – {high:.2f}), n = {mean.n}"
                for name, value, (low, high), mean in zip(names, values, spans, means, strict=True)
            ],
            "hovertemplate": "%{text}<extra></extra>",
        }
    )
    layout = {
        "margin": {"l": 48, "r": 96, "t": 16, "b": 40},
        "annotations": notes,
        "yaxis": {"nticks": 6},
        "xaxis": {"type": "category", "nticks": 8},
    }
    return base.figure(data, layout)


def _ranges(
    names: Sequence[str],
    values: Sequence[tuple[float, float, float]],
    text: Sequence[str],
    axis: base.Figure,
) -> base.Figure:
    points = {
        "type": "scatter",
        "mode": "markers",
        "cliponaxis": False,
        "x": [value for value, _low, _high in values],
        "y": [_short(name) for name in names],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - value for value, _low, high in values],
            "arrayminus": [value - low for value, low, _high in values],
            "color": base.MIDDLE,
            "thickness": 4,
            "width": 0,
        },
        "marker": {"color": base.ACCENT, "symbol": "square", "size": 9},
        "text": list(text),
        "hovertemplate": "%{text}<extra></extra>",
    }
    layout = {
        "height": max(220, 64 + (40 if any("<br>" in _short(name) for name in names) else 30) * len(names)),
        "margin": {"l": 130, "r": 24, "t": 16, "b": 40},
        "yaxis": {
            "autorange": "reversed",
            "automargin": True,
            "showgrid": False,
            "type": "category",
            "tickfont": {"size": 12, "color": base.INK},
            "ticklabelstandoff": 8,
        },
        "xaxis": {"showgrid": True, "gridcolor": "#e6eaed", "nticks": 6, **axis},
    }
    return base.figure([points], layout)


def _short(name: str) -> str:
    """A name on up to two lines that leave room for the chart; its end is cut where it is longer."""
    lines, width = [""], 0
    for word in re.findall(r"[\u3000-\uffef]|[^\s\u3000-\uffef]+\s*|\s+", name):
        wide = 2 * len(word) if word >= FIRST_WIDE else len(word)
        if width + wide > LINE_WIDTH and lines[-1]:
            if len(lines) == MOST_LINES:
                lines[-1] = f"{lines[-1].rstrip()}…"
                break
            lines, width = [*lines, ""], 0
        lines[-1] += word
        width += wide
    return "<br>".join(line.rstrip() for line in lines)


LINE_WIDTH, MOST_LINES = 34, 2
"""Letters of a line of a name; Chinese ones are twice as wide."""

FIRST_WIDE = "\u3000"
"""From here on letters are wide."""
