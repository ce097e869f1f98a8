"""Sessions of a clinic: the rule by which they repeat, and the days, slots and places that follow from it.

Times of a rule are the facility's. A session begins at its local time; when the clock skips that time it begins as much
later, when the clock shows it twice, at the first. Its slots then follow one another in elapsed time, so that a change
of the clock neither loses nor doubles one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.clock import local_moment
from hcrm.organization.domain import Calendar

LONGEST_DAYS = 732
"""A rule runs two years at the most; what is longer is published anew, so that nobody finds forgotten sessions."""

MOST_SLOTS = 200
MOST_PLACES = 50
DAY_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class SessionRule:
    """How a session repeats.

    ``weekdays``: 0 is Monday; ``every_weeks``: each, or every second (third …) week, counted from the week of
    ``first_on``. ``last_on`` is included. ``slots`` slots of ``slot_minutes`` follow ``starts`` without a gap, each
    with ``capacity`` places. With ``on_holidays`` False rest days by holiday are left out.
    """

    first_on: date
    last_on: date | None
    weekdays: frozenset[int]
    starts: time
    slot_minutes: int
    slots: int
    capacity: int = 1
    every_weeks: int = 1
    on_holidays: bool = False

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.slot_minutes * self.slots)


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    """One time to be booked, aware UTC; it has as many places as the rule's capacity."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class PlannedSitting:
    """One day of a session."""

    day: date
    slots: tuple[PlannedSlot, ...]

    @property
    def starts_at(self) -> datetime:
        return self.slots[0].starts_at

    @property
    def ends_at(self) -> datetime:
        return self.slots[-1].ends_at


def check_rule(rule: SessionRule) -> date:
    """The last day of a rule that can be followed. Raises ``Refused`` with the first thing that is wrong."""
    if rule.last_on is None:
        raise Refused(Refusal.NO_END)
    wrong = {
        Refusal.END_BEFORE_START: rule.last_on < rule.first_on,
        Refusal.TOO_LONG: (rule.last_on - rule.first_on).days > LONGEST_DAYS,
        Refusal.NO_WEEKDAY: not rule.weekdays or not rule.weekdays <= frozenset(range(7)) or rule.every_weeks < 1,
        Refusal.IMPOSSIBLE_SLOTS: not (1 <= rule.slots <= MOST_SLOTS and 1 <= rule.slot_minutes <= DAY_MINUTES),
        Refusal.IMPOSSIBLE_CAPACITY: not 1 <= rule.capacity <= MOST_PLACES,
        Refusal.PAST_MIDNIGHT: _minutes(rule.starts) + rule.slot_minutes * rule.slots > DAY_MINUTES,
    }
    for refusal, holds in wrong.items():
        if holds:
            raise Refused(refusal)
    return rule.last_on


def _minutes(of: time) -> int:
    return of.hour * 60 + of.minute


def days_of(rule: SessionRule, calendar: Calendar) -> Iterator[date]:
    """The days on which the rule has a session, in order. Raises ``Refused``."""
    last = check_rule(rule)
    first_monday = rule.first_on - timedelta(days=rule.first_on.weekday())
    for offset in range((last - rule.first_on).days + 1):
        day = rule.first_on + timedelta(days=offset)
        in_week = ((day - first_monday).days // 7) % rule.every_weeks == 0
        rests = day in calendar.holidays and day not in calendar.workdays and not rule.on_holidays
        if day.weekday() in rule.weekdays and in_week and not rests:
            yield day


def plan_sittings(rule: SessionRule, calendar: Calendar, zone: tzinfo) -> list[PlannedSitting]:
    """Every day of the rule with its slots. Raises ``Refused``, also when no day is left."""
    found = [PlannedSitting(day, _slots(rule, day, zone)) for day in days_of(rule, calendar)]
    if not found:
        raise Refused(Refusal.NO_DAY)
    return found


def sitting_on(rule: SessionRule, day: date, zone: tzinfo) -> PlannedSitting:
    """What the rule makes of one of its days. Raises ``Refused`` for a rule that cannot be followed."""
    check_rule(rule)
    return PlannedSitting(day, _slots(rule, day, zone))


def _slots(rule: SessionRule, day: date, zone: tzinfo) -> tuple[PlannedSlot, ...]:
    begins = local_moment(day, rule.starts, zone)
    length = timedelta(minutes=rule.slot_minutes)
    return tuple(PlannedSlot(begins + length * number, begins + length * (number + 1)) for number in range(rule.slots))
