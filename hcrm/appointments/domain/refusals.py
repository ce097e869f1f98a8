"""Why something about sessions or appointments is refused; the words are in ``forms``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Refusal(StrEnum):
    """One reason; the sentence for it names the clash where there is one."""

    NO_END = "no_end"
    END_BEFORE_START = "end_before_start"
    TOO_LONG = "too_long"
    NO_WEEKDAY = "no_weekday"
    NO_DAY = "no_day"
    IMPOSSIBLE_SLOTS = "impossible_slots"
    PAST_MIDNIGHT = "past_midnight"
    IMPOSSIBLE_CAPACITY = "impossible_capacity"
    TELLING_ROOM = "telling_room"
    SESSIONS_CLASH = "sessions_clash"
    IN_THE_PAST = "in_the_past"
    DECEASED = "deceased"
    UNKNOWN_PATIENT = "unknown_patient"
    UNKNOWN_SLOT = "unknown_slot"
    OTHER_FACILITY = "other_facility"
    OTHER_DEPARTMENT = "other_department"
    CLOSED = "closed"
    FULL = "full"
    ELSEWHERE = "elsewhere"
    SAME_TIME = "same_time"
    OVER = "over"
    ALREADY_WAITING = "already_waiting"
    EMPTY_WISH = "empty_wish"
    TOO_EARLY = "too_early"
    NOTHING_CHANGED = "nothing_changed"


@dataclass(frozen=True, slots=True)
class Clash:
    """What stands in the way: the department and room (or place) of the other session or visit, and its times."""

    what: str
    starts_at: datetime
    ends_at: datetime


class Refused(ValueError):
    """It is not done, for ``reason``; ``clash`` is what stands in the way, where something does."""

    def __init__(self, reason: Refusal, clash: Clash | None = None) -> None:
        super().__init__(reason.value)
        self.reason = reason
        self.clash = clash
