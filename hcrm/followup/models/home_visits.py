"""The teams that visit at home, and their days."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId


class VisitTeamRow(Base):
    """A team that visits at home: the districts it goes to, as addresses name them, and how many visits a day."""

    __tablename__ = "visit_team"
    __table_args__ = (UniqueConstraint("facility_id", "name"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    name: Mapped[str] = mapped_column(String(120))
    districts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    per_day: Mapped[int] = mapped_column(SmallInteger)
    active: Mapped[bool]


class VisitBookingRow(Base):
    """On which day which team goes to a patient."""

    __tablename__ = "visit_booking"
    __table_args__ = (
        Index("ix_visit_booking_team_id_day", "team_id", "day"),
        Index("ix_visit_booking_facility_id_day", "facility_id", "day"),
    )

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True, autoincrement=False)
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("visit_team.id"))
    day: Mapped[date]
    district: Mapped[str] = mapped_column(String(120))
