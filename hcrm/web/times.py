"""Times and numbers as people read them: in the facility's zone, with the weekday, in the language of the page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time
from babel.numbers import format_decimal, format_percent
from flask import g

from hcrm.web.language import language
from hcrm.web.request import settings

Zone = str | tzinfo | None

_DATE: Mapping[str, str] = {"en": "EEE d MMM y", "zh_Hans": "y年M月d日 EEE"}
_LONG_DATE: Mapping[str, str] = {"en": "EEEE d MMMM y", "zh_Hans": "y年M月d日 EEEE"}
_PLAIN_DATE: Mapping[str, str] = {"en": "d MMM y", "zh_Hans": "y年M月d日"}
_MONTH: Mapping[str, str] = {"en": "MMMM y", "zh_Hans": "y年M月"}
_JOIN: Mapping[str, str] = {"en": ", ", "zh_Hans": " "}


def _zone(zone: Zone) -> tzinfo:
    """The zone given, else that of the facility at hand (``g.hcrm_zone``), else the hospital's setting."""
    chosen = zone or g.get("hcrm_zone") or settings().hospital_timezone
    return ZoneInfo(chosen) if isinstance(chosen, str) else chosen


@cache
def _parsed(code: str) -> Locale:
    return Locale.parse(code)


def _locale() -> Locale:
    return _parsed(language())


def _day(value: date | datetime, zone: Zone) -> date:
    return value.astimezone(_zone(zone)).date() if isinstance(value, datetime) else value


def local_date(value: date | datetime | None, zone: Zone = None) -> str:
    """``Tue 24 Nov 2026`` · ``2026年11月24日 周二``; a dash for None."""
    if value is None:
        return "–"
    return format_date(_day(value, zone), _DATE[language()], locale=_locale())


def plain_date(value: date | None) -> str:
    """``24 Nov 2026`` · ``2026年11月24日``, where nobody asks for the weekday (a birth date); a dash for None."""
    return "–" if value is None else format_date(value, _PLAIN_DATE[language()], locale=_locale())


def long_date(value: date | datetime | None, zone: Zone = None) -> str:
    """``Tuesday 24 November 2026`` · ``2026年11月24日 星期二``; a dash for None."""
    if value is None:
        return "–"
    return format_date(_day(value, zone), _LONG_DATE[language()], locale=_locale())


def month(value: date) -> str:
    """``November 2026`` · ``2026年11月``."""
    return format_date(value, _MONTH[language()], locale=_locale())


def weekday(value: date | datetime | None, zone: Zone = None) -> str:
    """``Tue`` · ``周二``; a dash for None."""
    if value is None:
        return "–"
    return format_date(_day(value, zone), "EEE", locale=_locale())


def local_time(value: datetime | time | None, zone: Zone = None) -> str:
    """``10:42`` in the zone; a plain ``time`` is taken as it is; a dash for None."""
    if value is None:
        return "–"
    local = value.astimezone(_zone(zone)).time() if isinstance(value, datetime) else value
    return format_time(local, "HH:mm", locale=_locale())


def local_datetime(value: datetime | None, zone: Zone = None) -> str:
    """``Tue 24 Nov 2026, 10:42`` · ``2026年11月24日 周二 10:42``; a dash for None."""
    if value is None:
        return "–"
    return f"{local_date(value, zone)}{_JOIN[language()]}{local_time(value, zone)}"


def number(value: float | None, digits: int = 0) -> str:
    """A number with at most ``digits`` decimals and the language's separators; a dash for None."""
    if value is None:
        return "–"
    return _number(value, digits, _locale())


@lru_cache(maxsize=8192)
def _number(value: float, digits: int, locale: Locale) -> str:
    return format_decimal(round(value, digits), format="#,##0." + "#" * digits if digits else "#,##0", locale=locale)


def percent(value: float | None, digits: int = 1) -> str:
    """A share between 0 and 1 as ``12.3 %`` in the language's way; a dash for None (no denominator)."""
    if value is None:
        return "–"
    return _percent(value, digits, _locale())


@lru_cache(maxsize=8192)
def _percent(value: float, digits: int, locale: Locale) -> str:
    return format_percent(value, format="#,##0." + "0" * digits + "%" if digits else "#,##0%", locale=locale)
