"""Where to look for the next free slot: the rule that a discharge brings, and the order in which slots are offered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from hcrm.clock import local_moment

LEAD = timedelta(minutes=30)
"""A slot that begins sooner is not offered any more: nobody would get there."""

LATER_DAYS = 60
"""How far beyond the rule's last day a slot is still looked for, when there is none inside it."""


@dataclass(frozen=True, slots=True)
class ReturnRule:
    """When a patient should come back, in days after the discharge (day 0), and to whom."""

    from_days: int = 1
    within_days: int = 7
    same_clinician: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """From (included) until (excluded), aware UTC. ``overdue``: the rule's days were over before today."""

    starts_at: datetime
    ends_at: datetime
    latest: datetime
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time with at least one free place; ``slot_id`` is one of its places, ``places`` how many are free."""

    slot_id: int
    sitting_id: int
    department_id: int
    clinician_id: int | None
    room: str
    starts_at: datetime
    ends_at: datetime
    places: int = 1


def window_of(rule: ReturnRule, discharged_on: date, *, now: datetime, zone: tzinfo) -> Window:
    """The days in which the rule wants the visit, from now on; when they are over, the next days of the same length."""
    today = now.astimezone(zone).date()
    first = discharged_on + timedelta(days=rule.from_days)
    last = discharged_on + timedelta(days=rule.within_days)
    overdue = last < today
    if overdue:
        first, last = today, today + timedelta(days=max(1, rule.within_days - rule.from_days))
    starts_at = max(now + LEAD, local_moment(first, time(0), zone))
    ends_at = max(starts_at, local_moment(last + timedelta(days=1), time(0), zone))
    return Window(starts_at, ends_at, ends_at + timedelta(days=LATER_DAYS), overdue)


def in_order(
    slots: Iterable[FreeSlot], *, rule: ReturnRule, clinician_id: int | None, window: Window
) -> list[FreeSlot]:
    """What to offer first: inside the days of the rule before later ones, there the same clinician before others."""

    def place(slot: FreeSlot) -> tuple[bool, bool, datetime, int]:
        late = not window.starts_at <= slot.starts_at < window.ends_at
        other = rule.same_clinician and clinician_id is not None and slot.clinician_id != clinician_id
        return (late, other, slot.starts_at, slot.slot_id)

    return sorted((each for each in slots if each.starts_at >= window.starts_at), key=place)
