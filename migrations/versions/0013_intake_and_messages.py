"""How each text from a phone was read; one table for the tokens of other systems, whatever they are for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

KEPT = "facility_id, name, token_hash, ending, created_at, created_by, last_used_at, revoked_at, revoked_by"

AS_BEFORE = (
    "CREATE VIEW report_token AS SELECT id, department_id, scopes AS reports, facility_id, name, token_hash, ending,"
    " created_at, created_by, last_used_at, revoked_at, revoked_by FROM access_token"
    " WHERE purpose = 'figures' AND expires_at IS NULL WITH CHECK OPTION"
)
"""For a release that still runs while this one is installed: its tokens of figures go on being read and taken back."""


def upgrade() -> None:
    op.add_column(
        "inbound_message", sa.Column("reading", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'"))
    )
    op.add_column(
        "access_token", sa.Column("purpose", sa.String(32), nullable=False, server_default=sa.text("'records'"))
    )
    op.create_check_constraint(op.f("ck_access_token_purpose"), "access_token", "purpose IN ('records', 'figures')")
    op.add_column("access_token", sa.Column("department_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_access_token_department_id"), "access_token", "department", ["department_id"], ["id"]
    )
    op.add_column(
        "access_token",
        sa.Column("scopes", postgresql.ARRAY(sa.String(32)), nullable=False, server_default=sa.text("'{}'")),
    )
    op.add_column("access_token", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        f"INSERT INTO access_token (purpose, department_id, scopes, {KEPT})"  # noqa: S608  # names of columns alone
        f" SELECT 'figures', department_id, reports, {KEPT} FROM report_token ORDER BY id"
    )
    op.drop_table("report_token")
    op.execute(AS_BEFORE)


def downgrade() -> None:
    op.execute("DROP VIEW report_token")
    op.create_table(
        "report_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("reports", postgresql.ARRAY(sa.String(32)), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("ending", sa.String(4), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by", sa.BigInteger(), nullable=True),
        *(
            sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_report_token_{column}"))
            for column, target in (
                ("facility_id", "facility"), ("department_id", "department"),
                ("created_by", "user_account"), ("revoked_by", "user_account"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_report_token_token_hash")),
    )  # fmt: skip
    op.create_index("ix_report_token_facility_id", "report_token", ["facility_id"])
    # A release that knows no end of a token would take one that has ended.
    op.execute("UPDATE access_token SET revoked_at = expires_at WHERE revoked_at IS NULL AND expires_at IS NOT NULL")
    op.execute(
        f"INSERT INTO report_token (department_id, reports, {KEPT})"  # noqa: S608  # names of columns alone
        f" SELECT department_id, scopes, {KEPT} FROM access_token WHERE purpose = 'figures' ORDER BY id"
    )
    op.execute("DELETE FROM access_token WHERE purpose = 'figures'")
    for column in ("expires_at", "scopes", "department_id", "purpose"):
        op.drop_column("access_token", column)
    op.drop_column("inbound_message", "reading")
