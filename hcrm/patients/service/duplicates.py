"""Pairs of persons who may be one: kept as they are found, told apart by people."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.patients.domain.duplicates import Likeness, weight_of
from hcrm.patients.models import Patient, PossibleDuplicate

AT_ONCE = 1_000


def keep_alike(
    session: Session, *, facility_id: int, found: Mapping[tuple[int, int], AbstractSet[Likeness]], now: datetime
) -> int:
    """Keep what was found; what is not alike any more goes, unless somebody has decided. Returns how many are new."""
    known = set(session.scalars(select(PossibleDuplicate.id).where(PossibleDuplicate.facility_id == facility_id)))
    rows = [
        {
            "facility_id": facility_id,
            "first_id": first,
            "second_id": second,
            "reasons": sorted(each.value for each in reasons),
            "weight": weight_of(reasons),
            "found_at": now,
        }
        for (first, second), reasons in found.items()
    ]
    kept: set[int] = set()
    for start in range(0, len(rows), AT_ONCE):
        statement = insert(PossibleDuplicate)
        statement = statement.on_conflict_do_update(
            index_elements=["first_id", "second_id"],
            set_={name: statement.excluded[name] for name in ("reasons", "weight", "found_at")},
        )
        kept.update(session.scalars(statement.returning(PossibleDuplicate.id), rows[start : start + AT_ONCE]))
    session.execute(
        delete(PossibleDuplicate).where(
            PossibleDuplicate.facility_id == facility_id,
            PossibleDuplicate.found_at < now,
            PossibleDuplicate.different_at.is_(None),
        )
    )
    return len(kept - known)


def mark_different(session: Session, *, one: int, other: int, now: datetime, actor_user_id: int) -> None:
    """Say that two persons are not one, whether or not they were found alike."""
    first, second = sorted((one, other))
    row = session.scalar(
        select(PossibleDuplicate)
        .where(PossibleDuplicate.first_id == first, PossibleDuplicate.second_id == second)
        .with_for_update()
    )
    if row is None:
        facility_id = session.scalars(select(Patient.facility_id).where(Patient.id == first)).one()
        row = PossibleDuplicate(
            facility_id=facility_id, first_id=first, second_id=second, reasons=[], weight=0, found_at=now
        )
        session.add(row)
    row.different_at, row.different_by = now, actor_user_id
    session.flush()
    _audit(session, "patient.told_apart", row, actor_user_id, now)


def take_back_different(session: Session, *, pair_id: int, now: datetime, actor_user_id: int) -> None:
    """Let a pair wait for a decision again."""
    row = session.get_one(PossibleDuplicate, pair_id, with_for_update=True)
    if row.different_at is None:
        return
    row.different_at = row.different_by = None
    session.flush()
    _audit(session, "patient.told_apart_undone", row, actor_user_id, now)


def _audit(session: Session, action: str, row: PossibleDuplicate, actor_user_id: int, now: datetime) -> None:
    for patient_id in (row.first_id, row.second_id):
        record(
            session,
            now=now,
            action=action,
            actor_user_id=actor_user_id,
            facility_id=row.facility_id,
            object_kind="possible_duplicate",
            object_id=row.id,
            patient_id=patient_id,
        )
