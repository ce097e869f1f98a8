"""What ``hcrm doctor`` looks at where texts go out through Twilio: account, way back, numbers, what is stuck."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import Connection, text

from hcrm.cli.findings import Finding, Verdict
from hcrm.messaging.providers.twilio_sms import TwilioAccount, TwilioSms
from hcrm.settings import Settings

TWILIO = "https://api.twilio.com"
TIMEOUT_SECONDS = 10.0

NO_NUMBER = text("SELECT code FROM facility WHERE coalesce(settings->>'our_number', '') = '' ORDER BY code")
UNREGISTERED = text("SELECT count(*) FROM message_template WHERE status = 'published' AND NOT registrations ? 'twilio'")
CHINESE_NUMBERS = text("SELECT EXISTS (SELECT 1 FROM contact_point WHERE number LIKE '+86%')")
REFUSED = text(
    "SELECT sum(count) FROM refused_webhook WHERE why = 'wrong_signature'"
    " AND on_day >= CAST(clock_timestamp() AS date) - 7"
)
IN_DOUBT = text("SELECT count(*) FROM outbox_message WHERE status = 'unknown' AND settled_at IS NULL")
RESTS = text(
    "SELECT extract(epoch FROM until - clock_timestamp()) FROM provider_pause"
    " WHERE provider = 'twilio' AND failures >= 3 AND until > clock_timestamp()"
)


def of_settings(settings: Settings) -> Iterator[Finding]:
    """The settings themselves, and whether Twilio knows the account."""
    if TwilioSms.name not in settings.sms_providers:
        return
    if not _reachable_from_outside(settings.public_base_url):
        yield Finding(
            Verdict.PROBLEM,
            f"PUBLIC_BASE_URL is {settings.public_base_url}: Twilio cannot reach that, so no reply and no receipt "
            "comes in. Set it to the https:// address that the internet has for this program.",
        )
    if settings.twilio_api_base_url != TWILIO:
        yield Finding(
            Verdict.NOTE, f"TWILIO_API_BASE_URL is {settings.twilio_api_base_url}: no text goes to a real phone."
        )
    yield _account(settings)


def _reachable_from_outside(address: str) -> bool:
    """Whether an address is encrypted and, as far as it tells, not inside the hospital's own network."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    try:
        public = ip_address(host).is_global
    except ValueError:
        public = "." in host and not host.endswith((".local", ".internal", ".lan", ".localhost"))
    return parts.scheme == "https" and public


def _account(settings: Settings) -> Finding:
    account = TwilioAccount(
        settings.twilio_account_sid, settings.public_base_url, settings.twilio_auth_token, settings.twilio_api_base_url
    )
    refused = TwilioSms(account, timeout=TIMEOUT_SECONDS).refuses()
    if refused is None:
        return Finding(Verdict.GOOD, "Twilio knows the account.")
    if refused == "no_answer":
        return Finding(
            Verdict.PROBLEM,
            f"Twilio gives no answer at {settings.twilio_api_base_url}: let this machine reach it, through HTTPS_PROXY "
            "if the hospital has one.",
        )
    return Finding(
        Verdict.PROBLEM,
        f"Twilio refuses the account ({refused}): compare TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN with its console.",
    )


def of_database(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """What the database says about sending through Twilio."""
    if TwilioSms.name not in settings.sms_providers:
        return
    without = [] if settings.twilio_messaging_service_sid else list(connection.execute(NO_NUMBER).scalars())
    if without:
        yield Finding(
            Verdict.PROBLEM,
            f"{', '.join(without)}: no number that texts come from, so that Twilio sends none. Set it on the page "
            "Hospital as +14155550100, or set TWILIO_MESSAGING_SERVICE_SID.",
        )
    yield from _china(connection, settings)
    refused = connection.execute(REFUSED).scalar_one()
    if refused:
        yield Finding(
            Verdict.NOTE,
            f"{refused} calls with a wrong signature in 7 days: if they are Twilio's, PUBLIC_BASE_URL is not the "
            "address that Twilio calls, or TWILIO_AUTH_TOKEN is an old one.",
        )
    doubtful = connection.execute(IN_DOUBT).scalar_one()
    if doubtful:
        yield Finding(Verdict.NOTE, f"{doubtful} messages of unknown fate wait for a person in the Inbox.")
    for seconds in connection.execute(RESTS).scalars():
        yield Finding(
            Verdict.NOTE, f"Twilio takes nothing at the moment; the next try is in {float(seconds):.0f} seconds."
        )


def _china(connection: Connection, settings: Settings) -> Iterator[Finding]:
    """Numbers of mainland China get registered wordings only."""
    if settings.sms_provider_by_country.get("CN", settings.sms_provider) != TwilioSms.name:
        return
    if not connection.execute(CHINESE_NUMBERS).scalar_one():
        return
    missing = connection.execute(UNREGISTERED).scalar_one()
    if missing:
        yield Finding(
            Verdict.NOTE,
            f"{missing} wordings have no number that Twilio registered them under: they do not go to numbers of "
            "mainland China. Put it beside the wording under Texts, or name another provider in "
            "SMS_PROVIDER_BY_COUNTRY.",
        )
