"""Control charts, funnel plot, Kaplan–Meier and intervals against their published rules and scipy."""

from __future__ import annotations

import math
import random
from datetime import date
from itertools import pairwise

import pytest
from scipy import stats

from hcrm.reporting.domain.change import Change, change, difference_interval
from hcrm.reporting.domain.funnel_plot import Place, funnel, winsorised
from hcrm.reporting.domain.kaplan_meier import returned_by_day
from hcrm.reporting.domain.reports import BadPeriod, Rate, Selection
from hcrm.reporting.domain.spc import (
    Capability,
    Count,
    Firmness,
    Signal,
    Verdict,
    capability,
    expected_false_alarms,
    laney_sigma,
    p_chart,
    signals,
    verdict,
    xmr_chart,
)


def flat(weeks: int, done: int = 80, due: int = 100) -> list[Count]:
    return [Count(done + (-1) ** week, due) for week in range(weeks)]


@pytest.mark.parametrize(
    ("weeks", "firmness"),
    [(11, Firmness.NONE), (12, Firmness.PROVISIONAL), (19, Firmness.PROVISIONAL), (20, Firmness.FIRM)],
)
def test_limits_need_12_points_and_are_firm_from_20(weeks: int, firmness: Firmness) -> None:
    chart = p_chart(flat(weeks))
    assert chart.firmness is firmness
    assert all((point.low is None) == (firmness is Firmness.NONE) for point in chart.points)


def test_p_limits_are_three_standard_errors_and_stay_within_0_and_1() -> None:
    chart = p_chart([Count(18, 20), Count(20, 20)] * 10)
    assert chart.mean == pytest.approx(0.95)
    assert chart.points[0].high == 1.0
    reach = 3 * chart.sigma_z * math.sqrt(0.95 * 0.05 / 20)
    assert chart.points[0].low == pytest.approx(0.95 - reach)


def test_laney_widens_limits_only_when_weeks_spread_more_than_chance() -> None:
    calm = flat(20, due=100)
    wild = [Count(800 + 100 * (-1) ** week, 1000) for week in range(20)]
    assert laney_sigma(calm, 0.8) == 1.0
    mean = sum(each.numerator for each in wild) / 20000
    z = [(each.numerator / 1000 - mean) / math.sqrt(mean * (1 - mean) / 1000) for each in wild]
    ranges = [abs(b - a) for a, b in pairwise(z)]
    assert laney_sigma(wild, mean) == pytest.approx(sum(ranges) / 19 / 1.128)


def test_weeks_with_open_tasks_take_no_part_in_mean_limits_or_signals() -> None:
    chart = p_chart([*flat(20), Count(0, 100, provisional=True)])
    assert chart.mean == pytest.approx(0.8)
    assert chart.points[-1].signal is Signal.NONE
    assert chart.points[-1].provisional


def test_weeks_without_tasks_have_no_value() -> None:
    chart = p_chart([*flat(20), Count(0, 0)])
    assert chart.points[-1].value is None
    assert p_chart([Count(0, 0)]).mean is None


def test_xmr_leaves_out_extreme_ranges() -> None:
    values = [10.0, 11.0] * 10 + [40.0] + [10.0, 11.0] * 5
    chart = xmr_chart(values)
    mean = sum(values) / len(values)
    assert chart.points[0].high == pytest.approx(mean + 2.66 * 1.0, abs=0.01)
    assert [point.signal for point in chart.points].count(Signal.ABOVE_LIMIT) == 1


def test_a_frozen_baseline_sets_mean_and_limits() -> None:
    chart = p_chart([*flat(20), *flat(8, done=95)], baseline=20)
    assert chart.mean == pytest.approx(0.8)
    assert {point.signal for point in chart.points[20:]} <= {Signal.ABOVE_LIMIT, Signal.SHIFT_UP}


def _limits(count: int) -> list[tuple[float, float]]:
    return [(-3.0, 3.0)] * count


def test_seven_in_a_row_on_one_side_is_a_shift_and_six_are_not() -> None:
    assert signals([-1, 1, 1, 1, 1, 1, 1, -1], _limits(8), 0.0) == (Signal.NONE,) * 8
    seven = signals([-1, *[1] * 7, -1], _limits(9), 0.0)
    assert seven == (Signal.NONE, *[Signal.SHIFT_UP] * 7, Signal.NONE)


def test_a_point_on_the_mean_breaks_a_run() -> None:
    assert Signal.SHIFT_DOWN not in signals([-1, -1, -1, 0, -1, -1, -1, -1], _limits(8), 0.0)


def test_six_rises_in_a_row_are_a_trend_and_five_are_not() -> None:
    rising = [-0.3, -0.2, -0.1, 0.0, 0.1, 0.2, 0.3]
    assert set(signals(rising, _limits(7), 0.05)) == {Signal.TREND_UP}
    assert set(signals(rising[:6], _limits(6), 0.05)) == {Signal.NONE}


def test_two_of_three_near_one_limit_are_marked() -> None:
    found = signals([0, 2.5, 0.5, 2.5, 0], _limits(5), 0.0)
    assert found == (Signal.NONE, Signal.NEAR_UPPER, Signal.NONE, Signal.NEAR_UPPER, Signal.NONE)
    assert set(signals([0, 2.5, -2.5, 0], _limits(4), 0.0)) == {Signal.NONE}


def test_a_point_outside_outranks_a_run() -> None:
    assert signals([1] * 6 + [4], _limits(7), 0.0)[-1] is Signal.ABOVE_LIMIT


def test_verdict_depends_on_which_way_is_good() -> None:
    assert verdict(Signal.SHIFT_UP, higher_is_better=True) is Verdict.IMPROVEMENT
    assert verdict(Signal.SHIFT_UP, higher_is_better=False) is Verdict.CONCERN
    assert verdict(Signal.NONE, higher_is_better=True) is Verdict.VARIATION


def test_target_is_met_reliably_only_when_the_limits_lie_beyond_it() -> None:
    chart = p_chart(flat(20, done=80, due=1000))
    assert capability(chart, 0.01) is Capability.ALWAYS
    assert capability(chart, 0.08) is Capability.SOMETIMES
    assert capability(chart, 0.5) is Capability.NEVER
    assert capability(p_chart(flat(5)), 0.5) is Capability.UNKNOWN


def test_expected_false_alarms_of_three_sigma() -> None:
    assert expected_false_alarms(100) == pytest.approx(100 * 2 * stats.norm.sf(3))


def test_funnel_limits_are_those_of_the_arcsine_scale() -> None:
    fitted = funnel([(10, 100), (12, 100), (9, 100), (11, 110), (10, 95)])
    assert fitted is not None
    assert fitted.tau2 == 0.0
    centre = math.asin(math.sqrt(fitted.mean))
    expected = math.sin(centre + stats.norm.ppf(0.999) / math.sqrt(4 * 200)) ** 2
    assert fitted.limit(0.998, 200, upper=True) == pytest.approx(expected)
    assert fitted.limit(0.95, 1, upper=False) == 0.0


def test_over_dispersion_widens_the_funnel() -> None:
    groups = [
        (size // 10 + (size // 12 if at % 2 else -size // 15), size) for at, size in enumerate(range(300, 700, 20))
    ]
    fitted = funnel(groups)
    assert fitted is not None
    assert fitted.phi > 1
    assert fitted.tau2 > 0


def test_tenth_at_each_end_is_drawn_in() -> None:
    assert winsorised([-9.0, *range(8), 99.0]) == [0, *range(8), 7]
    assert winsorised([-9.0, 1.0, 99.0]) == [-9.0, 1.0, 99.0]


def test_department_outside_the_limits_is_named() -> None:
    fitted = funnel([(20, 200)] * 12)
    assert fitted is not None
    assert fitted.place(20, 200) is Place.INSIDE
    assert fitted.place(60, 200) is Place.HIGH
    assert fitted.place(2, 200) is Place.LOW
    assert fitted.place(30, 200) is Place.HIGH_WARNING
    assert funnel([(0, 0)]) is None


def test_kaplan_meier_agrees_with_scipy() -> None:
    chance = random.Random(4)
    watched = [(chance.randint(0, 30), chance.random() < 0.3) for _ in range(200)]
    data = stats.CensoredData.right_censored([day for day, _ in watched], [not back for _, back in watched])
    estimate = stats.ecdf(data).sf
    band = estimate.confidence_interval(method="log-log")
    curve = {point.day: point for point in returned_by_day([(*each, 1) for each in watched], 30)}
    for day, stayed, low, high in zip(
        estimate.quantiles, estimate.probabilities, band.low.probabilities, band.high.probabilities, strict=True
    ):
        point = curve[int(day)]
        assert point.share == pytest.approx(1 - stayed)
        if 0 < stayed < 1:
            assert (point.low, point.high) == pytest.approx((1 - high, 1 - low))


def test_curve_of_nobody_is_flat() -> None:
    assert [point.share for point in returned_by_day([], 3)] == [0, 0, 0, 0]
    everybody = returned_by_day([(1, True, 2)], 2)
    assert everybody[-1].share == 1.0


def test_newcombe_interval_of_a_difference() -> None:
    # Newcombe 1998, table II, case (a), method 10: 56/70 − 48/80 = 0.2, interval 0.0524 to 0.3339.
    interval = difference_interval(Rate(56, 70), Rate(48, 80))
    assert interval == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert change(Rate(56, 70), Rate(48, 80)) is Change.HIGHER
    assert change(Rate(48, 80), Rate(56, 70)) is Change.LOWER
    assert change(Rate(50, 80), Rate(48, 80)) is Change.NONE
    assert change(Rate(5, 8), Rate(48, 80)) is Change.TOO_FEW


def test_rate_without_denominator_is_nothing_and_zero_is_zero() -> None:
    assert (Rate(0, 0).value, Rate(0, 0).low, Rate(0, 0).high) == (None, None, None)
    assert Rate(0, 10).value == 0
    assert Rate(0, 10).low == 0


def test_a_period_may_not_end_before_it_begins() -> None:
    with pytest.raises(BadPeriod):
        Selection(date(2026, 2, 1), date(2026, 1, 1))
