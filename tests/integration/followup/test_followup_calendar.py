"""A changed calendar moves what is planned, and nothing that has begun or is over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from hcrm.followup.models import TaskRow
from hcrm.followup.service import add_step
from hcrm.organization.domain import CalendarEntry, DayKind
from hcrm.organization.service import change_settings, replace_calendar_year
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database

RISKY = {"planned": False, "principal_diagnosis": "I50.0", "diagnoses": ("I50.0", "C34.1")}


@pytest.fixture
def planned(session: Session, facility: int, now: datetime) -> dict[str, TaskRow]:
    """A discharge on Monday 9 March, seen on Tuesday the 10th."""
    install_content(session, now)
    discharge(session, facility, discharged(**RISKY), now=now)
    return tasks_of(session)


def holidays(
    session: Session, facility: int, now: datetime, days: Sequence[date], *, worked: Sequence[date] = ()
) -> None:
    entries = [CalendarEntry(day, DayKind.HOLIDAY) for day in days] + [
        CalendarEntry(day, DayKind.WORKDAY) for day in worked
    ]
    replace_calendar_year(session, facility_id=facility, year=2026, entries=entries, actor_user_id=None, now=now)


def days(session: Session) -> dict[str, tuple[date, date]]:
    """Local days of target and end of each step (Shanghai is eight hours ahead)."""
    return {
        code: ((task.target_at + timedelta(hours=8)).date(), task.due_on) for code, task in tasks_of(session).items()
    }


def test_holidays_and_make_up_workdays_move_windows_and_taking_them_back_does_so_again(
    session: Session, facility: int, now: datetime, planned: dict[str, TaskRow]
) -> None:
    before = days(session)
    assert before["high_risk_call"] == (date(2026, 3, 10), date(2026, 3, 11))
    weekend = [date(2026, 3, 14), date(2026, 3, 15)]
    holidays(session, facility, now, [date(2026, 3, 10) + timedelta(days=n) for n in range(4)], worked=weekend)
    moved = days(session)
    assert moved["high_risk_call"] == (date(2026, 3, 14), date(2026, 3, 15))
    assert moved["welcome"] == before["welcome"]
    holidays(session, facility, now, [])
    assert days(session) == before


def test_what_was_begun_sent_or_missed_stays(
    session: Session, facility: int, now: datetime, planned: dict[str, TaskRow]
) -> None:
    before = days(session)
    session.execute(update(TaskRow).where(TaskRow.step_code == "high_risk_call").values(attempt_count=1))
    session.execute(update(TaskRow).where(TaskRow.step_code == "survey").values(sent_message_id=1))
    later = now + timedelta(days=9)
    holidays(session, facility, later, [date(2026, 3, 10) + timedelta(days=n) for n in range(30)])
    moved = days(session)
    assert moved["survey_phone"] == (date(2026, 4, 9), date(2026, 4, 9))
    assert {code for code in before if before[code] != moved[code]} - {"home_visit"} == {"survey_phone"}


def test_a_re_call_counts_from_the_day_on_which_the_call_ended(
    session: Session, facility: int, now: datetime, planned: dict[str, TaskRow]
) -> None:
    add_step(session, task_id=planned["high_risk_call"].id, step_code="recall", now=now)
    assert days(session)["recall"] == (date(2026, 3, 13), date(2026, 3, 17))
    holidays(session, facility, now, [date(2026, 3, 13)])
    assert days(session)["recall"] == (date(2026, 3, 16), date(2026, 3, 17))


def test_another_week_moves_windows_as_well(
    session: Session, facility: int, now: datetime, planned: dict[str, TaskRow]
) -> None:
    tuesday, wednesday = 1, 2
    changes = {"weekend": [tuesday, wednesday]}
    change_settings(session, facility_id=facility, changes=changes, actor_user_id=None, now=now)
    assert days(session)["high_risk_call"] == (date(2026, 3, 12), date(2026, 3, 13))
