"""Surveys that score low as a whole: an alert, though no single answer asked for one."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.models import AlertRow
from hcrm.followup.service.alerts import AlertAbout, open_alerts
from hcrm.organization.queries import facility
from hcrm.survey import queries as surveys
from hcrm.survey.domain import AlertRaised, Cause, Severity
from hcrm.survey.domain.scoring import response_index

LOW_SCORE = "low_score"


def alert_low_score(session: Session, *, response: surveys.ResponseSnapshot, now: datetime) -> int | None:
    """Open an alert when the index (0 to 100) of a completed survey is below what the hospital has set; its id.

    None when it is not, when the hospital has set nothing (0), and when the stay has such an alert already.
    """
    least = facility(session, response.facility_id).settings.alert_index_below
    if not least:
        return None
    sheet = surveys.sheet(session, response.id, now)
    index = response_index(sheet.questionnaire.questions, sheet.answers)
    if index is None or index >= least or _has_one(session, response.patient_id, response.task_id):
        return None
    about = AlertAbout(
        facility_id=response.facility_id,
        patient_id=response.patient_id,
        encounter_id=response.encounter_id,
        department_id=response.department_id,
        task_id=response.task_id,
        response_id=None,
        said=f"{index:.0f}/100",
    )
    raised = AlertRaised("", LOW_SCORE, Severity.ROUTINE, Cause.SERVICE)
    return next(iter(open_alerts(session, about=about, raised=[raised], now=now)), None)


def _has_one(session: Session, patient_id: int, task_id: int | None) -> bool:
    found = select(AlertRow.id).where(
        AlertRow.patient_id == patient_id, AlertRow.rule == LOW_SCORE, AlertRow.task_id.is_not_distinct_from(task_id)
    )
    return session.scalar(found.limit(1)) is not None
