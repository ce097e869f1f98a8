"""An import that the database leaves in the middle goes on where it stopped: nothing twice, nothing missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg.errors
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from hcrm.intake import service
from hcrm.intake.jobs import import_files
from hcrm.patients.service import BulkWriteFailed
from hcrm.unit_of_work import Runtime, unit_of_work

ROWS = 12_000
HEAD = "mrn,visit_number,name,admitted_at,discharged_at\n"
OTHERS = text(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
COUNTS = text("SELECT (SELECT count(*) FROM encounter), (SELECT count(*) FROM encounter_fact)")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "list.csv"
    rows = (f"{each},V{each},Name {each},2026-02-01 08:00,2026-02-02 10:00\n" for each in range(ROWS))
    made.write_text(HEAD + "".join(rows), encoding="utf-8")
    return made


def bring(runtime: Runtime, facility: int, path: Path, **options: Any) -> Any:
    return import_files(runtime, facility_id=facility, paths=[path], with_plans=False, **options)


def assert_complete(runtime: Runtime, facility: int, path: Path) -> None:
    report = bring(runtime, facility, path)
    assert (report.resumed, report.counts["rows_read"], report.counts["created"]) == (1, ROWS, ROWS)
    with unit_of_work(runtime.sessions) as session:
        assert tuple(session.execute(COUNTS).one()) == (ROWS, ROWS)


def interrupted(
    runtime: Runtime, facility: int, path: Path, monkeypatch: pytest.MonkeyPatch, happen: Callable[[], None]
) -> None:
    """An import in whose second run, once written and before it is committed, something happens."""
    settle, calls = service.settle_chunk, [0]

    def settle_and_more(*arguments: Any, **named: Any) -> Any:
        calls[0] += 1
        done = settle(*arguments, **named)
        if calls[0] == 2:
            happen()
        return done

    with monkeypatch.context() as patch:
        patch.setattr(service, "settle_chunk", settle_and_more)
        with pytest.raises((DBAPIError, BulkWriteFailed)):
            bring(runtime, facility, path)


def test_a_lost_connection(runtime: Runtime, facility: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut() -> None:
        with runtime.engine.connect() as connection:
            connection.execute(OTHERS)

    interrupted(runtime, facility, path, monkeypatch, cut)
    assert_complete(runtime, facility, path)


@pytest.mark.parametrize("failure", ["statement", "copy"])
def test_a_full_disk(
    runtime: Runtime, facility: int, path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    """PostgreSQL refuses the second run, whichever way it is told."""
    full = psycopg.errors.DiskFull("could not extend file")
    raised = OperationalError("", {}, full) if failure == "statement" else BulkWriteFailed("53100", None)

    def refuse() -> None:
        raise raised

    interrupted(runtime, facility, path, monkeypatch, refuse)
    assert_complete(runtime, facility, path)
