"""The roster of those whose phone is told of urgent alerts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.followup.models import OnCallRow


class TurnInvalid(ValueError):
    """A turn on call that cannot be; ``code`` names why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Turn:
    """Who is on call, on which number (E.164), from when to when, for a department or (None) the whole hospital."""

    name: str
    number: str
    from_at: datetime
    until_at: datetime
    department_id: int | None = None


def add_turn(session: Session, *, facility_id: int, turn: Turn, actor_user_id: int, now: datetime) -> int:
    """Enter a turn; its id. Raises ``TurnInvalid`` when it is over, ends before it begins, or meets another."""
    if turn.until_at <= turn.from_at:
        raise TurnInvalid("ends_before_it_begins")
    if turn.until_at <= now:
        raise TurnInvalid("is_over")
    taken = session.scalar(
        select(OnCallRow.id).where(
            OnCallRow.facility_id == facility_id,
            OnCallRow.department_id.is_not_distinct_from(turn.department_id),
            OnCallRow.from_at < turn.until_at,
            OnCallRow.until_at > turn.from_at,
        )
    )
    if taken is not None:
        raise TurnInvalid("somebody_is")
    row = OnCallRow(
        facility_id=facility_id,
        department_id=turn.department_id,
        from_at=turn.from_at,
        until_at=turn.until_at,
        name=turn.name,
        number=turn.number,
        entered_by=actor_user_id,
        entered_at=now,
    )
    session.add(row)
    session.flush()
    _audit(session, "on_call.entered", facility_id, actor_user_id, now)
    return row.id


def remove_turn(
    session: Session,
    *,
    facility_id: int,
    turn_id: int,
    wards: Collection[int] | None,
    actor_user_id: int,
    now: datetime,
) -> bool:
    """Take a turn out; False when there is none with this id that the actor may change (``wards`` None: any)."""
    row = session.get(OnCallRow, turn_id)
    if row is None or row.facility_id != facility_id or (wards is not None and row.department_id not in wards):
        return False
    session.delete(row)
    session.flush()
    _audit(session, "on_call.removed", facility_id, actor_user_id, now)
    return True


def _audit(session: Session, action: str, facility_id: int, actor_user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="facility",
        object_id=facility_id,
    )
