"""Control charts: p-charts with Laney's correction, XmR charts, limits and signals.

Rules: NHS England, *Making Data Count*; D. B. Laney, "Improved control charts for attributes", Quality Engineering 14
(2002). A chart needs 12 points for provisional limits, 20 for firm ones; limits of a rate stay within 0 and 1;
provisional points take no part in the mean, the limits or the signals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

PROVISIONAL_POINTS, FIRM_POINTS = 12, 20
SHIFT_RUN, TREND_RUN = 7, 6
_D2, _XMR_LIMIT, _RANGE_LIMIT = 1.128, 2.66, 3.267


class Signal(StrEnum):
    """What special cause a point belongs to. A point outside the limits outranks a run."""

    NONE = "none"
    ABOVE_LIMIT = "above_limit"
    BELOW_LIMIT = "below_limit"
    SHIFT_UP = "shift_up"
    SHIFT_DOWN = "shift_down"
    TREND_UP = "trend_up"
    TREND_DOWN = "trend_down"
    NEAR_UPPER = "near_upper"
    NEAR_LOWER = "near_lower"

    @property
    def upwards(self) -> bool:
        return self in {Signal.ABOVE_LIMIT, Signal.SHIFT_UP, Signal.TREND_UP, Signal.NEAR_UPPER}


class Verdict(StrEnum):
    """How a signal reads: which way is good depends on the figure."""

    IMPROVEMENT = "improvement"
    CONCERN = "concern"
    VARIATION = "variation"


class Firmness(StrEnum):
    """How far limits can be trusted: none below 12 points, provisional below 20."""

    NONE = "none"
    PROVISIONAL = "provisional"
    FIRM = "firm"


class Capability(StrEnum):
    """Whether a target can be met reliably, as the process runs now."""

    UNKNOWN = "unknown"
    ALWAYS = "always"
    SOMETIMES = "sometimes"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Count:
    """One period of a rate: ``numerator`` of ``denominator``; provisional when it can still change."""

    numerator: int
    denominator: int
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Point:
    """One period on a chart; ``value`` None when there was nothing to count."""

    value: float | None
    low: float | None
    high: float | None
    signal: Signal
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """A control chart; ``mean`` None when there is no point at all. ``sigma_z`` is Laney's, 1 when not corrected."""

    points: tuple[Point, ...]
    mean: float | None
    firmness: Firmness
    sigma_z: float = 1.0


def p_chart(counts: Sequence[Count], *, baseline: int | None = None) -> Chart:
    """A chart of proportions, with Laney's p′ where they spread more than chance explains.

    ``baseline`` freezes mean and spread to that many first usable points.
    """
    usable = [at for at, count in enumerate(counts) if count.denominator > 0 and not count.provisional]
    if not usable:
        return Chart(tuple(_bare(count) for count in counts), None, Firmness.NONE)
    base = [counts[at] for at in (usable if baseline is None else usable[:baseline])]
    mean = sum(count.numerator for count in base) / sum(count.denominator for count in base)
    firmness = _firmness(len(base))
    if firmness is Firmness.NONE:
        return Chart(tuple(_bare(count) for count in counts), mean, firmness)
    sigma_z = laney_sigma(base, mean)
    limits = [_p_limits(count, mean, sigma_z) for count in counts]
    values = [_rate(count) for count in counts]
    found = _signals_at(usable, values, limits, mean)
    points = tuple(
        Point(
            values[at],
            limit[0] if limit else None,
            limit[1] if limit else None,
            found.get(at, Signal.NONE),
            counts[at].provisional,
        )
        for at, limit in enumerate(limits)
    )
    return Chart(points, mean, firmness, sigma_z)


def laney_sigma(counts: Sequence[Count], mean: float) -> float:
    """Spread of the standardised rates by their moving ranges, never below 1 (chance alone)."""
    if not 0 < mean < 1:
        return 1.0
    scores = [
        (count.numerator / count.denominator - mean) / math.sqrt(mean * (1 - mean) / count.denominator)
        for count in counts
    ]
    ranges = [abs(after - before) for before, after in pairwise(scores)]
    return max(1.0, sum(ranges) / len(ranges) / _D2) if ranges else 1.0


def xmr_chart(values: Sequence[float], *, baseline: int | None = None) -> Chart:
    """A chart of single values: mean ± 2.66 × mean moving range, ranges above 3.267 × their mean left out."""
    base = list(values if baseline is None else values[:baseline])
    if not base:
        return Chart((), None, Firmness.NONE)
    mean = sum(base) / len(base)
    firmness = _firmness(len(base))
    if firmness is Firmness.NONE:
        return Chart(tuple(Point(value, None, None, Signal.NONE) for value in values), mean, firmness)
    reach = _XMR_LIMIT * _mean_range(base)
    limits: list[tuple[float, float] | None] = [(mean - reach, mean + reach)] * len(values)
    found = _signals_at(range(len(values)), list(values), limits, mean)
    points = tuple(
        Point(value, mean - reach, mean + reach, found.get(at, Signal.NONE)) for at, value in enumerate(values)
    )
    return Chart(points, mean, firmness)


def _mean_range(values: Sequence[float]) -> float:
    ranges = [abs(after - before) for before, after in pairwise(values)]
    mean = sum(ranges) / len(ranges)
    kept = [size for size in ranges if size <= _RANGE_LIMIT * mean]
    return sum(kept) / len(kept) if kept else mean


def signals(values: Sequence[float], limits: Sequence[tuple[float, float]], mean: float) -> tuple[Signal, ...]:
    """The signal of each point: outside the limits; 7 in a row on one side of the mean; 6 rises or falls in a row;
    2 of 3 beyond two thirds of the way to one limit. Every point of a run is marked.
    """
    marks = [Signal.NONE] * len(values)
    _mark_near_limit(values, limits, mean, marks)
    _mark_trends(values, marks)
    _mark_shifts(values, mean, marks)
    for at, (value, (low, high)) in enumerate(zip(values, limits, strict=True)):
        if value > high:
            marks[at] = Signal.ABOVE_LIMIT
        elif value < low:
            marks[at] = Signal.BELOW_LIMIT
    return tuple(marks)


def verdict(signal: Signal, *, higher_is_better: bool) -> Verdict:
    """Whether a signal is an improvement or a concern."""
    if signal is Signal.NONE:
        return Verdict.VARIATION
    return Verdict.IMPROVEMENT if signal.upwards == higher_is_better else Verdict.CONCERN


def capability(chart: Chart, target: float, *, higher_is_better: bool = True) -> Capability:
    """Whether the limits of the newest usable point lie wholly on one side of ``target``."""
    with_limits = [point for point in chart.points if point.low is not None and not point.provisional]
    if not with_limits:
        return Capability.UNKNOWN
    low, high = with_limits[-1].low or 0.0, with_limits[-1].high or 0.0
    if low >= target:
        return Capability.ALWAYS if higher_is_better else Capability.NEVER
    if high <= target:
        return Capability.NEVER if higher_is_better else Capability.ALWAYS
    return Capability.SOMETIMES


def expected_false_alarms(charts: int) -> float:
    """How many of so many charts, where nothing changed, show a newest point outside 3-sigma limits by chance."""
    return charts * math.erfc(3 / math.sqrt(2))


def _signals_at(
    usable: Sequence[int],
    values: Sequence[float | None],
    limits: Sequence[tuple[float, float] | None],
    mean: float,
) -> dict[int, Signal]:
    kept = [(at, value, limit) for at in usable if (value := values[at]) is not None and (limit := limits[at])]
    found = signals([value for _, value, _ in kept], [limit for _, _, limit in kept], mean)
    return {at: signal for (at, _, _), signal in zip(kept, found, strict=True)}


def _mark_near_limit(
    values: Sequence[float], limits: Sequence[tuple[float, float]], mean: float, marks: list[Signal]
) -> None:
    for side, signal in ((1, Signal.NEAR_UPPER), (-1, Signal.NEAR_LOWER)):
        beyond = [_beyond_two_thirds(value, limit, mean, side) for value, limit in zip(values, limits, strict=True)]
        for start in range(len(values) - 2):
            if sum(beyond[start : start + 3]) >= 2:
                for at in range(start, start + 3):
                    if beyond[at]:
                        marks[at] = signal


def _beyond_two_thirds(value: float, limit: tuple[float, float], mean: float, side: int) -> bool:
    edge = limit[1] if side > 0 else limit[0]
    return side * (value - (mean + (edge - mean) * 2 / 3)) > 0


def _mark_trends(values: Sequence[float], marks: list[Signal]) -> None:
    steps = [_sign(after - before) for before, after in pairwise(values)]
    for direction, signal in ((1, Signal.TREND_UP), (-1, Signal.TREND_DOWN)):
        for start, end in _runs(steps, direction, TREND_RUN):
            marks[start : end + 1] = [signal] * (end + 1 - start)


def _mark_shifts(values: Sequence[float], mean: float, marks: list[Signal]) -> None:
    sides = [_sign(value - mean) for value in values]
    for direction, signal in ((1, Signal.SHIFT_UP), (-1, Signal.SHIFT_DOWN)):
        for start, end in _runs(sides, direction, SHIFT_RUN):
            marks[start:end] = [signal] * (end - start)


def _runs(items: Sequence[int], wanted: int, at_least: int) -> list[tuple[int, int]]:
    """Start and end (exclusive) of every run of ``wanted`` that is long enough."""
    found, start = [], None
    for at, item in enumerate([*items, None]):
        if item == wanted:
            start = at if start is None else start
        elif start is not None:
            if at - start >= at_least:
                found.append((start, at))
            start = None
    return found


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _p_limits(count: Count, mean: float, sigma_z: float) -> tuple[float, float] | None:
    if count.denominator == 0:
        return None
    reach = 3 * sigma_z * math.sqrt(mean * (1 - mean) / count.denominator)
    return max(0.0, mean - reach), min(1.0, mean + reach)


def _rate(count: Count) -> float | None:
    return count.numerator / count.denominator if count.denominator else None


def _bare(count: Count) -> Point:
    return Point(_rate(count), None, None, Signal.NONE, count.provisional)


def _firmness(points: int) -> Firmness:
    if points < PROVISIONAL_POINTS:
        return Firmness.NONE
    return Firmness.PROVISIONAL if points < FIRM_POINTS else Firmness.FIRM
