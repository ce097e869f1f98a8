"""Kaplan–Meier: the share of patients that has come back by each day, younger discharges counted as long as seen.

E. L. Kaplan, P. Meier (1958); variance by Greenwood, 95 % interval on the log-log scale (Kalbfleisch and Prentice),
as R's ``conf.type="log-log"`` and lifelines give it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Returned:
    """By the end of ``day``: the share that has come back with its 95 % interval, and how many were still watched."""

    day: int
    at_risk: int
    events: int
    share: float
    low: float
    high: float


def returned_by_day(watched: Iterable[tuple[int, bool, int]], last_day: int) -> tuple[Returned, ...]:
    """One entry for each day 0 … ``last_day``.

    ``watched`` holds the day on which a discharge was seen last, whether it came back on that day, and how many such
    discharges there are. Who was seen last on a day counts as at risk on that day.
    """
    events: Counter[int] = Counter()
    leaving: Counter[int] = Counter()
    for day, came_back, discharges in watched:
        leaving[day] += discharges
        events[day] += discharges * came_back
    at_risk, stayed_away, greenwood, curve = sum(leaving.values()), 1.0, 0.0, []
    for day in range(last_day + 1):
        back = events[day]
        if back and at_risk:
            stayed_away *= 1 - back / at_risk
            greenwood += back / (at_risk * (at_risk - back)) if at_risk > back else math.inf
        low, high = _interval(stayed_away, greenwood)
        curve.append(Returned(day, at_risk, back, 1 - stayed_away, low, high))
        at_risk -= leaving[day]
    return tuple(curve)


def _interval(stayed_away: float, greenwood: float) -> tuple[float, float]:
    if stayed_away >= 1 or stayed_away <= 0 or math.isinf(greenwood):
        return 1 - stayed_away, 1 - stayed_away
    reach = NormalDist().inv_cdf(0.975) * math.sqrt(greenwood) / abs(math.log(stayed_away))
    return 1 - stayed_away ** math.exp(-reach), 1 - stayed_away ** math.exp(reach)
