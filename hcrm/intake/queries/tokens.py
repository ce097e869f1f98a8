"""Reading access tokens."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.intake.domain.tokens import TokenSnapshot
from hcrm.intake.models import AccessToken


def tokens(session: Session, facility_ids: frozenset[int]) -> list[TokenSnapshot]:
    """The tokens of some facilities: those in use first, the newest first."""
    rows = session.scalars(
        select(AccessToken)
        .where(AccessToken.facility_id.in_(facility_ids))
        .order_by(AccessToken.revoked_at.is_not(None), AccessToken.created_at.desc(), AccessToken.id.desc())
    )
    return [token_snapshot(row) for row in rows]


def token(session: Session, token_id: int) -> TokenSnapshot | None:
    """The token with this id."""
    row = session.get(AccessToken, token_id)
    return None if row is None else token_snapshot(row)


def token_snapshot(row: AccessToken) -> TokenSnapshot:
    """The picture of one token."""
    return TokenSnapshot(
        id=row.id,
        facility_id=row.facility_id,
        name=row.name,
        ending=row.ending,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
