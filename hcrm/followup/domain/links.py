"""Links from the hospital's own system to a patient's call: signed, so that nobody can try visit numbers."""

from __future__ import annotations

import hmac
from datetime import datetime

DIGEST = "sha256"


class LinkInvalid(ValueError):
    """A link that is not to be followed; ``code`` names why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def link_key(secret: str, facility_code: str) -> str:
    """The key that a hospital's system signs its links with, as hexadecimal text."""
    return hmac.new(secret.encode(), f"visit-link:{facility_code}".encode(), DIGEST).hexdigest()


def signature(key: str, facility_code: str, visit_number: str, until: int) -> str:
    """The signature of a link: HMAC-SHA256 over code, visit number and end (seconds since 1970), joined by ``|``."""
    return hmac.new(key.encode(), f"{facility_code}|{visit_number}|{until}".encode(), DIGEST).hexdigest()


def check_link(key: str, facility_code: str, visit_number: str, until: int, given: str, now: datetime) -> None:
    """Raises ``LinkInvalid`` for a link whose signature is not right, or whose time is over."""
    expected = signature(key, facility_code, visit_number, until)
    if not hmac.compare_digest(expected.encode(), given.lower().encode()):
        raise LinkInvalid("not_signed")
    if until < now.timestamp():
        raise LinkInvalid("is_over")
