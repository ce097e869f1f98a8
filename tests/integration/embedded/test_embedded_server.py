import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from hcrm.clock import pause, stopwatch
from hcrm.db import make_engine
from hcrm.embedded import ADMIN_LOGIN, RUNTIME_LOGIN, DatabaseUnavailable, EmbeddedServer

JOIN_AND_WAIT = """
import sys
from pathlib import Path
from hcrm.embedded import EmbeddedServer
server = EmbeddedServer(Path(sys.argv[1]), durable=False)
server.join(create=True)
print("joined", flush=True)
sys.stdin.readline()
server.leave()
"""


class OtherProcess:
    """Another process that has joined the server until it is told to leave or killed."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", JOIN_AND_WAIT, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def wait_until_joined(self) -> None:
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "joined\n"

    def leave(self) -> None:
        self.process.communicate("\n", timeout=60)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def test_a_server_that_was_never_made_says_what_to_do(open_folder):
    with pytest.raises(DatabaseUnavailable, match="hcrm db upgrade"):
        EmbeddedServer(open_folder).join()


def test_it_starts_answers_and_stops(server):
    server.join(create=True)
    assert server.answers()
    server.leave()
    assert not server.answers()


def test_the_runtime_login_has_no_special_rights(server):
    server.join(create=True)
    engine = make_engine(server.url(RUNTIME_LOGIN))
    with engine.connect() as connection:
        row = connection.execute(
            text("SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        ).one()
    engine.dispose()
    assert row == (RUNTIME_LOGIN, False, False, False)


def test_it_listens_on_a_private_socket_only(server):
    server.join(create=True)
    with server.connect() as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    found = server.sockets.stat()
    assert stat.S_IMODE(found.st_mode) == 0o700
    assert found.st_uid == server.user.uid


def test_another_user_of_the_machine_is_kept_out(server, ordinary_user, as_user):
    server.join(create=True)
    code = "import sys, psycopg; psycopg.connect(host=sys.argv[1], user=sys.argv[2], dbname='hcrm')"
    for login in (ADMIN_LOGIN, RUNTIME_LOGIN):
        answer = as_user(ordinary_user, code, server.sockets, login)
        assert answer.returncode != 0
        assert "Permission denied" in answer.stderr


def test_a_login_is_for_the_users_of_the_map_only(server, ordinary_user, as_user):
    """Even where a socket is left open by mistake, the kernel's word on who connects decides."""
    server.join(create=True)
    for path in (server.sockets, server.home):
        path.chmod(0o755)
    (server.sockets / ".s.PGSQL.5432").chmod(0o777)
    code = "import sys, psycopg; psycopg.connect(host=sys.argv[1], user=sys.argv[2], dbname='hcrm')"
    answer = as_user(ordinary_user, code, server.sockets, RUNTIME_LOGIN)
    assert "Peer authentication failed" in answer.stderr


def test_the_last_one_out_stops_it(server, open_folder):
    server.join(create=True)
    other = OtherProcess(open_folder)
    other.wait_until_joined()
    server.leave()
    assert server.answers()
    other.leave()
    assert not server.answers()


def test_two_processes_may_make_it_at_the_same_moment(server, open_folder):
    others = [OtherProcess(open_folder), OtherProcess(open_folder)]
    for other in others:
        other.wait_until_joined()
    assert server.answers()
    for other in others:
        other.leave()
    assert not server.answers()


def test_a_killed_user_of_the_server_is_not_waited_for(server, open_folder):
    other = OtherProcess(open_folder)
    other.wait_until_joined()
    other.kill()
    assert server.answers()
    server.join()
    server.leave()
    assert not server.answers()


def test_a_killed_server_is_started_again_and_has_what_was_committed(durable_server):
    server = durable_server
    server.join(create=True)
    with server.connect() as connection:
        connection.execute("CREATE TABLE kept (id int)")
        connection.execute("INSERT INTO kept VALUES (7)")
        kill_server(server)
    server.heal()
    with server.connect() as connection:
        assert connection.execute("SELECT id FROM kept").fetchone() == (7,)


def test_a_server_killed_with_its_user_is_started_by_the_next_one(server, open_folder):
    other = OtherProcess(open_folder)
    other.wait_until_joined()
    kill_server(server)
    other.kill()
    server.join()
    assert server.answers()


def test_a_busy_process_of_a_killed_server_is_waited_for(server):
    server.join(create=True)
    busy = threading.Thread(target=work_for_seconds, args=(server, 3))
    busy.start()
    pause(0.5)
    kill_server(server)
    server.heal()
    assert server.answers()
    busy.join()


def test_it_is_kept_up_until_it_is_stopped(server):
    server.keep_up()
    server.join()
    server.leave()
    assert server.answers()
    assert server.stop()
    assert not server.answers()
    assert not server.stop()


def test_a_pid_that_now_belongs_to_another_program_does_not_stop_the_start(server):
    server.join(create=True)
    pid_file = server.data / "postmaster.pid"
    rest = pid_file.read_text().split("\n", 1)[1]
    kill_server(server)
    foreign = subprocess.Popen(["sleep", "60"], user=server.user.uid if server.user.other else None)
    try:
        pid_file.write_text(f"{foreign.pid}\n{rest}")
        server.heal()
        assert server.answers()
    finally:
        foreign.kill()
        foreign.wait()


@pytest.mark.parametrize("name", ["a folder with spaces, a comma and 病历", "long" * 40])
def test_unusual_paths_work(open_folder, name):
    folder = open_folder / name
    server = EmbeddedServer(folder, durable=False)
    try:
        server.join(create=True)
        assert server.answers()
        server.leave()
    finally:
        server.remove()
    assert not server.sockets.exists()


def test_a_folder_that_the_servers_user_cannot_enter_keeps_its_rights(open_folder, ordinary_user):
    closed = open_folder / "home"
    closed.mkdir(mode=0o700)
    server = EmbeddedServer(closed / "instance", durable=False)
    try:
        server.join(create=True)
        assert server.answers()
        assert not server.home.is_relative_to(closed)
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        assert EmbeddedServer(closed / "instance").home == server.home
        server.leave()
    finally:
        server.remove()


def test_an_ordinary_user_runs_it_and_root_can_use_it_too(open_folder, ordinary_user, as_user):
    folder = open_folder / "theirs"
    folder.mkdir()
    os.chown(folder, ordinary_user.pw_uid, ordinary_user.pw_gid)
    code = (
        "import sys; from pathlib import Path; from hcrm.embedded import EmbeddedServer;"
        "s = EmbeddedServer(Path(sys.argv[1]), durable=False); s.join(create=True); print(s.answers()); s.leave()"
    )
    answer = as_user(ordinary_user, code, folder)
    assert answer.stdout == "True\n", answer.stderr
    server = EmbeddedServer(folder, durable=False)
    try:
        assert server.user.name == ordinary_user.pw_name
        server.join()
        assert server.answers()
        server.leave()
        assert as_user(ordinary_user, code, folder).stdout == "True\n"
    finally:
        server.remove()


def test_a_database_of_someone_else_is_refused_in_a_sentence(server, open_folder, ordinary_user, as_user):
    server.join(create=True)
    code = (
        "import sys; from pathlib import Path; from hcrm.embedded import EmbeddedServer\n"
        "try: EmbeddedServer(Path(sys.argv[1])).join()\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    answer = as_user(ordinary_user, code, open_folder)
    assert answer.stdout.startswith("DatabaseUnavailable")
    assert "HCRM_INSTANCE_DIR" in answer.stdout


def test_what_a_statement_was_about_never_reaches_the_servers_log(server):
    server.join(create=True)
    with server.connect() as connection:
        connection.execute("CREATE TABLE person (name text UNIQUE, born date)")
        connection.execute("INSERT INTO person VALUES ('Zhang Wei', NULL)")
        failing = (
            "INSERT INTO person VALUES ('Zhang Wei', NULL)",
            "INSERT INTO person VALUES ('Li', 'Zhang Wei')",
            "SELECT 'Zhang Wei' FROM nowhere",
        )
        for statement in failing:
            with pytest.raises(psycopg.Error):
                connection.execute(statement.encode())
    logs = [path.read_text() for path in (server.data / "log").iterdir()]
    assert any("ready to accept connections" in log for log in logs)
    assert not any("Zhang" in log for log in logs)


def kill_server(server: EmbeddedServer) -> None:
    """Kill the server's first process and wait until it is gone."""
    pid = int((server.data / "postmaster.pid").read_text().split("\n", 1)[0])
    os.kill(pid, signal.SIGKILL)
    began = stopwatch()
    while server.answers():
        assert stopwatch() - began < 30
        pause(0.05)


def work_for_seconds(server: EmbeddedServer, seconds: int) -> None:
    """Keep a process of the server busy, so that it does not notice at once that the first one is gone."""
    with server.connect() as connection:
        connection.execute(
            "DO $$ DECLARE began timestamptz := clock_timestamp(); BEGIN "
            f"WHILE clock_timestamp() < began + interval '{seconds} s' LOOP PERFORM 1; END LOOP; END $$"
        )
