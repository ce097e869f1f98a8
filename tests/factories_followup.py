"""Discharges with plans for tests of follow-up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.models import AlertRow, EnrolmentRow, TaskRow
from hcrm.followup.service import install_default_plan
from hcrm.messaging.service.templates import install_default_templates
from hcrm.patients.domain import StayRow
from hcrm.survey.service import install_default_questionnaires
from tests.factories_patients import apply_rows, stay_row

DISCHARGED_AT = datetime(2026, 3, 9, 6, 0, tzinfo=UTC)
"""Monday 9 March 2026, 14:00 in Shanghai: the day before the tests begin."""


def install_content(session: Session, now: datetime) -> None:
    """Plans, questionnaires and message templates of the product."""
    install_default_questionnaires(session, now)
    install_default_templates(session, now)
    install_default_plan(session, now)


def discharge(
    session: Session, facility_id: int, *rows: StayRow, now: datetime, stated_at: datetime | None = None
) -> None:
    """Bring these records with plans, as an import does."""
    apply_rows(session, facility_id, rows, now=now, stated_at=stated_at or now, with_plans=True)


def discharged(mrn: str = "M1", visit_number: str = "V1", **changes: Any) -> StayRow:
    """A stay of three nights that ended at ``DISCHARGED_AT``, planned, without other illnesses: low risk."""
    values: dict[str, Any] = {
        "admitted_at": DISCHARGED_AT - timedelta(days=3),
        "discharged_at": DISCHARGED_AT,
        "planned": True,
        "principal_diagnosis": "K80.2",
        "diagnoses": ("K80.2",),
    }
    return stay_row(mrn, visit_number, **(values | changes))


def tasks_of(session: Session, encounter_id: int | None = None) -> dict[str, TaskRow]:
    """Tasks by the code of their step, as they stand in the database."""
    query = select(TaskRow).order_by(TaskRow.id).execution_options(populate_existing=True)
    if encounter_id is not None:
        query = query.where(TaskRow.encounter_id == encounter_id)
    return {task.step_code: task for task in session.scalars(query)}


def enrolments(session: Session) -> Sequence[EnrolmentRow]:
    return session.scalars(
        select(EnrolmentRow).order_by(EnrolmentRow.id).execution_options(populate_existing=True)
    ).all()


def alerts_of(session: Session) -> Sequence[AlertRow]:
    return session.scalars(select(AlertRow).order_by(AlertRow.id).execution_options(populate_existing=True)).all()
