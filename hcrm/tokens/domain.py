"""What a token of another system is, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class TokenPurpose(StrEnum):
    """What a token opens: posting records, or reading figures."""

    RECORDS = "records"
    FIGURES = "figures"


PREFIXES: Final = {TokenPurpose.RECORDS: "hcrm_", TokenPurpose.FIGURES: "hcrmfig_"}
"""Begins every token, so that one that leaks is recognised by whoever finds it."""

SECRET_BYTES: Final = 32
ENDING: Final = 4
USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """A token as it is known: what it opens and how it ends, never the token itself.

    ``department_id`` (None: the whole facility) and ``scopes`` narrow what it opens, where its purpose knows such.
    """

    id: int
    purpose: TokenPurpose
    facility_id: int
    department_id: int | None
    scopes: tuple[str, ...]
    name: str
    ending: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def last_moment(self) -> datetime | None:
        """Inside the last day on which it opens anything; None for one without an end."""
        return None if self.expires_at is None else self.expires_at - timedelta(seconds=1)

    def expired(self, now: datetime) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now

    def opens(self, now: datetime) -> bool:
        """Whether it still opens the door."""
        return self.revoked_at is None and not self.expired(now)
