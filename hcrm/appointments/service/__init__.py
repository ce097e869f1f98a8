"""What can be done about sessions and appointments."""

from hcrm.appointments.service.booking import (
    UnknownAppointment,
    ask_to_move,
    book,
    cancel,
    confirm,
    move_appointment,
    next_free_instead,
)
from hcrm.appointments.service.changing import Changed, SessionChange, change_session
from hcrm.appointments.service.closing import Closed, UnknownSession, UnknownSitting, close_days, close_sitting
from hcrm.appointments.service.entering import Entry, enter, revoke_link
from hcrm.appointments.service.importing import apply_records
from hcrm.appointments.service.links import appointment_link, feed_token, renew_feed
from hcrm.appointments.service.outcomes import (
    EARLIEST,
    arrive,
    cancel_of_deceased,
    fulfil,
    miss,
    note_visits,
    notice_missed,
)
from hcrm.appointments.service.reminders import release_due, send_plain_instead
from hcrm.appointments.service.replies import ReplyTaken, take_reply_text
from hcrm.appointments.service.sessions import publish_session, set_return_rule
from hcrm.appointments.service.tasks import link_task
from hcrm.appointments.service.waiting import decline, lapse_due, wait

__all__ = [
    "EARLIEST",
    "Changed",
    "Closed",
    "Entry",
    "ReplyTaken",
    "SessionChange",
    "UnknownAppointment",
    "UnknownSession",
    "UnknownSitting",
    "apply_records",
    "appointment_link",
    "arrive",
    "ask_to_move",
    "book",
    "cancel",
    "cancel_of_deceased",
    "change_session",
    "close_days",
    "close_sitting",
    "confirm",
    "decline",
    "enter",
    "feed_token",
    "fulfil",
    "lapse_due",
    "link_task",
    "miss",
    "move_appointment",
    "next_free_instead",
    "note_visits",
    "notice_missed",
    "publish_session",
    "release_due",
    "renew_feed",
    "revoke_link",
    "send_plain_instead",
    "set_return_rule",
    "take_reply_text",
    "wait",
]
