"""The share of a person with few tasks is told nowhere: not in files, nor by the command, nor to other programs."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import text

from hcrm.cli.reports import report as report_command
from hcrm.reporting.forms.workbook import SHARES
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
CLINICIANS = """
INSERT INTO clinician (id, facility_id, code, name) SELECT 1, min(id), 'D1', 'Dr Few' FROM facility;
INSERT INTO clinician (id, facility_id, code, name) SELECT 2, min(id), 'D2', 'Dr Many' FROM facility;
UPDATE task SET clinician_id = 2;
UPDATE task SET clinician_id = 1 WHERE id IN (SELECT id FROM task ORDER BY id LIMIT 20)
"""


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 300 discharges: one clinician has at most 20 tasks, another all the rest."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=300)
        for statement in CLINICIANS.split(";"):
            session.execute(text(statement))
    return runtime


def command(runtime: Runtime, *arguments: str) -> str:
    environment = {
        "DATABASE_URL": runtime.settings.database_url,
        "SECRET_KEY": "a secret key that only tests know",
        "HCRM_INSTANCE_DIR": str(runtime.settings.instance_dir),
    }
    result = CliRunner().invoke(report_command, ["followup", "--by", "clinician", *arguments], env=environment)
    assert result.exit_code == 0, result.output
    return result.output


def check(rows: Sequence[dict[str, Any]]) -> None:
    """Counts of everybody, shares of whoever has 30 tasks due."""
    people = {row["group"]: row for row in rows if row["code"]}
    few, many = people["Dr Few"], people["Dr Many"]
    assert 0 < int(few["due"]) < 30 <= int(many["due"])
    assert {few[head] for head in few if head in SHARES} <= {None, ""}
    assert many["rate"] not in {None, ""}
    assert (str(few["withheld"]), str(many["withheld"])) == ("True", "False")


def test_files_and_the_command_and_other_programs_are_told_no_share(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("administrator")
    made = client.post("/figures/access", data={"name": "board", "department": "", "reports": ["followup"]})
    token = re.search(r"hcrmfig_[\w-]{20,}", made.get_data(as_text=True))
    assert token is not None
    client.post("/logout")
    asked = client.get("/api/figures/followup?by=clinician", headers={"Authorization": f"Bearer {token[0]}"})
    check(asked.get_json()["rows"])
    check(json.loads(command(hospital, "--json"))["rows"])
    login("manager")
    days = "by=clinician&from=2020-01-01&to=2026-12-31"
    check(list(csv.DictReader(io.StringIO(client.get(f"/figures/followup.csv?{days}").data.decode("utf-8-sig")))))


def test_the_workbook_leaves_the_shares_empty_and_says_why(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    del hospital
    login("manager")
    answer = client.get("/figures/followup.xlsx?by=clinician&from=2020-01-01&to=2026-12-31")
    heads, *rows = CalamineWorkbook.from_filelike(io.BytesIO(answer.data)).get_sheet_by_index(0).to_python()[3:]
    people = {row[0]: dict(zip(heads, row, strict=True)) for row in rows}
    assert people["Dr Few"]["Share completed"] == people["Dr Few"]["Share in time"] == ""
    assert people["Dr Few"]["Shares not shown: fewer than 30 due"] is True
    assert people["Dr Many"]["Share completed"] != ""


def test_the_command_says_that_a_share_is_not_shown(hospital: Runtime) -> None:
    assert "No share of a person is shown below 30 tasks due." in command(hospital)


def test_a_department_of_few_tasks_keeps_its_share(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    with unit_of_work(hospital.sessions) as session:
        session.execute(text("UPDATE task SET department_id = (SELECT min(id) FROM department)"))
        session.execute(text("UPDATE task SET department_id = (SELECT max(id) FROM department) WHERE clinician_id = 1"))
    login("manager")
    answer = client.get("/figures/followup.csv?by=department&from=2020-01-01&to=2026-12-31")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    small = next(row for row in rows if 0 < int(row["due"]) < 30)
    assert small["rate"] != ""
    assert small["withheld"] == "False"
