"""What the provider is asked about: hand-overs whose sender vanished, and messages whose end it has not told."""

from __future__ import annotations

from datetime import timedelta

from hcrm.logs import get_logger
from hcrm.messaging import queries, service
from hcrm.messaging.domain import HandedOver
from hcrm.messaging.providers.base import Providers, SendResult, SmsProvider
from hcrm.unit_of_work import Runtime, unit_of_work

log = get_logger(__name__)

ASK_PROVIDER_FOR = timedelta(days=1)
"""How long a provider is asked about an attempt without evidence."""


def settle_in_doubt(runtime: Runtime, provider: SmsProvider | Providers, *, limit: int = 200) -> int:
    """Look after hand-overs whose sender vanished; returns how many were released or settled.

    What was never begun goes back into the queue. What had begun becomes ``unknown`` and the provider is asked about
    it; without an answer a person decides. Nothing is sent a second time from here.
    """
    with unit_of_work(runtime.sessions) as session:
        settled = service.release_unbegun(session, now=runtime.clock.now(), limit=limit)
    with unit_of_work(runtime.sessions) as session:
        service.mark_unknown(session, now=runtime.clock.now(), limit=limit)
    with unit_of_work(runtime.sessions) as session:
        asked = queries.unfinished_attempts(session, not_older_than=ASK_PROVIDER_FOR, limit=limit)
    return settled + sum(_settle(runtime, Providers.of(provider), each) for each in asked)


def look_again(runtime: Runtime, provider: SmsProvider | Providers, *, limit: int = 100) -> int:
    """Ask about messages whose end or price the provider has not told; returns how many it knew."""
    with unit_of_work(runtime.sessions) as session:
        asked = queries.attempts_to_look_at(session, limit=limit)
        service.note_looks(session, [each.attempt_id for each in asked])
    return sum(_settle(runtime, Providers.of(provider), each) for each in asked)


def _settle(runtime: Runtime, providers: Providers, asked: HandedOver) -> bool:
    found = _ask(providers, asked)
    if found is None:
        return False
    try:
        with unit_of_work(runtime.sessions) as session:
            service.record_result(session, asked.attempt_id, found, now=runtime.clock.now())
    except Exception:  # it is asked again at the next tick
        log.exception("result not stored", attempt_id=asked.attempt_id)
        return False
    return True


def _ask(providers: Providers, asked: HandedOver) -> SendResult | None:
    provider = providers.named(asked.provider)
    if provider is None:
        return None
    try:
        return provider.find(asked)
    except Exception:  # it is asked again at the next tick
        log.warning("provider could not be asked", attempt_id=asked.attempt_id, provider=provider.name, exc_info=True)
        return None
