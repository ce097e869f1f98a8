"""Whatever happens to two records of one person, in whatever order: follow-up ends in a state that is allowed.

No step is open for somebody dead, for a stay that is cancelled or not finished, or after an admission to a ward; none
is open twice; none is lost; and no text goes out twice. Both persons have a plan of the stay and, for their heart
failure, a plan of the patient beside it, which pauses for a stay on a ward instead of ending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from hcrm.followup.domain.plan import PlanScope
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.service import after_end, cancel_tasks, complete_task, release_due, undo_cancellation
from hcrm.messaging.domain import DUE_STATES, HANDED_OVER, MessageStatus
from hcrm.messaging.models import OutboxMessage
from hcrm.patients.domain import ConsentChannel, ConsentPurpose, DeceasedState, EncounterStatus, RowKind
from hcrm.patients.models import Encounter, Patient, PatientIdentifier, PatientMerge
from hcrm.patients.queries import patient_snapshots
from hcrm.patients.service import (
    merge_patients,
    record_consent,
    report_deceased,
    unmerge_patients,
    withdraw_deceased,
)
from tests.factories_followup import DISCHARGED_AT, discharge, discharged, install_content

pytestmark = pytest.mark.database

FIRST, SECOND = "M1", "M2"
HEART_FAILURE = {"principal_diagnosis": "I50.0", "diagnoses": ("I50.0",)}
RUNNING = (EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED, EnrolmentStatus.COMPLETED)
GONE_FOR = {TaskReason.READMITTED, TaskReason.DECEASED, TaskReason.ENTERED_IN_ERROR, TaskReason.DUPLICATE_MERGED}


@dataclass
class World:
    """Two records with a stay each; every event happens a quarter of an hour after the one before."""

    session: Session
    facility: int
    now: datetime

    def bring(self, mrn: str, visit: str, **changes: object) -> None:
        row = discharged(mrn, visit, event_at=self.now, full_name=f"Person {mrn}", **(HEART_FAILURE | changes))
        discharge(self.session, self.facility, row, now=self.now, stated_at=self.now)

    def patient(self, mrn: str) -> int:
        return self.session.scalars(select(PatientIdentifier.patient_id).where(PatientIdentifier.value == mrn)).one()

    def tasks(self) -> list[TaskRow]:
        return list(
            self.session.scalars(select(TaskRow).order_by(TaskRow.id).execution_options(populate_existing=True))
        )

    def merge(self) -> PatientMerge | None:
        return self.session.scalars(select(PatientMerge).where(PatientMerge.undone_at.is_(None))).one_or_none()


def _discharge(world: World) -> None:
    world.bring(FIRST, "V1")


def _correct(world: World) -> None:
    world.bring(FIRST, "V1", discharged_at=DISCHARGED_AT + timedelta(days=1))


def _cancel(world: World) -> None:
    world.bring(FIRST, "V1", kind=RowKind.CANCEL)


def _readmit(world: World) -> None:
    world.bring(FIRST, "V2", admitted_at=world.now, discharged_at=None, disposition=None)


def _go_home(world: World) -> None:
    world.bring(FIRST, "V2", admitted_at=world.now - timedelta(minutes=5), discharged_at=world.now)


def _cancel_readmission(world: World) -> None:
    world.bring(FIRST, "V2", kind=RowKind.CANCEL, admitted_at=None, discharged_at=None, disposition=None)


def _readmit_later(world: World) -> None:
    world.bring(SECOND, "W2", admitted_at=world.now, discharged_at=None, disposition=None)


def _cancel_later(world: World) -> None:
    world.bring(SECOND, "W2", kind=RowKind.CANCEL, admitted_at=None, discharged_at=None, disposition=None)


def _report_death(world: World) -> None:
    report_deceased(world.session, patient_id=world.patient(FIRST), confirmed=False, now=world.now, actor_user_id=None)


def _die(world: World) -> None:
    report_deceased(world.session, patient_id=world.patient(SECOND), confirmed=True, now=world.now, actor_user_id=None)


def _live(world: World) -> None:
    for mrn in (FIRST, SECOND):
        withdraw_deceased(world.session, patient_id=world.patient(mrn), now=world.now, actor_user_id=None)


def _merge(world: World) -> None:
    if world.merge() is None:
        merge_patients(
            world.session,
            from_patient_id=world.patient(SECOND),
            into_patient_id=world.patient(FIRST),
            reason="same",
            now=world.now,
            actor_user_id=None,
        )


def _part(world: World) -> None:
    merge = world.merge()
    if merge is not None:
        unmerge_patients(world.session, merge_id=merge.id, now=world.now, actor_user_id=None)


def _opt_out(world: World) -> None:
    record_consent(
        world.session,
        patient_id=world.patient(FIRST),
        purpose=ConsentPurpose.CARE,
        channel=ConsentChannel.PHONE,
        given=False,
        how="phone",
        now=world.now,
        actor_user_id=None,
    )


def _complete(world: World) -> None:
    for task in world.tasks():
        if task.step_code == "clinical_call" and complete_task(world.session, task_id=task.id, now=world.now):
            after_end(world.session, task_ids=[task.id], now=world.now)


def _send(world: World) -> None:
    release_due(world.session, now=world.now, limit=100)
    world.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.status.in_(DUE_STATES))
        .values(status=MessageStatus.SENT, decided_at=world.now)
    )


def _queue(world: World) -> None:
    release_due(world.session, now=world.now, limit=100)


def _cancel_by_hand(world: World) -> None:
    ids = [task.id for task in world.tasks() if task.step_code == "survey_phone"]
    cancel_tasks(world.session, task_ids=ids, reason=TaskReason.OTHER, user_id=1, now=world.now)


def _undo(world: World) -> None:
    undo_cancellation(world.session, task_ids=[task.id for task in world.tasks()], now=world.now)


EVENTS: dict[str, Callable[[World], None]] = {
    "discharge": _discharge,
    "correct": _correct,
    "cancel": _cancel,
    "readmit": _readmit,
    "go home": _go_home,
    "cancel readmission": _cancel_readmission,
    "readmit the other record": _readmit_later,
    "cancel that": _cancel_later,
    "report death": _report_death,
    "die": _die,
    "live": _live,
    "merge": _merge,
    "part": _part,
    "opt out": _opt_out,
    "complete": _complete,
    "queue texts": _queue,
    "send texts": _send,
    "cancel by hand": _cancel_by_hand,
    "undo": _undo,
}


@dataclass(frozen=True)
class Case:
    """A task with what is true of it."""

    task: TaskRow
    plan_status: EnrolmentStatus
    scope: PlanScope
    on_ward: bool
    newest_plan: bool
    finished: bool
    death: DeceasedState
    admitted_again: bool
    kept_by_hand: bool
    twins: tuple[TaskRow, ...]

    @property
    def waits(self) -> bool:
        return self.task.status in (TaskStatus.OPEN, TaskStatus.ON_HOLD)

    @property
    def of_patient(self) -> bool:
        return self.scope is PlanScope.PATIENT

    @property
    def plan_runs(self) -> bool:
        pauses = self.of_patient and self.on_ward and (self.task.status is TaskStatus.ON_HOLD or self.kept_by_hand)
        return self.plan_status is EnrolmentStatus.ACTIVE or (pauses and self.plan_status is EnrolmentStatus.PAUSED)

    @property
    def is_interrupted(self) -> bool:
        if self.of_patient:
            return self.on_ward and self.task.status is TaskStatus.OPEN
        return self.admitted_again and self.waits

    @property
    def is_done_elsewhere(self) -> bool:
        return any(each.status in (TaskStatus.OPEN, TaskStatus.ON_HOLD, TaskStatus.COMPLETED) for each in self.twins)

    @property
    def is_decided_elsewhere(self) -> bool:
        return any(each.reason not in (None, *GONE_FOR) for each in self.twins)

    @property
    def is_alive(self) -> bool:
        return self.death is DeceasedState.NONE

    @property
    def goes_on(self) -> bool:
        interrupted = self.on_ward if self.of_patient else self.admitted_again
        gone = interrupted or self.death is not DeceasedState.NONE or self.is_done_elsewhere
        return self.finished and self.newest_plan and not gone and not self.is_decided_elsewhere

    def faults(self) -> Iterator[str]:
        is_open = self.task.status is TaskStatus.OPEN
        checks = {
            "open for a stay that is not finished": self.waits and not self.finished,
            "open in a plan that ended": self.waits and not self.plan_runs,
            "open for somebody dead": is_open and self.death is not DeceasedState.NONE,
            "on hold after a confirmed death": self.waits and self.death is DeceasedState.CONFIRMED,
            "open after an admission": self.is_interrupted and not self.kept_by_hand,
            "on hold at home": self.task.status is TaskStatus.ON_HOLD and not self.on_ward and self.is_alive,
            "lost": self.goes_on and not is_open and self.task.reason in GONE_FOR,
            "open twice": is_open and not self.kept_by_hand and self.is_done_elsewhere,
        }
        yield from (f"{self.task.step_code} {what}: {self.task.reason}" for what, found in checks.items() if found)


def cases(world: World) -> Iterator[Case]:
    session, tasks = world.session, world.tasks()
    people = patient_snapshots(session, {task.patient_id for task in tasks})
    fresh = {"populate_existing": True}
    stays = {each.id: each for each in session.scalars(select(Encounter).execution_options(**fresh))}
    plans = {each.id: each for each in session.scalars(select(EnrolmentRow).execution_options(**fresh))}
    running = {(each.encounter_id, each.scope) for each in plans.values() if each.status in RUNNING}
    running |= {
        (each.encounter_id, PlanScope.PATIENT)
        for each in plans.values()
        if any(other.scope is PlanScope.PATIENT and other.status in RUNNING for other in plans.values())
    }
    persons = dict(session.execute(select(Patient.id, Patient.person_id)).tuples().all())
    admissions = [
        (persons[each.patient_id], each)
        for each in stays.values()
        if each.status in (EncounterStatus.IN_PROGRESS, EncounterStatus.FINISHED) and each.admitted_at is not None
    ]
    for task in tasks:
        plan, stay, person = plans[task.enrolment_id], stays[task.encounter_id], persons[task.patient_id]
        left = stay.discharged_at
        since = [
            each
            for who, each in admissions
            if who == person and each.id != stay.id and left is not None and each.admitted_at >= left
        ]
        yield Case(
            task=task,
            plan_status=plan.status,
            scope=plan.scope,
            on_ward=any(each.status is EncounterStatus.IN_PROGRESS for each in since),
            newest_plan=plan.status is not EnrolmentStatus.CANCELLED or (stay.id, plan.scope) not in running,
            finished=stay.status is EncounterStatus.FINISHED,
            death=people[task.patient_id].deceased_state,
            admitted_again=bool(since),
            kept_by_hand=task.reopened_at is not None,
            twins=tuple(
                other
                for other in tasks
                if other.enrolment_id != task.enrolment_id
                and persons[other.patient_id] == person
                and (other.step_code, other.occurrence) == (task.step_code, task.occurrence)
                and other.window_starts_at < task.due_at
                and other.due_at > task.window_starts_at
                and _concerns(other, task)
            ),
        )


def _concerns(other: TaskRow, task: TaskRow) -> bool:
    """What was completed after one discharge says nothing about another of the same record, nor about another day."""
    if other.patient_id != task.patient_id or other.status is not TaskStatus.COMPLETED:
        return True
    return (other.encounter_id, other.discharged_on) == (task.encounter_id, task.discharged_on)


def faults(world: World) -> Iterator[str]:
    """What is not allowed."""
    session = world.session
    for case in cases(world):
        yield from case.faults()
    running = session.execute(
        select(EnrolmentRow.encounter_id, EnrolmentRow.scope).where(EnrolmentRow.status != EnrolmentStatus.CANCELLED)
    ).all()
    if any(count > 1 for count in Counter(map(tuple, running)).values()):
        yield "two plans for one stay"
    on_the_way = OutboxMessage.status.in_((*DUE_STATES, *HANDED_OVER))
    if any(count > 1 for count in Counter(session.scalars(select(OutboxMessage.task_id).where(on_the_way))).values()):
        yield "two texts for one step"


@pytest.fixture
def begun(session, facility, now):
    """Two records, each with a stay that ended yesterday, and plans that run."""
    install_content(session, now)
    world = World(session, facility, now)
    world.bring(FIRST, "V1")
    world.bring(SECOND, "W1")
    return world


@example(["readmit", "cancel readmission"])
@example(["send texts", "readmit", "cancel readmission", "send texts"])
@example(["queue texts", "readmit", "cancel readmission", "send texts"])
@example(["readmit", "opt out", "cancel readmission"])
@example(["readmit", "cancel readmission", "readmit"])
@example(["readmit", "undo", "cancel readmission", "readmit"])
@example(["readmit", "die", "merge", "cancel readmission", "part", "live"])
@example(["merge", "readmit the other record", "part"])
@example(["merge", "cancel", "part", "discharge", "undo"])
@example(["cancel", "discharge", "undo", "merge", "die", "part"])
@example(["readmit", "cancel", "cancel readmission", "discharge", "correct"])
@example(["report death", "complete", "live"])
@example(["readmit", "go home", "correct", "undo"])
@example(["readmit", "report death", "go home", "live"])
@example(["merge", "readmit", "part", "cancel readmission"])
@example(["readmit", "undo", "go home"])
@example(["complete", "cancel", "discharge", "undo"])
@example(["complete", "cancel", "undo", "correct"])
@example(["undo", "complete", "discharge", "go home"])
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(sorted(EVENTS)), min_size=1, max_size=8))
def test_any_sequence_of_events_ends_in_an_allowed_state(begun, events):
    point = begun.session.begin_nested()
    world = World(begun.session, begun.facility, begun.now)
    done: list[str] = []
    try:
        for name in events:
            world.now += timedelta(minutes=15)
            EVENTS[name](world)
            done.append(name)
            assert (done, list(faults(world))) == (done, [])
    finally:
        point.rollback()
        begun.session.expire_all()


NINE = ("discharge", "correct", "cancel", "readmit", "die", "merge", "undo", "opt out", "complete")
"""The events that every sequence of eight is made of here; their ways back are among the others above."""


def machine_of(begun: World) -> type[RuleBasedStateMachine]:
    """A machine that does any of the nine events, each sequence from the same beginning."""

    class Sequence(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.point = begun.session.begin_nested()
            self.world = World(begun.session, begun.facility, begun.now)

        @rule(name=st.sampled_from(NINE))
        def happen(self, name: str) -> None:
            self.world.now += timedelta(minutes=15)
            EVENTS[name](self.world)

        @invariant()
        def is_allowed(self) -> None:
            assert list(faults(self.world)) == []

        def teardown(self) -> None:
            self.point.rollback()
            begun.session.expire_all()

    return Sequence


def test_any_eight_of_the_nine_events_leave_an_allowed_state(begun):
    run_state_machine_as_test(
        machine_of(begun),
        settings=settings(
            max_examples=20,
            stateful_step_count=8,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )
