"""Daily roll-ups with the marks that keep them true; tokens, kept views, letters; targets, improvements, reviews."""

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
    _make_ways_out()
    _make_meeting()
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
        "report_word_list",
        "report_review_appeal",
        "report_review_approval",
        "report_improvement",
        "report_target",
        "report_subscription",
        "report_view",
        "report_token",
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


def _id() -> sa.Column:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False)


def _refers(table: str, name: str, to: str, *, nullable: bool = False) -> sa.Column:
    """A column that holds the id of a row of another table."""
    key = sa.ForeignKey(f"{to}.id", name=op.f(f"fk_{table}_{name}"))
    return sa.Column(name, sa.BigInteger(), key, nullable=nullable)


def _text(name: str, length: int | None = None, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.String(length) if length else sa.Text(), nullable=nullable)


def _moment(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _make_ways_out() -> None:
    table = "report_token"
    op.create_table(
        table,
        _id(),
        _refers(table, "facility_id", "facility"),
        _refers(table, "department_id", "department", nullable=True),
        sa.Column("reports", postgresql.ARRAY(sa.String(32)), nullable=False),
        _text("name", 100),
        _text("token_hash", 64),
        _text("ending", 4),
        _moment("created_at"),
        _refers(table, "created_by", "user_account"),
        _moment("last_used_at", nullable=True),
        _moment("revoked_at", nullable=True),
        _refers(table, "revoked_by", "user_account", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_report_token_token_hash")),
    )
    op.create_index("ix_report_token_facility_id", table, ["facility_id"])
    table = "report_view"
    op.create_table(
        table,
        _id(),
        _refers(table, "user_id", "user_account"),
        _text("name", 100),
        _text("page", 32),
        sa.Column("arguments", postgresql.JSONB(), nullable=False),
        _moment("created_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_view")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_report_view_user_id_name")),
    )
    table = "report_subscription"
    op.create_table(
        table,
        _id(),
        _refers(table, "user_id", "user_account"),
        _refers(table, "facility_id", "facility"),
        _refers(table, "department_id", "department", nullable=True),
        _text("email", 254),
        _text("language", 16),
        _moment("created_at"),
        _text("taken_month", 7, nullable=True),
        _text("sent_month", 7, nullable=True),
        _moment("sent_at", nullable=True),
        _text("failure", 64, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_subscription")),
        sa.UniqueConstraint("user_id", "facility_id", name=op.f("uq_report_subscription_user_id_facility_id")),
    )


def _make_meeting() -> None:
    table = "report_target"
    op.create_table(
        table,
        _id(),
        _refers(table, "facility_id", "facility"),
        _refers(table, "department_id", "department", nullable=True),
        _text("figure", 64),
        sa.Column("share", sa.Float(), nullable=False),
        _refers(table, "set_by", "user_account"),
        _moment("set_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_target")),
    )
    hospital, department = sa.text("department_id IS NULL"), sa.text("department_id IS NOT NULL")
    columns = ["facility_id", "figure"]
    op.create_index("uq_report_target_hospital", table, columns, unique=True, postgresql_where=hospital)
    columns = ["facility_id", "department_id", "figure"]
    op.create_index("uq_report_target_department", table, columns, unique=True, postgresql_where=department)
    table = "report_improvement"
    op.create_table(
        table,
        _id(),
        _refers(table, "facility_id", "facility"),
        _refers(table, "department_id", "department", nullable=True),
        _text("figure", 64),
        _text("month", 7),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        _text("problem"),
        _text("step"),
        _text("owner", 100),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("stage", words("stage", "plan", "do", "check", "act", "closed"), nullable=False),
        _text("result"),
        _refers(table, "created_by", "user_account"),
        _moment("created_at"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_improvement")),
    )
    op.create_index("ix_report_improvement_facility_id_due_on", table, ["facility_id", "due_on"])
    table = "report_review_approval"
    op.create_table(
        table,
        _id(),
        _refers(table, "facility_id", "facility"),
        _refers(table, "department_id", "department"),
        _text("month", 7),
        _refers(table, "approved_by", "user_account"),
        _moment("approved_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_review_approval")),
        sa.UniqueConstraint(
            "facility_id",
            "department_id",
            "month",
            name=op.f("uq_report_review_approval_facility_id_department_id_month"),
        ),
    )
    table = "report_review_appeal"
    op.create_table(
        table,
        _id(),
        _refers(table, "facility_id", "facility"),
        _refers(table, "user_id", "user_account"),
        _text("month", 7),
        _text("words"),
        _moment("made_at"),
        _text("answer", nullable=True),
        _refers(table, "answered_by", "user_account", nullable=True),
        _moment("answered_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_review_appeal")),
    )
    op.create_index("ix_report_review_appeal_facility_id_month", table, ["facility_id", "month"])
    table = "report_word_list"
    op.create_table(
        table,
        _id(),
        _refers(table, "facility_id", "facility"),
        _text("tag", 64),
        _text("words"),
        _refers(table, "changed_by", "user_account"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_word_list")),
        sa.UniqueConstraint("facility_id", "tag", name=op.f("uq_report_word_list_facility_id_tag")),
    )
