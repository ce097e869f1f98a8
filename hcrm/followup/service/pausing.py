"""Plans of the patient pause while the patient is on a ward."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ARRAY, ColumnElement, DateTime, cast, func, select, update
from sqlalchemy.orm import Session

from hcrm.followup.domain.pausing import Fate, fate, pauses_for
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.ward_stays import PatientPlan, WaitingStep, patient_plans, waiting_steps
from hcrm.followup.service.tasks import Ending, end_open

_NO_SYNC = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class GoingOn:
    """What goes on after a stay: the steps to be opened again, and whose they are."""

    task_ids: tuple[int, ...]
    patient_ids: tuple[int, ...]


def pause_plans(session: Session, *, encounter_ids: Collection[int], now: datetime) -> GoingOn:
    """Hold the plans of patients who are on a ward, leave out what a stay has swallowed, and say what goes on.

    Only plans of the persons of these stays are looked at, and only what differs is changed.
    """
    plans = {each.enrolment_id: each for each in patient_plans(session, encounter_ids)}
    steps = {each.task_id: each for each in waiting_steps(session, plans)} if plans else {}
    fates = {step.task_id: fate(step.due_at, step.reopened_at, plans[step.enrolment_id].stays)
             for step in steps.values()}  # fmt: skip
    held = [task_id for task_id, (becomes, _) in fates.items() if becomes is Fate.HELD]
    _hold(session, [each for each in held if steps[each].status is not TaskStatus.ON_HOLD], now)
    left = {task_id: since for task_id, (_, since) in fates.items() if since is not None and task_id not in {*held}}
    _leave_out(session, {each: since for each, since in left.items() if not _is_left(steps[each], since)}, now)
    _set_states(session, plans.values())
    opened = [task_id for task_id, (becomes, _) in fates.items()
              if becomes is Fate.OPEN and steps[task_id].status is not TaskStatus.OPEN]  # fmt: skip
    return GoingOn(tuple(opened), tuple(sorted({plans[steps[each].enrolment_id].patient_id for each in opened})))


def _is_left(step: WaitingStep, since: datetime) -> bool:
    return step.status is TaskStatus.CANCELLED and step.ended_at == since


def _these(task_ids: Collection[int]) -> ColumnElement[bool]:
    return TaskRow.id == func.any(id_array(task_ids))


def _hold(session: Session, task_ids: Collection[int], now: datetime) -> None:
    if not task_ids:
        return
    end_open(session, _these(task_ids), Ending(TaskStatus.ON_HOLD, TaskReason.READMITTED), now=now, missed_too=True)
    session.execute(
        update(TaskRow)
        .where(_these(task_ids), TaskRow.status == TaskStatus.CANCELLED)
        .values(status=TaskStatus.ON_HOLD, ended_at=None),
        execution_options=_NO_SYNC,
    )


def _leave_out(session: Session, since: Mapping[int, datetime], now: datetime) -> None:
    """Cancelled at the moment of the admission, each its own."""
    if not since:
        return
    ending = Ending(TaskStatus.CANCELLED, TaskReason.READMITTED)
    end_open(session, _these(since), ending, now=now, missed_too=True)
    causes = select(
        func.unnest(id_array(since)).label("task_id"),
        func.unnest(cast(list(since.values()), ARRAY(DateTime(timezone=True)))).label("at"),
    ).subquery("cause")
    session.execute(
        update(TaskRow).where(TaskRow.id == causes.c.task_id).values(ended_at=causes.c.at), execution_options=_NO_SYNC
    )


def _set_states(session: Session, plans: Iterable[PatientPlan]) -> None:
    """A plan pauses for the first stay that goes on, and runs without one."""
    for plan in plans:
        stay = pauses_for(plan.stays)
        status = EnrolmentStatus.ACTIVE if stay is None else EnrolmentStatus.PAUSED
        if status is not plan.status:
            session.execute(
                update(EnrolmentRow)
                .where(EnrolmentRow.id == plan.enrolment_id)
                .values(
                    status=status,
                    reason=None if stay is None else TaskReason.READMITTED,
                    ended_by_encounter_id=stay,
                ),
                execution_options=_NO_SYNC,
            )
