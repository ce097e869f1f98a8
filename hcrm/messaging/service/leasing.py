"""Leases on the database's own clock: each message that goes out is an attempt that one sender holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.messaging.domain import AttemptStatus
from hcrm.messaging.models import OutboxMessage
from hcrm.messaging.providers.base import Providers

LEASE = text(
    "INSERT INTO send_attempt (message_id, number, lease_until, worker, provider, status, looks)"
    " SELECT told.id, 1 + coalesce((SELECT max(number) FROM send_attempt WHERE message_id = told.id), 0),"
    " clock_timestamp() + CAST(:lease AS interval), :worker, told.provider, :claimed, 0"
    " FROM unnest(CAST(:ids AS bigint[]), CAST(:providers AS text[])) AS told(id, provider)"
    " RETURNING message_id, id"
)


def lease_all(
    session: Session, rows: Sequence[OutboxMessage], *, worker: str, providers: Providers, lease: timedelta
) -> dict[int, int]:
    """Give each message an attempt under a lease on the database's clock; ids of the attempts by message."""
    told = {
        "lease": lease,
        "worker": worker,
        "claimed": AttemptStatus.CLAIMED.value,
        "ids": [row.id for row in rows],
        "providers": [providers.for_number(row.to_number or "").name for row in rows],
    }
    return {row.message_id: row.id for row in session.execute(LEASE, told)}


BEGIN = text(
    "UPDATE send_attempt SET status = 'calling', started_at = :now,"
    " lease_until = clock_timestamp() + CAST(:lease AS interval)"
    " WHERE id = ANY(CAST(:ids AS bigint[])) AND status = 'claimed' AND lease_until > clock_timestamp() RETURNING id"
)


def begin_calls(session: Session, attempt_ids: Collection[int], *, now: datetime, lease: timedelta) -> set[int]:
    """Say that the provider is called from now on; the attempts whose lease still holds, so that nobody else decides.

    Only after this is committed may the provider be called: an attempt that was claimed and never began was surely not
    handed over.
    """
    session.flush()
    told = {"ids": list(attempt_ids), "now": now, "lease": lease}
    return set(session.execute(BEGIN, told).scalars())
