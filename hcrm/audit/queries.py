"""Reads the audit: the newest seal, and entries for the auditor's page."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from hcrm.audit.domain import ActorKind, Entry, EntryFilter, Outcome
from hcrm.audit.models import AuditEntry, AuditSeal

LOOKS: Final = ("patient.found",)
"""Actions that are looks though they are not called so."""


def as_entry(row: AuditEntry) -> Entry:
    """The frozen snapshot of a stored entry."""
    return Entry(
        id=row.id,
        at=row.at,
        actor_kind=row.actor_kind,
        actor_user_id=row.actor_user_id,
        facility_id=row.facility_id,
        action=row.action,
        object_kind=row.object_kind,
        object_id=row.object_id,
        patient_id=row.patient_id,
        outcome=row.outcome,
        details=row.details,
    )


def last_seal(session: Session) -> AuditSeal | None:
    """The newest seal of the chain."""
    return session.scalar(select(AuditSeal).order_by(AuditSeal.last_entry_id.desc()).limit(1))


def head(session: Session) -> str | None:
    """The hash of the newest seal: what one notes outside the database."""
    newest = last_seal(session)
    return newest.hash if newest else None


def unsealed_count(session: Session) -> int:
    """Entries that wait to be sealed."""
    newest = last_seal(session)
    condition = AuditEntry.id > (newest.last_entry_id if newest else 0)
    return session.scalar(select(func.count()).where(condition)) or 0


def entries(session: Session, wanted: EntryFilter, *, before_id: int | None = None, limit: int = 50) -> list[Entry]:
    """Entries that match, newest first; ``before_id`` goes on where an earlier page ended.

    Entries without a facility (log-ins, commands of the whole program) are shown beside those of the facilities asked
    for.
    """
    conditions = _conditions(wanted)
    if before_id is not None:
        conditions.append(AuditEntry.id < before_id)
    rows = session.scalars(select(AuditEntry).where(*conditions).order_by(AuditEntry.id.desc()).limit(limit))
    return [as_entry(row) for row in rows]


def _conditions(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [
        AuditEntry.facility_id.in_(wanted.facility_ids) | AuditEntry.facility_id.is_(None)
    ]
    if wanted.actor_user_id is not None:
        conditions.append(AuditEntry.actor_user_id == wanted.actor_user_id)
    if wanted.patient_id is not None:
        conditions.append(AuditEntry.patient_id == wanted.patient_id)
    if wanted.action:
        conditions.append(AuditEntry.action == wanted.action)
    if wanted.since is not None:
        conditions.append(AuditEntry.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(AuditEntry.at < wanted.until)
    return conditions


def actions(session: Session) -> list[str]:
    """The actions among the newest 20,000 entries, for the filter."""
    newest = select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(20_000).subquery()
    return list(session.scalars(select(newest.c.action).distinct().order_by(newest.c.action)))


def patients_changed(session: Session, patient_ids: Collection[int], since: datetime) -> int:
    """How many of these patients people have done something to or for since; looks do not count."""
    query = select(func.count(AuditEntry.patient_id.distinct())).where(
        AuditEntry.patient_id == any_(literal(list(patient_ids), ARRAY(BigInteger))),
        AuditEntry.at >= since,
        AuditEntry.actor_kind.in_((ActorKind.USER, ActorKind.PATIENT)),
        AuditEntry.outcome == Outcome.DONE,
        AuditEntry.action.not_like("%.viewed"),
        AuditEntry.action.not_in(LOOKS),
    )
    return session.scalar(query) or 0
