"""Pages open on the newest month that has records, and say so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from hcrm.clock import FixedClock
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

PAGES = (
    "/overview",
    "/figures/departments",
    "/figures/followup",
    "/figures/returns",
    "/figures/said",
    "/figures/bulletin",
    "/figures/review",
)
SENTENCE = "so the newest month with records is shown: March 2026."


@pytest.fixture
def old_hospital(runtime: Runtime, clock: FixedClock, facility: int) -> Runtime:
    """A hospital whose newest discharge was on 10 March, looked at a hundred days later."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, clock.now())
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=clock.now(), discharges=100)
    clock.advance(timedelta(days=100))
    return runtime


@pytest.mark.parametrize("address", PAGES)
def test_a_page_whose_usual_period_is_empty_opens_on_the_newest_month_with_records(
    old_hospital: Runtime, client: FlaskClient, login: Callable[..., int], address: str
) -> None:
    del old_hospital
    login("department_head")
    assert SENTENCE in client.get(address).get_data(as_text=True)
    assert SENTENCE not in client.get(f"{address}?period=2026-02").get_data(as_text=True)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_with_records_or_without_any_says_nothing(
    runtime: Runtime, facility: int, client: FlaskClient, login: Callable[..., int], address: str
) -> None:
    login("department_head")
    assert "newest month with records" not in client.get(address).get_data(as_text=True)
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, runtime.clock.now())
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=runtime.clock.now(), discharges=100)
    assert "newest month with records" not in client.get(address).get_data(as_text=True)


def test_files_hold_the_month_that_the_page_shows(
    old_hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    del old_hospital
    login("manager")
    name = client.get("/figures/followup.csv").headers["Content-Disposition"]
    assert "followup-2026-03-01-2026-03-31.csv" in name
