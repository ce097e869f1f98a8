"""Appends audit entries, seals them in chained batches, and verifies the chain.

Entries are appended without a chain in the transaction that they describe, so that nobody waits for anybody. One sealer
chains them later, in batches below the oldest transaction that still appends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from hcrm.audit.domain import GENESIS, ActorKind, Outcome, Problem, ProblemKind, sum_batch
from hcrm.audit.models import AuditEntry, AuditSeal
from hcrm.audit.queries import as_entry, last_seal

BATCH = 5_000
SEALER_LOCK = 4_201_001
"""Advisory lock that lets one sealer work at a time."""

PAUSE_SECONDS = 0.05
APPENDING = text(
    "SELECT virtualtransaction || ' ' || pid FROM pg_locks "
    "WHERE locktype = 'relation' AND relation = 'audit_entry'::regclass AND mode = 'RowExclusiveLock' AND granted "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()"
)


def record(
    session: Session,
    *,
    now: datetime,
    action: str,
    actor_user_id: int | None,
    actor_kind: ActorKind | str | None = None,
    facility_id: int | None = None,
    object_kind: str = "",
    object_id: int | None = None,
    patient_id: int | None = None,
    outcome: Outcome | str = Outcome.DONE,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append one entry in the current transaction.

    ``details`` holds names of fields, counts and ids, never values of a record. ``actor_kind`` is ``user`` with an
    ``actor_user_id`` and ``system`` without, unless said otherwise.
    """
    kind = ActorKind(actor_kind) if actor_kind else (ActorKind.SYSTEM if actor_user_id is None else ActorKind.USER)
    session.execute(
        insert(AuditEntry).values(
            at=now,
            actor_kind=kind,
            actor_user_id=actor_user_id,
            facility_id=facility_id,
            action=action,
            object_kind=object_kind,
            object_id=object_id,
            patient_id=patient_id,
            outcome=Outcome(outcome),
            details=dict(details or {}),
        )
    )


def seal(session: Session, *, now: datetime, patience_seconds: float = 5.0) -> int:
    """Seal what can be sealed; returns the number of entries sealed.

    Ids of entries are drawn in no order of commit, so a smaller id may become visible after a larger one. Therefore:
    note the newest id, then the transactions that are appending; wait until those have ended (at most
    ``patience_seconds``), and seal up to that id. Whoever drew a smaller id held the table's lock when we looked, and
    what it appended is visible before its lock is gone. One sealer at a time.
    """
    if not session.scalar(select(func.pg_try_advisory_xact_lock(SEALER_LOCK))):
        return 0
    newest = session.scalar(select(func.max(AuditEntry.id))) or 0
    if not _all_ended(session, _appending(session), patience_seconds):
        return 0
    sealed = 0
    while (count := _seal_batch(session, newest, now)) > 0:
        sealed += count
    return sealed


def _appending(session: Session) -> set[str]:
    """The other transactions that hold the lock which appending takes: from before an id is drawn until the end."""
    return set(session.scalars(APPENDING))


def _all_ended(session: Session, transactions: set[str], patience_seconds: float) -> bool:
    """True once none of ``transactions`` appends any more."""
    for _ in range(max(1, int(patience_seconds / PAUSE_SECONDS))):
        if transactions.isdisjoint(_appending(session)):
            return True
        session.execute(select(func.pg_sleep(PAUSE_SECONDS)))
    return False


def _seal_batch(session: Session, newest: int, now: datetime) -> int:
    before = last_seal(session)
    previous_hash, sealed_up_to = (before.hash, before.last_entry_id) if before else (GENESIS, 0)
    rows = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.id > sealed_up_to, AuditEntry.id <= newest)
        .order_by(AuditEntry.id)
        .limit(BATCH)
    )
    batch = sum_batch(previous_hash, map(as_entry, rows))
    session.expire_all()
    if batch is None:
        return 0
    session.add(
        AuditSeal(
            first_entry_id=batch.first_entry_id,
            last_entry_id=batch.last_entry_id,
            entry_count=batch.entry_count,
            previous_hash=previous_hash,
            hash=batch.hash,
            sealed_at=now,
        )
    )
    session.flush()
    return batch.entry_count


def verify(session: Session, *, expected_head: str | None = None) -> list[Problem]:
    """Recompute the whole chain; returns what is wrong, nothing when all is well.

    ``expected_head`` is a hash noted earlier (outside the database): it must still be part of the chain, else seals at
    the end were cut off.
    """
    problems: list[Problem] = []
    previous_hash, sealed_up_to = GENESIS, 0
    seen = {GENESIS}
    for seal_row in session.scalars(select(AuditSeal).order_by(AuditSeal.last_entry_id)).all():
        if seal_row.previous_hash != previous_hash:
            problems.append(Problem(ProblemKind.CHAIN_BROKEN, seal_row.id))
        problems.extend(_batch_problems(session, seal_row, sealed_up_to))
        previous_hash, sealed_up_to = seal_row.hash, seal_row.last_entry_id
        seen.add(seal_row.hash)
    if expected_head and expected_head not in seen:
        problems.append(Problem(ProblemKind.HEAD_MISSING, 0))
    return problems


def _batch_problems(session: Session, seal_row: AuditSeal, sealed_up_to: int) -> Iterator[Problem]:
    rows = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.id > sealed_up_to, AuditEntry.id <= seal_row.last_entry_id)
        .order_by(AuditEntry.id)
    )
    found = sum_batch(seal_row.previous_hash, map(as_entry, rows))
    count = found.entry_count if found else 0
    if found is not None and found.hash == seal_row.hash and count == seal_row.entry_count:
        return
    if count < seal_row.entry_count:
        kind = ProblemKind.ENTRIES_MISSING
    elif count > seal_row.entry_count:
        kind = ProblemKind.ENTRIES_ADDED
    else:
        kind = ProblemKind.ENTRIES_CHANGED
    yield Problem(kind, seal_row.id, seal_row.first_entry_id, seal_row.last_entry_id)
