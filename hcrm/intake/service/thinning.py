"""Thinning what interfaces have sent: applied messages are kept for a time, then only their counts.

A message that comes again after that is applied again, and changes nothing: its facts are known. Merges are kept for
good, because one that a person has undone must not be done again.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

MESSAGES_KEPT: Final = timedelta(days=90)
AT_ONCE: Final = 10_000

_THIN: Final = text(
    "WITH old AS ("
    "  SELECT id FROM interface_message WHERE facility_id = :facility AND received_at < :before"
    "  AND status IN ('applied', 'ignored') AND event NOT IN ('A34', 'A40')"
    "  ORDER BY received_at LIMIT :limit FOR UPDATE SKIP LOCKED"
    "), gone AS ("
    "  DELETE FROM interface_message m USING old WHERE m.id = old.id"
    "  RETURNING m.facility_id, (m.received_at AT TIME ZONE 'UTC')::date AS day, m.event, m.status"
    "), counted AS ("
    "  INSERT INTO interface_message_day AS known (facility_id, day, event, status, count)"
    "  SELECT facility_id, day, event, status, count(*) FROM gone GROUP BY 1, 2, 3, 4"
    "  ON CONFLICT (facility_id, day, event, status) DO UPDATE SET count = known.count + excluded.count"
    ") SELECT count(*) FROM gone"
)
_FORGET: Final = text("DELETE FROM posted_document WHERE received_at < :before")


def thin_messages(session: Session, *, facility_id: int, now: datetime) -> int:
    """Count and drop up to ``AT_ONCE`` messages of a facility that were settled long ago; how many there were."""
    values = {"facility": facility_id, "before": now - MESSAGES_KEPT, "limit": AT_ONCE}
    return int(session.scalar(_THIN, values) or 0)


def forget_posted(session: Session, *, now: datetime) -> None:
    """Forget which documents were posted long ago; what they said is known."""
    session.execute(_FORGET, {"before": now - MESSAGES_KEPT})
