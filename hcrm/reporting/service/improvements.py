"""Improvement actions: begun from a chart, moved from plan to do, check and act, and closed with what came of it."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.reporting.domain.reports import Rate
from hcrm.reporting.domain.targets import Stage, Targeted
from hcrm.reporting.models import Improvement


def begin_improvement(
    session: Session,
    *,
    facility_id: int,
    department_id: int | None,
    figure: Targeted,
    month: str,
    before: Rate,
    problem: str,
    step: str,
    owner: str,
    due_on: date,
    now: datetime,
    actor_user_id: int,
) -> int:
    """Write an action down with the figure as it stands; its id."""
    row = Improvement(
        facility_id=facility_id,
        department_id=department_id,
        figure=figure.value,
        month=month,
        before={"numerator": before.numerator, "denominator": before.denominator},
        problem=problem,
        step=step,
        owner=owner,
        due_on=due_on,
        stage=Stage.PLAN,
        result="",
        created_by=actor_user_id,
        created_at=now,
        changed_at=now,
    )
    session.add(row)
    session.flush()
    _audit(session, "improvement.begun", row, actor_user_id, now)
    return row.id


def move_improvement(
    session: Session, *, improvement_id: int, stage: Stage, result: str, now: datetime, actor_user_id: int
) -> None:
    """Say where an action stands and what came of it so far."""
    row = session.get_one(Improvement, improvement_id, with_for_update=True)
    row.stage, row.result, row.changed_at = stage, result, now
    session.flush()
    _audit(session, "improvement.moved", row, actor_user_id, now)


def _audit(session: Session, action: str, row: Improvement, actor_user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind="improvement",
        object_id=row.id,
    )
