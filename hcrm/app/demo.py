"""The log-ins that the start page of a demonstration offers, one for each role; nowhere else are there any."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Flask

from hcrm import web
from hcrm.accounts.forms import ROLE_LABELS
from hcrm.simulation.demo import LOGINS, PASSWORD


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """A made-up person to log in as."""

    username: str
    password: str
    name: str
    role: str


def demo_logins() -> Sequence[DemoLogin]:
    """One for each role in a demonstration, none elsewhere."""
    if not web.settings().demo:
        return ()
    return [
        DemoLogin(login.username, PASSWORD, login.name, str(ROLE_LABELS[login.role]))
        for login in LOGINS
        if login.password is not None
    ]


def init_app(app: Flask) -> None:
    """Let the log-in page ask for them."""
    app.jinja_env.globals["demo_logins"] = demo_logins
