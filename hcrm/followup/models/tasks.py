"""Tasks, the tries to reach a patient, and what a re-call found.

Tasks are written by the hundred thousand when a hospital brings its records. So a task has no foreign keys: its
enrolment is written just before it, and facility, patient, encounter, department and clinician are copies of what
the enrolment's encounter says. A look at each of them (even at a null one) would take as long as the row itself.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, UtcDateTime, text_enum
from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.followup.domain.desk import ContactKind
from hcrm.followup.domain.plan import (
    Condition,
    PerformerRole,
    RiskLevel,
    StepChannel,
)
from hcrm.followup.domain.recall import Finding
from hcrm.followup.domain.task import BusinessStatus, TaskReason, TaskStatus

FIGURE_COLUMNS = (
    "department_id",
    "tier",
    "step_code",
    "status",
    "reason",
    "questionnaire_code",
    "due_at",
    "ended_at",
    "first_attempt_at",
    "reached_at",
    "completed_at",
)
"""What a call or visit is classified and grouped by for the figures: half a year is read from an index alone."""
OPEN_FOR_PEOPLE = text("status = 'open' AND channel IN ('phone', 'home_visit')")


class TaskRow(Base):
    """One dated step for one patient.

    ``lease_until`` is on the database's clock, everything else on the business clock. ``due_at`` is the end of the
    window, ``due_on`` its local day. ``generation`` counts how often the task was reopened, so that a message sent
    again is a new one; ``reopened_at`` is when a person did so. ``sent_message_id`` is set once its message was handed
    to the outbox. ``occurrence`` counts a repeated step from 1.
    """

    __tablename__ = "task"
    __table_args__ = (
        Index(
            "uq_task_enrolment_id_step_code",
            "enrolment_id",
            "step_code",
            "occurrence",
            unique=True,
            postgresql_where=text("status <> 'entered_in_error'"),
        ),
        Index("ix_task_for_people", "facility_id", "due_at", postgresql_where=OPEN_FOR_PEOPLE),
        Index("ix_task_open_of_ward", "department_id", "due_at", postgresql_where=OPEN_FOR_PEOPLE),
        Index("ix_task_open_of_stay", "encounter_id", postgresql_where=OPEN_FOR_PEOPLE),
        Index(
            "ix_task_to_send",
            "due_at",
            postgresql_where=text("status = 'open' AND channel = 'sms' AND sent_message_id IS NULL"),
        ),
        Index("ix_task_facility_id_due_on", "facility_id", "due_on"),
        Index(
            "ix_task_figures_of_people",
            "facility_id",
            "due_on",
            postgresql_include=FIGURE_COLUMNS,
            postgresql_where=text("channel IN ('phone', 'home_visit')"),
        ),
        Index(
            "ix_task_contact",
            "encounter_id",
            postgresql_where=text("status = 'completed' AND channel IN ('phone', 'home_visit')"),
        ),
        Index("ix_task_completed", "facility_id", "completed_at", postgresql_where=text("completed_at IS NOT NULL")),
        Index("ix_task_leased", "lease_user_id", postgresql_where=text("lease_user_id IS NOT NULL")),
        Index("ix_task_single", "encounter_id", postgresql_where=text("enrolment_id IS NULL")),
        Index("ix_task_appointment", "appointment_id", postgresql_where=text("appointment_id IS NOT NULL")),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int]
    enrolment_id: Mapped[int | None]
    encounter_id: Mapped[int]
    patient_id: Mapped[int]
    department_id: Mapped[int | None]
    clinician_id: Mapped[int | None]
    step_code: Mapped[Code]
    occurrence: Mapped[int] = mapped_column(SmallInteger, server_default=text("1"))
    tier: Mapped[int | None] = mapped_column(SmallInteger)
    channel: Mapped[StepChannel] = mapped_column(text_enum(StepChannel, "channel"))
    performer_role: Mapped[PerformerRole] = mapped_column(text_enum(PerformerRole, "performer_role"))
    assignee_user_id: Mapped[int | None]
    questionnaire_code: Mapped[str | None] = mapped_column(String(64))
    window_starts_at: Mapped[UtcDateTime]
    target_at: Mapped[UtcDateTime]
    due_at: Mapped[UtcDateTime]
    due_on: Mapped[date]
    discharged_on: Mapped[date]
    status: Mapped[TaskStatus] = mapped_column(text_enum(TaskStatus, "status"))
    reason: Mapped[TaskReason | None] = mapped_column(text_enum(TaskReason, "reason"))
    business_status: Mapped[BusinessStatus | None] = mapped_column(text_enum(BusinessStatus, "business_status"))
    risk: Mapped[RiskLevel] = mapped_column(text_enum(RiskLevel, "risk"))
    callback_at: Mapped[UtcDateTime | None]
    lease_user_id: Mapped[int | None]
    lease_until: Mapped[UtcDateTime | None]
    attempt_count: Mapped[int] = mapped_column(SmallInteger)
    first_attempt_at: Mapped[UtcDateTime | None]
    last_attempt_at: Mapped[UtcDateTime | None]
    reached_at: Mapped[UtcDateTime | None]
    completed_at: Mapped[UtcDateTime | None]
    ended_at: Mapped[UtcDateTime | None]
    ended_by_user_id: Mapped[int | None]
    sent_message_id: Mapped[int | None]
    condition: Mapped[Condition] = mapped_column(text_enum(Condition, "condition"))
    after_step_code: Mapped[str | None] = mapped_column(String(64))
    self_reported: Mapped[bool]
    generation: Mapped[int] = mapped_column(SmallInteger)
    reopened_at: Mapped[UtcDateTime | None]
    created_at: Mapped[UtcDateTime]
    appointment_id: Mapped[int | None]


class AttemptRow(Base):
    """One try to reach a patient by phone; ``key`` makes recording it twice harmless.

    ``contact_kind`` is null for a call from the list. ``interpreter`` says who interpreted, or for which language
    somebody is needed.
    """

    __tablename__ = "attempt"
    __table_args__ = (UniqueConstraint("key"), Index("ix_attempt_facility_id_started_at", "facility_id", "started_at"))

    id: Mapped[BigId]
    facility_id: Mapped[int]
    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    contact_point_id: Mapped[int | None]
    number: Mapped[str | None] = mapped_column(String(32))
    owner_kind: Mapped[str | None] = mapped_column(String(32))
    connection: Mapped[Connection] = mapped_column(text_enum(Connection, "connection"))
    disposition: Mapped[Disposition | None] = mapped_column(text_enum(Disposition, "disposition"))
    callback_at: Mapped[UtcDateTime | None]
    note: Mapped[str] = mapped_column(Text)
    duration_seconds: Mapped[int | None]
    started_at: Mapped[UtcDateTime]
    ended_at: Mapped[UtcDateTime | None]
    self_reported: Mapped[bool]
    contact_kind: Mapped[ContactKind | None] = mapped_column(text_enum(ContactKind, "contact_kind"))
    interpreter: Mapped[str | None] = mapped_column(String(120))
    key: Mapped[str] = mapped_column(String(80))


class RecallReviewRow(Base):
    """What the quality office found out about a call whose record a re-call did not confirm, or which is odd."""

    __tablename__ = "recall_review"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True, autoincrement=False)
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), index=True)
    finding: Mapped[Finding] = mapped_column(text_enum(Finding, "finding"))
    note: Mapped[str] = mapped_column(Text)
    reviewed_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reviewed_at: Mapped[UtcDateTime]
