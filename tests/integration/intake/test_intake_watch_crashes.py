"""``hcrm watch`` killed with SIGKILL again and again, anywhere: it goes on, nothing is missing and nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import text

from hcrm.unit_of_work import Runtime

ROUNDS = 5 * int(os.environ.get("HCRM_CRASH_ROUNDS", "1"))  # noqa: TID251  # make crash-test asks for more
ROWS = 6_000
HEAD = "mrn,visit_number,name,admitted_at,discharged_at\n"
COMMAND = ["watch", "--once", "--settle", "0", "--interval", "0.05", "--no-plans"]


def fill(folder: Path) -> None:
    """Three exports, the last of which has a row that is refused."""
    for at, name in enumerate(("a.csv", "b.csv", "c.csv")):
        rows = (f"M{at}-{each},V{at}-{each},Person {each},2026-03-01 08:00,2026-03-02 10:00\n" for each in range(ROWS))
        (folder / name).write_text(HEAD + "".join(rows))
    with (folder / "c.csv").open("a") as file:
        file.write("M9,V9,Late,2026-03-05 08:00,2026-03-02 10:00\n")


def start(runtime: Runtime, folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,  # noqa: TID251
        "DATABASE_URL": str(runtime.settings.database_url),
        "HCRM_INSTANCE_DIR": str(runtime.settings.instance_dir),
        "SECRET_KEY": "k" * 32,
        "HCRM_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-c", "from hcrm.cli import main; main()", *COMMAND, str(folder)]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert b"Watching" in process.stdout.readline()
    return process


def killed_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Let the process work so long, then kill it; False when it had finished by then."""
    timer = Timer(seconds, process.kill)
    timer.start()
    process.communicate()
    timer.cancel()
    assert process.returncode in {0, -signal.SIGKILL}
    return process.returncode != 0


@pytest.mark.crash
@pytest.mark.usefixtures("facility")
def test_killed_anywhere_every_file_is_imported_once_and_put_away(runtime: Runtime, tmp_path: Path) -> None:
    folder, chance, kills = tmp_path / "exports", random.Random(5), 0
    folder.mkdir()
    fill(folder)
    for _ in range(ROUNDS):
        kills += killed_after(start(runtime, folder), chance.random() * 2)
    assert kills > 0
    process = start(runtime, folder)
    process.communicate()
    assert process.returncode == 0
    found = {str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file() and each.name[0] != "."}
    assert found == {
        *(f"done/{name}.csv{more}" for name in "abc" for more in ("", ".report.txt")),
        "done/c.csv.refused.csv",
    }
    with runtime.engine.connect() as connection:
        facts = connection.execute(
            text("SELECT count(*), count(DISTINCT visit_number), (SELECT count(*) FROM patient) FROM encounter")
        ).one()
        done = connection.execute(
            text("SELECT file_name, sum((counts->>'created')::int) FROM import_batch GROUP BY 1 ORDER BY 1")
        ).all()
    assert tuple(facts) == (3 * ROWS, 3 * ROWS, 3 * ROWS)
    assert [tuple(each) for each in done] == [("a.csv", ROWS), ("b.csv", ROWS), ("c.csv", ROWS)]
