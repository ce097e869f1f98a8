"""How likely a patient is to come back unplanned: the LACE index, from what the discharge record tells.

van Walraven C et al., CMAJ 2010;182(6):551–557: length of stay, acuity of admission, comorbidity, emergency visits in
the six months before; 0 to 19 points, 10 and more is high risk. The comorbidity is read from ICD-10 codes by prefix
(Quan H et al., Med Care 2005;43:1130–1139, shortened). What is not known counts nothing and is said.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from hcrm.followup.domain.plan import RiskLevel

HIGH_FROM = 10
MEDIUM_FROM = 5

_LENGTH_POINTS = ((14, 7), (7, 5), (4, 4), (3, 3), (2, 2), (1, 1))
_ACUTE_POINTS = 3
_MOST_VISITS = 4
_COMORBID_FROM, _COMORBID_POINTS = 4, 5

_COMORBIDITY: tuple[tuple[int, tuple[str, ...]], ...] = (
    (1, ("I21", "I22", "I252")),
    (1, ("I60", "I61", "I62", "I63", "I64", "I69", "G45")),
    (1, ("I70", "I71", "I731", "I738", "I739")),
    (1, ("E109", "E119", "E139", "E149")),
    (2, ("I50", "I110", "I130", "I132")),
    (2, ("E102", "E103", "E104", "E105", "E112", "E113", "E114", "E115")),
    (2, ("J40", "J41", "J42", "J43", "J44", "J45", "J46", "J47")),
    (2, ("K703", "K73", "K74", "N18", "N19")),
    (2, ("C0", "C1", "C2", "C3", "C4", "C5", "C6", "C70", "C71", "C72", "C73", "C74", "C75", "C76", "C8", "C9")),
    (3, ("F00", "F01", "F02", "F03", "G30")),
    (3, ("M05", "M06", "M32", "M33", "M34")),
    (4, ("B20", "B21", "B22", "B23", "B24")),
    (4, ("K704", "K72", "K766", "K767", "N185", "Z992")),
    (6, ("C77", "C78", "C79", "C80")),
)


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
    found = frozenset().union(*map(_illnesses, codes))
    charlson = sum(_COMORBIDITY[group][0] for group in found)
    return _COMORBID_POINTS if charlson >= _COMORBID_FROM else charlson


@lru_cache(maxsize=20_000)
def _illnesses(code: str) -> frozenset[int]:
    """The illnesses of the index that a code stands for; a hospital writes the same codes again and again."""
    plain = code.upper().replace(".", "")
    return frozenset(group for length in _PREFIX_LENGTHS for group in _GROUPS.get(plain[:length], ()))


def _groups_by_prefix() -> dict[str, tuple[int, ...]]:
    """Which illnesses each prefix stands for, so that a code is looked up and not compared with every prefix."""
    found: dict[str, tuple[int, ...]] = {}
    for group, (_, prefixes) in enumerate(_COMORBIDITY):
        for prefix in prefixes:
            found[prefix] = (*found.get(prefix, ()), group)
    return found


_GROUPS = _groups_by_prefix()
_PREFIX_LENGTHS = sorted({len(prefix) for prefix in _GROUPS})
