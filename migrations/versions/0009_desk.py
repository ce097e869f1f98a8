"""Open calls and visits by ward and by stay, and earlier wards of stays: a ward's work list reads only its own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

OPEN_FOR_PEOPLE = sa.text("status = 'open' AND channel IN ('phone', 'home_visit')")


def upgrade() -> None:
    op.create_index("ix_task_open_of_ward", "task", ["department_id", "due_at"], postgresql_where=OPEN_FOR_PEOPLE)
    op.create_index("ix_task_open_of_stay", "task", ["encounter_id"], postgresql_where=OPEN_FOR_PEOPLE)
    op.create_index("ix_encounter_location_of_ward", "encounter_location", ["department_id", "encounter_id"])


def downgrade() -> None:
    op.drop_index("ix_encounter_location_of_ward", "encounter_location")
    op.drop_index("ix_task_open_of_stay", "task")
    op.drop_index("ix_task_open_of_ward", "task")
