"""Names in the order a person expects."""

from __future__ import annotations

import pytest

from hcrm.reporting.domain.order import natural_order


@pytest.mark.parametrize(
    "expected",
    [
        ["Department 1", "Department 2", "Department 10"],
        ["cardiology", "Dermatology", "Ear, nose and throat"],
        ["Ward", "Ward 3", "Ward 3 East", "Ward 12"],
        ["2 East", "10 East", "East"],
        ["第1科室", "第2科室", "第10科室"],
        ["儿科", "妇产科", "骨科", "内科", "外科"],
        ["内一科", "内二科", "内三科", "内十科", "内十二科", "内二十科", "内二十一科"],
        ["单采室", "重症医学科"],
        ["", "A"],
    ],
)
def test_names_stand_in_the_order_a_person_expects(expected: list[str]) -> None:
    jumbled = [*expected[1:], expected[0]]
    assert sorted(jumbled, key=natural_order) == expected


@pytest.mark.parametrize("name", ["一二三", "十十", "三十三十", "二十一二"])
def test_a_row_of_chinese_digits_that_is_no_number_stands_first(name: str) -> None:
    assert natural_order(name) < natural_order("一")
