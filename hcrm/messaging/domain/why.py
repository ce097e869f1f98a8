"""*Why (not)?* of a message: every rule that was looked at, what it found, by which fact, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from hcrm.messaging.domain.attempts import Attempt
from hcrm.messaging.domain.requests import MessageSnapshot
from hcrm.messaging.domain.states import DUE_STATES, PROOF, RANKS, AttemptStatus, MessageStatus, Reason

TAKEN = frozenset({AttemptStatus.ACCEPTED, AttemptStatus.SENT, AttemptStatus.DELIVERED, AttemptStatus.READ})
FAILED = frozenset({AttemptStatus.TEMPORARY_FAILURE, AttemptStatus.PERMANENT_FAILURE})


@dataclass(frozen=True, slots=True)
class Finding:
    """One step of the answer: the rule, whether it let the message on (None: not known yet), by which fact, and when.

    ``detail`` is the provider's own code where it gave one.
    """

    rule: str
    passed: bool | None
    fact: str = ""
    at: datetime | None = None
    detail: str = ""


def explain(message: MessageSnapshot, attempts: Sequence[Attempt]) -> tuple[Finding, ...]:
    """What happened to a message and why, in the order in which it happened; never empty.

    The checks are those of the last decision about it; then come its hand-overs, what the provider and the phone told,
    and what ended it: somebody withdrew it, its time was over, or a person settled the doubt.
    """
    found = [*_checked(message), *_handed_over(attempts), *_ended(message)]
    return tuple(found) or tuple(_not_yet(message))


def _checked(message: MessageSnapshot) -> Iterator[Finding]:
    at = message.checked_at or message.decided_at
    for check in message.checks:
        yield Finding(check.code, check.passed, check.fact, at)


def _handed_over(attempts: Iterable[Attempt]) -> Iterator[Finding]:
    for attempt in attempts:
        if attempt.status in {AttemptStatus.CLAIMED, AttemptStatus.RELEASED}:
            continue
        taken = None if attempt.status not in TAKEN | FAILED else attempt.status in TAKEN
        yield Finding(
            "handed_over", taken, attempt.provider, attempt.finished_at or attempt.started_at, attempt.error_code or ""
        )


def _ended(message: MessageSnapshot) -> Iterator[Finding]:
    """What ended it, unless the last check says so already."""
    status = message.status
    if status in PROOF:
        yield Finding("arrived", True, status.value, message.delivered_at)
    elif status in {MessageStatus.ACCEPTED, MessageStatus.SENT}:
        yield Finding("arrived", None, status.value, message.sent_at or message.accepted_at)
    elif status is MessageStatus.PERMANENT_FAILURE:
        yield Finding("arrived", False, _reason(message.reason))
    elif status in {MessageStatus.CANCELLED, MessageStatus.SUPPRESSED} and not _decided(message):
        yield Finding("still_wanted", False, _reason(message.reason), message.decided_at)
    elif status is MessageStatus.EXPIRED and not _decided(message):
        yield Finding("still_useful", False, message.expires_at.isoformat(timespec="seconds"), message.decided_at)
    if message.settled_at is not None:
        yield Finding("settled", True, "", message.settled_at)


def _decided(message: MessageSnapshot) -> bool:
    """Whether the last decision itself ended it, at the moment at which it ended."""
    refused = bool(message.checks) and not message.checks[-1].passed
    return refused and message.checked_at == message.decided_at


def _not_yet(message: MessageSnapshot) -> Iterator[Finding]:
    """Nobody has looked at it yet: it is not due, or waits for its turn."""
    if message.status is MessageStatus.SCHEDULED:
        yield Finding("due", False, message.not_before.isoformat(timespec="seconds"), message.created_at)
    else:
        waits = None if message.status in DUE_STATES or message.status in RANKS else False
        yield Finding("its_turn", waits, "", message.created_at)


def _reason(reason: Reason | None) -> str:
    return "" if reason is None else reason.value
