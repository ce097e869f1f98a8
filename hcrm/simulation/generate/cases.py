"""Departments made ready for drawing: tables in which each entry is as likely as the next, so that a draw is cheap."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import lru_cache
from math import cos, exp, log, pi, sqrt
from statistics import NormalDist

from hcrm.simulation.catalogue import DepartmentKind, Diagnosis

MOST_NIGHTS = 45
"""The longest stay."""
CHILD_AGE = 14
"""Years below which a parent is called."""
YEAR = 365.25
_STEPS = 128
_SPREAD = 0.75
"""Sigma of the logarithm of lengths of stay: many short stays, few long ones."""
_AT_HOME = 1.5
"""Departments with a shorter mean stay keep nobody overnight."""

INPATIENT_ENDS = ("home",) * 89 + ("home_care",) * 6 + ("other_facility",) * 3 + ("against_advice", "unknown")
DAY_CASE_ENDS = ("home",) * 100
EMERGENCY_ENDS = (
    ("home",) * 81 + ("admitted",) * 12 + ("left_without_being_seen",) * 3 + ("left_before_completion",) * 2
    + ("against_advice",) * 2
)  # fmt: skip
CANCER_ENDS = ("home",) * 80 + ("home_care",) * 10 + ("hospice",) * 6 + ("other_facility",) * 4

ROUND_TIMES = tuple(
    time(hour, minute) for hour in (9, 10, 10, 11, 11, 11, 12, 14, 15, 16, 17) for minute in range(0, 60, 5)
)
"""When patients leave a ward."""
ALL_HOURS = tuple(time(hour, minute) for hour in range(4, 24) for minute in range(0, 60, 5))
"""When emergencies come and go: not between one and three, which some nights do not have or have twice."""
MORNINGS = tuple(time(hour, minute) for hour in (6, 7, 7, 8, 8) for minute in range(0, 60, 5))
"""When those come who were asked to."""


@dataclass(frozen=True, slots=True)
class Case:
    """A diagnosis with its ages: ``ages`` are ``_STEPS`` + 1 quantiles in days."""

    code: str
    sex: str
    youngest: int
    oldest: int
    ages: tuple[float, ...]

    def age(self, chance: float) -> int:
        """An age in days for a number between 0 and 1."""
        place = chance * _STEPS
        at = int(place)
        low = self.ages[at]
        return int(low + (place - at) * (self.ages[at + 1] - low))

    def fits(self, sex: str, years: int) -> bool:
        return (not self.sex or self.sex == sex) and self.youngest <= years <= self.oldest


@dataclass(frozen=True, slots=True)
class Drawn:
    """A department ready for drawing; ``times`` are when its patients leave, ``returns`` and ``mild`` by diagnosis."""

    kind: DepartmentKind
    cases: tuple[Case, ...]
    nights: tuple[int, ...]
    ends: tuple[str, ...]
    times: tuple[time, ...]
    arrivals: tuple[time, ...]
    emergency: bool
    returns: Mapping[str, tuple[str, ...]]
    mild: frozenset[str]

    def pace(self, day: date) -> float:
        """How many discharges a day has as a share of a weekday's mean: the rhythm of week and year."""
        year_day = day.timetuple().tm_yday
        season = 1 + self.kind.winter * cos(2 * pi * (year_day - 15) / YEAR)
        return season * (self.kind.weekend if day.weekday() >= 5 else 1.0)


@lru_cache(maxsize=64)
def drawn(kind: DepartmentKind) -> Drawn:
    """The tables of a department."""
    emergency = kind.encounter_class == "emergency"
    ends = {"emergency": EMERGENCY_ENDS, "day case": DAY_CASE_ENDS}.get(kind.encounter_class, INPATIENT_ENDS)
    return Drawn(
        kind=kind,
        cases=tuple(case for each in kind.diagnoses for case in (_case(each),) * each.weight),
        nights=_nights(kind.mean_stay),
        ends=CANCER_ENDS if kind.code == "ONC" else ends,
        times=ALL_HOURS if emergency else ROUND_TIMES,
        arrivals=MORNINGS if kind.surgical else ALL_HOURS + MORNINGS * 2,
        emergency=emergency,
        returns={each.code: each.returns for each in kind.diagnoses if each.returns},
        mild=frozenset(each.code for each in kind.diagnoses if each.mild),
    )


def _case(diagnosis: Diagnosis) -> Case:
    low, high = float(diagnosis.youngest), diagnosis.oldest + 0.99
    middle = (low + high) / 2

    def triangular(share: float) -> float:
        """The quantile of a triangular distribution that peaks in the middle."""
        half = (middle - low) * (high - low)
        return low + sqrt(share * half) if share < 0.5 else high - sqrt((1 - share) * half)

    ages = _quantiles(triangular, _STEPS + 1, whole=True)
    return Case(
        diagnosis.code, diagnosis.sex, diagnosis.youngest, diagnosis.oldest, tuple(age * YEAR + 1 for age in ages)
    )


def _nights(mean: float) -> tuple[int, ...]:
    """Nights of a stay: a lognormal distribution of the mean, at least one, at most ``MOST_NIGHTS``."""
    if mean < _AT_HOME:
        return (0,)
    normal = NormalDist(log(mean) - _SPREAD**2 / 2, _SPREAD)
    values = _quantiles(lambda share: exp(normal.inv_cdf(share)), 256, whole=False)
    return tuple(min(MOST_NIGHTS, max(1, round(value))) for value in values)


def _quantiles(function: Callable[[float], float], count: int, *, whole: bool) -> Sequence[float]:
    """``count`` quantiles: from 0 to 1 (``whole``), or of the middles of as many equal parts."""
    if whole:
        return [function(at / (count - 1)) for at in range(count)]
    return [function((at + 0.5) / count) for at in range(count)]
