"""Access tokens of other systems: what one is, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

PREFIX: Final = "hcrm_"
"""Begins every token, so that one that leaks is recognised by whoever finds it."""
SECRET_BYTES: Final = 32
ENDING: Final = 4
USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """A token as it is known: whose it is and how it ends, never the token itself."""

    id: int
    facility_id: int
    name: str
    ending: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def valid(self) -> bool:
        """Whether it still opens the door."""
        return self.revoked_at is None
