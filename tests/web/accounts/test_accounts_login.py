"""Log-in, log-out, and how sessions end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.accounts import service
from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.clock import FixedClock
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import PASSWORD

Login = Callable[..., int]


@pytest.fixture
def nurse(runtime: Runtime, facility: int) -> int:
    with unit_of_work(runtime.sessions) as session:
        return service.create_user(
            session,
            username="grace",
            password=PASSWORD,
            display_name="Grace Obi",
            language=Language.EN,
            memberships=[MembershipSnapshot(facility, Role.NURSE)],
            now=runtime.clock.now(),
        )


def log_in(client: Any, password: str = PASSWORD, username: str = "grace", **more: Any) -> Any:
    return client.post("/login", data={"username": username, "password": password}, **more)


def audited(runtime: Runtime, action: str) -> list[tuple[int | None, str]]:
    with runtime.engine.connect() as connection:
        rows = connection.execute(
            text("SELECT actor_user_id, outcome FROM audit_entry WHERE action = :action ORDER BY id"),
            {"action": action},
        )
        return [(user_id, outcome) for user_id, outcome in rows]


def test_page_asks_for_a_log_in_and_returns_to_it(client: Any, nurse: int) -> None:
    refused = client.get("/account?x=1")
    assert refused.status_code == 302
    assert refused.location == "/login?next=%2Faccount%3Fx%3D1"

    assert log_in(client, query_string={"next": "/account?x=1"}).location == "/account?x=1"


@pytest.mark.parametrize("target", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_log_in_never_leads_to_another_site(client: Any, nurse: int, target: str) -> None:
    assert log_in(client, query_string={"next": target}).location == "/"


def test_script_gets_401_instead_of_a_log_in_page(client: Any) -> None:
    answer = client.get("/account", headers={"Accept": "application/json"})

    assert answer.status_code == 401
    assert answer.json == {"error": "login_needed"}


def test_wrong_password_and_unknown_name_look_the_same(client: Any, nurse: int) -> None:
    wrong, unknown = log_in(client, "wrong password"), log_in(client, username="nobody")

    assert wrong.status_code == unknown.status_code == 401
    sentence = "The user name or the password is not right."
    assert sentence in wrong.text
    assert sentence in unknown.text


def test_user_name_is_taken_in_any_case_with_white_space(client: Any, nurse: int) -> None:
    assert log_in(client, username=" GRACE ").status_code == 302


def test_log_in_and_failed_log_in_are_audited(client: Any, nurse: int, runtime: Runtime) -> None:
    log_in(client, "wrong password")
    log_in(client)

    assert audited(runtime, "session.opened") == [(nurse, "denied"), (nurse, "done")]


def test_session_from_before_the_log_in_is_not_kept(client: Any, nurse: int) -> None:
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        session["csrf_token"] = "known to somebody else"
    log_in(client)

    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != "known to somebody else"


def test_idle_session_ends_with_a_sentence(client: Any, nurse: int, clock: FixedClock) -> None:
    log_in(client)
    clock.advance(timedelta(minutes=31))

    sent_away = client.get("/account")
    assert sent_away.location == "/login?next=%2Faccount&ended=1"
    assert "You were logged out" in client.get(sent_away.location).text


def test_work_keeps_the_session_until_its_lifetime_is_over(client: Any, nurse: int, clock: FixedClock) -> None:
    log_in(client)
    for _ in range(28):
        clock.advance(timedelta(minutes=25))
        assert client.get("/account").status_code == 200
    clock.advance(timedelta(minutes=25))

    assert client.get("/account").status_code == 302


def test_changed_password_ends_other_sessions_but_not_this_one(app: Any, nurse: int) -> None:
    here, elsewhere = app.test_client(), app.test_client()
    log_in(here)
    log_in(elsewhere)
    new = "another long password"
    changed = here.post("/account/password", data={"current": PASSWORD, "new": new, "again": new})

    assert changed.location == "/account"
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    assert log_in(app.test_client()).status_code == 401
    assert log_in(app.test_client(), new).status_code == 302


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"current": "wrong password"}, "This is not your present password."),
        ({"new": "short", "again": "short"}, "Choose a password of at least 12 characters."),
        ({"again": "something else"}, "The two new passwords are not the same."),
        ({"new": ""}, "Enter a new password."),
        ({"new": PASSWORD, "again": PASSWORD}, "Choose a password that is not your present one."),
    ],
)
def test_new_password_that_cannot_be_is_explained(
    client: Any, nurse: int, fields: dict[str, str], sentence: str
) -> None:
    log_in(client)
    given = {"current": PASSWORD, "new": "another long password", "again": "another long password"} | fields

    assert sentence in client.post("/account/password", data=given).text


def test_closed_account_cannot_log_in_and_its_session_ends(client: Any, nurse: int, runtime: Runtime) -> None:
    log_in(client)
    with unit_of_work(runtime.sessions) as session:
        service.set_active(session, user_id=nurse, active=False, now=runtime.clock.now())

    assert client.get("/account").status_code == 302
    assert log_in(client).status_code == 401


def test_log_out_ends_the_session(client: Any, nurse: int, runtime: Runtime) -> None:
    log_in(client)

    assert client.post("/logout").location == "/login"
    assert client.get("/account").status_code == 302
    assert audited(runtime, "session.closed") == [(nurse, "done")]


def test_a_copied_cookie_opens_nothing_after_log_out_and_other_sessions_go_on(
    client: Any, app: Any, nurse: int, runtime: Runtime, clock: FixedClock
) -> None:
    """Who has a copy of a session's cookie is out when its owner logs out; her other machine is not."""
    log_in(client)
    thief, other = app.test_client(), app.test_client()
    thief.set_cookie("hcrm", client.get_cookie("hcrm").value)
    log_in(other)
    assert thief.get("/account").status_code == other.get("/account").status_code == 200

    client.post("/logout")
    assert thief.get("/account").location == "/login?next=%2Faccount&ended=1"
    assert other.get("/account").status_code == 200

    clock.advance(timedelta(hours=13))
    log_in(other)
    other.post("/logout")
    with runtime.engine.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM ended_session")).scalar_one()
    assert kept == 1, "what is older than a session can last is forgotten"


def test_given_password_is_changed_before_anything_else(client: Any, nurse: int, runtime: Runtime) -> None:
    with unit_of_work(runtime.sessions) as session:
        service.reset_password(session, user_id=nurse, new="given by somebody", now=runtime.clock.now())
    log_in(client, "given by somebody")

    assert client.get("/account").location == "/account/password"
    own = "chosen by herself"
    client.post("/account/password", data={"current": "given by somebody", "new": own, "again": own})
    assert client.get("/account").status_code == 200


def test_given_password_cannot_be_kept(client: Any, nurse: int, runtime: Runtime) -> None:
    given = "given by somebody"
    with unit_of_work(runtime.sessions) as session:
        service.reset_password(session, user_id=nurse, new=given, now=runtime.clock.now())
    log_in(client, given)
    client.post("/account/password", data={"current": given, "new": given, "again": given})

    assert client.get("/account").location == "/account/password"


def test_who_finds_an_open_session_cannot_try_passwords(client: Any, nurse: int, runtime: Runtime) -> None:
    log_in(client)
    new = "another long password"
    for _ in range(5):
        client.post("/account/password", data={"current": "a guess", "new": new, "again": new})
    refused = client.post("/account/password", data={"current": PASSWORD, "new": new, "again": new})

    assert "Too many tries" in refused.text
    assert audited(runtime, "user.password_changed") == [(nurse, "denied")] * 5


@pytest.mark.usefixtures("nurse")
class TestThrottle:
    """Five wrong tries close an account for fifteen minutes."""

    def test_sixth_try_is_refused_with_the_time_at_which_it_opens(self, client: Any) -> None:
        for _ in range(5):
            assert log_in(client, "wrong password").status_code == 401
        refused = log_in(client)

        assert refused.status_code == 429
        assert "closed until 10:15 on Tue 10 Mar 2026" in refused.text

    def test_name_that_does_not_exist_is_closed_alike(self, client: Any) -> None:
        answers = [log_in(client, username="nobody").status_code for _ in range(6)]

        assert answers == [401] * 5 + [429]

    def test_it_opens_again(self, client: Any, clock: FixedClock) -> None:
        for _ in range(6):
            log_in(client, "wrong password")
        clock.advance(timedelta(minutes=15, seconds=1))

        assert log_in(client).status_code == 302

    def test_right_password_takes_the_count_back(self, client: Any) -> None:
        for _ in range(3):
            for _ in range(4):
                log_in(client, "wrong password")
            assert log_in(client).status_code == 302
            client.post("/logout")

    def test_old_failures_are_forgotten(self, client: Any, clock: FixedClock) -> None:
        for _ in range(4):
            log_in(client, "wrong password")
        clock.advance(timedelta(minutes=16))
        for _ in range(4):
            assert log_in(client, "wrong password").status_code == 401

    def test_other_accounts_stay_open(self, client: Any) -> None:
        for _ in range(6):
            log_in(client, username="somebody.else")

        assert log_in(client).status_code == 302

    def test_address_is_closed_after_fifty_tries_over_many_names(self, runtime: Runtime) -> None:
        with unit_of_work(runtime.sessions) as session:
            locks = [
                service.take_attempt(session, username=f"name{number}", address="10.0.0.9", now=runtime.clock.now())
                for number in range(51)
            ]
            elsewhere = service.take_attempt(session, username="x", address="10.0.0.8", now=runtime.clock.now())

        assert locks[:50] == [None] * 50
        assert locks[50] == runtime.clock.now() + timedelta(minutes=15)
        assert elsewhere is None

    def test_closed_address_closes_no_more_accounts(self, client: Any, runtime: Runtime) -> None:
        with unit_of_work(runtime.sessions) as session:
            for name in [f"name{number}" for number in range(51)] + ["grace"] * 6:
                service.take_attempt(session, username=name, address="10.0.0.9", now=runtime.clock.now())

        assert log_in(client).status_code == 302

    def test_sender_who_changes_addresses_inside_a_network_is_one(self, runtime: Runtime) -> None:
        with unit_of_work(runtime.sessions) as session:
            locks = [
                service.take_attempt(
                    session, username=f"name{number}", address=f"2001:db8:0:1::{number:x}", now=runtime.clock.now()
                )
                for number in range(51)
            ]
            elsewhere = service.take_attempt(session, username="x", address="2001:db8:0:2::1", now=runtime.clock.now())

        assert locks[50] is not None
        assert elsewhere is None

    def test_what_was_typed_is_not_kept(self, client: Any, runtime: Runtime) -> None:
        log_in(client, username="my-secret-password")

        with runtime.engine.connect() as connection:
            keys = connection.execute(text("SELECT key FROM login_throttle")).scalars().all()
        assert len(keys) == 2
        assert not any("secret" in key for key in keys)
