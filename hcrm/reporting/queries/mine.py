"""What a person has kept and ordered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.reporting.models import SavedView, Subscription


@dataclass(frozen=True, slots=True)
class View:
    """A page of figures under a name."""

    id: int
    name: str
    page: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ordered:
    """A monthly letter as it was ordered, when the last one went out, and why one did not."""

    department_id: int | None
    email: str
    language: str
    sent_at: datetime | None
    failure: str | None


def views(session: Session, user_id: int) -> list[View]:
    """The views of a person by name."""
    rows = session.scalars(select(SavedView).where(SavedView.user_id == user_id).order_by(SavedView.name))
    return [View(row.id, row.name, row.page, row.arguments) for row in rows]


def ordered(session: Session, user_id: int, facility_id: int) -> Ordered | None:
    """The letter that a person has ordered from a facility."""
    row = session.scalar(
        select(Subscription).where(Subscription.user_id == user_id, Subscription.facility_id == facility_id)
    )
    return Ordered(row.department_id, row.email, row.language, row.sent_at, row.failure) if row else None
