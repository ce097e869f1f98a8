"""Frozen pictures of sessions and appointments, for pages and other packages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from hcrm.appointments.domain.states import TO_COME, AppointmentState, CancelReason, HistoryKind, Via


@dataclass(frozen=True, slots=True)
class AppointmentSnapshot:
    """One appointment as it was when read; on the waiting list it has no slot, room and times.

    ``generation`` counts moves: what was sent about an earlier one is out of date. ``offered_until``: how long a
    proposed place is held. ``task_id``: the follow-up task that stands for its reminders.
    """

    id: int
    facility_id: int
    patient_id: int
    encounter_id: int | None
    department_id: int
    clinician_id: int | None
    slot_id: int | None
    sitting_id: int | None
    room: str
    starts_at: datetime | None
    ends_at: datetime | None
    state: AppointmentState
    booked_at: datetime
    booked_via: Via
    confirmed_at: datetime | None
    move_asked_at: datetime | None
    offered_until: datetime | None
    cancel_reason: CancelReason | None
    outcome: str
    note: str
    generation: int
    task_id: int | None

    @property
    def to_come(self) -> bool:
        """Whether it can still be moved, confirmed or cancelled."""
        return self.state in TO_COME


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing done about an appointment; ``starts_at`` is the time of the visit after it."""

    at: datetime
    kind: HistoryKind
    via: Via
    starts_at: datetime | None
    actor_user_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class SessionSnapshot:
    """A published session with its rule."""

    id: int
    facility_id: int
    department_id: int
    clinician_id: int | None
    room: str
    first_on: date
    last_on: date
    weekdays: frozenset[int]
    every_weeks: int
    starts: time
    slot_minutes: int
    slots: int
    capacity: int
    on_holidays: bool


@dataclass(frozen=True, slots=True)
class SittingSnapshot:
    """One day of a session, with how many places it has and how many are free.

    ``replaced``: the day goes on in a sitting of another session.
    """

    id: int
    session_id: int
    facility_id: int
    department_id: int
    clinician_id: int | None
    room: str
    day: date
    starts_at: datetime
    ends_at: datetime
    closed_at: datetime | None
    closed_reason: str
    replaced: bool = False
    places: int = 0
    free: int = 0
