"""Environment -> frozen ``Settings``: the only reader of ``os.environ``.

Every problem becomes one sentence that names the variable and says what to do; all of them are reported together.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar, get_args
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hcrm.settings import ProviderName, Settings, SettingsError

# Names need the readings of single characters only: pypinyin's phrases would cost each process 0.15 s and 45 MB.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

ROOT = Path(__file__).resolve().parent
SECRET_KEY_LENGTH = 32
NO_COUNTRY: Mapping[str, str] = {}
PROVIDERS: tuple[ProviderName, ...] = get_args(ProviderName)
Value = TypeVar("Value")


def settings_from_env(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process. Raises ``SettingsError`` with a sentence for each problem."""
    return _Reader(os.environ if environment is None else environment).settings()


class _Reader:
    """Reads variables one by one and collects what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._problems: list[str] = []

    def settings(self) -> Settings:
        port = self._read("HCRM_PORT", 8000, _port)
        database_url = self._read("DATABASE_URL", None, _database_url)
        instance_dir = self._read("HCRM_INSTANCE_DIR", ROOT / "instance", _folder)
        values: dict[str, Any] = {
            "instance_dir": instance_dir,
            "database_url": database_url,
            "port": port,
            "host": self._read("HCRM_HOST", "127.0.0.1", str),
            "public_base_url": self._read("PUBLIC_BASE_URL", f"http://127.0.0.1:{port}", _base_url),
            "hospital_timezone": self._read("HOSPITAL_TIMEZONE", "UTC", _zone),
            "sms_provider": self._read("SMS_PROVIDER", "console", _one_of(*PROVIDERS)),
            "sms_provider_by_country": self._read("SMS_PROVIDER_BY_COUNTRY", NO_COUNTRY, _by_country),
            "sms_per_second_per_number": self._read("SMS_PER_SECOND_PER_NUMBER", 10.0, _rate),
            "sms_per_second_per_facility": self._read("SMS_PER_SECOND_PER_FACILITY", 20.0, _rate),
            "twilio_account_sid": self._read("TWILIO_ACCOUNT_SID", "", _sid("AC")),
            "twilio_auth_token": self._read("TWILIO_AUTH_TOKEN", "", str),
            "twilio_messaging_service_sid": self._read("TWILIO_MESSAGING_SERVICE_SID", "", _sid("MG")),
            "twilio_api_base_url": self._read("TWILIO_API_BASE_URL", "https://api.twilio.com", _api_url),
            "smtp_host": self._read("SMTP_HOST", "", str),
            "smtp_port": self._read("SMTP_PORT", 25, _port),
            "smtp_user": self._read("SMTP_USER", "", str),
            "smtp_password": self._read("SMTP_PASSWORD", "", str),
            "smtp_security": self._read("SMTP_SECURITY", "starttls", _one_of("starttls", "tls", "none")),
            "mail_from": self._read("MAIL_FROM", "", str),
            "demo": self._read("HCRM_DEMO", False, _yes_no),
            "trusted_proxies": self._read("HCRM_TRUSTED_PROXIES", 0, _whole_number(0, 10)),
            "web_workers": self._read("HCRM_WEB_WORKERS", 2, _whole_number(1, 64)),
            "web_threads": self._read("HCRM_WEB_THREADS", 4, _whole_number(1, 64)),
            "session_idle": self._read("HCRM_SESSION_IDLE_MINUTES", timedelta(minutes=30), _minutes),
            "session_lifetime": self._read("HCRM_SESSION_LIFETIME_MINUTES", timedelta(hours=12), _minutes),
            "log_level": self._read("HCRM_LOG_LEVEL", "INFO", _one_of("DEBUG", "INFO", "WARNING", "ERROR")),
            "log_format": self._read("HCRM_LOG_FORMAT", "json", _one_of("json", "text")),
        }
        if values["session_idle"] > values["session_lifetime"]:
            self._problems.append(
                "HCRM_SESSION_IDLE_MINUTES is longer than HCRM_SESSION_LIFETIME_MINUTES: make it shorter or equal."
            )
        self._check_twilio(values)
        self._check_mail(values)
        self._check_demo(values)
        values["secret_key"] = self._secret_key(database_url, instance_dir)
        if self._problems:
            raise SettingsError(self._problems)
        return Settings(**values)

    def _check_twilio(self, values: Mapping[str, Any]) -> None:
        """Twilio needs an account, and an address that it can reach from outside."""
        if "twilio" not in {values["sms_provider"], *values["sms_provider_by_country"].values()}:
            return
        for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
            if not self._environment.get(name, "").strip():
                self._problems.append(f"{name} is missing: SMS_PROVIDER=twilio needs it; Twilio's console shows it.")
        if not self._environment.get("PUBLIC_BASE_URL", "").strip():
            self._problems.append(
                "PUBLIC_BASE_URL is missing: with SMS_PROVIDER=twilio it must be the address at which Twilio reaches "
                "this program, for receipts and replies are signed for it."
            )

    def _check_mail(self, values: Mapping[str, Any]) -> None:
        """Letters need a sender; a user name and a password go together."""
        if values["smtp_host"] and "@" not in values["mail_from"]:
            self._problems.append("MAIL_FROM is missing: with SMTP_HOST it must be the address that letters come from.")
        if bool(values["smtp_user"]) != bool(values["smtp_password"]):
            self._problems.append("SMTP_USER and SMTP_PASSWORD go together: set both, or neither.")

    def _check_demo(self, values: Mapping[str, Any]) -> None:
        """A demonstration never meets real people: its database is its own, and its phones are simulated."""
        if not values["demo"]:
            return
        if values["database_url"] is not None:
            self._problems.append(
                "DATABASE_URL is set: with HCRM_DEMO=1 the program runs on a database of its own, so that the demo can "
                "never fill yours; leave one of the two out."
            )
        if {values["sms_provider"], *values["sms_provider_by_country"].values()} != {"console"}:
            self._problems.append(
                "SMS_PROVIDER or SMS_PROVIDER_BY_COUNTRY names a real provider: with HCRM_DEMO=1 texts go to simulated "
                "phones only; leave them out."
            )

    def _read(self, name: str, default: Value, parse: Callable[[str], Value]) -> Value:
        """The value of a variable; an empty one counts as absent."""
        raw = self._environment.get(name, "").strip()
        if not raw:
            return default
        try:
            return parse(raw)
        except ValueError as problem:
            self._problems.append(f"{name} {problem}.")
            return default

    def _secret_key(self, database_url: str | None, instance_dir: Path) -> str:
        """``SECRET_KEY``; with the embedded database one is made on the first start and kept beside it."""
        key = self._environment.get("SECRET_KEY", "").strip()
        if not key and database_url is None and not self._problems:
            try:
                return _kept_secret_key(instance_dir)
            except OSError as problem:
                self._problems.append(
                    f"The folder {instance_dir} cannot be written ({problem.strerror}): set HCRM_INSTANCE_DIR to a "
                    "folder of your own."
                )
                return ""
        if not key and database_url is not None:
            self._problems.append(
                "SECRET_KEY is missing: with DATABASE_URL every process needs the same one; make one with "
                "`python3 -c 'import secrets; print(secrets.token_urlsafe(48))'`."
            )
        elif key and len(key) < SECRET_KEY_LENGTH:
            self._problems.append(f"SECRET_KEY is too short: it needs at least {SECRET_KEY_LENGTH} characters.")
        return key


def _kept_secret_key(instance_dir: Path) -> str:
    path = instance_dir / "secret_key"
    instance_dir.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        # Not named by the process: in containers that share a folder, two have the same number.
        draft = instance_dir / f"secret_key.{secrets.token_hex(8)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text().strip()


def _port(raw: str) -> int:
    return _whole_number(1, 65535)(raw)


def _whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not lowest <= int(raw) <= highest:
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(raw)

    return parse


def _minutes(raw: str) -> timedelta:
    return timedelta(minutes=_whole_number(1, 60 * 24 * 7)(raw))


def _yes_no(raw: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if raw.lower() not in words:
        raise ValueError("must be 1 or 0")
    return words[raw.lower()]


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        for choice in choices:
            if raw.lower() == choice.lower():
                return choice
        raise ValueError(f"must be {' or '.join(choices)}")

    return parse


def _by_country(raw: str) -> Mapping[str, str]:
    """``CN=console,HK=twilio`` -> provider by country."""
    found = {}
    for part in raw.split(","):
        country, separator, name = part.strip().partition("=")
        if not separator or re.fullmatch(r"[A-Za-z]{2}", country) is None or name.strip().lower() not in PROVIDERS:
            raise ValueError("must name providers by country, such as CN=console,HK=twilio")
        found[country.upper()] = name.strip().lower()
    return found


def _rate(raw: str) -> float:
    if re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,3})?", raw) is None or float(raw) == 0:
        raise ValueError("must be a number above 0, such as 10 or 0.5")
    return float(raw)


def _sid(kind: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if re.fullmatch(rf"{kind}[0-9a-zA-Z]{{32}}", raw) is None:
            raise ValueError(f"must be {kind} and 32 letters or digits, as Twilio's console shows it")
        return raw

    return parse


def _api_url(raw: str) -> str:
    """Twilio's address; without encryption only on this machine, for the account's secret goes there."""
    url = _base_url(raw)
    if url.startswith("http://") and urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}:
        raise ValueError("must begin with https:// unless it is on this machine")
    return url


def _folder(raw: str) -> Path:
    path = Path(raw).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError(f"must be a folder, but {path} is a file")
    return path


def _zone(raw: str) -> str:
    try:
        ZoneInfo(raw)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone such as Asia/Shanghai or Europe/Berlin") from None
    return raw


def _base_url(raw: str) -> str:
    try:
        parts = urlsplit(raw)
        whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.scheme not in {"http", "https"} or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be an address without a path, such as https://followup.hospital.example")
    return f"{parts.scheme}://{parts.netloc}"


def _database_url(raw: str) -> str:
    scheme, separator, rest = raw.partition("://")
    if not separator or scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("must be a PostgreSQL address, such as postgresql://user:password@host:5432/hcrm")
    path = urlsplit(f"postgresql://{rest}").path
    if not path.strip("/"):
        raise ValueError("names no database: end it with one, such as /hcrm")
    return f"postgresql+psycopg://{rest}"


def environment_for(settings: Settings) -> dict[str, str]:
    """The environment for a process of the same program with the same settings."""
    environment = dict(os.environ)
    environment["HCRM_INSTANCE_DIR"] = str(settings.instance_dir)
    environment["HCRM_DEMO"] = "1" if settings.demo else "0"
    return environment
