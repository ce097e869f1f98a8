"""Profiles, watched folders, duplicates, undone batches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

COMPARING = ("report_mark_tasks", "report_mark_patients")
"""Functions that compare the rows of a statement before and after it. Their plans are made for the first statement of a
session, which may change one row; with a loop in a loop a later one that changes thousands would take seconds."""

STATUS = "ck_import_batch_status"
BEFORE = ("uploaded", "queued", "running", "finished", "interrupted", "failed", "discarded")


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column for a moment."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def reference(name: str, table: str, target: str, *, nullable: bool = False) -> tuple[sa.SchemaItem, ...]:
    """A column that refers to the id of ``target``, and its constraint."""
    key = op.f(f"fk_{table}_{name}")
    return (
        sa.Column(name, sa.BigInteger(), nullable=nullable),
        sa.ForeignKeyConstraint([name], [f"{target}.id"], name=key),
    )


def allow_states(*states: str) -> None:
    """Let batches be in these states only."""
    listed = ", ".join(f"'{state}'" for state in states)
    op.drop_constraint(op.f(STATUS), "import_batch", type_="check")
    op.create_check_constraint(op.f(STATUS), "import_batch", f"status IN ({listed})")


def upgrade() -> None:
    for function in COMPARING:
        op.execute(f"ALTER FUNCTION {function}() SET enable_nestloop TO off")
    allow_states(*BEFORE, "undone")
    op.create_table(
        "interface_message_day",
        *reference("facility_id", "interface_message_day", "facility"),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("event", sa.String(length=64), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "applied", "waiting", "ignored", "refused", "left_out",
                name="message_status", native_enum=False, create_constraint=True, length=32,
            ),
            nullable=False,
        ),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("facility_id", "day", "event", "status", name=op.f("pk_interface_message_day")),
    )  # fmt: skip
    op.create_table(
        "access_token",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *reference("facility_id", "access_token", "facility"),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("ending", sa.String(length=4), nullable=False),
        moment("created_at"),
        *reference("created_by", "access_token", "user_account"),
        moment("last_used_at", nullable=True),
        moment("revoked_at", nullable=True),
        *reference("revoked_by", "access_token", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_access_token_token_hash")),
    )
    op.create_index(op.f("ix_access_token_facility_id"), "access_token", ["facility_id"])
    op.create_table(
        "posted_document",
        *reference("facility_id", "posted_document", "facility"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        moment("received_at"),
        *reference("batch_id", "posted_document", "import_batch"),
        sa.PrimaryKeyConstraint("facility_id", "digest", name=op.f("pk_posted_document")),
    )
    op.create_index("ix_posted_document_received_at", "posted_document", ["received_at"])
    op.create_index(op.f("ix_posted_document_batch_id"), "posted_document", ["batch_id"])
    op.create_table(
        "mapping_profile",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *reference("facility_id", "mapping_profile", "facility"),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("content", postgresql.JSONB(), nullable=False),
        moment("created_at"),
        *reference("created_by", "mapping_profile", "user_account"),
        moment("updated_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mapping_profile")),
        sa.UniqueConstraint("facility_id", "name", name=op.f("uq_mapping_profile_facility_id_name")),
    )
    op.create_table(
        "possible_duplicate",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        *reference("facility_id", "possible_duplicate", "facility"),
        *reference("first_id", "possible_duplicate", "patient"),
        *reference("second_id", "possible_duplicate", "patient"),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("weight", sa.SmallInteger(), nullable=False),
        moment("found_at"),
        moment("different_at", nullable=True),
        *reference("different_by", "possible_duplicate", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_possible_duplicate")),
        sa.UniqueConstraint("first_id", "second_id", name=op.f("uq_possible_duplicate_first_id_second_id")),
    )
    op.create_index(op.f("ix_possible_duplicate_second_id"), "possible_duplicate", ["second_id"])
    op.create_index("ix_possible_duplicate_facility_id_weight", "possible_duplicate", ["facility_id", "weight"])


def downgrade() -> None:
    for function in COMPARING:
        op.execute(f"ALTER FUNCTION {function}() RESET enable_nestloop")
    for table in ("possible_duplicate", "mapping_profile", "posted_document", "access_token", "interface_message_day"):
        op.drop_table(table)
    op.execute("UPDATE import_batch SET status = 'discarded' WHERE status = 'undone'")
    allow_states(*BEFORE)
