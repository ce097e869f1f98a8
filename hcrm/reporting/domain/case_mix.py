"""Expected returns by a simple case-mix model: logistic regression on age, sex and the LACE index.

The model is fitted to the hospital's own discharges of the period, so all departments together have as many returns as
expected. Observed / expected is shown as what it is: it knows nothing of what the record does not tell. Fitted by
Newton's method with a weak ridge penalty, which keeps it finite where everybody or nobody of a kind came back. Limits
of observed / expected by Byar's approximation (Breslow and Day, 1987).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RIDGE = 1e-3
STEPS = 50
LEAST_RETURNS = 20
"""With fewer returns in the period no model is fitted: five returns for each of its four numbers."""

_Z = 1.959964


@dataclass(frozen=True, slots=True)
class Case:
    """One index: what the model knows, and whether the patient came back."""

    age: float
    male: bool
    lace: float
    returned: bool

    @property
    def inputs(self) -> tuple[float, float, float, float]:
        """A one, then age in decades from 60, sex, and LACE from 5."""
        return 1.0, (self.age - 60) / 10, float(self.male), (self.lace - 5) / 5


@dataclass(frozen=True, slots=True)
class Model:
    """The numbers that the inputs are multiplied with."""

    weights: tuple[float, ...]

    def expected(self, case: Case) -> float:
        """How likely this patient was to come back, by the model."""
        return _share(sum(weight * value for weight, value in zip(self.weights, case.inputs, strict=True)))


@dataclass(frozen=True, slots=True)
class Ratio:
    """Observed returns against expected ones, with a 95 % interval."""

    observed: int
    expected: float
    value: float
    low: float
    high: float


def fit(cases: Sequence[Case]) -> Model | None:
    """The model of these cases; None with too few returns."""
    if sum(case.returned for case in cases) < LEAST_RETURNS:
        return None
    rows = [(case.inputs, float(case.returned)) for case in cases]
    weights = [0.0] * len(rows[0][0])
    for _ in range(STEPS):
        step = _newton(rows, weights)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
        if max(abs(change) for change in step) < 1e-9:
            break
    return Model(tuple(weights))


def ratio(observed: int, expected: float) -> Ratio | None:
    """Observed / expected; None where nothing was expected."""
    if expected <= 0:
        return None
    low = observed * (1 - 1 / (9 * observed) - _Z / (3 * math.sqrt(observed))) ** 3 if observed else 0.0
    more = observed + 1
    high = more * (1 - 1 / (9 * more) + _Z / (3 * math.sqrt(more))) ** 3
    return Ratio(observed, expected, observed / expected, low / expected, high / expected)


def _share(log_odds: float) -> float:
    return 1 / (1 + math.exp(-max(-500.0, min(500.0, log_odds))))


def _newton(rows: Iterable[tuple[tuple[float, ...], float]], weights: Sequence[float]) -> list[float]:
    """One step: the change of each weight. The first is not penalised, so that totals agree."""
    size = len(weights)
    penalty = [0.0] + [RIDGE] * (size - 1)
    gradient = [-each * weight for each, weight in zip(penalty, weights, strict=True)]
    curve = [[penalty[i] if i == j else 0.0 for j in range(size)] for i in range(size)]
    for inputs, returned in rows:
        share = _share(sum(weight * value for weight, value in zip(weights, inputs, strict=True)))
        spread = share * (1 - share)
        for i, value in enumerate(inputs):
            gradient[i] += (returned - share) * value
            for j, other in enumerate(inputs):
                curve[i][j] += spread * value * other
    return _solved(curve, gradient)


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss's elimination with the largest pivot; a column that says nothing keeps its zero."""
    size = len(right)
    rows = [[*line, value] for line, value in zip(matrix, right, strict=True)]
    for column in range(size):
        pivot = max(range(column, size), key=lambda row: abs(rows[row][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        if abs(rows[column][column]) < 1e-12:
            rows[column] = [float(each == column) for each in range(size)] + [0.0]
            continue
        for row in range(column + 1, size):
            factor = rows[row][column] / rows[column][column]
            rows[row] = [one - factor * other for one, other in zip(rows[row], rows[column], strict=True)]
    found = [0.0] * size
    for row in range(size - 1, -1, -1):
        known = sum(rows[row][column] * found[column] for column in range(row + 1, size))
        found[row] = (rows[row][size] - known) / rows[row][row]
    return found
