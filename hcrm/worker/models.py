"""The table of the worker: which workers are alive."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, UtcDateTime


class WorkerHeartbeat(Base):
    """One row per worker process, by the database's own clock."""

    __tablename__ = "worker_heartbeat"

    worker: Mapped[str] = mapped_column(String(64), primary_key=True)
    started_at: Mapped[UtcDateTime]
    beat_at: Mapped[UtcDateTime]
    leader: Mapped[bool]
