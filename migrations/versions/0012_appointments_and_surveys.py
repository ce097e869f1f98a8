"""Sessions that change or end, links of visits taken back, sensitive departments, owners of questionnaires."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

KINDS = (
    "asked", "offered", "declined", "lapsed", "booked", "confirmed", "moved", "move_asked", "cancelled", "arrived",
    "fulfilled", "noshow", "reminded",
)  # fmt: skip


def upgrade() -> None:
    op.add_column("clinic_session", sa.Column("ended_on", sa.Date(), nullable=True))
    op.add_column("sitting", sa.Column("replaced", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "appointment", sa.Column("link_generation", sa.SmallInteger(), server_default=sa.text("0"), nullable=False)
    )
    _kinds(*KINDS, "changed", "link_revoked")
    op.add_column("department", sa.Column("sensitive", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.add_column(
        "questionnaire_version",
        sa.Column("digest", sa.String(32), sa.Computed("md5(definition::text)", persisted=True), nullable=False),
    )
    op.add_column("questionnaire", sa.Column("facility_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_questionnaire_facility_id"), "questionnaire", "facility", ["facility_id"], ["id"])
    op.execute(
        "UPDATE questionnaire SET facility_id = (SELECT min(id) FROM facility)"
        " WHERE code NOT IN ('CLIN_GEN', 'CLIN_SURG', 'RECALL', 'SAT_ED', 'SAT_IP', 'SAT_OP')"
        " AND (SELECT count(*) FROM facility) = 1"
    )


def downgrade() -> None:
    op.drop_column("questionnaire", "facility_id")
    op.drop_column("questionnaire_version", "digest")
    op.drop_column("department", "sensitive")
    op.execute("DELETE FROM appointment_history WHERE kind IN ('changed', 'link_revoked')")
    _kinds(*KINDS)
    op.drop_column("appointment", "link_generation")
    op.drop_column("sitting", "replaced")
    op.drop_column("clinic_session", "ended_on")


def _kinds(*kinds: str) -> None:
    """What a line of an appointment's history may say."""
    op.drop_constraint(op.f("ck_appointment_history_kind"), "appointment_history", type_="check")
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    op.create_check_constraint(op.f("ck_appointment_history_kind"), "appointment_history", f"kind IN ({listed})")
