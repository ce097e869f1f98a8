"""What every answer tells the browser, cookies, and forged forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from hcrm.app import create_app
from hcrm.unit_of_work import Runtime
from tests.conftest import PASSWORD

Login = Callable[..., int]


@pytest.fixture
def guarded(runtime: Runtime) -> Flask:
    """The application with everything on, as it runs for people."""
    return create_app(runtime.settings, runtime=runtime)


@pytest.mark.parametrize("address", ["/login", "/nowhere", "/healthz", "/account"])
def test_every_answer_carries_the_policy(client: Any, address: str) -> None:
    headers = client.get(address).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))

    assert policy["default-src"] == "'self'"
    assert policy["script-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == "'self'"
    assert policy["object-src"] == policy["base-uri"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


def test_page_has_nothing_inline(client: Any, login: Login) -> None:
    login("administrator")
    for address in ("/account", "/users", "/users/new", "/departments"):
        page = client.get(address).text
        assert " style=" not in page
        assert "<style" not in page
        assert " onclick=" not in page
        assert all("src=" in tag for tag in page.split("<script")[1:])
        assert "http://" not in page.replace("http://www.w3.org/2000/svg", "")
        assert "https://" not in page


def test_versioned_files_are_kept_and_pages_are_not(client: Any) -> None:
    page = client.get("/login").text
    files = [part.split('"')[0] for part in page.replace('href="/', 'src="/').split('src="')[1:]]
    kept = [address for address in files if address.startswith(("/static", "/vendor"))]

    assert len(kept) == 3
    for address in kept:
        with client.get(address) as answer:
            assert answer.status_code == 200, address
            assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    with client.get("/static/hcrm.css") as answer:
        assert answer.headers["Cache-Control"] == "no-store"


def test_plotly_is_served_packed_where_the_browser_takes_it(client: Any) -> None:
    with client.application.test_request_context():
        address = client.application.url_for("vendor.plotly")
    packed = client.get(address, headers={"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < 2_000_000 < len(client.get(address).data)


@pytest.mark.parametrize(("base", "secure"), [("https://h.example", True), ("http://127.0.0.1:8000", False)])
def test_cookies_are_for_https_when_the_site_is(runtime: Runtime, login: Login, base: str, *, secure: bool) -> None:
    login("nurse")
    settings = replace(runtime.settings, public_base_url=base)
    app = create_app(settings, runtime=replace(runtime, settings=settings))
    app.config["WTF_CSRF_ENABLED"] = False
    answer = app.test_client().post("/login", data={"username": "nurse-all", "password": PASSWORD}, base_url=base)

    cookie = answer.headers["Set-Cookie"]
    assert ("Secure" in cookie) is secure
    assert cookie.startswith("__Host-hcrm=") is secure
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert ("Strict-Transport-Security" in answer.headers) is secure


def test_form_without_its_token_changes_nothing(guarded: Flask, login: Login) -> None:
    login("nurse")
    answer = guarded.test_client().post("/login", data={"username": "nurse-all", "password": PASSWORD})

    assert answer.status_code == 400
    assert "This page was open for too long" in answer.text


def test_form_with_its_token_works(guarded: Flask, login: Login) -> None:
    login("nurse")
    client = guarded.test_client()
    token = client.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post("/login", data={"username": "nurse-all", "password": PASSWORD, "csrf_token": token})

    assert answer.status_code == 302


def test_session_made_with_another_key_is_nobody(runtime: Runtime, client: Any, login: Login) -> None:
    login("nurse")
    stolen = client.get_cookie("hcrm").value
    settings = replace(runtime.settings, secret_key="another secret key altogether")
    other = create_app(settings, runtime=replace(runtime, settings=settings)).test_client()
    other.set_cookie("hcrm", stolen)

    assert other.get("/account").status_code == 302
