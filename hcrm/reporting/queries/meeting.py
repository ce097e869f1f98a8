"""Targets, improvement actions, approvals and appeals as they are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.domain.targets import Stage
from hcrm.reporting.models import Improvement, ReviewAppeal, ReviewApproval, Target
from hcrm.reporting.queries.places import covered


def targets(session: Session, facility_id: int) -> dict[tuple[int | None, str], float]:
    """What was set, by department (None: the hospital) and figure."""
    rows = session.execute(
        select(Target.department_id, Target.figure, Target.share).where(Target.facility_id == facility_id)
    )
    return {(department, figure): share for department, figure, share in rows}


@dataclass(frozen=True, slots=True)
class ImprovementSnapshot:
    """An improvement action; ``before`` is the figure it came from as it stood then (numerator, denominator)."""

    id: int
    facility_id: int
    department_id: int | None
    figure: str
    month: str
    before: Mapping[str, Any]
    problem: str
    step: str
    owner: str
    due_on: date
    stage: Stage
    result: str
    changed_at: datetime


def improvements(session: Session, selection: Selection) -> list[ImprovementSnapshot]:
    """The actions of a place, open ones first by their day."""
    rows = session.scalars(
        select(Improvement)
        .where(covered(selection, Improvement.facility_id, Improvement.department_id))
        .order_by(Improvement.stage == Stage.CLOSED, Improvement.due_on, Improvement.id)
    )
    return [_snapshot(row) for row in rows]


def improvement(session: Session, improvement_id: int) -> ImprovementSnapshot | None:
    row = session.get(Improvement, improvement_id)
    return _snapshot(row) if row else None


def _snapshot(row: Improvement) -> ImprovementSnapshot:
    return ImprovementSnapshot(
        row.id,
        row.facility_id,
        row.department_id,
        row.figure,
        row.month,
        row.before,
        row.problem,
        row.step,
        row.owner,
        row.due_on,
        row.stage,
        row.result,
        row.changed_at,
    )


def approved_at(session: Session, facility_id: int, department_id: int, month: str) -> datetime | None:
    """When the head approved the month's review of a department."""
    return session.scalar(
        select(ReviewApproval.approved_at).where(
            ReviewApproval.facility_id == facility_id,
            ReviewApproval.department_id == department_id,
            ReviewApproval.month == month,
        )
    )


@dataclass(frozen=True, slots=True)
class AppealSnapshot:
    """What a person said against their figures of a month, and the answer."""

    id: int
    facility_id: int
    user_id: int
    month: str
    words: str
    made_at: datetime
    answer: str | None
    answered_at: datetime | None


def appeals(session: Session, facility_id: int, month: str, user_ids: list[int]) -> list[AppealSnapshot]:
    """The appeals of these people in a month, in their order."""
    rows = session.scalars(
        select(ReviewAppeal)
        .where(ReviewAppeal.facility_id == facility_id, ReviewAppeal.month == month, ReviewAppeal.user_id.in_(user_ids))
        .order_by(ReviewAppeal.id)
    )
    return [_appeal(row) for row in rows]


def appeal(session: Session, appeal_id: int) -> AppealSnapshot | None:
    row = session.get(ReviewAppeal, appeal_id)
    return _appeal(row) if row else None


def _appeal(row: ReviewAppeal) -> AppealSnapshot:
    return AppealSnapshot(
        row.id, row.facility_id, row.user_id, row.month, row.words, row.made_at, row.answer, row.answered_at
    )
