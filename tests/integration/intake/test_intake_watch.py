"""``hcrm watch``: complete files are imported and put away, killed anywhere it goes on, twice is noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from hcrm.cli import watching
from hcrm.cli.watching import Keeper, watch
from hcrm.intake.domain import Profile
from hcrm.intake.readers.folders import Watched
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import newest_schema
from tests.databases import DatabaseServer

HEAD = "mrn,visit_number,name,admitted_at,discharged_at,phone\n"
GOOD = "1,V1,Ann Lee,2026-03-01 08:00,2026-03-02 10:00,13800138000\n"
BAD = "2,V2,Bo,2026-03-05 08:00,2026-03-02 10:00,13800138000\n"


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "exports"
    made.mkdir()
    return made


@pytest.fixture
def keeper(runtime: Runtime, facility: int) -> Keeper:
    return Keeper(runtime, facility, Profile(), "", with_plans=False)


def names(folder: Path) -> set[str]:
    return {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file() and each.name[0] != "."}


def stays(runtime: Runtime) -> int:
    with unit_of_work(runtime.sessions) as session:
        return int(session.scalar(text("SELECT count(*) FROM encounter")) or 0)


def test_the_command_imports_what_is_there_and_puts_it_away(
    database_server: DatabaseServer, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = database_server.create(newest_schema(database_server))
    monkeypatch.setenv("DATABASE_URL", database_server.url(name))
    monkeypatch.setenv("HCRM_INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.setenv("SECRET_KEY", "a secret key that only tests know")
    (folder / "list.csv").write_text(HEAD + GOOD + BAD)
    (folder / "scan.pdf").write_bytes(b"%PDF-1.7 nothing")
    (folder / "coming.csv.part").write_text(HEAD)

    def run(path: Path) -> Result:
        return CliRunner().invoke(watch, [str(path), "--once", "--settle", "0", "--interval", "0.05", "--no-plans"])

    try:
        assert run(folder).exit_code == 0
        assert "There is no folder" in run(tmp_path / "nowhere").output
    finally:
        database_server.drop_later(name)
    assert names(folder) == {
        "coming.csv.part", "done/list.csv", "done/list.csv.refused.csv", "done/list.csv.report.txt",
        "failed/scan.pdf", "failed/scan.pdf.report.txt",
    }  # fmt: skip
    assert "2 rows read: 1 created" in (folder / "done/list.csv.report.txt").read_text()
    assert "discharge_before_admission" in (folder / "done/list.csv.refused.csv").read_text(encoding="utf-8-sig")
    assert "a PDF document" in (folder / "failed/scan.pdf.report.txt").read_text()


def test_the_same_file_twice_is_noticed_and_keeps_both(keeper: Keeper, folder: Path, runtime: Runtime) -> None:
    for name in ("list.csv", "list.csv", "other.csv"):
        (folder / name).write_text(HEAD + GOOD)
        keeper.take(folder / name)
    assert names(folder) == {
        f"done/{name}{more}" for name in ("list.csv", "list-2.csv", "other.csv") for more in ("", ".report.txt")
    }
    assert "imported before" not in (folder / "done/list.csv.report.txt").read_text()
    for name in ("list-2.csv", "other.csv"):
        report = (folder / f"done/{name}.report.txt").read_text()
        assert report.startswith("The same file was imported before (list.csv,")
        assert "1 created" in report
    assert stays(runtime) == 1


@pytest.mark.parametrize("moment", ["put_away", "move", "signature_of"])
def test_killed_at_any_step_it_goes_on(
    keeper: Keeper, folder: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    path = folder / "list.csv"
    path.write_text(HEAD + GOOD)

    def die(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("hcrm.intake.readers.folders.move" if moment == "move" else f"{watching.__name__}.{moment}", die)
        with pytest.raises(Killed):
            keeper.take(path)
    assert path.exists()
    keeper.take(path)
    assert names(folder) == {"done/list.csv", "done/list.csv.report.txt"}
    assert stays(runtime) == 1


@pytest.mark.parametrize("error", [OperationalError("", {}, Exception()), OSError(28, "No space left on device")])
def test_what_the_machine_refuses_for_now_is_tried_again(
    keeper: Keeper, folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    path = folder / "list.csv"
    path.write_text(HEAD + GOOD)

    def refuse(*_: Any, **__: Any) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(watching, "import_files", refuse)
        keeper.take(path)
    assert names(folder) == {"list.csv"}
    keeper.take(path)
    assert "done/list.csv" in names(folder)


def test_a_folder_is_one_thing(keeper: Keeper, folder: Path, runtime: Runtime) -> None:
    inside = folder / "night"
    inside.mkdir()
    (inside / "a.csv").write_text(HEAD + GOOD)
    (inside / "b.csv").write_text(HEAD + GOOD.replace("V1", "V3"))
    keeper.take(inside)
    assert names(folder) == {"done/night/a.csv", "done/night/b.csv", "done/night.report.txt"}
    assert stays(runtime) == 2


def test_a_file_is_complete_when_it_has_stayed_as_it_is(folder: Path) -> None:
    at = [0.0]
    watched = Watched(folder, 10, lambda: at[0])
    path = folder / "list.csv"
    path.write_text(HEAD)
    assert list(watched.complete()) == []
    at[0] = 9
    path.write_text(HEAD + GOOD)
    assert list(watched.complete()) == []
    at[0] = 18.9
    assert list(watched.complete()) == []
    at[0] = 19
    assert list(watched.complete()) == [path]
    path.unlink()
    assert list(watched.complete()) == []
    assert not watched.waits()
