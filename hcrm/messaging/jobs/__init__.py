"""What the worker does for messaging, again and again. Each item is a transaction of its own."""

from hcrm.messaging.jobs.receiving import apply_receipts, expire_messages, handle_inbound
from hcrm.messaging.jobs.sending import FaultPoint, send_due
from hcrm.messaging.jobs.settling import look_again, settle_in_doubt

__all__ = [
    "FaultPoint",
    "apply_receipts",
    "expire_messages",
    "handle_inbound",
    "look_again",
    "send_due",
    "settle_in_doubt",
]
