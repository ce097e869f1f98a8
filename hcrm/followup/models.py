"""Tables of follow-up: plans and their versions, enrolments, tasks, call attempts, alerts.

Tasks are written by the hundred thousand when a hospital brings its records. So a task has no foreign keys: its
enrolment is written just before it, and facility, patient, encounter, department and clinician are copies of what
the enrolment's encounter says. A look at each of them (even at a null one) would take as long as the row itself.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime, text_enum
from hcrm.followup.domain.alerts import AlertAction, AlertStatus
from hcrm.followup.domain.attempts import Connection, Disposition
from hcrm.followup.domain.desk import ContactKind
from hcrm.followup.domain.plan import (
    Condition,
    PerformerRole,
    PlanScope,
    RiskLevel,
    StepChannel,
    VersionStatus,
)
from hcrm.followup.domain.recall import Finding
from hcrm.followup.domain.task import BusinessStatus, EnrolmentStatus, TaskReason, TaskStatus
from hcrm.survey.domain import Cause, Severity

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


class RecallReviewRow(Base):
    """What the quality office found out about a call whose record a re-call did not confirm, or which is odd."""

    __tablename__ = "recall_review"

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True, autoincrement=False)
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"), index=True)
    finding: Mapped[Finding] = mapped_column(text_enum(Finding, "finding"))
    note: Mapped[str] = mapped_column(Text)
    reviewed_by: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reviewed_at: Mapped[UtcDateTime]


class VisitTeamRow(Base):
    """A team that visits at home: the districts it goes to, as addresses name them, and how many visits a day."""

    __tablename__ = "visit_team"
    __table_args__ = (UniqueConstraint("facility_id", "name"),)

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    name: Mapped[str] = mapped_column(String(120))
    districts: Mapped[list[str]] = mapped_column(ARRAY(Text))
    per_day: Mapped[int] = mapped_column(SmallInteger)
    active: Mapped[bool]


class VisitBookingRow(Base):
    """On which day which team goes to a patient."""

    __tablename__ = "visit_booking"
    __table_args__ = (
        Index("ix_visit_booking_team_id_day", "team_id", "day"),
        Index("ix_visit_booking_facility_id_day", "facility_id", "day"),
    )

    task_id: Mapped[int] = mapped_column(ForeignKey("task.id"), primary_key=True, autoincrement=False)
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("visit_team.id"))
    day: Mapped[date]
    district: Mapped[str] = mapped_column(String(120))
