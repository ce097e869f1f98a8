"""What people have begun, and what an import has ended, in the follow-up of some stays."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import DateTime, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import BigInteger

_PARAMETERS = (bindparam("ids", type_=ARRAY(BigInteger)), bindparam("since", type_=DateTime(timezone=True)))
_BEGUN = text(
    "SELECT count(*) FROM task t WHERE t.encounter_id = ANY(:ids) AND ("
    "  t.last_attempt_at >= :since OR t.completed_at >= :since"
    "  OR (t.ended_by_user_id IS NOT NULL AND t.ended_at >= :since)"
    "  OR (t.lease_user_id IS NOT NULL AND t.status = 'open')"
    "  OR EXISTS (SELECT 1 FROM outbox_message m JOIN send_attempt s ON s.message_id = m.id"
    "    WHERE m.task_id = t.id AND m.decided_at >= :since))"
).bindparams(*_PARAMETERS)
_ENDED = text(
    "SELECT t.id FROM task t WHERE t.encounter_id = ANY(:ids) AND t.ended_by_user_id IS NULL"
    " AND t.reason IN ('deceased', 'entered_in_error', 'ineligible', 'transferred') ORDER BY t.id"
).bindparams(_PARAMETERS[0])


def begun_tasks(session: Session, encounter_ids: Collection[int], since: datetime) -> int:
    """How many tasks of these stays somebody has opened, tried or ended since, or a message of theirs went out."""
    return int(session.scalar(_BEGUN, {"ids": list(encounter_ids), "since": since}) or 0)


def tasks_ended_by_records(session: Session, encounter_ids: Collection[int]) -> list[int]:
    """The tasks of these stays that what the hospital recorded has ended, not a person."""
    return list(session.scalars(_ENDED, {"ids": list(encounter_ids)}))
