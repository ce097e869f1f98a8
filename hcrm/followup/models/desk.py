"""Who is away, and the accounts of clinicians."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, UtcDateTime


class AbsenceRow(Base):
    """A person is away from one local day to another; the stand-in does what is theirs."""

    __tablename__ = "absence"
    __table_args__ = (Index("ix_absence_facility_id_until_on", "facility_id", "until_on"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    from_on: Mapped[date]
    until_on: Mapped[date]
    stand_in_user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    entered_by: Mapped[int]
    entered_at: Mapped[UtcDateTime]


class ClinicianAccountRow(Base):
    """The account of a clinician who is named in the hospital's records."""

    __tablename__ = "clinician_account"

    clinician_id: Mapped[int] = mapped_column(ForeignKey("clinician.id"), primary_key=True, autoincrement=False)
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
