"""STOP, START and HELP, as patients write them."""

from __future__ import annotations

import unicodedata
from enum import StrEnum


class Keyword(StrEnum):
    """What a keyword asks for."""

    STOP = "stop"
    START = "start"
    HELP = "help"


STOP_WORDS = frozenset(
    {
        "stop",
        "stopall",
        "unsubscribe",
        "cancel",
        "end",
        "quit",
        "revoke",
        "optout",
        "opt out",
        "t",
        "td",
        "tt",
        "退订",
        "停止",
        "退订回t",
    }
)
START_WORDS = frozenset({"start", "unstop", "yes", "恢复"})
HELP_WORDS = frozenset({"help", "info", "帮助"})

ONLY_WHEN_STOPPED = frozenset({"yes"})
"""These ask for texts again only where texts were stopped; else they are an ordinary answer."""

MEANT_FOR_APPOINTMENT = frozenset({"cancel", "end", "yes"})
"""These belong to the appointment while an appointment conversation waits for a reply."""

_AROUND = " \t\r\n.,!?;:\"'。，！？；：、“”‘’「」"


def folded(text: str) -> str:
    """``text`` without surrounding space and punctuation, in half width, in lower case, with single spaces."""
    narrow = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(narrow.split()).strip(_AROUND)


def keyword(text: str, *, stopped: bool, appointment_waiting: bool = False) -> Keyword | None:
    """The keyword that the whole of ``text`` is, or ``None``.

    ``stopped``: the number gets no texts now. ``appointment_waiting``: an appointment conversation with it waits.
    取消 is no keyword: it answers an appointment.
    """
    word = folded(text)
    if appointment_waiting and word in MEANT_FOR_APPOINTMENT:
        return None
    if word in STOP_WORDS:
        return Keyword.STOP
    if word in START_WORDS:
        return Keyword.START if stopped or word not in ONLY_WHEN_STOPPED else None
    return Keyword.HELP if word in HELP_WORDS else None
