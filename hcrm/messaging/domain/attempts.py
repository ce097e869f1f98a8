"""An attempt to hand a message over: as it stands, and as its provider is asked about it afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from hcrm.messaging.domain.states import AttemptStatus
from hcrm.messaging.domain.templates import MASKED_LINK


@dataclass(frozen=True, slots=True)
class Attempt:
    """One hand-over as it was when read; ``error_code`` is the provider's own."""

    number: int
    provider: str
    status: AttemptStatus
    error_code: str | None
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """An attempt as the provider is asked about it.

    ``kept_body`` is the text with its link masked. ``lease_until`` is when its sender should have been done, by a real
    clock. ``taken_sids`` are known to belong to other attempts; ``rivals`` counts other attempts in doubt that look the
    same from outside.
    """

    attempt_id: int
    provider: str
    provider_sid: str | None
    to_number: str
    kept_body: str
    lease_until: datetime
    taken_sids: frozenset[str] = frozenset()
    rivals: int = 0

    def fits(self, body: str) -> bool:
        """Whether ``body`` is this text, whatever address its link has; a trial account puts a sentence in front."""
        pattern = r"\S+".join(re.escape(part) for part in self.kept_body.split(MASKED_LINK))
        return re.search(rf"(?:^|\s){pattern}\s*$", body) is not None
