"""Reading tokens."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.tokens.domain import TokenPurpose, TokenSnapshot
from hcrm.tokens.models import AccessToken


def tokens(session: Session, purpose: TokenPurpose, facility_ids: Collection[int]) -> list[TokenSnapshot]:
    """The tokens of some facilities: those in use first, the newest first."""
    rows = session.scalars(
        select(AccessToken)
        .where(AccessToken.purpose == purpose, AccessToken.facility_id.in_(sorted(facility_ids)))
        .order_by(AccessToken.revoked_at.is_not(None), AccessToken.created_at.desc(), AccessToken.id.desc())
    )
    return [token_snapshot(row) for row in rows]


def token(session: Session, purpose: TokenPurpose, token_id: int) -> TokenSnapshot | None:
    """The token with this id; None when there is none for this purpose."""
    row = session.get(AccessToken, token_id)
    return None if row is None or row.purpose is not purpose else token_snapshot(row)


def token_snapshot(row: AccessToken) -> TokenSnapshot:
    """The picture of one token."""
    return TokenSnapshot(
        id=row.id,
        purpose=row.purpose,
        facility_id=row.facility_id,
        department_id=row.department_id,
        scopes=tuple(row.scopes),
        name=row.name,
        ending=row.ending,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
