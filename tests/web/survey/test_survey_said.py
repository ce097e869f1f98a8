"""What patients say: the raw figure is that of the report, comments are redacted, few people are never shown."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Scope
from hcrm.patients.models import Encounter
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.service.satisfaction import satisfaction_report
from hcrm.survey import service
from hcrm.survey.domain import Mode
from hcrm.survey.forms.said import scores
from hcrm.survey.models import SurveyResponse
from hcrm.survey.queries import questionnaire
from hcrm.survey.queries.said import Chosen, cells_by_question
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_survey import SurveyFactory

Login = Callable[..., int]

pytestmark = pytest.mark.database


def answered(session: Session, facility_id: int, department_id: int, now: Any, ratings: list[int], words: str) -> None:
    factory = SurveyFactory(session, now, facility_id)
    for at, rating in enumerate(ratings):
        response_id = factory.response(family_name="Schmidt", given_name="Anna", full_name="Anna Schmidt")
        session.execute(
            update(SurveyResponse).where(SurveyResponse.id == response_id).values(department_id=department_id)
        )
        service.record_answers(
            session, response_id=response_id, values={"overall": rating, "comment": f"{words} {at}"}, mode=Mode.WEB,
            now=now,
        )  # fmt: skip


def test_scores_and_comments_of_the_own_departments(
    client: Any, login: Login, runtime: Runtime, facility: int, departments: dict[str, int]
) -> None:
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        praise = "Dr Smith was kind to Anna Schmidt, call 13900001111"
        answered(session, facility, departments["MED"], now, [5, 5, 4, 2, 5, 5], praise)
        answered(session, facility, departments["SUR"], now, [1, 1], "=SUM(A1) 王医生不好")
        days = (now.date() - timedelta(days=3), now.date() + timedelta(days=1))
        everything = Scope({facility: None})
        row = scores(questionnaire(session, "SAT_IP"), cells_by_question(session, everything, Chosen("SAT_IP", *days)))[
            0
        ]
        report = satisfaction_report(session, selection=Selection(*days, everything.departments), by=By.QUESTION)
        assert row.raw == next(each.score for each in report.rows if each.question == "overall")
        assert row.weighted.n == row.raw.n == 8
    login("manager")
    page = client.get("/said?weighted=1").text
    assert "Comments: 8" in page
    assert "Dr ▮ was kind to ▮, call #" in page
    assert "Schmidt" not in page
    assert "13900001111" not in page
    assert "Weighted" in page
    assert "Comments: 5" in client.get("/said?rating=high").text
    few = client.get(f"/said?department={departments['SUR']}").text
    assert "Too few to show" in few
    assert "SUM" not in few
    assert "fewer than 5" in few
    file = client.get("/said/file")
    table = list(csv.reader(io.StringIO(file.data.decode("utf-8-sig"))))
    assert len(table) == 9
    assert next(cells[4] for cells in table if "SUM" in cells[4]).startswith("'=SUM(A1) ▮医生")
    assert client.get("/said?questionnaire=NOPE").status_code == 404
    client.post("/logout")
    login("department_head", departments["SUR"])
    own = client.get("/said").text
    assert "Comments: 2" in own
    assert "Smith" not in own
    assert len(list(csv.reader(io.StringIO(client.get("/said/file").data.decode("utf-8-sig"))))) == 1


def test_comments_among_the_figures_are_those_of_five_at_least_and_name_nobody(
    client: Any, login: Login, runtime: Runtime, facility: int, departments: dict[str, int]
) -> None:
    with unit_of_work(runtime.sessions) as session:
        now = runtime.clock.now()
        answered(
            session, facility, departments["MED"], now, [5] * 5, "Dr Smith and gentle Hua were kind to Anna Schmidt"
        )
        session.execute(update(Encounter).values(nurse="Hua"))
        answered(session, facility, departments["SUR"], now, [1] * 4, "my name is John Miller")
    login("manager")
    month = f"{now:%Y-%m}"
    page = client.get(f"/figures/said?period={month}&department={departments['MED']}").text
    assert "were kind to" in page
    assert "Hua" not in page
    assert "Smith" not in page
    assert "Schmidt" not in page
    for few in ("said", "bulletin"):
        assert "my name is" not in client.get(f"/figures/{few}?period={month}&department={departments['SUR']}").text
