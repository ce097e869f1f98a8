"""Reading profiles that were kept."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.intake.domain import Profile
from hcrm.intake.domain.profiles import StoredProfile
from hcrm.intake.models import MappingProfile


def stored_profiles(session: Session, facility_ids: frozenset[int]) -> list[StoredProfile]:
    """The profiles of some facilities by name."""
    rows = session.scalars(
        select(MappingProfile)
        .where(MappingProfile.facility_id.in_(facility_ids))
        .order_by(MappingProfile.name, MappingProfile.id)
    )
    return [_snapshot(row) for row in rows]


def stored_profile(session: Session, profile_id: int) -> StoredProfile | None:
    """The profile with this id."""
    row = session.get(MappingProfile, profile_id)
    return None if row is None else _snapshot(row)


def profiles_named(session: Session, name: str) -> list[StoredProfile]:
    """The profiles called so, in whatever facility."""
    rows = session.scalars(select(MappingProfile).where(MappingProfile.name == name).order_by(MappingProfile.id))
    return [_snapshot(row) for row in rows]


def _snapshot(row: MappingProfile) -> StoredProfile:
    return StoredProfile(
        id=row.id,
        facility_id=row.facility_id,
        name=row.name,
        profile=Profile.from_json(row.content | {"name": row.name}),
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
