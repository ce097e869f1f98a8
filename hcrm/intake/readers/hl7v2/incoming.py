"""One message from its bytes to what is to be done about it, with what an acknowledgment needs."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.values import clean
from hcrm.intake.readers.hl7v2.decoding import decode
from hcrm.intake.readers.hl7v2.mapping import Instruction, instruction_of
from hcrm.intake.readers.hl7v2.reading import Reading
from hcrm.intake.readers.hl7v2.segments import Message, MessageRefused, parse

KEPT: Final = 20_000
"""Characters kept of a refused message."""
_BREAKS: Final = re.compile(r"[\r\n]+")


class Refusal(NamedTuple):
    """Why a message cannot be taken: a code, the field and parameters of its sentence."""

    code: str
    field: str
    params: dict[str, Any]


class Incoming(NamedTuple):
    """A message as it came in: who sent it under which id, and what it says, or why it cannot be taken.

    ``digest`` is a hash of all but the header, so that what is sent again is recognised though its MSH-7 has changed.
    ``message`` is None when the bytes are no HL7.
    """

    line: int
    message: Message | None
    sender: str
    control_id: str
    event: str
    digest: bytes
    event_at: datetime | None
    instruction: Instruction | None
    refusal: Refusal | None
    text: str
    encoding: str


def read_message(
    raw: bytes, reading: Reading, now: datetime, *, line: int = 0, encoding: str = "", too_long: bool = False
) -> Incoming:
    """What the bytes of one message say. Never raises for what stands in them.

    ``encoding`` is what the hospital says of messages that do not name theirs, ``now`` when it came in.
    """
    text, used = decode(raw, encoding)
    try:
        message = parse(text)
    except MessageRefused as refused:
        return _unreadable(text, used, line, Refusal(refused.code, refused.field, {}))
    incoming = _of(message, text, used, line)
    if too_long:
        return incoming._replace(refusal=Refusal("message_too_long", "", {"limit": len(raw)}))
    try:
        instruction = instruction_of(message, reading, now, line)
    except RowRefused as refused:
        return incoming._replace(refusal=Refusal(refused.code, refused.field, refused.params))
    rows = (*instruction.stays, *instruction.patients)
    return incoming._replace(instruction=instruction, event_at=rows[0].event_at if rows else None)


def _of(message: Message, text: str, encoding: str, line: int) -> Incoming:
    header, _, body = text.partition("\r" if "\r" in text else "\n")
    return Incoming(
        line=line,
        message=message,
        sender=clean(message.sender)[:200],
        control_id=clean(message.control_id)[:200],
        event=clean(message.trigger)[:64],
        digest=_digest(f"{message.trigger}\r{_BREAKS.sub(chr(13), body).strip()}" if body else header),
        event_at=None,
        instruction=None,
        refusal=None,
        text=text,
        encoding=encoding,
    )


def _unreadable(text: str, encoding: str, line: int, refusal: Refusal) -> Incoming:
    return Incoming(line, None, "", "", "", _digest(text), None, None, refusal, text, encoding)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).digest()
