from collections.abc import Iterator

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from hcrm import schema
from hcrm.db import OWNER_ROLE, Base, make_engine
from hcrm.unit_of_work import unit_of_work
from tests.databases import DatabaseServer
from tests.factories_followup import discharge, discharged, install_content

COLUMNS = """
    SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname <> 'alembic_version'
"""
CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version' AND contype <> 'n'
"""
INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


def shape(engine: Engine) -> dict[str, set[tuple[object, ...]]]:
    """Columns, constraints and indexes of a database, as its own catalogue describes them."""
    with engine.connect() as connection:
        return {
            name: {tuple(row) for row in connection.execute(text(query))}
            for name, query in {"columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES}.items()
        }


@pytest.fixture
def admin(database_server: DatabaseServer, empty_database: str) -> Iterator[Engine]:
    engine = make_engine(database_server.admin_url(empty_database), role=None)
    yield engine
    engine.dispose()


@pytest.fixture
def url(database_server: DatabaseServer, empty_database: str) -> str:
    return database_server.admin_url(empty_database)


def test_the_newest_revision_is_what_the_models_say(url, admin, database_server):
    schema.upgrade(url)
    name = database_server.create()
    other = make_engine(database_server.admin_url(name), role=None)
    try:
        Base.metadata.create_all(other)
        migrated, modelled = shape(admin), shape(other)
    finally:
        other.dispose()
        database_server.drop(name)
    for kind in modelled:
        assert migrated[kind] == modelled[kind]


def test_up_down_and_up_again_ends_in_the_same_shape(url, admin):
    schema.upgrade(url)
    first = shape(admin)
    schema.downgrade(url, "base")
    assert shape(admin) == {"columns": set(), "constraints": set(), "indexes": set()}
    schema.upgrade(url)
    assert shape(admin) == first


def test_every_revision_can_be_taken_back_with_data_in_the_tables(database_server, template):
    """One step at a time, from a database with rows in it, down to nothing."""
    name = database_server.create(template.name)
    url = database_server.admin_url(name)
    try:
        for script in ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions():
            schema.downgrade(url, str(script.down_revision or "base"))
        schema.upgrade(url)
    finally:
        database_server.drop(name)


NEW_TO_THE_RELEASE = (
    "UPDATE task SET condition = 'if_answer' WHERE id IN (SELECT min(id) FROM task)",
    (
        "INSERT INTO plan_version (plan_id, version, status, definition)"
        " SELECT plan_id, max(version) + 1, 'draft', '{}' FROM plan_version GROUP BY plan_id"
    ),
    (
        "INSERT INTO questionnaire_version (questionnaire_id, version, status, definition)"
        " SELECT questionnaire_id, max(version) + 1, 'draft', '{}' FROM questionnaire_version GROUP BY questionnaire_id"
    ),
    (
        "INSERT INTO import_batch (facility_id, file_name, file_sha256, file_bytes, format, profile, timezone,"
        " stated_at, with_plans, status, position, counts, shape, created_at)"
        " SELECT id, 'a.csv', '', 0, 'csv', '{}', timezone, created_at, true, 'undone', 0, '{}', '{}', created_at"
        " FROM facility"
    ),
)
"""States that older revisions do not know."""


def test_what_older_revisions_do_not_know_is_ended_when_they_come_back(runtime, facility, now, template):
    with unit_of_work(runtime.sessions) as session:
        install_content(session, now)
        discharge(session, facility, discharged(principal_diagnosis="C34.1", diagnoses=("C34.1",)), now=now)
        for statement in NEW_TO_THE_RELEASE:
            session.execute(text(statement))
        tasks = session.scalar(text("SELECT count(*) FROM task"))
        assert session.scalar(text("SELECT max(occurrence) FROM task")) > 1
    schema.downgrade(template.server.admin_url(runtime.engine.url.database), "0001")
    with runtime.engine.connect() as connection:
        assert connection.scalar(text("SELECT count(DISTINCT (enrolment_id, step_code)) FROM task")) == tasks
        assert connection.scalar(text("SELECT count(*) FROM task WHERE condition = 'if_answer'")) == 0
        assert connection.scalars(text("SELECT status FROM import_batch")).all() == ["discarded"]
        drafts = "SELECT status FROM plan_version UNION SELECT status FROM questionnaire_version"
        assert connection.scalars(text(drafts)).all() == ["published"]


def test_upgrading_twice_changes_nothing(url):
    assert schema.upgrade(url) == schema.Upgrade(None, schema.head_revision())
    assert schema.upgrade(url) == schema.Upgrade(schema.head_revision(), schema.head_revision())


def test_an_upgrade_keeps_the_rows(database_server, template):
    name = database_server.create(template.name)
    engine = make_engine(database_server.url(name))
    try:
        schema.upgrade(database_server.admin_url(name))
        with engine.connect() as connection:
            assert connection.execute(text("SELECT code FROM facility")).scalars().all() == ["TEST"]
    finally:
        engine.dispose()
        database_server.drop(name)


def test_revisions_are_one_numbered_chain():
    scripts = list(ScriptDirectory(str(schema.MIGRATIONS)).walk_revisions())
    assert [script.revision for script in reversed(scripts)] == [f"{n:04}" for n in range(1, len(scripts) + 1)]


def test_what_compares_the_rows_of_a_statement_does_without_loops_in_loops(url, admin):
    schema.upgrade(url)
    with admin.connect() as connection:
        found = connection.execute(
            text("SELECT proname FROM pg_proc WHERE 'enable_nestloop=off' = ANY (proconfig) ORDER BY proname")
        )
        assert found.scalars().all() == ["report_mark_patients", "report_mark_tasks"]


def test_tables_belong_to_the_owner_role(url, admin):
    schema.upgrade(url)
    with admin.connect() as connection:
        owners = connection.execute(text("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"))
        assert owners.scalars().all() == [OWNER_ROLE]


def test_no_business_time_has_a_default_in_the_database(url, admin):
    schema.upgrade(url)
    with admin.connect() as connection:
        found = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND column_default IS NOT NULL AND data_type LIKE 'timestamp%'"
            )
        )
        assert found.all() == []


def test_every_time_has_a_time_zone(url, admin):
    schema.upgrade(url)
    with admin.connect() as connection:
        found = connection.execute(
            text(
                "SELECT table_name, column_name FROM information_schema.columns "
                "WHERE table_schema = 'public' AND data_type = 'timestamp without time zone'"
            )
        )
        assert found.all() == []
