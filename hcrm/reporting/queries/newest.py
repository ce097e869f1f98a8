"""Which days have anything to count, so that a page need not open on an empty month."""

from __future__ import annotations

from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.followup.models import TaskRow
from hcrm.patients.models import Encounter
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.queries.places import covered


def has_records(session: Session, selection: Selection) -> bool:
    """Whether a discharge or the end of a task's window lies in the days of a selection."""
    stay = select(Encounter.id).where(
        covered(selection, Encounter.facility_id, Encounter.department_id),
        Encounter.discharged_on.between(selection.from_on, selection.to_on),
    )
    task = select(TaskRow.id).where(
        covered(selection, TaskRow.facility_id, TaskRow.department_id),
        TaskRow.due_on.between(selection.from_on, selection.to_on),
    )
    return bool(session.scalar(select(stay.exists())) or session.scalar(select(task.exists())))


def newest_day(session: Session, selection: Selection, until: date) -> date | None:
    """The newest day of a place, ``until`` at the latest, on which a patient was discharged."""
    return session.scalar(
        select(func.max(Encounter.discharged_on)).where(
            covered(selection, Encounter.facility_id, Encounter.department_id),
            Encounter.discharged_on <= until,
        )
    )
