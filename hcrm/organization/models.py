"""Tables of the hospital itself."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime, text_enum
from hcrm.organization.domain import DayKind


class Facility(Base):
    """A hospital: the level at which data is kept apart."""

    __tablename__ = "facility"

    id: Mapped[BigId]
    code: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(String(200))
    name_zh: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64))
    country: Mapped[str] = mapped_column(String(2))
    phone: Mapped[str] = mapped_column(String(32))
    settings: Mapped[JsonObject]
    created_at: Mapped[UtcDateTime]


class Department(Base):
    """A ward or department; made by imports when unknown, then marked for review.

    ``sensitive``: as few as possible should know that somebody goes there (psychiatry, HIV, termination …).
    """

    __tablename__ = "department"
    __table_args__ = (UniqueConstraint("facility_id", "code"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    code: Mapped[Code]
    name: Mapped[str] = mapped_column(String(200))
    name_zh: Mapped[str] = mapped_column(String(200))
    needs_review: Mapped[bool]
    active: Mapped[bool]
    sensitive: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    created_at: Mapped[UtcDateTime]


class Clinician(Base):
    """A physician as the hospital's records name them; not an account."""

    __tablename__ = "clinician"
    __table_args__ = (UniqueConstraint("facility_id", "code"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    code: Mapped[Code]
    name: Mapped[str] = mapped_column(String(200))


class CalendarDay(Base):
    """A holiday or a make-up workday of one facility."""

    __tablename__ = "calendar_day"

    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[DayKind] = mapped_column(text_enum(DayKind, "kind"))
    name: Mapped[str] = mapped_column(String(100))
