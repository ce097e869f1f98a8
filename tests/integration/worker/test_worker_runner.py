from __future__ import annotations

import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hcrm.messaging import service
from hcrm.unit_of_work import unit_of_work
from hcrm.worker.jobs import JOBS, Job
from hcrm.worker.leadership import LEADER_LOCK, Leadership
from hcrm.worker.queries import seconds_since_heartbeat
from hcrm.worker.runner import Worker, worker_name
from hcrm.worker.service import beat
from tests.factories_messaging import MessagingFactory

EVERY = timedelta(hours=1)


@pytest.fixture
def leaderships(runtime):
    """Two that want to lead."""
    pair = Leadership(runtime.engine), Leadership(runtime.engine)
    yield pair
    for each in pair:
        each.release()


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_every_job_of_the_table_runs_on_an_empty_hospital(runtime, job):
    assert job.function(runtime) == 0


def test_senders_run_in_every_worker_and_planners_only_in_the_leader():
    in_every_worker = {job.name for job in JOBS if not job.needs_leader}
    assert in_every_worker == {"take_replies", "apply_receipts", "send_messages", "run_imports", "climb_ladders"}
    led = {"release_due_steps", "remind_of_surveys", "send_reminders", "settle_messages", "look_again", "seal_audit"}
    assert led <= {job.name for job in JOBS if job.needs_leader}


def test_no_job_runs_more_often_than_every_second():
    assert min(job.every for job in JOBS) >= timedelta(seconds=1)


def test_only_one_leads_and_another_takes_over_when_it_lets_go(leaderships):
    first, second = leaderships
    assert first.holds()
    assert first.holds()
    assert not second.holds()
    first.release()
    assert second.holds()


def test_a_leader_that_loses_its_connection_no_longer_leads_until_it_asks_again(leaderships, runtime, administrator):
    first, second = leaderships
    assert first.holds()
    with runtime.engine.connect() as connection:
        pid = connection.execute(
            text(
                "SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = pg_locks.database"
                " WHERE locktype = 'advisory' AND objid = :lock AND d.datname = current_database()"
            ),
            {"lock": LEADER_LOCK},
        ).scalar_one()
    with administrator.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    assert not first.holds()
    assert comes_to_lead(second)


def comes_to_lead(leadership: Leadership) -> bool:
    """The server lets go of a lost connection's lock a moment after the loss."""
    return any(leadership.holds() or time.sleep(0.1) for _ in range(100))


def test_a_leaders_job_is_left_alone_by_the_others(runtime, leaderships):
    assert leaderships[0].holds()
    ran = []
    worker = Worker(runtime, jobs=())
    worker.tick(Job("leaders", lambda _runtime: len(ran) or ran.append("leaders") or 1, EVERY, needs_leader=True))
    worker.tick(Job("anybodys", lambda _runtime: ran.append("anybodys") or 1, EVERY, needs_leader=False))
    worker.leave()
    assert ran == ["anybodys"]


def test_an_error_in_a_job_leaves_the_worker_running(runtime):
    def broken(_runtime):
        raise RuntimeError("out of order")

    assert Worker(runtime, jobs=()).tick(Job("broken", broken, EVERY, needs_leader=False)) == 0


def test_a_heartbeat_is_fresh_after_it_was_given(session):
    assert seconds_since_heartbeat(session) is None
    beat(session, worker=worker_name(), leader=True)
    beat(session, worker=worker_name(), leader=False)
    assert 0 <= seconds_since_heartbeat(session) < 60


def test_a_worker_that_is_told_to_stop_finishes_what_is_under_way(runtime, facility):
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
        MessagingFactory(session, runtime.clock.now(), facility).reachable(40)
    script = Path(__file__).with_name("crashing_worker.py")
    command = [sys.executable, str(script), runtime.settings.database_url, str(runtime.settings.instance_dir)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        for _ in range(600):
            with runtime.engine.connect() as connection:
                if connection.execute(text("SELECT count(*) FROM console_delivery")).scalar_one():
                    break
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0, process.stderr.read().decode()
    with runtime.engine.connect() as connection:
        states = dict(connection.execute(text("SELECT status, count(*) FROM outbox_message GROUP BY status")).all())
    assert "sending" not in states
    assert "unknown" not in states
