"""How many texts may go out: a token bucket for each sender number and each facility, shared by all workers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

REFILL = text(
    "INSERT INTO send_allowance AS bucket (key, tokens, counted_at) VALUES (:key, :burst, clock_timestamp())"
    " ON CONFLICT (key) DO UPDATE SET counted_at = clock_timestamp(), tokens = least(:burst,"
    " bucket.tokens + :rate * greatest(0, extract(epoch FROM clock_timestamp() - bucket.counted_at)))"
    " RETURNING tokens"
)
CHANGE = text("UPDATE send_allowance SET tokens = tokens + :tokens WHERE key = :key")


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second for one sender number and for one facility; None: as many as one likes."""

    per_number: float | None = None
    per_facility: float | None = None

    @property
    def limited(self) -> bool:
        return self.per_number is not None or self.per_facility is not None


def take(session: Session, wanted: Mapping[int, tuple[str, int]], rates: Rates) -> dict[int, int]:
    """How many of the messages ``wanted`` (facility -> its sender number, how many) may go out now.

    What is granted is taken from the buckets, which stay locked until the end of the transaction.
    """
    if not rates.limited:
        return {facility_id: count for facility_id, (_, count) in wanted.items()}
    left = {key: _refilled(session, key, rates) for key in sorted(_keys(wanted, rates))}
    taken: Counter[str] = Counter()
    granted = {}
    for facility_id, (number, count) in sorted(wanted.items()):
        keys = _keys({facility_id: (number, count)}, rates)
        granted[facility_id] = max(0, min([count, *(int(left[key]) for key in keys)]))
        for key in keys:
            left[key] -= granted[facility_id]
            taken[key] += granted[facility_id]
    for key, count in taken.items():
        if count:
            session.execute(CHANGE, {"key": key, "tokens": -count})
    return granted


def give_back(session: Session, unused: Mapping[int, tuple[str, int]], rates: Rates) -> None:
    """Put tokens back for messages that will not go out after all (facility -> its sender number, how many)."""
    for facility_id, (number, count) in sorted(unused.items()):
        for key in _keys({facility_id: (number, count)}, rates):
            session.execute(CHANGE, {"key": key, "tokens": count})


def _refilled(session: Session, key: str, rates: Rates) -> float:
    rate = rates.per_number if key.startswith("number:") else rates.per_facility
    assert rate is not None
    tokens: float = session.execute(REFILL, {"key": key, "rate": rate, "burst": max(1.0, rate)}).scalar_one()
    return tokens


def _keys(wanted: Mapping[int, tuple[str, int]], rates: Rates) -> set[str]:
    keys = set()
    for facility_id, (number, _) in wanted.items():
        if rates.per_facility is not None:
            keys.add(f"facility:{facility_id}")
        if rates.per_number is not None:
            keys.add(f"number:{number}")
    return keys
