from datetime import date, time

import pytest

from hcrm.organization.domain import Calendar, FacilitySettings, FacilitySnapshot, InvalidSetting, UnknownSetting

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, day) for day in (6, 7, 8, 9))


def test_weekends_are_not_worked():
    calendar = Calendar()
    assert [calendar.is_workday(day) for day in (FRIDAY, SATURDAY, SUNDAY, MONDAY)] == [True, False, False, True]


def test_a_make_up_workday_on_a_weekend_is_worked():
    assert Calendar(workdays=frozenset({SATURDAY})).is_workday(SATURDAY)


def test_a_make_up_workday_wins_over_a_holiday_on_the_same_day():
    assert Calendar(holidays=frozenset({SATURDAY}), workdays=frozenset({SATURDAY})).is_workday(SATURDAY)


def test_two_workdays_after_friday_are_tuesday():
    assert Calendar().add_workdays(FRIDAY, 2) == date(2026, 3, 10)


def test_workdays_before_monday_skip_the_weekend_and_a_holiday():
    assert Calendar(holidays=frozenset({FRIDAY})).add_workdays(MONDAY, -1) == date(2026, 3, 5)


def test_zero_workdays_after_a_saturday_is_the_next_workday():
    assert Calendar().add_workdays(SATURDAY, 0) == MONDAY


def test_previous_workday_of_a_sunday_is_friday():
    assert Calendar().previous_workday(SUNDAY) == FRIDAY


def test_settings_survive_json_and_keep_only_what_differs():
    changed = FacilitySettings().changed(
        {"sms_from": "09:30", "calling_hours": [["09:00", "12:00"]], "weekend": [4, 5]}
    )
    assert changed.sms_from == time(9, 30)
    assert changed.to_json() == {"sms_from": "09:30", "calling_hours": [["09:00", "12:00"]], "weekend": [4, 5]}
    assert FacilitySettings.from_json(changed.to_json()) == changed


def test_an_unknown_setting_is_named():
    with pytest.raises(UnknownSetting, match="colour"):
        FacilitySettings().changed({"colour": "blue"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sms_from", "25:00"),
        ("sms_from", "21:00"),
        ("max_attempts", 0),
        ("max_attempts", "three"),
        ("survey_every_days", -1),
        ("calling_hours", [["12:00", "09:00"]]),
        ("calling_hours", "always"),
        ("weekend", [0, 1, 2, 3, 4, 5, 6]),
        ("weekend", [7]),
        ("our_number", "call us"),
        ("calling_hours", []),
        ("alert_cover_to", "07:00"),
    ],
)
def test_impossible_settings_are_refused(name, value):
    with pytest.raises(InvalidSetting):
        FacilitySettings().changed({name: value})


@pytest.mark.parametrize(("country", "number"), [("CN", "120"), ("US", "911"), ("DE", "112")])
def test_the_emergency_number_is_the_countrys(country, number):
    assert _facility(country).emergency_number == number


def test_a_facility_may_name_an_emergency_number_of_its_own():
    assert _facility("CN", FacilitySettings(emergency_number="02112345")).emergency_number == "02112345"


def test_the_name_follows_the_readers_language():
    facility = _facility("CN")
    assert (facility.name_in("zh_Hans"), facility.name_in("en")) == ("测试", "Test")


def _facility(country: str, settings: FacilitySettings | None = None) -> FacilitySnapshot:
    return FacilitySnapshot(1, "T", "Test", "测试", "Asia/Shanghai", country, "", settings or FacilitySettings())
