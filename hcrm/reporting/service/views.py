"""Views that people keep: a page of figures with its period, place and grouping under a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.reporting.models import SavedView

PAGES = ("overview_page", "followup_page", "returns_page", "said_page", "departments_page", "bulletin_page")
"""The pages that can be kept."""

ARGUMENTS = ("period", "department", "facility", "by", "measure", "basis", "topic", "sort", "order")
"""What of an address is kept."""


def keep(session: Session, *, user_id: int, name: str, page: str, arguments: Mapping[str, str], now: datetime) -> None:
    """Keep a view; one of the same name is replaced. Raises ``ValueError`` for a page that cannot be kept."""
    if page not in PAGES:
        raise ValueError(page)
    values = {"page": page, "arguments": {key: arguments[key] for key in ARGUMENTS if arguments.get(key)}}
    statement = insert(SavedView).values(user_id=user_id, name=name, created_at=now, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["user_id", "name"], set_=values))


def forget(session: Session, *, user_id: int, view_id: int) -> bool:
    """Throw a view of this person away; whether there was one."""
    found = session.execute(
        delete(SavedView).where(SavedView.id == view_id, SavedView.user_id == user_id).returning(SavedView.id)
    )
    return found.first() is not None
