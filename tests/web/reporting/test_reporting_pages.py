"""The manager's pages: the same number on page, file and command; scope; addresses that make no sense."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import plotly.graph_objects as go
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text

from hcrm.cli.reports import report as report_command
from hcrm.reporting import service
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
JANUARY = Selection(date(2026, 1, 1), date(2026, 1, 31))


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 600 discharges of the year before."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=600)
    return runtime


def a_department(runtime: Runtime) -> int:
    with unit_of_work(runtime.sessions) as session:
        return session.scalar(text("SELECT id FROM department WHERE code = 'B03'")) or 0


def command(runtime: Runtime, *arguments: str) -> dict[str, Any]:
    environment = {
        "DATABASE_URL": runtime.settings.database_url,
        "SECRET_KEY": "a secret key that only tests know",
        "HCRM_INSTANCE_DIR": str(runtime.settings.instance_dir),
    }
    result = CliRunner().invoke(report_command, [*arguments, "--json"], env=environment)
    assert result.exit_code == 0, result.output
    made: dict[str, Any] = json.loads(result.stdout)
    return made


def file_rows(client: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def words(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def test_page_file_and_command_show_the_same_number(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    with unit_of_work(hospital.sessions) as session:
        calls = TaskFilter(human=True, tier=1, without_recall=True)
        followup = service.followup_report(session, selection=JANUARY, by=By.NONE, now=NOW, only=calls).total
        every = service.followup_report(session, selection=JANUARY, by=By.NONE, now=NOW).total.funnel
        revisits = service.revisit_report(session, measure="readmit_30d", selection=JANUARY, by=By.NONE, now=NOW).total
        said = service.satisfaction_report(session, selection=JANUARY, by=By.NONE).total
    page = words(client, "/overview?period=2026-01")
    assert f"{followup.funnel.completed_in_time} of {followup.funnel.due} tasks" in page
    assert f"{followup.in_time.value:.1%}" in page
    assert f"{revisits.rate.numerator} of {revisits.rate.denominator} discharges" in page
    assert f"{said.positive} of {said.n} answers" in page
    filed = file_rows(client, "/figures/followup.csv?period=2026-01&human=1&tier=1")[-1]
    assert (int(filed["completed_in_time"]), int(filed["due"])) == (
        followup.funnel.completed_in_time,
        followup.funnel.due,
    )
    returned = file_rows(client, "/figures/revisits.csv?period=2026-01")[-1]
    assert (int(returned["numerator"]), int(returned["denominator"])) == (
        revisits.rate.numerator,
        revisits.rate.denominator,
    )
    days = ("--from", "2026-01-01", "--to", "2026-01-31")
    assert command(hospital, "followup", *days)["total"]["completed_in_time"] == every.completed_in_time
    told = command(hospital, "revisits", "--measure", "readmit_30d", *days)["total"]
    assert (told["numerator"], told["denominator"]) == (revisits.rate.numerator, revisits.rate.denominator)
    assert told["rate"] == pytest.approx(revisits.rate.value)
    heard = command(hospital, "satisfaction", *days)["total"]
    assert (heard["numerator"], heard["n"]) == (said.positive, said.n)


def test_overview_carries_figures_that_plotly_accepts_in_both_languages(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    for language in ("en", "zh_Hans"):
        client.get(f"/language/{language}")
        page = client.get("/overview?period=2026-01").get_data(as_text=True)
        blocks = re.findall(r'<script type="application/json" id="figure-(\w+)">(.*?)</script>', page, re.DOTALL)
        assert [name for name, _block in blocks] == ["weeks", "funnel", "departments", "returned"]
        for _name, block in blocks:
            figure = go.Figure(json.loads(block))
            assert figure.data
            assert "<" not in json.dumps([note["text"] for note in json.loads(block)["layout"].get("annotations", [])])
        assert "style=" not in page


def test_every_number_of_the_overview_opens_a_list_of_that_length(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    page = client.get("/overview?period=2026-01").get_data(as_text=True)
    links = set(re.findall(r'href="(/figures/patients\?[^"]+)">([\d,]+)(?: of|<)', page))
    assert len(links) > 20
    for address, shown in sorted(links):
        heading = re.search(r"<h1>.*: ([\d,]+)</h1>", client.get(address.replace("&amp;", "&")).get_data(as_text=True))
        assert heading, address
        assert heading[1] == shown, address


def test_follow_up_says_why_more_is_completed_than_reached_only_where_it_is(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    sentence = "so more can be completed than reached"
    login("manager")
    assert sentence not in words(client, "/figures/followup?period=2026-01&by=channel")
    with unit_of_work(hospital.sessions) as session:
        session.execute(text("UPDATE task SET reached_at = NULL WHERE channel = 'sms'"))
        rows = service.followup_report(session, selection=JANUARY, by=By.CHANNEL, now=NOW).rows
    assert any(row.funnel.completed > row.funnel.reached for row in rows)
    assert sentence in words(client, "/figures/followup?period=2026-01&by=channel")


def test_head_of_a_department_sees_that_department_alone(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    mine = a_department(hospital)
    login("department_head", mine)
    with unit_of_work(hospital.sessions) as session:
        total = service.followup_report(
            session,
            selection=Selection(date(2026, 1, 1), date(2026, 1, 31), department_id=mine),
            by=By.NONE,
            now=NOW,
            only=TaskFilter(human=True, tier=1, without_recall=True),
        ).total.funnel
    page = words(client, "/overview?period=2026-01")
    assert f"{total.completed_in_time} of {total.due} tasks" in page
    table = words(client, "/figures/departments?period=2026-01")
    assert "Department 4" in table
    assert "Department 5" not in table
    assert client.get(f"/overview?department={mine + 1}").status_code == 403
    assert client.get(f"/figures/patients?figure=tasks&part=due&department={mine + 1}").status_code == 403


@pytest.mark.parametrize("role", ["nurse", "administrator", "auditor", "service_agent"])
def test_figures_are_not_for_everybody(client: FlaskClient, login: Callable[..., int], role: str) -> None:
    login(role)
    for address in (
        "/overview",
        "/figures/departments",
        "/figures/patients",
        "/figures/definitions",
        "/figures/followup.csv",
    ):
        assert client.get(address).status_code == 403


def test_complaints_officer_sees_numbers_but_not_who_they_are(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("complaints_officer")
    assert "/figures/patients" not in client.get("/overview?period=2026-01").get_data(as_text=True)
    assert client.get("/figures/patients?figure=tasks&part=due").status_code == 403


def test_nonsense_in_the_address_is_met_calmly(client: FlaskClient, login: Callable[..., int]) -> None:
    login("manager")
    assert client.get("/overview?period=2026-13&department=x&facility=").status_code == 200
    assert client.get("/overview?period=9999-12").status_code == 200
    for address in (
        "/overview?facility=99999",
        "/figures/patients",
        "/figures/patients?figure=tasks&part=nothing",
        "/figures/patients?figure=revisits&part=numerator&measure=none",
        "/figures/patients?figure=answers&part=all&question=none",
        "/figures/departments?sort=nothing",
        "/figures/nothing.csv",
        "/figures/revisits.csv?measure=none",
    ):
        assert client.get(address).status_code == 404, address


def test_hospital_without_records_is_told_what_to_do(client: FlaskClient, login: Callable[..., int]) -> None:
    login("manager")
    page = words(client, "/overview")
    assert "No discharge and no task in this period." in page
    assert "Overview, last 30 days" in page


def test_departments_can_be_sorted_by_every_column(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    for column in ("name", "due", "on_time", "revisits"):
        page = client.get(f"/figures/departments?period=2026-01&sort={column}&order=desc").get_data(as_text=True)
        assert page.count('aria-sort="descending"') == 1
    names = re.findall(r'department=\d+[^"]*">(Department \d+)<', page)
    assert len(names) == 14


def test_definitions_are_shown_in_the_language_of_the_reader(client: FlaskClient, login: Callable[..., int]) -> None:
    login("manager")
    assert "Back in hospital within 30 days." in words(client, "/figures/definitions")
    client.get("/language/zh_Hans")
    assert "30天内再住院率。" in words(client, "/figures/definitions")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["revisits", "--measure", "nothing"], "There is no measure “nothing”."),
        (["revisits", "--from", "2026-02-30"], "is not a day"),
        (["followup", "--from", "2026-03-01", "--to", "2026-02-01"], "ends (2026-02-01) before it begins (2026-03-01)"),
        (["followup", "--by", "question"], "'question' is not one of"),
        (["satisfaction", "--questionnaire", "NOTHING"], "There is no published questionnaire “NOTHING”."),
        (["revisits", "--facility", "NOTHING"], "There is no facility with the code “NOTHING”."),
    ],
)
def test_commands_that_cannot_be_done_say_why_and_exit_2(
    hospital: Runtime, arguments: list[str], sentence: str
) -> None:
    environment = {
        "DATABASE_URL": hospital.settings.database_url,
        "SECRET_KEY": "a secret key that only tests know",
        "HCRM_INSTANCE_DIR": str(hospital.settings.instance_dir),
    }
    result = CliRunner().invoke(report_command, arguments, env=environment)
    assert result.exit_code == 2
    assert sentence in result.output
