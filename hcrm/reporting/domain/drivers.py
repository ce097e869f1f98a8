"""How each question of a survey moves with the overall score: Pearson's correlation with Fisher's 95 % interval.

R. A. Fisher, "On the probable error of a coefficient of correlation", Metron 1 (1921). It says what goes together, not
what causes what.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

LEAST_PAIRS = 30
"""With fewer patients who answered both, nothing is said."""


@dataclass(frozen=True, slots=True)
class Correlation:
    """``r`` between −1 and 1 with its 95 % interval, over ``n`` pairs."""

    r: float
    low: float
    high: float
    n: int


def correlation(pairs: Sequence[tuple[float, float]]) -> Correlation | None:
    """None with fewer than four pairs, or where one of the two never changes."""
    n = len(pairs)
    if n < 4:
        return None
    mean_x, mean_y = sum(x for x, _ in pairs) / n, sum(y for _, y in pairs) / n
    xx = sum((x - mean_x) ** 2 for x, _ in pairs)
    yy = sum((y - mean_y) ** 2 for _, y in pairs)
    if xx <= 0 or yy <= 0:
        return None
    r = sum((x - mean_x) * (y - mean_y) for x, y in pairs) / math.sqrt(xx * yy)
    r = min(1.0, max(-1.0, r))
    if abs(r) > 1 - 1e-12:
        return Correlation(r, r, r, n)
    reach = NormalDist().inv_cdf(0.975) / math.sqrt(n - 3)
    return Correlation(r, math.tanh(math.atanh(r) - reach), math.tanh(math.atanh(r) + reach), n)
