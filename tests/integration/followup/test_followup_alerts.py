"""Alerts: who is told and when, and what happens when an answer is corrected."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.models import UserAccount
from hcrm.accounts.service import create_user
from hcrm.audit.models import AuditEntry
from hcrm.followup.domain.alerts import AlertAction, AlertInvalid, AlertStatus, Rung
from hcrm.followup.jobs import climb_ladders
from hcrm.followup.models import AbsenceRow, AlertNoticeRow
from hcrm.followup.queries import one_alert
from hcrm.followup.service import acknowledge_alert, resolve_alert
from hcrm.messaging.jobs import send_due
from hcrm.messaging.models import ConsoleDelivery
from hcrm.messaging.providers.console import ConsoleProvider
from hcrm.organization.service import change_settings
from hcrm.survey.domain import Cause, Mode, Severity
from hcrm.survey.service import clear_answer, ensure_response, record_answer
from hcrm.unit_of_work import unit_of_work
from tests.conftest import PASSWORD
from tests.factories_followup import alerts_of, discharge, discharged, install_content, tasks_of

pytestmark = pytest.mark.database

DUTY_PHONE = "+8613900000009"


@pytest.fixture
def staff(runtime, facility, departments):
    """Two nurses and a head of internal medicine, a nurse of surgery, a manager: ids by user name."""
    places = {
        "anna": (Role.NURSE, "MED"),
        "bo": (Role.NURSE, "MED"),
        "carl": (Role.NURSE, "SUR"),
        "dora": (Role.DEPARTMENT_HEAD, "MED"),
        "eve": (Role.MANAGER, None),
    }
    with unit_of_work(runtime.sessions) as session:
        return {
            name: create_user(
                session,
                username=name,
                password=PASSWORD,
                display_name=name.title(),
                language="en",
                memberships=[MembershipSnapshot(facility, role, departments[ward] if ward else None)],
                now=runtime.clock.now(),
            )
            for name, (role, ward) in places.items()
        }


@pytest.fixture
def response(runtime, facility):
    """A response to the questions of a clinical call of a patient of internal medicine."""
    now = runtime.clock.now()
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(), now=now)
        task = tasks_of(session)["clinical_call"]
        return ensure_response(
            session,
            facility_id=facility,
            questionnaire_code=task.questionnaire_code,
            patient_id=task.patient_id,
            encounter_id=task.encounter_id,
            task_id=task.id,
            department_id=task.department_id,
            expires_at=task.due_at,
            now=now,
        )


def say(runtime, response, question, value):
    with unit_of_work(runtime.sessions) as session:
        record_answer(
            session,
            response_id=response,
            question_code=question,
            value=value,
            mode=Mode.PHONE,
            now=runtime.clock.now(),
        )


def alerts(runtime):
    with runtime.sessions() as session:
        return alerts_of(session)


def told(runtime):
    """(rung, user id) of everybody who was told, in the order of telling."""
    with runtime.sessions() as session:
        rows = session.execute(
            select(AlertNoticeRow.rung, AlertNoticeRow.role, AlertNoticeRow.user_id).order_by(AlertNoticeRow.id)
        )
        return [tuple(row) for row in rows]


def test_an_alert_that_nobody_acknowledges_goes_up_the_ladder_by_its_clock(runtime, staff, response):
    say(runtime, response, "feeling", "worse")
    ward = [(0, "nurse", staff["anna"]), (0, "nurse", staff["bo"])]
    assert told(runtime) == ward
    assert climb_ladders(runtime) == 0

    runtime.clock.advance(timedelta(hours=2))
    assert climb_ladders(runtime) == 1
    assert told(runtime) == [*ward, (1, "department_head", staff["dora"])]
    assert climb_ladders(runtime) == 0

    runtime.clock.advance(timedelta(hours=2))
    assert climb_ladders(runtime) == 1
    assert told(runtime)[3:] == [(2, "manager", staff["eve"])]
    runtime.clock.advance(timedelta(days=2))
    assert climb_ladders(runtime) == 0
    with runtime.sessions() as session:
        steps = session.scalars(
            select(AuditEntry.details).where(AuditEntry.action == "alert.passed_up").order_by(AuditEntry.id)
        ).all()
        item = one_alert(session, alerts(runtime)[0].id)
    assert steps == [{"rung": 1}, {"rung": 2}]
    assert {rung: notice.names for rung, notice in item.notices.items()} == {
        Rung.OWNER: ("Anna", "Bo"),
        Rung.DEPARTMENT_HEAD: ("Dora",),
        Rung.MANAGER: ("Eve",),
    }


def test_acknowledging_stops_the_ladder(runtime, staff, response):
    say(runtime, response, "feeling", "worse")
    with unit_of_work(runtime.sessions) as session:
        acknowledge_alert(session, alert_id=alerts_of(session)[0].id, user_id=staff["bo"], now=runtime.clock.now())
    runtime.clock.advance(timedelta(days=3))
    assert climb_ladders(runtime) == 0
    assert {rung for rung, *_ in told(runtime)} == {0}


def test_many_workers_pass_an_alert_up_once(runtime, staff, response):
    say(runtime, response, "feeling", "worse")
    runtime.clock.advance(timedelta(hours=2))
    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(lambda _: climb_ladders(runtime), range(12))) == 1
    assert [rung for rung, *_ in told(runtime)] == [0, 0, 1]


def test_a_rung_without_anybody_is_passed_at_once(runtime, response):
    say(runtime, response, "feeling", "worse")
    assert told(runtime) == [(0, "nurse", None), (1, "department_head", None), (2, "manager", None)]
    assert alerts(runtime)[0].next_rung_at is None


@pytest.fixture
def no_head(runtime, staff):
    """The head of internal medicine has left."""
    with unit_of_work(runtime.sessions) as session:
        session.execute(update(UserAccount).where(UserAccount.id == staff["dora"]).values(active=False))


def test_in_a_ward_without_a_head_the_manager_is_told_when_the_head_would_have_been(runtime, staff, no_head, response):
    say(runtime, response, "feeling", "worse")
    ward = [(0, "nurse", staff["anna"]), (0, "nurse", staff["bo"])]
    assert told(runtime) == ward
    runtime.clock.advance(timedelta(hours=2))
    assert climb_ladders(runtime) == 1
    assert told(runtime) == [*ward, (1, "department_head", None), (2, "manager", staff["eve"])]
    runtime.clock.advance(timedelta(days=2))
    assert climb_ladders(runtime) == 0


def away(runtime, facility, user_id, stand_in):
    today = runtime.clock.now().date()
    with unit_of_work(runtime.sessions) as session:
        row = AbsenceRow(
            facility_id=facility,
            user_id=user_id,
            from_on=today,
            until_on=today,
            stand_in_user_id=stand_in,
            entered_by=user_id,
            entered_at=runtime.clock.now(),
        )
        session.add(row)


def test_the_stand_in_is_told_for_who_is_away(runtime, facility, staff, response):
    away(runtime, facility, staff["anna"], None)
    away(runtime, facility, staff["dora"], staff["bo"])
    say(runtime, response, "feeling", "worse")
    assert told(runtime) == [(0, "nurse", staff["bo"])]
    runtime.clock.advance(timedelta(hours=2))
    climb_ladders(runtime)
    assert told(runtime)[1:] == [(1, "department_head", staff["bo"])]


def test_a_manager_who_is_away_is_told_all_the_same_for_there_is_nobody_above(runtime, facility, staff, response):
    for name in ("dora", "eve"):
        away(runtime, facility, staff[name], None)
    say(runtime, response, "feeling", "worse")
    runtime.clock.advance(timedelta(hours=2))
    climb_ladders(runtime)
    assert told(runtime)[2:] == [(1, "department_head", None), (2, "manager", staff["eve"])]


def test_when_no_worker_ran_the_alert_catches_up_with_its_clock(runtime, staff, response):
    say(runtime, response, "feeling", "worse")
    runtime.clock.advance(timedelta(days=1))
    assert climb_ladders(runtime) == 1
    assert [rung for rung, *_ in told(runtime)] == [0, 0, 1, 2]


def test_the_duty_phone_is_told_of_urgent_alerts_at_any_hour(runtime, facility, staff, response):
    with unit_of_work(runtime.sessions) as session:
        change_settings(
            session,
            facility_id=facility,
            changes={"on_call_number": DUTY_PHONE},
            actor_user_id=None,
            now=runtime.clock.now(),
        )
    runtime.clock.advance(timedelta(hours=15))
    say(runtime, response, "danger", ["chest_pain"])
    provider = ConsoleProvider(runtime.engine, runtime.clock)
    send_due(runtime, provider)
    runtime.clock.advance(timedelta(minutes=31))
    climb_ladders(runtime)
    send_due(runtime, provider)
    with runtime.sessions() as session:
        texts = session.execute(select(ConsoleDelivery.to_number, ConsoleDelivery.body)).all()
        by_phone = session.scalar(select(func.count()).where(AlertNoticeRow.message_id.is_not(None)))
    alert = alerts(runtime)[0]
    assert [number for number, _ in texts] == [DUTY_PHONE, DUTY_PHONE]
    assert texts[0].body == f"Test Hospital: urgent alert {alert.id} waits for you since 01:00. Open Alerts to answer."
    assert by_phone == 2


def test_a_corrected_answer_leaves_the_alert_open_and_marked(runtime, staff, response):
    say(runtime, response, "feeling", "worse")
    runtime.clock.advance(timedelta(minutes=1))
    say(runtime, response, "feeling", "better")
    alert = alerts(runtime)[0]
    assert (alert.status, alert.corrected_at) == (AlertStatus.OPEN, runtime.clock.now())
    with runtime.sessions() as session:
        asked = one_alert(session, alert.id).raised_by[0]
    assert (asked.question.code, asked.answer.value, asked.now.value) == ("feeling", "worse", "better")
    runtime.clock.advance(timedelta(hours=3))
    assert climb_ladders(runtime) == 1

    say(runtime, response, "feeling", "worse")
    assert [each.corrected_at for each in alerts(runtime)] == [None]


def test_an_answer_taken_back_marks_the_alert(runtime, staff, response):
    say(runtime, response, "feeling", "worse")
    with unit_of_work(runtime.sessions) as session:
        clear_answer(session, response_id=response, question_code="feeling", now=runtime.clock.now())
    alert = alerts(runtime)[0]
    assert alert.corrected_at is not None
    with runtime.sessions() as session:
        assert one_alert(session, alert.id).raised_by[0].now is None


def test_an_alert_is_closed_as_corrected_only_when_it_was_and_comes_again(runtime, staff, response):
    say(runtime, response, "feeling", "worse")
    closing = {"cause": Cause.OTHER, "action": AlertAction.ANSWER_CORRECTED, "note": "Wrong key."}
    closing |= {"user_id": staff["anna"], "now": runtime.clock.now()}
    with unit_of_work(runtime.sessions) as session:
        alert_id = alerts_of(session)[0].id
        acknowledge_alert(session, alert_id=alert_id, user_id=staff["anna"], now=runtime.clock.now())
        with pytest.raises(AlertInvalid, match="not_corrected"):
            resolve_alert(session, alert_id=alert_id, **closing)
    say(runtime, response, "feeling", "same")
    with unit_of_work(runtime.sessions) as session:
        resolve_alert(session, alert_id=alert_id, **closing)
    say(runtime, response, "fever", "no")
    assert len(alerts(runtime)) == 1

    say(runtime, response, "feeling", "worse")
    assert [each.status for each in alerts(runtime)] == [AlertStatus.RESOLVED, AlertStatus.OPEN]
    say(runtime, response, "fever", "unsure")
    assert len(alerts(runtime)) == 2


def test_a_milder_answer_opens_its_own_alert_and_keeps_the_graver_one(runtime, staff, response):
    say(runtime, response, "danger", ["chest_pain"])
    say(runtime, response, "danger", ["none"])
    say(runtime, response, "feeling", "worse")
    found = {each.severity: each.corrected_at is None for each in alerts(runtime)}
    assert found == {Severity.URGENT: False, Severity.HIGH: True}
