"""Daily roll-ups with the marks that keep them true."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

MARK_TASKS = """
CREATE FUNCTION report_mark_tasks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO report_mark (kind, facility_id, day) SELECT DISTINCT 'task', facility_id, due_on FROM new_rows;
        INSERT INTO report_mark (kind, facility_id, subject_id)
        SELECT DISTINCT 'person', facility_id, patient_id FROM new_rows WHERE status = 'completed';
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO report_mark (kind, facility_id, day) SELECT DISTINCT 'task', facility_id, due_on FROM old_rows;
        INSERT INTO report_mark (kind, facility_id, subject_id)
        SELECT DISTINCT 'person', facility_id, patient_id FROM old_rows WHERE status = 'completed';
    ELSE
        INSERT INTO report_mark (kind, facility_id, day)
        SELECT DISTINCT 'task', day.facility_id, day.due_on
        FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id
        CROSS JOIN LATERAL (VALUES (o.facility_id, o.due_on), (n.facility_id, n.due_on)) AS day (facility_id, due_on)
        WHERE (o.facility_id, o.due_on, o.due_at, o.department_id, o.tier, o.channel, o.step_code, o.status, o.reason,
               o.questionnaire_code, o.first_attempt_at, o.reached_at, o.completed_at, o.ended_at)
            IS DISTINCT FROM
              (n.facility_id, n.due_on, n.due_at, n.department_id, n.tier, n.channel, n.step_code, n.status, n.reason,
               n.questionnaire_code, n.first_attempt_at, n.reached_at, n.completed_at, n.ended_at);
        INSERT INTO report_mark (kind, facility_id, subject_id)
        SELECT DISTINCT 'person', who.facility_id, who.patient_id
        FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id
        CROSS JOIN LATERAL (VALUES (o.facility_id, o.patient_id), (n.facility_id, n.patient_id))
            AS who (facility_id, patient_id)
        WHERE (o.status = 'completed' OR n.status = 'completed')
            AND (o.status, o.channel, o.encounter_id, o.patient_id)
                IS DISTINCT FROM (n.status, n.channel, n.encounter_id, n.patient_id);
    END IF;
    RETURN NULL;
END $$
"""
MARK_STAYS = """
CREATE FUNCTION report_mark_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO report_mark (kind, facility_id, subject_id)
        SELECT DISTINCT 'person', facility_id, patient_id FROM new_rows;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO report_mark (kind, facility_id, subject_id)
        SELECT DISTINCT 'person', facility_id, patient_id FROM old_rows;
        INSERT INTO report_mark (kind, facility_id, day)
        SELECT DISTINCT 'stay', facility_id, discharged_on FROM old_rows WHERE discharged_on IS NOT NULL;
    END IF;
    RETURN NULL;
END $$
"""
MARK_PATIENTS = """
CREATE FUNCTION report_mark_patients() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO report_mark (kind, facility_id, subject_id)
    SELECT DISTINCT 'person', o.facility_id, who.id
    FROM old_rows AS o JOIN new_rows AS n ON n.id = o.id
    CROSS JOIN LATERAL (VALUES (o.id), (o.person_id), (n.person_id)) AS who (id)
    WHERE (o.person_id, o.deceased_on) IS DISTINCT FROM (n.person_id, n.deceased_on);
    RETURN NULL;
END $$
"""
MARK_RESPONSES = """
CREATE FUNCTION report_mark_responses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO report_mark (kind, facility_id, subject_id)
        SELECT DISTINCT 'response', facility_id, id FROM new_rows;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO report_mark (kind, facility_id, day)
        SELECT DISTINCT 'invitation', o.facility_id, (o.invited_at AT TIME ZONE f.timezone)::date
        FROM old_rows AS o JOIN facility AS f ON f.id = o.facility_id;
    END IF;
    RETURN NULL;
END $$
"""
MARK_ANSWERS = """
CREATE FUNCTION report_mark_answers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO report_mark (kind, facility_id, subject_id)
        SELECT DISTINCT 'response', facility_id, response_id FROM new_rows;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO report_mark (kind, facility_id, day)
        SELECT DISTINCT 'answer', o.facility_id, (o.answered_at AT TIME ZONE f.timezone)::date
        FROM old_rows AS o JOIN facility AS f ON f.id = o.facility_id;
    END IF;
    RETURN NULL;
END $$
"""
MARKED = {
    "task": ("report_mark_tasks", MARK_TASKS, ("INSERT", "UPDATE", "DELETE")),
    "encounter": ("report_mark_stays", MARK_STAYS, ("INSERT", "UPDATE", "DELETE")),
    "patient": ("report_mark_patients", MARK_PATIENTS, ("UPDATE",)),
    "survey_response": ("report_mark_responses", MARK_RESPONSES, ("INSERT", "UPDATE", "DELETE")),
    "survey_answer": ("report_mark_answers", MARK_ANSWERS, ("INSERT", "UPDATE", "DELETE")),
}
"""The function, its text and the events of each table whose rows the figures are made of."""

SEEN_BY = {
    "INSERT": "REFERENCING NEW TABLE AS new_rows",
    "UPDATE": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "REFERENCING OLD TABLE AS old_rows",
}
FIRST_MARKS = """
INSERT INTO report_mark (kind, facility_id, day)
SELECT DISTINCT 'task', facility_id, due_on FROM task
UNION ALL
SELECT DISTINCT 'stay', facility_id, discharged_on FROM encounter WHERE discharged_on IS NOT NULL
UNION ALL
SELECT DISTINCT 'answer', a.facility_id, (a.answered_at AT TIME ZONE f.timezone)::date
FROM survey_answer AS a JOIN facility AS f ON f.id = a.facility_id
UNION ALL
SELECT DISTINCT 'invitation', r.facility_id, (r.invited_at AT TIME ZONE f.timezone)::date
FROM survey_response AS r JOIN facility AS f ON f.id = r.facility_id
"""
"""Nothing is rolled up yet, so every day that holds records is marked."""


def words(name: str, *values: str) -> sa.Enum:
    """Text that a check constraint keeps to these values."""
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=32)


def upgrade() -> None:
    _make_rollups()
    for table, (function, definition, events) in MARKED.items():
        op.execute(definition)
        for event in events:
            op.execute(
                f"CREATE TRIGGER {function}_{event.lower()} AFTER {event} ON {table} {SEEN_BY[event]} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
            )
    op.execute(FIRST_MARKS)


def downgrade() -> None:
    for table, (function, _definition, events) in MARKED.items():
        for event in events:
            op.execute(f"DROP TRIGGER {function}_{event.lower()} ON {table}")
        op.execute(f"DROP FUNCTION {function}()")
    for table in (
        "report_invitation_day",
        "report_answer_day",
        "report_return_day",
        "report_discharge_day",
        "report_task_day",
        "report_mark",
    ):
        op.drop_table(table)


def _make_rollups() -> None:
    op.create_table(
        "report_mark",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "kind",
            words("kind", "task", "stay", "answer", "invitation", "person", "response"),
            nullable=False,
        ),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("subject_id", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_mark")),
    )
    _make_day_table(
        "report_task_day",
        "due_on",
        sa.Column("tier", sa.SmallInteger(), nullable=True),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("step_code", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        *(
            sa.Column(name, sa.Boolean(), nullable=False)
            for name in ("pending", "attempted", "reached", "completed", "in_time")
        ),
        sa.Column("tasks", sa.BigInteger(), nullable=False),
    )
    _make_day_table(
        "report_discharge_day",
        "discharged_on",
        sa.Column("discharged", sa.BigInteger(), nullable=False),
        sa.Column("followed_up", sa.BigInteger(), nullable=False),
    )
    _make_day_table(
        "report_return_day",
        "discharged_on",
        sa.Column("measure", sa.String(64), nullable=False),
        sa.Column("excluded", sa.String(32), nullable=False),
        sa.Column("days", sa.SmallInteger(), nullable=True),
        sa.Column("deceased_on", sa.Date(), nullable=True),
        sa.Column("episodes", sa.BigInteger(), nullable=False),
    )
    _make_day_table(
        "report_answer_day",
        "day",
        sa.Column("questionnaire_version_id", sa.BigInteger(), nullable=False),
        sa.Column("question_code", sa.String(64), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.Column("mode", sa.String(32), nullable=False),
        sa.Column("answers", sa.BigInteger(), nullable=False),
    )
    _make_day_table(
        "report_invitation_day",
        "day",
        sa.Column("questionnaire_version_id", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("invited", "delivered", "answered", "answered_of_delivered")
        ),
    )


def _make_day_table(name: str, day: str, *columns: sa.Column) -> None:
    """A table of what was added up for a day and a department, found by facility and day."""
    op.create_table(
        name,
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("facility_id", sa.BigInteger(), nullable=False),
        sa.Column(day, sa.Date(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        *columns,
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
    )
    op.create_index(f"ix_{name}_facility_id_{day}", name, ["facility_id", day])
