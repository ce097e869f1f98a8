"""Undoing a whole import: as if it had never come, unless somebody has worked with it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.accounts.service import create_user
from hcrm.clock import FixedClock
from hcrm.intake import queries
from hcrm.intake.domain import BatchStatus
from hcrm.intake.jobs import import_files
from hcrm.intake.service import CannotUndo, undo_batch
from hcrm.patients.domain import ConsentChannel, ConsentPurpose
from hcrm.patients.service import record_consent
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_followup import install_content
from tests.stored_records import stored

HEAD = "mrn,visit_number,name,class,department,disposition,admitted_at,discharged_at,phone\n"
FIRST = (
    "1,V1,Ann Lee,inpatient,MED,home,2026-03-01 08:00,2026-03-08 10:00,13800138001\n"
    "2,V2,Bo Wu,inpatient,SUR,home,2026-03-01 08:00,2026-03-08 10:00,13800138002\n"
)
SECOND = (
    "1,V1,Ann Lee-King,inpatient,SUR,died,2026-03-01 08:00,2026-03-09 10:00,13800138009\n"
    "2,V5,Bo Wu,inpatient,MED,,2026-03-09 12:00,,13800138002\n"
    "3,V3,Cy Ng,inpatient,MED,home,2026-03-02 08:00,2026-03-09 08:00,13800138003\n"
)


@pytest.fixture
def user(runtime: Runtime, facility: int) -> int:
    with unit_of_work(runtime.sessions) as own:
        install_content(own, runtime.clock.now())
        return create_user(
            own, username="ada", password=None, display_name="Ada", language=Language.EN,
            memberships=[MembershipSnapshot(facility, Role.ADMINISTRATOR)], now=runtime.clock.now(),
        )  # fmt: skip


def bring(runtime: Runtime, facility: int, folder: Path, rows: str, name: str) -> int:
    path = folder / name
    path.write_text(HEAD + rows, encoding="utf-8")
    report = import_files(runtime, facility_id=facility, paths=[path])
    assert report.counts["rejected"] == 0
    return report.batch_ids[0]


def undo(runtime: Runtime, batch_id: int, user: int) -> Any:
    with unit_of_work(runtime.sessions) as session:
        return undo_batch(session, batch_id=batch_id, now=runtime.clock.now(), actor_user_id=user)


def plans(runtime: Runtime) -> list[tuple[Any, ...]]:
    """Which steps of which stays are open."""
    query = text(
        "SELECT e.visit_number, t.step_code, t.due_at FROM task t JOIN encounter e ON e.id = t.encounter_id"
        " WHERE t.status = 'open' ORDER BY 1, 2"
    )
    with unit_of_work(runtime.sessions) as session:
        return [tuple(row) for row in session.execute(query)]


def test_undone_it_is_as_if_it_had_never_come_and_may_come_again(
    runtime: Runtime, facility: int, user: int, tmp_path: Path, clock: FixedClock
) -> None:
    bring(runtime, facility, tmp_path, FIRST, "first.csv")
    before, planned = stored(runtime, facility), plans(runtime)
    clock.advance(timedelta(minutes=10))
    batch_id = bring(runtime, facility, tmp_path, SECOND, "second.csv")
    after, replanned = stored(runtime, facility), plans(runtime)
    assert after != before
    clock.advance(timedelta(minutes=10))

    taken = undo(runtime, batch_id, user)

    assert taken._asdict() == {"stays_gone": 2, "stays_restored": 1, "patients_gone": 1, "patients_restored": 2}
    undone = stored(runtime, facility)
    assert [row for row in undone["stays"] if row[11] != "cancelled"] == before["stays"]
    assert undone["contacts"] == before["contacts"]
    assert plans(runtime) == planned
    with unit_of_work(runtime.sessions) as session:
        batch = queries.batch(session, batch_id)
        assert batch is not None
        assert batch.status is BatchStatus.UNDONE
        assert session.scalar(text("SELECT count(*) FROM encounter_fact WHERE batch_id = :b"), {"b": batch_id}) == 0
        assert session.scalar(text("SELECT count(*) FROM patient WHERE full_name LIKE 'Cy%'")) == 0
        action = session.scalar(text("SELECT details ->> 'stays_gone' FROM audit_entry WHERE action = 'import.undone'"))
        assert action == "2"
    with pytest.raises(CannotUndo, match="not_finished"):
        undo(runtime, batch_id, user)

    bring(runtime, facility, tmp_path, SECOND, "second.csv")
    assert stored(runtime, facility) == after
    assert plans(runtime) == replanned


def test_an_older_import_is_undone_under_a_newer_one(
    runtime: Runtime, facility: int, user: int, tmp_path: Path, clock: FixedClock
) -> None:
    """What the newer one says of the same stays holds; what only the older one said goes."""
    batch_id = bring(runtime, facility, tmp_path, FIRST, "first.csv")
    clock.advance(timedelta(minutes=10))
    newer = "1,V1,Ann King,inpatient,MED,home,2026-03-01 08:00,2026-03-08 10:00,13800138009\n"
    bring(runtime, facility, tmp_path, newer, "newer.csv")
    undo(runtime, batch_id, user)
    kept = stored(runtime, facility)
    assert [(row[0], row[4]) for row in kept["stays"] if row[11] == "finished"] == [("V1", "Ann King")]
    assert [row[1] for row in kept["contacts"]] == ["+8613800138009"]


def test_what_somebody_has_worked_with_is_not_undone(
    runtime: Runtime, facility: int, user: int, tmp_path: Path, clock: FixedClock
) -> None:
    batch_id = bring(runtime, facility, tmp_path, FIRST, "first.csv")
    clock.advance(timedelta(minutes=10))
    before = stored(runtime, facility)
    with unit_of_work(runtime.sessions) as session:
        patient_id = session.scalar(text("SELECT id FROM patient ORDER BY id LIMIT 1"))
        assert patient_id
        record_consent(
            session, patient_id=patient_id, purpose=ConsentPurpose.MARKETING, channel=ConsentChannel.SMS, given=False,
            how="phone", now=clock.now(), actor_user_id=user,
        )  # fmt: skip
        session.execute(text("UPDATE task SET last_attempt_at = now() WHERE step_code = 'clinical_call' AND tier = 1"))
    with pytest.raises(CannotUndo) as refused:
        undo(runtime, batch_id, user)
    assert [(each.code, each.things) for each in refused.value.hindrances] == [
        ("work_begun", 2),
        ("patients_changed", 1),
    ]
    assert stored(runtime, facility) == before


def test_a_merge_that_came_with_it_is_taken_back_first(
    runtime: Runtime, facility: int, user: int, tmp_path: Path
) -> None:
    bring(runtime, facility, tmp_path, FIRST, "first.csv")
    path = tmp_path / "merge.hl7"
    path.write_text("MSH|^~\\&|A|B|||20260309||ADT^A40|7|P|2.5\rEVN||20260309\rPID|||1\rMRG|2\r")
    report = import_files(runtime, facility_id=facility, paths=[path])
    assert report.counts["merged"] == 1
    with pytest.raises(CannotUndo, match="merged"):
        undo(runtime, report.batch_ids[0], user)
