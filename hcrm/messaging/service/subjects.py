"""Asking those who know whether what a message speaks of still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from hcrm.messaging.domain import OutdatedCheck
from hcrm.messaging.models import OutboxMessage


def outdated(session: Session, rows: Sequence[OutboxMessage]) -> dict[str, bool]:
    """By key: True for a message that speaks of something which has changed since, False where it changes just now."""
    checks: Mapping[str, OutdatedCheck] = session.info.get("outdated", {})
    found: dict[str, bool] = {}
    for topic, check in checks.items():
        about = [
            (row.conversation_subject_id, row.key)
            for row in rows
            if row.conversation_topic == topic and row.conversation_subject_id is not None
        ]
        found.update(check(session, about) if about else {})
    return found
