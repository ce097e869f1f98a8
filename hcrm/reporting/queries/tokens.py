"""The tokens of a hospital."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.reporting.domain.tokens import TokenSnapshot
from hcrm.reporting.models import ReportToken


def tokens(session: Session, facility_ids: Collection[int]) -> list[TokenSnapshot]:
    """All tokens of these facilities, the newest first."""
    statement = select(ReportToken).where(ReportToken.facility_id.in_(sorted(facility_ids)))
    return [snapshot(row) for row in session.scalars(statement.order_by(ReportToken.id.desc()))]


def token(session: Session, token_id: int) -> TokenSnapshot | None:
    row = session.get(ReportToken, token_id)
    return snapshot(row) if row else None


def snapshot(row: ReportToken) -> TokenSnapshot:
    """What is known of a token."""
    return TokenSnapshot(
        row.id,
        row.facility_id,
        row.department_id,
        tuple(row.reports),
        row.name,
        row.ending,
        row.created_at,
        row.last_used_at,
        row.revoked_at,
    )
