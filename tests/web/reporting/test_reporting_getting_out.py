"""Figures as workbooks and for other programs: the same numbers, typed cells, tokens of limited reach."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from hcrm.organization.models import Clinician, Facility
from hcrm.reporting import service
from hcrm.reporting.domain.reports import FOLLOWUP_GROUPINGS, REVISIT_GROUPINGS, By, Selection
from hcrm.tokens.models import AccessToken
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
JANUARY = Selection(date(2026, 1, 1), date(2026, 1, 31))
PERIOD = "from=2026-01-01&to=2026-01-31"


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 300 discharges of the year before, and a department whose name looks like a formula."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=300)
        session.execute(text("UPDATE department SET name = '=1+1', name_zh = '=1+1' WHERE code = 'B01'"))
    return runtime


def make_token(client: FlaskClient, **data: Any) -> str:
    page = client.post("/figures/access", data={"name": "dashboard", "department": "", **data})
    assert page.status_code == 200
    found = re.search(r"hcrmfig_[\w-]{20,}", page.get_data(as_text=True))
    assert found is not None
    return found[0]


def ask(client: FlaskClient, token: str, address: str) -> Any:
    return client.get(address, headers={"Authorization": f"Bearer {token}"})


def test_a_workbook_has_typed_cells_and_the_definitions(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    answer = client.get("/figures/report.xlsx?period=2026-01")
    assert answer.headers["Content-Disposition"].endswith('report-2026-01-01-2026-01-31.xlsx"')
    book = CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    assert book.sheet_names[0] == "Follow-up by department"
    assert book.sheet_names[-1] == "Definitions"
    rows = book.get_sheet_by_name("Follow-up by department").to_python()
    heads = rows[3]
    assert heads[:3] == ["Group", "Code", "Counted"]
    with unit_of_work(hospital.sessions) as session:
        total = service.followup_report(session, selection=JANUARY, by=By.DEPARTMENT, now=NOW).total
    last = dict(zip(heads, rows[-1], strict=True))
    assert last["Group"] == "All"
    assert (last["Counted"], last["Of"]) == (total.funnel.completed, total.funnel.due)
    assert last["Share completed"] == pytest.approx(total.completion.value)
    assert isinstance(last["Provisional"], bool)
    assert "=1+1" in {row[0] for row in rows}
    definitions = book.get_sheet_by_name("Definitions").to_python()
    assert "readmit_30d" in {row[0] for row in definitions}
    client.get("/language/zh_Hans")
    chinese = CalamineWorkbook.from_filelike(io.BytesIO(client.get("/figures/followup.xlsx").data))
    assert chinese.sheet_names[-1] != "Definitions"
    assert client.get("/figures/nothing.xlsx").status_code == 404


def test_a_token_reads_what_the_command_prints(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("administrator")
    token = make_token(client, reports=["followup", "revisits", "satisfaction"])
    client.post("/logout")
    made = ask(client, token, f"/api/figures/revisits?measure=readmit_30d&by=department&{PERIOD}").get_json()
    with unit_of_work(hospital.sessions) as session:
        report = service.revisit_report(session, measure="readmit_30d", selection=JANUARY, by=By.DEPARTMENT, now=NOW)
        kept = session.query(AccessToken).one()
        assert token not in {kept.token_hash, kept.name}
        assert kept.last_used_at is not None
    assert made == service.revisit_json(report)
    assert ask(client, token, f"/api/figures/followup?{PERIOD}").get_json()["total"]["due"] > 0
    assert ask(client, token, f"/api/figures/satisfaction?by=question&{PERIOD}").status_code == 200


def test_a_token_reaches_so_far_and_no_further(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("administrator")
    with unit_of_work(hospital.sessions) as session:
        mine = session.scalar(text("SELECT id FROM department WHERE code = 'B03'"))
    narrow = make_token(client, reports=["followup"], department=str(mine))
    rows = ask(client, narrow, "/api/figures/followup?by=department").get_json()["rows"]
    assert [row["code"] for row in rows] == ["B03"]
    assert ask(client, narrow, "/api/figures/revisits").status_code == 403
    assert ask(client, "", "/api/figures/followup").headers["WWW-Authenticate"] == "Bearer"
    bare = client.get("/api/figures/followup", headers={"Authorization": narrow})
    assert bare.status_code == 401
    assert ask(client, narrow + "x", "/api/figures/followup").status_code == 401
    with unit_of_work(hospital.sessions) as session:
        number = session.query(AccessToken).one().id
    assert client.post(f"/figures/access/{number}/revoke").status_code == 303
    assert ask(client, narrow, "/api/figures/followup").status_code == 401


@pytest.mark.parametrize(
    "question",
    [
        "from=2026-02-30",
        "from=2026-03-01&to=2026-02-01",
        "by=question",
        "by=staff",
        "basis=moon",
        "to=yesterday",
        "to=9999-12-31",
    ],
)
def test_questions_that_make_no_sense_are_refused_in_a_word(
    client: FlaskClient, login: Callable[..., int], question: str
) -> None:
    login("administrator")
    token = make_token(client, reports=["followup"])
    answer = ask(client, token, f"/api/figures/followup?{question}")
    assert answer.status_code == 400
    assert answer.get_json()["error"]


@pytest.mark.parametrize(
    "address",
    [
        "/figures/visits.csv?from=0001-01-01&to=9999-12-31",
        "/figures/followup.xlsx?from=9999-12-31&to=9999-12-31",
        "/figures/patients?figure=answers&by=nonsense",
    ],
)
def test_addresses_that_make_no_sense_show_what_is_usual(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int], address: str
) -> None:
    login("manager")
    assert client.get(address).status_code == 200


def test_a_list_of_nobody_names_no_group(hospital: Runtime, client: FlaskClient, login: Callable[..., int]) -> None:
    login("manager")
    with unit_of_work(hospital.sessions) as session:
        place = Facility(
            code="ELSE", name="E", name_zh="", timezone="UTC", country="CN", phone="", settings={}, created_at=NOW
        )
        session.add(place)
        session.flush()
        stranger = Clinician(facility_id=place.id, code="S1", name="Dr Stranger")
        session.add(stranger)
        session.flush()
        key = stranger.id
    page = client.get(f"/figures/patients?figure=tasks&part=due&period=2026-01&by=clinician&key={key}")
    assert page.status_code == 200
    assert "Dr Stranger" not in page.get_data(as_text=True)


def test_a_token_ends_in_this_century(client: FlaskClient, login: Callable[..., int]) -> None:
    login("administrator")
    answer = client.post(
        "/figures/access", data={"name": "a", "department": "", "reports": ["followup"], "last_day": "9999-12-31"}
    )
    assert answer.status_code == 422


@pytest.mark.parametrize(("role", "links"), [("manager", 0), ("department_head", 1)])
def test_what_each_person_did_is_for_whoever_reviews_their_work(
    client: FlaskClient, login: Callable[..., int], role: str, links: int
) -> None:
    login(role)
    page = client.get("/figures/followup?period=2026-01&by=month").get_data(as_text=True)
    assert page.count('value="staff"') == links


def test_every_described_path_answers(client: FlaskClient, login: Callable[..., int]) -> None:
    described = client.get("/api/openapi.json").get_json()
    login("administrator")
    token = make_token(client, reports=["followup", "revisits", "satisfaction"])
    row = described["components"]["schemas"]["Report"]["properties"]["total"]["required"]
    for path, what in described["paths"].items():
        for parameter in what["get"]["parameters"]:
            for value in parameter["schema"].get("enum", []):
                answer = ask(client, token, f"{path}?{parameter['name']}={value}")
                assert answer.status_code == 200, (path, parameter["name"], value)
        assert set(row) <= set(ask(client, token, path).get_json()["total"])


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
def test_every_page_stands_at_every_grouping(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int], language: str
) -> None:
    login("manager")
    client.get(f"/language/{language}")
    for by in FOLLOWUP_GROUPINGS:
        assert client.get(f"/figures/followup?period=2026-01&by={by}").status_code == 200
    for by in REVISIT_GROUPINGS:
        assert client.get(f"/figures/returns?period=2026-01&by={by}&measure=readmit_2_31d").status_code == 200
    page = client.get("/figures/returns?period=2026-01&by=outcome").get_data(as_text=True)
    assert ("Confounded." if language == "en" else "存在混杂。") in page
    for by in ("department", "month"):
        assert client.get(f"/figures/said?period=2026-01&by={by}&topic=food").status_code == 200
    assert client.get("/figures/returns?measure=none").status_code == 404
    assert client.get("/figures/followup?by=nothing&period=1999-01").status_code == 200


def test_the_hospital_keeps_its_own_words(client: FlaskClient, login: Callable[..., int]) -> None:
    login("manager")
    assert client.post("/figures/words", data={"food": "soup 汤", "nursing": ""}).status_code == 303
    page = client.get("/figures/words").get_data(as_text=True)
    assert "soup 汤" in page
    assert "护士" in page


def test_a_view_is_kept_and_forgotten_by_its_owner(client: FlaskClient, login: Callable[..., int]) -> None:
    login("manager")
    kept = {"name": "Meeting", "page": "returns_page", "by": "age", "period": "2026-01", "moon": "1"}
    assert client.post("/figures/views", data=kept).status_code == 303
    page = client.get("/figures/mine?page=returns_page").get_data(as_text=True)
    found = re.search(r'href="(/figures/returns[^"]*)">Meeting<', page)
    assert found is not None
    assert sorted(found[1].partition("?")[2].replace("&amp;", "&").split("&")) == ["by=age", "period=2026-01"]
    assert client.post("/figures/views", data={"name": "x", "page": "mine"}).status_code == 422
    number = re.search(r"/figures/views/(\d+)/forget", page)
    assert number is not None
    client.post("/logout")
    login("quality_officer")
    assert client.post(f"/figures/views/{number[1]}/forget").status_code == 404


def test_a_letter_is_ordered_and_ended(client: FlaskClient, login: Callable[..., int]) -> None:
    login("manager")
    order = {"email": "ines@hospital.example", "department": "", "language": "en"}
    for email in ("no address", "(a@hospital.example", "a@[hospital.example", "a@b.example\r\nBcc: c@d.example"):
        assert client.post("/figures/mine", data={**order, "email": email}).status_code == 422
    assert client.post("/figures/mine", data=order).status_code == 303
    assert "ines@hospital.example" in client.get("/figures/mine").get_data(as_text=True)
    assert client.post("/figures/letter/stop").status_code == 303
    assert "ines@hospital.example" not in client.get("/figures/mine").get_data(as_text=True)


def test_tokens_and_the_own_work_are_found_from_other_pages(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("administrator")
    assert 'href="/figures/access"' in client.get("/hospital", follow_redirects=True).text
    client.post("/logout")
    login("nurse")
    assert 'href="/figures/my-work"' in client.get("/account").text
