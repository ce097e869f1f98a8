"""What surveys are built from and who is asked: drafts, reminders, links taken back, wrong birth dates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The release before this one writes neither table without these columns' defaults, so the counters keep one."""
    moment = sa.DateTime(timezone=True)
    op.add_column("questionnaire_version", sa.Column("retired_at", moment, nullable=True))
    op.add_column("questionnaire_version", sa.Column("changed_at", moment, nullable=True))
    op.add_column("questionnaire_version", sa.Column("changed_by_user_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "questionnaire_version", sa.Column("revision", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.create_index(
        "uq_questionnaire_version_draft",
        "questionnaire_version",
        ["questionnaire_id"],
        unique=True,
        postgresql_where=sa.text("status = 'draft'"),
    )
    op.add_column("survey_response", sa.Column("reminded_at", moment, nullable=True))
    op.add_column("survey_response", sa.Column("link_revoked_at", moment, nullable=True))
    op.add_column(
        "survey_response", sa.Column("failed_checks", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )


def downgrade() -> None:
    """A draft is unfinished by its nature: the release before would not know what to do with it."""
    op.execute("DELETE FROM questionnaire_version WHERE status = 'draft'")
    op.drop_column("survey_response", "failed_checks")
    op.drop_column("survey_response", "link_revoked_at")
    op.drop_column("survey_response", "reminded_at")
    op.drop_index("uq_questionnaire_version_draft", "questionnaire_version")
    for name in ("revision", "changed_by_user_id", "changed_at", "retired_at"):
        op.drop_column("questionnaire_version", name)
