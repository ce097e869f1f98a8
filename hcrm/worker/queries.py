"""Whether a worker is alive."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.worker.models import WorkerHeartbeat


def seconds_since_heartbeat(session: Session) -> float | None:
    """Seconds since any worker last said that it is alive, by the database's clock; ``None`` when none ever did."""
    age = select(func.extract("epoch", func.clock_timestamp() - func.max(WorkerHeartbeat.beat_at)))
    seconds = session.execute(age).scalar_one_or_none()
    return None if seconds is None else float(seconds)
