"""Scores weighted for unequal response: departments and ages count as they were invited, not as they answered.

Post-stratification: each cell of department and age band weighs its share of the invited over its share of the
answered (Holt and Smith 1979). Cells with few answers are joined with the next age band, then with the rest of the
hospital; weights are cut at ``MOST``. Intervals use the effective number of answers (Kish 1965). A weighted figure is
shown beside the raw one, never instead of it.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hcrm.survey.domain.questionnaire import AnswerValue
from hcrm.survey.domain.scoring import CAUTION_BELOW, NO_SCORE, SMALL_GROUP, Score, counted, wilson

MOST = 5.0
AGE_BANDS = (0, 18, 45, 65, 80)
"""Where an age band begins, in years."""
UNKNOWN_AGE = -1


@dataclass(frozen=True, slots=True)
class Cell:
    """Patients of one department and age band: how many were invited, and how often each answer was given."""

    department: int | None
    age_band: int
    invited: int
    values: Counter[AnswerValue] = field(default_factory=Counter)

    @property
    def answered(self) -> int:
        return counted(self.values).total()


def age_band(years: int | None) -> int:
    """The beginning of the band that an age lies in; ``UNKNOWN_AGE`` without one."""
    if years is None or years < 0:
        return UNKNOWN_AGE
    return max(start for start in AGE_BANDS if start <= years)


def joined_cells(cells: Iterable[Cell], least: int = SMALL_GROUP) -> tuple[Cell, ...]:
    """Cells with at least ``least`` answers each, as far as there are any: small ones are joined with their neighbours.

    First within the department, from the youngest band up; what is left of a department joins the other leftovers.
    """
    departments: dict[int | None, list[Cell]] = defaultdict(list)
    for cell in cells:
        departments[cell.department].append(cell)
    found: list[Cell] = []
    rest: list[Cell] = []
    for department in sorted(departments, key=lambda key: (key is None, key or 0)):
        bands = _grown(sorted(departments[department], key=lambda cell: cell.age_band), least)
        (found if bands[0].answered >= least else rest).extend(bands)
    whole = _grown(rest, least) if rest else []
    if whole and whole[0].answered < least and found:
        found[-1] = _together([found[-1], *whole])
        whole = []
    return tuple(found + whole)


def _grown(cells: Sequence[Cell], least: int) -> list[Cell]:
    """Neighbours joined until each has enough; only a single cell may have fewer."""
    grown: list[Cell] = []
    for cell in cells:
        if grown and grown[-1].answered < least:
            grown[-1] = _together([grown[-1], cell])
        else:
            grown.append(cell)
    if len(grown) > 1 and grown[-1].answered < least:
        last = grown.pop()
        grown[-1] = _together([grown[-1], last])
    return grown


def _together(cells: Sequence[Cell]) -> Cell:
    values: Counter[AnswerValue] = Counter()
    for cell in cells:
        values += cell.values
    return Cell(cells[0].department, cells[0].age_band, sum(cell.invited for cell in cells), values)


def weights(cells: Sequence[Cell]) -> tuple[float, ...]:
    """The weight of one answer in each cell; 0 where nobody answered, on average 1 over all answers."""
    answered = [cell.answered for cell in cells]
    invited, total = sum(cell.invited for cell in cells), sum(answered)
    if not invited or not total:
        return tuple(0.0 for _ in cells)
    raw = [
        min(MOST, (cell.invited / invited) / (n / total)) if n else 0.0 for cell, n in zip(cells, answered, strict=True)
    ]
    mean = math.fsum(weight * n for weight, n in zip(raw, answered, strict=True)) / total
    return tuple(weight / mean for weight in raw) if mean else tuple(1.0 if n else 0.0 for n in answered)


def effective_n(cells: Sequence[Cell], by: Sequence[float]) -> float:
    """How many equally weighted answers would tell as much: (Σw)² / Σw²."""
    plain = math.fsum(weight * cell.answered for cell, weight in zip(cells, by, strict=True))
    squares = math.fsum(weight * weight * cell.answered for cell, weight in zip(cells, by, strict=True))
    return plain * plain / squares if squares else 0.0


def weighted_share(cells: Iterable[Cell], wanted: Collection[AnswerValue]) -> Score:
    """The share of ``wanted`` answers as if all cells had answered alike; ``n`` is the number of real answers."""
    joined = joined_cells(cells)
    by = weights(joined)
    effective = effective_n(joined, by)
    if effective == 0:
        return NO_SCORE
    hits = math.fsum(weight * _times(cell, wanted) for cell, weight in zip(joined, by, strict=True))
    share = hits / math.fsum(weight * cell.answered for cell, weight in zip(joined, by, strict=True))
    interval = wilson(share * effective, effective)
    assert interval is not None
    return _score(share, interval[0], interval[1], joined, effective)


def _score(value: float, low: float, high: float, cells: Sequence[Cell], effective: float) -> Score:
    n = sum(cell.answered for cell in cells)
    return Score(value, min(low, value), max(high, value), n, caution=effective < CAUTION_BELOW)


def _times(cell: Cell, wanted: Collection[AnswerValue]) -> int:
    used: Mapping[AnswerValue, int] = counted(cell.values)
    return sum(times for value, times in used.items() if value in wanted)
