"""What an audit entry is, how a batch of entries is sealed, and what verification can find."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64
"""What the first seal names as the hash before it."""


class ActorKind(StrEnum):
    """Who acted."""

    USER = "user"
    SYSTEM = "system"
    PATIENT = "patient"
    COMMAND = "command"


class Outcome(StrEnum):
    """Whether what was asked for was done or refused."""

    DONE = "done"
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Entry:
    """One audited act. ``details`` holds names of fields, counts and ids, never values of a record."""

    id: int
    at: datetime
    actor_kind: ActorKind
    actor_user_id: int | None
    facility_id: int | None
    action: str
    object_kind: str
    object_id: int | None
    patient_id: int | None
    outcome: Outcome
    details: dict[str, Any]


def entry_line(entry: Entry) -> bytes:
    """The canonical form of an entry: a JSON array in a fixed order, UTC times, sorted keys."""
    return json.dumps(
        [
            entry.id,
            entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
            entry.actor_kind.value,
            entry.actor_user_id,
            entry.facility_id,
            entry.action,
            entry.object_kind,
            entry.object_id,
            entry.patient_id,
            entry.outcome.value,
            entry.details,
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    ).encode()


@dataclass(frozen=True, slots=True)
class BatchSum:
    """A batch of entries, summed up: which ids, how many, and the hash that chains it to the batch before."""

    first_entry_id: int
    last_entry_id: int
    entry_count: int
    hash: str


def sum_batch(previous_hash: str, entries: Iterable[Entry]) -> BatchSum | None:
    """SHA-256 over the hash before and the canonical lines of ``entries`` (in order of id); None without entries."""
    digest = hashlib.sha256(previous_hash.encode())
    first = last = count = 0
    for entry in entries:
        digest.update(b"\n" + entry_line(entry))
        first = first or entry.id
        last = entry.id
        count += 1
    return BatchSum(first, last, count, digest.hexdigest()) if count else None


class ProblemKind(StrEnum):
    """What verification can find."""

    CHAIN_BROKEN = "chain_broken"
    ENTRIES_CHANGED = "entries_changed"
    ENTRIES_MISSING = "entries_missing"
    ENTRIES_ADDED = "entries_added"
    HEAD_MISSING = "head_missing"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the audit, at the seal ``seal_id`` (0: with the chain as a whole)."""

    kind: ProblemKind
    seal_id: int
    first_entry_id: int = 0
    last_entry_id: int = 0


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """What an auditor looks for; None or empty = any. ``until`` is exclusive."""

    facility_ids: frozenset[int]
    actor_user_id: int | None = None
    patient_id: int | None = None
    action: str = ""
    since: datetime | None = None
    until: datetime | None = None
