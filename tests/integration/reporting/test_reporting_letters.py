"""Monthly letters through a mail server on this machine: once for each month, in the reader's language, no patient."""

from __future__ import annotations

import email
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.message import Message
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.clock import FixedClock
from hcrm.reporting.jobs import send_letters
from hcrm.reporting.models import Subscription
from hcrm.reporting.service.letters import subscribe
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill
from tests.conftest import PASSWORD

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
APRIL = datetime(2026, 4, 1, 1, 0, tzinfo=UTC)
"""The first of April, nine o'clock in Shanghai."""


class Post(socketserver.ThreadingTCPServer):
    """A mail server that keeps what it is given, or refuses every recipient."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.letters: list[Message] = []
        self.refuses = False


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server: Any = self.server
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                said = b""
                while (more := self.rfile.readline()) != b".\r\n":
                    said += more
                server.letters.append(email.message_from_bytes(said))
            refused = word == b"RCPT" and server.refuses
            self.wfile.write(
                b"550 nobody here\r\n" if refused else b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n"
            )
            if word == b"QUIT":
                return


@pytest.fixture
def post() -> Iterator[Post]:
    with Post() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def hospital(runtime: Runtime, facility: int, post: Post) -> Runtime:
    """A hospital with 300 discharges, a mail server, and two managers who ordered the letter, one in each language."""
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=300)
        for name, language in (("ines", Language.EN), ("mei", Language.ZH_HANS)):
            user = create_user(
                session,
                username=name,
                password=PASSWORD,
                display_name=name,
                language=language,
                memberships=[MembershipSnapshot(facility, Role.MANAGER)],
                now=NOW,
            )
            subscribe(
                session,
                user_id=user,
                facility_id=facility,
                department_id=None,
                email=f"{name}@hospital.example",
                language=language.value,
                now=NOW,
            )
    settings = replace(
        runtime.settings,
        smtp_host="127.0.0.1",
        smtp_port=post.server_address[1],
        smtp_security="none",
        mail_from="figures@hospital.example",
    )
    return replace(runtime, settings=settings, clock=FixedClock(APRIL))


def test_each_reader_gets_one_letter_a_month_in_their_language(hospital: Runtime, post: Post) -> None:
    before = replace(hospital, clock=FixedClock(NOW))
    assert send_letters(before) == 0, "the month in which it was ordered comes first"
    assert send_letters(hospital) == 2
    assert send_letters(hospital) == 0
    english, chinese = sorted(post.letters, key=lambda letter: str(letter["To"]))
    assert english["To"] == "ines@hospital.example"
    words = english.get_payload(decode=True).decode()
    assert "calls were completed in time" in words
    assert "/overview?period=2026-03" in words
    assert "Family" not in words, "no patient's name"
    assert "按时完成" in chinese.get_payload(decode=True).decode()
    with unit_of_work(hospital.sessions) as session:
        assert {row.sent_month for row in session.query(Subscription)} == {"2026-03"}


def test_what_the_server_refused_is_tried_again(hospital: Runtime, post: Post) -> None:
    post.refuses = True
    assert send_letters(hospital) == 0
    with unit_of_work(hospital.sessions) as session:
        assert {row.failure for row in session.query(Subscription)} == {"recipient_refused"}
    post.refuses = False
    assert send_letters(hospital) == 2
    assert len(post.letters) == 2


def test_who_may_no_longer_see_figures_gets_no_letter(hospital: Runtime, post: Post) -> None:
    with unit_of_work(hospital.sessions) as session:
        session.execute(text("UPDATE membership SET role = 'administrator'"))
    assert send_letters(hospital) == 0
    assert post.letters == []


def test_a_letter_about_a_closed_department_keeps_no_other_back(hospital: Runtime, post: Post) -> None:
    with unit_of_work(hospital.sessions) as session:
        session.execute(text("UPDATE department SET active = false WHERE code = 'MED'"))
        session.execute(
            text(
                "UPDATE report_subscription SET department_id = (SELECT id FROM department WHERE code = 'MED')"
                " WHERE email LIKE 'ines%'"
            )
        )
    assert send_letters(hospital) == 1
    assert [letter["To"] for letter in post.letters] == ["mei@hospital.example"]


def test_without_a_mail_server_nothing_happens(runtime: Runtime) -> None:
    assert send_letters(runtime) == 0
