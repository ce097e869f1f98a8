"""What all tests share: databases of their own on each PostgreSQL server, the runtime, the application, the browser.

``HCRM_TEST_SERVERS`` names the servers that database tests run on: ``embedded``, ``server`` (one that answers at
``HCRM_TEST_DATABASE_URL``, by default 127.0.0.1:5432) or both, separated by a comma. Unset, it is both, as far as the
second one answers.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import argon2.profiles
import pytest
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from hcrm import schema
from hcrm.clock import FixedClock
from hcrm.db import make_engine
from hcrm.organization.models import Department, Facility
from hcrm.settings import Settings
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.components import missing, reasons
from tests.databases import DatabaseServer, begin_run, end_run, finish_dropping, open_server, servers_to_test
from tests.factories import Factories

ROOT = Path(__file__).resolve().parent.parent
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
"""The moment at which tests begin: a Tuesday, 10:00 in Shanghai."""

DEPARTMENTS = {"MED": ("Internal medicine", "内科"), "SUR": ("Surgery", "外科"), "EMR": ("Emergency", "急诊科")}
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Template:
    """A database with the newest schema and the facility TEST; tests work on copies of it."""

    server: DatabaseServer
    name: str
    facility_id: int


hypothesis_settings.register_profile("thorough", max_examples=20_000)

# A hash that takes a third of a second is what a password needs and what hundreds of log-ins of tests do without.
argon2.profiles.get_default_parameters = lambda: argon2.profiles.CHEAPEST

begin_run()
_at_the_end = ExitStack()
"""What this test process puts away when its tests are done."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """After everything else: stop what this run has started, and say what was skipped and how to get it."""
    result = yield
    finish_dropping()
    _at_the_end.close()
    if hasattr(session.config, "workerinput"):
        return result
    end_run()
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    for sentence, count in sorted(reasons(reporter.stats.get("skipped", [])).items()) if reporter else []:
        reporter.write_line(f"Skipped {count} test{'s'[: count != 1]}: {sentence}", yellow=True)
    if reporter and "server" not in servers_to_test():
        reporter.write_line("Database tests ran on the embedded server only.", yellow=True)
    return result


@pytest.fixture(scope="session", params=servers_to_test())
def database_server(request: pytest.FixtureRequest) -> DatabaseServer:
    """A PostgreSQL server that the tests may make databases on."""
    return open_server(request.param)


@pytest.fixture
def share(database_server: DatabaseServer) -> Callable[[list[Any]], list[Any]]:
    """This server's part of many cases that are alike on every server: together the servers do them all."""
    names = servers_to_test()
    return lambda cases: cases[names.index(database_server.name) :: len(names)]


@pytest.fixture
def template(database_server: DatabaseServer) -> Template:
    """The template database of this test process on this server: every migration, and the facility TEST."""
    return _template(database_server)


@cache
def newest_schema(server: DatabaseServer) -> str:
    """The name of a database with every migration and no facility, to copy: the migrations take seconds.

    Remembered by server: a fixture of the session's scope would stay with the server that asked for it first.
    """
    name = server.create()
    _at_the_end.callback(server.drop, name)
    schema.upgrade(server.admin_url(name))
    return name


@cache
def _template(server: DatabaseServer) -> Template:
    name = server.create(newest_schema(server))
    _at_the_end.callback(server.drop, name)
    return Template(server, name, _make_facility(server.url(name)))


def _make_facility(url: str) -> int:
    engine = make_engine(url)
    with unit_of_work(lambda: Session(engine)) as session:
        facility = Facility(
            code="TEST",
            name="Test Hospital",
            name_zh="测试医院",
            timezone="Asia/Shanghai",
            country="CN",
            phone="02112345678",
            settings={},
            created_at=NOW,
        )
        session.add(facility)
        session.flush()
        facility_id = facility.id
        for code, (name, name_zh) in DEPARTMENTS.items():
            session.add(
                Department(
                    facility_id=facility_id,
                    code=code,
                    name=name,
                    name_zh=name_zh,
                    needs_review=False,
                    active=True,
                    created_at=NOW,
                )
            )
    engine.dispose()
    return facility_id


@pytest.fixture
def database_url(template: Template) -> str:
    """A database for tests that roll back what they write."""
    return _shared_database(template)


@cache
def _shared_database(template: Template) -> str:
    name = template.server.create(template.name)
    _at_the_end.callback(template.server.drop, name)
    return template.server.url(name)


@pytest.fixture
def engine(database_url: str) -> Engine:
    return _shared_engine(database_url)


@cache
def _shared_engine(url: str) -> Engine:
    engine = make_engine(url)
    _at_the_end.callback(engine.dispose)
    return engine


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW)


@pytest.fixture
def now() -> datetime:
    return NOW


def make_settings(folder: Path, database_url: str | None = None, **changes: Any) -> Settings:
    """Settings of a test process; the database is named, so nothing is started."""
    values: dict[str, Any] = {
        "instance_dir": folder,
        "database_url": database_url,
        "secret_key": "a secret key that only tests know",
        "hospital_timezone": "Asia/Shanghai",
    }
    return Settings(**(values | changes))


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return make_settings(tmp_path, database_url)


def make_test_runtime(settings: Settings, clock: FixedClock) -> Runtime:
    """The program's own runtime. It loads the whole program, so it is imported only here: tests of rules do without."""
    runtime: Runtime = importlib.import_module("hcrm.wiring").make_runtime(settings, clock)
    return runtime


@pytest.fixture
def session(engine: Engine, settings: Settings, clock: FixedClock) -> Iterator[Session]:
    """A session whose every change is rolled back after the test; events go to the program's own subscribers."""
    runtime = make_test_runtime(settings, clock)
    wired = runtime.sessions()
    info = dict(wired.info)
    wired.close()
    runtime.engine.dispose()
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint", info=info) as session:
            yield session
        transaction.rollback()


@pytest.fixture
def runtime(template: Template, tmp_path: Path, clock: FixedClock) -> Iterator[Runtime]:
    """A runtime on a fresh database of the test's own, in which it may commit."""
    name = template.server.create(template.name)
    runtime = make_test_runtime(make_settings(tmp_path, template.server.url(name)), clock)
    try:
        yield runtime
    finally:
        runtime.engine.dispose()
        template.server.drop_later(name)


@pytest.fixture
def administrator(runtime: Runtime, template: Template) -> Iterator[Engine]:
    """Connections with all rights to the database of ``runtime``: what the program itself may not do."""
    name = runtime.engine.url.database
    assert name is not None
    engine = make_engine(template.server.admin_url(name), role=None)
    yield engine
    engine.dispose()


@pytest.fixture
def facility(template: Template) -> int:
    """The id of the facility TEST (Asia/Shanghai, CN); it is in every test database, with its departments."""
    return template.facility_id


@pytest.fixture
def departments(template: Template) -> dict[str, int]:
    """Ids of the departments of the facility TEST by code: MED, SUR, EMR."""
    engine = make_engine(template.server.url(template.name))
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT code, id FROM department")).tuples().all()
    engine.dispose()
    return dict(rows)


@pytest.fixture
def factories(session: Session, facility: int, now: datetime) -> Factories:
    """Makes rows in ``session``."""
    return Factories(session, now, facility)


@pytest.fixture
def app(runtime: Runtime) -> Any:
    """The web application on the test's own database; forms need no CSRF token (its own tests switch it on)."""
    application = importlib.import_module("hcrm.app").create_app(runtime.settings, runtime=runtime)
    application.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    return application


@pytest.fixture
def demonstration(app: Any, runtime: Runtime) -> None:
    """Let ``app`` run as a demonstration does, with simulated phones."""
    app.extensions["hcrm"] = replace(runtime, settings=replace(runtime.settings, demo=True))


@pytest.fixture
def client(app: Any) -> Any:
    return app.test_client()


@pytest.fixture
def login(client: Any, runtime: Runtime, facility: int) -> Callable[..., int]:
    """``login("nurse", department_id)`` makes a user with that role, logs ``client`` in as them and gives their id."""
    accounts = importlib.import_module("hcrm.accounts.service")
    domain = importlib.import_module("hcrm.accounts.domain")

    def log_in(role: str, department: int | None = None, language: str = "en") -> int:
        username = f"{role}-{department or 'all'}"
        membership = domain.MembershipSnapshot(facility_id=facility, role=domain.Role(role), department_id=department)
        with unit_of_work(runtime.sessions) as session:
            user_id: int = accounts.create_user(
                session,
                username=username,
                password=PASSWORD,
                display_name=username,
                language=language,
                memberships=[membership],
                now=runtime.clock.now(),
            )
        response = client.post("/login", data={"username": username, "password": PASSWORD})
        assert response.status_code in {302, 303}, response.status
        return user_id

    return log_in


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real discharge records beside the checkout."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        missing("The folder ../shared/data", "It holds the public discharge records that the figures are checked on.")
    return folder
