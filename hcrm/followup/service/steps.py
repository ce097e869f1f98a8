"""What the end of one step does to the others: re-calls, steps that wait for it, the end of the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, exists, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.eligibility import PublishedPlan
from hcrm.followup.domain.expansion import PlannedTask, is_drawn_by_area, is_sampled, plan_step
from hcrm.followup.domain.plan import Condition, Step, Trigger
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.home_visits import service_area
from hcrm.followup.queries.plans import plans_of_enrolments
from hcrm.followup.service.tasks import Ending, UnknownTask, end_open
from hcrm.organization.queries import calendar, facility
from hcrm.patients.domain import DeceasedState
from hcrm.patients.queries import patient_snapshots
from hcrm.survey.queries import answers, response_of_task

_NO_SYNC = {"synchronize_session": False}


class UnknownStep(LookupError):
    """The plan of this stay has no such step."""


def after_end(session: Session, *, task_ids: Collection[int], now: datetime) -> None:
    """Carry on after these tasks ended: cancel steps whose condition cannot be met any more, sample re-calls, and
    complete plans that have nothing open.
    """
    if not task_ids:
        return
    tasks = session.scalars(
        select(TaskRow)
        .where(TaskRow.id == func.any(id_array(task_ids)))
        .order_by(TaskRow.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    done = [task for task in tasks if task.status is TaskStatus.COMPLETED]
    if done:
        _cancel_unneeded(session, done, now)
    ended = [task for task in tasks if _calls_for_check(task)]
    if ended:
        _sample_recalls(session, ended, now)
    _complete_plans(session, {task.enrolment_id for task in tasks if task.enrolment_id is not None}, now)


def _cancel_unneeded(session: Session, done: Sequence[TaskRow], now: datetime) -> None:
    """Steps meant for those who had not answered are not needed; one already attempted or in somebody's hands is."""
    followed = {(task.enrolment_id, task.step_code) for task in done if task.enrolment_id is not None}
    waiting = and_(
        TaskRow.enrolment_id.in_({enrolment_id for enrolment_id, _ in followed}),
        tuple_(TaskRow.enrolment_id, TaskRow.after_step_code).in_(followed),
        TaskRow.condition == Condition.IF_NOT_COMPLETED,
        (TaskRow.lease_until.is_(None)) | (TaskRow.lease_until <= func.clock_timestamp()),
    )
    end_open(session, waiting, Ending(TaskStatus.CANCELLED, TaskReason.CONDITION_NOT_MET), now=now)


def _calls_for_check(task: TaskRow) -> bool:
    unreached = task.status is TaskStatus.FAILED and task.reason is TaskReason.UNABLE_TO_CONTACT
    return task.enrolment_id is not None and (task.status is TaskStatus.COMPLETED or unreached)


def _sample_recalls(session: Session, tasks: Sequence[TaskRow], now: datetime) -> None:
    plans = _plans_of(session, tasks)
    for ended in tasks:
        published = plans[ended.enrolment_id or 0]
        for step in published.plan.steps:
            if _follows(session, step, ended) and _is_drawn(session, step, published, ended):
                create_step(session, like=ended, step=step, now=now, after=ended.step_code)


def _follows(session: Session, step: Step, ended: TaskRow) -> bool:
    """Whether the end of this task brings the step into being."""
    if step.trigger is not Trigger.STEP_ENDED or not step.active or ended.step_code not in step.after_steps:
        return False
    matched = step.condition is Condition.IF_ANSWER and step.is_answered(_answers(session, ended))
    return step.condition.is_met(completed=ended.status is TaskStatus.COMPLETED, answered=matched)


def _is_drawn(session: Session, step: Step, published: PublishedPlan, ended: TaskRow) -> bool:
    """Whether sampling takes this stay; for a home visit only where the teams go."""
    if not is_sampled(step, published.label, ended.encounter_id):
        return False
    if not is_drawn_by_area(step):
        return True
    patient = patient_snapshots(session, [ended.patient_id])[ended.patient_id]
    return service_area(session, ended.facility_id).takes(patient.address)


def _answers(session: Session, ended: TaskRow) -> Mapping[str, object]:
    """What was answered in a step, by question."""
    asked = response_of_task(session, ended.id)
    return {} if asked is None else answers(session, asked.id)


def _plans_of(session: Session, tasks: Iterable[TaskRow]) -> dict[int, PublishedPlan]:
    """The plans that the tasks belong to, by enrolment."""
    enrolments = {task.enrolment_id for task in tasks if task.enrolment_id is not None}
    return plans_of_enrolments(session, enrolments)


def create_step(
    session: Session,
    *,
    like: TaskRow,
    step: Step,
    now: datetime,
    after: str | None,
    planned: PlannedTask | None = None,
    occurrence: int = 1,
    appointment_id: int | None = None,
) -> int | None:
    """One more task of the same stay, its days counted from today unless they are ``planned``; None when the plan has
    it already, or when there is nobody or nothing to follow up any more: after a death, or when the plan was ended.
    """
    if not _goes_on(session, like):
        return None
    zone, workdays = facility(session, like.facility_id).zone, calendar(session, like.facility_id)
    day_zero = like.discharged_on if step.trigger is Trigger.DISCHARGE else now.astimezone(zone).date()
    planned = planned or plan_step(step, day_zero, workdays, zone, occurrence)
    task_id = session.scalar(
        insert(TaskRow)
        .values(
            facility_id=like.facility_id,
            enrolment_id=like.enrolment_id,
            encounter_id=like.encounter_id,
            patient_id=like.patient_id,
            department_id=like.department_id,
            clinician_id=like.clinician_id,
            step_code=step.code,
            tier=step.tier,
            channel=step.channel,
            performer_role=step.performer,
            questionnaire_code=step.questionnaire_for("*"),
            window_starts_at=planned.window_starts_at,
            target_at=planned.target_at,
            due_at=planned.due_at,
            due_on=planned.due_on,
            discharged_on=like.discharged_on,
            status=TaskStatus.OPEN,
            risk=like.risk,
            attempt_count=0,
            condition=step.condition,
            after_step_code=after,
            self_reported=False,
            generation=0,
            created_at=now,
            occurrence=planned.occurrence,
            appointment_id=appointment_id,
        )
        .on_conflict_do_nothing()
        .returning(TaskRow.id)
    )
    if task_id is not None:
        session.execute(
            update(EnrolmentRow)
            .where(EnrolmentRow.id == like.enrolment_id, EnrolmentRow.status == EnrolmentStatus.COMPLETED)
            .values(status=EnrolmentStatus.ACTIVE, ended_at=None),
            execution_options=_NO_SYNC,
        )
        publish(session, TasksChanged(now=now, task_ids=(task_id,)))
    return task_id


def _goes_on(session: Session, like: TaskRow) -> bool:
    """Whether the plan of this task may get another step."""
    patient = patient_snapshots(session, [like.patient_id])[like.patient_id]
    status = session.scalar(select(EnrolmentRow.status).where(EnrolmentRow.id == like.enrolment_id))
    return patient.deceased_state is DeceasedState.NONE and status is not EnrolmentStatus.CANCELLED


def add_step(session: Session, *, task_id: int, step_code: str, now: datetime) -> int | None:
    """Add a step of the plan that sampling left out, for example a home visit for a patient flagged for it.

    None when the plan of this stay has the step already. Raises ``UnknownTask`` and ``UnknownStep``.
    """
    like = session.get(TaskRow, task_id)
    if like is None or like.enrolment_id is None:
        raise UnknownTask(task_id)
    published = _plans_of(session, [like])[like.enrolment_id]
    try:
        step = published.plan.step(step_code)
    except KeyError:
        raise UnknownStep(step_code) from None
    return create_step(session, like=like, step=step, now=now, after=None)


_Waiting = aliased(TaskRow)


def _complete_plans(session: Session, enrolment_ids: Collection[int], now: datetime) -> None:
    session.execute(
        update(EnrolmentRow)
        .where(
            EnrolmentRow.id == func.any(id_array(enrolment_ids)),
            EnrolmentRow.status == EnrolmentStatus.ACTIVE,
            ~exists().where(
                _Waiting.enrolment_id == EnrolmentRow.id,
                _Waiting.status.in_((TaskStatus.OPEN, TaskStatus.ON_HOLD)),
            ),
        )
        .values(status=EnrolmentStatus.COMPLETED, ended_at=now),
        execution_options=_NO_SYNC,
    )
