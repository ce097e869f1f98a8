"""Whether two shares differ by more than chance."""

from __future__ import annotations

import math
from enum import StrEnum

from hcrm.reporting.domain.reports import Rate

FEW = 30


class Change(StrEnum):
    """How a share stands against an earlier one."""

    TOO_FEW = "too_few"
    NONE = "none"
    HIGHER = "higher"
    LOWER = "lower"


def difference_interval(now: Rate, before: Rate) -> tuple[float, float] | None:
    """95 % interval of the difference of two shares (Newcombe 1998, method 10); None where one is of nothing."""
    if not now.interval or not before.interval or now.value is None or before.value is None:
        return None
    difference = now.value - before.value
    (low_now, high_now), (low_before, high_before) = now.interval, before.interval
    low = difference - math.hypot(now.value - low_now, high_before - before.value)
    high = difference + math.hypot(high_now - now.value, before.value - low_before)
    return low, high


def change(now: Rate, before: Rate) -> Change:
    """Higher or lower only when chance alone does not explain it; too few below 30 on either side."""
    interval = difference_interval(now, before)
    if interval is None or min(now.denominator, before.denominator) < FEW:
        return Change.TOO_FEW
    if interval[0] > 0:
        return Change.HIGHER
    return Change.LOWER if interval[1] < 0 else Change.NONE
