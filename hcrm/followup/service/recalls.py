"""What the quality office found out about a call."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.followup.domain.recall import Finding
from hcrm.followup.models import RecallReviewRow, TaskRow
from hcrm.followup.service.tasks import UnknownTask


def review_call(session: Session, *, task_id: int, finding: Finding, note: str, user_id: int, now: datetime) -> None:
    """Keep the finding; a later one takes the place of an earlier. Raises ``UnknownTask``."""
    task = session.get(TaskRow, task_id)
    if task is None:
        raise UnknownTask(task_id)
    values = {"finding": finding, "note": note, "reviewed_by": user_id, "reviewed_at": now}
    session.execute(
        insert(RecallReviewRow)
        .values(task_id=task_id, facility_id=task.facility_id, **values)
        .on_conflict_do_update(index_elements=["task_id"], set_=values)
    )
    record(
        session,
        now=now,
        action="recall.reviewed",
        actor_user_id=user_id,
        facility_id=task.facility_id,
        object_kind="task",
        object_id=task_id,
        patient_id=task.patient_id,
        details={"finding": finding.value},
    )
