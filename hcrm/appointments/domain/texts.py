"""What texts about a visit say: when and where, in the patient's language, and nothing that tells of an illness."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo

from babel.dates import format_datetime

TOPIC = "appointment"
_WHEN = {"en": "EEE d MMM HH:mm", "zh_Hans": "M月d日EEE HH:mm"}
_HOUR = {"en": "EEE HH:'00'", "zh_Hans": "d日H时"}
_NO_PLACE = {"en": "at the reception", "zh_Hans": "服务台"}
_KEY = re.compile(r"care:appointment-\d+:[a-z0-9_]+:(\d+)")


def key_of(appointment_id: int, what: str, generation: int) -> str:
    """The key of a message about this generation of an appointment."""
    return f"care:appointment-{appointment_id}:{what}:{generation}"


def generation_of(key: str) -> int | None:
    """The generation that a message is about; None when it is about no particular one."""
    found = _KEY.fullmatch(key)
    return None if found is None else int(found[1])


def when(at: datetime, zone: tzinfo) -> Mapping[str, str]:
    """``Tue 24 Nov 10:15`` · ``11月24日周二 10:15``, in the facility's zone."""
    local = at.astimezone(zone)
    return {language: format_datetime(local, pattern, locale=language) for language, pattern in _WHEN.items()}


def hour(at: datetime, zone: tzinfo) -> Mapping[str, str]:
    """``Tue 18:00`` · ``24日18时``: the full hour at or before ``at``: nobody is told more time than there is."""
    local = at.astimezone(zone)
    return {language: format_datetime(local, pattern, locale=language) for language, pattern in _HOUR.items()}


def place(room: str) -> str | Mapping[str, str]:
    """The room, or the reception where no room is known."""
    return room or _NO_PLACE


def is_telling(room: str, names: Iterable[str]) -> bool:
    """Whether a room's name holds the name of a department, which would tell others why somebody comes."""
    text = room.casefold()
    return any(name and name.casefold() in text for name in names)
