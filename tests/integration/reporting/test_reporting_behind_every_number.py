"""Lists behind numbers hold as many as the number says, at every part and scope; odd hospitals count as well."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from hcrm.organization.models import Department
from hcrm.reporting import service
from hcrm.reporting.domain.measures import MEASURES
from hcrm.reporting.domain.recount import recount
from hcrm.reporting.domain.reports import By, Selection, in_department
from hcrm.reporting.domain.revisits import Stay, outcomes
from hcrm.reporting.queries.drilldown import TaskPart, TaskQuestion
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.behind import Look, RevisitQuestion, revisits_behind, tasks_behind
from hcrm.reporting.service.rollup import work_off
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
UTC_ZONE = ZoneInfo("UTC")


@pytest.fixture
def year(session: Session, facility: int) -> Session:
    """400 discharges of the year before, half of their days added up."""
    install_defaults(session, NOW)
    fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=400)
    work_off(session, NOW, days=200)
    return session


def look(figure: str, part: str) -> Look:
    return Look(figure, part, 1, NOW, 0, 1000)


def test_every_part_of_the_funnel_opens_as_many_as_it_says(year: Session, facility: int) -> None:
    whole = Selection(date(2026, 1, 1), date(2026, 2, 28), {facility: None})
    some = list(year.scalars(select(Department.id).where(Department.code.in_(("B01", "B02")))))
    narrow = replace(whole, scope={facility: frozenset(some)})
    for selection in (whole, in_department(whole, some[0]), narrow):
        for only in (TaskFilter(), TaskFilter(human=True, tier=1, without_recall=True)):
            report = service.followup_report(year, selection=selection, by=By.NONE, now=NOW, only=only)
            funnel = report.total.funnel
            said = {
                TaskPart.PLANNED: funnel.planned,
                TaskPart.EXCLUDED: funnel.excluded_total,
                TaskPart.OPEN: funnel.open,
                TaskPart.DUE: funnel.due,
                TaskPart.ATTEMPTED: funnel.attempted,
                TaskPart.REACHED: funnel.reached,
                TaskPart.COMPLETED: funnel.completed,
                TaskPart.IN_TIME: funnel.completed_in_time,
                TaskPart.NOT_IN_TIME: funnel.due - funnel.completed_in_time,
            }
            for part, number in said.items():
                behind = tasks_behind(
                    year, selection=selection, asked=TaskQuestion(part, only), look=look("tasks", part)
                )
                assert behind.total == number == len(behind.rows), part


def test_every_department_opens_as_many_returns_as_it_says(year: Session, facility: int) -> None:
    selection = Selection(date(2025, 12, 1), date(2026, 2, 28), {facility: None})
    report = service.revisit_report(year, measure="readmit_30d", selection=selection, by=By.DEPARTMENT, now=NOW)
    assert report.total.rate.numerator > 0
    for row in report.rows:
        here = in_department(selection, int(row.label.key))
        for part, number in (("numerator", row.rate.numerator), ("denominator", row.rate.denominator)):
            behind = revisits_behind(
                year, selection=here, asked=RevisitQuestion("readmit_30d"), look=look("revisits", part)
            )
            assert behind.total == number == len(behind.rows)


def test_a_hospital_with_one_department_that_was_closed_half_way(year: Session, facility: int) -> None:
    one = year.scalar(select(Department.id).where(Department.code == "B05"))
    for table in ("encounter", "task", "survey_response"):
        year.execute(text(f"UPDATE {table} SET department_id = :one"), {"one": one})
    year.execute(text("UPDATE department SET active = false, name = 'Renamed' WHERE id = :one"), {"one": one})
    selection = Selection(date(2026, 1, 1), date(2026, 1, 31), {facility: None})
    tasks = service.followup_report(year, selection=selection, by=By.DEPARTMENT, now=NOW)
    returns = service.revisit_report(year, measure="readmit_30d", selection=selection, by=By.DEPARTMENT, now=NOW)
    assert [row.label.name for row in tasks.rows] == [row.label.name for row in returns.rows] == ["Renamed"]
    assert tasks.rows[0].funnel == tasks.total.funnel


def test_periods_without_records_and_in_the_future_are_zero(year: Session, facility: int) -> None:
    for first, last in ((date(1990, 1, 1), date(1990, 12, 31)), (date(2090, 1, 1), date(9999, 12, 31))):
        selection = Selection(first, last, {facility: None})
        for by in service.FOLLOWUP_GROUPINGS:
            assert service.followup_report(year, selection=selection, by=by, now=NOW).total.funnel.planned == 0
        for by in service.REVISIT_GROUPINGS:
            report = service.revisit_report(year, measure="readmit_30d", selection=selection, by=by, now=NOW)
            assert report.total.rate.value is None
        for by in service.SATISFACTION_GROUPINGS:
            assert service.satisfaction_report(year, selection=selection, by=by).total.n == 0


@pytest.mark.parametrize("code", list(MEASURES))
def test_one_patient_with_500_stays_and_a_window_of_ten_years(code: str) -> None:
    begun = datetime(2015, 1, 1, tzinfo=UTC)
    stays = []
    for at in range(500):
        admitted = begun + timedelta(days=at * 8 % 3650, hours=at % 24)
        left = admitted + timedelta(days=at % 5)
        kind = ("IMP", "EMER", "OBSENC")[at % 3]
        stays.append(Stay(at + 1, 1, 1, UTC_ZONE, kind, admitted, admitted.date(), left, left.date(), at % 7 == 0))
    measure = replace(MEASURES[code], last=3650 if MEASURES[code].unit == "days" else 87_600)
    for link in ("episode", "none"):
        asked = measure.linked(type(measure.link)(link))
        found = {
            (each.index.id, each.excluded and each.excluded.value, each.provisional, each.revisit and each.revisit.id)
            for each in outcomes(stays, asked, from_on=None, to_on=None, now=NOW)
        }
        assert found == recount(stays, asked, from_on=None, to_on=None, now=NOW)
