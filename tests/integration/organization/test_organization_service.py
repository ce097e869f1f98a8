from datetime import date

import pytest
from sqlalchemy import text

from hcrm.organization import queries, service
from hcrm.organization.domain import CalendarEntry, DayKind, InvalidSetting, UnknownFacility


def test_a_facility_is_made_once(session, now):
    first = service.ensure_facility(session, code="N", name="North", timezone="Europe/Berlin", country="de", now=now)
    again = service.ensure_facility(session, code="N", name="Other", timezone="UTC", country="US", now=now)
    assert first == again
    snapshot = queries.facility(session, first)
    assert (snapshot.name, snapshot.country, snapshot.zone.key) == ("North", "DE", "Europe/Berlin")


def test_a_facility_with_an_impossible_time_zone_is_refused(session, now):
    with pytest.raises(KeyError):
        service.ensure_facility(session, code="N", name="North", timezone="Mars/Base", country="DE", now=now)


def test_unknown_departments_are_made_for_review_and_known_ones_keep_their_name(session, facility, departments, now):
    ids = service.ensure_departments(session, facility_id=facility, names={"MED": "Renamed", "ICU": ""}, now=now)
    found = queries.departments(session, facility)
    assert ids["MED"] == departments["MED"]
    assert found[ids["MED"]].name == "Internal medicine"
    assert (found[ids["ICU"]].name, found[ids["ICU"]].needs_review) == ("ICU", True)


def test_clinicians_are_made_once_per_code(session, facility):
    ids = service.ensure_clinicians(session, facility_id=facility, names={"C1": "Dr. Li", "C2": ""})
    assert service.ensure_clinicians(session, facility_id=facility, names={"C1": "x"}) == {"C1": ids["C1"]}
    assert queries.clinicians(session, facility) == {ids["C1"]: "Dr. Li", ids["C2"]: "C2"}


def test_nothing_to_ensure_touches_nothing(session, facility, now):
    assert service.ensure_departments(session, facility_id=facility, names={}, now=now) == {}
    assert service.ensure_clinicians(session, facility_id=facility, names={}) == {}


def test_changed_settings_are_kept_and_audited_by_name_only(session, facility, now):
    service.change_settings(session, facility_id=facility, changes={"max_attempts": 5}, actor_user_id=None, now=now)
    assert queries.facility(session, facility).settings.max_attempts == 5
    row = session.execute(text("SELECT action, details FROM audit_entry ORDER BY id DESC LIMIT 1")).one()
    assert row == ("facility.settings_changed", {"fields": ["max_attempts"]})


def test_an_impossible_setting_changes_nothing(session, facility, now):
    with pytest.raises(InvalidSetting):
        service.change_settings(session, facility_id=facility, changes={"max_attempts": 0}, actor_user_id=None, now=now)
    assert queries.facility(session, facility).settings.max_attempts == 3


def test_settings_of_an_unknown_facility_are_refused(session, now):
    with pytest.raises(UnknownFacility):
        service.change_settings(session, facility_id=-1, changes={}, actor_user_id=None, now=now)
    with pytest.raises(UnknownFacility):
        queries.facility(session, -1)


def test_a_year_of_the_calendar_replaces_that_year_only(session, facility, now):
    def replace(year: int, *entries: CalendarEntry) -> None:
        service.replace_calendar_year(
            session, facility_id=facility, year=year, entries=entries, actor_user_id=None, now=now
        )

    replace(2025, CalendarEntry(date(2025, 10, 1), DayKind.HOLIDAY, "国庆节"))
    replace(2026, CalendarEntry(date(2026, 1, 1), DayKind.HOLIDAY), CalendarEntry(date(2026, 1, 4), DayKind.WORKDAY))
    replace(2026, CalendarEntry(date(2026, 1, 2), DayKind.HOLIDAY))
    calendar = queries.calendar(session, facility)
    assert calendar.holidays == {date(2025, 10, 1), date(2026, 1, 2)}
    assert calendar.workdays == frozenset()


def test_a_day_of_another_year_is_refused(session, facility, now):
    with pytest.raises(ValueError, match="year"):
        service.replace_calendar_year(
            session,
            facility_id=facility,
            year=2026,
            entries=[CalendarEntry(date(2025, 1, 1), DayKind.HOLIDAY)],
            actor_user_id=None,
            now=now,
        )


def test_facilities_are_found_by_code(session, facility):
    found = queries.facility_by_code(session, "TEST")
    assert found is not None
    assert found.id == facility
    assert queries.facility_by_code(session, "NONE") is None
    assert [entry.code for entry in queries.facilities(session)] == ["TEST"]
