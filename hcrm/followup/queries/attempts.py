"""Call attempts as they were recorded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.domain.attempts import REACHED, AttemptRecord
from hcrm.followup.models import AttemptRow, EnrolmentRow, TaskRow
from hcrm.patients.queries.people import same_person


def attempt_records(session: Session, task_id: int) -> tuple[AttemptRecord, ...]:
    """The attempts of one task as the rules see them, oldest first."""
    rows = session.scalars(
        select(AttemptRow).where(AttemptRow.task_id == task_id).order_by(AttemptRow.started_at, AttemptRow.id)
    )
    return tuple(as_record(row) for row in rows)


def as_record(row: AttemptRow) -> AttemptRecord:
    """An attempt as the rules see it."""
    return AttemptRecord(
        connection=row.connection,
        disposition=row.disposition,
        started_at=row.started_at,
        contact_point_id=row.contact_point_id,
        callback_at=row.callback_at,
    )


def answered_at(session: Session, patient_id: int) -> tuple[datetime, ...]:
    """When the person with this record answered calls, on any of their tasks; the latest ten."""
    runs = select(EnrolmentRow.id).where(EnrolmentRow.patient_id.in_(same_person(patient_id)))
    tasks = select(TaskRow.id).where(TaskRow.enrolment_id.in_(runs))
    rows = session.scalars(
        select(AttemptRow.started_at)
        .where(AttemptRow.task_id.in_(tasks), AttemptRow.connection.in_(sorted(REACHED)))
        .order_by(AttemptRow.started_at.desc())
        .limit(10)
    )
    return tuple(rows)
