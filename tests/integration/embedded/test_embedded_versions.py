import shutil

import pytest

from hcrm.embedded import ADMIN_LOGIN, DatabaseUnavailable, cluster
from hcrm.embedded.binaries import newest, shipped


@pytest.fixture
def older_server(server):
    """A server whose data folder an older PostgreSQL made, with a row in it."""
    older = min(shipped())
    if older == newest().major:
        pytest.skip("the wheel brings one version of PostgreSQL only")
    server._make_home()
    programs = shipped()[older].for_user(server.user)
    cluster.make(server.data, server.user, programs, ADMIN_LOGIN)
    server.start_on(server.data, programs)
    server._provide()
    with server.connect() as connection:
        connection.execute("CREATE TABLE kept (name text)")
        connection.execute("INSERT INTO kept VALUES ('张伟')")
    server.stop_on(server.data)
    return server


def test_an_older_database_is_not_touched_by_ordinary_use(older_server):
    with pytest.raises(DatabaseUnavailable, match="hcrm db upgrade"):
        older_server.join()


def test_an_upgrade_moves_an_older_database_and_keeps_the_old_folder(older_server):
    older = cluster.version_of(older_server.data)
    older_server.join(create=True)
    with older_server.connect() as connection:
        assert connection.execute("SELECT name FROM kept").fetchone() == ("张伟",)
        assert connection.info.server_version // 10000 == newest().major
    assert cluster.version_of(older_server.home / f"data-{older}") == older
    assert not (older_server.home / "move.sql").exists()


def test_a_move_that_was_killed_before_its_last_step_is_completed(older_server):
    older_server.join(create=True)
    older_server.leave()
    older_server.data.rename(older_server.home / "data.next")
    older_server.join(create=True)
    with older_server.connect() as connection:
        assert connection.execute("SELECT name FROM kept").fetchone() == ("张伟",)


def test_a_move_that_was_killed_on_the_way_starts_over(older_server):
    (older_server.home / "data.next").mkdir()
    (older_server.home / "move.sql").write_text("half a dump")
    older_server.join(create=True)
    with older_server.connect() as connection:
        assert connection.execute("SELECT name FROM kept").fetchone() == ("张伟",)


def test_a_database_of_an_unknown_version_is_left_alone(server):
    server.join(create=True)
    server.leave()
    version = server.data / "PG_VERSION"
    version.write_text("99\n")
    with pytest.raises(DatabaseUnavailable, match="made by PostgreSQL 99"):
        server.join(create=True)
    version.write_text(f"{newest().major}\n")


def test_a_killed_initdb_is_started_over(server):
    server._make_home()
    draft = server.data.with_name(f"{server.data.name}.new-1")
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18")
    server.join(create=True)
    assert server.answers()
    assert not draft.exists()


def test_programs_that_the_servers_user_cannot_reach_are_copied_once(open_folder, ordinary_user, server):
    """A virtual environment in a closed home folder, as root often has it."""
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    package = newest().folder.parent
    shutil.copytree(newest().folder, closed / package.name / newest().folder.name, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(libraries, closed / libraries.name)
    programs = type(newest())(newest().major, closed / package.name / newest().folder.name)
    copy = programs.for_user(server.user)
    assert copy.folder != programs.folder
    assert programs.for_user(server.user) == copy
    assert server.user.run([copy.program("initdb"), "--version"]).returncode == 0
    shutil.rmtree(copy.folder.parent.parent)
