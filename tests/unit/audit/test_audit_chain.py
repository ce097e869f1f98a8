"""The canonical form of entries and the hash over a batch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from hcrm.audit.domain import GENESIS, ActorKind, Entry, Outcome, entry_line, sum_batch

ENTRY = Entry(
    id=1,
    at=datetime(2026, 3, 10, 2, 0, tzinfo=UTC),
    actor_kind=ActorKind.USER,
    actor_user_id=7,
    facility_id=1,
    action="patient.viewed",
    object_kind="patient",
    object_id=5,
    patient_id=5,
    outcome=Outcome.DONE,
    details={"fields": ["language"], "count": 1},
)


def test_same_entry_in_another_zone_and_key_order_has_the_same_line() -> None:
    shanghai = timezone(timedelta(hours=8))
    same = replace(ENTRY, at=ENTRY.at.astimezone(shanghai), details={"count": 1, "fields": ["language"]})

    assert entry_line(same) == entry_line(ENTRY)


def test_every_field_changes_the_hash() -> None:
    changes = [
        {"at": ENTRY.at + timedelta(microseconds=1)},
        {"actor_kind": ActorKind.SYSTEM},
        {"actor_user_id": None},
        {"facility_id": 2},
        {"action": "patient.edited"},
        {"object_kind": "task"},
        {"object_id": 6},
        {"patient_id": None},
        {"outcome": Outcome.DENIED},
        {"details": {}},
    ]
    original = sum_batch(GENESIS, [ENTRY])
    assert original is not None

    for change in changes:
        changed = sum_batch(GENESIS, [replace(ENTRY, **change)])  # type: ignore[arg-type]
        assert changed is not None
        assert changed.hash != original.hash, change


def test_hash_depends_on_the_batch_before() -> None:
    first = sum_batch(GENESIS, [ENTRY])
    other = sum_batch("1" * 64, [ENTRY])

    assert first is not None
    assert other is not None
    assert first.hash != other.hash


def test_empty_batch_is_nothing() -> None:
    assert sum_batch(GENESIS, []) is None
