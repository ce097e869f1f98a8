from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from hcrm.clock import local_moment
from hcrm.followup.domain.alerts import (
    AlertClock,
    AlertInvalid,
    AlertStatus,
    CoverHours,
    Rung,
    check_move,
    owner_role,
    role_told,
    rung_above,
    say_code,
)
from hcrm.followup.domain.attempts import (
    AttemptContext,
    AttemptInvalid,
    AttemptRecord,
    Connection,
    Disposition,
    check_attempt,
    consequence,
)
from hcrm.followup.domain.eligibility import StayFacts, is_surgical, reason_to_end
from hcrm.followup.domain.expansion import expand_plan, plan_step
from hcrm.followup.domain.plan import Condition, PlanInvalid, RiskLevel, plan_from_mapping, plan_to_mapping
from hcrm.followup.domain.risk import RiskPart, assess_risk
from hcrm.followup.domain.task import BusinessStatus, TaskFacts, TaskReason, TaskState, TaskStatus, task_state
from hcrm.followup.domain.worklist import WorkFacts, WorkGroup, work_group
from hcrm.followup.readers import shipped_plans
from hcrm.organization.domain import Calendar
from hcrm.survey.domain import Cause, Severity

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONDON = ZoneInfo("Europe/London")
HOURS = ((time(9), time(11, 30)), (time(14, 30), time(17, 30)), (time(18, 30), time(20)))
PLANS = {shipped.plan.code: shipped.plan for shipped in shipped_plans()}
THREE_LEVEL = PLANS["three_level"]
CLOCK = AlertClock(SHANGHAI, CoverHours(time(8), time(20)), Calendar())


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def record(connection: Connection, day: int, hour: int = 10, **more) -> AttemptRecord:
    return AttemptRecord(connection, more.pop("disposition", None), at(f"2026-03-{day:02}T{hour:02}:00"), **more)


def context(
    *earlier: AttemptRecord, numbers: tuple[int, ...] = (1, 2), due: str = "2026-03-16T20:00"
) -> AttemptContext:
    return AttemptContext(earlier, numbers, at(due), SHANGHAI, HOURS)


def test_shipped_plans_survive_being_stored():
    for plan in PLANS.values():
        assert plan_from_mapping(plan_to_mapping(plan)) == plan


@pytest.mark.parametrize(
    "change",
    [
        {"from_day": 9, "until_day": 2},
        {"sample": 1.5},
        {"condition": "if_not_completed"},
        {"condition": "if_completed", "after_steps": ["survey"]},
        {"trigger": "step_ended"},
        {"channel": "pigeon"},
    ],
)
def test_a_plan_that_cannot_be_is_refused(change):
    data = plan_to_mapping(THREE_LEVEL)
    data["steps"][0] |= change
    with pytest.raises(PlanInvalid):
        plan_from_mapping(data)


@pytest.mark.parametrize(
    ("condition", "after_completion", "after_failure"),
    [(Condition.ALWAYS, True, True), (Condition.IF_COMPLETED, True, False), (Condition.IF_NOT_COMPLETED, False, True)],
)
def test_a_condition_asks_how_the_earlier_step_ended(condition, after_completion, after_failure):
    assert condition.is_met(completed=True) is after_completion
    assert condition.is_met(completed=False) is after_failure


def test_the_days_of_the_default_plan_are_those_of_the_table():
    planned = {
        each.step.code: each for each in expand_plan(THREE_LEVEL, date(2026, 3, 9), RiskLevel.LOW, Calendar(), SHANGHAI)
    }
    assert planned["welcome"].window_starts_at == at("2026-03-10T10:00")
    assert planned["clinical_call"].due_on == date(2026, 3, 16)
    assert planned["survey"].window_starts_at == at("2026-03-17T10:00")
    assert planned["survey_phone"].window_starts_at == at("2026-03-19T08:00")
    assert planned["survey_phone"].due_on == date(2026, 3, 23)
    assert planned["home_visit"].due_on == date(2026, 4, 8)
    assert "recall" not in planned
    assert "revisit_reminder" not in planned


def test_a_high_risk_call_after_a_friday_is_due_on_tuesday():
    planned = plan_step(THREE_LEVEL.step("high_risk_call"), date(2026, 3, 6), Calendar(), SHANGHAI)
    assert planned.due_on == date(2026, 3, 10)
    assert planned.target_at == at("2026-03-09T10:00")


def test_make_up_workdays_count_and_holidays_do_not():
    calendar = Calendar(holidays=frozenset({date(2026, 3, 9)}), workdays=frozenset({date(2026, 3, 7)}))
    planned = plan_step(THREE_LEVEL.step("high_risk_call"), date(2026, 3, 6), calendar, SHANGHAI)
    assert planned.due_on == date(2026, 3, 10)
    assert planned.target_at == at("2026-03-07T10:00")


def test_a_window_that_lies_in_holidays_is_extended_to_the_next_workday():
    days = frozenset(date(2026, 10, 1) + timedelta(days=n) for n in range(12))
    planned = plan_step(THREE_LEVEL.step("survey_phone"), date(2026, 9, 22), Calendar(holidays=days), SHANGHAI)
    assert planned.due_on == date(2026, 10, 13)


@pytest.mark.parametrize(
    ("day", "clock", "utc"),
    [
        (date(2026, 3, 29), time(1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        (date(2026, 10, 25), time(1, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        (date(2028, 2, 29), time(10), datetime(2028, 2, 29, 10, tzinfo=UTC)),
    ],
)
def test_local_times_pass_through_gaps_and_overlaps(day, clock, utc):
    assert local_moment(day, clock, LONDON) == utc


def test_risk_says_what_is_missing():
    found = assess_risk(days_in_hospital=8, planned=None, diagnoses=(), emergency_visits=2)
    assert (found.score, found.level) == (7, RiskLevel.MEDIUM)
    assert found.missing == (RiskPart.ACUITY, RiskPart.COMORBIDITY)


def test_risk_of_a_long_acute_stay_with_heart_failure_and_cancer_is_high():
    found = assess_risk(days_in_hospital=14, planned=False, diagnoses=("I50.9", "C34.1"), emergency_visits=0)
    assert (found.score, found.level) == (15, RiskLevel.HIGH)


@pytest.mark.parametrize(
    ("procedures", "surgical"),
    [
        ([("51.23", "", None)], True),
        ([("88.72", "", None)], False),
        ([("", "腹腔镜胆囊切除术", None)], True),
        ([("", "Ultrasound", None)], False),
        ([("Total hip replacement",)], True),
        ([], False),
    ],
)
def test_operations_are_told_from_tests(procedures, surgical):
    assert is_surgical(procedures) is surgical


def test_corrections_end_a_plan_for_their_reason():
    stay = StayFacts("IMP", "home", post_acute=False, finished=True, cancelled=False, discharged_on=date(2026, 3, 9))
    changes = {
        TaskReason.DECEASED: {"disposition": "expired"},
        TaskReason.TRANSFERRED: {"disposition": "transfer_acute"},
        TaskReason.INELIGIBLE: {"encounter_class": "AMB"},
        TaskReason.ENTERED_IN_ERROR: {"cancelled": True},
        None: {},
    }
    for reason, change in changes.items():
        changed = StayFacts(**({name: getattr(stay, name) for name in StayFacts.__slots__} | change))
        assert reason_to_end(THREE_LEVEL, changed) is reason


def test_three_days_without_an_answer_end_unable_to_contact():
    earlier = (record(Connection.NO_ANSWER, 10), record(Connection.BUSY, 11))
    found = consequence(record(Connection.POWERED_OFF, 12), context(*earlier))
    assert (found.status, found.reason) == (TaskStatus.FAILED, TaskReason.UNABLE_TO_CONTACT)
    assert found.business_status is BusinessStatus.UNABLE_TO_CONTACT


def test_three_attempts_on_two_days_go_on():
    earlier = (record(Connection.NO_ANSWER, 10), record(Connection.BUSY, 11))
    found = consequence(record(Connection.NO_ANSWER, 11, 15), context(*earlier))
    assert found.status is TaskStatus.OPEN


def test_the_next_try_is_tomorrow_at_another_time_on_another_number():
    found = consequence(record(Connection.NO_ANSWER, 10, contact_point_id=1), context())
    assert found.callback_at == at("2026-03-11T14:30")
    assert found.next_contact_point_id == 2


def test_a_suspended_line_is_tried_after_three_days():
    found = consequence(record(Connection.SUSPENDED, 10), context())
    assert found.callback_at == at("2026-03-13T14:30")


def test_on_the_last_day_it_is_tried_again_later_that_day():
    found = consequence(record(Connection.NO_ANSWER, 16), context())
    assert found.callback_at == at("2026-03-16T14:30")


@pytest.mark.parametrize("connection", [Connection.NOT_IN_SERVICE, Connection.WRONG_NUMBER])
def test_a_dead_number_is_retired_and_the_next_one_tried_at_once(connection):
    attempt = record(connection, 10, contact_point_id=1)
    found = consequence(attempt, context(numbers=(2,)))
    assert found.retires_number
    assert (found.callback_at, found.next_contact_point_id) == (attempt.started_at, 2)
    assert consequence(attempt, context(numbers=())).status is TaskStatus.FAILED


@pytest.mark.parametrize(
    ("disposition", "status", "reason"),
    [
        (Disposition.COMPLETED, TaskStatus.COMPLETED, None),
        (Disposition.REFUSED_THIS_CONTACT, TaskStatus.FAILED, TaskReason.REFUSED),
        (Disposition.OPTED_OUT, TaskStatus.CANCELLED, TaskReason.OPTED_OUT),
        (Disposition.REPORTED_DECEASED, TaskStatus.ON_HOLD, TaskReason.DECEASED),
        (Disposition.REPORTED_READMITTED, TaskStatus.CANCELLED, TaskReason.READMITTED),
        (Disposition.INELIGIBLE, TaskStatus.CANCELLED, TaskReason.INELIGIBLE),
    ],
)
def test_what_people_say_ends_the_task(disposition, status, reason):
    found = consequence(record(Connection.ANSWERED_PATIENT, 10, disposition=disposition), context())
    assert (found.status, found.reason) == (status, reason)


def test_a_requested_call_back_keeps_its_time_and_number():
    asked = at("2026-03-11T10:30")
    attempt = record(
        Connection.ANSWERED_PATIENT,
        10,
        disposition=Disposition.CALLBACK_REQUESTED,
        callback_at=asked,
        contact_point_id=1,
    )
    found = consequence(attempt, context())
    assert (found.callback_at, found.next_contact_point_id) == (asked, 1)
    assert found.business_status is BusinessStatus.CALLBACK_SCHEDULED


@pytest.mark.parametrize(
    ("connection", "disposition", "code"),
    [
        (Connection.NO_ANSWER, Disposition.PARTIAL, "disposition_without_answer"),
        (Connection.ANSWERED_UNKNOWN, Disposition.COMPLETED, "disposition_without_answer"),
        (Connection.ANSWERED_PATIENT, None, "disposition_missing"),
        (Connection.ANSWERED_PATIENT, Disposition.CALLBACK_REQUESTED, "callback_time_missing"),
    ],
)
def test_results_that_do_not_fit_are_refused(connection, disposition, code):
    with pytest.raises(AttemptInvalid) as problem:
        check_attempt(connection, disposition, None)
    assert problem.value.code == code


def test_alert_clocks():
    def due(severity: Severity, opened: str) -> datetime:
        return CLOCK.due_at(severity, at(opened))

    assert due(Severity.URGENT, "2026-03-10T23:30") == at("2026-03-11T00:30")
    assert due(Severity.HIGH, "2026-03-10T10:46") == at("2026-03-10T14:46")
    assert due(Severity.HIGH, "2026-03-10T18:00") == at("2026-03-11T10:00")
    assert due(Severity.HIGH, "2026-03-10T23:00") == at("2026-03-11T12:00")
    assert due(Severity.ROUTINE, "2026-03-13T10:15") == at("2026-03-16T10:15")
    assert due(Severity.ROUTINE, "2026-03-14T10:15") == at("2026-03-16T20:00")


@pytest.mark.parametrize(
    ("severity", "opened", "head"),
    [
        (Severity.URGENT, "2026-03-10T23:30", "2026-03-11T00:00"),
        (Severity.HIGH, "2026-03-10T10:46", "2026-03-10T12:46"),
        (Severity.HIGH, "2026-03-10T19:00", "2026-03-11T09:00"),
        (Severity.HIGH, "2026-03-14T23:00", "2026-03-15T10:00"),
        (Severity.ROUTINE, "2026-03-13T18:00", "2026-03-16T12:00"),
    ],
)
def test_the_head_is_told_after_half_of_the_working_time_of_an_alert(severity, opened, head):
    assert CLOCK.head_told_at(severity, at(opened)) == at(head)


def test_the_ladder_goes_from_the_owner_to_the_head_to_the_manager():
    assert [role_told(rung, "physician") for rung in Rung] == ["physician", "department_head", "manager"]
    assert [rung_above(rung) for rung in Rung] == [Rung.DEPARTMENT_HEAD, Rung.MANAGER, None]


def test_an_alert_is_acknowledged_before_it_is_closed():
    with pytest.raises(AlertInvalid):
        check_move(AlertStatus.OPEN, AlertStatus.RESOLVED)
    check_move(AlertStatus.ACKNOWLEDGED, AlertStatus.RESOLVED)
    with pytest.raises(AlertInvalid):
        check_move(AlertStatus.RESOLVED, AlertStatus.IN_PROGRESS)


def test_alerts_have_owners_and_words():
    assert owner_role("words:service: no one called", Cause.SERVICE) == "quality_officer"
    assert owner_role("low", Cause.SERVICE) == "complaints_officer"
    assert owner_role("changed", Cause.MEDICINE) == "physician"
    assert owner_role("fever", Cause.SYMPTOM) == "nurse"
    assert say_code(Severity.HIGH, "feeling") == "call_back"
    assert say_code(Severity.URGENT, "leg") == "emergency"


def test_states_follow_from_window_and_time():
    start, end = at("2026-03-10T08:00"), at("2026-03-16T20:00")
    facts = TaskFacts(TaskStatus.OPEN, start, end)
    assert task_state(facts, start - timedelta(minutes=1)) is TaskState.DRAFT
    assert task_state(facts, start) is TaskState.READY
    assert task_state(facts, end + timedelta(minutes=1)) is TaskState.OVERDUE
    assert task_state(TaskFacts(TaskStatus.OPEN, start, end, leased=True), start) is TaskState.IN_PROGRESS
    assert task_state(TaskFacts(TaskStatus.ON_HOLD, start, end, leased=True), start) is TaskState.ON_HOLD


def test_a_call_back_whose_time_has_come_goes_first():
    now, evening = at("2026-03-10T11:00"), at("2026-03-11T00:00")
    scheduled = BusinessStatus.CALLBACK_SCHEDULED
    due, target = at("2026-03-16T20:00"), at("2026-03-12T10:00")
    assert work_group(WorkFacts(due, target, at("2026-03-10T10:30"), scheduled), now, evening) is WorkGroup.CALLBACK
    assert work_group(WorkFacts(due, target, at("2026-03-10T15:00"), scheduled), now, evening) is WorkGroup.TODAY
    assert work_group(WorkFacts(due, target), now, evening) is WorkGroup.LATER
    assert work_group(WorkFacts(at("2026-03-09T20:00"), target), now, evening) is WorkGroup.OVERDUE
