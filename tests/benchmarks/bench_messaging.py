"""How fast messages go out and calls from outside are answered, each against a yardstick of the same run.

Four measurements on a database of their own, with the stand-in for Twilio in a process of its own:
sending through a provider that takes 150 ms (messages a second, and the sender's own processor time for 100 a second);
how long an urgent message waits while ten thousand others do; claiming and marking one message after the other beside
a bare loop of the same durable statements; and signed status calls at 100 a second.
``python -m tests.benchmarks.bench_messaging [MESSAGES]``.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from time import process_time
from typing import Any

import psycopg
from sqlalchemy import text

from hcrm import schema
from hcrm.app import create_app
from hcrm.clock import SystemClock, pause, stopwatch
from hcrm.fake_twilio.callbacks import signature
from hcrm.messaging.domain import MessageStatus
from hcrm.messaging.jobs import send_due
from hcrm.messaging.providers.base import Capabilities, OutgoingSms, SendResult
from hcrm.messaging.providers.twilio_sms import TwilioAccount, TwilioSms
from hcrm.messaging.service import Rates
from hcrm.organization.service import ensure_facility
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults, make_runtime
from tests.databases import begin_run, end_run, open_server, servers_to_test
from tests.factories_messaging import MessagingFactory, many_messages
from tests.factories_twilio import ACCOUNT, PUBLIC, TOKEN, with_twilio

MESSAGES = 600
WAITING = 10_000
DELAY = 0.15
RATE = 100.0
CPU_AIM, WAIT_AIM, LOOP_AIM, WEBHOOK_AIM = 0.15, 10.0, 0.70, 0.100
OPEN_ALL_DAY = '{"sms_from": "00:00", "sms_to": "23:59"}'


class AtOnce:
    """A provider that takes everything at once: what is left is our own work."""

    name = "console"
    capabilities = Capabilities()
    at_once = 1

    def send(self, sms: OutgoingSms) -> SendResult:
        return SendResult(MessageStatus.ACCEPTED, provider_sid=f"x{sms.attempt_id}")

    def find(self, asked: object) -> SendResult | None:
        raise AssertionError(asked)


@contextmanager
def stand_in(**changes: float | bool) -> Iterator[str]:
    """The stand-in for Twilio in a process of its own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sets = [part for name, value in changes.items() for part in ("--set", f"{name}={value}")]
    command = ["fake-twilio", "--port", str(port), "--account-sid", ACCOUNT, "--auth-token", TOKEN, *sets]
    process = subprocess.Popen([Path(sys.executable).with_name("hcrm"), *command], stdout=subprocess.DEVNULL)
    try:
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            pause(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@contextmanager
def hospital(server: Any, messages: int, **values: Any) -> Iterator[tuple[Runtime, int]]:
    """A database of its own with so many messages due."""
    name = server.create()
    try:
        with tempfile.TemporaryDirectory() as folder:
            schema.upgrade(server.admin_url(name))
            settings = Settings(instance_dir=Path(folder), database_url=server.url(name), secret_key="k" * 32)
            runtime = make_runtime(settings, SystemClock())
            now = runtime.clock.now()
            with unit_of_work(runtime.sessions) as session:
                install_defaults(session, now)
                facility_id = ensure_facility(
                    session, code="BENCH", name="Bench", timezone="Asia/Shanghai", country="CN", now=now
                )
                session.execute(text("UPDATE facility SET phone = '02112345678'"))
                session.execute(text(f"UPDATE facility SET settings = '{OPEN_ALL_DAY}'"))
                many_messages(MessagingFactory(session, now, facility_id), messages, **values)
            with server.connect(name) as admin:
                admin.execute("ANALYZE")
            yield runtime, facility_id
            runtime.engine.dispose()
    finally:
        server.drop(name)


def through_a_slow_provider(server: Any, messages: int) -> tuple[float, float]:
    """Messages a second through a provider that takes 150 ms, and the share of a core that 100 a second would need."""
    with stand_in(delay=DELAY, callbacks=False) as address, hospital(server, messages) as (runtime, _):
        provider = TwilioSms(TwilioAccount(ACCOUNT, PUBLIC, TOKEN, address))
        warm_up(runtime, provider)
        began, cpu = stopwatch(), process_time()
        sent = send_due(runtime, provider, seconds=120, rates=Rates(RATE * 10, RATE * 10))
        return sent / (stopwatch() - began), (process_time() - cpu) / sent * RATE


def warm_up(runtime: Runtime, provider: Any) -> None:
    """Compile statements and open connections, as a worker has done after its first minute."""
    send_due(runtime, provider, seconds=0)


def urgent_behind_many(server: Any) -> float:
    """Seconds (p95) from storing a message about care to its call, while ten thousand surveys wait."""
    stand = stand_in(delay=DELAY, callbacks=False)
    with stand as address, hospital(server, WAITING, survey=True) as (runtime, facility):
        provider, done = TwilioSms(TwilioAccount(ACCOUNT, PUBLIC, TOKEN, address)), Event()

        def work() -> None:
            while not done.is_set():
                send_due(runtime, provider, seconds=1.5, rates=Rates(RATE, RATE))

        sender = Thread(target=work)
        sender.start()
        for number in range(40):
            pause(0.2)
            now = runtime.clock.now()
            with unit_of_work(runtime.sessions) as session:
                make = MessagingFactory(session, now, facility, counter=90_000_000 + number)
                make.contact(patient_id := make.patient(language="en"), f"+1416{2_000_000 + number}")
                make.message(make.request(patient_id, key=f"care:urgent:{number}"))
        pause(3)
        done.set()
        sender.join()
        with runtime.engine.connect() as connection:
            waits = connection.execute(
                text(
                    "SELECT coalesce(extract(epoch FROM a.started_at - m.created_at), 999) FROM outbox_message m"
                    " LEFT JOIN send_attempt a ON a.message_id = m.id WHERE m.key LIKE 'care:urgent:%'"
                )
            ).scalars()
            return float(statistics.quantiles(map(float, waits), n=20)[-1])


def beside_a_bare_loop(server: Any, messages: int) -> tuple[float, float]:
    """Messages a second that are claimed, called for and marked one by one; and of a bare loop of SQL that does so."""
    with hospital(server, messages) as (runtime, _):
        warm_up(runtime, AtOnce())
        began = stopwatch()
        sent = send_due(runtime, AtOnce(), seconds=120)
        ours = sent / (stopwatch() - began)
        address = str(runtime.settings.database_url).replace("postgresql+psycopg", "postgresql")
        return ours, _loop(address, messages)


def _loop(address: str, messages: int) -> float:
    """Per message: lease it and write an attempt, commit; begin, commit; mark both, commit. On the real tables."""
    with psycopg.connect(address) as connection:
        connection.execute("UPDATE outbox_message SET status = 'queued'")
        connection.execute("DELETE FROM send_attempt")
        connection.commit()
        began = stopwatch()
        for _ in range(messages):
            row = connection.execute(
                "SELECT id FROM outbox_message WHERE status IN ('scheduled', 'queued', 'temporary_failure')"
                " ORDER BY priority, next_try_at, id LIMIT 1 FOR UPDATE SKIP LOCKED"
            ).fetchone()
            assert row is not None
            connection.execute("UPDATE outbox_message SET status = 'sending' WHERE id = %s", row)
            attempt = connection.execute(
                "INSERT INTO send_attempt (message_id, number, lease_until, worker, provider, status, looks)"
                " VALUES (%s, 1, clock_timestamp() + interval '60 s', 'w', 'x', 'claimed', 0) RETURNING id",
                row,
            ).fetchone()
            connection.commit()
            connection.execute("UPDATE send_attempt SET status = 'calling' WHERE id = %s", attempt)
            connection.commit()
            connection.execute("UPDATE send_attempt SET status = 'accepted' WHERE id = %s", attempt)
            connection.execute("UPDATE outbox_message SET status = 'accepted' WHERE id = %s", row)
            connection.commit()
        return messages / (stopwatch() - began)


def webhooks(server: Any, calls: int = 600) -> float:
    """Seconds (p99) to answer signed status calls that come at 100 a second."""
    with hospital(server, 20) as (runtime, _):
        ours = replace(runtime, settings=with_twilio(runtime.settings))
        client, taken = create_app(ours.settings, ours).test_client(), []
        start = stopwatch()
        for number in range(-20, calls):
            path = f"/webhooks/twilio/status/{number + 21}?attempt={number + 21}"
            values = {"MessageSid": f"SM{number}", "MessageStatus": "delivered"}
            headers = {"X-Twilio-Signature": signature(TOKEN, PUBLIC + path, values)}
            pause(max(0.0, start + (number + 20) / RATE - stopwatch()))
            began = stopwatch()
            assert client.post(path, data=values, headers=headers).status_code == 204
            if number >= 0:
                taken.append(stopwatch() - began)
        return statistics.quantiles(taken, n=100)[-1]


def main(arguments: Sequence[str] = ()) -> int:
    """Measure and tell; 1 when an aim is missed."""
    messages = int(arguments[0]) if arguments else MESSAGES
    begin_run()
    try:
        server = open_server(servers_to_test()[-1])
        speed, core = through_a_slow_provider(server, messages)
        waited = urgent_behind_many(server)
        ours, bare = beside_a_bare_loop(server, messages)
        answered = webhooks(server)
    finally:
        end_run()
    load = os.getloadavg()[0]
    sys.stdout.write(
        f"Messages, with the machine at load {load:.1f}:\n"
        f"  through a provider of 150 ms: {speed:.0f} a second (aim {RATE:.0f}),"
        f" the sender needs {core:.0%} of a core for 100 a second (aim {CPU_AIM:.0%})\n"
        f"  an urgent one behind {WAITING:,} others waits {waited:.1f} s, p95 (aim {WAIT_AIM:.0f} s)\n"
        f"  one by one: {ours:.0f} a second, a bare loop {bare:.0f}: {ours / bare:.0%} (aim {LOOP_AIM:.0%})\n"
        f"  a status call is answered in {answered * 1000:.0f} ms, p99 (aim {WEBHOOK_AIM * 1000:.0f} ms)\n"
    )
    held = (speed >= RATE, core <= CPU_AIM, waited <= WAIT_AIM, ours / bare >= LOOP_AIM, answered <= WEBHOOK_AIM)
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
