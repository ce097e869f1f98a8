"""The worker says that it is alive."""

from __future__ import annotations

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.worker.models import WorkerHeartbeat


def beat(session: Session, *, worker: str, leader: bool) -> None:
    """Write down that ``worker`` is alive now, by the database's clock, and whether it leads."""
    statement = insert(WorkerHeartbeat).values(
        worker=worker, started_at=func.clock_timestamp(), beat_at=func.clock_timestamp(), leader=leader
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[WorkerHeartbeat.worker],
            set_={"beat_at": func.clock_timestamp(), "leader": leader},
        )
    )
