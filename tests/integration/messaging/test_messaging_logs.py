"""No number, text or name reaches a log, also where something fails with these in its message."""

from __future__ import annotations

import io
import logging
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import text

from hcrm import logs
from hcrm.messaging import service
from hcrm.messaging.domain import ConversationRequest
from hcrm.messaging.jobs import expire_messages, handle_inbound, send_due, settle_in_doubt
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.unit_of_work import unit_of_work
from hcrm.worker.jobs import Job
from hcrm.worker.runner import Worker
from tests.factories_messaging import MessagingFactory


class Talkative(ConsoleProvider):
    """Fails, and quotes everything that it was given."""

    def send(self, sms):
        raise RuntimeError(f"cannot send {sms.body} to {sms.to_number}")

    def find(self, asked):
        raise RuntimeError(f"nothing about {asked.kept_body} of {asked.to_number}")


@pytest.fixture
def written(runtime):
    """Everything that was written to the log so far."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    logs.configure(runtime.settings)
    stream = io.StringIO()
    root.handlers[0].setStream(stream)
    yield stream.getvalue
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.raiseExceptions = True
    structlog.reset_defaults()


def test_no_number_text_or_name_is_logged(runtime, facility, written):
    def handler(_session, _conversation, inbound, _now):
        raise ValueError(f"{inbound.from_number} wrote {inbound.body}")

    sessions = runtime.sessions
    with unit_of_work(sessions) as session:
        service.install_default_templates(session, runtime.clock.now())
        make = MessagingFactory(session, runtime.clock.now(), facility)
        first, second = make.patient(full_name="王小明"), make.patient(full_name="李小红")
        numbers = [make.contact(first), make.contact(second)]
        make.message(make.request(first))
    send_due(runtime, Talkative(runtime.engine, runtime.clock))
    with unit_of_work(sessions) as session:
        session.execute(text("UPDATE send_attempt SET lease_until = clock_timestamp() - interval '1 hour'"))
        make = MessagingFactory(session, runtime.clock.now(), facility, counter=100)
        make.message(make.survey(second, 1, conversation=ConversationRequest("broken", 1)))
    settle_in_doubt(runtime, Talkative(runtime.engine, runtime.clock))
    send_due(runtime, ConsoleProvider(runtime.engine, runtime.clock))
    with unit_of_work(sessions) as session:
        session.info["inbound_handlers"] = {}
        service.receive(
            session, facility_id=facility, provider="console", provider_message_id="1", from_number=numbers[1],
            to_number=f"1069{facility:06d}", body="我的伤口很疼", now=runtime.clock.now(),
        )  # fmt: skip

    def handle(broken):
        broken.sessions.kw["info"]["inbound_handlers"] = {"broken": handler}
        return handle_inbound(broken)

    worker = Worker(runtime, jobs=())
    for function in (handle, expire_messages):
        worker.tick(Job("job", function, None, needs_leader=False))
    with unit_of_work(sessions) as session:
        assert session.execute(text("SELECT state FROM inbound_message")).scalar_one() == "received"
    runtime.clock.advance(timedelta(minutes=2))
    assert handle(runtime) == 1
    with unit_of_work(sessions) as session:
        assert session.execute(text("SELECT state FROM inbound_message")).scalar_one() == "matched"
    found = written()
    assert "text not taken" in found
    assert "provider gave no answer" in found
    assert "provider could not be asked" in found
    for secret in (*numbers, *(number[-8:] for number in numbers), "王小明", "李小红", "伤口", "康复", "13812345678"):
        assert secret not in found
