"""What a process is told when it starts. Read from the environment by ``config.py``, frozen from then on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

LogFormat = Literal["json", "text"]
ProviderName = Literal["console", "twilio"]
SmtpSecurity = Literal["starttls", "tls", "none"]


class SettingsError(Exception):
    """The settings are missing something or contradict each other; ``problems`` holds one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Settings of the process. What a hospital decides for itself is kept in the database, not here."""

    instance_dir: Path
    """Where the embedded database and other local state live."""

    secret_key: str = field(repr=False)
    """Signs sessions and the tokens in links to patients."""

    database_url: str | None = field(default=None, repr=False)
    """The hospital's own PostgreSQL; ``None`` for the embedded one in ``instance_dir``."""

    host: str = "127.0.0.1"
    port: int = 8000
    public_base_url: str = "http://127.0.0.1:8000"
    """Scheme, host and port under which patients and providers reach the program; no slash at the end."""

    hospital_timezone: str = "UTC"
    """Time zone of facilities that are made without one of their own."""

    sms_provider: ProviderName = "console"
    """Who sends texts, where a country has no provider of its own in ``sms_provider_by_country`` (by ISO code)."""

    sms_provider_by_country: Mapping[str, ProviderName] = field(default_factory=dict)
    sms_per_second_per_number: float = 10.0
    sms_per_second_per_facility: float = 20.0
    """Texts a second for one sender number and for one facility, over all workers; the console is not held back."""

    twilio_account_sid: str = ""
    twilio_auth_token: str = field(default="", repr=False)
    twilio_messaging_service_sid: str = ""
    """The Messaging Service that sends; without one each facility's own number does."""

    twilio_api_base_url: str = "https://api.twilio.com"
    smtp_host: str = ""
    """The hospital's mail server for monthly letters; without one no letter is sent."""

    smtp_port: int = 25
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    smtp_security: SmtpSecurity = "starttls"
    mail_from: str = ""
    """The address that letters come from."""

    demo: bool = False
    """A demonstration: the simulated handset is shown, the pages say that the people are made up."""

    trusted_proxies: int = 0
    """How many reverse proxies stand before the program and set ``X-Forwarded-*``."""

    web_workers: int = 2
    web_threads: int = 4
    session_idle: timedelta = timedelta(minutes=30)
    session_lifetime: timedelta = timedelta(hours=12)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: LogFormat = "json"

    @property
    def sms_providers(self) -> frozenset[ProviderName]:
        """All providers that are in use."""
        return frozenset({self.sms_provider, *self.sms_provider_by_country.values()})

    @property
    def secure_cookies(self) -> bool:
        """Cookies are for HTTPS only when the public address is."""
        return self.public_base_url.startswith("https://")
