"""A stand-in for Twilio, and a runtime whose settings point to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from hcrm.fake_twilio import Behaviour, FakeTwilio
from hcrm.messaging.providers.twilio_sms import TwilioAccount, TwilioSms
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime

ACCOUNT = f"AC{'7' * 32}"
TOKEN = "a token that only tests know"
PUBLIC = "https://followup.hospital.example"


@contextmanager
def twilio_double(ledger: Path | None = None, **behaviour: Any) -> Iterator[FakeTwilio]:
    """A running stand-in; it tells nothing by callbacks unless asked to."""
    with FakeTwilio(
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        ledger=ledger,
        behaviour=Behaviour(**({"callbacks": False} | behaviour)),
    ) as fake:
        yield fake


def provider_for(fake: FakeTwilio, *, timeout: float = 5.0, public: str = PUBLIC, service: str = "") -> TwilioSms:
    """The real provider, speaking to the stand-in."""
    return TwilioSms(TwilioAccount(ACCOUNT, public, TOKEN, fake.address, service), timeout=timeout)


def with_twilio(settings: Settings, **changes: Any) -> Settings:
    """Settings of a hospital that sends through Twilio."""
    values = {
        "sms_provider": "twilio",
        "twilio_account_sid": ACCOUNT,
        "twilio_auth_token": TOKEN,
        "public_base_url": PUBLIC,
    }
    return replace(settings, **(values | changes))


def twilio_runtime(runtime: Runtime, **changes: Any) -> Runtime:
    """``runtime`` with such settings."""
    return replace(runtime, settings=with_twilio(runtime.settings, **changes))
