"""Tokens for figures: made, used, taken back."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.ids import token_hash
from hcrm.reporting.domain.tokens import ENDING, PREFIX, SECRET_BYTES, USE_NOTED_EVERY, TokenSnapshot
from hcrm.reporting.models import ReportToken
from hcrm.reporting.queries.tokens import snapshot


def make_token(
    session: Session,
    *,
    facility_id: int,
    department_id: int | None,
    reports: Sequence[str],
    name: str,
    now: datetime,
    actor_user_id: int,
) -> tuple[TokenSnapshot, str]:
    """A new token, and the token itself, which is never shown again."""
    token = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    row = ReportToken(
        facility_id=facility_id,
        department_id=department_id,
        reports=sorted(reports),
        name=name,
        token_hash=token_hash(token),
        ending=token[-ENDING:],
        created_at=now,
        created_by=actor_user_id,
        last_used_at=None,
        revoked_at=None,
        revoked_by=None,
    )
    session.add(row)
    session.flush()
    _audit(session, "figures.token_created", row, actor_user_id, now)
    return snapshot(row), token


def revoke_token(session: Session, *, token_id: int, now: datetime, actor_user_id: int) -> None:
    """Close the door to whoever shows this token; nothing happens to one that is taken back already."""
    row = session.get_one(ReportToken, token_id, with_for_update=True)
    if row.revoked_at is not None:
        return
    row.revoked_at, row.revoked_by = now, actor_user_id
    session.flush()
    _audit(session, "figures.token_revoked", row, actor_user_id, now)


def use_token(session: Session, token: str, *, now: datetime) -> TokenSnapshot | None:
    """What this token opens; None for one that was never made or is taken back. Its use is noted once a minute."""
    row = session.scalar(select(ReportToken).where(ReportToken.token_hash == token_hash(token)))
    if row is None or row.revoked_at is not None:
        return None
    if row.last_used_at is None or now - row.last_used_at >= USE_NOTED_EVERY:
        row.last_used_at = now
        session.flush()
    return snapshot(row)


def _audit(session: Session, action: str, row: ReportToken, actor_user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind="report_token",
        object_id=row.id,
    )
