"""Funnel plot: departments against their size, instead of a league table.

D. J. Spiegelhalter, "Funnel plots for comparing institutional performance", Statistics in Medicine 24 (2005), with the
random-effects treatment of over-dispersion (winsorised z-scores, additive variance τ²) on the arcsine scale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

WINSORISED_SHARE = 0.1
WARNING, ALARM = 0.95, 0.998


class Place(StrEnum):
    """Where a department lies against the 99.8 % limits, and between them and the 95 % limits."""

    INSIDE = "inside"
    HIGH_WARNING = "high_warning"
    LOW_WARNING = "low_warning"
    HIGH = "high"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Funnel:
    """Centre (mean rate) and over-dispersion of a funnel plot; ``phi`` ≤ 1 means no more spread than chance."""

    mean: float
    phi: float
    tau2: float

    def limit(self, level: float, size: float, *, upper: bool) -> float:
        """The limit at ``level`` (0.95, 0.998) for a group of ``size``, a rate between 0 and 1."""
        reach = NormalDist().inv_cdf(0.5 + level / 2) * math.sqrt(1 / (4 * size) + self.tau2)
        angle = math.asin(math.sqrt(self.mean)) + (reach if upper else -reach)
        return math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2

    def place(self, numerator: int, denominator: int) -> Place:
        """Where a group with ``numerator`` of ``denominator`` lies."""
        rate = numerator / denominator
        for level, high, low in ((ALARM, Place.HIGH, Place.LOW), (WARNING, Place.HIGH_WARNING, Place.LOW_WARNING)):
            if rate > self.limit(level, denominator, upper=True):
                return high
            if rate < self.limit(level, denominator, upper=False):
                return low
        return Place.INSIDE


def funnel(groups: Sequence[tuple[int, int]]) -> Funnel | None:
    """Fit centre and spread to (numerator, denominator) of each group; None without any denominator."""
    sized = [(numerator, denominator) for numerator, denominator in groups if denominator > 0]
    if not sized:
        return None
    mean = sum(numerator for numerator, _ in sized) / sum(denominator for _, denominator in sized)
    scores = sorted(
        (math.asin(math.sqrt(numerator / denominator)) - math.asin(math.sqrt(mean))) * 2 * math.sqrt(denominator)
        for numerator, denominator in sized
    )
    phi = sum(score**2 for score in winsorised(scores)) / len(scores)
    return Funnel(mean, phi, _tau2(phi, [denominator for _, denominator in sized]))


def winsorised(scores: Sequence[float]) -> list[float]:
    """Sorted ``scores`` with a tenth at each end drawn in to the next value."""
    cut = math.floor(WINSORISED_SHARE * len(scores))
    low, high = scores[cut], scores[len(scores) - 1 - cut]
    return [min(max(score, low), high) for score in scores]


def _tau2(phi: float, sizes: Sequence[int]) -> float:
    """The variance between groups beyond chance (DerSimonian and Laird's estimate from phi)."""
    number = len(sizes)
    if number < 2 or number * phi <= number - 1:
        return 0.0
    weights = [4 * size for size in sizes]
    return (number * phi - (number - 1)) / (sum(weights) - sum(weight**2 for weight in weights) / sum(weights))
