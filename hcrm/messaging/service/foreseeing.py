"""Trying the rules in advance: when a message that waits would go out as things stand, or what would hold it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from hcrm.messaging.domain import DUE_STATES, Decision, Foresight, Held, Wait
from hcrm.messaging.models import OutboxMessage
from hcrm.messaging.service.judging import gather, judge
from hcrm.messaging.service.pauses import Pause, pauses

MOST_STEPS = 12
"""A message that would have to wait more often than this is told as waiting."""

PATIENT = timedelta(days=400)
"""A conversation that has the phone is waited for to its end, not looked at again and again."""


def foresee(session: Session, message_id: int, *, now: datetime) -> Foresight | None:
    """What the sender would decide about a message at each moment at which it looks at it, if nothing changes.

    Nothing is written. None when the message waits no more.
    """
    row = session.get(OutboxMessage, message_id)
    if row is None or row.status not in DUE_STATES:
        return None
    at, troubled, held = now, pauses(session), list[Held]()
    if row.next_try_at > at:
        held.append(Held("due", row.next_try_at.isoformat(timespec="seconds"), at, row.next_try_at))
        at = row.next_try_at
    decision = _decision(session, row, at, _still(troubled, at - now))
    while isinstance(decision, Wait) and len(held) < MOST_STEPS:
        last = decision.checks[-1]
        held.append(Held(last.code, last.fact, at, decision.until))
        at = decision.until
        decision = _decision(session, row, at, _still(troubled, at - now))
    return Foresight(decision=decision, at=at, held=tuple(held))


def _decision(session: Session, row: OutboxMessage, at: datetime, troubled: Mapping[str, Pause]) -> Decision:
    batch = gather(session, [row], now=at, terms=session.info["sms_terms"], troubled=troubled, hold=False)
    batch.patience = PATIENT
    return judge(row, batch).decision


def _still(troubled: Mapping[str, Pause], later: timedelta) -> dict[str, Pause]:
    """The pauses of the providers as they will be by then."""
    return {name: Pause(max(timedelta(0), each.left - later), each.tripped) for name, each in troubled.items()}
