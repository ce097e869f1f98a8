"""What a simulated day brought, in numbers. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date


@dataclass
class DayReport:
    """What one day brought.

    ``refused_texts`` are those that the carrier did not take, ``refused_records`` what the import did not,
    ``read`` the texts that a person dealt with in the Inbox.
    ``due_alerts`` are the alerts that somebody had to look at by some moment of the day, ``in_time`` those of them at
    which somebody had.
    """

    day: date
    discharges: int = 0
    corrected: int = 0
    died: int = 0
    taken_back: int = 0
    merged: int = 0
    refused_records: int = 0
    texts_sent: int = 0
    refused_texts: int = 0
    replies: int = 0
    read: int = 0
    calls: int = 0
    completed: int = 0
    alerts: int = 0
    due_alerts: int = 0
    in_time: int = 0
    booked: int = 0
    moved: int = 0
    kept: int = 0
    missed: int = 0
    given_up: int = 0

    def add(self, other: DayReport) -> None:
        """Add the numbers of another day."""
        for each in fields(self):
            if each.name != "day":
                setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return (
            f"{self.discharges} discharges, {self.texts_sent} texts ({self.refused_texts} refused), "
            f"{self.replies} replies ({self.read} read by a person), {self.calls} calls ({self.completed} completed); "
            f"alerts: {self.alerts} answered, {self.in_time} of {self.due_alerts} seen in time; "
            f"visits: {self.booked} booked, {self.moved} moved, {self.kept} kept, {self.missed} missed, "
            f"{self.given_up} given up; "
            f"records: {self.corrected} corrected, {self.taken_back} taken back, {self.merged} merged, "
            f"{self.died} deaths, {self.refused_records} refused"
        )
