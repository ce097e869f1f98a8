"""The form that edits a text, the names of texts, and what is said about a wording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.fields import Field
from wtforms.validators import Length, Optional, Regexp

from hcrm.messaging.domain import LANGUAGES, Flaw
from hcrm.web import BaseForm

BODY_LIMIT = 1_000

LANGUAGE_NAMES: Mapping[str, str] = {"en": _l("English"), "zh_Hans": _l("Chinese")}

TEXT_NAMES: Mapping[str, str] = {
    "welcome": _l("After going home"),
    "call_notice": _l("We will phone you"),
    "missed_call": _l("We could not reach you"),
    "survey_invite_web": _l("Invitation to a survey, with a link"),
    "survey_invite_sms": _l("Invitation to a survey, by reply"),
    "survey_invite_ed_sms": _l("Invitation to a survey after emergency care, by reply"),
    "q_nurse_comm": _l("Question: how nurses listened"),
    "q_doctor_comm": _l("Question: how doctors listened"),
    "q_staff_comm": _l("Question: how doctors and nurses listened"),
    "q_discharge_info": _l("Question: advice for the time at home"),
    "q_waiting": _l("Question: waiting"),
    "q_first_contact": _l("Question: how soon somebody looked"),
    "q_next_steps": _l("Question: what to do next"),
    "q_recommend": _l("Question: would recommend us"),
    "q_comment": _l("Question: in their own words"),
    "survey_reminder": _l("Reminder of a survey, with a link"),
    "survey_reminder_sms": _l("Reminder of a survey, by reply"),
    "survey_invite_question": _l("Invitation to a survey of your own, by reply"),
    "survey_reminder_question": _l("Reminder of a survey of your own, by reply"),
    "q_own": _l("Question of a survey of your own"),
    "appt_reminder": _l("Reminder of an appointment"),
    "appt_reminder_no_reply": _l("Reminder of an appointment, without replies"),
    "appt_confirmed": _l("Appointment confirmed"),
    "appt_move": _l("Appointment to be moved"),
    "appt_released": _l("Appointment given back"),
    "appt_booked": _l("Appointment booked"),
    "appt_offer": _l("A free place is offered"),
    "appt_changed": _l("Session closed, another place is held"),
    "appt_updated": _l("Place or clinician of an appointment changed"),
    "appt_off": _l("Session closed, we will phone"),
    "stop_confirm": _l("Answer to STOP"),
    "start_confirm": _l("Answer to START"),
    "help": _l("Answer to HELP"),
    "not_understood": _l("Answer could not be read"),
    "handed_over": _l("A person will read it"),
    "no_media": _l("No pictures, please"),
    "staff_answer": _l("Frame around an answer from the Inbox"),
    "thanks": _l("Thanks"),
    "thanks_low": _l("Thanks, and somebody will call"),
    "advice_when_to_call": _l("Advice from a call: when to call us"),
    "advice_written": _l("Advice from a call: the written advice"),
    "advice_return_visit": _l("Advice from a call: the return visit"),
    "staff_alert": _l("Alert to the duty phone"),
}
"""A text without a name here is shown by its code."""

FLAWS: Mapping[Flaw, str] = {
    Flaw.EMPTY: _l("The text is missing in this language."),
    Flaw.UNKNOWN_PLACEHOLDER: _l("The program cannot fill this in here:"),
    Flaw.LOST_PLACEHOLDER: _l("Without this the text loses its point:"),
    Flaw.BROKEN_BRACES: _l("Braces are only for what the program fills in, such as {phone}."),
    Flaw.UNSIGNED: _l("The hospital's name has to stand in front."),
    Flaw.NO_WAY_OUT: _l("It has to say how to opt out."),
    Flaw.INVITES_STOP: _l("The word cancel stops all texts when somebody replies with it: use another."),
    Flaw.TOO_LONG: _l("It is too long: number of text messages"),
    Flaw.LONGER: _l("It has grown to more text messages, and each is paid for:"),
    Flaw.REVEALING: _l("This word could tell others why somebody was ill:"),
}


def _body(label: str) -> TextAreaField:
    return TextAreaField(
        label, validators=[Length(max=BODY_LIMIT, message=_l("The text is too long: at most 1,000 characters."))]
    )


PROVIDER_NAMES: Mapping[str, str] = {"twilio": "Twilio"}
"""A provider without a name here is shown by its code."""


def _number(provider: str) -> StringField:
    return StringField(
        _("Number that %(provider)s registered this wording under", provider=PROVIDER_NAMES.get(provider, provider)),
        validators=[
            Regexp(r"[\w.-]{0,64}$", message=_l("A template number has letters, digits, dots and dashes only."))
        ],
    )


class WordingForm(BaseForm):
    """A text in all its languages; made by ``wording_form``, which adds a number for each language and provider."""

    providers: tuple[str, ...] = ()

    body_en = _body(_l("English"))
    body_zh_hans = _body(_l("Chinese"))
    patient = StringField(
        _l("Preview with a patient's data"),
        validators=[Length(max=100, message=_l("That is too long: give a name, an MRN or a phone number."))],
        render_kw={"autocomplete": "off"},
    )
    chosen = RadioField(_l("Which patient is meant?"), coerce=int, validate_choice=False, validators=[Optional()])
    sure = BooleanField(_l("I have looked at these remarks and want to publish it all the same"))

    def body_in(self, language: str) -> Field:
        """The field of the text in a language."""
        return self[f"body_{language.lower()}"]

    def number_at(self, language: str, provider: str) -> Field:
        """The field of the number that a provider registered the text in a language under."""
        return self[_number_name(language, provider)]

    def numbers_in(self, language: str) -> list[Field]:
        """Those fields for all providers."""
        return [self.number_at(language, provider) for provider in self.providers]


def _number_name(language: str, provider: str) -> str:
    return f"number_{language.lower()}_{provider}"


def wording_form(providers: Iterable[str]) -> type[WordingForm]:
    """The form for an installation that sends through these providers."""
    names = tuple(sorted(providers))
    numbers = {_number_name(language, provider): _number(provider) for language in LANGUAGES for provider in names}
    return type("WordingForm", (WordingForm,), {"providers": names, **numbers})
