import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from hcrm import schema
from hcrm.cli import main
from hcrm.clock import pause, stopwatch
from hcrm.db import make_engine
from hcrm.embedded import EmbeddedServer
from tests.databases import DatabaseServer
from tests.factories_twilio import ACCOUNT, PUBLIC, TOKEN, twilio_double

KEY = "a key that only these tests know about"
Hcrm = Callable[..., Result]
DOCTOR = sys.modules["hcrm.cli.doctor"]


@pytest.fixture
def database(database_server: DatabaseServer, template) -> Iterator[str]:
    """The name of a database with the newest schema and the facility TEST."""
    name = database_server.create(template.name)
    yield name
    database_server.drop_later(name)


@pytest.fixture
def hcrm(database_server: DatabaseServer, database: str, tmp_path: Path) -> Hcrm:
    """Runs the command ``hcrm`` on that database."""

    def run(*arguments: str | Path, **environment: str) -> Result:
        settings = {
            "DATABASE_URL": database_server.admin_url(database),
            "SECRET_KEY": KEY,
            "HCRM_INSTANCE_DIR": str(tmp_path),
        }
        return CliRunner().invoke(main, [str(each) for each in arguments], env=settings | environment)

    return run


def facilities(server: DatabaseServer, database: str) -> list[str]:
    engine = make_engine(server.url(database))
    with engine.connect() as connection:
        names = list(connection.execute(text("SELECT name FROM facility ORDER BY name")).scalars())
    engine.dispose()
    return names


def rename_facility(server: DatabaseServer, database: str, name: str) -> None:
    engine = make_engine(server.url(database))
    with engine.begin() as connection:
        connection.execute(text("UPDATE facility SET name = :name"), {"name": name})
    engine.dispose()


def test_an_empty_database_is_refused_with_what_to_do(hcrm, database_server):
    name = database_server.create()
    result = hcrm("user", "list", DATABASE_URL=database_server.admin_url(name))
    database_server.drop(name)
    assert (result.exit_code, "hcrm db upgrade" in result.output) == (2, True)


def test_upgrade_makes_an_empty_database_ready(hcrm, database_server):
    name = database_server.create()
    url = database_server.admin_url(name)
    try:
        assert hcrm("db", "upgrade", DATABASE_URL=url).exit_code == 0
        again = hcrm("db", "upgrade", DATABASE_URL=url)
        assert again.output == f"The database is up to date (revision {schema.head_revision()}).\n"
    finally:
        database_server.drop(name)


def test_a_backup_brings_everything_back(hcrm, database_server, database, tmp_path):
    copy = tmp_path / "copy"
    assert hcrm("db", "backup", copy).exit_code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    rename_facility(database_server, database, "Changed since")
    result = hcrm("db", "restore", copy, "--yes")
    assert result.exit_code == 0, result.output
    assert facilities(database_server, database) == ["Test Hospital"]


def test_a_restored_database_keeps_the_audit_closed(hcrm, database_server, database, tmp_path):
    copy = tmp_path / "copy"
    hcrm("db", "backup", copy)
    hcrm("db", "restore", copy, "--yes")
    assert "problem" not in hcrm("doctor").output.replace("translation", "")


def test_a_backup_is_never_overwritten(hcrm, tmp_path):
    copy = tmp_path / "copy"
    copy.write_text("precious")
    result = hcrm("db", "backup", copy)
    assert result.exit_code == 2
    assert copy.read_text() == "precious"


def test_a_restore_asks_before_it_replaces_records(hcrm, database_server, database, tmp_path):
    copy = tmp_path / "copy"
    hcrm("db", "backup", copy)
    rename_facility(database_server, database, "Changed since")
    assert hcrm("db", "restore", copy).exit_code == 1
    assert facilities(database_server, database) == ["Changed since"]


@pytest.mark.parametrize("part", [0.3, 0.6, 0.99])
def test_a_copy_that_is_not_whole_changes_nothing(hcrm, database_server, database, tmp_path, part):
    engine = make_engine(database_server.url(database))
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO login_throttle (key, failures, window_started_at) "
                "SELECT md5(n::text), 1, '2026-01-01Z' FROM generate_series(1, 20000) n"
            )
        )
    engine.dispose()
    copy = tmp_path / "copy"
    hcrm("db", "backup", copy)
    content = copy.read_bytes()
    copy.write_bytes(content[: int(len(content) * part)])
    rename_facility(database_server, database, "Changed since")
    result = hcrm("db", "restore", copy, "--yes")
    assert result.exit_code == 2, result.output
    assert facilities(database_server, database) == ["Changed since"]


@pytest.mark.parametrize("lost", [1, 60, 200, 2_000])
def test_a_copy_that_lost_only_its_end_changes_nothing(hcrm, database_server, database, tmp_path, lost):
    copy = tmp_path / "copy"
    hcrm("db", "backup", copy)
    copy.write_bytes(copy.read_bytes()[:-lost])
    rename_facility(database_server, database, "Changed since")
    result = hcrm("db", "restore", copy, "--yes")
    assert (result.exit_code, "not a whole copy" in result.output) == (2, True)
    assert facilities(database_server, database) == ["Changed since"]


def test_a_copy_with_one_other_byte_changes_nothing(hcrm, database_server, database, tmp_path):
    copy = tmp_path / "copy"
    hcrm("db", "backup", copy)
    content = bytearray(copy.read_bytes())
    content[len(content) // 2] ^= 1
    copy.write_bytes(content)
    rename_facility(database_server, database, "Changed since")
    assert hcrm("db", "restore", copy, "--yes").exit_code == 2
    assert facilities(database_server, database) == ["Changed since"]


def test_a_file_that_is_no_copy_is_refused(hcrm, database_server, database, tmp_path):
    copy = tmp_path / "copy"
    copy.write_text("hello")
    assert hcrm("db", "restore", copy, "--yes").exit_code == 2
    assert facilities(database_server, database) == ["Test Hospital"]


def test_a_server_of_the_hospitals_own_is_not_started_or_stopped(hcrm):
    for command in ("start", "stop", "remove"):
        result = hcrm("db", command)
        assert (result.exit_code, "DATABASE_URL" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("postgresql://nobody@127.0.0.1:1/hcrm", "No PostgreSQL answers"),
        ("postgresql://nobody@no-such-host.invalid/hcrm", "has no address"),
    ],
)
def test_a_database_that_cannot_be_reached_is_one_sentence(hcrm, address, sentence):
    for command in (("db", "upgrade"), ("user", "list")):
        result = hcrm(*command, DATABASE_URL=address)
        assert result.exit_code == 2
        assert sentence in result.output
        assert len(result.output.splitlines()) == 1


def test_wrong_settings_are_sentences_and_no_traceback(hcrm):
    result = hcrm("user", "list", HCRM_PORT="many", SMS_PROVIDER="pigeon")
    assert result.exit_code == 2
    assert [line.split()[0] for line in result.output.splitlines()] == ["HCRM_PORT", "SMS_PROVIDER"]


def test_doctor_finds_a_ready_installation_in_order(hcrm):
    result = hcrm("doctor")
    found = [line for line in result.output.splitlines() if line.startswith("problem") and "translation" not in line]
    assert found == []
    assert "schema is the newest" in result.output


def test_doctor_tells_what_is_wrong_and_fails(hcrm, database_server, database):
    engine = make_engine(database_server.admin_url(database), role=None)
    with engine.begin() as connection:
        connection.execute(text("GRANT UPDATE ON audit_entry TO hcrm_runtime"))
    engine.dispose()
    result = hcrm("doctor")
    assert result.exit_code == 1
    assert "may change the table audit_entry: run `hcrm db upgrade`" in result.output
    hcrm("db", "upgrade")
    assert "audit_entry" not in hcrm("doctor").output


def problems(result: Result) -> list[str]:
    return [line for line in result.output.splitlines() if line.startswith("problem") and "translation" not in line]


def test_doctor_fails_when_the_worker_has_fallen_silent(hcrm, database_server, database):
    assert "No worker has run yet" in hcrm("doctor").output
    engine = make_engine(database_server.url(database))
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO worker_heartbeat (worker, started_at, beat_at, leader) "
                "SELECT 'w', beat, beat, true FROM (SELECT clock_timestamp() - interval '1 hour' AS beat) AS ago"
            )
        )
    engine.dispose()
    result = hcrm("doctor")
    assert result.exit_code == 1
    assert ["60 minutes" in line and "`hcrm worker`" in line for line in problems(result)] == [True]


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/hcrm"}, "is it running?"),
        ({"DATABASE_URL": "postgresql://nobody@no-such-host.invalid/hcrm"}, "check its name"),
        ({"DATABASE_URL": "mysql://x/y"}, "must be a PostgreSQL address"),
        ({"SECRET_KEY": "short"}, "needs at least 32 characters"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is missing"),
        ({"HOSPITAL_TIMEZONE": "Mars"}, "must be a time zone"),
        ({"PUBLIC_BASE_URL": "https://hospital.example"}, "Set it to the number of proxies"),
        ({"HCRM_SESSION_IDLE_MINUTES": "900"}, "make it shorter or equal"),
    ],
)
def test_doctor_says_what_to_do_about(hcrm, environment, sentence):
    result = hcrm("doctor", **environment)
    assert result.exit_code == 1
    assert [sentence in line for line in problems(result)] == [True], result.output


def test_doctor_says_what_to_do_about_a_database_without_a_schema(hcrm, database_server):
    name = database_server.create()
    result = hcrm("doctor", DATABASE_URL=database_server.admin_url(name))
    database_server.drop(name)
    assert (result.exit_code, "run `hcrm db upgrade`" in result.output) == (1, True)


def test_doctor_says_what_to_do_about_a_role_that_a_pooler_drops(hcrm, database_server, database, monkeypatch):
    monkeypatch.setattr(DOCTOR, "make_engine", lambda url: make_engine(url, role=None))
    result = hcrm("doctor")
    assert (result.exit_code, "a connection pooler drops the option" in result.output) == (1, True)


def test_doctor_says_what_to_do_about_a_full_disk(hcrm, monkeypatch):
    monkeypatch.setattr(DOCTOR, "LEAST_FREE_BYTES", 2**80)
    result = hcrm("doctor")
    assert (result.exit_code, "Make room" in result.output) == (1, True)


def twilio(**more):
    return {
        "SMS_PROVIDER": "twilio",
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "PUBLIC_BASE_URL": PUBLIC,
        "HCRM_TRUSTED_PROXIES": "1",
    } | more


def test_doctor_looks_at_the_account_with_twilio_the_way_back_and_the_numbers(hcrm, database_server, database):
    with twilio_double() as fake:
        here = {"TWILIO_API_BASE_URL": fake.address}
        result = hcrm("doctor", **twilio(**here))
        assert "good     Twilio knows the account." in result.output
        assert ["TEST: no number that texts come from" in line for line in problems(result)] == [True]
        assert problems(hcrm("doctor", **twilio(**here, TWILIO_MESSAGING_SERVICE_SID=f"MG{'1' * 32}"))) == []
        wrong = hcrm("doctor", **twilio(**here, TWILIO_AUTH_TOKEN="old"))
        assert "refuses the account (20003)" in wrong.output
        inside = hcrm("doctor", **twilio(**here, PUBLIC_BASE_URL="http://10.0.0.7:8000"))
        assert "Twilio cannot reach that" in inside.output
    engine = make_engine(database_server.url(database))
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO refused_webhook VALUES (CAST(clock_timestamp() AS date), 'wrong_signature', 12)")
        )
    engine.dispose()
    result = hcrm("doctor", **twilio(**here))
    assert "gives no answer" in result.output
    assert "12 calls with a wrong signature in 7 days" in result.output
    assert "Twilio" not in hcrm("doctor").output


def test_doctor_reports_settings_before_anything_else(hcrm):
    result = hcrm("doctor", HCRM_PORT="many")
    assert result.exit_code == 1
    assert result.output.startswith("problem  HCRM_PORT")


def test_a_command_that_is_told_to_end_leaves_no_server_behind(tmp_path):
    environment = {"PATH": "/usr/bin:/bin", "HCRM_INSTANCE_DIR": str(tmp_path), "HCRM_PORT": str(free_port())}
    program = Path(sys.executable).with_name("hcrm")
    server = EmbeddedServer(tmp_path)
    try:
        subprocess.run([program, "db", "upgrade"], env=environment, check=True, capture_output=True)
        for command in ("serve", "worker"):
            with subprocess.Popen([program, command], env=environment, stderr=subprocess.DEVNULL) as process:
                began = stopwatch()
                while not server.answers():
                    assert process.poll() is None
                    assert stopwatch() - began < 60
                    pause(0.1)
                pause(1)
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=60)
            assert not server.answers()
    finally:
        server.remove()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_the_embedded_database_is_started_stopped_and_removed(tmp_path):
    def run(*arguments: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, arguments, env={"HCRM_INSTANCE_DIR": str(tmp_path / "instance")})
        return answer.exit_code, answer.output

    try:
        code, said = run("doctor")
        assert (code, "hcrm db upgrade" in said) == (1, True)
        assert run("db", "upgrade")[0] == 0
        assert "is running" in run("db", "start")[1]
        assert "was stopped" in run("db", "stop")[1]
        assert "was not running" in run("db", "stop")[1]
        assert run("db", "remove", "--demo")[0] == 2
        for name in ("demo", "mine"):
            (tmp_path / "instance" / name).touch()
        assert run("db", "remove", "--demo")[0] == 0
        assert sorted(path.name for path in (tmp_path / "instance").iterdir()) == ["mine", "secret_key"]
    finally:
        EmbeddedServer(tmp_path / "instance").remove()
    assert "There is no database" in run("db", "remove", "--yes")[1]
