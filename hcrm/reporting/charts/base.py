"""The look that all figures have in common: palette, template, words beside lines.

The only module that imports Plotly. Figures are plain dictionaries, because building them as ``plotly.graph_objects``
takes longer than everything else of the page together; a test has Plotly validate every one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

from hcrm.reporting.domain.spc import Verdict
from hcrm.web import language

Figure = dict[str, Any]

FONT = (
    '-apple-system, BlinkMacSystemFont, "Segoe UI", "Helvetica Neue", Arial, "PingFang SC", "Microsoft YaHei", '
    '"Noto Sans SC", "Noto Sans CJK SC", sans-serif'
)
INK, INK_2, INK_3 = "#17222b", "#3f4c57", "#53606b"
LINE_STRONG, SURFACE = "#71808c", "#ffffff"
ACCENT, MIDDLE, QUIET = "#0b5f6e", "#5c98a3", "#87959f"
BETTER, WORSE, PLAIN = "#0065a3", "#a8470a", "#53606b"
BAND, ACCENT_BAND = "rgba(83, 96, 107, 0.12)", "rgba(11, 95, 110, 0.16)"
BOLD = 700
NAMED = 3
"""So many of the largest departments carry their name even when nothing is special about them."""


# Shape and size carry the meaning without colour.
MARKER: Mapping[str, Mapping[str, Any]] = {
    "plain": {"color": PLAIN, "symbol": "circle", "size": 6},
    "better": {"color": BETTER, "symbol": "circle", "size": 11},
    "worse": {"color": WORSE, "symbol": "diamond", "size": 12},
}
KINDS = {Verdict.IMPROVEMENT: "better", Verdict.CONCERN: "worse", Verdict.VARIATION: "plain"}
_AXIS: Figure = {
    "showgrid": False,
    "zeroline": False,
    "showline": True,
    "linecolor": LINE_STRONG,
    "linewidth": 1,
    "ticks": "outside",
    "ticklen": 4,
    "tickcolor": LINE_STRONG,
    "tickfont": {"size": 12, "color": INK_2},
    "title": {"font": {"size": 12, "color": INK_2}, "standoff": 8},
    "fixedrange": True,
}
_Y_AXIS: Figure = {
    "showgrid": True,
    "gridcolor": "#e6eaed",
    "showline": False,
    "ticks": "",
    "ticklabelstandoff": 6,
}
TEMPLATE: Figure = go.layout.Template(
    layout=go.Layout(
        font={"family": FONT, "size": 13, "color": INK},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        showlegend=False,
        colorway=[ACCENT, INK_3, BETTER, WORSE],
        margin={"l": 48, "r": 96, "t": 16, "b": 40},
        hovermode="closest",
        dragmode=False,
        hoverlabel={"bgcolor": INK, "bordercolor": INK, "font": {"color": "#ffffff", "size": 13, "family": FONT}},
        separators=".,",
        xaxis=_AXIS,
        yaxis=_AXIS | _Y_AXIS,
        transition={"duration": 0},
    )
).to_plotly_json()
"""The look of all figures, checked by Plotly when the program starts."""


def figure(data: list[Figure], layout: Figure) -> Figure:
    return {"data": data, "layout": {"template": TEMPLATE, **layout}}


def day_format() -> str:
    """How an axis writes a day of the year in the language of the page."""
    return "%-m月%-d日" if language() == "zh_Hans" else "%-d %b"


def line(x: Sequence[Any], y: Sequence[float], *, color: str, width: float, dash: str = "solid") -> Figure:
    line = {"color": color, "width": width, "dash": dash}
    return {"type": "scatter", "mode": "lines", "x": list(x), "y": list(y), "line": line, "hoverinfo": "skip"}


def note(x: Any, y: Any, text: str, colour: str = INK_2) -> Figure:
    """A word where the line or point is, instead of a legend."""
    font = {"size": 12, "color": colour}
    return {"x": x, "y": y, "text": text, "showarrow": False, "xanchor": "left", "xshift": 8, "font": font}


def apart(notes: list[Figure]) -> list[Figure]:
    """Words at the end of lines that nearly meet are moved apart, the upper one up and the lower one down."""
    ordered = sorted(notes, key=lambda note: -float(note["y"]))
    span = float(ordered[0]["y"]) - float(ordered[-1]["y"]) if len(ordered) > 1 else 1.0
    for above, below in pairwise(ordered):
        if float(above["y"]) - float(below["y"]) < max(0.02, 0.12 * span):
            above["yshift"], below["yshift"] = above.get("yshift", 0) + 7, -8
    return ordered
