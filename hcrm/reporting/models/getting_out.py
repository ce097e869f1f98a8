"""How figures leave the program: views that people keep, and monthly letters."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, JsonObject, UtcDateTime


class SavedView(Base):
    """A page of figures with its period, place and grouping, under a name of the person's own."""

    __tablename__ = "report_view"
    __table_args__ = (UniqueConstraint("user_id", "name"),)

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str] = mapped_column(String(100))
    page: Mapped[str] = mapped_column(String(32))
    arguments: Mapped[JsonObject]
    created_at: Mapped[UtcDateTime]


class Subscription(Base):
    """A monthly letter to a person; ``sent_month`` is the newest month they got, ``failure`` why one did not go out."""

    __tablename__ = "report_subscription"
    __table_args__ = (UniqueConstraint("user_id", "facility_id"),)

    id: Mapped[BigId]
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    email: Mapped[str] = mapped_column(String(254))
    language: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[UtcDateTime]
    taken_month: Mapped[str | None] = mapped_column(String(7))
    sent_month: Mapped[str | None] = mapped_column(String(7))
    sent_at: Mapped[UtcDateTime | None]
    failure: Mapped[str | None] = mapped_column(String(64))
