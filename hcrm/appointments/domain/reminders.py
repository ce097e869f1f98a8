"""When a visit is reminded of: three days and one day before it, at ten o'clock of the facility's time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from enum import StrEnum

from hcrm.clock import local_moment

AT = time(10)
LAST_MOMENT = timedelta(hours=2)
"""A reminder that could not go out this long before the visit is of no use."""


class ReminderKind(StrEnum):
    """Which reminder."""

    THREE_DAYS = "three_days"
    ONE_DAY = "one_day"

    @property
    def days(self) -> int:
        """Days before the visit."""
        return 3 if self is ReminderKind.THREE_DAYS else 1


@dataclass(frozen=True, slots=True)
class Reminder:
    """One reminder: from when it may go out and until when it is of use, aware UTC."""

    kind: ReminderKind
    due_at: datetime
    useful_until: datetime


def reminders_of(starts_at: datetime, zone: tzinfo) -> tuple[Reminder, ...]:
    """Both reminders of a visit, in order; the first is of use until the second is due."""
    three, one = (_moment(starts_at, kind, zone) for kind in ReminderKind)
    return (
        Reminder(ReminderKind.THREE_DAYS, three, one),
        Reminder(ReminderKind.ONE_DAY, one, starts_at - LAST_MOMENT),
    )


def _moment(starts_at: datetime, kind: ReminderKind, zone: tzinfo) -> datetime:
    """Ten o'clock that many local days before; the day is counted on the calendar, whatever the clock does."""
    day = starts_at.astimezone(zone).date() - timedelta(days=kind.days)
    return local_moment(day, AT, zone)


def next_reminder(starts_at: datetime, zone: tzinfo, *, after: datetime) -> Reminder | None:
    """The first reminder that is due later than ``after``.

    Whoever books after a reminder's time has just heard of the visit, so that it is left out.
    """
    return next((each for each in reminders_of(starts_at, zone) if each.due_at > after), None)
