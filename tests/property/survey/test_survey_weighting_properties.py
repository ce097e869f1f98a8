"""Weighted scores and redaction: what always holds."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcrm.survey.domain.redaction import NAME, redacted
from hcrm.survey.domain.scoring import csat, proportion
from hcrm.survey.domain.weighting import (
    Cell,
    age_band,
    effective_n,
    joined_cells,
    weighted_share,
    weights,
)

CELLS = st.lists(
    st.builds(
        Cell,
        department=st.none() | st.integers(1, 4),
        age_band=st.sampled_from([-1, 0, 18, 45, 65, 80]),
        invited=st.integers(0, 60),
        values=st.lists(st.sampled_from([1, 2, 3, 4, 5, "na"]), max_size=25).map(Counter),
    ),
    max_size=8,
    unique_by=lambda cell: (cell.department, cell.age_band),
).map(lambda cells: [Cell(c.department, c.age_band, max(c.invited, c.values.total()), c.values) for c in cells])


@settings(max_examples=200)
@given(CELLS)
def test_joining_loses_nobody_and_leaves_no_small_cell(cells):
    joined = joined_cells(cells)
    assert sum(cell.invited for cell in joined) == sum(cell.invited for cell in cells)
    assert sum(cell.answered for cell in joined) == sum(cell.answered for cell in cells)
    assert len(joined) <= 1 or all(cell.answered >= 5 for cell in joined)


@settings(max_examples=200)
@given(CELLS)
def test_a_weighted_share_lies_inside_its_interval_and_weighs_one_on_average(cells):
    score = weighted_share(cells, (4, 5))
    n = sum(cell.answered for cell in cells)
    assert score.n == n
    if n:
        assert 0 <= score.low <= score.value <= score.high <= 1
        joined = joined_cells(cells)
        by = weights(joined)
        assert sum(weight * cell.answered for cell, weight in zip(joined, by, strict=True)) == pytest.approx(n)
        assert effective_n(joined, by) <= n + 1e-6


@settings(max_examples=100)
@given(st.lists(st.lists(st.integers(1, 5), min_size=5, max_size=20), min_size=1, max_size=4), st.integers(1, 4))
def test_where_all_answered_alike_the_weighted_figure_is_the_raw_one(groups, factor):
    cells = [Cell(1 + at, 18, factor * len(values), Counter(values)) for at, values in enumerate(groups)]
    values = [value for group in groups for value in group]
    raw = csat(values)
    weighted = weighted_share(cells, (4, 5))
    assert weighted.value == pytest.approx(raw.value)
    assert (weighted.low, weighted.high) == pytest.approx((raw.low, raw.high))


def test_a_department_that_answered_seldom_counts_as_it_was_invited():
    cells = [Cell(1, 45, 100, Counter({5: 40})), Cell(2, 45, 100, Counter({1: 10}))]
    assert proportion(40, 50).value == 0.8
    assert weighted_share(cells, (4, 5)).value == pytest.approx(0.5)
    assert weighted_share(cells, (4, 5)).n == 50


def test_weights_are_cut():
    cells = [Cell(1, 45, 10, Counter({5: 95})), Cell(2, 45, 990, Counter({1: 5}))]
    first, second = weights(joined_cells(cells))
    assert second / first <= 5 / 0.01
    assert weighted_share(cells, (4, 5)).value > 0.0


@pytest.mark.parametrize(
    ("years", "band"), [(None, -1), (-1, -1), (0, 0), (17, 0), (18, 18), (44, 18), (64, 45), (80, 80), (104, 80)]
)
def test_age_bands(years, band):
    assert age_band(years) == band


NAMES = ("Anna Schmidt", "王小明", "O'Brien", "李强")


@pytest.mark.parametrize(
    ("text", "shared"),
    [
        ("Dr Smith was rude", f"Dr {NAME} was rude"),
        ("Nurse Mary-Ann helped me", f"Nurse {NAME} helped me"),
        ("thanks to Mrs. de Vries", "thanks to Mrs. de Vries"),
        ("anna schmidt's bed", f"{NAME}'s bed"),
        ("Anna was kind", f"{NAME} was kind"),
        ("call me on +86 139-1234-5678 please", "call me on # please"),
        ("mail a.b@c.example.org or www.x.org/y", "mail # or #"),
        ("身份证110101199003071234", "身份证#"),
        ("王医生很耐心，小李护士也好", f"{NAME}医生很耐心，{NAME}护士也好"),
        ("张建国主任态度差", f"{NAME}主任态度差"),
        ("我叫陈晓，电话１３９００００１１１１", f"我叫{NAME}，电话#"),
        ("感谢Anna Schmidt护士和Dr Smith", f"感谢{NAME}护士和Dr {NAME}"),
        ("王小明的儿子", f"{NAME}的儿子"),
        ("my name is John Miller", f"my name is {NAME}"),
        ("医生和护士都很好，等了3个小时", "医生和护士都很好，等了3个小时"),
        ("Room 12, 2 nurses, food 3/10", "Room 12, 2 nurses, food 3/10"),
        ("", ""),
    ],
)
def test_names_and_numbers_are_taken_out(text, shared):
    assert redacted(text, NAMES) == shared


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60), st.sampled_from(NAMES), st.text(max_size=20), st.from_regex(r"\d{5,18}", fullmatch=True))
def test_no_known_name_and_no_long_number_survives(before, name, between, number):
    shared = redacted(f"{before} {name} {between} {number}", NAMES)
    assert name.casefold() not in shared.casefold()
    assert number not in shared
    assert redacted(shared, NAMES) == shared


def test_what_tells_who_wrote_is_taken_out():
    text = "I am Mary Smith, call +44 7700 900123 or mary@example.org; 身份证11010519491231002X，张伟"
    found = redacted(text, ["Mary Smith", "张伟", "Li", ""])
    for told in ("Mary", "7700", "example", "1949", "张伟"):
        assert told not in found
    assert redacted("Room 12, bed 3, 5 days", ["Smith"]) == "Room 12, bed 3, 5 days"
