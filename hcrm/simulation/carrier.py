"""The simulated carrier: most texts arrive at once, some go the ways that texts really go.

It speaks as Twilio does, in its words and codes, through the same reading as the real one; what is lost, told twice or
told in the wrong order is drawn by the stand-in for Twilio. The same seed, phone and moment have the same fate.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from hcrm.fake_twilio import Dice, plan
from hcrm.messaging import queries as messaging_queries
from hcrm.messaging import service as messaging
from hcrm.messaging.domain import MessageStatus
from hcrm.messaging.providers.base import OutgoingSms, SendResult
from hcrm.messaging.providers.console import ConsoleProvider, delivered_at_once
from hcrm.messaging.providers.twilio_codes import WAIT
from hcrm.messaging.providers.twilio_sms import read_receipt, result_of
from hcrm.simulation import queries
from hcrm.unit_of_work import Runtime, unit_of_work


class Fate(StrEnum):
    """What becomes of a text at the carrier."""

    ARRIVES = "arrives"
    TOLD_LATE = "told_late"
    """It arrives; the receipts come hours later, some lost, doubled or in the wrong order."""
    ANSWER_LOST = "answer_lost"
    """It arrives; whoever sent it got no answer and cannot know."""
    THROTTLED = "throttled"
    OUT_OF_REACH = "out_of_reach"
    NUMBER_GONE = "number_gone"
    OPTED_OUT = "opted_out"


ARRIVED = frozenset({Fate.ARRIVES, Fate.TOLD_LATE, Fate.ANSWER_LOST})
SHARES = (
    (Fate.ARRIVES, 900), (Fate.TOLD_LATE, 60), (Fate.ANSWER_LOST, 10), (Fate.THROTTLED, 10), (Fate.OUT_OF_REACH, 17),
    (Fate.NUMBER_GONE, 2), (Fate.OPTED_OUT, 1),
)  # fmt: skip
CODES = {Fate.OUT_OF_REACH: 30003, Fate.NUMBER_GONE: 30005, Fate.OPTED_OUT: 21610}
LOST, DOUBLED, SHUFFLED = 0.2, 0.2, 0.3
_FATES, _WEIGHTS = [fate for fate, _ in SHARES], [weight for _, weight in SHARES]


def fate_of(seed: int, number: str, now: datetime) -> Fate:
    """What becomes of a text to ``number`` that is handed over ``now``."""
    rng = random.Random(f"carrier:{seed}:{number}:{now.isoformat()}")
    return rng.choices(_FATES, _WEIGHTS)[0]


@dataclass(frozen=True, slots=True)
class Handled:
    """A text, what became of it, and what its sender is told at once."""

    sms: OutgoingSms
    fate: Fate
    result: SendResult

    @property
    def arrived(self) -> bool:
        return self.fate in ARRIVED


def handle(sms: OutgoingSms, fate: Fate) -> Handled:
    """Take a text as its fate has it."""
    return Handled(sms, fate, _answer(sms, fate))


def _answer(sms: OutgoingSms, fate: Fate) -> SendResult:
    sid = f"console-{sms.attempt_id}"
    match fate:
        case Fate.ARRIVES:
            return delivered_at_once(sms)
        case Fate.TOLD_LATE:
            return SendResult(MessageStatus.ACCEPTED, provider_sid=sid)
        case Fate.ANSWER_LOST:
            return SendResult(MessageStatus.UNKNOWN)
        case Fate.THROTTLED:
            return SendResult(WAIT.status, reason=WAIT.reason, error_code="429", untried=True)
        case _:
            refused = result_of("undelivered", sid, CODES[fate])
            assert refused is not None
            return refused


def keep_receipts(session: Session, handled: Sequence[Handled], *, seed: int, now: datetime) -> None:
    """Store what is told late, as it comes: in this order, each once."""
    for each in handled:
        if each.fate is not Fate.TOLD_LATE:
            continue
        message, attempt = each.sms.message_id, each.sms.attempt_id
        dice = Dice(seed + attempt)
        told = plan(dice, ["sent", "delivered"], after=1.0, lost=LOST, doubled=DOUBLED, shuffled=SHUFFLED)
        for _, status in sorted(told):
            raw = {"MessageSid": f"console-{attempt}", "MessageStatus": status, "message": str(message)}
            messaging.keep_receipt(
                session,
                provider=ConsoleProvider.name,
                event_key=f"simulated:{message}:{attempt}:{status}",
                raw=raw | {"attempt": str(attempt)},
                now=now,
            )


def settle(runtime: Runtime) -> None:
    """Take in the receipts that have come, and ask about what nobody has told."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        for receipt_id, _ in messaging_queries.open_receipts(session, limit=100_000):
            messaging.apply_receipt(session, receipt_id, read_receipt, now=now)
        untold = queries.untold(session)
        if untold:
            found = {each: SendResult(MessageStatus.DELIVERED, provider_sid=f"console-{each}") for each in untold}
            messaging.record_results(session, found, now=now)
