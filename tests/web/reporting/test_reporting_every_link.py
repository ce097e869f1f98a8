"""Every number on the pages of figures that can be clicked opens a list of exactly so many, within scope."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from hcrm.reporting import service
from hcrm.reporting.domain.measures import MEASURES
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
FOLLOWUP = [f"/figures/followup?by={by}" for by in service.FOLLOWUP_GROUPINGS if by != "none"]
RETURNS = [f"/figures/returns?by={by}" for by in service.REVISIT_GROUPINGS if by != "none"]
PAGES = [
    "/overview?",
    "/figures/departments?",
    "/figures/bulletin?",
    *FOLLOWUP,
    "/figures/followup?by=month&basis=discharge",
    *RETURNS,
    *(f"/figures/returns?by=department&measure={code}" for code in MEASURES),
]
OF_ONE_PAGE = 12
"""So many links of a page are opened, drawn at random from all of them: days and clinicians have hundreds."""

LINK = re.compile(r'href="(/figures/patients\?[^"]+)">([\d,]+)(?:</a>| of )')
HEADING = re.compile(r"<h1>[^<]*: ([\d,]+)</h1>")
SOMETHING_ODD = """
UPDATE task SET department_id = NULL, clinician_id = NULL WHERE id % 17 = 0;
UPDATE encounter SET department_id = NULL, principal_diagnosis = 'unwell' WHERE id % 13 = 0;
UPDATE encounter SET disposition = 'against_advice' WHERE id % 11 = 0;
UPDATE patient SET birth_date = NULL WHERE id % 7 = 0;
UPDATE patient SET person_id = (SELECT min(id) FROM patient) WHERE id = (SELECT max(id) FROM patient)
"""


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 300 discharges, some of whose records lack what pages group by."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=300)
        for statement in SOMETHING_ODD.split(";"):
            session.execute(text(statement))
    return runtime


def opened(client: FlaskClient, address: str) -> int:
    """How many the list behind a link says it has; on one page it also shows so many."""
    page = client.get(address).get_data(as_text=True)
    heading = HEADING.search(page)
    assert heading is not None, address
    return int(heading[1].replace(",", ""))


def check(client: FlaskClient, page: str, seed: int) -> int:
    """Open the links of a page; how many there were."""
    answer = client.get(page)
    assert answer.status_code == 200, page
    links = sorted({(html.unescape(link), shown) for link, shown in LINK.findall(answer.get_data(as_text=True))})
    chosen = random.Random(seed).sample(links, min(OF_ONE_PAGE, len(links)))
    for address, shown in chosen:
        assert opened(client, address) == int(shown.replace(",", "")), (page, address)
    return len(links)


def test_every_number_opens_as_many_as_it_says(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    del hospital
    login("manager")
    impersonal = [page for page in PAGES if "staff" not in page]
    links = {page: check(client, f"{page}&period=2026-01", at) for at, page in enumerate(impersonal)}
    assert [page for page, found in links.items() if found < 2 and "ed_return" not in page] == []
    assert sum(links.values()) > 500


def test_the_numbers_of_a_head_open_the_patients_of_their_department_alone(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    with unit_of_work(hospital.sessions) as session:
        mine = session.scalar(text("SELECT id FROM department WHERE code = 'B02'")) or 0
    login("department_head", mine)
    for at, page in enumerate(("/overview?", "/figures/followup?by=staff", "/figures/returns?by=age")):
        assert check(client, f"{page}&period=2026-01", at) > 0, page


def test_a_group_that_the_viewer_may_not_see_is_not_found(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    del hospital
    login("manager")
    behind = "/figures/patients?figure=tasks&part=due&period=2026-01"
    assert client.get(f"{behind}&by=staff&key=1").status_code == 404
    assert client.get(f"{behind}&by=moon&key=1").status_code == 404
    assert opened(client, f"{behind}&by=tier&key=nothing") == 0


def test_a_person_with_fewer_than_30_tasks_has_no_share(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    with unit_of_work(hospital.sessions) as session:
        mine = session.scalar(text("SELECT id FROM department WHERE code = 'B02'")) or 0
    login("department_head", mine)
    rows = client.get("/figures/followup?by=staff&period=2026-01").get_data(as_text=True).split("<tbody>")[1]
    people = rows.split("</tbody>")[0]
    assert "fewer than 30" in people
    assert "%" not in re.sub(r'href="[^"]*"', "", people)
