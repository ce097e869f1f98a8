"""The follow-up task that stands for a visit's reminders."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from hcrm.appointments.models import Appointment


def link_task(session: Session, *, appointment_id: int, task_id: int) -> None:
    """Note the task that the reminders of a visit are sent for."""
    session.execute(
        update(Appointment).where(Appointment.id == appointment_id).values(task_id=task_id),
        execution_options={"synchronize_session": "fetch"},
    )
