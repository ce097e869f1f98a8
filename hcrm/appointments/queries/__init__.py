"""Reading sessions, free slots and appointments."""

from hcrm.appointments.queries.calendar import (
    appointments_between,
    booked_after,
    going_on,
    session_snapshot,
    session_snapshots,
    sitting,
    sittings_between,
)
from hcrm.appointments.queries.figures import visit_figures_by_department
from hcrm.appointments.queries.free import free_for_discharge, free_slots, free_times, return_rule, return_rules
from hcrm.appointments.queries.people import booking_person, clash_of_person, matching_visits
from hcrm.appointments.queries.sensitive import open_to, sensitive_visits
from hcrm.appointments.queries.visits import (
    appointment,
    appointment_by_token,
    appointments,
    feed_by_token,
    feed_generation,
    history,
    of_persons,
    outdated,
    timeline,
    waiting_list,
)

__all__ = [
    "appointment",
    "appointment_by_token",
    "appointments",
    "appointments_between",
    "booked_after",
    "booking_person",
    "clash_of_person",
    "feed_by_token",
    "feed_generation",
    "free_for_discharge",
    "free_slots",
    "free_times",
    "going_on",
    "history",
    "matching_visits",
    "of_persons",
    "open_to",
    "outdated",
    "return_rule",
    "return_rules",
    "sensitive_visits",
    "session_snapshot",
    "session_snapshots",
    "sitting",
    "sittings_between",
    "timeline",
    "visit_figures_by_department",
    "waiting_list",
]
