"""Acknowledgments: what a sender is told about each message, and why one was not taken."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hcrm.intake.domain import MessageStatus, Outcome, RowError, Severity
from hcrm.intake.forms.labels import row_sentence
from hcrm.intake.readers.hl7v2 import Incoming
from hcrm.intake.readers.hl7v2.segments import Separators

ACCEPTED: Final = "AA"
ERROR: Final = "AE"
REJECTED: Final = "AR"

_REJECTING: Final = frozenset({"not_hl7", "bad_separators", "message_too_long", "unavailable"})
"""Reasons that lie before the content: the message could not be looked at."""

_CODES: Final[Mapping[str, str]] = {
    "missing_segment": "100^Segment sequence error",
    "missing_mrn": "101^Required field missing",
    "missing_visit": "101^Required field missing",
    "missing_event_time": "101^Required field missing",
    "unreadable_date": "102^Data type error",
    "no_such_day": "102^Data type error",
    "unavailable": "206^Application record locked",
    "internal_error": "207^Application internal error",
    "database_refused": "207^Application internal error",
}
"""Table 0357; every other reason is a value that the application does not accept."""

_USUAL: Final = Separators("|", "^", "~", "\\", "&")


def code_of(outcome: Outcome) -> str:
    """AA for what is stored for good (also while it waits), AE for what cannot be taken, AR for what was not read."""
    if outcome.status is not MessageStatus.REFUSED:
        return ACCEPTED
    return REJECTED if outcome.code in _REJECTING else ERROR


def acknowledgment(incoming: Incoming, outcome: Outcome, now: datetime) -> bytes:
    """The answer to a message, in its own separators and encoding."""
    signs = incoming.message.separators if incoming.message is not None else _USUAL
    code = code_of(outcome)
    sentence = "" if code == ACCEPTED else sentence_of(outcome)
    control_id = incoming.message.header.raw(10) if incoming.message is not None else ""
    segments = [_header(incoming, signs, now), signs.field.join(("MSA", code, control_id, _escaped(sentence, signs)))]
    if code != ACCEPTED:
        segments.append(_error(outcome, sentence, signs))
    return ("\r".join(segments) + "\r").encode(incoming.encoding, "replace")


def sentence_of(outcome: Outcome) -> str:
    """Why a message was not taken; names no patient."""
    params = {key: value for key, value in outcome.params.items() if key != "value"}
    return row_sentence(RowError(0, outcome.field, outcome.code, Severity.REJECTED, params))


def _header(incoming: Incoming, signs: Separators, now: datetime) -> str:
    message = incoming.message
    raw = message.header.raw if message is not None else _nothing
    event = incoming.event if message is not None and incoming.event.isalnum() else ""
    kind = signs.component.join(("ACK", event, "ACK")) if event else "ACK"
    fields = ["MSH", "".join(signs[1:]), raw(5), raw(6), raw(3), raw(4), f"{now:%Y%m%d%H%M%S}+0000", "", kind]
    fields += [secrets.token_hex(8), raw(11) or "P", raw(12) or "2.5"]
    charset = raw(18)
    if charset:
        fields += [""] * 5 + [charset]
    return signs.field.join(fields)


def _nothing(_number: int) -> str:
    return ""


def _error(outcome: Outcome, sentence: str, signs: Separators) -> str:
    """ERR-3 the code, ERR-4 its severity, ERR-7 the field of ours, ERR-8 the sentence."""
    number, _, text = _CODES.get(outcome.code, "103^Table value not found").partition("^")
    code = signs.component.join((number, text, "HL70357"))
    fields = ("ERR", "", "", code, "E", "", "", _escaped(outcome.field, signs), _escaped(sentence, signs))
    return signs.field.join(fields)


def _escaped(text: str, signs: Separators) -> str:
    """Text without separators; where a message names no escape sign they become spaces."""
    letters = {
        signs.escape: "E",
        signs.field: "F",
        signs.component: "S",
        signs.subcomponent: "T",
        signs.repetition: "R",
    }
    return "".join(
        (f"{signs.escape}{letters[sign]}{signs.escape}" if signs.escape else " ") if sign in letters else sign
        for sign in text.replace("\r", " ").replace("\n", " ")
    )
