"""The tables of the first release: hospital, people, records, plans, messages, surveys, audit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def words(name: str, *values: str) -> sa.Enum:
    """Text that a check constraint keeps to these values."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", words("actor_kind", "user", "system", "patient", "command"), nullable=False),
        sa.Column("actor_user_id", sa.BigInteger(), nullable=True),
        sa.Column("facility_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", words("outcome", "done", "denied"), nullable=False),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index(
        "ix_audit_entry_actor_user_id_at",
        "audit_entry",
        ["actor_user_id", "at"],
        postgresql_where=sa.text("actor_user_id IS NOT NULL"),
    )
    op.create_index("ix_audit_entry_facility_id_at", "audit_entry", ["facility_id", "at"])
    op.create_index(
        "ix_audit_entry_patient_id_at",
        "audit_entry",
        ["patient_id", "at"],
        postgresql_where=sa.text("patient_id IS NOT NULL"),
    )
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("first_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("last_entry_id", sa.BigInteger(), nullable=False),
        sa.Column("entry_count", sa.BigInteger(), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("first_entry_id", name=op.f("uq_audit_seal_first_entry_id")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_seal_hash")),
        sa.UniqueConstraint("last_entry_id", name=op.f("uq_audit_seal_last_entry_id")),
        sa.UniqueConstraint("previous_hash", name=op.f("uq_audit_seal_previous_hash")),
    )
    op.create_table(
        "console_delivery",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=False),
        sa.Column("to_number", sa.String(length=20), nullable=False),
        sa.Column("from_number", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "received_status",
            words(
                "console_status",
                "scheduled",
                "queued",
                "sending",
                "accepted",
                "sent",
                "delivered",
                "read",
                "temporary_failure",
                "permanent_failure",
                "expired",
                "cancelled",
                "suppressed",
                "unknown",
            ),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_console_delivery")),
    )
    op.create_index(op.f("ix_console_delivery_attempt_id"), "console_delivery", ["attempt_id"])
    op.create_index(op.f("ix_console_delivery_to_number"), "console_delivery", ["to_number"])
    op.create_table(
        "contact_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("number_reversed", sa.String(length=40, collation="C"), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("line_type", words("line_type", "mobile", "landline", "unknown"), nullable=False),
        sa.Column("owner_kind", words("owner_kind", "patient", "relative"), nullable=False),
        sa.Column("owner_name", sa.String(length=200), nullable=False),
        sa.Column("relationship", sa.String(length=64), nullable=False),
        sa.Column("may_discuss_health", sa.Boolean(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("verified_on", sa.Date(), nullable=True),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "retired_reason",
            words("retired_reason", "not_in_service", "wrong_number", "replaced", "by_request"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_point")),
    )
    op.create_index("ix_contact_point_facility_id_number_reversed", "contact_point", ["facility_id", "number_reversed"])
    op.create_index(op.f("ix_contact_point_patient_id"), "contact_point", ["patient_id"])
    op.create_table(
        "encounter",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("visit_number", sa.String(length=128, collation="C"), nullable=False),
        sa.Column("class", words("class", "IMP", "EMER", "OBSENC", "SS", "AMB"), nullable=False),
        sa.Column("post_acute", sa.Boolean(), nullable=False),
        sa.Column("status", words("status", "planned", "in_progress", "finished", "cancelled"), nullable=False),
        sa.Column("planned", sa.Boolean(), nullable=True),
        sa.Column("admitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("discharged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("admitted_on", sa.Date(), nullable=True),
        sa.Column("discharged_on", sa.Date(), nullable=True),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("clinician_id", sa.BigInteger(), nullable=True),
        sa.Column("nurse", sa.String(length=200), nullable=False),
        sa.Column(
            "disposition",
            words(
                "disposition",
                "home",
                "home_care",
                "admitted",
                "other_facility",
                "transfer_acute",
                "against_advice",
                "expired",
                "hospice",
                "left_without_being_seen",
                "left_before_completion",
                "unknown",
            ),
            nullable=False,
        ),
        sa.Column("principal_diagnosis", sa.Text(), nullable=False),
        sa.Column("diagnoses", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("procedures", postgresql.JSONB(), nullable=False),
        sa.Column("readmission_plan_31d", sa.Boolean(), nullable=True),
        sa.Column("sensitive", sa.Boolean(), nullable=False),
        sa.Column("payer", sa.String(length=200), nullable=False),
        sa.Column("contact_name", sa.String(length=200), nullable=False),
        sa.Column("contact_relationship", sa.String(length=64), nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("head_hash", sa.BigInteger(), nullable=False),
        sa.Column("head_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("head_rank", sa.SmallInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encounter")),
        sa.UniqueConstraint(
            "facility_id", "source", "visit_number", name=op.f("uq_encounter_facility_id_source_visit_number")
        ),
    )
    op.create_index("ix_encounter_facility_id_discharged_on", "encounter", ["facility_id", "discharged_on"])
    op.create_index(op.f("ix_encounter_patient_id"), "encounter", ["patient_id"])
    op.create_table(
        "encounter_fact",
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("visit_number", sa.String(length=128, collation="C"), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("kind", words("kind", "stay", "cancel"), nullable=False),
        sa.Column("source_rank", sa.SmallInteger(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "facility_id", "source", "visit_number", "event_at", "content_hash", name=op.f("pk_encounter_fact")
        ),
    )
    op.create_table(
        "patient_fact",
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("mrn", sa.String(length=128, collation="C"), nullable=False),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("content_hash", sa.BigInteger(), nullable=False),
        sa.Column("source_rank", sa.SmallInteger(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("facility_id", "mrn", "event_at", "content_hash", name=op.f("pk_patient_fact")),
    )
    op.create_table(
        "interface_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("control_id", sa.String(length=200, collation="C"), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column(
            "status", words("message_status", "applied", "waiting", "ignored", "refused", "left_out"), nullable=False
        ),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=True),
        sa.Column("waits_on", sa.String(length=200, collation="C"), nullable=True),
        sa.Column("content", postgresql.JSONB(), nullable=True),
        sa.Column("raw", sa.Text(), nullable=True),
        sa.Column("event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("batch_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_interface_message")),
        sa.UniqueConstraint(
            "facility_id",
            "control_id",
            "digest",
            "sender",
            name=op.f("uq_interface_message_facility_id_control_id_digest_sender"),
        ),
    )
    op.create_index("ix_interface_message_facility_id_received_at", "interface_message", ["facility_id", "received_at"])
    op.create_index(
        "ix_interface_message_open",
        "interface_message",
        ["facility_id", "status", "waits_on"],
        postgresql_where=sa.text("status IN ('waiting', 'refused')"),
    )
    op.create_table(
        "facility",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.Column("settings", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("code", name=op.f("uq_facility_code")),
    )
    op.create_table(
        "login_throttle",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("window_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_throttle")),
    )
    op.create_table(
        "message_template",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("version", sa.SmallInteger(), nullable=False),
        sa.Column("kind", words("template_kind", "care", "survey", "system", "staff"), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("status", words("template_status", "draft", "published", "retired"), nullable=False),
        sa.Column("registrations", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_template")),
        sa.UniqueConstraint("code", "language", "version", name=op.f("uq_message_template_code_language_version")),
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("family_name", sa.String(length=200), nullable=False),
        sa.Column("given_name", sa.String(length=200), nullable=False),
        sa.Column("full_name", sa.String(length=400), nullable=False),
        sa.Column("name_sort_key", sa.String(length=400, collation="C"), nullable=False),
        sa.Column("sex", words("sex", "female", "male", "other", "unknown"), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("language", words("language", "en", "zh_Hans"), nullable=False),
        sa.Column("language_chosen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column("deceased_state", words("deceased_state", "none", "pending", "confirmed"), nullable=False),
        sa.Column("deceased_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("diagnosis_not_told", sa.Boolean(), nullable=False),
        sa.Column("open_dispute", sa.Boolean(), nullable=False),
        sa.Column("loss_of_baby", sa.Boolean(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient")),
    )
    op.create_index(
        "ix_patient_deceased",
        "patient",
        ["id"],
        postgresql_include=["deceased_on"],
        postgresql_where=sa.text("deceased_on IS NOT NULL"),
    )
    op.create_index("ix_patient_facility_id_name_sort_key", "patient", ["facility_id", "name_sort_key"])
    op.create_index(
        "ix_patient_merged",
        "patient",
        ["id"],
        postgresql_include=["person_id"],
        postgresql_where=sa.text("person_id <> id"),
    )
    op.create_index(op.f("ix_patient_person_id"), "patient", ["person_id"])
    op.create_table(
        "patient_identifier",
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.String(length=128, collation="C"), nullable=False),
        sa.Column("system", sa.String(length=64, collation="C"), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("facility_id", "value", "system", name=op.f("pk_patient_identifier")),
    )
    op.create_index(op.f("ix_patient_identifier_patient_id"), "patient_identifier", ["patient_id"])
    op.create_table(
        "questionnaire",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_en", sa.String(), nullable=False),
        sa.Column("name_zh", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire")),
        sa.UniqueConstraint("code", name=op.f("uq_questionnaire_code")),
    )
    op.create_table(
        "task",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("enrolment_id", sa.BigInteger(), nullable=True),
        sa.Column("encounter_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("clinician_id", sa.BigInteger(), nullable=True),
        sa.Column("step_code", sa.String(length=64), nullable=False),
        sa.Column("tier", sa.SmallInteger(), nullable=True),
        sa.Column("channel", words("channel", "sms", "phone", "web", "home_visit"), nullable=False),
        sa.Column(
            "performer_role",
            words("performer_role", "system", "physician", "nurse", "service_agent", "outreach_worker"),
            nullable=False,
        ),
        sa.Column("assignee_user_id", sa.BigInteger(), nullable=True),
        sa.Column("questionnaire_code", sa.String(length=64), nullable=True),
        sa.Column("window_starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("discharged_on", sa.Date(), nullable=False),
        sa.Column(
            "status",
            words("status", "open", "on_hold", "completed", "failed", "cancelled", "entered_in_error"),
            nullable=False,
        ),
        sa.Column(
            "reason",
            words(
                "reason",
                "readmitted",
                "deceased",
                "transferred",
                "opted_out",
                "duplicate_merged",
                "entered_in_error",
                "condition_not_met",
                "ineligible",
                "superseded",
                "fatigue_limit",
                "other",
                "unable_to_contact",
                "refused",
                "unable_to_participate",
                "incomplete",
                "not_delivered",
            ),
            nullable=True,
        ),
        sa.Column(
            "business_status",
            words(
                "business_status",
                "callback_scheduled",
                "awaiting_reply",
                "escalated",
                "unable_to_contact",
                "missed_window",
            ),
            nullable=True,
        ),
        sa.Column("risk", words("risk", "low", "medium", "high"), nullable=False),
        sa.Column("callback_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_user_id", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempt_count", sa.SmallInteger(), nullable=False),
        sa.Column("first_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_attempt_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reached_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_user_id", sa.BigInteger(), nullable=True),
        sa.Column("sent_message_id", sa.BigInteger(), nullable=True),
        sa.Column("condition", words("condition", "always", "if_not_completed", "if_completed"), nullable=False),
        sa.Column("after_step_code", sa.String(length=64), nullable=True),
        sa.Column("self_reported", sa.Boolean(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
    )
    op.create_index(
        "ix_task_completed",
        "task",
        ["facility_id", "completed_at"],
        postgresql_where=sa.text("completed_at IS NOT NULL"),
    )
    op.create_index(
        "ix_task_contact",
        "task",
        ["encounter_id"],
        postgresql_where=sa.text("status = 'completed' AND channel IN ('phone', 'home_visit')"),
    )
    op.create_index("ix_task_facility_id_due_on", "task", ["facility_id", "due_on"])
    op.create_index(
        "ix_task_figures_of_people",
        "task",
        ["facility_id", "due_on"],
        postgresql_include=[
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
        ],
        postgresql_where=sa.text("channel IN ('phone', 'home_visit')"),
    )
    op.create_index(
        "ix_task_for_people",
        "task",
        ["facility_id", "due_at"],
        postgresql_where=sa.text("status = 'open' AND channel IN ('phone', 'home_visit')"),
    )
    op.create_index("ix_task_leased", "task", ["lease_user_id"], postgresql_where=sa.text("lease_user_id IS NOT NULL"))
    op.create_index("ix_task_single", "task", ["encounter_id"], postgresql_where=sa.text("enrolment_id IS NULL"))
    op.create_index(
        "ix_task_to_send",
        "task",
        ["due_at"],
        postgresql_where=sa.text("status = 'open' AND channel = 'sms' AND sent_message_id IS NULL"),
    )
    op.create_index(
        "uq_task_enrolment_id_step_code",
        "task",
        ["enrolment_id", "step_code"],
        unique=True,
        postgresql_where=sa.text("status <> 'entered_in_error'"),
    )
    op.create_table(
        "user_account",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("display_name", sa.String(length=120), nullable=False),
        sa.Column("language", words("language", "en", "zh_Hans"), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("session_epoch", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("username = lower(username)", name=op.f("ck_user_account_username_is_lower_case")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("username", name=op.f("uq_user_account_username")),
    )
    op.create_table(
        "request_count",
        sa.Column("endpoint", sa.String(length=100), nullable=False),
        sa.Column("method", sa.String(length=10), nullable=False),
        sa.Column("status", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("endpoint", "method", "status", name=op.f("pk_request_count")),
    )
    op.create_table(
        "worker_heartbeat",
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leader", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_worker_heartbeat")),
    )
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.String(length=32), nullable=True),
        sa.Column("owner_kind", sa.String(length=32), nullable=True),
        sa.Column(
            "connection",
            words(
                "connection",
                "answered_patient",
                "answered_proxy",
                "answered_unknown",
                "no_answer",
                "busy",
                "rejected",
                "voicemail_left",
                "voicemail_no_message",
                "assistant",
                "hung_up",
                "barred",
                "powered_off",
                "unreachable",
                "suspended",
                "not_in_service",
                "wrong_number",
                "dropped",
                "technical_failure",
            ),
            nullable=False,
        ),
        sa.Column(
            "disposition",
            words(
                "disposition",
                "completed",
                "partial",
                "callback_requested",
                "refused_this_contact",
                "opted_out",
                "language_barrier",
                "unable_to_participate",
                "reported_deceased",
                "reported_readmitted",
                "ineligible",
                "proxy_only",
            ),
            nullable=True,
        ),
        sa.Column("callback_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("duration_seconds", sa.BigInteger(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("self_reported", sa.Boolean(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["task_id"], ["task.id"], name=op.f("fk_attempt_task_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_attempt_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("key", name=op.f("uq_attempt_key")),
    )
    op.create_index(op.f("ix_attempt_task_id"), "attempt", ["task_id"])
    op.create_table(
        "calendar_day",
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", words("kind", "holiday", "workday"), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_calendar_day_facility_id")),
        sa.PrimaryKeyConstraint("facility_id", "day", name=op.f("pk_calendar_day")),
    )
    op.create_table(
        "clinician",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_clinician_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinician")),
        sa.UniqueConstraint("facility_id", "code", name=op.f("uq_clinician_facility_id_code")),
    )
    op.create_table(
        "consent",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("purpose", words("purpose", "care", "survey", "education", "marketing"), nullable=False),
        sa.Column("channel", words("channel", "sms", "phone", "home_visit"), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.BigInteger(), nullable=True),
        sa.Column("how", sa.String(length=64), nullable=False),
        sa.Column("form_version", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_consent_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(
        "ix_consent_patient_id_purpose_channel", "consent", ["patient_id", "purpose", "channel", "recorded_at"]
    )
    op.create_table(
        "conversation",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("our_number", sa.String(length=20), nullable=False),
        sa.Column("their_number", sa.String(length=20), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("state", words("conversation_state", "waiting", "queued", "finished"), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_conversation_facility_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_conversation_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversation")),
    )
    op.create_index(
        "ix_conversation_open", "conversation", ["expires_at"], postgresql_where=sa.text("state <> 'finished'")
    )
    op.create_index(op.f("ix_conversation_patient_id"), "conversation", ["patient_id"])
    op.create_index("ix_conversation_subject", "conversation", ["topic", "subject_id"])
    op.create_index(
        "uq_conversation_waiting",
        "conversation",
        ["our_number", "their_number"],
        unique=True,
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "department",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_zh", sa.String(length=200), nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_department_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("facility_id", "code", name=op.f("uq_department_facility_id_code")),
    )
    op.create_table(
        "enrolment",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("plan_version_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=False),
        sa.Column("discharged_on", sa.Date(), nullable=False),
        sa.Column("risk", words("risk", "low", "medium", "high"), nullable=False),
        sa.Column("risk_score", sa.SmallInteger(), nullable=False),
        sa.Column("status", words("status", "active", "paused", "completed", "cancelled"), nullable=False),
        sa.Column(
            "reason",
            words(
                "reason",
                "readmitted",
                "deceased",
                "transferred",
                "opted_out",
                "duplicate_merged",
                "entered_in_error",
                "condition_not_met",
                "ineligible",
                "superseded",
                "fatigue_limit",
                "other",
                "unable_to_contact",
                "refused",
                "unable_to_participate",
                "incomplete",
                "not_delivered",
            ),
            nullable=True,
        ),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by_encounter_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
    )
    op.create_index(op.f("ix_enrolment_encounter_id"), "enrolment", ["encounter_id"])
    op.create_index(
        "ix_enrolment_ended_by",
        "enrolment",
        ["ended_by_encounter_id"],
        postgresql_where=sa.text("ended_by_encounter_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_enrolment_patient_id"), "enrolment", ["patient_id"])
    op.create_index(
        "uq_enrolment_encounter_id_plan_id",
        "enrolment",
        ["encounter_id", "plan_id"],
        unique=True,
        postgresql_where=sa.text("status <> 'cancelled'"),
    )
    op.create_table(
        "import_batch",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("file_bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_name", sa.String(length=64), nullable=True),
        sa.Column("format", sa.String(length=64), nullable=False),
        sa.Column("profile", postgresql.JSONB(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("with_plans", sa.Boolean(), nullable=False),
        sa.Column(
            "status",
            words("status", "uploaded", "queued", "running", "finished", "interrupted", "failed", "discarded"),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("counts", postgresql.JSONB(), nullable=False),
        sa.Column("shape", postgresql.JSONB(), nullable=False),
        sa.Column("preview", postgresql.JSONB(), nullable=True),
        sa.Column("failure", postgresql.JSONB(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_import_batch_facility_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_import_batch_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_index("ix_import_batch_facility_id_created_at", "import_batch", ["facility_id", "created_at"])
    op.create_index("ix_import_batch_facility_id_file_sha256", "import_batch", ["facility_id", "file_sha256"])
    op.create_index(op.f("ix_import_batch_user_id"), "import_batch", ["user_id"])
    op.create_table(
        "number_state",
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_number_state_facility_id")),
        sa.PrimaryKeyConstraint("facility_id", "number", name=op.f("pk_number_state")),
    )
    op.create_table(
        "patient_merge",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("from_patient_id", sa.BigInteger(), nullable=False),
        sa.Column("into_patient_id", sa.BigInteger(), nullable=False),
        sa.Column("merged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("merged_by", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["from_patient_id"], ["patient.id"], name=op.f("fk_patient_merge_from_patient_id")),
        sa.ForeignKeyConstraint(["into_patient_id"], ["patient.id"], name=op.f("fk_patient_merge_into_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_merge")),
    )
    op.create_index(op.f("ix_patient_merge_from_patient_id"), "patient_merge", ["from_patient_id"])
    op.create_index(op.f("ix_patient_merge_into_patient_id"), "patient_merge", ["into_patient_id"])
    op.create_table(
        "plan",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_zh", sa.Text(), nullable=False),
        sa.Column("scope", words("scope", "encounter", "patient"), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_plan_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint(
            "facility_id", "code", name=op.f("uq_plan_facility_id_code"), postgresql_nulls_not_distinct=True
        ),
    )
    op.create_table(
        "questionnaire_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("questionnaire_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", words("status", "draft", "published", "retired"), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["questionnaire_id"], ["questionnaire.id"], name=op.f("fk_questionnaire_version_questionnaire_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questionnaire_version")),
        sa.UniqueConstraint(
            "questionnaire_id", "version", name=op.f("uq_questionnaire_version_questionnaire_id_version")
        ),
    )
    op.create_table(
        "alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=True),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("response_id", sa.BigInteger(), nullable=True),
        sa.Column("question_code", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("answer_ids", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("corrected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("severity", words("severity", "urgent", "high", "routine"), nullable=False),
        sa.Column(
            "cause",
            words("cause", "symptom", "medicine", "appointment", "equipment", "social", "service", "other"),
            nullable=False,
        ),
        sa.Column("status", words("status", "open", "acknowledged", "in_progress", "resolved"), nullable=False),
        sa.Column("owner_role", sa.String(length=32), nullable=False),
        sa.Column("owner_user_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rung", sa.SmallInteger(), nullable=False),
        sa.Column("next_rung_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "action_code",
            words(
                "action_code",
                "advised_by_phone",
                "doctor_called_back",
                "visit_arranged",
                "sent_to_emergency",
                "readmitted",
                "medicine_changed",
                "equipment_supplied",
                "social_support",
                "passed_to_service",
                "could_not_reach",
                "no_action_needed",
                "answer_corrected",
                "joined",
            ),
            nullable=True,
        ),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["acknowledged_by"], ["user_account.id"], name=op.f("fk_alert_acknowledged_by")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_alert_department_id")),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_alert_encounter_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_alert_facility_id")),
        sa.ForeignKeyConstraint(["owner_user_id"], ["user_account.id"], name=op.f("fk_alert_owner_user_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_alert_patient_id")),
        sa.ForeignKeyConstraint(["resolved_by"], ["user_account.id"], name=op.f("fk_alert_resolved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_ladder", "alert", ["next_rung_at"], postgresql_where=sa.text("next_rung_at IS NOT NULL"))
    op.create_index(op.f("ix_alert_patient_id"), "alert", ["patient_id"])
    op.create_index("ix_alert_response_id", "alert", ["response_id"])
    op.create_index(
        "ix_alert_unresolved", "alert", ["facility_id", "due_at"], postgresql_where=sa.text("status <> 'resolved'")
    )
    op.create_index(
        "uq_alert_unresolved_rule",
        "alert",
        ["response_id", "question_code", "rule"],
        unique=True,
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    op.create_table(
        "alert_notice",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("rung", sa.SmallInteger(), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alert.id"], name=op.f("fk_alert_notice_alert_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_alert_notice_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_notice")),
        sa.UniqueConstraint(
            "alert_id",
            "rung",
            "role",
            "user_id",
            name=op.f("uq_alert_notice_alert_id_rung_role_user_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_alert_notice_user_id", "alert_notice", ["user_id"], postgresql_where=sa.text("user_id IS NOT NULL")
    )
    op.create_table(
        "encounter_location",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("from_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_encounter_location_department_id")),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_encounter_location_encounter_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_encounter_location")),
        sa.UniqueConstraint(
            "encounter_id",
            "department_id",
            "from_at",
            name=op.f("uq_encounter_location_encounter_id_department_id_from_at"),
        ),
    )
    op.create_table(
        "import_row_error",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.BigInteger(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("severity", words("severity", "rejected", "warning"), nullable=False),
        sa.Column("params", postgresql.JSONB(), nullable=False),
        sa.Column("row", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["import_batch.id"], name=op.f("fk_import_row_error_batch_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_row_error")),
    )
    op.create_index("ix_import_row_error_batch_id_severity_line", "import_row_error", ["batch_id", "severity", "line"])
    op.create_table(
        "inbound_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("provider_message_id", sa.String(length=100), nullable=False),
        sa.Column("from_number", sa.String(length=20), nullable=False),
        sa.Column("to_number", sa.String(length=20), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("media_count", sa.SmallInteger(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "state", words("inbound_state", "received", "matched", "ambiguous", "unmatched", "handled"), nullable=False
        ),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("conversation_id", sa.BigInteger(), nullable=True),
        sa.Column("keyword", sa.String(length=16), nullable=True),
        sa.Column(
            "outcome",
            words(
                "inbound_outcome",
                "stopped",
                "started",
                "help_sent",
                "answer",
                "answered",
                "phoned",
                "passed_on",
                "record_corrected",
                "no_action",
            ),
            nullable=True,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("claimed_by", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("handled_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["claimed_by"], ["user_account.id"], name=op.f("fk_inbound_message_claimed_by")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversation.id"], name=op.f("fk_inbound_message_conversation_id")
        ),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_inbound_message_facility_id")),
        sa.ForeignKeyConstraint(["handled_by"], ["user_account.id"], name=op.f("fk_inbound_message_handled_by")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_inbound_message_patient_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_message")),
        sa.UniqueConstraint(
            "provider", "provider_message_id", name=op.f("uq_inbound_message_provider_provider_message_id")
        ),
    )
    op.create_index("ix_inbound_message_number", "inbound_message", ["facility_id", "from_number", "received_at"])
    op.create_index(
        "ix_inbound_message_open",
        "inbound_message",
        ["facility_id", "received_at"],
        postgresql_where=sa.text("state <> 'handled'"),
    )
    op.create_index(op.f("ix_inbound_message_patient_id"), "inbound_message", ["patient_id"])
    op.create_table(
        "membership",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "role",
            words(
                "role",
                "nurse",
                "physician",
                "service_agent",
                "outreach_worker",
                "department_head",
                "manager",
                "complaints_officer",
                "quality_officer",
                "administrator",
                "group_administrator",
                "auditor",
            ),
            nullable=False,
        ),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_membership_department_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_membership_facility_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user_account.id"], name=op.f("fk_membership_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "user_id",
            "facility_id",
            "role",
            "department_id",
            name=op.f("uq_membership_user_id_facility_id_role_department_id"),
        ),
    )
    op.create_index(op.f("ix_membership_facility_id"), "membership", ["facility_id"])
    op.create_index(
        "uq_membership_all_departments",
        "membership",
        ["user_id", "facility_id", "role"],
        unique=True,
        postgresql_where=sa.text("department_id IS NULL"),
    )
    op.create_table(
        "plan_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("plan_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("status", words("status", "draft", "published", "retired"), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_plan_version_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan_version")),
        sa.UniqueConstraint("plan_id", "version", name=op.f("uq_plan_version_plan_id_version")),
    )
    op.create_table(
        "survey_response",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("questionnaire_version_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "state",
            words(
                "state",
                "invited",
                "delivered",
                "started",
                "partial",
                "completed",
                "refused",
                "ineligible",
                "expired",
                "failed",
            ),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("token_generation", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("respondent", words("respondent", "patient", "parent", "carer"), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sms_position", postgresql.JSONB(), nullable=True),
        sa.Column("help_sent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_survey_response_department_id")),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_survey_response_encounter_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_survey_response_facility_id")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_survey_response_patient_id")),
        sa.ForeignKeyConstraint(
            ["questionnaire_version_id"],
            ["questionnaire_version.id"],
            name=op.f("fk_survey_response_questionnaire_version_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_response")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_survey_response_token_hash")),
    )
    op.create_index(op.f("ix_survey_response_department_id"), "survey_response", ["department_id"])
    op.create_index(op.f("ix_survey_response_encounter_id"), "survey_response", ["encounter_id"])
    op.create_index("ix_survey_response_facility_id_invited_at", "survey_response", ["facility_id", "invited_at"])
    op.create_index(
        "ix_survey_response_open", "survey_response", ["expires_at"], postgresql_where=sa.text("closed_at IS NULL")
    )
    op.create_index(op.f("ix_survey_response_patient_id"), "survey_response", ["patient_id"])
    op.create_index(
        "uq_survey_response_task_id",
        "survey_response",
        ["task_id"],
        unique=True,
        postgresql_where=sa.text("task_id IS NOT NULL"),
    )
    op.create_table(
        "outbox_message",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=True),
        sa.Column("encounter_id", sa.BigInteger(), nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("purpose", words("message_purpose", "care", "survey", "system", "staff"), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("template_code", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=True),
        sa.Column("values", postgresql.JSONB(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("to_number", sa.String(length=20), nullable=True),
        sa.Column("from_number", sa.String(length=20), nullable=True),
        sa.Column("contact_point_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            words(
                "message_status",
                "scheduled",
                "queued",
                "sending",
                "accepted",
                "sent",
                "delivered",
                "read",
                "temporary_failure",
                "permanent_failure",
                "expired",
                "cancelled",
                "suppressed",
                "unknown",
            ),
            nullable=False,
        ),
        sa.Column(
            "reason",
            words(
                "message_reason",
                "opted_out",
                "no_consent",
                "deceased",
                "invalid_number",
                "landline",
                "carrier_blocked",
                "absent_subscriber",
                "fatigue_limit",
                "duplicate",
                "outside_window",
                "missing_template_data",
                "plan_cancelled",
                "provider_error",
            ),
            nullable=True,
        ),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", postgresql.JSONB(), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("segments", sa.SmallInteger(), nullable=True),
        sa.Column("template_version", sa.SmallInteger(), nullable=True),
        sa.Column("failed_tries", sa.SmallInteger(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("conversation_topic", sa.String(length=64), nullable=True),
        sa.Column("conversation_subject_id", sa.BigInteger(), nullable=True),
        sa.Column("conversation_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("awaits_reply", sa.Boolean(), nullable=False),
        sa.Column("in_reply_to", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_point_id"], ["contact_point.id"], name=op.f("fk_outbox_message_contact_point_id")
        ),
        sa.ForeignKeyConstraint(["encounter_id"], ["encounter.id"], name=op.f("fk_outbox_message_encounter_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_outbox_message_facility_id")),
        sa.ForeignKeyConstraint(["in_reply_to"], ["inbound_message.id"], name=op.f("fk_outbox_message_in_reply_to")),
        sa.ForeignKeyConstraint(["patient_id"], ["patient.id"], name=op.f("fk_outbox_message_patient_id")),
        sa.ForeignKeyConstraint(["settled_by"], ["user_account.id"], name=op.f("fk_outbox_message_settled_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_message")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_message_key")),
    )
    op.create_index(
        "ix_outbox_message_due",
        "outbox_message",
        ["priority", "next_try_at", "id"],
        postgresql_where=sa.text("status IN ('scheduled', 'queued', 'temporary_failure')"),
    )
    op.create_index(op.f("ix_outbox_message_encounter_id"), "outbox_message", ["encounter_id"])
    op.create_index(
        "ix_outbox_message_in_doubt",
        "outbox_message",
        ["id"],
        postgresql_where=sa.text("status IN ('sending', 'unknown')"),
    )
    op.create_index("ix_outbox_message_number", "outbox_message", ["facility_id", "to_number", "decided_at"])
    op.create_index("ix_outbox_message_patient", "outbox_message", ["patient_id", "decided_at"])
    op.create_index(op.f("ix_outbox_message_task_id"), "outbox_message", ["task_id"])
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("response_id", sa.BigInteger(), nullable=False),
        sa.Column("question_code", sa.String(length=64), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("mode", words("mode", "sms", "web", "phone", "visit"), nullable=False),
        sa.Column("respondent", words("respondent", "patient", "parent", "carer"), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("actor_user_id", sa.BigInteger(), nullable=True),
        sa.Column("device", sa.String(length=16), nullable=True),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_survey_answer_facility_id")),
        sa.ForeignKeyConstraint(["response_id"], ["survey_response.id"], name=op.f("fk_survey_answer_response_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_survey_answer")),
    )
    op.create_index("ix_survey_answer_facility_id_answered_at", "survey_answer", ["facility_id", "answered_at"])
    op.create_index(op.f("ix_survey_answer_response_id"), "survey_answer", ["response_id"])
    op.create_index(
        "uq_survey_answer_current",
        "survey_answer",
        ["response_id", "question_code"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_table(
        "send_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("worker", sa.String(length=64), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("provider_sid", sa.String(length=64), nullable=True),
        sa.Column(
            "status",
            words(
                "attempt_status",
                "claimed",
                "calling",
                "released",
                "unknown",
                "accepted",
                "sent",
                "delivered",
                "read",
                "temporary_failure",
                "permanent_failure",
            ),
            nullable=False,
        ),
        sa.Column("error_code", sa.String(length=32), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("segments", sa.SmallInteger(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=5), nullable=True),
        sa.Column("price_currency", sa.String(length=3), nullable=True),
        sa.Column("look_again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looks", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["outbox_message.id"], name=op.f("fk_send_attempt_message_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_send_attempt")),
        sa.UniqueConstraint("message_id", "number", name=op.f("uq_send_attempt_message_id_number")),
    )
    op.create_index(
        "ix_send_attempt_open",
        "send_attempt",
        ["lease_until"],
        postgresql_where=sa.text("status IN ('claimed', 'calling', 'unknown')"),
    )
    op.create_index("ix_send_attempt_provider_sid", "send_attempt", ["provider", "provider_sid"])
    op.create_index(
        "ix_send_attempt_look_again",
        "send_attempt",
        ["look_again_at"],
        postgresql_where=sa.text("look_again_at IS NOT NULL"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("event_key", sa.String(length=200), nullable=False),
        sa.Column("attempt_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "status",
            words(
                "receipt_status",
                "scheduled",
                "queued",
                "sending",
                "accepted",
                "sent",
                "delivered",
                "read",
                "temporary_failure",
                "permanent_failure",
                "expired",
                "cancelled",
                "suppressed",
                "unknown",
            ),
            nullable=True,
        ),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("raw", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(["attempt_id"], ["send_attempt.id"], name=op.f("fk_receipt_attempt_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("event_key", name=op.f("uq_receipt_event_key")),
    )
    op.create_index(op.f("ix_receipt_attempt_id"), "receipt", ["attempt_id"])
    op.create_index("ix_receipt_open", "receipt", ["id"], postgresql_where=sa.text("applied_at IS NULL"))
    op.create_table(
        "refused_webhook",
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("why", sa.String(length=32), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("on_day", "why", name=op.f("pk_refused_webhook")),
    )
    op.create_table(
        "send_allowance",
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("tokens", sa.Float(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_send_allowance")),
    )
    op.create_table(
        "provider_pause",
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.SmallInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_pause")),
    )
    op.create_table(
        "simulation",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facility_code", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("per_day", sa.BigInteger(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=True),
        sa.Column("last_text", sa.BigInteger(), nullable=False),
        sa.Column("put_off", sa.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("sequences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_simulation_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_simulation")),
    )


def downgrade() -> None:
    op.drop_table("simulation")
    op.drop_table("provider_pause")
    op.drop_table("send_allowance")
    op.drop_table("refused_webhook")
    op.drop_table("receipt")
    op.drop_table("send_attempt")
    op.drop_table("survey_answer")
    op.drop_table("outbox_message")
    op.drop_table("survey_response")
    op.drop_table("plan_version")
    op.drop_table("membership")
    op.drop_table("inbound_message")
    op.drop_table("import_row_error")
    op.drop_table("encounter_location")
    op.drop_table("alert_notice")
    op.drop_table("alert")
    op.drop_table("questionnaire_version")
    op.drop_table("plan")
    op.drop_table("patient_merge")
    op.drop_table("number_state")
    op.drop_table("import_batch")
    op.drop_table("enrolment")
    op.drop_table("department")
    op.drop_table("conversation")
    op.drop_table("consent")
    op.drop_table("clinician")
    op.drop_table("calendar_day")
    op.drop_table("attempt")
    op.drop_table("worker_heartbeat")
    op.drop_table("request_count")
    op.drop_table("user_account")
    op.drop_table("task")
    op.drop_table("questionnaire")
    op.drop_table("patient_identifier")
    op.drop_table("patient")
    op.drop_table("message_template")
    op.drop_table("login_throttle")
    op.drop_table("facility")
    op.drop_table("interface_message")
    op.drop_table("patient_fact")
    op.drop_table("encounter_fact")
    op.drop_table("encounter")
    op.drop_table("contact_point")
    op.drop_table("console_delivery")
    op.drop_table("audit_seal")
    op.drop_table("audit_entry")
