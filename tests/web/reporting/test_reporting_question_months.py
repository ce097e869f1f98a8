"""Each question of satisfaction over time: its months, small ones with caution, those of fewer than five untold."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.reporting import service
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.service.satisfaction import months_of_question
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
YEAR = Selection(date(2025, 3, 1), date(2026, 2, 28))
LEAVE_IN_JANUARY = """
DELETE FROM survey_answer WHERE question_code = 'overall' AND id NOT IN (
    SELECT id FROM survey_answer WHERE question_code = 'overall'
    AND answered_at >= '2026-01-02' AND answered_at < '2026-01-30' ORDER BY id LIMIT :left
) AND answered_at >= '2025-12-31' AND answered_at < '2026-02-02'
"""


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 600 discharges of the year before and their answers."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=600)
    return runtime


def asked_most(session: Session) -> list[str]:
    rows = service.satisfaction_report(session, selection=YEAR, by=By.QUESTION, with_index=False).rows
    return [row.question for row in rows if row.n]


def test_the_months_of_each_question_are_those_read_one_by_one(hospital: Runtime) -> None:
    with unit_of_work(hospital.sessions) as session:
        questions = asked_most(session)
        assert questions
        for question in questions:
            rows = {row.label.key: row for row in months_of_question(session, selection=YEAR, question=question)}
            counted = session.execute(
                text(
                    "SELECT to_char(answered_at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM'), count(*),"
                    " avg(value::text::numeric) FROM survey_answer WHERE question_code = :question"
                    " AND superseded_at IS NULL AND jsonb_typeof(value) = 'number'"
                    " AND answered_at AT TIME ZONE 'Asia/Shanghai' >= '2025-03-01'"
                    " AND answered_at AT TIME ZONE 'Asia/Shanghai' < '2026-03-01' GROUP BY 1"
                ),
                {"question": question},
            )
            found = {month: (number, mean) for month, number, mean in counted}
            assert {month: row.n for month, row in rows.items()} == {month: each[0] for month, each in found.items()}
            for month, (number, mean) in found.items():
                row = rows[month]
                assert row.score.caution == (number < 30)
                if number < 5:
                    assert row.mean.value is None
                else:
                    assert row.mean.value == pytest.approx(float(mean))


@pytest.mark.parametrize(("left", "shown"), [(4, [False]), (5, [True])])
def test_a_month_of_fewer_than_five_answers_shows_its_number_alone(
    hospital: Runtime, left: int, shown: list[bool]
) -> None:
    with unit_of_work(hospital.sessions) as session:
        session.execute(text(LEAVE_IN_JANUARY), {"left": left})
    with unit_of_work(hospital.sessions) as session:
        rows = {row.label.key: row for row in months_of_question(session, selection=YEAR, question="overall")}
    january = rows["2026-01"]
    assert january.n == left
    assert [january.mean.value is not None] == shown
    assert [january.positive is not None] == shown


def figure_of(page: str) -> dict[str, Any]:
    found = re.search(r'id="figure-months">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    made: dict[str, Any] = json.loads(html.unescape(found[1]))
    return made


def test_the_page_draws_the_question_that_is_chosen_and_keeps_the_choice(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    with unit_of_work(hospital.sessions) as session:
        question = next(each for each in asked_most(session) if each != "overall")
        rows = [row for row in months_of_question(session, selection=YEAR, question=question) if row.mean.value]
    login("manager")
    page = client.get(f"/figures/said?period=2026-02&question={question}").get_data(as_text=True)
    trace = figure_of(page)["data"][-1]
    drawn = dict(zip(trace["x"], trace["y"], strict=True))
    assert {row.label.name: row.mean.value for row in rows}.items() <= drawn.items()
    assert len(trace["error_y"]["array"]) == len(trace["x"])
    assert any(symbol.endswith("-open") for symbol in trace["marker"]["symbol"])
    assert f'<option value="{question}" selected>' in page
    assert page.count(f'name="question" value="{question}"') == 2
    assert "caution: fewer than 30 answers" in page
    assert client.get("/figures/said?period=2026-02&question=moon").status_code == 404
    assert client.get("/figures/said?period=2026-02&question=comment").status_code == 404
