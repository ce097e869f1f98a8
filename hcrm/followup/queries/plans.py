"""Plans in force."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.eligibility import PublishedPlan
from hcrm.followup.domain.plan import Plan, VersionStatus, plan_from_mapping
from hcrm.followup.models import PlanRow, PlanVersionRow


def published_plans(session: Session, facility_id: int) -> list[PublishedPlan]:
    """The newest published version of each active plan, in the order in which plans are tried.

    A facility's own plan stands in for the product's plan of the same code, also one that is switched off.
    """
    rows = session.execute(
        select(PlanRow, PlanVersionRow)
        .join(PlanVersionRow, PlanVersionRow.plan_id == PlanRow.id)
        .where(
            PlanVersionRow.status == VersionStatus.PUBLISHED,
            or_(PlanRow.facility_id.is_(None), PlanRow.facility_id == facility_id),
        )
        .order_by(PlanRow.facility_id.nulls_last(), PlanVersionRow.version.desc())
    )
    found: dict[str, tuple[PlanRow, PlanVersionRow]] = {}
    for plan, version in rows:
        found.setdefault(plan.code, (plan, version))
    in_order = sorted((each for each in found.values() if each[0].active), key=_place)
    return [_published(plan, version) for plan, version in in_order]


def _place(found: tuple[PlanRow, PlanVersionRow]) -> tuple[int, str]:
    return found[0].position, found[0].code


def plans_of_versions(session: Session, version_ids: Iterable[int]) -> dict[int, PublishedPlan]:
    """The plans of these versions, whatever their status, by version id."""
    rows = session.execute(
        select(PlanRow, PlanVersionRow)
        .join(PlanVersionRow, PlanVersionRow.plan_id == PlanRow.id)
        .where(PlanVersionRow.id.in_(set(version_ids)))
    )
    return {version.id: _published(plan, version) for plan, version in rows}


def step_names(session: Session, facility_id: int) -> dict[str, tuple[str, str]]:
    """English and Chinese name of each step code of the plans in force."""
    return {
        step.code: (step.name_en, step.name_zh)
        for published in published_plans(session, facility_id)
        for step in published.plan.steps
    }


def _published(plan: PlanRow, version: PlanVersionRow) -> PublishedPlan:
    definition: Plan = plan_from_mapping(version.definition)
    return PublishedPlan(plan.id, version.id, version.version, definition, plan.position)
