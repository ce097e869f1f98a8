"""The states of an appointment (those of FHIR Appointment) and the one table of the moves between them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class AppointmentState(StrEnum):
    """Where an appointment stands.

    ``waitlist``: the patient waits for a place. ``proposed``: a place is held for the patient until a moment.
    ``pending``: asked for by another system, not settled there yet.
    """

    PROPOSED = "proposed"
    PENDING = "pending"
    BOOKED = "booked"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    CANCELLED = "cancelled"
    NOSHOW = "noshow"
    WAITLIST = "waitlist"


HOLDING = frozenset(set(AppointmentState) - {AppointmentState.CANCELLED, AppointmentState.WAITLIST})
"""States in which an appointment has a place that nobody else may have."""

TO_COME = frozenset({AppointmentState.PROPOSED, AppointmentState.PENDING, AppointmentState.BOOKED})
"""States of a visit that may still take place and can be moved or cancelled."""

MOVES: Mapping[AppointmentState, frozenset[AppointmentState]] = {
    AppointmentState.WAITLIST: frozenset(
        {AppointmentState.PROPOSED, AppointmentState.BOOKED, AppointmentState.CANCELLED}
    ),
    AppointmentState.PROPOSED: frozenset(
        {AppointmentState.BOOKED, AppointmentState.WAITLIST, AppointmentState.CANCELLED}
    ),
    AppointmentState.PENDING: frozenset(
        {AppointmentState.BOOKED, AppointmentState.CANCELLED, AppointmentState.PROPOSED}
    ),
    AppointmentState.BOOKED: frozenset(
        {
            AppointmentState.PROPOSED,
            AppointmentState.ARRIVED,
            AppointmentState.FULFILLED,
            AppointmentState.CANCELLED,
            AppointmentState.NOSHOW,
        }
    ),
    AppointmentState.ARRIVED: frozenset({AppointmentState.FULFILLED, AppointmentState.BOOKED}),
    # Somebody who was written down as absent may have come late, or to another desk.
    AppointmentState.NOSHOW: frozenset({AppointmentState.ARRIVED, AppointmentState.FULFILLED}),
    AppointmentState.FULFILLED: frozenset(),
    AppointmentState.CANCELLED: frozenset(),
}
"""Where an appointment may go from each state. A move to another time keeps the state ``booked``."""


class IllegalMove(ValueError):
    """An appointment cannot go from the first of these states to the second."""

    def __init__(self, current: AppointmentState, wanted: AppointmentState) -> None:
        super().__init__(f"{current.value} -> {wanted.value}")
        self.current = current
        self.wanted = wanted


def may_become(current: AppointmentState, wanted: AppointmentState) -> bool:
    """Whether the table allows the move; staying is no move."""
    return wanted in MOVES[current]


def move(current: AppointmentState, wanted: AppointmentState) -> AppointmentState:
    """``wanted``, when the table allows it. Raises ``IllegalMove``."""
    if not may_become(current, wanted):
        raise IllegalMove(current, wanted)
    return wanted


class Via(StrEnum):
    """On which way something about an appointment was done."""

    STAFF = "staff"
    LINK = "link"
    REPLY = "reply"
    IMPORT = "import"
    PROGRAM = "program"


class CancelReason(StrEnum):
    """Why a visit will not take place."""

    PATIENT = "patient"
    CLINIC_CLOSED = "clinic_closed"
    NOT_NEEDED = "not_needed"
    IN_HOSPITAL = "in_hospital"
    DECEASED = "deceased"
    OTHER_SYSTEM = "other_system"
    MISTAKE = "mistake"
    OTHER = "other"


BY_HAND = (
    CancelReason.PATIENT,
    CancelReason.NOT_NEEDED,
    CancelReason.IN_HOSPITAL,
    CancelReason.MISTAKE,
    CancelReason.OTHER,
)
"""The reasons that a person can choose."""


class HistoryKind(StrEnum):
    """One thing that was done about an appointment."""

    ASKED = "asked"
    OFFERED = "offered"
    DECLINED = "declined"
    LAPSED = "lapsed"
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    MOVED = "moved"
    MOVE_ASKED = "move_asked"
    CANCELLED = "cancelled"
    ARRIVED = "arrived"
    FULFILLED = "fulfilled"
    NOSHOW = "noshow"
    REMINDED = "reminded"
    CHANGED = "changed"
    LINK_REVOKED = "link_revoked"
