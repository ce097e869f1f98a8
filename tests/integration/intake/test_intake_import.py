"""Importing files into the database: counts, repetition, refusals, interruption, and two imports at once."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text

from hcrm.clock import FixedClock
from hcrm.intake import queries
from hcrm.intake.domain import NOT_SHOWN, BatchStatus, FileRefused, Profile, Progress, RowError, Severity
from hcrm.intake.forms.labels import file_sentence
from hcrm.intake.jobs import import_files, run_pending_batches
from hcrm.intake.models import ImportBatch
from hcrm.intake.readers.csv_rows import sniff
from hcrm.intake.readers.files import keep_upload
from hcrm.intake.readers.process import WORTH_A_PROCESS
from hcrm.intake.service import store_upload
from hcrm.organization.service import ensure_facility
from hcrm.patients.models import Encounter, EncounterFact, Patient, PatientMerge
from hcrm.unit_of_work import Runtime, unit_of_work

HEAD = "mrn,visit_number,name,class,department,admitted_at,discharged_at,phone\n"


def table(folder: Path, rows: str, name: str = "list.csv") -> Path:
    path = folder / name
    path.write_text(HEAD + rows, encoding="utf-8")
    return path


def many(folder: Path, count: int, name: str = "many.csv", wide: int = 0) -> Path:
    filler = "x" * wide
    lines = (
        f"{number},V{number},Name {number}{filler},inpatient,MED,2026-02-01 08:00,2026-02-{number % 20 + 2:02} 10:00,"
        "13800138000\n"
        for number in range(count)
    )
    return table(folder, "".join(lines), name)


def count_of(runtime: Runtime, model: type) -> int:
    with unit_of_work(runtime.sessions) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def run(runtime: Runtime, facility: int) -> Callable[..., dict[str, int]]:
    """Imports and gives the counts that are not zero."""

    def run_import(*paths: Path, **options: object) -> dict[str, int]:
        report = import_files(runtime, facility_id=facility, paths=paths, **options)  # type: ignore[arg-type]
        assert report.refused_files == []
        return {key: count for key, count in report.counts.items() if count}

    return run_import


@pytest.mark.parametrize(
    ("data_set", "encounters", "patients"), [("synthea-a", 11_504, 378), ("synthea-c", 7_584, 111)]
)
def test_synthea_is_taken_in_whole_and_once(
    runtime: Runtime, shared_data: Path, data_set: str, encounters: int, patients: int
) -> None:
    with unit_of_work(runtime.sessions) as session:
        main = ensure_facility(session, code="US", name="US", timezone="UTC", country="US", now=runtime.clock.now())
    folder = shared_data / data_set
    rehearsal = import_files(runtime, facility_id=main, paths=[folder], dry_run=True)
    assert count_of(runtime, Encounter) == 0
    first = import_files(runtime, facility_id=main, paths=[folder], timezone="UTC", with_plans=False)
    assert rehearsal.counts == first.counts
    assert (first.counts["rows_read"], first.counts["created"], first.counts["rejected"]) == (encounters, encounters, 0)
    assert (first.counts["patients_created"], first.counts["encounters_created"]) == (patients, encounters)
    second = import_files(runtime, facility_id=main, paths=[folder], timezone="UTC", with_plans=False)
    assert (second.counts["created"], second.counts["updated"], second.counts["unchanged"]) == (0, 0, encounters)
    assert count_of(runtime, Patient) == patients


def test_every_hazard_is_imported_or_refused_with_a_sentence(
    runtime: Runtime, facility: int, shared_data: Path
) -> None:
    folder = shared_data / "csv-hazards"
    report = import_files(runtime, facility_id=facility, paths=[folder])
    refused = {name for name, _ in report.refused_files}
    assert {name for name in report.files if name not in refused} == {
        "zh_cn_dates_duplicates.csv",
        "zh_gb18030.csv",
        "zh_semicolon_dmy.csv",
        "zh_title_row_mixed_dates.xlsx",
        "zh_utf8_bom_slash_dates.csv",
    }
    assert all(file_sentence(refusal).endswith(".") for _, refusal in report.refused_files)
    # The five files hold the same 120 stays in five ways of writing.
    assert report.counts["encounters_created"] == 120
    assert (report.counts["updated"], report.counts["unchanged"]) == (0, 492)


def test_refused_rows_are_kept_with_their_reason_and_hold_nothing_up(
    runtime: Runtime, facility: int, tmp_path: Path
) -> None:
    path = table(
        tmp_path,
        "1,V1,Ann Lee,inpatient,MED,2026-03-01 08:00,2026-03-02 10:00,13800138000\n"
        "2,V2,Bo Chan,inpatient,MED,2026-03-05 08:00,2026-03-02 10:00,13800138000\n"
        "3,V3,Cy Wu,inpatient,NEW WARD,2026-03-01 08:00,2026-03-02 10:00,\n",
    )
    told: list[RowError] = []
    report = import_files(
        runtime, facility_id=facility, paths=[path], remarks=lambda _path, _shape, remarks: told.extend(remarks)
    )
    assert [(each.line, each.code) for each in told] == [
        (3, "discharge_before_admission"),
        (4, "no_phone"),
        (4, "unknown_department"),
    ]
    assert (report.counts["created"], report.counts["rejected"], report.counts["warnings"]) == (2, 1, 2)
    with unit_of_work(runtime.sessions) as session:
        (kept,) = queries.row_errors(session, report.batch_ids[0], Severity.REJECTED)
        batch = queries.batch(session, report.batch_ids[0])
    assert kept.cells == (
        "2",
        "V2",
        "Bo Chan",
        "inpatient",
        "MED",
        "2026-03-05 08:00",
        "2026-03-02 10:00",
        "13800138000",
    )
    assert batch is not None
    assert (batch.status, batch.by_code) == (BatchStatus.FINISHED, {"discharge_before_admission": 1})


def test_a_file_imported_again_never_overrules_newer_records(
    run: Callable[..., dict[str, int]], tmp_path: Path, runtime: Runtime, clock: FixedClock
) -> None:
    row = "1,V1,Ann Lee,inpatient,{},2026-03-01 08:00,2026-03-02 10:00,13800138000\n"
    old = table(tmp_path, row.format("MED"), "old.csv")
    new = table(tmp_path, row.format("SUR"), "new.csv")
    assert run(old)["created"] == 1
    clock.advance(timedelta(hours=1))
    assert run(new)["updated"] == 1
    clock.advance(timedelta(hours=1))
    assert run(old) == {"rows_read": 1, "unchanged": 1}
    with unit_of_work(runtime.sessions) as session:
        code = session.scalar(
            text("SELECT department.code FROM encounter JOIN department ON department.id = department_id")
        )
    assert code == "SUR"


def test_a_row_that_the_database_refuses_is_refused_alone(
    runtime: Runtime, administrator: Engine, facility: int, tmp_path: Path
) -> None:
    path = many(tmp_path, 40)
    rule = "ALTER TABLE encounter ADD CONSTRAINT no_seventeen CHECK (visit_number NOT IN ('V17', 'V33'))"
    with administrator.begin() as connection:
        connection.execute(text(rule))
    report = import_files(runtime, facility_id=facility, paths=[path])
    assert [(error.line, error.code, error.params["constraint"]) for _, error in report.errors] == [
        (19, "database_refused", "no_seventeen"),
        (35, "database_refused", "no_seventeen"),
    ]
    assert [error.cells[1] for _, error in report.errors] == ["V17", "V33"]
    assert (report.counts["rows_read"], report.counts["created"], report.counts["rejected"]) == (40, 38, 2)


def test_progress_is_told_and_ends_at_the_whole_file(runtime: Runtime, facility: int, tmp_path: Path) -> None:
    path = many(tmp_path, 12_000)
    seen: list[Progress] = []
    import_files(runtime, facility_id=facility, paths=[path], with_plans=False, progress=seen.append)
    assert [state.rows for state in seen] == [1_000, 4_000, 10_000, 12_000]
    assert seen[-1].bytes_read == seen[-1].bytes_total == path.stat().st_size


IMPORTER = """
import os
import sys
from pathlib import Path
from sqlalchemy.orm import Session
from hcrm.clock import SystemClock
from hcrm.intake.forms.labels import file_sentence
from hcrm.intake.jobs import import_files
from hcrm.settings import Settings
from hcrm.wiring import make_runtime

if __name__ == "__main__":
    url, facility, path, folder = sys.argv[1:]
    runtime = make_runtime(Settings(instance_dir=Path(folder), database_url=url, secret_key="k" * 32), SystemClock())
    def told(state):
        children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
        print(state.rows, *children, flush=True)
    import_files(runtime, facility_id=int(facility), paths=[Path(path)], with_plans=False, progress=told)
"""


def start_importer(runtime: Runtime, facility: int, path: Path, folder: Path) -> subprocess.Popen[str]:
    script = folder / "importer.py"
    script.write_text(IMPORTER, encoding="utf-8")
    url = runtime.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, str(script), url, str(facility), str(path), str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3])


def test_killed_in_the_middle_it_goes_on_and_nothing_is_there_twice(
    runtime: Runtime, facility: int, tmp_path: Path
) -> None:
    path = many(tmp_path, 35_000, wide=80)
    assert path.stat().st_size > WORTH_A_PROCESS
    with start_importer(runtime, facility, path, tmp_path) as process:
        assert process.stdout is not None
        told = (map(int, line.split()) for line in process.stdout)
        reader = next(reader for rows, reader in told if rows == 10_000)
        os.kill(process.pid, signal.SIGKILL)
    with unit_of_work(runtime.sessions) as session:
        (batch,) = queries.batches_in(session, BatchStatus.RUNNING)
    assert batch.position in {10_000, 20_000}
    run_pending_batches(runtime)
    with unit_of_work(runtime.sessions) as session:
        assert [each.id for each in queries.batches_in(session, BatchStatus.INTERRUPTED)] == [batch.id]

    report = import_files(runtime, facility_id=facility, paths=[path], with_plans=False)
    assert (report.resumed, report.batch_ids) == (1, [batch.id])
    assert (report.counts["rows_read"], report.counts["created"], report.counts["unchanged"]) == (35_000, 35_000, 0)
    assert count_of(runtime, Encounter) == count_of(runtime, EncounterFact) == 35_000
    assert has_ended(reader)


def has_ended(process_id: int) -> bool:
    """The reading process of a killed importer ends by itself."""
    for _ in range(100):
        state = Path(f"/proc/{process_id}/stat")
        if not state.exists() or state.read_text(encoding="ascii").split()[2] == "Z":
            return True
        time.sleep(0.1)
    return False


def test_two_imports_of_one_file_at_once_make_everything_once(runtime: Runtime, facility: int, tmp_path: Path) -> None:
    path = many(tmp_path, 3_000)
    counts: list[dict[str, int]] = []

    def bring() -> None:
        counts.append(import_files(runtime, facility_id=facility, paths=[path], with_plans=False).counts)

    threads = [threading.Thread(target=bring) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted((each["created"], each["unchanged"]) for each in counts) == [(0, 3_000), (3_000, 0)]
    assert count_of(runtime, Encounter) == count_of(runtime, EncounterFact) == 3_000
    assert count_of(runtime, ImportBatch) == 2


def test_overlapping_files_at_once_make_everything_once(runtime: Runtime, facility: int, tmp_path: Path) -> None:
    paths = [many(tmp_path, 2_000, "one.csv"), many(tmp_path, 2_500, "two.csv")]
    threads = [
        threading.Thread(target=import_files, args=(runtime,), kwargs={"facility_id": facility, "paths": [path]})
        for path in paths
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count_of(runtime, Encounter) == 2_500
    with unit_of_work(runtime.sessions) as session:
        assert {batch.status for batch in queries.batches(session, frozenset({facility}), limit=9)} == {
            BatchStatus.FINISHED
        }


def test_another_reading_of_the_same_file_does_not_resume(runtime: Runtime, facility: int, tmp_path: Path) -> None:
    path = many(tmp_path, 10)
    first = import_files(runtime, facility_id=facility, paths=[path])
    with unit_of_work(runtime.sessions) as session:
        session.get_one(ImportBatch, first.batch_ids[0]).status = BatchStatus.INTERRUPTED
    other = import_files(runtime, facility_id=facility, paths=[path], profile=Profile(source="elsewhere"))
    assert (other.resumed, other.counts["created"]) == (0, 10)


def test_an_unknown_zone_or_path_is_said_before_anything_happens(
    runtime: Runtime, facility: int, tmp_path: Path
) -> None:
    with pytest.raises(FileRefused, match="unknown_zone"):
        import_files(runtime, facility_id=facility, paths=[tmp_path], timezone="Mars/Olympus")
    with pytest.raises(FileRefused, match="not_found"):
        import_files(runtime, facility_id=facility, paths=[tmp_path / "nothing.csv"])
    with pytest.raises(FileRefused, match="empty_folder"):
        import_files(runtime, facility_id=facility, paths=[tmp_path])


def test_old_uploads_are_forgotten(runtime: Runtime, facility: int, clock: FixedClock) -> None:

    path, facts = keep_upload(
        io.BytesIO(HEAD.encode() + b"1,V,N,I,M,2026-03-01,2026-03-02,\n"), runtime.settings.instance_dir
    )
    with unit_of_work(runtime.sessions) as session:
        store_upload(
            session,
            facility_id=facility,
            user_id=None,
            file=facts.called("x.csv"),
            stored_name=path.name,
            profile=Profile(),
            timezone="UTC",
            shape=sniff(path),
            now=clock.now(),
        )
    assert path.stat().st_mode & 0o077 == 0
    run_pending_batches(runtime)
    assert path.exists()
    clock.advance(timedelta(days=8))
    run_pending_batches(runtime)
    assert not path.exists()
    with unit_of_work(runtime.sessions) as session:
        assert len(queries.batches_in(session, BatchStatus.DISCARDED)) == 1


STAY = "1,V1,Ann Lee,inpatient,MED,2026-03-01 08:00,2026-03-02 10:00,13800138000\n"
OTHER = "2,V2,Bo Hu,inpatient,MED,2026-03-01 08:00,2026-03-02 10:00,13800138001\n"


def test_a_rehearsal_tells_old_and_new_values_and_changes_nothing(
    runtime: Runtime, facility: int, run: Callable[..., dict[str, int]], tmp_path: Path, clock: FixedClock
) -> None:
    run(table(tmp_path, STAY + OTHER))
    clock.advance(timedelta(hours=1))
    changed = STAY.replace("MED", "SUR").replace("2026-03-02 10:00", "2026-03-03 11:30").replace("8000", "4321")
    path = table(tmp_path, OTHER + changed.replace("Ann Lee", "Anna Lee"), "new.csv")

    report = import_files(runtime, facility_id=facility, paths=[path], dry_run=True)

    assert (report.counts["updated"], report.counts["unchanged"]) == (1, 1)
    assert {(change.line, change.mrn, change.field, change.old, change.new) for _, change in report.changes} == {
        (3, "1", "department", "Internal medicine", "Surgery"),
        (3, "1", "discharged_at", "2026-03-02T02:00:00+00:00", "2026-03-03T03:30:00+00:00"),
        (3, "1", "name", NOT_SHOWN, NOT_SHOWN),
        (3, "1", "phone", "…8000", "…4321, …8000"),
    }
    again = import_files(runtime, facility_id=facility, paths=[path], dry_run=True)
    assert again.changes == report.changes
    run(path)
    assert import_files(runtime, facility_id=facility, paths=[path], dry_run=True).changes == []


def test_a_patient_who_comes_with_a_new_stay_is_compared_too(
    runtime: Runtime, facility: int, run: Callable[..., dict[str, int]], tmp_path: Path, clock: FixedClock
) -> None:
    run(table(tmp_path, STAY))
    clock.advance(timedelta(hours=1))
    path = table(tmp_path, STAY.replace("V1", "V9").replace("Ann Lee", "Eve Lee"), "new.csv")
    report = import_files(runtime, facility_id=facility, paths=[path], dry_run=True)
    assert report.counts["created"] == 1
    assert [tuple(change) for _, change in report.changes] == [(2, "1", "name", "A… L…", "E… L…")]


def test_rows_of_a_table_merge_nobody_however_alike_they_are(
    runtime: Runtime, run: Callable[..., dict[str, int]], tmp_path: Path, clock: FixedClock
) -> None:
    counts = run(table(tmp_path, STAY + STAY.replace("1,V1", "2,V2")))
    clock.advance(timedelta(hours=1))
    moved = run(table(tmp_path, STAY.replace("1,V1", "2,V1"), "moved.csv"))
    assert (counts.get("merged", 0), moved.get("merged", 0), moved["updated"]) == (0, 0, 1)
    assert count_of(runtime, PatientMerge) == 0
    assert count_of(runtime, Patient) == 2
