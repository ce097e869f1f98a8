"""Scores and their intervals, by hand and against scipy."""

from __future__ import annotations

import math

import pytest
from scipy import optimize, stats

from hcrm.survey.domain.scoring import (
    csat,
    fft_positive,
    index,
    item_mean,
    mean_interval,
    module_score,
    nps,
    response_index,
    response_rate,
    share_difference_interval,
    suppressed_if_small,
    t_quantile,
    top_box,
    wilson,
)
from hcrm.survey.readers import packaged_questionnaire

SAT = packaged_questionnaire("SAT_IP")
OVERALL, RECOMMEND, CONTACT = SAT.question("overall"), SAT.question("recommend"), SAT.question("contact_me")


@pytest.mark.parametrize(("x", "n"), [(0, 1), (1, 1), (0, 10), (3, 10), (10, 10), (45, 50), (1, 1000), (90, 404)])
def test_wilson_agrees_with_scipy(x: int, n: int):
    expected = stats.binomtest(x, n).proportion_ci(method="wilson")
    low, high = wilson(x, n)
    assert low == pytest.approx(expected.low, abs=1e-9)
    assert high == pytest.approx(expected.high, abs=1e-9)


def test_no_observations_have_no_interval():
    assert wilson(0, 0) is None
    assert mean_interval([], 1, 5) is None
    assert share_difference_interval(0, 0, 0) is None


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 5, 7, 10, 29, 100, 1000])
@pytest.mark.parametrize("probability", [0.9, 0.95, 0.975, 0.995])
def test_quantiles_of_students_t_agree_with_scipy(probability: float, degrees: int):
    tolerance = 2e-3 if degrees < 5 else 1e-5
    assert t_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=tolerance)


def test_interval_of_a_mean_agrees_with_scipy():
    values = [5, 4, 4, 3, 5, 5, 2, 4, 5, 1, 5, 4]
    expected = stats.ttest_1samp(values, 0).confidence_interval()
    low, high = mean_interval(values, 1, 5)
    assert low == pytest.approx(expected.low, rel=1e-5)
    assert high == pytest.approx(min(5, expected.high), rel=1e-5)


def test_a_sample_that_does_not_vary_still_has_an_interval():
    low, high = mean_interval([5, 5, 5, 5], 1, 5)
    assert high == 5
    assert low == pytest.approx(1 + 4 * stats.binomtest(4, 4).proportion_ci(method="wilson").low)
    assert mean_interval([3], 1, 5)[0] < 3 < mean_interval([3], 1, 5)[1]


def tango_by_likelihood(plus: int, minus: int, n: int) -> tuple[float, float]:
    """The same interval by maximising the likelihood under each difference with scipy."""

    def score(difference: float) -> float:
        def loss(share: float) -> float:
            cells = ((plus, share + difference), (minus, share), (n - plus - minus, 1 - 2 * share - difference))
            return -sum(count * math.log(max(chance, 1e-300)) for count, chance in cells if count)

        bounds = (max(0.0, -difference), (1 - difference) / 2)
        share = optimize.minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-12}).x
        variance = n * (2 * share + difference - difference**2)
        return (plus - minus - n * difference) / math.sqrt(variance)

    z = stats.norm.ppf(0.975)
    point = (plus - minus) / n
    low = optimize.brentq(lambda value: score(value) - z, -1 + 1e-9, point - 1e-9)
    high = optimize.brentq(lambda value: score(value) + z, point + 1e-9, 1 - 1e-9)
    return low, high


@pytest.mark.parametrize(("plus", "minus", "n"), [(30, 10, 60), (7, 1, 12), (3, 3, 10), (1, 8, 9), (400, 120, 900)])
def test_interval_of_the_net_promoter_score_agrees_with_the_likelihood(plus: int, minus: int, n: int):
    low, high = share_difference_interval(plus, minus, n)
    assert (low, high) == pytest.approx(tango_by_likelihood(plus, minus, n), abs=1e-4)


def test_interval_of_the_net_promoter_score_stays_inside_its_range():
    low, high = share_difference_interval(4, 0, 4)
    assert -1 < low < 1
    assert high == pytest.approx(1)
    low, high = share_difference_interval(0, 0, 5)
    assert low < 0 < high


def test_top_box_and_csat_count_the_right_answers():
    values = [5, 5, 4, 3, 1, "na"]
    score = top_box(OVERALL, values)
    assert (score.value, score.n, score.caution) == (0.4, 5, True)
    assert csat(values).value == 0.6
    assert top_box(RECOMMEND, [10, 9, 8, 0]).value == 0.5
    assert top_box(CONTACT, ["yes", "no", "unsure", "declined"]).value == 0.5
    with pytest.raises(ValueError, match="text"):
        top_box(SAT.question("comment"), ["fine"])


def test_caution_ends_at_thirty_answers():
    assert csat([5] * 29).caution
    assert not csat([5] * 30).caution


def test_net_promoter_score_is_over_all_answers():
    score = nps([10, 9, 8, 7, 6, 0])
    assert score.value == pytest.approx(0)
    assert score.n == 6
    assert score.low < 0 < score.high
    assert nps([]).value is None


def test_friends_and_family_counts_do_not_know():
    assert fft_positive([5, 4, 3, "na", "unsure"]).value == pytest.approx(0.4)


def test_index_is_the_mean_of_the_scored_items():
    answers = {"overall": 5, "nurse_comm": 5, "doctor_comm": 3, "discharge_info": 1, "ward_clean": 4}
    assert response_index(SAT.questions, answers) == pytest.approx((100 + 100 + 50 + 0 + 75) / 5)


def test_index_needs_half_of_the_scored_items():
    four = dict.fromkeys(("overall", "nurse_comm", "doctor_comm", "discharge_info"), 5)
    assert response_index(SAT.questions, four) is None
    assert response_index(SAT.questions, {}) is None
    does_not_apply = {"response": "na", "pain_help": "na", "medicine_info": "na"}
    assert response_index(SAT.questions, four | does_not_apply) == 100


def test_unscored_items_stay_out_of_the_index():
    five = dict.fromkeys(("overall", "nurse_comm", "doctor_comm", "discharge_info", "ward_clean"), 5)
    assert response_index(SAT.questions, five | {"recommend": 0}) == 100


def test_index_over_responses_and_other_means():
    assert index([100, 50]).value == 75
    assert item_mean(OVERALL, [5, 4, "na"]).value == 4.5
    assert module_score(["1", "4", "na"]).value == 50
    assert response_rate(30, 40).value == 0.75


def test_small_groups_are_not_shown():
    hidden = suppressed_if_small(csat([5, 5, 1, 1]))
    assert (hidden.value, hidden.low, hidden.n, hidden.suppressed) == (None, None, 4, True)
    assert suppressed_if_small(csat([5] * 5)).value == 1
