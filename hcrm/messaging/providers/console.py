"""The console provider: simulated phones behind a durable ledger, so that everything can be tried without an account.

Each text is one row of ``console_delivery``, committed on a connection of its own, whatever becomes of the caller. The
Handset page shows that ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select

from hcrm.clock import Clock
from hcrm.messaging.domain import HandedOver, MessageStatus
from hcrm.messaging.models import ConsoleDelivery
from hcrm.messaging.providers.base import Capabilities, OutgoingSms, SendResult

REFUSED = frozenset({MessageStatus.TEMPORARY_FAILURE, MessageStatus.PERMANENT_FAILURE})

Reaction = Callable[[OutgoingSms], SendResult]
"""How a simulated phone reacts to a text."""


def delivered_at_once(sms: OutgoingSms) -> SendResult:
    """A phone that is switched on and in reach."""
    return SendResult(MessageStatus.DELIVERED, provider_sid=f"console-{sms.attempt_id}")


def write_deliveries(connection: Connection, texts: Mapping[OutgoingSms, SendResult], delivered_at: datetime) -> None:
    """Write texts that simulated phones have received into the ledger."""
    rows = [
        {
            "attempt_id": sms.attempt_id,
            "to_number": sms.to_number,
            "from_number": sms.from_number,
            "body": sms.body,
            "delivered_at": delivered_at,
            "received_status": result.status,
        }
        for sms, result in texts.items()
    ]
    connection.execute(insert(ConsoleDelivery), rows)


class ConsoleProvider:
    """Writes every text into the ledger and answers as ``reaction`` says; a refused text is not in the ledger."""

    name = "console"
    capabilities = Capabilities()
    at_once = 1

    def __init__(self, engine: Engine, clock: Clock, reaction: Reaction = delivered_at_once) -> None:
        self._engine = engine
        self._clock = clock
        self._reaction = reaction

    def send(self, sms: OutgoingSms) -> SendResult:
        result = self._reaction(sms)
        if result.status not in REFUSED:
            with self._engine.begin() as connection:
                write_deliveries(connection, {sms: result}, self._clock.now())
        return result

    def find(self, asked: HandedOver) -> SendResult | None:
        statement = select(ConsoleDelivery.received_status).where(ConsoleDelivery.attempt_id == asked.attempt_id)
        with self._engine.connect() as connection:
            status = connection.execute(statement.limit(1)).scalar_one_or_none()
        return None if status is None else SendResult(status, provider_sid=f"console-{asked.attempt_id}")
