from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import BusinessStatus, TaskReason, TaskStatus
from hcrm.followup.domain.worklist import WorkFacts, work_group
from hcrm.followup.jobs import release_due_steps
from hcrm.followup.models import EnrolmentRow, PlanRow, PlanVersionRow, TaskRow
from hcrm.followup.queries.today import day_of, work_group_expression
from hcrm.followup.service import (
    TaskHeld,
    after_end,
    cancel_tasks,
    complete_task,
    follow_messages,
    follow_stop,
    open_task,
)
from hcrm.messaging.domain import MessageStatus, Reason
from hcrm.messaging.models import OutboxMessage
from hcrm.organization.queries import facility as facility_snapshot
from hcrm.unit_of_work import unit_of_work
from tests.conftest import PASSWORD
from tests.factories_followup import discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database


def make_users(session, facility, now, count):
    return [
        create_user(
            session,
            username=f"nurse{n}",
            password=PASSWORD,
            display_name=f"Nurse {n}",
            language="en",
            memberships=[MembershipSnapshot(facility_id=facility, role=Role.NURSE)],
            now=now,
        )
        for n in range(count)
    ]


def test_groups_in_the_database_are_those_of_the_domain(session, facility, now):
    install_content(session, now)
    discharge(session, facility, discharged(), now=now)
    task = tasks_of(session)["clinical_call"]
    day = day_of(facility_snapshot(session, facility), now)
    spread = [now + timedelta(hours=hours) for hours in (-200, -30, -1, 0, 1, 9, 13, 30, 200)]
    for status in TaskStatus:
        for due_at in spread:
            for callback_at in (None, *spread):
                for business in (None, BusinessStatus.CALLBACK_SCHEDULED):
                    starts = due_at - timedelta(days=2)
                    values = {"status": status, "due_at": due_at, "window_starts_at": starts, "target_at": due_at}
                    values |= {"callback_at": callback_at, "business_status": business}
                    session.execute(update(TaskRow).where(TaskRow.id == task.id).values(values))
                    group = session.scalar(select(work_group_expression(day)).where(TaskRow.id == task.id))
                    facts = WorkFacts(due_at, due_at, callback_at, business)
                    assert group == work_group(facts, now, day.ends)


def test_of_two_hundred_who_open_a_task_at_once_one_holds_it(runtime, facility):
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
        users = make_users(session, facility, now, 10)
    with runtime.sessions() as session:
        task_id = tasks_of(session)["clinical_call"].id

    def take(attempt):
        try:
            with unit_of_work(runtime.sessions) as session:
                open_task(session, task_id=task_id, user_id=users[attempt % 10])
        except TaskHeld as held:
            return held.user_id
        return users[attempt % 10]

    with ThreadPoolExecutor(15) as pool:
        holders = set(pool.map(take, range(200)))
    assert len(holders) == 1


def test_a_browser_that_dies_gives_the_task_back(runtime, facility):
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
        dead, other = make_users(session, facility, now, 2)
        task_id = tasks_of(session)["clinical_call"].id
        open_task(session, task_id=task_id, user_id=dead)
    with pytest.raises(TaskHeld), unit_of_work(runtime.sessions) as session:
        open_task(session, task_id=task_id, user_id=other)
    with unit_of_work(runtime.sessions) as session:
        left = session.execute(
            select(TaskRow.lease_until - func.clock_timestamp()).where(TaskRow.id == task_id)
        ).scalar_one()
        assert timedelta(minutes=4) < left <= timedelta(minutes=5)
        session.execute(update(TaskRow).values(lease_until=func.clock_timestamp() - timedelta(seconds=1)))
    with unit_of_work(runtime.sessions) as session:
        open_task(session, task_id=task_id, user_id=other)
        assert session.scalar(select(TaskRow.lease_user_id).where(TaskRow.id == task_id)) == other


def test_due_messages_go_to_the_outbox_once(runtime, facility):
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
    assert release_due_steps(runtime) == 1
    assert release_due_steps(runtime) == 0
    with runtime.sessions() as session:
        message = session.scalars(select(OutboxMessage)).one()
        task = tasks_of(session)["welcome"]
    assert (message.task_id, message.template_code) == (task.id, "welcome")
    assert (task.sent_message_id, message.key) == (message.id, f"care:task:{task.id}:0")

    runtime.clock.advance(timedelta(days=7))
    assert release_due_steps(runtime) == 1
    with runtime.sessions() as session:
        assert session.scalar(select(func.count()).select_from(OutboxMessage)) == 2


def test_a_completed_survey_needs_no_call(session, facility, now):
    install_content(session, now)
    discharge(session, facility, discharged(), now=now)
    survey = tasks_of(session)["survey"]
    complete_task(session, task_id=survey.id, now=now)
    after_end(session, task_ids=[survey.id], now=now)
    phone = tasks_of(session)["survey_phone"]
    assert (phone.status, phone.reason) == (TaskStatus.CANCELLED, TaskReason.CONDITION_NOT_MET)


def test_about_a_tenth_of_completed_calls_is_checked(session, facility, now):
    install_content(session, now)
    discharge(session, facility, *[discharged(f"M{n}", f"V{n}", full_name=f"P{n}") for n in range(200)], now=now)
    calls = list(session.scalars(select(TaskRow.id).where(TaskRow.step_code == "clinical_call")))
    for task_id in calls:
        complete_task(session, task_id=task_id, now=now)
    after_end(session, task_ids=calls, now=now)
    checks = session.scalars(select(TaskRow).where(TaskRow.step_code == "recall")).all()
    assert 5 <= len(checks) <= 40
    assert {check.questionnaire_code for check in checks} == {"RECALL"}
    assert {check.due_on for check in checks} == {(now + timedelta(days=7)).date()}
    after_end(session, task_ids=calls, now=now)
    assert session.scalar(select(func.count()).where(TaskRow.step_code == "recall")) == len(checks)


def test_a_step_that_asks_for_a_completed_one_does_not_follow_a_failed_one(session, facility, now):
    install_content(session, now)
    version = session.scalars(select(PlanVersionRow).join(PlanRow).where(PlanRow.code == "three_level")).one()
    steps = [
        step | ({"sample": 1.0, "condition": "if_completed"} if step["code"] == "recall" else {})
        for step in version.definition["steps"]
    ]
    version.definition = version.definition | {"steps": steps}
    discharge(session, facility, *[discharged(f"M{n}", f"V{n}", full_name=f"P{n}") for n in range(2)], now=now)
    completed, failed = session.scalars(
        select(TaskRow).where(TaskRow.step_code == "clinical_call").order_by(TaskRow.id)
    ).all()
    complete_task(session, task_id=completed.id, now=now)
    failed.status, failed.reason, failed.ended_at = TaskStatus.FAILED, TaskReason.UNABLE_TO_CONTACT, now
    session.flush()
    after_end(session, task_ids=[completed.id, failed.id], now=now)
    check = session.scalars(select(TaskRow).where(TaskRow.step_code == "recall")).one()
    assert check.encounter_id == completed.encounter_id


def test_a_stopped_number_is_called_and_not_surveyed_by_text(session, facility, now):
    install_content(session, now)
    discharge(session, facility, discharged(), now=now)
    follow_stop(session, facility_id=facility, number="+8613912345678", now=now)
    tasks = tasks_of(session)
    assert (tasks["welcome"].channel, tasks["welcome"].status) == (StepChannel.PHONE, TaskStatus.OPEN)
    assert tasks["survey"].reason is TaskReason.OPTED_OUT
    assert tasks["survey_phone"].status is TaskStatus.OPEN
    assert session.scalar(select(func.count()).select_from(EnrolmentRow)) == 1


def test_a_sender_and_whoever_cancels_its_task_do_not_block_each_other(runtime, facility):
    """The sender holds the message and wants its task; ending tasks waits for the message before it takes the task."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
    release_due_steps(runtime)
    with runtime.sessions() as session:
        task_id = tasks_of(session)["welcome"].id

    def cancel():
        with unit_of_work(runtime.sessions) as session:
            return cancel_tasks(session, task_ids=[task_id], reason=TaskReason.OTHER, user_id=1, now=now)

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work(runtime.sessions) as session:
            message = session.scalars(select(OutboxMessage).with_for_update()).one()
            cancelling = pool.submit(cancel)
            wait_for_a_waiting_connection(session)
            message.status, message.reason = MessageStatus.SUPPRESSED, Reason.INVALID_NUMBER
            session.flush()
            follow_messages(session, message_ids=[message.id], now=now)
        assert cancelling.result(timeout=5) == []
    with runtime.sessions() as session:
        task = tasks_of(session)["welcome"]
    assert (task.status, task.reason) == (TaskStatus.FAILED, TaskReason.NOT_DELIVERED)


def wait_for_a_waiting_connection(session):
    """Until another connection waits for what this one holds."""
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))")
    for _ in range(500):
        if session.scalar(waiting):
            return
        session.execute(text("SELECT pg_sleep(0.01)"))
    raise AssertionError("nobody waits")
