"""Plans, their versions, and who is enrolled in them."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime, text_enum
from hcrm.followup.domain.plan import (
    PlanScope,
    RiskLevel,
    VersionStatus,
)
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason


class PlanRow(Base):
    """A plan; ``facility_id`` is null for the plans that the product brings."""

    __tablename__ = "plan"
    __table_args__ = (UniqueConstraint("facility_id", "code", postgresql_nulls_not_distinct=True),)

    id: Mapped[BigId]
    facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"))
    code: Mapped[Code]
    name_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    scope: Mapped[PlanScope] = mapped_column(text_enum(PlanScope, "scope"))
    position: Mapped[int]
    active: Mapped[bool]


class PlanVersionRow(Base):
    """One version of a plan; enrolments keep the version they started with. A plan has one draft at most."""

    __tablename__ = "plan_version"
    __table_args__ = (
        UniqueConstraint("plan_id", "version"),
        Index("uq_plan_version_draft", "plan_id", unique=True, postgresql_where=text("status = 'draft'")),
    )

    id: Mapped[BigId]
    plan_id: Mapped[int] = mapped_column(ForeignKey("plan.id"))
    version: Mapped[int]
    status: Mapped[VersionStatus] = mapped_column(text_enum(VersionStatus, "status"))
    definition: Mapped[JsonObject]
    published_at: Mapped[UtcDateTime | None]
    changed_at: Mapped[UtcDateTime | None]
    changed_by_user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))


class EnrolmentRow(Base):
    """One discharge (or patient) on one version of a plan.

    ``ended_by_encounter_id`` is the admission that ended it, or for which a plan of the patient pauses.
    """

    __tablename__ = "enrolment"
    __table_args__ = (
        Index(
            "uq_enrolment_encounter_id_plan_id",
            "encounter_id",
            "plan_id",
            unique=True,
            postgresql_where=text("status <> 'cancelled'"),
        ),
        Index(
            "ix_enrolment_ended_by",
            "ended_by_encounter_id",
            postgresql_where=text("ended_by_encounter_id IS NOT NULL"),
        ),
        Index("ix_enrolment_of_patients", "patient_id", postgresql_where=text("scope = 'patient'")),
        Index("ix_enrolment_running", "plan_version_id", postgresql_where=text("status = 'active'")),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int]
    plan_id: Mapped[int]
    plan_version_id: Mapped[int]
    patient_id: Mapped[int] = mapped_column(index=True)
    encounter_id: Mapped[int] = mapped_column(index=True)
    scope: Mapped[PlanScope] = mapped_column(text_enum(PlanScope, "scope"), server_default=text("'encounter'"))
    discharged_on: Mapped[date]
    risk: Mapped[RiskLevel] = mapped_column(text_enum(RiskLevel, "risk"))
    risk_score: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[EnrolmentStatus] = mapped_column(text_enum(EnrolmentStatus, "status"))
    reason: Mapped[TaskReason | None] = mapped_column(text_enum(TaskReason, "reason"))
    enrolled_at: Mapped[UtcDateTime]
    ended_at: Mapped[UtcDateTime | None]
    ended_by_encounter_id: Mapped[int | None]
