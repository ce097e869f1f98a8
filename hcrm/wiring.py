"""Where the packages are connected: subscriptions, handlers of replies, links, timelines, counts, and the providers.

What flows upward between packages is listed here and nowhere else. Every session that ``make_runtime`` gives out (and
the web's own, which takes ``session_info``) carries the event bus, the handlers of replies and the links.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from hcrm.accounts.domain import Action, Actor, scope_of
from hcrm.appointments import queries as appointments_queries
from hcrm.appointments import subscribers as appointments_subscribers
from hcrm.appointments.inbound import take_reply as take_appointment_reply
from hcrm.appointments.service import appointment_link
from hcrm.clock import Clock, SystemClock
from hcrm.db import make_engine
from hcrm.embedded import database_url
from hcrm.events import (
    AnswersRecorded,
    AppointmentsBooked,
    AppointmentsCancelled,
    AppointmentsKept,
    AppointmentsMissed,
    Bus,
    CalendarChanged,
    DeceasedReportWithdrawn,
    EncountersChanged,
    Event,
    Handler,
    MessagesChanged,
    MovesAsked,
    NumberStopped,
    PatientsDeceased,
    PatientsMerged,
    PatientsUnmerged,
    ReminderQueued,
    ResponseStateChanged,
)
from hcrm.followup import queries as followup_queries
from hcrm.followup import subscribers as followup_subscribers
from hcrm.followup.service.plans import install_default_plan
from hcrm.messaging import queries as messaging_queries
from hcrm.messaging import subscribers as messaging_subscribers
from hcrm.messaging.domain import InboundHandler, LinkBuilder
from hcrm.messaging.providers.base import Providers, SmsProvider, Terms, TermsOf, country_of
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.messaging.providers.twilio_sms import TwilioAccount, TwilioSms, read_receipt
from hcrm.messaging.service import Rates
from hcrm.messaging.service.receipts import Reading
from hcrm.messaging.service.templates import install_default_templates
from hcrm.patients import queries as patients_queries
from hcrm.patients.domain import TimelineEntry
from hcrm.settings import ProviderName, Settings
from hcrm.survey import queries as survey_queries
from hcrm.survey import subscribers as survey_subscribers
from hcrm.survey.inbound import take_reply as take_survey_reply
from hcrm.survey.service import install_default_questionnaires, survey_link
from hcrm.unit_of_work import Runtime
from hcrm.web import Count


def alert_count(session: Session, actor: Actor) -> Count:
    """Alerts of the person's departments that nobody has claimed, and how many of them are urgent."""
    return Count(*followup_queries.open_alert_count(session, scope_of(actor, Action.VIEW_ALERTS)))


def inbox_count(session: Session, actor: Actor) -> Count:
    """How many texts wait for a person where ``actor`` works."""
    return Count(messaging_queries.inbox_count(session, scope_of(actor, Action.VIEW_INBOX)))


SUBSCRIPTIONS: tuple[tuple[type[Event], Handler], ...] = (
    (EncountersChanged, followup_subscribers.on_encounters_changed),
    (EncountersChanged, appointments_subscribers.on_encounters_changed),
    (CalendarChanged, followup_subscribers.on_calendar_changed),
    (PatientsDeceased, messaging_subscribers.hold_back_for_deceased),
    (PatientsDeceased, followup_subscribers.on_patients_deceased),
    (PatientsDeceased, appointments_subscribers.on_patients_deceased),
    (DeceasedReportWithdrawn, followup_subscribers.on_deceased_report_withdrawn),
    (PatientsMerged, followup_subscribers.on_patients_merged),
    (PatientsUnmerged, followup_subscribers.on_patients_unmerged),
    (NumberStopped, followup_subscribers.on_number_stopped),
    (MessagesChanged, survey_subscribers.on_messages_changed),
    (MessagesChanged, appointments_subscribers.on_messages_changed),
    (MessagesChanged, followup_subscribers.on_messages_changed),
    (AnswersRecorded, followup_subscribers.on_answers_recorded),
    (ResponseStateChanged, followup_subscribers.on_response_state_changed),
    (AppointmentsBooked, followup_subscribers.on_appointments_booked),
    (AppointmentsCancelled, followup_subscribers.on_appointments_cancelled),
    (AppointmentsMissed, followup_subscribers.on_appointments_missed),
    (MovesAsked, followup_subscribers.on_appointments_missed),
    (AppointmentsKept, followup_subscribers.on_appointments_kept),
    (ReminderQueued, followup_subscribers.on_reminder_queued),
)
"""(event, handler) in the order in which handlers run, in the transaction of whoever published the event."""

INBOUND_HANDLERS: Mapping[str, InboundHandler] = {"survey": take_survey_reply, "appointment": take_appointment_reply}
"""Who takes a reply, by the topic of its conversation."""

TIMELINE_SOURCES: tuple[Callable[[Session, Sequence[int]], list[TimelineEntry]], ...] = (
    patients_queries.timeline,
    messaging_queries.timeline,
    survey_queries.timeline,
    followup_queries.timeline,
    appointments_queries.timeline,
)
"""What a patient's timeline is put together from: (session, patient ids of one person) -> entries in any order."""

NAV_COUNTS: Mapping[str, Callable[[Session, Actor], Count]] = {"alerts": alert_count, "inbox": inbox_count}
"""The counts beside the entries of the navigation: ``alerts`` and ``inbox``."""


def links(settings: Settings) -> Mapping[str, LinkBuilder]:
    """What ``{link}`` stands for in a message, by the topic of its conversation."""

    def survey(response_id: int, generation: int = 0) -> str:
        return survey_link(settings.public_base_url, settings.secret_key, response_id, generation)

    def appointment(appointment_id: int, generation: int = 0) -> str:
        return appointment_link(settings.public_base_url, settings.secret_key, appointment_id, generation)

    return {"survey": survey, "appointment": appointment}


def make_bus() -> Bus:
    """A bus with all subscriptions."""
    bus = Bus()
    for event_type, handler in SUBSCRIPTIONS:
        bus.subscribe(event_type, handler)
    return bus


def session_info(settings: Settings) -> dict[str, Any]:
    """What every database session of this program carries in its ``info``."""
    return {
        "bus": make_bus(),
        "inbound_handlers": INBOUND_HANDLERS,
        "links": links(settings),
        "outdated": {"appointment": appointments_queries.outdated},
        "sensitive": {"appointment": appointments_queries.sensitive_visits},
        "sms_terms": sms_terms(settings),
    }


def make_runtime(settings: Settings, clock: Clock | None = None) -> Runtime:
    """What a process works with. The connections are the runtime role's; the clock is this machine's unless given."""
    engine = make_engine(database_url(settings))
    sessions = sessionmaker(engine, info=session_info(settings))
    return Runtime(settings=settings, clock=clock or SystemClock(), engine=engine, sessions=sessions)


def sms_terms(settings: Settings) -> TermsOf:
    """Who would send to a number and what they take, for those who ask without sending."""

    def terms(number: str) -> Terms:
        own = settings.sms_provider_by_country.get(country_of(number), settings.sms_provider)
        kind = _sms_provider_class(own)
        return Terms(kind.name, kind.capabilities)

    return terms


def _sms_provider_class(name: ProviderName) -> type[ConsoleProvider | TwilioSms]:
    match name:
        case "console":
            return ConsoleProvider
        case "twilio":
            return TwilioSms


def sms_providers(runtime: Runtime) -> Providers:
    """The providers that the settings name: one for all countries, and those that countries have of their own."""
    settings = runtime.settings
    made = {name: _sms_provider(name, runtime) for name in settings.sms_providers}
    return Providers(
        made[settings.sms_provider],
        {country: made[name] for country, name in settings.sms_provider_by_country.items()},
    )


def _sms_provider(name: ProviderName, runtime: Runtime) -> SmsProvider:
    match name:
        case "console":
            return ConsoleProvider(runtime.engine, runtime.clock)
        case "twilio":
            return _twilio(_twilio_account(runtime.settings))


def _twilio_account(settings: Settings) -> TwilioAccount:
    return TwilioAccount(
        account_sid=settings.twilio_account_sid,
        auth_token=settings.twilio_auth_token,
        public_base_url=settings.public_base_url,
        api_base_url=settings.twilio_api_base_url,
        messaging_service_sid=settings.twilio_messaging_service_sid,
    )


@cache
def _twilio(account: TwilioAccount) -> TwilioSms:
    """One for each account, so that its connections are kept from call to call."""
    return TwilioSms(account)


def sms_rates(settings: Settings) -> Rates:
    """How many texts a second may go out; simulated phones take any number."""
    if settings.sms_providers == {"console"}:
        return Rates()
    return Rates(settings.sms_per_second_per_number, settings.sms_per_second_per_facility)


RECEIPT_READINGS: Mapping[str, Reading] = {TwilioSms.name: read_receipt}
"""What a stored receipt says, by the provider that it came from."""


def install_defaults(session: Session, now: datetime) -> None:
    """Put in place what a hospital finds on its first day: texts, questionnaires and plans. What exists stays."""
    install_default_templates(session, now)
    install_default_questionnaires(session, now)
    install_default_plan(session, now)
