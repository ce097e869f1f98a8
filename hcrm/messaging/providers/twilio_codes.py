"""What Twilio's words and error codes mean to us; nowhere else are they known.

Sources: Twilio's table of message statuses and its error dictionary (docs: "Message resource", "Error codes").
"""

from __future__ import annotations

from dataclasses import dataclass

from hcrm.messaging.domain import MessageStatus, Reason

STATUSES: dict[str, MessageStatus] = {
    "accepted": MessageStatus.ACCEPTED,
    "scheduled": MessageStatus.ACCEPTED,
    "queued": MessageStatus.ACCEPTED,
    "sending": MessageStatus.ACCEPTED,
    "sent": MessageStatus.SENT,
    "delivered": MessageStatus.DELIVERED,
    "read": MessageStatus.READ,
    "undelivered": MessageStatus.PERMANENT_FAILURE,
    "failed": MessageStatus.PERMANENT_FAILURE,
    "canceled": MessageStatus.PERMANENT_FAILURE,
}
"""Their status of a message. A failure becomes what its error code says."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What follows from an error: see ``SendResult`` for ``untried`` and ``number_gone``."""

    status: MessageStatus
    reason: Reason
    untried: bool = False
    number_gone: bool = False


def _for_good(reason: Reason, *, number_gone: bool = False) -> Meaning:
    return Meaning(MessageStatus.PERMANENT_FAILURE, reason, number_gone=number_gone)


def _later(reason: Reason = Reason.PROVIDER_ERROR, *, untried: bool = False) -> Meaning:
    return Meaning(MessageStatus.TEMPORARY_FAILURE, reason, untried=untried)


WAIT = _later(untried=True)
"""Throttled, or something about the account that no other message would survive either."""

ERRORS: dict[int, Meaning] = {
    20001: WAIT,  # account not active
    20003: WAIT,  # wrong credentials, or no money left
    20005: WAIT,  # account not active
    20404: WAIT,  # account or Messaging Service unknown
    20429: WAIT,  # too many requests
    20500: WAIT,  # internal server error, told before the message was taken
    20503: WAIT,  # service unavailable, told before the message was taken
    14107: WAIT,  # too many messages at once
    21212: WAIT,  # our number is not valid
    21603: WAIT,  # no number of ours given
    21606: WAIT,  # our number cannot send texts
    21611: WAIT,  # our number's queue is full
    21701: WAIT,  # Messaging Service unknown
    21703: WAIT,  # Messaging Service without numbers
    21705: WAIT,  # Messaging Service not valid
    21211: _for_good(Reason.INVALID_NUMBER, number_gone=True),
    21217: _for_good(Reason.INVALID_NUMBER, number_gone=True),
    21401: _for_good(Reason.INVALID_NUMBER, number_gone=True),
    21421: _for_good(Reason.INVALID_NUMBER, number_gone=True),
    21604: _for_good(Reason.INVALID_NUMBER),
    21614: _for_good(Reason.LANDLINE, number_gone=True),
    21610: _for_good(Reason.OPTED_OUT),
    21408: _for_good(Reason.CARRIER_BLOCKED),  # our account may not send to this country
    21612: _for_good(Reason.CARRIER_BLOCKED),  # no route from our number to theirs
    21635: _for_good(Reason.LANDLINE, number_gone=True),
    30001: _later(),  # queue overflow
    30002: _later(),  # account suspended after it was taken
    30003: _later(Reason.ABSENT_SUBSCRIBER),  # phone switched off or out of reach
    30004: _for_good(Reason.CARRIER_BLOCKED),
    30005: _for_good(Reason.INVALID_NUMBER, number_gone=True),  # unknown subscriber
    30006: _for_good(Reason.LANDLINE, number_gone=True),
    30007: _for_good(Reason.CARRIER_BLOCKED),
    30011: _for_good(Reason.CARRIER_BLOCKED),
    30022: _later(),  # the carrier's limit of messages
    30024: _for_good(Reason.CARRIER_BLOCKED),
    30032: _for_good(Reason.CARRIER_BLOCKED),
    30034: _for_good(Reason.CARRIER_BLOCKED),
}
"""Their error code -> what it means. A code that is not here is a failure for good of the provider's."""

UNKNOWN_ERROR = _for_good(Reason.PROVIDER_ERROR)


def meaning(code: int | None) -> Meaning:
    """What an error code means; without one, or with a strange one, the provider could not send it."""
    return UNKNOWN_ERROR if code is None else ERRORS.get(code, UNKNOWN_ERROR)
