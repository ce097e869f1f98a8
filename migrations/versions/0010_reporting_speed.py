"""Results that are kept between pages, versions of days that say whether they still hold, and marks of tries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

KINDS = ("task", "stay", "answer", "invitation", "person", "response")
TRY = "try"
KINDS_NOW = (*KINDS[:4], TRY, *KINDS[4:])
MARK_PATIENTS = """
CREATE OR REPLACE FUNCTION report_mark_patients() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop TO 'off' AS $$
BEGIN
    INSERT INTO report_mark (kind, facility_id, subject_id)
    SELECT DISTINCT 'person', o.facility_id, who.id
    FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id
    CROSS JOIN LATERAL (VALUES (o.id), (o.person_id), (n.person_id)) AS who (id)
    WHERE ({old}) IS DISTINCT FROM ({new});
    RETURN NULL;
END $$
"""
"""Birth and sex decide about the group and the case mix of a discharge."""

MARK_TRIES = """
CREATE FUNCTION report_mark_tries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO report_mark (kind, facility_id, day)
        SELECT 'try', n.facility_id, (n.started_at AT TIME ZONE f.timezone)::date
        FROM new_rows AS n JOIN facility AS f ON f.id = n.facility_id
        UNION
        SELECT 'try', t.facility_id, t.due_on
        FROM task AS t WHERE t.id = ANY (ARRAY(SELECT task_id FROM new_rows));
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO report_mark (kind, facility_id, day)
        SELECT 'try', o.facility_id, (o.started_at AT TIME ZONE f.timezone)::date
        FROM old_rows AS o JOIN facility AS f ON f.id = o.facility_id
        UNION
        SELECT 'try', t.facility_id, t.due_on
        FROM task AS t WHERE t.id = ANY (ARRAY(SELECT task_id FROM old_rows));
    END IF;
    RETURN NULL;
END $$
"""
"""Tries count on the day on which they were made, and with their task where its window ends."""

MARK_MOVED = """
CREATE FUNCTION report_mark_moved_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_mark (kind, facility_id, day)
    SELECT 'try', moved.facility_id, day.day
    FROM (
        SELECT a.facility_id, (a.started_at AT TIME ZONE f.timezone)::date AS started_on, a.task_id
        FROM attempt AS a JOIN facility AS f ON f.id = a.facility_id
        WHERE a.task_id = ANY (ARRAY(
            SELECT n.id FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id
            WHERE n.attempt_count > 0
                AND (o.department_id, o.due_on, o.tier, o.channel) IS DISTINCT FROM
                    (n.department_id, n.due_on, n.tier, n.channel)))
    ) AS moved
    JOIN old_rows AS o ON o.id = moved.task_id JOIN new_rows AS n ON n.id = moved.task_id
    CROSS JOIN LATERAL (VALUES (moved.started_on), (o.due_on), (n.due_on)) AS day (day)
    GROUP BY moved.facility_id, day.day;
    RETURN NULL;
END $$
"""
"""The tries of a task that moved to another department, window or step count elsewhere."""

SEEN_BY = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
}


def upgrade() -> None:
    """Make the tables, let marks point at tries, and mark them."""
    _allow_kinds(*KINDS_NOW)
    op.create_table(
        "report_day_version",
        sa.Column("facility_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*KINDS_NOW, name="kind", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("facility_id", "kind", "day", name="pk_report_day_version"),
    )
    op.create_table(
        "report_kept",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("figure", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("asked", postgresql.JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("result", postgresql.JSONB(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["facility_id"], ["facility.id"], name="fk_report_kept_facility_id"),
        sa.PrimaryKeyConstraint("id", name="pk_report_kept"),
        sa.UniqueConstraint("key", name="uq_report_kept_key"),
    )
    op.create_table(
        "report_progress",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("mark_id", sa.BigInteger(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("as_of", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_report_progress"),
    )
    op.execute(_mark_patients("person_id", "deceased_on", "birth_date", "sex"))
    op.execute(MARK_TRIES)
    for event, seen_by in SEEN_BY.items():
        op.execute(
            f"CREATE TRIGGER report_mark_tries_{event.lower()} AFTER {event} ON attempt {seen_by} "
            "FOR EACH STATEMENT EXECUTE FUNCTION report_mark_tries()"
        )
    op.execute(MARK_MOVED)
    op.execute(
        f"CREATE TRIGGER report_mark_moved_tasks_update AFTER UPDATE ON task {SEEN_BY['UPDATE']} "
        "FOR EACH STATEMENT EXECUTE FUNCTION report_mark_moved_tasks()"
    )


def downgrade() -> None:
    """Take all of it away again."""
    op.execute("DROP TRIGGER report_mark_moved_tasks_update ON task")
    op.execute("DROP FUNCTION report_mark_moved_tasks()")
    for event in SEEN_BY:
        op.execute(f"DROP TRIGGER report_mark_tries_{event.lower()} ON attempt")
    op.execute("DROP FUNCTION report_mark_tries()")
    op.execute(_mark_patients("person_id", "deceased_on"))
    for table in ("report_progress", "report_kept", "report_day_version"):
        op.drop_table(table)
    op.execute("DELETE FROM report_mark WHERE kind = 'try'")
    _allow_kinds(*KINDS)


def _mark_patients(*columns: str) -> str:
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("o", "n"))
    return MARK_PATIENTS.format(old=old, new=new)


def _allow_kinds(*kinds: str) -> None:
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    op.execute("ALTER TABLE report_mark DROP CONSTRAINT ck_report_mark_kind")
    op.execute(f"ALTER TABLE report_mark ADD CONSTRAINT ck_report_mark_kind CHECK (kind IN ({allowed}))")
