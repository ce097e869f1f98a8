"""What a database that holds a simulation remembers of it."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, JsonObject


class SimulationRow(Base):
    """The simulation of this database: what it began with and the last whole day. With it, all people are made up.

    ``last_text`` and ``put_off`` are ids of the simulated phones' texts: the newest one that was read, and those whose
    answer was put off to the next day. ``sequences`` is where the database's ids stood after the last whole day.
    """

    __tablename__ = "simulation"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    facility_code: Mapped[str] = mapped_column(String(64))
    seed: Mapped[int]
    per_day: Mapped[int]
    first_on: Mapped[date]
    last_on: Mapped[date | None]
    last_text: Mapped[int]
    put_off: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    sequences: Mapped[JsonObject]
