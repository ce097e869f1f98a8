"""Names, numbers and ages: what is sorted, found and dialled by them."""

from __future__ import annotations

from datetime import date

import pytest

from hcrm.patients.domain import (
    ImpossibleNumber,
    LineType,
    age_in_years,
    full_name_of,
    name_sort_key,
    number_as_dialled,
    read_number,
    sort_key,
)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("王小明", "wangxiaoming"),
        ("曾国", "zengguo"),
        ("单雄信", "shanxiongxin"),
        ("Müller Ana-Lena", "mulleranalena"),
        ("O'Brien, Pat 2", "obrienpat2"),
        ("欧阳 芳", "ouyangfang"),
        ("", ""),
    ],
)
def test_a_name_sorts_by_its_letters_and_chinese_by_pinyin(name: str, key: str) -> None:
    assert sort_key(name) == key


def test_the_family_name_comes_first_in_the_key_and_as_written_in_the_name() -> None:
    assert name_sort_key("Okoro", "Samuel", "Samuel Okoro") == "okorosamuel"
    assert name_sort_key("", "", "Samuel Okoro") == "samuelokoro"
    assert full_name_of("Okoro", "Samuel") == "Samuel Okoro"
    assert full_name_of("王", "小明") == "王小明"
    assert full_name_of("", "Samuel") == "Samuel"


@pytest.mark.parametrize(
    ("typed", "country", "number", "line"),
    [
        ("139 1234 5678", "CN", "+8613912345678", LineType.MOBILE),
        ("010-65529988", "CN", "+861065529988", LineType.LANDLINE),
        ("+44 7911 123456", "CN", "+447911123456", LineType.MOBILE),
        ("(617) 555-0123", "US", "+16175550123", LineType.UNKNOWN),
    ],
)
def test_a_number_is_read_as_people_of_the_country_write_it(
    typed: str, country: str, number: str, line: LineType
) -> None:
    assert read_number(typed, country) == (number, line)


@pytest.mark.parametrize("typed", ["", "12", "call the ward", "99999999999999999999"])
def test_what_cannot_be_dialled_is_refused(typed: str) -> None:
    with pytest.raises(ImpossibleNumber):
        read_number(typed, "CN")


def test_a_number_is_shown_short_at_home_and_whole_elsewhere() -> None:
    assert number_as_dialled("+8613912345678", "CN") == "139 1234 5678"
    assert number_as_dialled("+8613912345678", "GB") == "+86 139 1234 5678"
    assert number_as_dialled("nonsense", "GB") == "nonsense"


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        (date(2012, 3, 10), date(2026, 3, 9), 13),
        (date(2012, 3, 10), date(2026, 3, 10), 14),
        (date(2024, 2, 29), date(2025, 2, 28), 0),
        (date(2030, 1, 1), date(2026, 1, 1), None),
        (None, date(2026, 1, 1), None),
    ],
)
def test_age_is_counted_in_whole_years(born: date | None, day: date, age: int | None) -> None:
    assert age_in_years(born, day) == age
