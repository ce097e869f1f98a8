"""Tokens: made, used, taken back."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.ids import token_hash
from hcrm.tokens.domain import ENDING, PREFIXES, SECRET_BYTES, USE_NOTED_EVERY, TokenPurpose, TokenSnapshot
from hcrm.tokens.models import AccessToken
from hcrm.tokens.queries import token_snapshot

ACTIONS = {
    TokenPurpose.RECORDS: ("access_token", "access_token.{}"),
    TokenPurpose.FIGURES: ("report_token", "figures.token_{}"),
}
"""Kind of object and action under which a token stands in the audit trail."""


def make_token(
    session: Session,
    *,
    purpose: TokenPurpose,
    facility_id: int,
    name: str,
    now: datetime,
    actor_user_id: int,
    department_id: int | None = None,
    scopes: Collection[str] = (),
    expires_at: datetime | None = None,
) -> tuple[TokenSnapshot, str]:
    """A new token of this facility, and the token itself, which is never shown again."""
    token = PREFIXES[purpose] + secrets.token_urlsafe(SECRET_BYTES)
    row = AccessToken(
        purpose=purpose,
        facility_id=facility_id,
        department_id=department_id,
        scopes=sorted(scopes),
        name=name,
        token_hash=token_hash(token),
        ending=token[-ENDING:],
        created_at=now,
        created_by=actor_user_id,
        expires_at=expires_at,
        last_used_at=None,
        revoked_at=None,
        revoked_by=None,
    )
    session.add(row)
    session.flush()
    _audit(session, "created", row, actor_user_id, now)
    return token_snapshot(row), token


def revoke_token(session: Session, *, token_id: int, now: datetime, actor_user_id: int) -> None:
    """Close the door to whoever shows this token; nothing happens to one that is taken back already."""
    row = session.get_one(AccessToken, token_id, with_for_update=True)
    if row.revoked_at is not None:
        return
    row.revoked_at, row.revoked_by = now, actor_user_id
    session.flush()
    _audit(session, "revoked", row, actor_user_id, now)


def use_token(session: Session, token: str, *, purpose: TokenPurpose, now: datetime) -> TokenSnapshot | None:
    """What this token opens; None for one that was never made for this purpose, is taken back or out of date.

    Its use is noted once a minute.
    """
    row = session.scalar(select(AccessToken).where(AccessToken.token_hash == token_hash(token)))
    if row is None or row.purpose is not purpose or not token_snapshot(row).opens(now):
        return None
    if row.last_used_at is None or now - row.last_used_at >= USE_NOTED_EVERY:
        row.last_used_at = now
        session.flush()
    return token_snapshot(row)


def _audit(session: Session, done: str, row: AccessToken, actor_user_id: int, now: datetime) -> None:
    kind, action = ACTIONS[row.purpose]
    record(
        session,
        now=now,
        action=action.format(done),
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind=kind,
        object_id=row.id,
    )
