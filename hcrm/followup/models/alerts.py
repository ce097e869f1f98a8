"""Alerts, who was told of them, and whose phone is on call."""

from __future__ import annotations

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, UtcDateTime, text_enum
from hcrm.followup.domain.alerts import AlertAction, AlertStatus
from hcrm.survey.domain import Cause, Severity


class AlertRow(Base):
    """One red flag with its clock, its owner and what was done about it.

    ``answer_ids`` are the answers that raised it, ``corrected_at`` is when they were changed so that they would not
    raise it any more. ``rung`` is how far it has been passed up, ``next_rung_at`` when it goes further. ``said`` is
    what the patient said where no answer to a question raised it.
    """

    __tablename__ = "alert"
    __table_args__ = (
        Index(
            "uq_alert_unresolved_rule",
            "response_id",
            "question_code",
            "rule",
            unique=True,
            postgresql_where=text("status <> 'resolved'"),
        ),
        Index("ix_alert_response_id", "response_id"),
        Index("ix_alert_ladder", "next_rung_at", postgresql_where=text("next_rung_at IS NOT NULL")),
        Index("ix_alert_facility_id_opened_at", "facility_id", "opened_at"),
        Index("ix_alert_unresolved", "facility_id", "due_at", postgresql_where=text("status <> 'resolved'")),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    task_id: Mapped[int | None]
    response_id: Mapped[int | None]
    question_code: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(Text)
    answer_ids: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    corrected_at: Mapped[UtcDateTime | None]
    severity: Mapped[Severity] = mapped_column(text_enum(Severity, "severity"))
    cause: Mapped[Cause] = mapped_column(text_enum(Cause, "cause"))
    status: Mapped[AlertStatus] = mapped_column(text_enum(AlertStatus, "status"))
    owner_role: Mapped[str] = mapped_column(String(32))
    owner_user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    opened_at: Mapped[UtcDateTime]
    due_at: Mapped[UtcDateTime]
    rung: Mapped[int] = mapped_column(SmallInteger)
    next_rung_at: Mapped[UtcDateTime | None]
    acknowledged_at: Mapped[UtcDateTime | None]
    acknowledged_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    action_code: Mapped[AlertAction | None] = mapped_column(text_enum(AlertAction, "action_code"))
    resolved_at: Mapped[UtcDateTime | None]
    resolved_by: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    note: Mapped[str] = mapped_column(Text)
    said: Mapped[str | None] = mapped_column(Text)


class AlertNoticeRow(Base):
    """Who was told of an alert on a rung of its ladder, and when.

    ``user_id`` is null when nobody has the role there, and for the duty phone, whose text is ``message_id``.
    """

    __tablename__ = "alert_notice"
    __table_args__ = (
        UniqueConstraint("alert_id", "rung", "role", "user_id", postgresql_nulls_not_distinct=True),
        Index("ix_alert_notice_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )

    id: Mapped[BigId]
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"))
    rung: Mapped[int] = mapped_column(SmallInteger)
    role: Mapped[str] = mapped_column(String(32))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    message_id: Mapped[int | None]
    told_at: Mapped[UtcDateTime]


class OnCallRow(Base):
    """Whose phone is told of urgent alerts in a span of time; ``department_id`` null: for the whole hospital."""

    __tablename__ = "on_call"
    __table_args__ = (Index("ix_on_call_facility_id_until_at", "facility_id", "until_at"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    from_at: Mapped[UtcDateTime]
    until_at: Mapped[UtcDateTime]
    name: Mapped[str] = mapped_column(String(120))
    number: Mapped[str] = mapped_column(String(20))
    entered_by: Mapped[int]
    entered_at: Mapped[UtcDateTime]
