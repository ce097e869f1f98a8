"""Scores with their intervals. Every function takes plain values, so that each can be checked by hand; where there are
many of them, a ``Counter`` of how often each was given says the same.

Sources: Wilson 1927 (proportions); Student's t (means), with the Wilson interval of the scaled mean where the sample
does not vary; Tango 1998 (difference of two shares of one sample, for NPS: the score interval, which stays inside
−100…100 and holds its level for small samples); Hill 1970, CACM algorithm 396 (quantiles of Student's t).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

from hcrm.survey.domain.questionnaire import (
    DECLINED,
    NOT_APPLICABLE,
    UNSURE,
    AnswerValue,
    Question,
    QuestionKind,
)

CAUTION_BELOW = 30
SMALL_GROUP = 5
CONFIDENCE = 0.95
_LEFT_OUT = frozenset({NOT_APPLICABLE, UNSURE, DECLINED})


@dataclass(frozen=True, slots=True)
class Score:
    """A score over ``n`` answers with its 95 % interval.

    ``value``, ``low`` and ``high`` are ``None`` without answers; ``suppressed`` scores of small groups show neither.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    caution: bool
    suppressed: bool = False


NO_SCORE = Score(None, None, None, 0, caution=True)


@cache
def z_value(confidence: float = CONFIDENCE) -> float:
    """The two-sided quantile of the normal distribution, 1.96 for 95 %."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def wilson(successes: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float] | None:
    """Wilson score interval of a proportion, both ends in 0…1; ``None`` without observations."""
    if n == 0:
        return None
    z = z_value(confidence)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high


def t_quantile(probability: float, degrees: int) -> float:
    """Quantile of Student's t for ``probability`` > 0.5 (Hill 1970; exact for 1 and 2 degrees of freedom)."""
    tail = 2 * (1 - probability)
    if degrees == 1:
        return math.cos(tail * math.pi / 2) / math.sin(tail * math.pi / 2)
    if degrees == 2:
        return math.sqrt(2 / (tail * (2 - tail)) - 2)
    return _hill(tail, degrees)


def _hill(tail: float, degrees: int) -> float:
    a = 1 / (degrees - 0.5)
    b = 48 / (a * a)
    c = ((20700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * degrees
    y = (d * tail) ** (2 / degrees)
    if y > 0.05 + a:
        x = NormalDist().inv_cdf(tail / 2)
        y = x * x
        if degrees < 5:
            c += 0.3 * (degrees - 4.5) * (x + 0.6)
        c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
        y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
        y = math.expm1(a * y * y)
    else:
        y = (
            (1 / (((degrees + 6) / (degrees * y) - 0.089 * d - 0.822) * (degrees + 2) * 3) + 0.5 / (degrees + 4)) * y
            - 1
        ) * (degrees + 1) / (degrees + 2) + 1 / y
    return math.sqrt(degrees * y)


def mean_interval(
    values: Iterable[float], minimum: float, maximum: float, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Interval of a mean of values between ``minimum`` and ``maximum``; ``None`` without values.

    Student's t, cut at the bounds. A sample that does not vary (or has one value) would give no width at all: there
    the Wilson interval of the scaled mean is used, which is the widest that any bounded sample allows.
    """
    given = Counter(values)
    n = given.total()
    if n == 0:
        return None
    mean = _mean(given)
    spread = math.sqrt(math.fsum(times * (value - mean) ** 2 for value, times in given.items()) / max(1, n - 1))
    if spread == 0.0:
        scaled = wilson((mean - minimum) / (maximum - minimum) * n, n, confidence)
        assert scaled is not None
        return minimum + scaled[0] * (maximum - minimum), minimum + scaled[1] * (maximum - minimum)
    half = t_quantile((1 + confidence) / 2, n - 1) * spread / math.sqrt(n)
    return max(minimum, mean - half), min(maximum, mean + half)


def _mean(given: Counter[float]) -> float:
    return math.fsum(times * value for value, times in given.items()) / given.total()


def share_difference_interval(
    plus: int, minus: int, n: int, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Tango's score interval for (plus − minus) / n, both counted in one sample of ``n``; ``None`` without answers."""
    if n == 0:
        return None
    z = z_value(confidence)
    difference = (plus - minus) / n
    low = _solve(plus, minus, n, z, -1.0, difference)
    high = _solve(plus, minus, n, -z, difference, 1.0)
    return low, high


def _solve(plus: int, minus: int, n: int, target: float, low: float, high: float) -> float:
    """The difference at which the score statistic, which falls as the difference grows, equals ``target``."""
    for _ in range(80):
        middle = (low + high) / 2
        if _tango(plus, minus, n, middle) > target:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _tango(plus: int, minus: int, n: int, difference: float) -> float:
    linear = -plus - minus + (2 * n - plus + minus) * difference
    constant = -minus * difference * (1 - difference)
    share = (math.sqrt(max(0.0, linear * linear - 8 * n * constant)) - linear) / (4 * n)
    variance = n * (2 * share + difference * (1 - difference))
    distance = plus - minus - n * difference
    if variance <= 0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def proportion(successes: int, n: int) -> Score:
    """A share with its Wilson interval."""
    interval = wilson(successes, n)
    if interval is None:
        return NO_SCORE
    return Score(successes / n, interval[0], interval[1], n, caution=n < CAUTION_BELOW)


def mean_score(values: Iterable[float], minimum: float, maximum: float) -> Score:
    """A mean with its interval."""
    given = Counter(values)
    interval = mean_interval(given, minimum, maximum)
    if interval is None:
        return NO_SCORE
    return Score(_mean(given), interval[0], interval[1], given.total(), caution=given.total() < CAUTION_BELOW)


def suppressed_if_small(score: Score) -> Score:
    """For parts of a whole: fewer than five answers are not shown, so that nobody can be recognised."""
    if score.n >= SMALL_GROUP:
        return score
    return Score(None, None, None, score.n, caution=True, suppressed=True)


def counted(values: Iterable[AnswerValue]) -> Counter[AnswerValue]:
    """The answers that enter a score: without *does not apply*, *not sure* and *would rather not say*."""
    given = Counter(values)
    return Counter({value: given[value] for value in given if not (isinstance(value, str) and value in _LEFT_OUT)})


def _times(given: Counter[AnswerValue], wanted: Collection[AnswerValue]) -> int:
    return sum(times for value, times in given.items() if value in wanted)


def top_box(question: Question, values: Iterable[AnswerValue]) -> Score:
    """Share of 5 (``scale5``), of 9–10 (``nps``), of yes (``yes_no``). Raises ``ValueError`` for other kinds."""
    tops: Mapping[QuestionKind, frozenset[AnswerValue]] = {
        QuestionKind.SCALE5: frozenset({5}),
        QuestionKind.NPS: frozenset({9, 10}),
        QuestionKind.YES_NO: frozenset({"yes"}),
    }
    if question.kind not in tops:
        raise ValueError(question.kind)
    used = counted(values)
    return proportion(_times(used, tops[question.kind]), used.total())


def csat(values: Iterable[AnswerValue]) -> Score:
    """Share of 4 and 5 among ``scale5`` answers."""
    used = counted(values)
    return proportion(_times(used, (4, 5)), used.total())


def nps(values: Iterable[AnswerValue]) -> Score:
    """Net promoter score, −100…100: % 9–10 minus % 0–6 over all answers."""
    used = {value: times for value, times in counted(values).items() if isinstance(value, int)}
    plus = sum(times for value, times in used.items() if value >= 9)
    minus = sum(times for value, times in used.items() if value <= 6)
    n = sum(used.values())
    interval = share_difference_interval(plus, minus, n)
    if interval is None:
        return NO_SCORE
    return Score(100 * (plus - minus) / n, 100 * interval[0], 100 * interval[1], n, caution=n < CAUTION_BELOW)


def fft_positive(values: Iterable[AnswerValue]) -> Score:
    """Friends and family test: top two answers over all answers, *don't know* included."""
    used = Counter(values)
    return proportion(_times(used, (4, 5)), used.total())


def response_index(questions: Sequence[Question], answers: Mapping[str, AnswerValue]) -> float | None:
    """Index 0–100 of one response over its scored items (ACSI style); ``None`` when fewer than half are answered.

    Weighted mean of (value − min) / (max − min) × 100. An unanswered item drops out with its weight; *does not apply*
    is no answer and no item either.
    """
    scored = [question for question in questions if question.scored and answers.get(question.code) != NOT_APPLICABLE]
    points: list[tuple[float, float]] = []
    for question in scored:
        value = answers.get(question.code)
        if isinstance(value, int):
            share = (value - question.minimum) / (question.maximum - question.minimum)
            points.append((question.weight, 100 * share))
    if not points or 2 * len(points) < len(scored):
        return None
    return sum(weight * point for weight, point in points) / sum(weight for weight, _ in points)


def index(values: Sequence[float]) -> Score:
    """Mean of the indexes of several responses."""
    return mean_score(values, 0, 100)


def item_mean(question: Question, values: Iterable[AnswerValue]) -> Score:
    """Mean of a ranged question. IP_PLUS choices (values 1–4) are not ranged: see ``module_score``."""
    used = {float(value): times for value, times in counted(values).items() if isinstance(value, int)}
    return mean_score(Counter(used), question.minimum, question.maximum)


def module_score(values: Iterable[AnswerValue]) -> Score:
    """Score 0–100 of a question with the answers never, sometimes, usually, always (1–4): (value − 1) / 3 × 100."""
    used = {(int(value) - 1) / 3 * 100: times for value, times in counted(values).items() if isinstance(value, str)}
    return mean_score(Counter(used), 0, 100)


def response_rate(answered: int, invited: int) -> Score:
    """(completed + partial) / eligible patients invited; the same function serves delivered invitations."""
    return proportion(answered, invited)
