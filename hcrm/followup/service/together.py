"""One call that settles several tasks of a patient."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from hcrm.followup.domain.attempts import AttemptInvalid, Disposition
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.service.attempts import AttemptReport, record_attempt
from hcrm.followup.service.responses import core_is_answered
from hcrm.followup.service.tasks import LEASE, TaskHeld

_OF_ONE_TASK = frozenset({Disposition.INELIGIBLE})
"""What is said about one task only, not about the others of the same call."""


def hold_together(session: Session, *, task_ids: Collection[int], user_id: int) -> frozenset[int]:
    """Take or renew the leases on these tasks, as far as they are free; which ones this person holds now."""
    if not task_ids:
        return frozenset()
    clock = func.clock_timestamp()
    held = session.scalars(
        update(TaskRow)
        .where(
            TaskRow.id == func.any(id_array(task_ids)),
            TaskRow.status == TaskStatus.OPEN,
            or_(TaskRow.lease_user_id.is_(None), TaskRow.lease_user_id == user_id, TaskRow.lease_until <= clock),
        )
        .values(lease_user_id=user_id, lease_until=clock + LEASE)
        .returning(TaskRow.id),
        execution_options={"synchronize_session": False},
    )
    return frozenset(held)


def record_together(
    session: Session, *, task_ids: Collection[int], report: AttemptReport, user_id: int, now: datetime
) -> int:
    """Record the same call on the other tasks that it was about; how many there were.

    A task whose own core questions are answered is completed, one whose are not is partly done, whatever the main task
    came to. A task that ended meanwhile, or that somebody else has taken, is left as it is.
    """
    done = 0
    tasks = session.scalars(select(TaskRow).where(TaskRow.id == func.any(id_array(task_ids))).order_by(TaskRow.id))
    for task in tasks.all():
        session.refresh(task)
        if task.status is not TaskStatus.OPEN or report.disposition in _OF_ONE_TASK:
            continue
        own = replace(report, key=f"{report.key}:{task.id}", disposition=_disposition(session, task, report, now))
        try:
            record_attempt(session, task_id=task.id, report=own, user_id=user_id, now=now)
        except (TaskHeld, AttemptInvalid):
            continue
        done += 1
    return done


def _disposition(session: Session, task: TaskRow, report: AttemptReport, now: datetime) -> Disposition | None:
    if report.disposition not in (Disposition.COMPLETED, Disposition.PARTIAL):
        return report.disposition
    asked = task.questionnaire_code is not None
    return Disposition.COMPLETED if asked and core_is_answered(session, task, now) else Disposition.PARTIAL
