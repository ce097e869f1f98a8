"""The shell of every page: languages, navigation, error pages, health."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text
from werkzeug.datastructures import LanguageAccept

from hcrm.accounts.guard import public
from hcrm.app import create_app
from hcrm.unit_of_work import Runtime
from hcrm.web import best_language, is_safe_address

Login = Callable[..., int]


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        (["zh-CN"], "zh_Hans"),
        (["zh-Hans-SG"], "zh_Hans"),
        (["zh"], "zh_Hans"),
        (["zh_TW"], "zh_Hans"),
        (["en-GB", "zh-CN"], "en"),
        (["fr", "zh-CN", "en"], "zh_Hans"),
        (["fr"], None),
        ([], None),
    ],
)
def test_first_language_that_we_have_is_taken(accepted: list[str], language: str | None) -> None:
    assert best_language(LanguageAccept([(tag, 1 - index / 10) for index, tag in enumerate(accepted)])) == language


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("/today?tier=1", True),
        ("/", True),
        ("", False),
        ("today", False),
        ("//evil.example/x", False),
        ("/\\evil.example", False),
        ("/x\\y", False),
        ("https://evil.example", False),
        ("/x\ny", False),
    ],
)
def test_only_paths_of_this_site_are_safe(address: str, *, safe: bool) -> None:
    assert is_safe_address(address) is safe


def test_browser_that_reads_chinese_gets_chinese(client: Any) -> None:
    page = client.get("/login", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).text

    assert '<html lang="zh-Hans"' in page
    assert "用户名" in page


def test_chosen_language_is_remembered_by_browser_and_account(app: Any, client: Any, login: Login) -> None:
    login("auditor")
    back = client.get("/language/zh_Hans", headers={"Referer": "http://localhost/account?x=1"})
    assert back.location == "/account?x=1"
    assert "我的账号" in client.get("/account").text

    client.post("/logout")
    assert "用户名" in client.get("/login").text, "by the browser"
    elsewhere = app.test_client()
    elsewhere.post("/login", data={"username": "auditor-all", "password": "correct horse battery staple"})
    assert "我的账号" in elsewhere.get("/account").text, "by the account"


def test_language_switch_never_leads_to_another_site(client: Any) -> None:
    assert client.get("/language/en", headers={"Referer": "https://evil.example/x"}).location == "/"
    assert client.get("/language/tlh").status_code == 404


def test_navigation_shows_what_the_role_may_do(client: Any, login: Login) -> None:
    login("administrator")
    page = client.get("/account").text

    assert 'href="/users"' in page
    assert 'href="/audit"' not in page
    assert 'role="search"' not in page
    assert "Test Hospital" in page


def test_many_places_are_shown_with_those_for_setting_up_in_a_row_of_their_own(client: Any, login: Login) -> None:
    login("manager")
    day, setting_up = client.get("/overview").text, client.get("/templates").text

    assert ("Set up</a>" in day, 'class="subnav"' in day, ">Texts</a>" in day) == (True, False, False)
    assert ('class="subnav"' in setting_up, ">Texts</a>" in setting_up) == (True, True)
    assert setting_up.count('aria-current="page"') == 2


@pytest.mark.parametrize("address", ["/overview", "/figures/followup", "/figures/targets"])
def test_on_every_page_of_figures_the_navigation_says_that_it_belongs_to_the_overview(
    client: Any, login: Login, address: str
) -> None:
    login("manager")

    assert '<a href="/overview" aria-current="page">' in client.get(address).text


@pytest.mark.parametrize(
    ("role", "address"),
    [
        ("nurse", "/today"),
        ("physician", "/today"),
        ("service_agent", "/today"),
        ("outreach_worker", "/today"),
        ("department_head", "/overview"),
        ("manager", "/overview"),
        ("complaints_officer", "/inbox"),
        ("quality_officer", "/overview"),
        ("administrator", "/imports"),
        ("group_administrator", "/overview"),
        ("auditor", "/audit"),
    ],
)
def test_start_page_is_the_first_screen_of_the_role(client: Any, login: Login, role: str, address: str) -> None:
    login(role)

    assert client.get("/").location == address


class Boom(RuntimeError):
    """Quotes a patient."""


@pytest.fixture
def broken(runtime: Runtime) -> Flask:
    """An application with a page that crashes."""
    app = create_app(runtime.settings, runtime=runtime)

    @app.get("/crash")
    @public
    def crash() -> str:
        raise Boom("Margaret Ellis, 07700 900142")

    @app.get("/undeclared")
    def undeclared() -> str:
        return "nobody said who may see this"

    return app


def test_crash_is_a_plain_sentence_without_what_crashed(broken: Flask) -> None:
    answer = broken.test_client().get("/crash")

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "Margaret" not in answer.text


def test_unknown_address_is_a_plain_page(client: Any) -> None:
    answer = client.get("/nowhere")

    assert answer.status_code == 404
    assert "There is nothing here" in answer.text
    assert client.get("/nowhere", headers={"Accept": "application/json"}).json["error"] == "not_found"


def test_an_id_that_no_record_can_have_is_a_plain_page(client: Any, login: Login) -> None:
    login("nurse")
    assert client.get(f"/patients/{10**20}").status_code == 404


def test_a_nul_character_is_refused_and_never_reaches_the_database(client: Any, login: Login) -> None:
    login("nurse")
    assert client.post("/patients", data={"q": "Wang\0"}).status_code == 400
    assert client.get("/patients?page=%00").status_code == 400


def test_wrong_method_is_a_plain_page(client: Any) -> None:
    assert "This page cannot be opened like that" in client.get("/logout").text


def test_page_of_a_database_that_is_away_is_still_a_page(runtime: Runtime, administrator: Engine) -> None:
    client = create_app(runtime.settings, runtime=runtime).test_client()
    with administrator.begin() as connection:
        connection.execute(text("ALTER TABLE user_account RENAME TO hidden"))
    with client.session_transaction() as session:
        moment = runtime.clock.now().timestamp()
        session.update(_user_id="1:1", number="a secret", started_at=moment, seen_at=moment)
    answer = client.get("/account")

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text


def test_process_is_up_without_asking_the_database(client: Any) -> None:
    assert client.get("/healthz").json == {"status": "up"}


def test_readiness_names_what_is_missing(client: Any) -> None:
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json["checks"]["database"] is True
    assert answer.json["checks"]["worker"] is False


def test_worker_that_was_heard_lately_is_well(client: Any, runtime: Runtime) -> None:
    with runtime.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO worker_heartbeat (worker, started_at, beat_at, leader) "
                "VALUES ('w1', now(), now() - interval '2 minutes', true)"
            )
        )
    assert client.get("/readyz").json["checks"]["worker"] is True

    with runtime.engine.begin() as connection:
        connection.execute(text("UPDATE worker_heartbeat SET beat_at = now() - interval '4 minutes'"))
    assert client.get("/readyz").json["checks"]["worker"] is False


def test_metrics_count_by_endpoint_and_hold_no_addresses(client: Any) -> None:
    client.get("/nowhere/Margaret")
    client.get("/healthz")
    metrics = client.get("/metrics").text

    assert 'hcrm_requests_total{endpoint="health.healthz",method="GET",status="200"} 1.0' in metrics
    assert 'hcrm_request_seconds_count{endpoint="health.healthz"} 1.0' in metrics
    assert "hcrm_worker_heartbeat_age_seconds NaN" in metrics
    assert "Margaret" not in metrics


def test_counts_of_several_processes_add_up_whoever_is_asked(runtime: Runtime) -> None:
    one, other = (create_app(runtime.settings, runtime=runtime).test_client() for _ in range(2))
    for _ in range(3):
        one.get("/healthz")
    other.get("/healthz")
    one.get("/metrics")
    line = 'hcrm_requests_total{endpoint="health.healthz",method="GET",status="200"} 4.0'

    assert line in other.get("/metrics").text
    assert line in one.get("/metrics").text


def test_counts_wait_for_a_database_that_is_away(runtime: Runtime, administrator: Engine) -> None:
    client = create_app(runtime.settings, runtime=runtime).test_client()
    client.get("/healthz")
    with administrator.begin() as connection:
        connection.execute(text("ALTER TABLE request_count RENAME TO hidden"))
    assert client.get("/metrics").status_code == 503
    with administrator.begin() as connection:
        connection.execute(text("ALTER TABLE hidden RENAME TO request_count"))

    assert 'endpoint="health.healthz",method="GET",status="200"} 1.0' in client.get("/metrics").text
