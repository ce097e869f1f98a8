"""Plans as they are kept in the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.domain.plan import VersionStatus, plan_to_mapping
from hcrm.followup.models import PlanRow, PlanVersionRow
from hcrm.followup.readers import ShippedPlan, shipped_plans


def install_default_plan(session: Session, now: datetime) -> None:
    """Bring the product's plans into the database: a new version where a plan changed, nothing where it did not."""
    for shipped in shipped_plans():
        _install(session, shipped, now)
    session.flush()


def _install(session: Session, shipped: ShippedPlan, now: datetime) -> None:
    plan = shipped.plan
    row = session.scalar(select(PlanRow).where(PlanRow.facility_id.is_(None), PlanRow.code == plan.code))
    if row is None:
        row = PlanRow(
            facility_id=None,
            code=plan.code,
            name_en=plan.name_en,
            name_zh=plan.name_zh,
            scope=plan.scope,
            position=shipped.position,
            active=True,
        )
        session.add(row)
        session.flush()
    versions = list(
        session.scalars(
            select(PlanVersionRow).where(PlanVersionRow.plan_id == row.id).order_by(PlanVersionRow.version.desc())
        )
    )
    definition = plan_to_mapping(plan)
    if versions and versions[0].definition == definition:
        return
    for older in versions:
        older.status = VersionStatus.RETIRED
    newest = versions[0].version if versions else 0
    session.add(
        PlanVersionRow(
            plan_id=row.id,
            version=newest + 1,
            status=VersionStatus.PUBLISHED,
            definition=definition,
            published_at=now,
        )
    )
