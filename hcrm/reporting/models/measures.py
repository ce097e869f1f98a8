"""Revisit measures that a hospital made by parameters."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime


class OwnMeasure(Base):
    """A measure with its parameters (``rules``); never changed once kept, so that a number told can be found again.

    ``retired_at``: no longer offered; its code stays taken.
    """

    __tablename__ = "report_measure"
    __table_args__ = (UniqueConstraint("facility_id", "code"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    code: Mapped[Code]
    name: Mapped[str] = mapped_column(String(100))
    name_zh: Mapped[str] = mapped_column(String(100))
    rules: Mapped[JsonObject]
    created_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[UtcDateTime]
    retired_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    retired_at: Mapped[UtcDateTime | None]
