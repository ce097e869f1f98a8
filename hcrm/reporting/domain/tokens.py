"""Tokens by which the hospital's own tools read figures: what one may read, and what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

PREFIX: Final = "hcrmfig_"
"""Begins every token, so that one that leaks is recognised by whoever finds it."""

SECRET_BYTES: Final = 32
ENDING: Final = 4
USE_NOTED_EVERY: Final = timedelta(minutes=1)
REPORTS: Final = ("followup", "revisits", "satisfaction")
"""What a token can be for."""


@dataclass(frozen=True, slots=True)
class TokenSnapshot:
    """A token as it is known: what it opens and how it ends, never the token itself."""

    id: int
    facility_id: int
    department_id: int | None
    reports: tuple[str, ...]
    name: str
    ending: str
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    @property
    def valid(self) -> bool:
        """Whether it still opens the door."""
        return self.revoked_at is None
