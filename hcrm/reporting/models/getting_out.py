"""How figures leave the program: tokens of other systems, views that people keep, and monthly letters."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, JsonObject, UtcDateTime


class ReportToken(Base):
    """What the hospital's own tools show to read figures; only the hash of the token is kept.

    ``department_id`` narrows it to one department, ``reports`` to some of the reports.
    """

    __tablename__ = "report_token"

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    reports: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    ending: Mapped[str] = mapped_column(String(4))
    """The last characters, by which a person knows it again."""
    created_at: Mapped[UtcDateTime]
    created_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    last_used_at: Mapped[UtcDateTime | None]
    revoked_at: Mapped[UtcDateTime | None]
    revoked_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


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
