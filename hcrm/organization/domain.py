"""What a hospital is to the program: its working calendar, its own settings and the frozen picture others work with."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

SATURDAY, SUNDAY = 5, 6
EMERGENCY_NUMBERS = {
    "AU": "000",
    "CA": "911",
    "CN": "120",
    "GB": "999",
    "HK": "999",
    "JP": "119",
    "MO": "999",
    "NZ": "111",
    "SG": "995",
    "TW": "119",
    "US": "911",
}
"""Ambulance numbers by ISO country code; 112 is understood in mobile networks elsewhere."""

OTHER_EMERGENCY_NUMBER = "112"

Hours = tuple[time, time]
"""From (inclusive) and to (exclusive), local time, on one day."""


class DayKind(StrEnum):
    """How a day differs from what its weekday says."""

    HOLIDAY = "holiday"
    WORKDAY = "workday"


class UnknownFacility(LookupError):
    """No facility has this id or code."""


class UnknownDepartment(LookupError):
    """The facility has no department with this id."""


class UnknownSetting(ValueError):
    """A change names a setting that facilities do not have; the argument is the name."""


class InvalidSetting(ValueError):
    """A setting got a value it cannot have; the argument is the name of the setting."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked: weekends rest, holidays rest, make-up workdays (调休) are worked whatever the weekday."""

    weekend: frozenset[int] = frozenset({SATURDAY, SUNDAY})
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def is_workday(self, day: date) -> bool:
        if day in self.workdays:
            return True
        return day not in self.holidays and day.weekday() not in self.weekend

    def add_workdays(self, day: date, count: int) -> date:
        """The ``count``-th workday after ``day`` (before it, if negative); with 0 it is ``day`` or the next workday."""
        if count == 0:
            return self.next_workday(day)
        step = timedelta(days=1 if count > 0 else -1)
        left = abs(count)
        while left:
            day += step
            left -= self.is_workday(day)
        return day

    def next_workday(self, day: date) -> date:
        """``day`` itself when it is worked, else the first workday after it."""
        while not self.is_workday(day):
            day += timedelta(days=1)
        return day

    def previous_workday(self, day: date) -> date:
        """``day`` itself when it is worked, else the last workday before it."""
        while not self.is_workday(day):
            day -= timedelta(days=1)
        return day


@dataclass(frozen=True, slots=True)
class FacilitySettings:
    """What a hospital may set for itself; the defaults are those of the definitions page. Times are local.

    ``survey_invitation``: the first question in the text (``sms``), a link (``web``), or each for a half
    of the patients (``half``). ``survey_modules``: optional
    parts of questionnaires that are switched on, separated by commas (``IP_PLUS``). ``survey_reminder_days``: who has
    answered nothing so long after the invitation arrived is reminded once; 0 = nobody is. ``physician_hours``: how long
    a call of tier 1 is the attending physician's alone, from the start of its window. ``on_call_number``: the duty
    phone (E.164) that is told of urgent alerts by text message. ``signature_added_by_carrier``: the carrier puts the
    hospital's name in front of texts, so that they are handed over without it (and counted with it).
    ``alert_index_below``: a survey whose index (0 to 100) is lower opens an alert, 0 for none.
    """

    sms_from: time = time(8)
    sms_to: time = time(20)
    sms_on_rest_days: bool = True
    calling_hours: tuple[Hours, ...] = (
        (time(9), time(11, 30)),
        (time(14, 30), time(17, 30)),
        (time(18, 30), time(20)),
    )
    alert_cover_from: time = time(8)
    alert_cover_to: time = time(20)
    on_call_number: str = ""
    alert_index_below: int = 0
    survey_every_days: int = 30
    survey_reminder_days: int = 1
    non_clinical_per_week: int = 3
    max_attempts: int = 3
    overdue_shown_days: int = 7
    physician_hours: int = 24
    our_number: str = ""
    emergency_number: str = ""
    provider_confirms_stop: bool = False
    signature_added_by_carrier: bool = False
    survey_invitation: str = "sms"
    survey_modules: str = ""
    weekend: frozenset[int] = frozenset({SATURDAY, SUNDAY})

    def __post_init__(self) -> None:
        possible = {
            "survey_every_days": self.survey_every_days >= 0,
            "survey_reminder_days": self.survey_reminder_days >= 0,
            "non_clinical_per_week": self.non_clinical_per_week >= 0,
            "max_attempts": self.max_attempts > 0,
            "overdue_shown_days": self.overdue_shown_days >= 0,
            "physician_hours": self.physician_hours >= 0,
            "alert_index_below": 0 <= self.alert_index_below <= 100,
            "sms_to": self.sms_from < self.sms_to,
            "alert_cover_to": self.alert_cover_from < self.alert_cover_to,
            "calling_hours": bool(self.calling_hours) and all(start < end for start, end in self.calling_hours),
            "weekend": self.weekend < frozenset(range(7)),
            "on_call_number": re.fullmatch(r"(\+[0-9]{6,15})?", self.on_call_number) is not None,
            "our_number": re.fullmatch(r"(\+?[0-9]{3,15})?", self.our_number) is not None,
        }
        for name, holds in possible.items():
            if not holds:
                raise InvalidSetting(name)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FacilitySettings:
        """Read what ``to_json`` wrote; the absent has its default. Raises ``UnknownSetting``, ``InvalidSetting``."""
        return cls().changed(data)

    def changed(self, changes: Mapping[str, Any]) -> FacilitySettings:
        """These settings with ``changes`` (JSON values by name). Raises ``UnknownSetting``, ``InvalidSetting``."""
        known = {entry.name for entry in fields(self)}
        unknown = sorted(set(changes) - known)
        if unknown:
            raise UnknownSetting(unknown[0])
        return replace(self, **{name: _parse(name, getattr(self, name), value) for name, value in changes.items()})

    def to_json(self) -> dict[str, Any]:
        """Only what differs from the defaults, so that a later better default reaches every hospital."""
        default = FacilitySettings()
        return {
            entry.name: _plain(getattr(self, entry.name))
            for entry in fields(self)
            if getattr(self, entry.name) != getattr(default, entry.name)
        }


def _parse(name: str, default: object, value: Any) -> Any:
    try:
        return _parsed(default, value)
    except (TypeError, ValueError, AttributeError) as problem:
        raise InvalidSetting(name) from problem


def _parsed(default: object, value: Any) -> Any:
    """``value`` as the type of ``default``; a value of that type already is taken as it is."""
    if isinstance(value, type(default)):
        return value
    if isinstance(default, time):
        return time.fromisoformat(value)
    if isinstance(default, tuple):
        return tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in value)
    if isinstance(default, frozenset):
        return frozenset(int(day) for day in value)
    raise TypeError(type(value).__name__)


def _plain(value: object) -> Any:
    if isinstance(value, time):
        return value.isoformat("minutes")
    if isinstance(value, tuple):
        return [[_plain(start), _plain(end)] for start, end in value]
    if isinstance(value, frozenset):
        return sorted(value)
    return value


@dataclass(frozen=True, slots=True)
class FacilitySnapshot:
    """One hospital as it was when read. ``country`` is ISO 3166 alpha-2, ``phone`` its number as patients dial it."""

    id: int
    code: str
    name: str
    name_zh: str
    timezone: str
    country: str
    phone: str
    settings: FacilitySettings = field(default_factory=FacilitySettings)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def emergency_number(self) -> str:
        """What a patient dials for an ambulance: the facility's own setting, else the country's number."""
        return self.settings.emergency_number or EMERGENCY_NUMBERS.get(self.country, OTHER_EMERGENCY_NUMBER)

    def name_in(self, language: str) -> str:
        """The name for a reader of ``language`` ("en", "zh_Hans")."""
        return (self.name_zh or self.name) if language.startswith("zh") else self.name


@dataclass(frozen=True, slots=True)
class DepartmentSnapshot:
    """One department as it was when read; ``needs_review`` when an import made it and nobody has looked yet.

    ``sensitive``: that somebody goes there is shown only to those who work for it.
    """

    id: int
    code: str
    name: str
    name_zh: str
    needs_review: bool
    sensitive: bool = False

    def name_in(self, language: str) -> str:
        """The name for a reader of ``language`` ("en", "zh_Hans")."""
        return (self.name_zh or self.name) if language.startswith("zh") else self.name


@dataclass(frozen=True, slots=True)
class CalendarEntry:
    """A day that is not what its weekday says."""

    day: date
    kind: DayKind
    name: str = ""
