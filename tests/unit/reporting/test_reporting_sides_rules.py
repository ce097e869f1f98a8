"""Drivers, case mix, comments, groups and tries: against scipy where it has them, else against what was worked out."""

from __future__ import annotations

import math
import random
from datetime import date

import numpy as np
import plotly.graph_objects as go
import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from hcrm.reporting import charts
from hcrm.reporting.domain.case_mix import Case, fit, ratio
from hcrm.reporting.domain.comments import DEFAULT_WORDS, Tone, tone, topics
from hcrm.reporting.domain.drivers import Correlation, correlation
from hcrm.reporting.domain.groups import age_band, diagnosis_group
from hcrm.reporting.domain.reach import Hour, best_hours, tries_until_reached
from hcrm.reporting.domain.reports import Rate
from hcrm.reporting.domain.spc import xmr_chart
from hcrm.survey.domain.scoring import Score


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5)), min_size=5, max_size=60))
def test_correlation_is_that_of_scipy(pairs: list[tuple[int, int]]) -> None:
    found = correlation([(float(x), float(y)) for x, y in pairs])
    xs, ys = zip(*pairs, strict=True)
    if len(set(xs)) == 1 or len(set(ys)) == 1:
        assert found is None
        return
    assert found is not None
    expected = stats.pearsonr(xs, ys)
    assert found.r == pytest.approx(expected.statistic, abs=1e-9)
    if abs(found.r) < 0.999999:
        interval = expected.confidence_interval()
        assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-6)


def cases(number: int) -> list[Case]:
    chance = random.Random(5)
    found = []
    for _ in range(number):
        age, male, lace = chance.uniform(20, 95), chance.random() < 0.5, chance.randint(0, 19)
        odds = math.exp(-3 + (age - 60) / 40 + 0.3 * male + 0.12 * lace)
        found.append(Case(age, male, lace, chance.random() < odds / (1 + odds)))
    return found


def test_the_case_mix_model_is_the_most_likely_one() -> None:
    known = cases(600)
    model = fit(known)
    assert model is not None
    inputs = np.array([case.inputs for case in known])
    returned = np.array([case.returned for case in known])

    def unlikely(weights: np.ndarray) -> float:
        odds = inputs @ weights
        return float(np.sum(np.logaddexp(0, odds) - returned * odds) + 0.5e-3 * np.sum(weights[1:] ** 2))

    expected = optimize.minimize(unlikely, np.zeros(4), method="BFGS", options={"gtol": 1e-8}).x
    assert model.weights == pytest.approx(expected, abs=1e-4)
    assert sum(model.expected(case) for case in known) == pytest.approx(returned.sum(), abs=1e-6)


def test_a_model_stands_when_one_kind_never_comes_back() -> None:
    known = [Case(70, male=True, lace=10, returned=True)] * 30 + [Case(40, male=False, lace=2, returned=False)] * 30
    model = fit(known)
    assert model is not None
    assert all(0 <= model.expected(case) <= 1 for case in known)
    assert fit(known[:19]) is None


def test_observed_against_expected_has_byars_limits() -> None:
    found = ratio(10, 8.0)
    assert found is not None
    assert found.value == 1.25
    # Exact Poisson limits of 10 are 4.795 and 18.390; Byar's approximation is within a hundredth.
    assert (found.low * 8, found.high * 8) == pytest.approx((4.795, 18.390), abs=0.03)
    assert ratio(0, 3.0) is not None
    assert ratio(3, 0.0) is None


@pytest.mark.parametrize(
    ("comment", "about", "sounds"),
    [
        ("The nurses were kind, thank you", ("nursing", "staff"), Tone.POSITIVE),
        ("护士态度好，感谢", ("nursing", "staff"), Tone.POSITIVE),
        ("夜里有点吵", ("rooms",), Tone.NEGATIVE),
        ("不满意，等太久", ("waiting",), Tone.NEGATIVE),
        ("The food was not good", ("food",), Tone.NEGATIVE),
        ("Good doctors, terrible food", ("doctors", "food"), Tone.MIXED),
        ("Nothing", (), Tone.PLAIN),
    ],
)
def test_comments_get_topics_and_tone_by_words(comment: str, about: tuple[str, ...], sounds: Tone) -> None:
    assert topics(comment, DEFAULT_WORDS) == about
    assert tone(comment, DEFAULT_WORDS) is sounds


def test_groups_of_diagnoses_and_ages() -> None:
    assert [diagnosis_group(code) for code in ("I21.0", "D48", "D50.9", "t98", "words")] == [
        "I00", "C00", "D50", "S00", None,
    ]  # fmt: skip
    on = date(2026, 3, 1)
    assert age_band(date(2008, 3, 2), on) == "00"
    assert age_band(date(2008, 3, 1), on) == "18"
    assert age_band(date(1920, 1, 1), on) == "85"
    assert age_band(None, on) is None
    assert age_band(date(2027, 1, 1), on) is None


def test_tries_add_up_to_the_reached() -> None:
    found = tries_until_reached([1, 1, 2, 3], {1: 10, 2: 6, 3: 2})
    assert [(each.made, each.reached, each.reached_so_far) for each in found] == [(10, 2, 2), (6, 1, 3), (2, 1, 4)]
    assert tries_until_reached([], {}) == []


def test_only_hours_with_enough_tries_are_called_best() -> None:
    hours = [Hour(0, 9, 29, 29), Hour(1, 10, 30, 20), Hour(2, 11, 60, 30)]
    assert best_hours(hours) == [hours[1], hours[2]]


def test_plotly_takes_every_figure(app: Flask) -> None:
    with app.test_request_context():
        figures = [
            charts.hours_of_the_week([Hour(0, 9, 29, 29)], ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]),
            charts.tries(tries_until_reached([1], {1: 2}), 2),
            charts.intervals([("Surgery", Rate(1, 9)), ("Empty", Rate(0, 0))]),
            charts.expected_ratios([("Surgery", 1.1, 0.5, 2.0)]),
            charts.drivers([("A question " * 9, Correlation(0.5, 0.2, 0.7, 40))]),
            charts.months([f"2025-{at:02d}" for at in range(1, 13)],
                          [Score(4.0 + at / 100, 3.5, 4.5, 30 - at, caution=at > 0) for at in range(12)],
                          xmr_chart([4.0 + at / 100 for at in range(12)])),
        ]  # fmt: skip
    for figure in figures:
        go.Figure(figure)
