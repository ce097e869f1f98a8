"""What patients write back to a reminder or an offer."""

from __future__ import annotations

import re
from enum import StrEnum

from hcrm.messaging.domain.keywords import folded


class Reply(StrEnum):
    """What a reply asks for."""

    CONFIRM = "confirm"
    MOVE = "move"
    CANCEL = "cancel"


_WORDS = {
    Reply.CONFIRM: (
        "1",
        "yes",
        "y",
        "ok",
        "okay",
        "confirm",
        "confirmed",
        "i will come",
        "确认",
        "是",
        "好",
        "好的",
        "会来",
        "来",
    ),
    Reply.MOVE: ("2", "move", "change", "reschedule", "another time", "改期", "改时间", "换时间", "改约"),
    Reply.CANCEL: ("3", "no", "cancel", "end", "not coming", "取消", "不来", "不来了", "不去", "不去了", "取消预约"),
}
_MEANING = {word: reply for reply, words in _WORDS.items() for word in words}
_REPEATED = re.compile(r"回复|reply")


def read_reply(text: str) -> Reply | None:
    """What ``text`` as a whole says; None when it cannot be read: nothing is guessed."""
    return _MEANING.get(_REPEATED.sub("", folded(text)).strip())
