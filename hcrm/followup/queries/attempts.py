"""Call attempts as they were recorded."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.domain.attempts import AttemptRecord
from hcrm.followup.models import AttemptRow


def attempt_records(session: Session, task_id: int) -> tuple[AttemptRecord, ...]:
    """The attempts of one task as the rules see them, oldest first."""
    rows = session.scalars(
        select(AttemptRow).where(AttemptRow.task_id == task_id).order_by(AttemptRow.started_at, AttemptRow.id)
    )
    return tuple(
        AttemptRecord(
            connection=row.connection,
            disposition=row.disposition,
            started_at=row.started_at,
            contact_point_id=row.contact_point_id,
            callback_at=row.callback_at,
        )
        for row in rows
    )
