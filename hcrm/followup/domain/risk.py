"""How likely a patient is to come back unplanned: the LACE index, from what the discharge record tells.

van Walraven C et al., CMAJ 2010;182(6):551–557: length of stay, acuity of admission, comorbidity, emergency visits in
the six months before; 0 to 19 points, 10 and more is high risk. The comorbidity is read from ICD-10 codes
(``charlson``). What is not known counts nothing and is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from hcrm.followup.domain.charlson import lace_points
from hcrm.followup.domain.plan import RiskLevel

HIGH_FROM = 10
MEDIUM_FROM = 5

_LENGTH_POINTS = ((14, 7), (7, 5), (4, 4), (3, 3), (2, 2), (1, 1))
_ACUTE_POINTS = 3
_MOST_VISITS = 4
_COMORBID_FROM, _COMORBID_POINTS = 4, 5

MOST_POINTS = {"length_of_stay": 7, "acuity": 3, "comorbidity": 5, "emergency_visits": 4}
"""The most that each part can add."""


class RiskPart(StrEnum):
    """The four parts of the index."""

    LENGTH_OF_STAY = "length_of_stay"
    ACUITY = "acuity"
    COMORBIDITY = "comorbidity"
    EMERGENCY_VISITS = "emergency_visits"


class RiskAssessment(NamedTuple):
    """The score and what each part adds to it; ``None`` where nothing was known about the part."""

    score: int
    parts: tuple[tuple[RiskPart, int | None], ...]

    @property
    def level(self) -> RiskLevel:
        if self.score >= HIGH_FROM:
            return RiskLevel.HIGH
        return RiskLevel.MEDIUM if self.score >= MEDIUM_FROM else RiskLevel.LOW

    @property
    def points(self) -> tuple[tuple[RiskPart, int], ...]:
        """The points of each part that something was known about."""
        return tuple((part, points) for part, points in self.parts if points is not None)

    @property
    def missing(self) -> tuple[RiskPart, ...]:
        """The parts that nothing was known about."""
        return tuple(part for part, points in self.parts if points is None)


def assess_risk(
    *, days_in_hospital: int | None, planned: bool | None, diagnoses: Iterable[str], emergency_visits: int | None
) -> RiskAssessment:
    """The LACE index of one stay.

    ``days_in_hospital`` are nights (0 for a day case), ``planned`` is false for an acute admission, ``diagnoses`` are
    ICD-10 codes of any length, ``emergency_visits`` are those in the 180 days before admission; ``None`` is not known.
    """
    codes = tuple(filter(None, diagnoses))
    length = _length_points(days_in_hospital)
    acuity = None if planned is None else 0 if planned else _ACUTE_POINTS
    comorbidity = _comorbidity_points(codes) if codes else None
    visits = None if emergency_visits is None else min(emergency_visits, _MOST_VISITS)
    return _assessment(length, acuity, comorbidity, visits)


@lru_cache(maxsize=1_000)
def _assessment(length: int | None, acuity: int | None, comorbidity: int | None, visits: int | None) -> RiskAssessment:
    return RiskAssessment(
        (length or 0) + (acuity or 0) + (comorbidity or 0) + (visits or 0),
        (
            (RiskPart.LENGTH_OF_STAY, length),
            (RiskPart.ACUITY, acuity),
            (RiskPart.COMORBIDITY, comorbidity),
            (RiskPart.EMERGENCY_VISITS, visits),
        ),
    )


@lru_cache(maxsize=100)
def _length_points(days: int | None) -> int | None:
    if days is None:
        return None
    return next((points for least, points in _LENGTH_POINTS if days >= least), 0)


@lru_cache(maxsize=20_000)
def _comorbidity_points(codes: tuple[str, ...]) -> int:
    points = lace_points(codes)
    return _COMORBID_POINTS if points >= _COMORBID_FROM else points
