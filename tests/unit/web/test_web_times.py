"""Times and numbers as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel

from hcrm import web
from hcrm.clock import FixedClock
from tests.conftest import make_settings

MOMENT = datetime(2026, 11, 24, 2, 42, tzinfo=UTC)
PLACE = "Asia/Shanghai"


class Runtime:
    """As much of a runtime as a page needs."""

    def __init__(self, folder: Path) -> None:
        self.settings = make_settings(folder, hospital_timezone="Europe/London")
        self.clock = FixedClock(MOMENT)


@pytest.fixture(params=["en", "zh-CN"])
def language(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A request in each language."""
    app = Flask(__name__)
    app.config["SECRET_KEY"] = "only for this test"
    app.extensions["hcrm"] = Runtime(tmp_path)
    Babel(app, locale_selector=web.language)
    with app.test_request_context(headers={"Accept-Language": request.param}):
        yield web.language()


@pytest.mark.usefixtures("language")
def test_nothing_is_a_dash() -> None:
    assert {web.local_date(None), web.local_datetime(None), web.long_date(None), web.weekday(None)} == {"–"}
    assert {web.local_time(None), web.number(None), web.percent(None)} == {"–"}


def test_moment_is_told_in_the_zone_with_the_weekday(language: str) -> None:
    assert (
        web.local_datetime(MOMENT, PLACE)
        == {
            "en": "Tue 24 Nov 2026, 10:42",
            "zh_Hans": "2026年11月24日 周二 10:42",
        }[language]
    )
    assert (
        web.long_date(MOMENT, PLACE)
        == {
            "en": "Tuesday 24 November 2026",
            "zh_Hans": "2026年11月24日 星期二",
        }[language]
    )
    assert web.month(date(2026, 11, 24)) == {"en": "November 2026", "zh_Hans": "2026年11月"}[language]


def test_day_of_a_moment_is_that_of_the_zone(language: str) -> None:
    late = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)

    assert web.local_date(late, PLACE) == {"en": "Wed 25 Nov 2026", "zh_Hans": "2026年11月25日 周三"}[language]
    assert web.local_date(late) == {"en": "Tue 24 Nov 2026", "zh_Hans": "2026年11月24日 周二"}[language]


@pytest.mark.usefixtures("language")
def test_plain_days_and_times_are_not_moved() -> None:
    assert web.local_time(time(9, 5), PLACE) == "09:05"
    assert "24" in web.local_date(date(2026, 11, 24), PLACE)


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize(
    ("value", "digits", "text"), [(1234567, 0, "1,234,567"), (0.5, 1, "0.5"), (2.0, 1, "2"), (-3.14159, 2, "-3.14")]
)
def test_numbers_are_grouped(value: float, digits: int, text: str) -> None:
    assert web.number(value, digits) == text


@pytest.mark.usefixtures("language")
@pytest.mark.parametrize(("value", "text"), [(0, "0.0%"), (0.1234, "12.3%"), (1, "100.0%")])
def test_zero_is_a_share_and_not_a_dash(value: float, text: str) -> None:
    assert web.percent(value) == text


@pytest.mark.usefixtures("language")
def test_time_is_the_clock_of_the_process() -> None:
    assert web.now() == MOMENT
