"""What the monthly meeting works with: targets, improvement actions, reviews of people's work, lists of words."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime, text_enum
from hcrm.reporting.domain.targets import Stage


class Target(Base):
    """What a figure should reach, in a department or (without one) in the whole hospital."""

    __tablename__ = "report_target"
    __table_args__ = (
        Index(
            "uq_report_target_hospital",
            "facility_id",
            "figure",
            unique=True,
            postgresql_where=text("department_id IS NULL"),
        ),
        Index(
            "uq_report_target_department",
            "facility_id",
            "department_id",
            "figure",
            unique=True,
            postgresql_where=text("department_id IS NOT NULL"),
        ),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    figure: Mapped[Code]
    share: Mapped[float]
    set_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    set_at: Mapped[UtcDateTime]


class Improvement(Base):
    """Something decided in the meeting, tied to the chart it came from; ``before`` is how the figure stood then."""

    __tablename__ = "report_improvement"
    __table_args__ = (Index("ix_report_improvement_facility_id_due_on", "facility_id", "due_on"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    figure: Mapped[Code]
    month: Mapped[str] = mapped_column(String(7))
    before: Mapped[JsonObject]
    problem: Mapped[str] = mapped_column(Text)
    step: Mapped[str] = mapped_column(Text)
    owner: Mapped[str] = mapped_column(String(100))
    due_on: Mapped[date]
    stage: Mapped[Stage] = mapped_column(text_enum(Stage, "stage"))
    result: Mapped[str] = mapped_column(Text)
    created_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[UtcDateTime]
    changed_at: Mapped[UtcDateTime]


class ReviewApproval(Base):
    """The head of a department has approved the month's review of its people."""

    __tablename__ = "report_review_approval"
    __table_args__ = (UniqueConstraint("facility_id", "department_id", "month"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    month: Mapped[str] = mapped_column(String(7))
    approved_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    approved_at: Mapped[UtcDateTime]


class ReviewAppeal(Base):
    """What a person says against their figures of a month, and what their head answered."""

    __tablename__ = "report_review_appeal"
    __table_args__ = (Index("ix_report_review_appeal_facility_id_month", "facility_id", "month"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    month: Mapped[str] = mapped_column(String(7))
    words: Mapped[str] = mapped_column(Text)
    made_at: Mapped[UtcDateTime]
    answer: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    answered_at: Mapped[UtcDateTime | None]


class WordList(Base):
    """The words by which comments get a topic or a tone (``tag``), one list for both languages."""

    __tablename__ = "report_word_list"
    __table_args__ = (UniqueConstraint("facility_id", "tag"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    tag: Mapped[Code]
    words: Mapped[str] = mapped_column(Text)
    changed_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    changed_at: Mapped[UtcDateTime]
