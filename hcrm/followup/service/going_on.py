"""A call that reached nobody in its first days goes on: its window is longer from then on, and it says so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.attempts import tried_half_days
from hcrm.followup.domain.expansion import goes_on_until
from hcrm.followup.domain.task import BusinessStatus, TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.followup.queries.attempts import attempt_records
from hcrm.followup.queries.plans import plans_of_enrolments
from hcrm.organization.queries import facility

TRIES = 2
"""Attempts in as many different half-days, after which a step goes on."""


def go_on(session: Session, task: TaskRow, now: datetime) -> bool:
    """Let the window of an open task go on, where its step says so and enough attempts reached nobody; whether it did.

    The task is escalated: it stays with the same people, until the later day.
    """
    if task.status is not TaskStatus.OPEN or task.enrolment_id is None or task.reached_at is not None:
        return False
    published = plans_of_enrolments(session, [task.enrolment_id])[task.enrolment_id]
    step = next((each for each in published.plan.steps if each.code == task.step_code), None)
    if step is None or step.goes_on_until_day is None:
        return False
    zone = facility(session, task.facility_id).zone
    later = goes_on_until(step, task.discharged_on, zone)
    tried = tried_half_days(attempt_records(session, task.id), zone)
    if later is None or later[0] < task.due_at or tried < TRIES:
        return False
    task.due_at, task.due_on = later
    task.business_status = task.business_status or BusinessStatus.ESCALATED
    session.flush()
    publish(session, TasksChanged(now=now, task_ids=(task.id,)))
    return True
