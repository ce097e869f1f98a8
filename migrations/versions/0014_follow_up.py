"""The home visits of a hospital's day are found by an index, however many days have gone by."""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_visit_booking_facility_id_day", "visit_booking", ["facility_id", "day"])


def downgrade() -> None:
    op.drop_index("ix_visit_booking_facility_id_day", table_name="visit_booking")
