"""Revisit measures that hospitals make by parameters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of the hospitals' own measures."""
    op.create_table(
        "report_measure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("name_zh", sa.String(length=100), nullable=False),
        sa.Column("rules", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_by", sa.BigInteger(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_report_measure_facility_id"),
        sa.ForeignKeyConstraint(["created_by"], ["user_account.id"], name="fk_report_measure_created_by"),
        sa.ForeignKeyConstraint(["retired_by"], ["user_account.id"], name="fk_report_measure_retired_by"),
        sa.PrimaryKeyConstraint("id", name="pk_report_measure"),
        sa.UniqueConstraint("facility_id", "code", name="uq_report_measure_facility_id_code"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("report_measure")
