"""Who takes turns with whom when patients are written."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

FACILITY_LOCK = 4_201_002
"""First key of the advisory lock under which imports and merges of one facility (the second key) take turns."""


def lock_facility(session: Session, facility_id: int) -> None:
    """Wait for the facility's other imports and merges; held until the transaction ends."""
    session.execute(
        text("SELECT pg_advisory_xact_lock(:kind, :facility)"), {"kind": FACILITY_LOCK, "facility": facility_id}
    )
