"""The demonstration: only in a database of its own, on simulated phones; it goes on where it stopped, and lives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from hcrm.cli import main
from hcrm.clock import FixedClock
from hcrm.followup.jobs import release_due_steps
from hcrm.messaging.jobs import handle_inbound
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.days import NotASimulation
from hcrm.simulation.demo import LOGINS, SEED, ZONE, prepare
from hcrm.simulation.live import THINKING, begin_live
from hcrm.simulation.texting import send_all
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import make_runtime
from tests.conftest import Template, make_settings, newest_schema
from tests.databases import DatabaseServer

NOW = datetime(2026, 3, 10, 10, 30, tzinfo=ZONE)
HISTORY = 2

pytestmark = pytest.mark.xdist_group("demonstration")


@pytest.fixture(scope="module")
def address(database_server: DatabaseServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A demo with two days of history."""
    name = database_server.create(newest_schema(database_server))
    url = database_server.url(name)
    _prepare(url, tmp_path_factory.mktemp("demo"), NOW)
    yield url
    database_server.drop(name)


def _prepare(url: str, folder: Path, now: datetime) -> list[DayReport]:
    reports: list[DayReport] = []
    prepare(make_settings(folder, url, demo=True), now, reports.append, history_days=HISTORY)
    return reports


@pytest.fixture
def demo(address: str, tmp_path: Path) -> Iterator[tuple[Runtime, FixedClock]]:
    clock = FixedClock(NOW)
    runtime = make_runtime(make_settings(tmp_path, address, demo=True), clock)
    yield runtime, clock
    runtime.engine.dispose()


def _count(runtime: Runtime, statement: str, **values: object) -> int:
    with unit_of_work(runtime.sessions) as session:
        return int(session.execute(text(statement), values).scalar_one())


def test_the_demo_has_its_history_its_people_and_calls_left_for_today(demo):
    runtime, _ = demo
    assert _count(runtime, "SELECT count(*) FROM encounter") > 0
    assert _count(runtime, "SELECT count(*) FROM user_account") > len(LOGINS)
    waiting = "SELECT count(*) FROM task WHERE status = 'open' AND channel = 'phone' AND window_starts_at <= :now"
    assert _count(runtime, waiting, now=NOW) > 0
    assert _count(runtime, "SELECT count(*) FROM attempt WHERE started_at > :now", now=NOW - timedelta(hours=10)) == 0


def test_a_second_start_the_same_day_plays_nothing(address, tmp_path):
    assert _prepare(address, tmp_path, NOW + timedelta(hours=1)) == []


def test_people_answer_and_discharges_come_in_while_it_runs(demo, tmp_path):
    runtime, clock = demo
    before = _count(runtime, "SELECT count(*) FROM inbound_message")
    stays = _count(runtime, "SELECT count(*) FROM encounter")
    live = begin_live(runtime, tmp_path)
    with unit_of_work(runtime.sessions) as session:
        session.execute(
            text("UPDATE task SET window_starts_at = :now WHERE step_code = 'survey' AND status = 'open'"),
            {"now": NOW},
        )
        session.execute(text("UPDATE outbox_message SET next_try_at = :now WHERE status = 'queued'"), {"now": NOW})
        session.execute(text('UPDATE facility SET settings = settings || \'{"survey_invitation": "sms"}\''))
    live.runtime.clock.move_to(NOW + timedelta(hours=7))
    release_due_steps(runtime)
    assert send_all(runtime, SEED).arrived > 0
    live.step()
    clock.advance(timedelta(seconds=THINKING[1]))
    live.step()
    assert _count(runtime, "SELECT count(*) FROM inbound_message") > before
    assert handle_inbound(runtime) > 0
    assert _count(runtime, "SELECT count(*) FROM encounter") > stays
    arrived = _count(runtime, "SELECT count(*) FROM encounter")
    live.step()
    assert _count(runtime, "SELECT count(*) FROM encounter") == arrived


def test_the_days_in_between_are_played_at_the_next_start(address, tmp_path):
    reports = _prepare(address, tmp_path, NOW + timedelta(days=1))
    assert [report.day for report in reports] == [(NOW + timedelta(days=1)).date()]


def test_the_demo_never_goes_into_a_real_hospitals_database(template: Template, tmp_path):
    with pytest.raises(NotASimulation, match="not simulated"):
        _prepare(template.server.url(template.name), tmp_path, NOW)


TWILIO = {
    "SMS_PROVIDER": "twilio",
    "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
    "TWILIO_AUTH_TOKEN": "0" * 32,
    "PUBLIC_BASE_URL": "https://followup.example",
}


@pytest.mark.parametrize(
    ("command", "variables", "said"),
    [
        ("demo", {"HCRM_DEMO": "0"}, "HCRM_DEMO=1"),
        ("demo", {"HCRM_DEMO": "1", "DATABASE_URL": "postgresql://you@db.example/hcrm"}, "DATABASE_URL is set"),
        ("demo", {"HCRM_DEMO": "1", **TWILIO}, "real provider"),
        ("simulate", TWILIO, "real provider"),
    ],
)
def test_it_cannot_be_pointed_at_what_is_real(command, variables, said, tmp_path):
    environment = {"HCRM_INSTANCE_DIR": str(tmp_path / "instance"), "SECRET_KEY": "x" * 40, "DATABASE_URL": None}
    answer = CliRunner().invoke(main, [command], env={**environment, **variables})
    assert (answer.exit_code, said in answer.output) == (2, True), answer.output
    assert not (tmp_path / "instance" / "postgres").exists()
