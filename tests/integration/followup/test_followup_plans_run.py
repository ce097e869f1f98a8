"""Plans of the patient that pause, steps that an answer asks for, calls that go on, and which plan a stay gets."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.followup.domain.attempts import Connection
from hcrm.followup.domain.plan import PlanScope
from hcrm.followup.domain.task import BusinessStatus, EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, PlanRow, PlanVersionRow, TaskRow
from hcrm.followup.queries import call_view
from hcrm.followup.service import AttemptReport, after_end, complete_task, record_attempt
from hcrm.followup.service.responses import Answer, answer_question
from hcrm.patients.domain import Disposition, EncounterClass, RowKind
from tests.conftest import PASSWORD
from tests.factories_followup import DISCHARGED_AT, discharge, discharged, enrolments, install_content, tasks_of

pytestmark = pytest.mark.database

HEART_FAILURE = {"principal_diagnosis": "I50.0", "diagnoses": ("I50.0",)}


@pytest.fixture
def content(session: Session, now: datetime) -> None:
    install_content(session, now)


@pytest.fixture
def nurse(session: Session, facility: int, now: datetime) -> int:
    here = [MembershipSnapshot(facility, Role.NURSE)]
    return create_user(
        session, username="nurse", password=PASSWORD, display_name="n", language="en", memberships=here, now=now
    )


def plan_codes(session: Session) -> list[str]:
    rows = session.execute(
        select(PlanRow.code).join(EnrolmentRow, EnrolmentRow.plan_id == PlanRow.id).order_by(EnrolmentRow.id)
    )
    return [code for (code,) in rows]


def chronic(session: Session) -> list[TaskRow]:
    query = select(TaskRow).where(TaskRow.step_code.startswith("chronic")).order_by(TaskRow.due_at)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def of_patient(session: Session) -> EnrolmentRow:
    return next(each for each in enrolments(session) if each.scope is PlanScope.PATIENT)


@pytest.mark.usefixtures("content")
@pytest.mark.parametrize(
    ("stay", "plans"),
    [
        ({}, ["three_level"]),
        (HEART_FAILURE, ["three_level", "chronic_disease"]),
        ({"principal_diagnosis": "C34.1", "diagnoses": ("C34.1", "I10")}, ["three_level", "oncology"]),
        ({"principal_diagnosis": "O80.0", "diagnoses": ("O80.0",)}, ["mother_newborn"]),
        ({"procedures": (("47.0", "Appendectomy", None),)}, ["after_surgery"]),
        ({"procedures": (("81.51", "Hip replacement", None),)}, ["after_implant"]),
        (
            {"encounter_class": EncounterClass.SHORT_STAY, "procedures": (("13.4", "Cataract operation", None),)},
            ["day_surgery"],
        ),
        (
            {
                "encounter_class": EncounterClass.EMERGENCY,
                "disposition": Disposition.LEFT_WITHOUT_BEING_SEEN,
            },
            ["left_before_seen"],
        ),
        ({"disposition": Disposition.EXPIRED, **HEART_FAILURE}, []),
    ],
)
def test_each_discharge_gets_the_first_plan_that_takes_it(
    session: Session, facility: int, now: datetime, stay: dict[str, Any], plans: list[str]
) -> None:
    discharge(session, facility, discharged(**stay), now=now)
    assert plan_codes(session) == plans


@pytest.mark.usefixtures("content")
def test_a_plan_of_the_patient_pauses_for_a_stay_and_goes_on_after_it(
    session: Session, facility: int, now: datetime
) -> None:
    discharge(session, facility, discharged(**HEART_FAILURE), now=now)
    assert [(task.step_code, task.occurrence) for task in chronic(session)] == [
        ("chronic_first_call", 1),
        ("chronic_call", 1),
        ("chronic_call", 2),
    ]

    admitted = DISCHARGED_AT + timedelta(days=2)
    again = {"admitted_at": admitted, "discharged_at": None, "disposition": None, **HEART_FAILURE}
    discharge(session, facility, discharged("M1", "V2", event_at=admitted, **again), now=admitted)
    assert {(task.status, task.reason) for task in chronic(session)} == {(TaskStatus.ON_HOLD, TaskReason.READMITTED)}
    assert of_patient(session).status is EnrolmentStatus.PAUSED
    assert enrolments(session)[0].status is EnrolmentStatus.CANCELLED

    home = DISCHARGED_AT + timedelta(days=12)
    left = {"admitted_at": admitted, "discharged_at": home, **HEART_FAILURE}
    discharge(session, facility, discharged("M1", "V2", event_at=home, **left), now=home)
    assert [(task.status, task.reason) for task in chronic(session)] == [
        (TaskStatus.CANCELLED, TaskReason.READMITTED),
        (TaskStatus.OPEN, None),
        (TaskStatus.OPEN, None),
    ]
    assert chronic(session)[0].ended_at == admitted
    assert of_patient(session).status is EnrolmentStatus.ACTIVE
    assert plan_codes(session) == ["three_level", "chronic_disease", "three_level"]

    taken_back = {"kind": RowKind.CANCEL, "admitted_at": None, "discharged_at": None, "disposition": None}
    later = home + timedelta(days=1)
    discharge(session, facility, discharged("M1", "V2", event_at=later, **taken_back), now=later)
    assert {task.status for task in chronic(session)} == {TaskStatus.OPEN}


@pytest.mark.usefixtures("content")
def test_records_that_come_late_and_in_any_order_end_in_the_same_state(
    session: Session, facility: int, now: datetime
) -> None:
    later = now + timedelta(days=40)
    admitted, home = DISCHARGED_AT + timedelta(days=2), DISCHARGED_AT + timedelta(days=12)
    second = discharged("M1", "V2", event_at=home, admitted_at=admitted, discharged_at=home)
    discharge(session, facility, discharged(event_at=DISCHARGED_AT, **HEART_FAILURE), second, now=later)
    assert next((task.status, task.reason, task.ended_at) for task in chronic(session)) == (
        TaskStatus.CANCELLED,
        TaskReason.READMITTED,
        admitted,
    )
    assert of_patient(session).status is EnrolmentStatus.ACTIVE


@pytest.mark.usefixtures("content")
def test_an_answer_that_matches_asks_for_a_further_step(session: Session, facility: int, now: datetime) -> None:
    version = session.scalars(
        select(PlanVersionRow).join(PlanRow, PlanRow.id == PlanVersionRow.plan_id).where(PlanRow.code == "three_level")
    ).one()
    further = {
        **next(step for step in version.definition["steps"] if step["code"] == "clinical_call"),
        "code": "worse_call", "trigger": "step_ended", "condition": "if_answer", "after_steps": ["clinical_call"],
        "answer_question": "feeling", "answer_values": ["worse"], "from_day": 0, "target_day": 1, "until_day": 2,
    }  # fmt: skip
    session.execute(
        update(PlanVersionRow)
        .where(PlanVersionRow.id == version.id)
        .values(definition={**version.definition, "steps": [*version.definition["steps"], further]})
    )
    discharge(session, facility, discharged("M1", "V1"), discharged("M2", "V2"), now=now)
    calls = session.scalars(select(TaskRow).where(TaskRow.step_code == "clinical_call").order_by(TaskRow.id)).all()
    for task, feeling in zip(calls, ("worse", "better"), strict=True):
        answer_question(
            session, task_id=task.id, answer=Answer(question_code="feeling", value=feeling), user_id=1, now=now
        )
        complete_task(session, task_id=task.id, now=now)
        after_end(session, task_ids=[task.id], now=now)
    found = session.scalars(select(TaskRow).where(TaskRow.step_code == "worse_call")).all()
    assert [task.patient_id for task in found] == [calls[0].patient_id]


@pytest.mark.usefixtures("content")
def test_a_high_risk_call_goes_on_after_two_half_days(
    session: Session, facility: int, now: datetime, nurse: int
) -> None:
    risky = {"planned": False, "admitted_at": DISCHARGED_AT - timedelta(days=14), **HEART_FAILURE}
    discharge(session, facility, discharged(**risky), now=now)
    task = tasks_of(session)["high_risk_call"]
    due = task.due_at

    def nobody(hours: float) -> None:
        at = now + timedelta(hours=hours)
        report = AttemptReport(f"k{hours}", Connection.NO_ANSWER, None, at)
        record_attempt(session, task_id=task.id, report=report, user_id=nurse, now=at)
        session.refresh(task)

    nobody(0)
    nobody(0.5)
    assert (task.due_at, task.business_status) == (due, None)
    nobody(5)
    assert task.business_status is BusinessStatus.ESCALATED
    assert (task.due_on - task.discharged_on).days == 7
    nobody(24)
    assert task.business_status is BusinessStatus.ESCALATED
    assert session.scalar(select(func.count()).select_from(TaskRow).where(TaskRow.step_code == "high_risk_call")) == 1


@pytest.mark.usefixtures("content")
def test_who_calls_sees_the_calls_of_other_plans(session: Session, facility: int, now: datetime, nurse: int) -> None:
    discharge(session, facility, discharged(**HEART_FAILURE), now=now)
    other = chronic(session)[0]
    report = AttemptReport("k", Connection.NO_ANSWER, None, now)
    record_attempt(session, task_id=other.id, report=report, user_id=nurse, now=now)
    view = call_view(session, tasks_of(session)["clinical_call"].id, now=now)
    assert [each.step_code for each in view.attempts] == [other.step_code]
