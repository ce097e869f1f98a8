"""What will become of a message that waits, if nothing changes: the rules tried in advance."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from hcrm.messaging.domain.sending import Decision, Expire, Send, Suppress
from hcrm.messaging.domain.states import Reason
from hcrm.messaging.domain.why import Finding


@dataclass(frozen=True, slots=True)
class Held:
    """A rule that holds a message at ``at`` and lets it be looked at again at ``until``."""

    rule: str
    fact: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Foresight:
    """The last decision that can be foreseen, when it would be made, and what holds the message until then."""

    decision: Decision
    at: datetime
    held: tuple[Held, ...] = ()

    @property
    def goes_at(self) -> datetime | None:
        """When it would be handed over; None when it would not."""
        return self.at if isinstance(self.decision, Send) else None

    @property
    def reason(self) -> Reason | None:
        """Why it would never be handed over; None while it may still be."""
        if isinstance(self.decision, Suppress):
            return self.decision.reason
        return Reason.OUTSIDE_WINDOW if isinstance(self.decision, Expire) else None

    def findings(self) -> tuple[Finding, ...]:
        """The rules in the order in which they would be asked, with the moment of each."""
        holds = [Finding(each.rule, False, each.fact, each.at) for each in self.held]
        last = [Finding(each.code, each.passed, each.fact, self.at) for each in self.decision.checks]
        return (*holds, *last)
