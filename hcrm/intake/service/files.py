"""Runs of messages that came in a file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from hcrm.intake.domain import Chunk, MessageStatus, Outcome, RowError, Severity
from hcrm.intake.models import ImportBatch
from hcrm.intake.readers.hl7v2 import Incoming
from hcrm.intake.service.messages import Place, apply_messages


def write_messages(
    session: Session, batch: ImportBatch, chunk: Chunk, timezone: str, now: datetime
) -> tuple[dict[str, int], list[RowError]]:
    """Apply the messages of a run; its counts and what is to be said about each message."""
    place = Place(batch.facility_id, timezone, batch.id, batch.with_plans)
    applied = apply_messages(session, place, chunk.messages, now=now)
    refused = [
        _refused(message, outcome)
        for message, outcome in zip(chunk.messages, applied.outcomes, strict=True)
        if outcome.status is MessageStatus.REFUSED
    ]
    statuses = [outcome.status for outcome in applied.outcomes]
    repeated = sum(each.repeated and each.status is MessageStatus.APPLIED for each in applied.outcomes)
    counts = {
        **applied.counts._asdict(),
        "rows_read": len(chunk.messages),
        "unchanged": applied.counts.unchanged + repeated,
        "pending": statuses.count(MessageStatus.WAITING),
        "skipped": statuses.count(MessageStatus.IGNORED),
        "rejected": len(refused),
        "warnings": len(chunk.errors),
    }
    return counts, sorted([*chunk.errors, *refused], key=lambda each: each.line)


def _refused(message: Incoming, outcome: Outcome) -> RowError:
    params = dict(outcome.params)
    return RowError(message.line, outcome.field, outcome.code, Severity.REJECTED, params, (message.text,))
