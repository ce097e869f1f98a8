"""What an administrator types about the hospital, read: hours, days, numbers, and what of it is a change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from flask import Flask
from flask_babel import Babel
from werkzeug.datastructures import MultiDict

from hcrm.followup.forms.hospital import HospitalForm, calendar_form, hospital_form, read_days, read_hours
from hcrm.organization.domain import CalendarEntry, DayKind, FacilitySettings, FacilitySnapshot

SETTINGS = FacilitySettings()
FIELDS: dict[str, Any] = {
    "sms_from": "08:00",
    "sms_to": "20:00",
    "sms_on_rest_days": "y",
    "our_number": "",
    "non_clinical_per_week": "3",
    "survey_invitation": "sms",
    "survey_every_days": "30",
    "survey_reminder_days": "1",
    "calling_hours": "09:00-11:30\r\n14:30-17:30\r\n18:30-20:00",
    "max_attempts": "3",
    "overdue_shown_days": "7",
    "physician_hours": "24",
    "alert_index_below": "0",
    "alert_cover_from": "08:00",
    "alert_cover_to": "20:00",
    "on_call_number": "",
    "emergency_number": "",
    "weekend": ["5", "6"],
}


@pytest.fixture(autouse=True)
def app() -> Iterator[Flask]:
    """A request in English."""
    app = Flask(__name__)
    app.config.update(SECRET_KEY="only for this test", WTF_CSRF_ENABLED=False)
    Babel(app)
    with app.test_request_context(method="POST"):
        yield app


def sent(app: Flask, fields: dict[str, Any], settings: FacilitySettings = SETTINGS) -> HospitalForm:
    with app.test_request_context(method="POST", data=MultiDict(FIELDS | fields)):
        facility = FacilitySnapshot(1, "T", "Test", "", "Europe/London", "GB", "", settings)
        form = hospital_form(facility, [replace(facility, id=2, settings=FacilitySettings(our_number="+441632960200"))])
        form.validate()
        return form


def test_the_usual_settings_sent_back_change_nothing(app: Flask) -> None:
    form = sent(app, {})

    assert form.errors == {}
    assert form.changes(SETTINGS) == {}


def test_every_setting_has_a_field() -> None:
    with_fields = {name for name in SETTINGS.__dataclass_fields__ if name in HospitalForm()}
    assert with_fields == set(SETTINGS.__dataclass_fields__)


def test_what_differs_is_a_change_that_the_settings_take(app: Flask) -> None:
    form = sent(
        app,
        {
            "sms_to": "21:00",
            "calling_hours": "13:00-17:00\n9:00 – 12:00",
            "on_call_number": "020 7946 0018",
            "our_number": "+44 1632 960100",
            "emergency_number": "11 2",
            "weekend": ["4", "5"],
            "survey_modules": "IP_PLUS",
            "max_attempts": "4",
        },
    )

    assert form.errors == {}
    changed = SETTINGS.changed(form.changes(SETTINGS))
    assert changed == FacilitySettings(
        sms_to=time(21),
        calling_hours=((time(9), time(12)), (time(13), time(17))),
        on_call_number="+442079460018",
        our_number="+441632960100",
        emergency_number="112",
        weekend=frozenset({4, 5}),
        survey_modules="IP_PLUS",
        max_attempts=4,
    )
    assert {"sms_from", "sms_to"} <= set(form.changes(SETTINGS)), "both ends of hours are kept together"
    assert "alert_cover_from" not in form.changes(SETTINGS)


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("sms_to", "07:00", "The end must be later than the start."),
        ("alert_cover_to", "08:00", "The end must be later than the start."),
        ("sms_from", "8 o'clock", "Give a time, such as 08:00."),
        ("sms_from", "", "Give a time, such as 08:00."),
        ("max_attempts", "0", "Give a whole number from 1 to 20."),
        ("max_attempts", "three", "Give a whole number from 1 to 20."),
        ("survey_every_days", "", "Give a whole number from 0 to 365."),
        ("on_call_number", "12", "This is not a phone number. Check the digits."),
        ("our_number", "+1", "This is not a phone number. Check the digits."),
        ("our_number", "+44 1632 960 200", "Another hospital has this number"),
        ("our_number", "call us", "Give the number with + and the country code"),
        ("emergency_number", "ambulance", "Give the number as it is dialled"),
        ("calling_hours", "", "Give at least one line"),
        ("weekend", list("0123456"), "Leave at least one day to work."),
        ("survey_invitation", "letter", "Not a valid choice."),
    ],
)
def test_what_cannot_be_is_explained(app: Flask, field: str, value: Any, sentence: str) -> None:
    errors = sent(app, {field: value}).errors

    assert list(errors) == [field]
    assert str(errors[field][0]).startswith(sentence)


def test_hours_are_read_line_by_line() -> None:
    text = "09:00-11:30\n\n25:00-26:00\nmornings\n12:00-12:00\n11:00-13:00\n8:00至9:00"
    found, problems = read_hours(text)

    assert found == ((time(8), time(9)), (time(9), time(11, 30)))
    assert problems == [
        "Line 3: write the hours as 09:00-11:30.",
        "Line 4: write the hours as 09:00-11:30.",
        "Line 5: the end must be later than the start.",
        "Line 6: these hours overlap others.",
    ]


def test_days_are_read_line_by_line() -> None:
    text = f"2026-10-01 国庆节\r\n2026-10-02\n\n1 October\n2026-02-30\n2027-01-01\n2026-10-02\n2026-05-01 {'x' * 101}"
    found, problems = read_days(text, 2026)

    assert found == {date(2026, 10, 1): "国庆节", date(2026, 10, 2): ""}
    assert problems == [
        "Line 4: begin with a date such as 2026-10-01.",
        "Line 5: begin with a date such as 2026-10-01.",
        "Line 6: this day is not in 2026.",
        "Line 7: this day is there twice.",
        "Line 8: this name is too long.",
    ]


def test_days_of_a_year_are_shown_as_they_are_read(app: Flask) -> None:
    days = [
        CalendarEntry(date(2026, 10, 1), DayKind.HOLIDAY, "National Day"),
        CalendarEntry(date(2026, 10, 2), DayKind.HOLIDAY),
        CalendarEntry(date(2026, 10, 10), DayKind.WORKDAY),
    ]
    with app.test_request_context():
        form = calendar_form(2026, days)

    assert form.entries() == days
