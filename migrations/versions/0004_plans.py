"""Plans that a hospital shapes: drafts, repeated steps, plans of the patient, answers as a condition."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_CONDITIONS = "'always', 'if_not_completed', 'if_completed'"


def upgrade() -> None:
    """Columns with defaults, so that the release before can go on writing."""
    op.add_column("plan_version", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("plan_version", sa.Column("changed_by_user_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_plan_version_changed_by_user_id"), "plan_version", "user_account", ["changed_by_user_id"], ["id"]
    )
    op.create_index(
        "uq_plan_version_draft", "plan_version", ["plan_id"], unique=True, postgresql_where=sa.text("status = 'draft'")
    )
    op.add_column("enrolment", sa.Column("scope", sa.String(32), nullable=False, server_default=sa.text("'encounter'")))
    op.create_check_constraint(op.f("ck_enrolment_scope"), "enrolment", "scope IN ('encounter', 'patient')")
    op.create_index(
        "ix_enrolment_of_patients", "enrolment", ["patient_id"], postgresql_where=sa.text("scope = 'patient'")
    )
    op.create_index(
        "ix_enrolment_running", "enrolment", ["plan_version_id"], postgresql_where=sa.text("status = 'active'")
    )
    op.add_column("task", sa.Column("occurrence", sa.SmallInteger(), nullable=False, server_default=sa.text("1")))
    op.drop_index("uq_task_enrolment_id_step_code", "task")
    op.create_index(
        "uq_task_enrolment_id_step_code",
        "task",
        ["enrolment_id", "step_code", "occurrence"],
        unique=True,
        postgresql_where=sa.text("status <> 'entered_in_error'"),
    )
    _conditions(f"{_CONDITIONS}, 'if_answer'")


def downgrade() -> None:
    """What the release before cannot hold is ended: repeated steps, drafts, and plans of the patient run on once."""
    op.execute("UPDATE task SET condition = 'if_completed' WHERE condition = 'if_answer'")
    _conditions(_CONDITIONS)
    op.drop_index("uq_task_enrolment_id_step_code", "task")
    op.execute("UPDATE task SET step_code = left(step_code, 58) || '_' || occurrence WHERE occurrence > 1")
    op.create_index(
        "uq_task_enrolment_id_step_code",
        "task",
        ["enrolment_id", "step_code"],
        unique=True,
        postgresql_where=sa.text("status <> 'entered_in_error'"),
    )
    op.drop_column("task", "occurrence")
    op.drop_index("ix_enrolment_running", "enrolment")
    op.drop_index("ix_enrolment_of_patients", "enrolment")
    op.drop_constraint(op.f("ck_enrolment_scope"), "enrolment", type_="check")
    op.drop_column("enrolment", "scope")
    op.execute("DELETE FROM plan_version WHERE status = 'draft'")
    op.drop_index("uq_plan_version_draft", "plan_version")
    op.drop_constraint("fk_plan_version_changed_by_user_id", "plan_version", type_="foreignkey")
    op.drop_column("plan_version", "changed_by_user_id")
    op.drop_column("plan_version", "changed_at")


def _conditions(values: str) -> None:
    op.drop_constraint(op.f("ck_task_condition"), "task", type_="check")
    op.create_check_constraint(op.f("ck_task_condition"), "task", f"condition IN ({values})")
