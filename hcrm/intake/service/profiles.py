"""Profiles: kept under a name, renamed, thrown away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.intake.domain import Profile
from hcrm.intake.models import MappingProfile


class ProfileNameTaken(Exception):
    """Another profile of the facility has this name."""


def keep_profile(
    session: Session,
    *,
    facility_id: int,
    name: str,
    profile: Profile,
    now: datetime,
    actor_user_id: int,
    replaces: bool = False,
) -> int:
    """Keep ``profile`` under ``name``; returns its id. Raises ``ProfileNameTaken`` unless it ``replaces`` that one."""
    row = session.scalar(_named(facility_id, name).with_for_update())
    if row is not None and not replaces:
        raise ProfileNameTaken(name)
    if row is None:
        row = MappingProfile(facility_id=facility_id, name=name, created_at=now, created_by=actor_user_id)
        session.add(row)
    row.content, row.updated_at = profile.to_json(), now
    session.flush()
    _audit(session, "mapping_profile.kept", row, actor_user_id, now)
    return row.id


def rename_profile(session: Session, *, profile_id: int, name: str, now: datetime, actor_user_id: int) -> None:
    """Call a profile otherwise. Raises ``ProfileNameTaken``."""
    row = session.get_one(MappingProfile, profile_id, with_for_update=True)
    if row.name == name:
        return
    if session.scalar(_named(row.facility_id, name)) is not None:
        raise ProfileNameTaken(name)
    row.name, row.updated_at = name, now
    session.flush()
    _audit(session, "mapping_profile.renamed", row, actor_user_id, now)


def save_words(
    session: Session, *, profile_id: int, words: Mapping[str, Mapping[str, str]], now: datetime, actor_user_id: int
) -> None:
    """Replace the tables of words of a profile: ``classes``, ``dispositions``, ``sexes``, each by word of the file."""
    row = session.get_one(MappingProfile, profile_id, with_for_update=True)
    row.content = Profile.from_json({**row.content, **words}).to_json()
    row.updated_at = now
    session.flush()
    _audit(session, "mapping_profile.kept", row, actor_user_id, now)


def drop_profile(session: Session, *, profile_id: int, now: datetime, actor_user_id: int) -> None:
    """Throw a profile away; what was imported with it stays as it is."""
    row = session.get_one(MappingProfile, profile_id)
    _audit(session, "mapping_profile.dropped", row, actor_user_id, now)
    session.delete(row)
    session.flush()


def _named(facility_id: int, name: str) -> Select[tuple[MappingProfile]]:
    return select(MappingProfile).where(MappingProfile.facility_id == facility_id, MappingProfile.name == name)


def _audit(session: Session, action: str, row: MappingProfile, actor_user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=row.facility_id,
        object_kind="mapping_profile",
        object_id=row.id,
    )
