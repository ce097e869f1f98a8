"""Forms of messaging, and what its codes are called."""

from __future__ import annotations

from collections.abc import Mapping

import phonenumbers
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length

from hcrm.messaging.domain import BY_HAND, InboundState, MessageStatus, Outcome, Purpose, Reason
from hcrm.web import BaseForm, choices

NOTE_LIMIT = 500
TEXT_LIMIT = 500
ANSWER_LIMIT = 900

STATUSES: Mapping[MessageStatus, tuple[str, str]] = {
    MessageStatus.SCHEDULED: ("plain", _l("Scheduled")),
    MessageStatus.QUEUED: ("plain", _l("Waiting to be sent")),
    MessageStatus.SENDING: ("plain", _l("Being sent")),
    MessageStatus.ACCEPTED: ("plain", _l("Handed to the provider")),
    MessageStatus.SENT: ("plain", _l("Sent, not yet delivered")),
    MessageStatus.DELIVERED: ("good", _l("Delivered")),
    MessageStatus.READ: ("good", _l("Read")),
    MessageStatus.TEMPORARY_FAILURE: ("high", _l("Failed, will be tried again")),
    MessageStatus.PERMANENT_FAILURE: ("high", _l("Not delivered")),
    MessageStatus.EXPIRED: ("plain", _l("Not sent, no longer useful")),
    MessageStatus.CANCELLED: ("plain", _l("Withdrawn")),
    MessageStatus.SUPPRESSED: ("plain", _l("Held back")),
    MessageStatus.UNKNOWN: ("high", _l("Not known whether it arrived")),
}
"""Kind of sign and words of each status."""

INBOUND_STATES: Mapping[InboundState, tuple[str, str]] = {
    InboundState.RECEIVED: ("plain", _l("Just received")),
    InboundState.MATCHED: ("high", _l("Waits for a person")),
    InboundState.AMBIGUOUS: ("high", _l("Shared phone: whose text is it?")),
    InboundState.UNMATCHED: ("high", _l("Unknown phone")),
    InboundState.HANDLED: ("good", _l("Dealt with")),
}

REASONS: Mapping[Reason, str] = {
    Reason.OPTED_OUT: _l("This phone said STOP"),
    Reason.NO_CONSENT: _l("The patient does not want messages of this kind"),
    Reason.DECEASED: _l("The patient has died, or was reported to have died"),
    Reason.INVALID_NUMBER: _l("There is no valid phone number to use"),
    Reason.LANDLINE: _l("The only number is a landline"),
    Reason.CARRIER_BLOCKED: _l("The carrier blocked it"),
    Reason.ABSENT_SUBSCRIBER: _l("The phone could not be reached"),
    Reason.FATIGUE_LIMIT: _l("The patient has had enough messages for now"),
    Reason.DUPLICATE: _l("The same message exists already"),
    Reason.OUTSIDE_WINDOW: _l("Its latest time was over"),
    Reason.MISSING_TEMPLATE_DATA: _l("Something that the text needs is missing"),
    Reason.PLAN_CANCELLED: _l("The plan behind it has ended"),
    Reason.PROVIDER_ERROR: _l("The provider could not send it"),
}

PURPOSES: Mapping[Purpose, str] = {
    Purpose.CARE: _l("Text about care"),
    Purpose.SURVEY: _l("Survey by text"),
    Purpose.SYSTEM: _l("Answer to a keyword"),
    Purpose.STAFF: _l("Text to staff"),
}

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.STOPPED: _l("Texts stopped"),
    Outcome.STARTED: _l("Texts started again"),
    Outcome.HELP_SENT: _l("Help sent"),
    Outcome.ANSWER: _l("Taken as an answer"),
    Outcome.ANSWERED: _l("Answered"),
    Outcome.PHONED: _l("Patient phoned"),
    Outcome.PASSED_ON: _l("Passed on to the ward or a physician"),
    Outcome.RECORD_CORRECTED: _l("Record corrected (number, language, consent)"),
    Outcome.NO_ACTION: _l("Nothing needed"),
}

TIMELINE_WORDS: Mapping[str, str] = {
    **{f"messaging.sms_{purpose.value}": label for purpose, label in PURPOSES.items()},
    "messaging.inbound": _l("Text from the patient"),
}
TIMELINE_STATES: Mapping[str, tuple[str, str]] = {
    **{f"messaging.{status.value}": sign for status, sign in STATUSES.items()},
    **{
        f"messaging.{status.value}.{reason.value}": (kind, _l("%(state)s: %(reason)s", state=words, reason=why))
        for status, (kind, words) in STATUSES.items()
        for reason, why in REASONS.items()
    },
    **{f"messaging.{state.value}": sign for state, sign in INBOUND_STATES.items()},
}
"""Also for each status with each reason, so that the timeline says why."""


def pretty_number(number: str) -> str:
    """A number as people write it, with its country; as it is when it is none."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL))


class CloseForm(BaseForm):
    """Finishing with a text."""

    outcome = RadioField(
        _l("What was done"),
        choices=choices([(outcome.value, OUTCOMES[outcome]) for outcome in BY_HAND]),
        validators=[InputRequired(_l("Choose what was done."))],
    )
    note = TextAreaField(
        _l("Note (optional)"),
        validators=[Length(max=NOTE_LIMIT, message=_l("The note is too long: at most 500 characters."))],
    )


class AnswerForm(BaseForm):
    """Answering a text in one's own words."""

    answer = TextAreaField(
        _l("Your answer"),
        validators=[
            DataRequired(_l("Write something first.")),
            Length(max=ANSWER_LIMIT, message=_l("The answer is too long for a text: shorten it, or phone.")),
        ],
    )
    finish = BooleanField(_l("With this the text is dealt with"), default=True)
    sure = BooleanField(_l("I have looked at these words and want to send them"))


class HandOverForm(BaseForm):
    """Giving a text to a colleague; the empty choice gives it back to everybody."""

    colleague = SelectField(_l("To"), coerce=str, validate_choice=False)


class WhoseForm(BaseForm):
    """Saying which patient a text from a shared phone belongs to."""

    patient = RadioField(
        _l("Whose text is it?"),
        coerce=int,
        validate_choice=False,
        validators=[InputRequired(_l("Choose the patient who wrote."))],
    )


class PhoneForm(BaseForm):
    """What the holder of a simulated phone writes."""

    text = StringField(
        _l("Reply as the patient"),
        validators=[
            DataRequired(_l("Write something first.")),
            Length(max=TEXT_LIMIT, message=_l("The text is too long: at most 500 characters.")),
        ],
    )
