"""The request at hand: business time, settings, and what kind of answer is wanted."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol, cast
from urllib.parse import urlsplit

from flask import current_app, request

from hcrm.clock import Clock
from hcrm.settings import Settings


class _Runtime(Protocol):
    @property
    def settings(self) -> Settings: ...

    @property
    def clock(self) -> Clock: ...


def _runtime() -> _Runtime:
    return cast("_Runtime", current_app.extensions["hcrm"])


def now() -> datetime:
    """The business time, by the clock that the application was made with."""
    return _runtime().clock.now()


def settings() -> Settings:
    """The settings that the application was made with."""
    return _runtime().settings


def wants_json() -> bool:
    """True for a request made by our own scripts, which ask for JSON."""
    return request.is_json or request.accept_mimetypes.best == "application/json"


def is_safe_address(address: str) -> bool:
    """True for a path on this site; anything that a browser could take for another host is not."""
    if not address.startswith("/") or address.startswith(("//", "/\\")) or not address.isprintable():
        return False
    parts = urlsplit(address)
    return not parts.scheme and not parts.netloc and "\\" not in address


def bearer_token() -> str:
    """The token that the caller shows (RFC 6750); empty without one, or with credentials of another kind."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.casefold() == "bearer" else ""
