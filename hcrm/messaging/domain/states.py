"""The states of messages, attempts, replies and conversations, and the one table that ranks every receipt."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why a message is sent; it decides which checks apply and who goes first."""

    CARE = "care"
    SURVEY = "survey"
    SYSTEM = "system"
    STAFF = "staff"

    @property
    def priority(self) -> int:
        """Smaller is sent earlier: answers to keywords and staff, then care, then surveys."""
        return _PRIORITIES[self]


_PRIORITIES = {Purpose.SYSTEM: 0, Purpose.STAFF: 0, Purpose.CARE: 1, Purpose.SURVEY: 2}


class MessageStatus(StrEnum):
    """Where a message to a phone stands."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    TEMPORARY_FAILURE = "temporary_failure"
    PERMANENT_FAILURE = "permanent_failure"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"


class Reason(StrEnum):
    """Why a message was not sent or did not arrive."""

    OPTED_OUT = "opted_out"
    NO_CONSENT = "no_consent"
    DECEASED = "deceased"
    INVALID_NUMBER = "invalid_number"
    LANDLINE = "landline"
    CARRIER_BLOCKED = "carrier_blocked"
    ABSENT_SUBSCRIBER = "absent_subscriber"
    FATIGUE_LIMIT = "fatigue_limit"
    DUPLICATE = "duplicate"
    OUTSIDE_WINDOW = "outside_window"
    MISSING_TEMPLATE_DATA = "missing_template_data"
    PLAN_CANCELLED = "plan_cancelled"
    PROVIDER_ERROR = "provider_error"


class AttemptStatus(StrEnum):
    """Where one hand-over to the provider stands.

    ``claimed``: leased by a sender, the provider not called yet. ``calling``: the call has begun; if nothing more is
    known when the lease has run out it is ``unknown``. ``released``: never handed over, the message is free again.
    """

    CLAIMED = "claimed"
    CALLING = "calling"
    RELEASED = "released"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    TEMPORARY_FAILURE = "temporary_failure"
    PERMANENT_FAILURE = "permanent_failure"


class InboundState(StrEnum):
    """Where a text from a phone stands: ``matched``, ``ambiguous`` and ``unmatched`` wait for a person."""

    RECEIVED = "received"
    MATCHED = "matched"
    AMBIGUOUS = "ambiguous"
    UNMATCHED = "unmatched"
    HANDLED = "handled"


class ConversationState(StrEnum):
    """``waiting`` for a reply (one per pair of numbers), ``queued`` behind another one, or ``finished``."""

    WAITING = "waiting"
    QUEUED = "queued"
    FINISHED = "finished"


class Outcome(StrEnum):
    """What became of an inbound message: by a rule, or chosen by the person who dealt with it."""

    STOPPED = "stopped"
    STARTED = "started"
    HELP_SENT = "help_sent"
    ANSWER = "answer"
    ANSWERED = "answered"
    PHONED = "phoned"
    PASSED_ON = "passed_on"
    RECORD_CORRECTED = "record_corrected"
    NO_ACTION = "no_action"


BY_HAND = (Outcome.ANSWERED, Outcome.PHONED, Outcome.PASSED_ON, Outcome.RECORD_CORRECTED, Outcome.NO_ACTION)
"""The outcomes that a person can choose in the Inbox."""

DUE_STATES = (MessageStatus.SCHEDULED, MessageStatus.QUEUED, MessageStatus.TEMPORARY_FAILURE)
"""The states in which a message can still be claimed, withdrawn, suppressed or expire."""

HANDED_OVER = (
    MessageStatus.SENDING,
    MessageStatus.UNKNOWN,
    MessageStatus.ACCEPTED,
    MessageStatus.SENT,
    MessageStatus.DELIVERED,
    MessageStatus.READ,
)
"""The states of a message that reached the provider or may have: what the fatigue limit counts."""

RANKS: dict[MessageStatus, int] = {
    MessageStatus.SENDING: 0,
    MessageStatus.UNKNOWN: 1,
    MessageStatus.ACCEPTED: 2,
    MessageStatus.SENT: 3,
    MessageStatus.TEMPORARY_FAILURE: 4,
    MessageStatus.PERMANENT_FAILURE: 5,
    MessageStatus.DELIVERED: 6,
    MessageStatus.READ: 7,
}
"""All evidence about a message that was handed over, failures included: only a higher rank replaces a lower one.

Delivery is the strongest evidence, so a failure told before or after it never hides it.
"""


PROOF = frozenset({MessageStatus.DELIVERED, MessageStatus.READ})
"""What a phone itself has confirmed: true whatever else is on record."""


def after_receipt(current: MessageStatus, told: MessageStatus) -> MessageStatus:
    """The status after a receipt says ``told``: the higher of the two ranks.

    A message that is not with the provider now (waiting for another try, withdrawn, expired) has no rank: only the
    proof that an earlier try arrived changes it.
    """
    if told not in RANKS or told is MessageStatus.SENDING:
        raise IllegalMove(current, told)
    if current not in RANKS:
        return told if told in PROOF else current
    return told if RANKS[told] > RANKS[current] else current


_FREE = frozenset(
    {
        MessageStatus.QUEUED,
        MessageStatus.SENDING,
        MessageStatus.EXPIRED,
        MessageStatus.CANCELLED,
        MessageStatus.SUPPRESSED,
    }
)
_EVIDENCE = frozenset(RANKS) - {MessageStatus.SENDING}

MOVES: dict[MessageStatus, frozenset[MessageStatus]] = {
    MessageStatus.SCHEDULED: _FREE | PROOF,
    MessageStatus.QUEUED: _FREE | PROOF,
    MessageStatus.TEMPORARY_FAILURE: _FREE | _EVIDENCE,
    MessageStatus.SENDING: _EVIDENCE | {MessageStatus.QUEUED},
    MessageStatus.UNKNOWN: _EVIDENCE,
    MessageStatus.ACCEPTED: _EVIDENCE,
    MessageStatus.SENT: _EVIDENCE,
    MessageStatus.DELIVERED: frozenset({MessageStatus.READ}),
    MessageStatus.READ: frozenset(),
    MessageStatus.PERMANENT_FAILURE: PROOF,
    MessageStatus.EXPIRED: PROOF,
    MessageStatus.CANCELLED: PROOF,
    MessageStatus.SUPPRESSED: PROOF,
}
"""Where a message may go from each state."""


class IllegalMove(ValueError):
    """A message cannot go from the first of these states to the second."""

    def __init__(self, current: MessageStatus, wanted: MessageStatus) -> None:
        super().__init__(f"{current.value} -> {wanted.value}")
        self.current = current
        self.wanted = wanted


def move(current: MessageStatus, wanted: MessageStatus) -> MessageStatus:
    """``wanted``, when the table allows it (staying is allowed); raises ``IllegalMove``."""
    if wanted is not current and wanted not in MOVES[current]:
        raise IllegalMove(current, wanted)
    return wanted
