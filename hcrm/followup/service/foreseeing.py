"""Trying in advance what would become of a step that is done by text."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.plans import plans_of_versions
from hcrm.followup.service.messages import Due, request_of
from hcrm.messaging.domain import Foresight
from hcrm.messaging.service import enqueue, foresee


def foresee_text(session: Session, task_id: int, *, now: datetime) -> Foresight | None:
    """When the text of an open step would go out as things stand, or what would hold it.

    A step whose text is not in the outbox yet is tried as it will be handed over when its window opens; nothing of that
    stays. None for a step that is not done by text, is not open, waits for no text of its own, or is too late for one.
    """
    task = session.get_one(TaskRow, task_id)
    if task.status is not TaskStatus.OPEN or task.channel is not StepChannel.SMS:
        return None
    if task.sent_message_id is not None:
        return foresee(session, task.sent_message_id, now=now)
    if task.appointment_id is not None or task.due_at <= now:
        return None
    with session.begin_nested() as trial:
        found = _tried(session, task, now)
        trial.rollback()
    return found


def _tried(session: Session, task: TaskRow, now: datetime) -> Foresight | None:
    version_id = session.scalar(select(EnrolmentRow.plan_version_id).where(EnrolmentRow.id == task.enrolment_id))
    plans = plans_of_versions(session, set() if version_id is None else {version_id})
    request = request_of(session, Due(task, version_id), plans, max(now, task.window_starts_at))
    if request is None:
        return None
    return foresee(session, enqueue(session, request, now=now), now=now)
