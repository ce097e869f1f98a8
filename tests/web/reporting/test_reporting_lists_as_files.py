"""The patients behind a number as a file, and the departments with every column of their page."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
ALL_BUT_FOUR = """
DELETE FROM survey_answer WHERE id NOT IN (
    SELECT id FROM survey_answer WHERE question_code = 'overall' ORDER BY id LIMIT 4
)
"""
ALL_IN_JANUARY = "UPDATE task SET due_on = '2026-01-15', due_at = '2026-01-15 10:00+00'"
LOOKS = "SELECT count(*) FROM audit_entry WHERE action = 'figures.patients_viewed'"


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 600 discharges of the year before."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=600)
    return runtime


def rows_of(client: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def shown(client: FlaskClient, question: str) -> int:
    """How many the page says there are."""
    found = re.search(r"<h1>[^<]*: ([\d,]+)</h1>", client.get(f"/figures/patients?{question}").get_data(as_text=True))
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize(
    ("question", "columns"),
    [
        ("figure=tasks&part=planned", 10),
        ("figure=tasks&part=excluded", 10),
        ("figure=discharges", 4),
        ("figure=revisits&part=denominator", 7),
        ("figure=revisits&part=excluded", 7),
        ("figure=answers", 6),
    ],
)
def test_a_file_has_as_many_lines_as_the_number_says_and_the_columns_of_the_page(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int], question: str, columns: int
) -> None:
    login("manager")
    asked = f"{question}&period=2026-01"
    number = shown(client, asked)
    with unit_of_work(hospital.sessions) as session:
        looks = session.scalar(text(LOOKS)) or 0
    rows = rows_of(client, f"/figures/patients.csv?{asked}")
    assert len(rows) == number
    assert all(len(row) == columns for row in rows)
    with unit_of_work(hospital.sessions) as session:
        assert session.scalar(text(LOOKS)) == looks + 1


def test_the_page_leads_to_the_file_of_its_own_list(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    del hospital
    login("manager")
    asked = "figure=tasks&part=due&by=tier&key=1&period=2026-01"
    page = client.get(f"/figures/patients?{asked}&page=2").get_data(as_text=True)
    found = re.search(r'href="(/figures/patients\.csv\?[^"]+)"', page)
    assert found is not None
    assert len(rows_of(client, html.unescape(found[1]))) == shown(client, asked) > 50


def test_the_file_reaches_as_far_as_the_page(hospital: Runtime, client: FlaskClient, login: Callable[..., int]) -> None:
    with unit_of_work(hospital.sessions) as session:
        mine = session.scalar(text("SELECT id FROM department WHERE code = 'B02'")) or 0
        other = session.scalar(text("SELECT id FROM department WHERE code = 'B03'")) or 0
    login("department_head", mine)
    asked = "/figures/patients.csv?figure=tasks&part=planned&period=2026-01"
    assert len({row["Department"] for row in rows_of(client, asked)}) == 1
    assert client.get(f"{asked}&department={other}").status_code in {403, 404}
    assert client.get("/figures/patients.csv?figure=moon").status_code == 404
    assert client.get("/figures/patients.csv?figure=tasks&part=moon").status_code == 404


def test_a_small_group_of_answers_is_in_no_file(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    with unit_of_work(hospital.sessions) as session:
        session.execute(text(ALL_BUT_FOUR))
        session.execute(text("UPDATE survey_answer SET answered_at = '2026-01-15 02:00+00'"))
    login("manager")
    assert rows_of(client, "/figures/patients.csv?figure=answers&period=2026-01") == []


def test_a_list_that_is_too_long_for_a_file_says_what_to_do(
    runtime: Runtime, facility: int, client: FlaskClient, login: Callable[..., int]
) -> None:
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=3600)
        session.execute(text(ALL_IN_JANUARY))
    login("manager")
    asked = "figure=tasks&part=planned&period=2026-01"
    assert shown(client, asked) > 10_000
    with unit_of_work(runtime.sessions) as session:
        looks = session.scalar(text(LOOKS))
    answer = client.get(f"/figures/patients.csv?{asked}")
    assert answer.status_code == 303
    with unit_of_work(runtime.sessions) as session:
        assert session.scalar(text(LOOKS)) == looks
    assert "downloaded department by department" in client.get(answer.headers["Location"]).get_data(as_text=True)


def test_the_file_of_departments_has_the_numbers_of_the_page(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    del hospital
    login("manager")
    page = client.get("/figures/departments?period=2026-01").get_data(as_text=True)
    rows = rows_of(client, "/figures/departments.csv?period=2026-01")
    assert "/figures/departments.csv?period=2026-01" in page
    assert rows[-1]["group"] == "total"
    heads = ("planned", "due", "attempted", "reached", "completed", "completed_in_time", "discharges")
    for row, line in zip(rows, page.split("<tbody>")[1].split("<tr>")[1:], strict=True):
        numbers = [each.replace(",", "") for each in re.findall(r">([\d,]+)</a>", line)]
        assert numbers[:7] == [row[head] for head in heads], row["group"]
        assert f"{float(row['returned_rate']):.1%}" in line
