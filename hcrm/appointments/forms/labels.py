"""What states, reasons and refusals of appointments are called on the screens."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.states import AppointmentState, CancelReason, HistoryKind, Via
from hcrm.web import local_datetime, local_time

STATES: Mapping[AppointmentState, tuple[str, str]] = {
    AppointmentState.PROPOSED: ("info", _l("Offered, waits for an answer")),
    AppointmentState.PENDING: ("info", _l("Asked for")),
    AppointmentState.BOOKED: ("plain", _l("Booked")),
    AppointmentState.ARRIVED: ("good", _l("Arrived")),
    AppointmentState.FULFILLED: ("good", _l("Visit took place")),
    AppointmentState.CANCELLED: ("plain", _l("Cancelled")),
    AppointmentState.NOSHOW: ("high", _l("Did not come")),
    AppointmentState.WAITLIST: ("info", _l("On the waiting list")),
}
CANCEL_REASONS: Mapping[CancelReason, str] = {
    CancelReason.PATIENT: _l("The patient does not want it"),
    CancelReason.NOT_NEEDED: _l("It is not needed any more"),
    CancelReason.IN_HOSPITAL: _l("The patient is in hospital"),
    CancelReason.MISTAKE: _l("It was booked by mistake"),
    CancelReason.CLINIC_CLOSED: _l("The session was closed"),
    CancelReason.DECEASED: _l("The patient has died"),
    CancelReason.OTHER_SYSTEM: _l("The hospital's own system cancelled it"),
    CancelReason.OTHER: _l("Another reason"),
}
HISTORY: Mapping[HistoryKind, str] = {
    HistoryKind.ASKED: _l("Put on the waiting list"),
    HistoryKind.OFFERED: _l("Place offered"),
    HistoryKind.DECLINED: _l("Offer declined"),
    HistoryKind.LAPSED: _l("Offer not answered in time"),
    HistoryKind.BOOKED: _l("Booked"),
    HistoryKind.CONFIRMED: _l("Confirmed by the patient"),
    HistoryKind.MOVED: _l("Moved to another time"),
    HistoryKind.MOVE_ASKED: _l("The patient wants another time"),
    HistoryKind.CANCELLED: _l("Cancelled"),
    HistoryKind.ARRIVED: _l("Arrived"),
    HistoryKind.FULFILLED: _l("Visit took place"),
    HistoryKind.NOSHOW: _l("Did not come"),
    HistoryKind.REMINDED: _l("Reminder prepared"),
    HistoryKind.CHANGED: _l("Place or clinician changed, the time stays"),
    HistoryKind.LINK_REVOKED: _l("The patient's link was taken back"),
}
VIA: Mapping[Via, str] = {
    Via.STAFF: _l("by staff"),
    Via.LINK: _l("by the patient's link"),
    Via.REPLY: _l("by the patient's reply"),
    Via.IMPORT: _l("from the hospital's records"),
    Via.PROGRAM: _l("by the program"),
}
REFUSALS: Mapping[Refusal, str] = {
    Refusal.NO_END: _l("Say on which day the session is held for the last time."),
    Refusal.END_BEFORE_START: _l("The last day lies before the first."),
    Refusal.TOO_LONG: _l("A session is published for two years at the most. Choose an earlier last day."),
    Refusal.NO_WEEKDAY: _l("Choose at least one weekday, and every how many weeks."),
    Refusal.NO_DAY: _l("There is no such day left between the first and the last day: they are over or holidays."),
    Refusal.IMPOSSIBLE_SLOTS: _l("Give between 1 and 200 slots of at least a minute."),
    Refusal.PAST_MIDNIGHT: _l("The session would run past midnight. Make it shorter or begin earlier."),
    Refusal.IMPOSSIBLE_CAPACITY: _l("Give between 1 and 50 places for each slot."),
    Refusal.TELLING_ROOM: _l(
        "The place is told by text message and would name the department. Give the building, floor and room alone."
    ),
    Refusal.SESSIONS_CLASH: _l("This clinician has another session at that time."),
    Refusal.IN_THE_PAST: _l("That time is over."),
    Refusal.DECEASED: _l("The patient has died, or was reported to have died. Nothing can be booked."),
    Refusal.UNKNOWN_PATIENT: _l("There is no such patient."),
    Refusal.UNKNOWN_SLOT: _l("There is no such time any more."),
    Refusal.OTHER_FACILITY: _l("That patient belongs to another hospital."),
    Refusal.OTHER_DEPARTMENT: _l("Please choose one of the times shown on this page."),
    Refusal.CLOSED: _l("That session was closed."),
    Refusal.FULL: _l("That time has just been taken."),
    Refusal.ELSEWHERE: _l("The patient has another visit at that time."),
    Refusal.SAME_TIME: _l("It is at that time already."),
    Refusal.OVER: _l("This visit is over, was cancelled, or the offer has lapsed. It cannot be changed any more."),
    Refusal.ALREADY_WAITING: _l("The patient is on this waiting list already."),
    Refusal.EMPTY_WISH: _l("Give days on which the patient can still come."),
    Refusal.TOO_EARLY: _l("The visit has not begun yet."),
    Refusal.NOTHING_CHANGED: _l("Nothing differs from what is published."),
}
TIMELINE_WORDS: Mapping[str, str] = {
    "appointment.asked": _l("Return visit: put on the waiting list"),
    "appointment.offered": _l("Return visit: place offered for %(when)s"),
    "appointment.declined": _l("Return visit: offer declined"),
    "appointment.lapsed": _l("Return visit: offer not answered"),
    "appointment.booked": _l("Return visit booked for %(when)s"),
    "appointment.confirmed": _l("Return visit on %(when)s confirmed"),
    "appointment.moved": _l("Return visit moved to %(when)s"),
    "appointment.move_asked": _l("Return visit: the patient wants another time"),
    "appointment.cancelled": _l("Return visit cancelled"),
    "appointment.arrived": _l("Arrived for the return visit"),
    "appointment.fulfilled": _l("Return visit took place"),
    "appointment.noshow": _l("Did not come to the return visit"),
    "appointment.reminded": _l("Reminder of the return visit on %(when)s"),
    "appointment.changed": _l("Return visit on %(when)s: place or clinician changed"),
    "appointment.link_revoked": _l("Return visit: the patient's link was taken back"),
}
TIMELINE_STATES: Mapping[str, tuple[str, str]] = {
    f"appointment.{state.value}": words for state, words in STATES.items()
}


def refusal_words(problem: Refused) -> str:
    """Why it was not done, in a sentence that names what stands in the way."""
    sentence = str(REFUSALS[problem.reason])
    if problem.clash is None:
        return sentence
    clash = problem.clash
    words: str = _(
        "%(sentence)s It is the one in %(place)s, %(from_)s to %(until)s.",
        sentence=sentence,
        place=clash.what or "–",
        from_=local_datetime(clash.starts_at),
        until=local_time(clash.ends_at),
    )
    return words
