"""What a patient's timeline shows of follow-up: tasks, calls, alerts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AlertRow, AttemptRow, EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.plans import step_names
from hcrm.patients.domain import TimelineEntry

_ENDED = (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.ENTERED_IN_ERROR)


def timeline(session: Session, patient_ids: Sequence[int]) -> list[TimelineEntry]:
    """Entries about these records, which belong to one person, in no particular order."""
    tasks = _tasks(session, patient_ids)
    names = {
        code: both
        for facility_id in {each.facility_id for each in tasks}
        for code, both in step_names(session, facility_id).items()
    }
    return [
        *(_task_entry(each, names.get(each.step_code)) for each in tasks),
        *_attempts(session, tasks),
        *_alerts(session, patient_ids),
    ]


def _tasks(session: Session, patient_ids: Sequence[int]) -> list[TaskRow]:
    runs = select(EnrolmentRow.id).where(EnrolmentRow.patient_id == func.any(id_array(patient_ids)))
    single = and_(TaskRow.enrolment_id.is_(None), TaskRow.patient_id == func.any(id_array(patient_ids)))
    return list(session.scalars(select(TaskRow).where(or_(TaskRow.enrolment_id.in_(runs), single))))


def _task_entry(task: TaskRow, names: tuple[str, str] | None) -> TimelineEntry:
    """A finished task stands where it ended, one still to come where it is meant to be done.

    ``names``: English and Chinese name of the step in the hospital's plans, for steps that the product does not know.
    """
    ended = task.status in _ENDED
    at: datetime = task.ended_at if ended and task.ended_at is not None else task.target_at
    return TimelineEntry(
        at=at,
        kind="task",
        title_code=f"followup.step.{task.step_code}",
        params={
            "reason": task.reason.value if task.reason is not None else "",
            "due_on": task.due_on,
            "names": names,
            "channel": task.channel.value,
            "user_id": task.ended_by_user_id,
            "department_id": task.department_id,
            "clinician_id": task.clinician_id,
            "about": ("appointment", task.appointment_id),
        },
        state=f"followup.{task.status.value}",
        object_kind="task",
        object_id=task.id,
        encounter_id=task.encounter_id,
    )


def _attempts(session: Session, tasks: Sequence[TaskRow]) -> Iterator[TimelineEntry]:
    stays = {each.id: each.encounter_id for each in tasks}
    rows = session.scalars(select(AttemptRow).where(AttemptRow.task_id == func.any(id_array(list(stays)))))
    for row in rows:
        outcome = row.connection.value if row.disposition is None else row.disposition.value
        yield TimelineEntry(
            at=row.started_at,
            kind="call",
            title_code="followup.call",
            params={"user_id": row.user_id, "note": row.note},
            state=f"followup.attempt.{outcome}",
            object_kind="task",
            object_id=row.task_id,
            encounter_id=stays[row.task_id],
        )


def _alerts(session: Session, patient_ids: Sequence[int]) -> Iterator[TimelineEntry]:
    for row in session.scalars(select(AlertRow).where(AlertRow.patient_id == func.any(id_array(patient_ids)))):
        yield TimelineEntry(
            at=row.opened_at,
            kind="alert",
            title_code=f"followup.alert.{row.severity.value}",
            params={"cause": row.cause.value, "user_id": row.owner_user_id, "department_id": row.department_id},
            state=f"followup.alert.{row.status.value}",
            object_kind="alert",
            object_id=row.id,
            encounter_id=row.encounter_id,
        )
