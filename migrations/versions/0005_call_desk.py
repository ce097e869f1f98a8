"""The call desk: absences, accounts of clinicians, the on-call roster, reviews of re-calls, teams for home visits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def words(name: str, *values: str) -> sa.Enum:
    """Text that a check constraint keeps to these values."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    """A foreign key with the name that models give it."""
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))


def identity() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def moment(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False)


def upgrade() -> None:
    op.create_table(
        "absence",
        identity(),
        number("facility_id"),
        number("user_id"),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=False),
        number("stand_in_user_id", nullable=True),
        number("entered_by"),
        moment("entered_at"),
        reference("absence", "facility_id", "facility.id"),
        reference("absence", "user_id", "user_account.id"),
        reference("absence", "stand_in_user_id", "user_account.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index("ix_absence_facility_id_until_on", "absence", ["facility_id", "until_on"])
    op.create_table(
        "clinician_account",
        sa.Column("clinician_id", sa.BigInteger(), autoincrement=False, nullable=False),
        number("facility_id"),
        number("user_id"),
        reference("clinician_account", "clinician_id", "clinician.id"),
        reference("clinician_account", "facility_id", "facility.id"),
        reference("clinician_account", "user_id", "user_account.id"),
        sa.PrimaryKeyConstraint("clinician_id", name=op.f("pk_clinician_account")),
    )
    op.create_index(op.f("ix_clinician_account_facility_id"), "clinician_account", ["facility_id"])
    op.create_table(
        "on_call",
        identity(),
        number("facility_id"),
        number("department_id", nullable=True),
        moment("from_at"),
        moment("until_at"),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        number("entered_by"),
        moment("entered_at"),
        reference("on_call", "facility_id", "facility.id"),
        reference("on_call", "department_id", "department.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_on_call")),
    )
    op.create_index("ix_on_call_facility_id_until_at", "on_call", ["facility_id", "until_at"])
    op.create_table(
        "recall_review",
        sa.Column("task_id", sa.BigInteger(), autoincrement=False, nullable=False),
        number("facility_id"),
        sa.Column(
            "finding",
            words("finding", "call_made", "call_not_made", "record_wrong", "patient_unsure"),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=False),
        number("reviewed_by"),
        moment("reviewed_at"),
        reference("recall_review", "task_id", "task.id"),
        reference("recall_review", "facility_id", "facility.id"),
        reference("recall_review", "reviewed_by", "user_account.id"),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_recall_review")),
    )
    op.create_index(op.f("ix_recall_review_facility_id"), "recall_review", ["facility_id"])
    op.create_table(
        "visit_team",
        identity(),
        number("facility_id"),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("districts", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("per_day", sa.SmallInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        reference("visit_team", "facility_id", "facility.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_team")),
        sa.UniqueConstraint("facility_id", "name", name=op.f("uq_visit_team_facility_id_name")),
    )
    op.create_table(
        "visit_booking",
        sa.Column("task_id", sa.BigInteger(), autoincrement=False, nullable=False),
        number("facility_id"),
        number("team_id"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("district", sa.String(length=120), nullable=False),
        reference("visit_booking", "task_id", "task.id"),
        reference("visit_booking", "facility_id", "facility.id"),
        reference("visit_booking", "team_id", "visit_team.id"),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_visit_booking")),
    )
    op.create_index("ix_visit_booking_team_id_day", "visit_booking", ["team_id", "day"])
    op.add_column(
        "attempt",
        sa.Column(
            "contact_kind",
            words("contact_kind", "call", "inbound_call", "ward_visit", "messenger"),
            nullable=True,
        ),
    )
    op.add_column("attempt", sa.Column("interpreter", sa.String(length=120), nullable=True))
    op.create_index("ix_attempt_facility_id_started_at", "attempt", ["facility_id", "started_at"])
    op.create_index("ix_alert_facility_id_opened_at", "alert", ["facility_id", "opened_at"])
    op.add_column("alert", sa.Column("said", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("alert", "said")
    op.drop_index("ix_alert_facility_id_opened_at", "alert")
    op.drop_index("ix_attempt_facility_id_started_at", "attempt")
    op.drop_column("attempt", "interpreter")
    op.drop_column("attempt", "contact_kind")
    for table in ("visit_booking", "visit_team", "recall_review", "on_call", "clinician_account", "absence"):
        op.drop_table(table)
