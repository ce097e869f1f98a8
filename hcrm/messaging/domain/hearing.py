"""*Why (not)?* of a text from a phone: what was understood, by which rule, and what it led to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hcrm.messaging.domain.requests import InboundSnapshot, MessageSnapshot
from hcrm.messaging.domain.states import InboundState
from hcrm.messaging.domain.why import Finding


def explain_text(text: InboundSnapshot, replies: Iterable[MessageSnapshot]) -> tuple[Finding, ...]:
    """The rules in the order in which they were asked, then what came of the text; never empty."""
    return (
        Finding("stored", True, "", text.received_at),
        *(Finding(each.code, each.passed, each.fact, text.taken_at) for each in text.checks),
        *_led_to(text),
        *(Finding("replied", True, each.template_code, each.created_at) for each in replies),
    )


def _led_to(text: InboundSnapshot) -> Iterator[Finding]:
    if text.state is InboundState.RECEIVED:
        yield Finding("taken", None, "", text.received_at)
    elif text.state is not InboundState.HANDLED:
        yield Finding("dealt_with", None, text.state.value, text.claimed_at)
    elif text.outcome is not None:
        rule = "dealt_with_by_person" if text.handled_by is not None else "dealt_with"
        yield Finding(rule, True, text.outcome.value, text.handled_at)
