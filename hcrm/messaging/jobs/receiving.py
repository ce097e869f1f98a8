"""What came from outside is dealt with: texts, receipts; and what is too late to be sent is ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from hcrm.logs import get_logger
from hcrm.messaging import queries, service
from hcrm.messaging.domain import InboundSnapshot
from hcrm.messaging.service.receipts import Reading
from hcrm.unit_of_work import Runtime, unit_of_work

log = get_logger(__name__)

TAKE_WITHIN = timedelta(minutes=1)
"""A text that no rule could take for so long is left to a person."""


def apply_receipts(runtime: Runtime, readings: Mapping[str, Reading], *, limit: int = 500) -> int:
    """Apply receipts that are stored and not understood yet; returns how many told something about a message."""
    with unit_of_work(runtime.sessions) as session:
        waiting = queries.open_receipts(session, limit=limit)
    return sum(_apply(runtime, receipt_id, readings[name]) for receipt_id, name in waiting if name in readings)


def _apply(runtime: Runtime, receipt_id: int, read: Reading) -> bool:
    try:
        with unit_of_work(runtime.sessions) as session:
            return service.apply_receipt(session, receipt_id, read, now=runtime.clock.now())
    except Exception:  # one receipt must not keep the others waiting; the provider is asked about the message later
        log.exception("receipt not applied")
        return False


def handle_inbound(runtime: Runtime, *, limit: int = 200) -> int:
    """Deal with texts that are stored and not taken yet; returns how many were taken."""
    with unit_of_work(runtime.sessions) as session:
        waiting = queries.untaken(session, limit=limit)
    return sum(_take(runtime, text) for text in waiting)


def _take(runtime: Runtime, text: InboundSnapshot) -> bool:
    """Take one text; what fails is tried again for a while, and then read by a person."""
    now = runtime.clock.now()
    try:
        with unit_of_work(runtime.sessions) as session:
            return service.take(session, text.id, now=now) is not None
    except Exception:  # one text must not keep the others waiting
        log.exception("text not taken", inbound_id=text.id)
    if now - text.received_at < TAKE_WITHIN:
        return False
    with unit_of_work(runtime.sessions) as session:
        return service.leave_to_person(session, text.id, now=now) is not None


def expire_messages(runtime: Runtime, *, chunk: int = 1_000) -> int:
    """End messages whose latest time is over; returns how many."""
    ended = 0
    while True:
        with unit_of_work(runtime.sessions) as session:
            count = service.expire(session, now=runtime.clock.now(), limit=chunk)
        ended += count
        if count < chunk:
            return ended
