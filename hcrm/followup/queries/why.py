"""What *Why (not)?* of a task is told from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.accounts.queries import user_names
from hcrm.followup.domain.desk import Keeping, kept_until, who_works
from hcrm.followup.domain.why import TaskStory
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.desk import absences, clinician_accounts
from hcrm.followup.queries.plans import plans_of_versions
from hcrm.organization.queries import facility
from hcrm.patients.queries import encounter_snapshots


@dataclass(frozen=True, slots=True)
class TaskWhy:
    """The story of a task with what a page needs beside it: who may see it, names, and the zone of its times.

    ``plan_names`` and those of ``step_names`` are in English and Chinese; a task without a plan has none.
    """

    task: TaskRow
    story: TaskStory
    plan_names: tuple[str, str] | None
    step_names: dict[str, tuple[str, str]]
    given_to: str | None
    held_by: str | None
    department_ids: frozenset[int]
    zone: ZoneInfo


def task_why(session: Session, task_id: int, now: datetime) -> TaskWhy | None:
    """Why a task is there, held or ended; None when there is no such task."""
    task = session.get(TaskRow, task_id)
    if task is None:
        return None
    version_id = session.scalar(select(EnrolmentRow.plan_version_id).where(EnrolmentRow.id == task.enrolment_id))
    published = None if version_id is None else plans_of_versions(session, [version_id])[version_id]
    steps = () if published is None else published.plan.steps
    step = next((each for each in steps if each.code == task.step_code), None)
    at = facility(session, task.facility_id)
    names = user_names(session, {each for each in (task.assignee_user_id, task.lease_user_id) if each is not None})
    return TaskWhy(
        task=task,
        story=_story(
            task,
            plan=None if published is None else published.label,
            share=1.0 if step is None else step.sample,
            kept=_kept(session, task, now, timedelta(hours=at.settings.physician_hours)),
        ),
        plan_names=None if published is None else (published.plan.name_en, published.plan.name_zh),
        step_names={each.code: (each.name_en, each.name_zh) for each in steps},
        given_to=names.get(task.assignee_user_id or 0),
        held_by=names.get(task.lease_user_id or 0),
        department_ids=encounter_snapshots(session, [task.encounter_id])[0].department_ids,
        zone=at.zone,
    )


def _kept(session: Session, task: TaskRow, now: datetime, wait: timedelta) -> datetime | None:
    day = now.astimezone(facility(session, task.facility_id).zone).date()
    away = absences(session, [task.facility_id], day)
    accounts = clinician_accounts(session, [task.facility_id])
    present = {one for one, user_id in accounts.items() if who_works(user_id, away, day) is not None}
    return kept_until(Keeping(task.performer_role, task.clinician_id, task.window_starts_at), present, wait)


def _story(task: TaskRow, *, plan: str | None, share: float, kept: datetime | None) -> TaskStory:
    return TaskStory(
        created_at=task.created_at,
        discharged_on=task.discharged_on,
        plan=plan,
        share=share,
        risk=task.risk,
        window_starts_at=task.window_starts_at,
        due_at=task.due_at,
        performer=task.performer_role,
        status=task.status,
        condition=task.condition,
        after_step=task.after_step_code,
        kept_until=kept,
        given_to=task.assignee_user_id,
        attempts=task.attempt_count,
        last_attempt_at=task.last_attempt_at,
        callback_at=task.callback_at,
        business_status=task.business_status,
        reopened_at=task.reopened_at,
        message_id=task.sent_message_id,
        self_reported=task.self_reported,
        reason=task.reason,
        ended_at=task.ended_at,
    )
