"""A hospital makes a measure in the browser; it is tried, kept, used everywhere, and retired."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlalchemy import select, text

from hcrm.accounts.models import UserAccount
from hcrm.audit.models import AuditEntry
from hcrm.cli.reports import report as report_command
from hcrm.organization.models import Facility
from hcrm.reporting import service
from hcrm.reporting.domain.measures import MEASURES
from hcrm.reporting.domain.reports import By, Selection, UnknownMeasure
from hcrm.reporting.models import OwnMeasure
from hcrm.reporting.service.measures import BadMeasure, keep_measure
from hcrm.survey.domain import Text
from hcrm.tokens.domain import TokenPurpose
from hcrm.tokens.service import make_token
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
LIKE_30_DAYS: dict[str, Any] = {
    "name": "Ours within 30 days",
    "name_zh": "本院30天",
    "code": "ours_30d",
    "index_classes": ["IMP"],
    "revisit_classes": ["IMP"],
    "first": "0",
    "last": "30",
    "unit": "days",
    "discharge_day": "0",
    "counted": "first",
    "link": "episode",
}
JANUARY = "period=2026-01"


@pytest.fixture
def hospital(runtime: Runtime, facility: int) -> Runtime:
    """A hospital with 300 discharges of the year before."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=300)
    return runtime


def post(client: FlaskClient, button: str, **changes: Any) -> Any:
    return client.post("/figures/measures", data={**LIKE_30_DAYS, **changes, button: "1"})


def test_a_measure_is_tried_without_being_kept(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    page = post(client, "try").get_data(as_text=True)
    assert "Ours within 30 days. Counted: those followed by a later inpatient stay" in page
    assert "discharges came back." in page
    with unit_of_work(hospital.sessions) as session:
        assert session.query(OwnMeasure).count() == 0


def test_a_kept_measure_gives_the_numbers_of_the_same_parameters_everywhere(
    hospital: Runtime, facility: int, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    assert post(client, "keep").status_code == 303
    whole = Selection(date(2025, 3, 1), date(2026, 2, 28), {facility: None})
    with unit_of_work(hospital.sessions) as session:
        for by in service.REVISIT_GROUPINGS:
            shipped, own = (
                service.revisit_report(session, measure=code, selection=whole, by=by, now=NOW)
                for code in ("readmit_30d", "ours_30d")
            )
            assert (own.rows, own.total) == (shipped.rows, shipped.total)
        assert own.total.rate.numerator > 0
        checked = {each.figure: each for each in service.verify(session, NOW)}
        assert checked["ours_30d/episode"].records > 0
        assert [each for each in checked.values() if each.differences] == []
        author = session.scalars(select(UserAccount.id)).first()
        _kept, token = make_token(
            session, purpose=TokenPurpose.FIGURES, facility_id=facility, scopes=["revisits"], name="BI", now=NOW,
            actor_user_id=author or 0,
        )  # fmt: skip
        said = [each.action for each in session.scalars(select(AuditEntry))]
    assert "figures.measure_kept" in said
    page = client.get(f"/figures/returns?measure=ours_30d&{JANUARY}").get_data(as_text=True)
    assert "Ours within 30 days." in page
    assert "part=numerator&amp;measure=ours_30d" in page
    behind = client.get(f"/figures/patients?figure=revisits&part=denominator&measure=ours_30d&{JANUARY}")
    assert "Ours within 30 days." in behind.get_data(as_text=True)
    assert "ours_30d" in client.get("/figures/definitions").get_data(as_text=True)
    asked = client.get(
        f"/api/figures/revisits?measure=ours_30d&from={whole.from_on}&to={whole.to_on}",
        headers={"Authorization": f"Bearer {token}"},
    ).get_json()
    assert asked["total"]["numerator"] == own.total.rate.numerator
    assert asked["definition"].startswith("Ours within 30 days.")
    book = CalamineWorkbook.from_filelike(
        io.BytesIO(client.get(f"/figures/revisits.xlsx?measure=ours_30d&{JANUARY}").get_data())
    )
    assert "ours_30d" in {row[0] for row in book.get_sheet_by_name("Definitions").to_python()}


def test_the_command_knows_the_measures_of_the_hospital(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    post(client, "keep")
    environment = {
        "DATABASE_URL": hospital.settings.database_url,
        "SECRET_KEY": "a secret key that only tests know",
        "HCRM_INSTANCE_DIR": str(hospital.settings.instance_dir),
    }
    printed = CliRunner().invoke(report_command, ["revisits", "--measure", "ours_30d", "--json"], env=environment)
    assert printed.exit_code == 0, printed.output
    assert json.loads(printed.output)["measure"] == "ours_30d"
    unknown = CliRunner().invoke(report_command, ["revisits", "--measure", "theirs"], env=environment)
    assert unknown.exit_code != 0
    assert all(code in unknown.output for code in [*MEASURES, "ours_30d"])


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"last": "3650"}, "The window is longer than a year (365 days)."),
        ({"first": "31"}, "The window ends before it begins."),
        ({"code": "readmit_30d"}, "There is already a measure with this code."),
        ({"code": "Ours"}, "The code has 3 to 40 small letters"),
        ({"name": ""}, "Give the measure a name."),
        ({"index_classes": []}, "Choose whose returns are counted"),
        ({"bands": "0, tomorrow"}, "The groups of days are ranges inside the window"),
        ({"last": ""}, "Give a whole number from 0 on."),
        ({"last": "9" * 30}, "Give a whole number from 0 on."),
        ({"counted": "first_decides"}, "“None when it was planned” needs"),
    ],
)
@pytest.mark.parametrize("button", ["try", "keep"])
def test_what_cannot_be_kept_is_said_in_a_sentence(
    hospital: Runtime,
    client: FlaskClient,
    login: Callable[..., int],
    changes: dict[str, Any],
    sentence: str,
    button: str,
) -> None:
    login("manager")
    answer = post(client, button, **changes)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    with unit_of_work(hospital.sessions) as session:
        assert session.query(OwnMeasure).count() == 0


def test_a_retired_measure_is_no_longer_offered_and_its_code_stays_taken(
    hospital: Runtime, facility: int, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    post(client, "keep")
    with unit_of_work(hospital.sessions) as session:
        number = session.query(OwnMeasure).one().id
    assert client.post(f"/figures/measures/{number}/retire").status_code == 303
    assert client.get("/figures/returns?measure=ours_30d").status_code == 404
    assert client.get("/figures/patients?figure=revisits&part=numerator&measure=ours_30d").status_code == 404
    assert client.get("/figures/revisits.csv?measure=ours_30d").status_code == 404
    assert post(client, "keep").status_code == 422
    with unit_of_work(hospital.sessions) as session, pytest.raises(UnknownMeasure):
        service.revisit_report(
            session, measure="ours_30d", selection=Selection(scope={facility: None}), by=By.NONE, now=NOW
        )


def test_a_new_measure_begins_from_another_one(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    del hospital
    login("manager")
    page = client.get("/figures/measures?from=unexpected_0_31d_cn").get_data(as_text=True)
    assert 'value="Z510, Z511, Z512, Z518"' in page
    assert 'value="0, 1, 2-15, 16-31"' in page


def test_a_measure_belongs_to_the_hospital_that_made_it(
    hospital: Runtime, client: FlaskClient, login: Callable[..., int]
) -> None:
    login("manager")
    post(client, "keep")
    with unit_of_work(hospital.sessions) as session:
        other = Facility(
            code="other", name="Other", name_zh="", timezone="Asia/Shanghai", country="CN", phone="", settings={},
            created_at=NOW,
        )  # fmt: skip
        session.add(other)
        session.flush()
        with pytest.raises(UnknownMeasure):
            service.revisit_report(
                session, measure="ours_30d", selection=Selection(scope={other.id: None}), by=By.NONE, now=NOW
            )


def test_of_two_who_keep_the_same_code_at_the_same_moment_one_is_told(
    hospital: Runtime, facility: int, login: Callable[..., int]
) -> None:
    user_id = login("manager")
    measure, name = MEASURES["readmit_30d"], Text("Ours", "")
    about: dict[str, Any] = {"facility_id": facility, "name": name, "now": NOW, "actor_user_id": user_id}
    ours = replace(measure, code="ours")
    with unit_of_work(hospital.sessions) as first, ThreadPoolExecutor(1) as thread:
        keep_measure(first, measure=ours, **about)

        def second() -> None:
            with unit_of_work(hospital.sessions) as session:
                keep_measure(session, measure=ours, **about)

        waiting = thread.submit(second)
        with hospital.engine.connect() as watching:
            while not waiting.done() and not watching.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
                watching.rollback()
        first.commit()
        with pytest.raises(BadMeasure):
            waiting.result(timeout=30)
