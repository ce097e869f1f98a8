"""The daily roll-ups: never older than the records, whatever is corrected, merged, cancelled or comes late."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from hcrm.reporting import service
from hcrm.reporting.domain.funnel import funnel
from hcrm.reporting.domain.measures import MEASURES, Unit
from hcrm.reporting.domain.reports import By, Selection
from hcrm.reporting.jobs import add_up_days
from hcrm.reporting.models import Mark, TaskDay
from hcrm.reporting.queries import answers, rolled, tasks
from hcrm.reporting.queries.marks import Changed, changed
from hcrm.reporting.queries.return_days import ROLLED
from hcrm.reporting.queries.tasks import TaskFilter
from hcrm.reporting.service.followup import WEEKS
from hcrm.reporting.service.kept import result
from hcrm.reporting.service.kept_figures import DRIVERS, RETURNS, RETURNS_BY_OUTCOME, TRIES
from hcrm.reporting.service.revisits import counted_figures
from hcrm.reporting.service.rollup import work_off
from hcrm.reporting.service.satisfaction import INDEXES
from hcrm.reporting.service.targets import MONTHS_OF
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.wiring import install_defaults
from tests.benchmarks.many_discharges import fill

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
FIRST, LAST = date(2025, 3, 1), date(2026, 4, 30)
EVERYTHING = Changed(everything=True)
"""As if nothing had been added up."""


@pytest.fixture
def year(session: Session, facility: int) -> Session:
    """400 discharges of the year before, with tasks and answers."""
    install_defaults(session, NOW)
    fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=400)
    return session


def marks(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Mark)) or 0


def work_off_all(session: Session) -> None:
    while work_off(session, NOW):
        pass


def figures(session: Session, changes: Changed, facility: int, now: datetime = NOW) -> dict[str, Any]:
    """Every number that roll-ups are used for, at every grouping they have."""
    place = {facility: None}
    selection = Selection(FIRST, LAST, place)
    found: dict[str, Any] = {}
    for by in (By.DEPARTMENT, By.TIER, By.CHANNEL, By.MONTH, By.STEP, By.NONE):
        for only in (TaskFilter(), TaskFilter(human=True, tier=1, without_recall=True), TaskFilter(messages=True)):
            counted = rolled.classified_counts(session, changes, selection, only, (by,), now)
            found[f"tasks {by} {only}"] = {key: funnel(counts) for key, counts in counted.items()}
    weeks = rolled.weekly_counts(session, changes, selection, TaskFilter(human=True), now)
    found["weeks"] = {
        monday: (week.due, week.completed_in_time, week.open) for monday, week in _funnels(weeks) if week.planned
    }
    for by in (By.DEPARTMENT, By.MONTH, By.NONE):
        found[f"discharges {by}"] = rolled.live_discharges(session, changes, selection, by)
        found[f"invitations {by}"] = rolled.response_counts(session, changes, selection, "SAT_IP", by)
        found[f"answers {by}"] = rolled.answer_counts(session, changes, selection, "SAT_IP", by)
    return found


def _funnels(weeks: dict[date, Any]) -> list[tuple[date, Any]]:
    return [(monday, funnel(counts)) for monday, counts in weeks.items()]


def returns(session: Session, facility: int, *, rolled_up: bool) -> list[Any]:
    read = counted_figures if rolled_up else service.revisit_figures
    found = read(session, measure="readmit_30d", selection=Selection(FIRST, LAST, {facility: None}), now=NOW)
    return [*(found.report(session, by) for by in (By.DEPARTMENT, By.MONTH, By.NONE)), found.returned_by_day()]


_CHANGES = """
UPDATE encounter SET discharged_on = discharged_on - 1, discharged_at = discharged_at - INTERVAL '1 day'
WHERE id = :one;
UPDATE encounter SET department_id = (SELECT max(id) FROM department) WHERE id = :one;
UPDATE encounter SET status = 'cancelled' WHERE id = :one;
UPDATE encounter SET disposition = 'expired' WHERE id = :one;
UPDATE encounter SET patient_id = :other WHERE id = :one;
UPDATE patient SET person_id = :other WHERE id = :one AND :other < :one;
UPDATE patient SET person_id = id WHERE id = :one;
UPDATE patient SET deceased_on = DATE '2026-01-15' WHERE id = :one;
UPDATE patient SET deceased_on = NULL WHERE id = :other;
UPDATE task SET status = 'cancelled', reason = 'readmitted', ended_at = due_at WHERE encounter_id = :one;
UPDATE task SET status = 'completed', completed_at = due_at, ended_at = due_at, reached_at = due_at, reason = NULL,
    first_attempt_at = due_at WHERE encounter_id = :other;
UPDATE task SET status = 'open', completed_at = NULL, ended_at = NULL, reason = NULL WHERE encounter_id = :one;
UPDATE task SET due_on = due_on + 3, due_at = due_at + INTERVAL '3 days' WHERE encounter_id = :one;
UPDATE task SET lease_user_id = 1 WHERE encounter_id = :one;
DELETE FROM task WHERE encounter_id = :one AND step_code = 'welcome';
INSERT INTO attempt (facility_id, task_id, connection, note, started_at, self_reported, key)
SELECT facility_id, id, CASE WHEN id % 2 = 0 THEN 'answered_patient' ELSE 'busy' END, '',
    window_starts_at + INTERVAL '1 hour', false, :stamp || '-' || id FROM task
WHERE encounter_id = :one AND channel = 'phone';
UPDATE attempt SET started_at = started_at + INTERVAL '1 day' WHERE task_id IN
    (SELECT id FROM task WHERE encounter_id % 7 = :one % 7);
UPDATE task SET department_id = (SELECT min(id) FROM department), attempt_count = 1 WHERE encounter_id % 5 = :one % 5;
UPDATE task SET attempt_count = 1 WHERE id IN (SELECT task_id FROM attempt);
DELETE FROM attempt WHERE task_id IN (SELECT id FROM task WHERE encounter_id = :other);
UPDATE patient SET birth_date = birth_date - 7000, sex = 'male' WHERE id = :one;
UPDATE survey_answer SET superseded_at = answered_at WHERE response_id = :one AND question_code = 'overall';
UPDATE survey_answer SET superseded_at = NULL WHERE response_id = :other;
UPDATE survey_answer SET answered_at = answered_at + INTERVAL '1 day' WHERE response_id = :one;
UPDATE survey_answer SET value = to_jsonb('na'::text) WHERE response_id = :other AND question_code = 'night_quiet';
UPDATE survey_response SET state = 'ineligible' WHERE id = :one;
UPDATE survey_response SET state = 'partial', delivered_at = NULL WHERE id = :other;
UPDATE survey_response SET department_id = (SELECT min(id) FROM department) WHERE id = :one;
UPDATE survey_response SET invited_at = invited_at - INTERVAL '2 days' WHERE id = :other;
INSERT INTO encounter (facility_id, patient_id, source, visit_number, class, post_acute, status, admitted_at,
    discharged_at, admitted_on, discharged_on, department_id, nurse, disposition, principal_diagnosis, diagnoses,
    procedures, sensitive, payer, contact_name, contact_relationship, needs_review, head_hash, head_event_at,
    head_rank, created_at, updated_at)
SELECT facility_id, patient_id, source, visit_number || :stamp, class, post_acute, 'finished',
    admitted_at + INTERVAL '9 days', discharged_at + INTERVAL '9 days', admitted_on + 9, discharged_on + 9,
    department_id, nurse, 'home', principal_diagnosis, diagnoses, procedures, sensitive, payer, contact_name,
    contact_relationship, needs_review, head_hash, head_event_at, head_rank, created_at, updated_at
FROM encounter WHERE id = :one
"""
CHANGES = _CHANGES.split(";\n")
"""Corrections, merges and their undoing, cancellations, late records: whatever can happen to what figures count."""


KEPT_OF_RETURNS = [
    *((RETURNS, {"measure": code, "by": "department"}) for code in MEASURES),
    *((RETURNS, {"measure": "readmit_30d", "by": by}) for by in ("diagnosis", "disposition", "age", "month")),
    (RETURNS_BY_OUTCOME, {"measure": "readmit_30d", "by": "outcome"}),
]


KEPT_OF_TIMES = [
    (WEEKS, {"tier": "1", "human": "1", "messages": "0", "without_recall": "1"}),
    *((months, {}) for months in MONTHS_OF.values()),
]
QUESTIONS = {"questionnaire": "SAT_IP", "by": "department"}
KEPT_OF_ALL = [(TRIES, {}), (DRIVERS, QUESTIONS), (INDEXES, QUESTIONS), *KEPT_OF_RETURNS, *KEPT_OF_TIMES]


def assert_kept_is_right(session: Session, facility: int, department: int, chance: random.Random) -> None:
    """Results that are kept are what the records give, for the hospital and for one department."""
    for selection in (
        Selection(FIRST, LAST, {facility: None}),
        Selection(date(2025, 11, 1), date(2026, 1, 31), {facility: None}, department),
    ):
        for figure, arguments in chance.sample(KEPT_OF_ALL, 4):
            told = result(session, figure, selection, NOW, **arguments)
            assert told == json.loads(json.dumps(figure.work_out(session, selection, arguments, NOW))), figure.name


@pytest.mark.parametrize("seed", [1, 2])
def test_figures_are_those_of_the_records_after_any_change(year: Session, facility: int, seed: int) -> None:
    work_off_all(year)
    department = year.scalars(text("SELECT max(id) FROM department")).one()
    chance = random.Random(seed)
    for step in range(18):
        for _ in range(3):
            values = {
                "one": chance.randint(1, 400),
                "other": chance.randint(1, 350),
                "stamp": f"{step}{chance.random()}",
            }
            year.execute(text(chance.choice(CHANGES)), values)
        if step % 3 == 0:
            assert figures(year, changed(year), facility) == figures(year, EVERYTHING, facility)
            assert returns(year, facility, rolled_up=True) == returns(year, facility, rolled_up=False)
            assert_kept_is_right(year, facility, department, chance)
        if chance.random() < 0.4:
            work_off(year, NOW, days=chance.choice([1, 3, 31]))
    work_off_all(year)
    assert marks(year) == 0
    assert figures(year, changed(year), facility) == figures(year, EVERYTHING, facility)
    assert returns(year, facility, rolled_up=True) == returns(year, facility, rolled_up=False)
    assert_kept_is_right(year, facility, department, chance)
    checked = {each.figure: each for each in service.verify(year, NOW)}
    assert [each for each in checked.values() if each.differences] == []
    for name in ("tasks", "discharges", "answers", "invitations", "returns"):
        assert checked[f"days/{name}"].records > 0


def test_what_is_open_follows_the_clock_without_any_change(year: Session, facility: int) -> None:
    year.execute(text("UPDATE task SET status = 'open', completed_at = NULL, ended_at = NULL WHERE id % 3 = 0"))
    work_off_all(year)
    for days in (-40, -3, 0, 3, 15, 90):
        for hours in (0, 9, 15):
            now = NOW + timedelta(days=days, hours=hours)
            assert figures(year, changed(year), facility, now) == figures(year, EVERYTHING, facility, now)


def test_counts_by_hand_equal_both_ways_of_reading(year: Session, facility: int) -> None:
    work_off_all(year)
    selection = Selection(FIRST, LAST, {facility: None})
    found = rolled.live_discharges(year, changed(year), selection, By.NONE)["all"]
    assert found == tasks.live_discharges(year, selection, By.NONE)["all"]
    assert found.discharged > 300
    invited = rolled.response_counts(year, changed(year), selection, "SAT_IP", By.NONE)
    assert invited == answers.response_counts(year, selection, "SAT_IP", By.NONE)


def test_a_wrong_row_is_found(year: Session) -> None:
    work_off_all(year)
    row = year.scalars(select(TaskDay).limit(1)).one()
    row.tasks += 1
    year.flush()
    assert {each.figure: each.differences for each in service.verify(year, NOW)}["days/tasks"] == 2


def test_a_lease_leaves_no_mark(year: Session) -> None:
    work_off_all(year)
    year.execute(text("UPDATE task SET lease_user_id = 1, last_attempt_at = now()"))
    assert marks(year) == 0


def test_the_job_works_off_what_was_committed(runtime: Runtime, facility: int) -> None:
    with unit_of_work(runtime.sessions) as session:
        install_defaults(session, NOW)
        fill(session.connection(), facility_id=facility, zone="Asia/Shanghai", now=NOW, discharges=50)
    assert add_up_days(runtime) > 0
    assert add_up_days(runtime) == 0
    with unit_of_work(runtime.sessions) as session:
        assert marks(session) == 0
        assert figures(session, changed(session), facility) == figures(session, EVERYTHING, facility)


def test_measures_that_are_rolled_up_count_days() -> None:
    assert all(MEASURES[code].unit is Unit.DAYS for code in ROLLED)
