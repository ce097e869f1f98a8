"""Sessions, their sittings and slots, appointments with the waiting list, and the visit that a task is about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def words(name: str, *values: str) -> sa.Enum:
    """Text that a check constraint keeps to these values."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    op.create_table(
        "calendar_feed",
        sa.Column("clinician_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["clinician_id"], ["clinician.id"], name=op.f("fk_calendar_feed_clinician_id")),
        sa.PrimaryKeyConstraint("clinician_id", name=op.f("pk_calendar_feed")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_calendar_feed_token_hash")),
    )
    op.create_table(
        "clinic_session",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=True),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("every_weeks", sa.SmallInteger(), nullable=False),
        sa.Column("starts", sa.Time(), nullable=False),
        sa.Column("slot_minutes", sa.SmallInteger(), nullable=False),
        sa.Column("slots", sa.SmallInteger(), nullable=False),
        sa.Column("capacity", sa.SmallInteger(), nullable=False),
        sa.Column("on_holidays", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["clinician_id"], ["clinician.id"], name=op.f("fk_clinic_session_clinician_id")),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_clinic_session_department_id")),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name=op.f("fk_clinic_session_facility_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clinic_session")),
    )
    op.create_index("ix_clinic_session_department", "clinic_session", ["facility_id", "department_id"])
    op.create_table(
        "return_rule",
        sa.Column("department_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("from_days", sa.SmallInteger(), nullable=False),
        sa.Column("within_days", sa.SmallInteger(), nullable=False),
        sa.Column("same_clinician", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["department_id"], ["department.id"], name=op.f("fk_return_rule_department_id")),
        sa.PrimaryKeyConstraint("department_id", name=op.f("pk_return_rule")),
    )
    op.create_table(
        "sitting",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=True),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("closed_reason", sa.String(length=200), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(clinician_id, clinician_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("clinician_id IS NOT NULL AND closed_at IS NULL"),
            using="gist",
            name="ex_sitting_clinician",
        ),
        sa.ForeignKeyConstraint(["session_id"], ["clinic_session.id"], name=op.f("fk_sitting_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sitting")),
        sa.UniqueConstraint("session_id", "day", name=op.f("uq_sitting_session_id_day")),
    )
    op.create_index("ix_sitting_clinician_id_starts_at", "sitting", ["clinician_id", "starts_at"])
    op.create_index("ix_sitting_department_id_starts_at", "sitting", ["department_id", "starts_at"])
    op.create_table(
        "slot",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("sitting_id", sa.BigInteger(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seat", sa.SmallInteger(), nullable=False),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["sitting_id"], ["sitting.id"], name=op.f("fk_slot_sitting_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
        sa.UniqueConstraint("sitting_id", "starts_at", "seat", name=op.f("uq_slot_sitting_id_starts_at_seat")),
    )
    op.create_index("ix_slot_free_clinician", "slot", ["clinician_id", "starts_at"], postgresql_where=sa.text("free"))
    op.create_index("ix_slot_free_department", "slot", ["department_id", "starts_at"], postgresql_where=sa.text("free"))
    op.create_table(
        "appointment",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("encounter_id", sa.BigInteger(), nullable=True),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("clinician_id", sa.BigInteger(), nullable=True),
        sa.Column("slot_id", sa.BigInteger(), nullable=True),
        sa.Column("room", sa.String(length=80), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "state",
            words("state", "proposed", "pending", "booked", "arrived", "fulfilled", "cancelled", "noshow", "waitlist"),
            nullable=False,
        ),
        sa.Column("booked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("booked_by", sa.BigInteger(), nullable=True),
        sa.Column("booked_via", words("via", "staff", "link", "reply", "import", "program"), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("moved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("move_asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "cancel_reason",
            words(
                "cancel_reason",
                "patient",
                "clinic_closed",
                "not_needed",
                "in_hospital",
                "deceased",
                "other_system",
                "mistake",
                "other",
            ),
            nullable=True,
        ),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remind_kind", words("remind_kind", "three_days", "one_day"), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wish_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wish_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wish_clinician_id", sa.BigInteger(), nullable=True),
        sa.Column("declined", postgresql.ARRAY(sa.BigInteger()), nullable=False),
        sa.Column("offered_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("task_id", sa.BigInteger(), nullable=True),
        sa.Column("visit_encounter_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("source_key", sa.String(length=128), nullable=True),
        sa.Column("source_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("wrong_dates", sa.SmallInteger(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(patient_id, patient_id, '[]')"), "&&"),
            (sa.text("tstzrange(starts_at, ends_at)"), "&&"),
            where=sa.text("starts_at IS NOT NULL AND slot_id IS NOT NULL AND state NOT IN ('cancelled', 'waitlist')"),
            using="gist",
            name="ex_appointment_patient",
        ),
        sa.CheckConstraint(
            "state = 'waitlist' OR state = 'cancelled' OR (starts_at IS NOT NULL AND ends_at > starts_at)",
            name=op.f("ck_appointment_has_time"),
        ),
        sa.ForeignKeyConstraint(["slot_id"], ["slot.id"], name=op.f("fk_appointment_slot_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment")),
        sa.UniqueConstraint(
            "facility_id", "source", "source_key", name=op.f("uq_appointment_facility_id_source_source_key")
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_appointment_token_hash")),
    )
    op.create_index("ix_appointment_clinician_id_starts_at", "appointment", ["clinician_id", "starts_at"])
    op.create_index("ix_appointment_department_id_starts_at", "appointment", ["department_id", "starts_at"])
    op.create_index(
        "ix_appointment_encounter_id",
        "appointment",
        ["encounter_id"],
        postgresql_where=sa.text("encounter_id IS NOT NULL"),
    )
    op.create_index(
        "ix_appointment_offered_until", "appointment", ["offered_until"], postgresql_where=sa.text("state = 'proposed'")
    )
    op.create_index("ix_appointment_patient_id", "appointment", ["patient_id"])
    op.create_index(
        "ix_appointment_remind_at",
        "appointment",
        ["remind_at"],
        postgresql_where=sa.text("remind_at IS NOT NULL AND state = 'booked'"),
    )
    op.create_index(
        "ix_appointment_visit",
        "appointment",
        ["visit_encounter_id"],
        postgresql_where=sa.text("visit_encounter_id IS NOT NULL"),
    )
    op.create_index(
        "ix_appointment_waiting",
        "appointment",
        ["department_id", "asked_at", "id"],
        postgresql_where=sa.text("state = 'waitlist'"),
    )
    op.create_index(
        "uq_appointment_slot_id",
        "appointment",
        ["slot_id"],
        unique=True,
        postgresql_where=sa.text("slot_id IS NOT NULL AND state NOT IN ('cancelled', 'waitlist')"),
    )
    op.create_table(
        "appointment_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("appointment_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "kind",
            words(
                "kind",
                "asked",
                "offered",
                "declined",
                "lapsed",
                "booked",
                "confirmed",
                "moved",
                "move_asked",
                "cancelled",
                "arrived",
                "fulfilled",
                "noshow",
                "reminded",
            ),
            nullable=False,
        ),
        sa.Column("via", words("via", "staff", "link", "reply", "import", "program"), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor_user_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointment.id"], name=op.f("fk_appointment_history_appointment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointment_history")),
    )
    op.create_index("ix_appointment_history_appointment_id", "appointment_history", ["appointment_id"])
    op.add_column("task", sa.Column("appointment_id", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_task_appointment", "task", ["appointment_id"], postgresql_where=sa.text("appointment_id IS NOT NULL")
    )


def downgrade() -> None:
    op.drop_index("ix_task_appointment", table_name="task")
    op.drop_column("task", "appointment_id")
    for table in (
        "appointment_history",
        "appointment",
        "slot",
        "sitting",
        "return_rule",
        "clinic_session",
        "calendar_feed",
    ):
        op.drop_table(table)
