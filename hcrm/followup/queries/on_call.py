"""Whose phone is told of urgent alerts, and when."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from hcrm.followup.models import OnCallRow
from hcrm.organization.queries import facility


def on_call_number(session: Session, *, facility_id: int, department_id: int | None, at: datetime) -> str:
    """The number to text at a moment: of the department's person on call, else of the hospital's, else the duty phone
    of the settings; empty when there is none.
    """
    row = session.scalars(
        select(OnCallRow)
        .where(
            OnCallRow.facility_id == facility_id,
            OnCallRow.from_at <= at,
            OnCallRow.until_at > at,
            or_(OnCallRow.department_id == department_id, OnCallRow.department_id.is_(None)),
        )
        .order_by(OnCallRow.department_id.asc().nulls_last(), OnCallRow.from_at.desc(), OnCallRow.id.desc())
        .limit(1)
    ).one_or_none()
    return row.number if row is not None else facility(session, facility_id).settings.on_call_number


def on_call_entries(
    session: Session, facility_id: int, *, wards: Collection[int] | None, at: datetime
) -> list[OnCallRow]:
    """Turns that are not over, the next first: of the hospital and of these departments (None: of all)."""
    conditions = [OnCallRow.facility_id == facility_id, OnCallRow.until_at > at]
    if wards is not None:
        conditions.append(or_(OnCallRow.department_id.is_(None), OnCallRow.department_id.in_(wards)))
    return list(session.scalars(select(OnCallRow).where(*conditions).order_by(OnCallRow.from_at, OnCallRow.id)))
