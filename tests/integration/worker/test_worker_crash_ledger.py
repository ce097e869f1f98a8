"""Senders killed with SIGKILL at every boundary, against a stand-in for Twilio whose ledger says what phones got."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from threading import Event, Lock

import pytest
from sqlalchemy import text

from hcrm import schema
from hcrm.clock import stopwatch
from hcrm.db import make_engine
from hcrm.embedded import ADMIN_LOGIN, RUNTIME_LOGIN, EmbeddedServer
from hcrm.fake_twilio import read_ledger
from hcrm.messaging import queries, service
from hcrm.messaging.jobs import send_due, settle_in_doubt
from hcrm.unit_of_work import unit_of_work
from hcrm.wiring import make_runtime
from tests.conftest import make_settings
from tests.databases import FOLDER_PREFIX
from tests.factories_messaging import MessagingFactory, many_messages
from tests.factories_twilio import provider_for, twilio_double
from tests.integration.worker.crash_nursery import POINTS

KILLS = int(os.environ.get("HCRM_CRASH_KILLS", "18"))  # noqa: TID251  # make crash-test asks for more
SENDERS = 4
SMALL_DISK = "192m"
TROUBLE = {"fails_after_taking": 0.02, "breaks_after_taking": 0.01, "list_lag": 0.3, "seed": 7}


def fill(runtime, facility, messages):
    """Messages to different phones, all due now."""
    with unit_of_work(runtime.sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
        many_messages(MessagingFactory(session, runtime.clock.now(), facility), messages)


def kill_senders(nursery, runtime, address, kills):
    """Make senders, several at once, until so many were killed; how often each point did it."""
    killed, lock, numbers = Counter(), Lock(), count()

    def one_after_the_other(_sender):
        while True:
            with lock:
                if killed.total() >= kills:
                    return
                number = next(numbers)
            dice = random.Random(number)
            point = POINTS[number % len(POINTS)]
            ended = nursery(
                **where(runtime, address), point=point, nth=dice.randint(1, 3), at_once=dice.choice([1, 1, 4])
            )
            assert ended in {0, signal.SIGKILL}, f"a sender failed by itself: {ended}"
            with lock:
                killed[point] += ended == signal.SIGKILL

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(one_after_the_other, range(SENDERS)))
    return killed


def where(runtime, address):
    """What every sender is told."""
    folder = str(runtime.settings.instance_dir)
    return {"url": runtime.settings.database_url, "folder": folder, "address": address}


@contextmanager
def settling(runtime, provider):
    """What the living leader does meanwhile."""
    done = Event()

    def again():
        while not done.wait(0.4):
            settle_in_doubt(runtime, provider)

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(again)
        try:
            yield
        finally:
            done.set()
            running.result()


def finish(runtime, provider, ledger):
    """Send and settle until nothing is due or under a lease, and what the provider took is known to be taken."""
    open_ones = text(
        "SELECT (SELECT count(*) FROM send_attempt WHERE status IN ('claimed', 'calling'))"
        " + (SELECT count(*) FROM outbox_message WHERE status IN ('scheduled', 'queued', 'temporary_failure'))"
    )

    def done():
        runtime.clock.advance(timedelta(seconds=1))
        send_due(runtime, provider, seconds=5)
        settle_in_doubt(runtime, provider)
        with runtime.engine.connect() as connection:
            return connection.execute(open_ones).scalar_one() == 0

    def known():
        settle_in_doubt(runtime, provider)
        with runtime.engine.connect() as connection:
            doubtful = connection.execute(text("SELECT message_id FROM send_attempt WHERE status = 'unknown'"))
            return not set(doubtful.scalars()) & taken_by(ledger).keys()

    _until(done)
    _until(known)


def taken_by(ledger):
    """How often the provider took each message."""
    return Counter(int(re.search(r"/status/(\d+)", entry.callback)[1]) for entry in read_ledger(ledger))


def judge(runtime, facility, ledger):
    """By the ledger nothing is lost and nothing doubled; what is in doubt stands before a person. How many of those."""
    taken = taken_by(ledger)
    with unit_of_work(runtime.sessions) as session:
        parked = {each.id for each in queries.in_doubt(session, {facility}, waited=timedelta(seconds=-60))}
        stored = session.execute(text("SELECT id, status FROM outbox_message")).tuples().all()
    doubled = [each for each, times in taken.items() if times > 1]
    assert doubled == []
    wrong = [(each, status, taken[each]) for each, status in stored if (each in parked) is (taken[each] == 1)]
    assert wrong == [], "each message was taken once, or stands before a person and was not taken"
    assert {status for each, status in stored if each not in parked} <= {"accepted", "delivered"}
    return len(parked)


@pytest.mark.crash
def test_after_every_kill_the_ledger_has_each_message_once_or_a_person_sees_it(nursery, runtime, facility, tmp_path):
    messages = KILLS * 5 + 40
    fill(runtime, facility, messages)
    ledger, began = tmp_path / "ledger", stopwatch()
    with twilio_double(ledger, **TROUBLE) as fake:
        provider = provider_for(fake)
        with settling(runtime, provider):
            killed = kill_senders(nursery, runtime, fake.address, KILLS)
        seconds = stopwatch() - began
        finish(runtime, provider, ledger)
        parked = judge(runtime, facility, ledger)
    told = f"{killed.total()} kills in {seconds:.0f} s, {messages} messages, {parked} before a person: {dict(killed)}"
    sys.stdout.write(f"\n{told}\n")
    assert killed.total() >= KILLS
    assert set(killed) == set(POINTS)


@pytest.mark.crash
def test_postgresql_restarted_in_the_middle_loses_and_doubles_nothing(nursery, tmp_path, facility_maker):
    with facility_maker() as (server, runtime, facility), twilio_double(tmp_path / "ledger", delay=0.02) as fake:
        fill(runtime, facility, 60)
        provider = provider_for(fake)
        with ThreadPoolExecutor(1) as pool:
            sender = pool.submit(lambda: nursery(**where(runtime, fake.address), at_once=2))
            _until(lambda: len(fake.ledger.all()) >= 10 or sender.done())
            server.stop_on(server.data)
            server.heal()
            sender.result()
        with unit_of_work(runtime.sessions) as session:
            session.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 second'"))
        finish(runtime, provider, tmp_path / "ledger")
        assert judge(runtime, facility, tmp_path / "ledger") == 0
        assert len(fake.ledger.all()) == 60


@pytest.fixture
def open_folder():
    """A folder that PostgreSQL's unprivileged user can get into as well."""
    with tempfile.TemporaryDirectory(prefix=FOLDER_PREFIX) as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture
def facility_maker(tmp_path, open_folder, clock):
    """A PostgreSQL of this test's own, with a runtime on it and a facility."""

    @contextmanager
    def make(folder=open_folder):
        home = folder / "own"
        home.mkdir(mode=0o755)
        server = EmbeddedServer(home)
        server.join(create=True)
        schema.upgrade(server.url(ADMIN_LOGIN))
        runtime = make_runtime(make_settings(tmp_path, server.url(RUNTIME_LOGIN)), clock)
        try:
            yield server, runtime, _facility(server)
        finally:
            runtime.engine.dispose()
            server.leave()
            server.remove()

    return make


def _facility(server):
    engine = make_engine(server.url(ADMIN_LOGIN), role=None)
    with engine.begin() as connection:
        facility_id = connection.execute(
            text(
                "INSERT INTO facility (code, name, name_zh, timezone, country, phone, settings, created_at) VALUES"
                " ('TEST', 'Test', '测试', 'Asia/Shanghai', 'CN', '02112345678', '{}', clock_timestamp()) RETURNING id"
            )
        ).scalar_one()
    engine.dispose()
    return facility_id


@pytest.fixture
def small_disk(open_folder):
    """A filesystem of its own with little room, where this machine lets one be mounted."""
    folder = open_folder / "small"
    folder.mkdir(mode=0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=755", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no small filesystem can be mounted here (it needs root); the test with a trigger stands in")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill_up(folder):
    """Take all the room that a filesystem has left."""
    with suppress(OSError), (folder / "filler").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 65_536)
    with suppress(OSError), (folder / "rest").open("wb", buffering=0) as filler:
        while True:
            filler.write(b"x" * 512)


@pytest.mark.crash
def test_a_disk_that_really_fills_up_in_the_middle_loses_and_doubles_nothing(
    tmp_path, small_disk, clock, facility_maker
):
    failed, done = Counter(), Event()

    def keep_sending(name):
        while not done.is_set():
            try:
                send_due(runtime, provider, worker=name, seconds=0.5, batch=5, lease=timedelta(seconds=2))
                settle_in_doubt(runtime, provider)
            except Exception as problem:  # noqa: BLE001  # a worker logs it and goes on
                failed[type(problem).__name__] += 1
                time.sleep(0.1)

    ledger = tmp_path / "ledger"
    with facility_maker(small_disk) as (server, runtime, facility), twilio_double(ledger, delay=0.01) as fake:
        fill(runtime, facility, 400)
        provider = provider_for(fake)
        provider.at_once = 4
        with ThreadPoolExecutor(SENDERS) as pool:
            senders = [pool.submit(keep_sending, f"s{number}") for number in range(SENDERS)]
            _until(lambda: len(fake.ledger.all()) >= 40)
            fill_up(small_disk)
            _until(lambda: failed.total() >= 5)
            (small_disk / "filler").unlink()
            (small_disk / "rest").unlink()
            server.heal()
            _until(lambda: len(fake.ledger.all()) >= 300)
            done.set()
            for sender in senders:
                sender.result()
        finish(runtime, provider, tmp_path / "ledger")
        assert judge(runtime, facility, ledger) == 0
        assert len(fake.ledger.all()) == 400
    sys.stdout.write(f"\nfull disk: {dict(failed)}\n")


def _until(holds):
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.05)
    pytest.fail("it never came to that")


def test_a_full_disk_leaves_doubt_that_is_settled_and_sends_nothing_twice(runtime, administrator, facility, tmp_path):
    fill(runtime, facility, 12)
    full = (
        "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left'"
        " USING ERRCODE = '53100'; END $$;"
        " CREATE TRIGGER full_disk BEFORE UPDATE ON send_attempt FOR EACH ROW WHEN (NEW.status = 'accepted')"
        " EXECUTE FUNCTION disk_full()"
    )
    with twilio_double(tmp_path / "ledger") as fake:
        provider = provider_for(fake)
        with administrator.begin() as connection:
            connection.execute(text(full))
        send_due(runtime, provider, seconds=2)
        with administrator.begin() as connection:
            connection.execute(text("DROP TRIGGER full_disk ON send_attempt"))
            connection.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 second'"))
        finish(runtime, provider, tmp_path / "ledger")
        assert judge(runtime, facility, tmp_path / "ledger") == 0
        assert len(fake.ledger.all()) == 12
