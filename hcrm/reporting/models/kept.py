"""Results that are kept, and what tells whether they still hold: versions of days, and how far adding up has come."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, SmallInteger, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, UtcDateTime, text_enum
from hcrm.reporting.models.rollups import MarkKind


class DayVersion(Base):
    """A day of a facility with a number that grows each time its records are added up anew."""

    __tablename__ = "report_day_version"

    facility_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kind: Mapped[MarkKind] = mapped_column(text_enum(MarkKind, "kind"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    version: Mapped[int]


class Kept(Base):
    """What a figure came to for some days of a facility while the largest version of those days was ``version``.

    ``key`` is a hash of the figure and all it was asked for, ``asked`` the same in words for whoever works it out
    again. Holds counts and rates only, nothing of a single patient.
    """

    __tablename__ = "report_kept"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    figure: Mapped[Code]
    key: Mapped[str] = mapped_column(String(64))
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    version: Mapped[int]
    result: Mapped[Any] = mapped_column(JSONB)
    made_at: Mapped[UtcDateTime]
    asked_at: Mapped[UtcDateTime]


class Progress(Base):
    """One row: the roll-ups hold everything that was stored at ``as_of``.

    Marks up to ``mark_id``, the newest at ``noted_at``, are being worked off.
    """

    __tablename__ = "report_progress"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    mark_id: Mapped[int]
    noted_at: Mapped[UtcDateTime]
    as_of: Mapped[UtcDateTime | None]
