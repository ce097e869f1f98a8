"""Revisit measures that a hospital makes from parameters: what is refused, and how they are kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from itertools import pairwise
from typing import Any

from hcrm.reporting.domain.measures import EMER, IMP, OBSENC, Counted, Exclusion, Link, Measure, Unit

SHORT_STAY = "SS"
CLASSES = (IMP, EMER, OBSENC, SHORT_STAY)
"""Classes that can be index or revisit; visits to a clinic and post-acute care are neither."""

LONGEST_DAYS = 365
"""A window is at most a year: what comes later says nothing about the stay, and a figure would never be complete."""

_LIMITS = {Unit.DAYS: LONGEST_DAYS, Unit.HOURS: 24 * LONGEST_DAYS}
_CODE = re.compile(r"[a-z][a-z0-9_]{2,39}")
_DIAGNOSIS = re.compile(r"[A-Z](?:[0-9](?:[0-9A-Z][0-9A-Z]?)?)?")


class Problem(StrEnum):
    """Why a measure cannot be kept as it is."""

    BAD_CODE = "bad_code"
    CODE_TAKEN = "code_taken"
    NO_NAME = "no_name"
    NO_INDEX = "no_index"
    NO_REVISIT = "no_revisit"
    WINDOW_REVERSED = "window_reversed"
    WINDOW_TOO_LONG = "window_too_long"
    BAD_BANDS = "bad_bands"
    BANDS_IN_HOURS = "bands_in_hours"
    BAD_DIAGNOSIS = "bad_diagnosis"
    NOTHING_DECIDES = "nothing_decides"


def problems(measure: Measure) -> tuple[Problem, ...]:
    """What is wrong with the parameters of a measure; empty when it can be counted and understood."""
    longest = _LIMITS[measure.unit]
    decides = measure.counted is Counted.FIRST_DECIDES
    wrong = {
        Problem.BAD_CODE: not _CODE.fullmatch(measure.code),
        Problem.NO_INDEX: not measure.index_classes or not measure.index_classes <= set(CLASSES),
        Problem.NO_REVISIT: not measure.revisit_classes or not measure.revisit_classes <= set(CLASSES),
        Problem.WINDOW_REVERSED: not 0 <= measure.first <= measure.last,
        Problem.WINDOW_TOO_LONG: measure.last > longest,
        Problem.BANDS_IN_HOURS: bool(measure.bands) and measure.unit is Unit.HOURS,
        Problem.BAD_BANDS: not _bands_fit(measure),
        Problem.BAD_DIAGNOSIS: not all(
            _DIAGNOSIS.fullmatch(code) for code in (*measure.ignored_diagnoses, *measure.index_diagnoses)
        )
        or not all(len(code) == _WHOLE for code in measure.ignored_diagnoses),
        Problem.NOTHING_DECIDES: decides and not measure.unplanned_only,
    }
    return tuple(problem for problem, holds in wrong.items() if holds)


_WHOLE = 4
"""Diagnoses that do not count are compared with the first four characters of a code."""


def _bands_fit(measure: Measure) -> bool:
    """Whether the bands are in order, inside the window and beside each other."""
    inside = all(measure.first <= low <= high <= measure.last for low, high in measure.bands)
    return inside and all(one[1] < other[0] for one, other in pairwise(measure.bands))


def code_of(diagnosis: str) -> str:
    """A code of ICD-10 as measures compare it: capitals, without the point."""
    return diagnosis.strip().upper().replace(".", "")


def to_rules(measure: Measure) -> dict[str, Any]:
    """The parameters as a JSON object; ``from_rules`` reads it back."""
    return {
        "index_classes": sorted(measure.index_classes),
        "revisit_classes": sorted(measure.revisit_classes),
        "first": measure.first,
        "last": measure.last,
        "unit": measure.unit.value,
        "link": measure.link.value,
        "excluded": sorted(measure.excluded),
        "counted": measure.counted.value,
        "unplanned_only": measure.unplanned_only,
        "same_facility": measure.same_facility,
        "same_department": measure.same_department,
        "same_diagnosis": measure.same_diagnosis,
        "no_return_plan": measure.no_return_plan,
        "ignored_diagnoses": list(measure.ignored_diagnoses),
        "index_diagnoses": list(measure.index_diagnoses),
        "bands": [list(band) for band in measure.bands],
        "discharge_day": measure.discharge_day,
    }


def from_rules(code: str, rules: Mapping[str, Any]) -> Measure:
    """The measure that ``to_rules`` has written down."""
    plain = ("first", "last", "unplanned_only", "same_facility", "same_department", "same_diagnosis", "no_return_plan")
    return Measure(
        code,
        frozenset(rules["index_classes"]),
        frozenset(rules["revisit_classes"]),
        **{name: rules[name] for name in plain},
        unit=Unit(rules["unit"]),
        link=Link(rules["link"]),
        excluded=frozenset(Exclusion(each) for each in rules["excluded"]) | {Exclusion.DIED},
        counted=Counted(rules["counted"]),
        ignored_diagnoses=tuple(rules["ignored_diagnoses"]),
        index_diagnoses=tuple(rules["index_diagnoses"]),
        bands=tuple((low, high) for low, high in rules["bands"]),
        discharge_day=rules["discharge_day"],
    )
