"""Reports on a hospital's year in a real database: scope, groupings, merges, and the twin of the classification."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text, update
from sqlalchemy.orm import Session

from hcrm.followup.domain.task import TaskReason, TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.patients.models import Encounter, Patient
from hcrm.reporting import service
from hcrm.reporting.domain.measures import MEASURES
from hcrm.reporting.domain.periods import chosen
from hcrm.reporting.domain.recount import recount
from hcrm.reporting.domain.reports import Basis, By, Selection
from hcrm.reporting.queries.drilldown import TaskPart, TaskQuestion
from hcrm.reporting.queries.stays import stays
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.behind import (
    Look,
    RevisitQuestion,
    answers_behind,
    discharges_behind,
    revisits_behind,
    tasks_behind,
)
from hcrm.reporting.service.overview import overview
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
FEBRUARY = (date(2026, 2, 1), date(2026, 2, 28))


@pytest.fixture
def year(session: Session, facility: int) -> Session:
    """600 discharges of the year before, with tasks and answers."""
    install_defaults(session, NOW)
    fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=600)
    return session


def scoped(facility: int, department: int | None = None) -> Selection:
    return Selection(*FEBRUARY, scope={facility: None}, department_id=department)


def test_every_figure_agrees_with_its_recomputation(year: Session) -> None:
    checked = service.verify(year, NOW)
    assert {each.figure for each in checked} >= {"readmit_30d/episode", "readmit_30d/none", "followup"}
    assert all(each.records for each in checked if each.figure.startswith("readmit"))
    assert [each for each in checked if each.differences] == []


def test_sql_classifies_tasks_like_its_twin_whatever_their_state(year: Session) -> None:
    chance = random.Random(11)
    for task in year.query(TaskRow).limit(400):
        task.status = chance.choice(list(TaskStatus))
        task.reason = chance.choice([None, *TaskReason])
        task.ended_at = chance.choice([None, task.due_at, task.due_at + timedelta(seconds=1), task.window_starts_at])
        task.completed_at = chance.choice([None, task.due_at + timedelta(hours=3), task.due_at + timedelta(hours=5)])
        task.first_attempt_at = chance.choice([None, task.window_starts_at])
        task.reached_at = chance.choice([None, task.window_starts_at])
        task.questionnaire_code = chance.choice([None, "CLIN_GEN", "SAT_IP"])
        task.due_at = chance.choice([task.due_at, NOW, NOW + timedelta(minutes=1)])
        task.due_on = task.due_at.astimezone(ZoneInfo("Asia/Shanghai")).date()
    year.flush()
    assert [each.differences for each in service.verify(year, NOW) if each.figure == "followup"] == [0]


@pytest.mark.parametrize("measure", list(MEASURES))
def test_a_period_read_alone_gives_what_all_records_give(year: Session, facility: int, measure: str) -> None:
    everything = stays(year, Selection(), MEASURES[measure])
    expected = recount(everything, MEASURES[measure], from_on=FEBRUARY[0], to_on=FEBRUARY[1], now=NOW)
    figures = service.revisit_figures(year, measure=measure, selection=scoped(facility), now=NOW)
    assert {
        (each.index.id, each.excluded and each.excluded.value, each.provisional, each.revisit and each.revisit.id)
        for each in figures.outcomes
    } == expected


@pytest.mark.parametrize("measure", list(MEASURES))
def test_reading_like_stays_as_groups_changes_no_figure(year: Session, facility: int, measure: str) -> None:
    for selection in (Selection(), scoped(facility)):
        each = service.revisit_figures(year, measure=measure, selection=selection, now=NOW)
        grouped = service.revisit_figures(year, measure=measure, selection=selection, now=NOW, grouped=True)
        for by in (By.DEPARTMENT, By.MONTH, By.FACILITY):
            assert grouped.report(year, by) == each.report(year, by)
        assert grouped.returned_by_day() == each.returned_by_day()
        assert len(grouped.outcomes) <= len(each.outcomes)


@pytest.mark.parametrize("by", [by for by in service.REVISIT_GROUPINGS if by is not By.NONE])
def test_groups_of_revisits_add_up_to_the_total(year: Session, facility: int, by: By) -> None:
    report = service.revisit_report(year, measure="readmit_30d", selection=Selection(), by=by, now=NOW)
    assert sum(row.rate.numerator for row in report.rows) == report.total.rate.numerator > 0
    assert sum(row.rate.denominator for row in report.rows) == report.total.rate.denominator


@pytest.mark.parametrize("by", [by for by in service.FOLLOWUP_GROUPINGS if by is not By.NONE])
@pytest.mark.parametrize("basis", list(Basis))
def test_groups_of_tasks_add_up_to_the_total(year: Session, by: By, basis: Basis) -> None:
    report = service.followup_report(year, selection=Selection(), by=by, now=NOW, only=TaskFilter(basis=basis))
    total = report.total.funnel
    assert total.planned == total.due + total.open + total.excluded_total > 0
    assert sum(row.funnel.due for row in report.rows) == total.due
    assert sum(row.funnel.completed_in_time for row in report.rows) == total.completed_in_time > 0


def test_basis_decides_in_which_month_a_task_counts(year: Session, facility: int) -> None:
    by_window = service.followup_report(year, selection=scoped(facility), by=By.NONE, now=NOW)
    only = TaskFilter(basis=Basis.DISCHARGE)
    by_discharge = service.followup_report(year, selection=scoped(facility), by=By.NONE, now=NOW, only=only)
    assert by_window.total.funnel != by_discharge.total.funnel


def test_exclusion_after_the_window_ended_leaves_the_task_due(year: Session, facility: int) -> None:
    before = service.followup_report(year, selection=scoped(facility), by=By.NONE, now=NOW).total.funnel
    assert before.excluded_total > 0
    year.execute(update(TaskRow).where(TaskRow.status == "cancelled").values(ended_at=NOW))
    after = service.followup_report(year, selection=scoped(facility), by=By.NONE, now=NOW).total.funnel
    assert after.excluded == {}
    assert after.due == before.due + before.excluded_total


def test_people_see_the_departments_of_their_scope_only(year: Session, facility: int) -> None:
    by_department = service.followup_report(year, selection=scoped(facility), by=By.DEPARTMENT, now=NOW)
    mine = int(by_department.rows[0].label.key)
    narrow = Selection(*FEBRUARY, scope={facility: frozenset({mine})})
    report = service.followup_report(year, selection=narrow, by=By.DEPARTMENT, now=NOW)
    assert [row.label.key for row in report.rows] == [str(mine)]
    assert report.total.funnel == by_department.rows[0].funnel
    revisits = service.revisit_report(year, measure="readmit_30d", selection=narrow, by=By.DEPARTMENT, now=NOW)
    assert [row.label.key for row in revisits.rows] == [str(mine)]
    nothing = Selection(*FEBRUARY, scope={facility + 1: None})
    assert (
        service.revisit_report(
            year, measure="readmit_30d", selection=nothing, by=By.NONE, now=NOW
        ).total.rate.denominator
        == 0
    )


def test_returns_of_a_merged_person_are_seen(year: Session, facility: int) -> None:
    """The return under another record counts once the two records are one person."""
    measure, selection = "readmit_30d_raw", Selection(scope={facility: None})
    before = service.revisit_report(year, measure=measure, selection=selection, by=By.NONE, now=NOW).total.rate
    returning = year.query(Encounter).filter(Encounter.id > 525).first()
    assert returning is not None
    person = returning.patient_id
    copy = _other_record(year, person)
    returning.patient_id = copy
    year.flush()
    apart = service.revisit_report(year, measure=measure, selection=selection, by=By.NONE, now=NOW).total.rate
    assert apart.numerator == before.numerator - 1
    year.execute(update(Patient).where(Patient.id == copy).values(person_id=person))
    assert service.revisit_report(year, measure=measure, selection=selection, by=By.NONE, now=NOW).total.rate == before


def _other_record(session: Session, patient_id: int) -> int:
    original = session.get(Patient, patient_id)
    assert original is not None
    values = {
        attribute.key: getattr(original, attribute.key)
        for attribute in Patient.__mapper__.column_attrs
        if attribute.key != "id"
    }
    copy = Patient(**values)
    copy.person_id = 0
    session.add(copy)
    session.flush()
    copy.person_id = copy.id
    session.flush()
    return copy.id


@pytest.mark.parametrize("part", [part for part in TaskPart if part is not TaskPart.ENDING])
def test_a_number_of_tasks_opens_as_many_tasks(year: Session, facility: int, part: TaskPart) -> None:
    funnel = service.followup_report(year, selection=scoped(facility), by=By.NONE, now=NOW).total.funnel
    expected = {
        TaskPart.PLANNED: funnel.planned,
        TaskPart.EXCLUDED: funnel.excluded_total,
        TaskPart.OPEN: funnel.open,
        TaskPart.DUE: funnel.due,
        TaskPart.ATTEMPTED: funnel.attempted,
        TaskPart.NEVER_TRIED: funnel.due - funnel.attempted,
        TaskPart.REACHED: funnel.reached,
        TaskPart.COMPLETED: funnel.completed,
        TaskPart.IN_TIME: funnel.completed_in_time,
        TaskPart.NOT_IN_TIME: funnel.due - funnel.completed_in_time,
    }[part]
    look = Look("tasks", part, _user(year), NOW, 0, 1000)
    behind = tasks_behind(year, selection=scoped(facility), asked=TaskQuestion(part, TaskFilter()), look=look)
    assert (behind.total, len(behind.rows)) == (expected, expected)


def test_each_reason_opens_its_own_tasks(year: Session, facility: int) -> None:
    funnel = service.followup_report(year, selection=scoped(facility), by=By.NONE, now=NOW).total.funnel
    look = Look("tasks", "excluded", _user(year), NOW, 0, 1000)
    for reason, count in funnel.excluded.items():
        asked = TaskQuestion(TaskPart.EXCLUDED, TaskFilter(), reason)
        assert tasks_behind(year, selection=scoped(facility), asked=asked, look=look).total == count


@pytest.mark.parametrize("part", ["numerator", "denominator", "provisional", "excluded"])
def test_a_number_of_revisits_opens_as_many_patients(year: Session, facility: int, part: str) -> None:
    row = service.revisit_report(year, measure="readmit_30d", selection=scoped(facility), by=By.NONE, now=NOW).total
    expected = {
        "numerator": row.rate.numerator,
        "denominator": row.rate.denominator,
        "provisional": row.provisional,
        "excluded": sum(row.excluded.values()),
    }[part]
    look = Look("revisits", part, _user(year), NOW, 0, 1000)
    behind = revisits_behind(year, selection=scoped(facility), asked=RevisitQuestion("readmit_30d"), look=look)
    assert (behind.total, len(behind.rows)) == (expected, expected)


def test_satisfaction_and_discharges_open_as_many_patients(year: Session, facility: int) -> None:
    whole = Selection(scope={facility: None})
    report = service.satisfaction_report(year, selection=whole, by=By.QUESTION)
    assert report.total.n > 30
    for row in (each for each in report.rows if each.n):
        for part, expected in (("all", row.n), ("satisfied", row.positive)):
            look = Look("answers", part, _user(year), NOW, 0, 1000)
            behind = answers_behind(year, selection=whole, questionnaire="SAT_IP", question=row.question, look=look)
            assert (behind.total, len(behind.rows)) == (expected, expected)
    total = service.followup_report(year, selection=whole, by=By.NONE, now=NOW).total
    for part, count in (("all", total.discharged), ("followed_up", total.followed_up)):
        look = Look("discharges", part, _user(year), NOW, 0, 1000)
        assert discharges_behind(year, selection=whole, look=look).total == count


def test_small_groups_of_answers_are_not_shown(year: Session, facility: int) -> None:
    year.execute(text("DELETE FROM survey_answer WHERE question_code = 'overall' AND response_id % 20 <> 0"))
    year.execute(
        text(
            "DELETE FROM survey_answer WHERE id NOT IN "
            "(SELECT id FROM survey_answer WHERE question_code = 'overall' LIMIT 4)"
        )
    )
    report = service.satisfaction_report(year, selection=Selection(scope={facility: None}), by=By.QUESTION)
    row = next(each for each in report.rows if each.question == "overall")
    assert (row.n, row.score.value, row.score.suppressed, row.positive) == (4, None, True, None)
    look = Look("answers", "all", _user(year), NOW, 0, 50)
    behind = answers_behind(
        year, selection=Selection(scope={facility: None}), questionnaire="SAT_IP", question="overall", look=look
    )
    assert (behind.total, behind.rows, behind.suppressed) == (4, (), True)


def test_every_look_at_patients_is_recorded_with_their_ids_and_nothing_else(year: Session, facility: int) -> None:
    user = _user(year)
    look = Look("tasks", "due", user, NOW, 0, 3)
    behind = tasks_behind(year, selection=scoped(facility), asked=TaskQuestion(TaskPart.DUE, TaskFilter()), look=look)
    entry = year.execute(
        text("SELECT actor_user_id, facility_id, details FROM audit_entry WHERE action = 'figures.patients_viewed'")
    ).one()
    assert (entry.actor_user_id, entry.facility_id) == (user, facility)
    assert entry.details == {
        "figure": "tasks",
        "part": "due",
        "patients": sorted({row.patient_id for row in behind.rows}),
    }


def test_overview_shows_the_numbers_of_the_reports(year: Session, facility: int) -> None:
    period = chosen("2026-02", date(2026, 3, 10))
    assert period is not None
    view = overview(
        year,
        period=period,
        place=Selection(scope={facility: None}),
        now=NOW,
        today=date(2026, 3, 10),
        with_inbox=True,
    )
    calls = TaskFilter(human=True, tier=1, without_recall=True)
    followup = service.followup_report(year, selection=scoped(facility), by=By.DEPARTMENT, now=NOW, only=calls)
    assert view.followup.total == followup.total
    assert {row.label: row.funnel for row in view.followup.departments} == {
        row.label: row.funnel for row in followup.rows if row.funnel.planned
    }
    revisits = service.revisit_report(
        year, measure="readmit_30d", selection=scoped(facility), by=By.DEPARTMENT, now=NOW
    )
    assert view.revisits == revisits
    assert view.satisfaction == service.satisfaction_report(
        year, selection=scoped(facility), by=By.QUESTION, with_index=False
    )
    assert sum(count.denominator for _monday, count in view.weeks) > 0
    assert view.returned[-1].events == 0 or view.returned[-1].share > 0


@pytest.mark.parametrize("only", [TaskFilter(), TaskFilter(human=True, tier=1, without_recall=True)])
def test_the_weeks_of_the_chart_add_up_to_the_report_of_the_same_days(
    year: Session, facility: int, only: TaskFilter
) -> None:
    weeks = service.weekly_counts(year, selection=scoped(facility), weeks=4, now=NOW, only=only)
    four_weeks = Selection(date(2026, 2, 2), date(2026, 3, 1), scope={facility: None})
    funnel = service.followup_report(year, selection=four_weeks, by=By.NONE, now=NOW, only=only).total.funnel

    assert [monday for monday, _count in weeks][:: len(weeks) - 1] == [date(2026, 2, 2), date(2026, 2, 23)]
    assert sum(count.numerator for _monday, count in weeks) == funnel.completed_in_time > 0
    assert sum(count.denominator for _monday, count in weeks) == funnel.due > funnel.completed_in_time


def test_nothing_imported_gives_empty_reports(session: Session) -> None:
    nothing: dict[str, Any] = service.followup_json(
        service.followup_report(session, selection=Selection(), by=By.NONE, now=NOW)
    )
    assert (nothing["total"]["due"], nothing["total"]["rate"]) == (0, None)
    revisits = service.revisit_json(
        service.revisit_report(session, measure="readmit_30d", selection=Selection(), by=By.MONTH, now=NOW)
    )
    assert (revisits["rows"], revisits["total"]["rate"]) == ([], None)
    satisfaction = service.satisfaction_json(
        service.satisfaction_report(session, selection=Selection(), by=By.QUESTION)
    )
    assert (satisfaction["rows"], satisfaction["total"]["n"]) == ([], 0)


def _user(session: Session) -> int:
    session.execute(
        text(
            "INSERT INTO user_account (username, password_hash, display_name, language, active, must_change_password, "
            "session_epoch, created_at) VALUES ('looker', 'x', 'Looker', 'en', true, false, 1, :now) "
            "ON CONFLICT DO NOTHING"
        ),
        {"now": NOW},
    )
    return session.scalar(text("SELECT id FROM user_account WHERE username = 'looker'")) or 0
