"""The words for messages of interfaces: what became of one, and what is known of one that waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


class MessageStatus(StrEnum):
    """What became of a message of an interface. ``waiting`` is kept until what it refers to is known."""

    APPLIED = "applied"
    WAITING = "waiting"
    IGNORED = "ignored"
    REFUSED = "refused"
    LEFT_OUT = "left_out"


class Outcome(NamedTuple):
    """What became of one message; ``code`` tells why it waits or was refused, ``repeated`` that it was known."""

    status: MessageStatus
    code: str = ""
    field: str = ""
    params: Mapping[str, Any] = {}
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class MessageSnapshot:
    """A message that waits or was refused, as it was when read; ``waits_on`` names the visit or patient it needs."""

    id: int
    facility_id: int
    sender: str
    control_id: str
    event: str
    status: MessageStatus
    code: str
    field: str
    params: Mapping[str, Any]
    waits_on: str
    event_at: datetime | None
    received_at: datetime
