"""What an administrator sets for a hospital: texts, calls, alerts, numbers, and the holidays of a year."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, time
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, IntegerField, SelectField, SelectMultipleField, StringField, TextAreaField, TimeField
from wtforms.validators import InputRequired, NumberRange, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from hcrm.messaging.domain import our_number
from hcrm.organization.domain import CalendarEntry, DayKind, FacilitySettings, FacilitySnapshot, Hours
from hcrm.patients.domain import ImpossibleNumber, read_number
from hcrm.web import WEEKDAYS, BaseForm, choices

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""Years whose holidays can be set."""

LONGEST_NAME = 100
MOST_SENTENCES = 5
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*(?:-|–|—|~|至)\s*(\d{1,2}):(\d{2})", re.ASCII)
_DAY = re.compile(r"(\d{4}-\d{2}-\d{2})(?:\s+(.*))?", re.ASCII)
_PAIRS = (("sms_from", "sms_to"), ("alert_cover_from", "alert_cover_to"))

GIVE_A_TIME = _l("Give a time, such as 08:00.")
GIVE_A_NUMBER = _l("Give a whole number from %(min)s to %(max)s.")


class ClockField(TimeField):  # type: ignore[misc]  # wtforms ships no types
    """A time of day; what is none gets a sentence of ours."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError as problem:
            raise ValueError(GIVE_A_TIME) from problem


class CountField(IntegerField):  # type: ignore[misc]  # wtforms ships no types
    """A whole number; what is none gets the sentence of its range."""

    data: int | None

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None


class ChecksField(SelectMultipleField):  # type: ignore[misc]  # wtforms ships no types
    """Any of a few choices, each with a box to tick."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class ModulesField(ChecksField):
    """Parts of questionnaires, kept as codes separated by commas."""

    def process_data(self, value: object) -> None:
        super().process_data([name.strip() for name in str(value or "").split(",") if name.strip()])


class HoursField(TextAreaField):  # type: ignore[misc]  # wtforms ships no types
    """Hours of a day, one ``09:00-11:30`` in a line."""

    def process_data(self, value: Iterable[Hours] | None) -> None:
        self.data = "\n".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in value or ())


def _clock(label: str) -> ClockField:
    return ClockField(label, validators=[InputRequired(message=GIVE_A_TIME)])


def _count(label: str, low: int, high: int) -> CountField:
    check = NumberRange(low, high, message=GIVE_A_NUMBER)
    return CountField(label, validators=[check], render_kw={"min": low, "max": high, "required": True})


class HospitalForm(BaseForm):
    """All settings of one facility; made by ``hospital_form``, which tells it the country of the phone numbers and the
    numbers that it cannot have: texts to those are for other facilities.
    """

    country: str = ""
    taken: frozenset[str] = frozenset()

    sms_from = _clock(_l("Texts are sent from"))
    sms_to = _clock(_l("Texts are sent until"))
    sms_on_rest_days = BooleanField(_l("Send texts on rest days and holidays as well"))
    our_number = StringField(_l("Number that texts come from"), render_kw={"inputmode": "tel"})
    provider_confirms_stop = BooleanField(_l("The provider itself confirms STOP to patients"))
    signature_added_by_carrier = BooleanField(_l("The carrier itself puts the hospital's name in front of texts"))
    non_clinical_per_week = _count(_l("Most non-clinical texts to one patient in 7 days"), 0, 50)

    survey_invitation = SelectField(
        _l("How a survey begins"),
        choices=choices(
            [
                ("sms", _l("With the first question in the text")),
                ("web", _l("With a link in the text")),
                ("half", _l("Half of them each way, to compare")),
            ]
        ),
    )
    survey_every_days = _count(_l("Days between two surveys to one patient"), 0, 365)
    survey_reminder_days = _count(_l("Days until a reminder of a survey that nobody answered"), 0, 30)
    survey_modules = ModulesField(
        _l("More questions for inpatients"),
        choices=choices([("IP_PLUS", _l("Family, signs, formalities, food and costs"))]),
    )

    calling_hours = HoursField(_l("Calling hours"), render_kw={"rows": 4})
    max_attempts = _count(_l("Days with an attempt before a call is given up"), 1, 20)
    overdue_shown_days = _count(_l("Days that an overdue call stays in the list"), 0, 365)
    physician_hours = _count(_l("Hours that a first call waits for the attending doctor"), 0, 720)

    alert_cover_from = _clock(_l("Alerts are covered from"))
    alert_cover_to = _clock(_l("Alerts are covered until"))
    alert_index_below = _count(_l("Alert when a whole survey scores below"), 0, 100)
    on_call_number = StringField(_l("Duty phone for urgent alerts"), render_kw={"inputmode": "tel"})
    emergency_number = StringField(_l("Emergency number told to patients"), render_kw={"inputmode": "tel"})
    weekend = ChecksField(_l("Weekly rest days"), coerce=int, choices=choices(WEEKDAYS))

    def validate_sms_to(self, field: ClockField) -> None:
        _check_order(self.sms_from.data, field.data)

    def validate_alert_cover_to(self, field: ClockField) -> None:
        _check_order(self.alert_cover_from.data, field.data)

    def validate_calling_hours(self, field: HoursField) -> None:
        found, problems = read_hours(field.data or "")
        if problems:
            raise _problem(problems)
        if not found:
            raise ValidationError(_("Give at least one line, such as 09:00-11:30."))

    def validate_on_call_number(self, field: StringField) -> None:
        if field.data:
            field.data = _full_number(field.data, self.country)

    def validate_our_number(self, field: StringField) -> None:
        number = _without_spaces(field.data)
        if number.startswith("+"):
            field.data = _full_number(number, self.country)
        elif re.fullmatch(r"([0-9]{3,15})?", number):
            field.data = number
        else:
            raise ValidationError(_("Give the number with + and the country code, or the short number, digits only."))
        if field.data in self.taken:
            raise ValidationError(_("Another hospital has this number; answers would not come to yours."))

    def validate_emergency_number(self, field: StringField) -> None:
        field.data = _without_spaces(field.data)
        if not re.fullmatch(r"([0-9]{3,15})?", field.data):
            raise ValidationError(_("Give the number as it is dialled, 3 to 15 digits."))

    def validate_weekend(self, field: ChecksField) -> None:
        if len(field.data or ()) == len(WEEKDAYS):
            raise ValidationError(_("Leave at least one day to work."))

    def changes(self, settings: FacilitySettings) -> Mapping[str, Any]:
        """What differs from ``settings``, by name; both ends of hours of which one differs. After ``validate``."""
        given = {name: field.data for name, field in self._fields.items() if hasattr(settings, name)} | {
            "calling_hours": read_hours(self.calling_hours.data or "")[0],
            "survey_modules": ",".join(self.survey_modules.data or ()),
            "weekend": frozenset(self.weekend.data or ()),
        }
        changed = {name for name, value in given.items() if value != getattr(settings, name)}
        together = {name for pair in _PAIRS if changed.intersection(pair) for name in pair}
        return {name: given[name] for name in changed | together}


def hospital_form(facility: FacilitySnapshot, others: Iterable[FacilitySnapshot]) -> HospitalForm:
    """The form with the settings of ``facility``, or with what was sent; ``others`` are all other facilities."""
    form = HospitalForm(obj=facility.settings)
    form.country = facility.country
    form.taken = frozenset(map(our_number, others)) - {facility.settings.our_number}
    return form


class CalendarForm(BaseForm):
    """Days of one year that are not what their weekday says; made by ``calendar_form``, which tells it the year."""

    year: int = 0

    holidays = TextAreaField(_l("Holidays"), render_kw={"rows": 14, "spellcheck": "false"})
    workdays = TextAreaField(_l("Make-up workdays"), render_kw={"rows": 6, "spellcheck": "false"})

    def validate_holidays(self, field: TextAreaField) -> None:
        _found, problems = read_days(field.data or "", self.year)
        if problems:
            raise _problem(problems)

    def validate_workdays(self, field: TextAreaField) -> None:
        found, problems = read_days(field.data or "", self.year)
        holidays, _problems = read_days(self.holidays.data or "", self.year)
        both = sorted(found.keys() & holidays.keys())
        problems += [_("%(day)s is among the holidays as well.", day=day.isoformat()) for day in both]
        if problems:
            raise _problem(problems)

    def entries(self) -> list[CalendarEntry]:
        """The days that were given. After ``validate``."""
        kinds = ((DayKind.HOLIDAY, self.holidays), (DayKind.WORKDAY, self.workdays))
        return [
            CalendarEntry(day, kind, name)
            for kind, field in kinds
            for day, name in read_days(field.data or "", self.year)[0].items()
        ]


def calendar_form(year: int, entries: Iterable[CalendarEntry]) -> CalendarForm:
    """The form with these days of ``year``, or with what was sent."""
    kept = list(entries)
    form = CalendarForm(data={"holidays": _lines(kept, DayKind.HOLIDAY), "workdays": _lines(kept, DayKind.WORKDAY)})
    form.year = year
    return form


def read_hours(text: str) -> tuple[tuple[Hours, ...], list[str]]:
    """The hours in ``text``, one ``09:00-11:30`` in a line, in order; and a sentence for every line that is wrong."""
    found: list[Hours] = []
    problems: list[str] = []
    for number, line in _numbered(text):
        hours = _hours(line)
        if hours is None:
            problems.append(_("Line %(number)s: write the hours as 09:00-11:30.", number=number))
        elif hours[0] >= hours[1]:
            problems.append(_("Line %(number)s: the end must be later than the start.", number=number))
        elif any(hours[0] < end and start < hours[1] for start, end in found):
            problems.append(_("Line %(number)s: these hours overlap others.", number=number))
        else:
            found.append(hours)
    return tuple(sorted(found)), problems


def read_days(text: str, year: int) -> tuple[dict[date, str], list[str]]:
    """The days of ``year`` in ``text`` with their names, one ``2026-10-01 National Day`` in a line (the name may be
    left out); and a sentence for every line that is wrong.
    """
    found: dict[date, str] = {}
    problems: list[str] = []
    for number, line in _numbered(text):
        day, name = _day(line)
        if day is None:
            problems.append(_("Line %(number)s: begin with a date such as 2026-10-01.", number=number))
        elif day.year != year:
            problems.append(_("Line %(number)s: this day is not in %(year)s.", number=number, year=year))
        elif day in found:
            problems.append(_("Line %(number)s: this day is there twice.", number=number))
        elif len(name) > LONGEST_NAME:
            problems.append(_("Line %(number)s: this name is too long.", number=number))
        else:
            found[day] = name
    return found, problems


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    """The lines that are not empty, with their numbers from 1."""
    lines = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    return ((number, line) for number, line in lines if line)


def _hours(line: str) -> Hours | None:
    found = _HOURS.fullmatch(line)
    if found is None:
        return None
    first, first_minute, last, last_minute = map(int, found.groups())
    try:
        return time(first, first_minute), time(last, last_minute)
    except ValueError:
        return None


def _day(line: str) -> tuple[date | None, str]:
    found = _DAY.fullmatch(line)
    if found is None:
        return None, ""
    try:
        return date.fromisoformat(found[1]), found[2] or ""
    except ValueError:
        return None, ""


def _lines(entries: Iterable[CalendarEntry], kind: DayKind) -> str:
    return "\n".join(f"{entry.day.isoformat()} {entry.name}".rstrip() for entry in entries if entry.kind is kind)


def _problem(sentences: list[str]) -> ValidationError:
    return ValidationError(" ".join(sentences[:MOST_SENTENCES]))


def _check_order(start: time | None, end: time | None) -> None:
    if start is not None and end is not None and start >= end:
        raise ValidationError(_("The end must be later than the start."))


def _without_spaces(text: str | None) -> str:
    return re.sub(r"[\s-]", "", text or "")


def _full_number(text: str, country: str) -> str:
    """The E.164 number that was typed. Raises ``ValidationError``."""
    try:
        return read_number(text, country)[0]
    except ImpossibleNumber as problem:
        raise ValidationError(_("This is not a phone number. Check the digits.")) from problem
