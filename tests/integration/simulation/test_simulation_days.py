"""Simulated days: the same end for the same seed, also after a kill; every invariant names what breaks it."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm import logs
from hcrm.clock import FixedClock
from hcrm.organization.service import change_settings
from hcrm.simulation.day_report import DayReport
from hcrm.simulation.days import NotASimulation, last_whole_day
from hcrm.simulation.feed import Feed
from hcrm.simulation.hospital import Hospital
from hcrm.simulation.invariants import DayPlayed, broken, broken_figures
from hcrm.simulation.simulate import PLACE, ZONE, End, InvariantBroken, played_day, simulate
from hcrm.simulation.told import Merge
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import make_runtime
from tests.conftest import ROOT, Template, make_settings, newest_schema
from tests.databases import DatabaseServer

pytestmark = pytest.mark.xdist_group("simulated days")
FIRST = date(2026, 1, 5)
DAYS, PER_DAY, SEED = 9, 3, 5
MORNING = datetime.combine(FIRST, time.min, ZONE)
LAST = FIRST + timedelta(days=DAYS - 1)
MIDNIGHT = datetime.combine(LAST + timedelta(days=1), time.min, ZONE)


@dataclass(frozen=True, slots=True)
class Played:
    """A simulation that was played to its end in one go."""

    runtime: Runtime
    end: End
    reports: tuple[DayReport, ...]
    logged: str


@contextmanager
def everything_logged(runtime: Runtime) -> Iterator[io.StringIO]:
    """What the program and its libraries write to the log meanwhile, down to the smallest."""
    root = logging.getLogger()
    handlers, level, stream = root.handlers[:], root.level, io.StringIO()
    logs.configure(replace(runtime.settings, log_level="DEBUG"))
    root.handlers[0].setStream(stream)  # type: ignore[attr-defined]
    try:
        yield stream
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.raiseExceptions = True
        structlog.reset_defaults()


@dataclass
class Databases:
    """Databases with the newest schema and nothing in them."""

    server: DatabaseServer
    made: list[str]

    def fresh(self) -> str:
        self.made.append(self.server.create(newest_schema(self.server)))
        return self.made[-1]


@pytest.fixture(scope="module")
def databases(database_server: DatabaseServer) -> Iterator[Databases]:
    databases = Databases(database_server, [])
    yield databases
    for name in databases.made:
        database_server.drop(name)


def _runtime(server: DatabaseServer, name: str, folder: Path) -> Runtime:
    return make_runtime(make_settings(folder, server.url(name)), FixedClock(MORNING))


def _simulate(runtime: Runtime, days: int = DAYS, seed: int = SEED) -> tuple[End, list[DayReport]]:
    reports: list[DayReport] = []
    end = simulate(runtime, days=days, per_day=PER_DAY, seed=seed, first_on=FIRST, tell=reports.append)
    return end, reports


@pytest.fixture(scope="module")
def played(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    runtime = _runtime(databases.server, databases.fresh(), tmp_path_factory.mktemp("played"))
    with everything_logged(runtime) as stream:
        end, reports = _simulate(runtime)
    yield Played(runtime, end, tuple(reports), stream.getvalue())
    runtime.engine.dispose()


@pytest.fixture
def session(played: Played) -> Iterator[Session]:
    """The end of the simulation, to be spoilt: nothing of it is kept."""
    with played.runtime.sessions() as session:
        yield session
        session.rollback()


@pytest.fixture
def last_day(session: Session) -> DayPlayed:
    facility_id = session.execute(text("SELECT id FROM facility")).scalar_one()
    feed = Feed(lambda: Hospital(seed=SEED, per_day=PER_DAY, prefix=PLACE.code))
    arrived = dict(feed.records(FIRST - timedelta(days=1), DAYS))[LAST - timedelta(days=1)]
    return played_day(session, facility_id, ZONE, LAST, arrived)


@pytest.mark.slow
def test_a_simulated_hospital_sends_hears_and_calls(played):
    assert [report.day for report in played.reports] == [FIRST + timedelta(days=n) for n in range(DAYS)]
    for what in ("discharges", "texts_sent", "replies", "calls", "completed"):
        assert sum(getattr(report, what) for report in played.reports) > 5, what


@pytest.mark.slow
def test_no_text_waits_for_days_and_nobody_asks_for_a_call_at_night(played, session):
    assert sum(report.read for report in played.reports) > 0
    waiting = "SELECT count(*) FROM inbound_message WHERE state <> 'handled' AND received_at < :day"
    assert session.scalar(text(waiting), {"day": MIDNIGHT - timedelta(days=2)}) == 0
    asked_for = session.scalars(text("SELECT callback_at FROM attempt WHERE callback_at IS NOT NULL")).all()
    assert {10 <= at.astimezone(ZONE).hour <= 17 for at in asked_for} == {True}


PERSONAL = """
SELECT full_name FROM patient WHERE length(full_name) > 2
UNION SELECT address FROM patient WHERE length(address) > 3
UNION SELECT right(number, 8) FROM contact_point WHERE number IS NOT NULL
UNION SELECT value FROM patient_identifier
UNION SELECT body FROM outbox_message WHERE body IS NOT NULL
UNION SELECT body FROM inbound_message WHERE length(body) > 5
"""
SENTINEL = "hcrm.sentinel"


def test_after_a_full_simulation_nothing_personal_is_in_the_log(played: Played) -> None:
    with everything_logged(played.runtime) as stream:
        logging.getLogger(SENTINEL).info("something")
    assert SENTINEL in stream.getvalue(), "what is logged is seen here"
    with played.runtime.engine.connect() as connection:
        personal = connection.execute(text(PERSONAL)).scalars().all()
    assert len(personal) > 100
    assert [each for each in personal if each in played.logged] == []


def test_the_carrier_loses_delays_and_refuses_and_everything_is_known_in_the_end(session: Session) -> None:
    """Texts whose receipts come late, doubled or never, whose answer was lost, and that were refused for now."""
    ends = dict(session.execute(text("SELECT status, count(*) FROM send_attempt GROUP BY 1")).tuples().all())
    assert set(ends) <= {"delivered", "temporary_failure", "permanent_failure"}
    assert ends["temporary_failure"] > 0
    late, unread = session.execute(
        text("SELECT count(*), count(*) FILTER (WHERE applied_at IS NULL) FROM receipt")
    ).one()
    assert (late > 0, unread) == (True, 0)


def test_a_simulation_that_is_over_stays_as_it_is(played):
    assert _simulate(played.runtime) == (played.end, [])


@pytest.mark.slow
def test_a_killed_simulation_goes_on_from_its_last_whole_day_to_the_same_end(databases, played, tmp_path):
    name = databases.fresh()
    program = [sys.executable, "-c", "from hcrm.cli import main; main()", "simulate", "--from", FIRST.isoformat()]
    program += ["--days", str(DAYS), "--per-day", str(PER_DAY), "--seed", str(SEED)]
    environment = dict(os.environ) | {  # noqa: TID251 - the process needs what this one has
        "DATABASE_URL": databases.server.admin_url(name),
        "SECRET_KEY": "x" * 40,
        "HCRM_INSTANCE_DIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(4)]
        process.kill()
    assert lines[3].startswith((FIRST + timedelta(days=3)).isoformat())
    runtime = _runtime(databases.server, name, tmp_path)
    with unit_of_work(runtime.sessions) as session:
        whole = last_whole_day(session)
    assert whole is not None
    end, reports = _simulate(runtime)
    runtime.engine.dispose()
    assert reports[0].day == whole + timedelta(days=1)
    assert end == played.end


def test_another_seed_comes_to_another_end(databases, played, tmp_path):
    runtime = _runtime(databases.server, databases.fresh(), tmp_path)
    end, _ = _simulate(runtime, days=1, seed=SEED + 1)
    runtime.engine.dispose()
    assert end.digest != played.end.digest


def test_a_database_with_a_real_hospital_is_refused(template: Template, tmp_path):
    runtime = _runtime(template.server, template.name, tmp_path)
    with pytest.raises(NotASimulation, match="not simulated"):
        _simulate(runtime, days=1)
    runtime.engine.dispose()


def test_another_simulation_in_the_database_is_refused(played):
    with pytest.raises(NotASimulation, match="another simulation"):
        _simulate(played.runtime, seed=SEED + 1)


def test_the_last_day_is_looked_over_again_before_going_on(databases, tmp_path):
    runtime = _runtime(databases.server, databases.fresh(), tmp_path)
    _simulate(runtime, days=2)
    with unit_of_work(runtime.sessions) as session:
        session.execute(text("UPDATE console_delivery SET delivered_at = delivered_at - INTERVAL '4 hours'"))
    with pytest.raises(InvariantBroken, match="sent at night"):
        _simulate(runtime, days=3)
    runtime.engine.dispose()


def test_sending_hours_that_reach_into_the_night_are_noticed(databases, tmp_path):
    runtime = _runtime(databases.server, databases.fresh(), tmp_path)
    _simulate(runtime, days=1)
    with unit_of_work(runtime.sessions) as session:
        facility_id = session.execute(text("SELECT id FROM facility")).scalar_one()
        changes = {"sms_from": "21:00", "sms_to": "23:00"}
        change_settings(session, facility_id=facility_id, changes=changes, actor_user_id=None, now=MORNING)
    with pytest.raises(InvariantBroken, match="2026-01-06: texts were sent at night"):
        _simulate(runtime, days=3)
    runtime.engine.dispose()


def test_nothing_is_broken_at_the_end(session, last_day):
    assert list(broken(session, last_day)) == []
    assert broken_figures(session, MIDNIGHT) == []


SPOILT = {
    "sent at night": "UPDATE console_delivery SET delivered_at = :day + INTERVAL '3 hours' WHERE id = :text",
    "people who had died": """
        UPDATE encounter SET disposition = 'expired' WHERE id = (
            SELECT m.encounter_id FROM console_delivery AS d JOIN send_attempt AS a ON a.id = d.attempt_id
            JOIN outbox_message AS m ON m.id = a.message_id WHERE d.id = :text)""",
    "had said STOP": """
        INSERT INTO inbound_message (facility_id, provider, provider_message_id, from_number, to_number, body,
                                     media_count, received_at, state, note)
        SELECT m.facility_id, 'console', 'spoilt', d.to_number, d.from_number, 'stop', 0, :day, 'handled', ''
        FROM console_delivery AS d JOIN send_attempt AS a ON a.id = d.attempt_id
        JOIN outbox_message AS m ON m.id = a.message_id WHERE d.id = :text""",
    "reached a phone twice": """
        INSERT INTO console_delivery (attempt_id, to_number, from_number, body, delivered_at, received_status)
        SELECT attempt_id, to_number, from_number, body, delivered_at, received_status
        FROM console_delivery WHERE id = :text""",
    "left in doubt": "UPDATE outbox_message SET status = 'unknown' WHERE id = (SELECT max(id) FROM outbox_message)",
    "are not in the database": "UPDATE encounter SET visit_number = visit_number || '?'",
    "not stored as the feed has them": "UPDATE encounter SET principal_diagnosis = 'Z00.0'",
    "records of the feed were refused": """UPDATE import_batch SET counts = counts || '{"rejected": 1}'""",
    "waited for more than a day": """
        UPDATE interface_message SET status = 'waiting', waits_on = 'mrn:1', content = '{}',
                                     received_at = :day - INTERVAL '1 hour'""",
    "entered in error": "UPDATE encounter SET status = 'cancelled'",
    "plans go on for": "UPDATE encounter SET status = 'cancelled'",
    "have no plan": "DELETE FROM enrolment",
    "lack a step": "DELETE FROM task WHERE step_code = 'survey'",
    "were due and not handed over": """
        UPDATE task SET sent_message_id = NULL, status = 'open', ended_at = NULL, due_at = :day + INTERVAL '3 days'
        WHERE step_code = 'welcome'""",
    "contradict themselves": "UPDATE task SET reason = NULL WHERE status = 'cancelled'",
    "count as done while": "UPDATE enrolment SET status = 'completed'",
    "as often as they were made": "UPDATE task SET attempt_count = attempt_count + 1 WHERE channel = 'phone'",
    "differs from its recount": """
        WITH moved AS (UPDATE facility SET timezone = 'Pacific/Kiritimati')
        UPDATE task SET status = 'completed', reason = NULL, ended_at = due_at,
                        completed_at = (due_on + TIME '23:30') AT TIME ZONE 'Europe/London'
        WHERE due_on <= CAST(:day AS timestamptz)""",
}


def test_merged_numbers_that_are_two_persons_are_named(session: Session, last_day: DayPlayed) -> None:
    first, second = session.scalars(text("SELECT value FROM patient_identifier WHERE system = 'mrn' LIMIT 2"))
    apart = replace(last_day, merges=[Merge(first, second)])
    assert any("still two persons" in each for each in broken(session, apart))
    assert list(broken(session, replace(last_day, merges=[Merge(first, first)]))) == []


@pytest.mark.parametrize(("sentence", "statement"), SPOILT.items(), ids=list(SPOILT))
def test_what_is_broken_is_named(session, last_day, sentence, statement):
    a_text = session.execute(
        text(
            "SELECT max(d.id) FROM console_delivery AS d JOIN send_attempt AS a ON a.id = d.attempt_id "
            "JOIN outbox_message AS m ON m.id = a.message_id WHERE m.in_reply_to IS NULL AND d.id > :before"
        ),
        {"before": last_day.texts_before},
    ).scalar_one()
    session.execute(text(statement), {"day": last_day.morning, "text": a_text})
    assert any(sentence in each for each in broken(session, last_day))
