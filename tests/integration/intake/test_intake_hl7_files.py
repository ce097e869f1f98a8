"""Importing files and folders of HL7 v2: every sample is taken or refused with a sentence, once, and can be resumed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from hcrm.clock import FixedClock
from hcrm.intake.domain import BatchStatus, ImportReport
from hcrm.intake.forms.labels import file_sentence, row_sentence
from hcrm.intake.jobs import apply_waiting_messages, import_files
from hcrm.intake.queries import batch
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import NOW
from tests.hl7_messages import adt, feed, pid, pv1

Import = Callable[..., ImportReport]


@pytest.fixture
def run(runtime: Runtime, facility: int) -> Import:
    def carry_out(*paths: Path, **options: object) -> ImportReport:
        return import_files(runtime, facility_id=facility, paths=paths, **options)  # type: ignore[arg-type]

    return carry_out


def said(report: ImportReport, *keys: str) -> dict[str, int]:
    return {key: report.counts[key] for key in keys}


def write(folder: Path, name: str, *messages: str) -> Path:
    path = folder / name
    path.write_bytes("\r\n".join(each.replace("\r", "\r\n") for each in messages).encode())
    return path


def test_every_sample_is_taken_or_refused_with_a_sentence(run: Import, shared_data: Path) -> None:
    report = run(shared_data / "hl7v2")
    assert report.refused_files == []
    counts = report.counts
    assert (counts["rows_read"], counts["created"], counts["pending"], counts["rejected"]) == (142, 12, 5, 2)
    assert all(row_sentence(remark).endswith(".") for _, remark in report.errors)
    again = run(shared_data / "hl7v2")
    assert said(again, "rows_read", "created", "updated", "rejected") == {
        "rows_read": 142,
        "created": 0,
        "updated": 0,
        "rejected": 2,
    }


def test_the_same_stays_whichever_way_they_come(run: Import, tmp_path: Path, runtime: Runtime) -> None:
    head = "mrn,visit_number,family_name,given_name,class,department,admitted_at,discharged_at,disposition"
    table = tmp_path / "list.csv"
    table.write_text(f"{head}\n1001,V1,Zhang,San,inpatient,MED,2026-03-01 08:00,2026-03-05 10:00,1\n", encoding="utf-8")
    run(table)
    stay = pv1("202603010800", "202603051000", f36="1")
    report = run(write(tmp_path, "one.hl7", adt("A03", pid(born="", sex=""), stay, sent="20260305")))
    assert said(report, "created", "patients_created", "rejected") == {
        "created": 0,
        "patients_created": 0,
        "rejected": 0,
    }
    with runtime.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM encounter")).scalar_one() == 1


def test_what_waits_is_counted_and_applied_when_it_can_be(run: Import, tmp_path: Path) -> None:
    first = run(write(tmp_path, "a.hl7", adt("A03", pid(), pv1(discharged="20260305"), sent="20260305")))
    second = run(write(tmp_path, "b.hl7", adt("A01", pid(), pv1("20260301"), sent="20260301", control="2")))
    assert (first.counts["pending"], first.counts["created"]) == (1, 0)
    assert (second.counts["pending"], second.counts["created"]) == (0, 1)


def test_refused_messages_are_kept_with_their_line_and_text(run: Import, tmp_path: Path, runtime: Runtime) -> None:
    bad = adt("A01", "PID|1||", pv1("20260301"))
    report = run(write(tmp_path, "c.hl7", adt("A60", pid()), "", bad, adt("A01", pid(), pv1("20260301"), control="3")))
    assert said(report, "rows_read", "created", "rejected", "skipped") == {
        "rows_read": 3,
        "created": 1,
        "rejected": 1,
        "skipped": 1,
    }
    ((_, remark),) = report.errors
    assert (remark.line, remark.code, remark.field) == (5, "missing_mrn", "mrn")
    assert remark.cells[0].startswith("MSH|")
    with unit_of_work(runtime.sessions) as session:
        stored = batch(session, report.batch_ids[0])
    assert stored is not None
    assert (stored.format, stored.status, stored.counts["rejected"]) == ("hl7", BatchStatus.FINISHED, 1)


def test_a_dry_run_counts_and_writes_nothing(run: Import, tmp_path: Path, runtime: Runtime) -> None:
    path = write(tmp_path, "d.hl7", *feed(40, NOW - timedelta(days=20)))
    assert run(path, dry_run=True).counts["created"] == 10
    with runtime.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM interface_message")).scalar_one() == 0
    assert run(path).counts["created"] == 10


def test_a_run_goes_on_where_it_stopped(
    run: Import, tmp_path: Path, runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hcrm.intake.readers.hl7v2.files.RUN", 10)
    path = write(tmp_path, "e.hl7", *feed(40, NOW - timedelta(days=20)))

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, progress=stop)
    report = run(path)
    assert (report.resumed, report.counts["rows_read"]) == (1, 40)
    with runtime.engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM encounter_fact")).scalar_one() == 40


@pytest.mark.parametrize(("kind", "code"), [("hl7", "not_hl7_file"), ("csv", "other_kind")])
def test_the_wrong_kind_is_refused_with_a_sentence(run: Import, tmp_path: Path, kind: str, code: str) -> None:
    path = write(tmp_path, "f.txt", "mrn,admitted_at\n1,2026-03-01" if kind == "hl7" else adt("A01", pid(), pv1()))
    ((_, refusal),) = run(path, kind=kind).refused_files
    assert refusal.code == code
    assert file_sentence(refusal).endswith(".")


def test_a_large_file_is_read_by_a_process_beside(run: Import, tmp_path: Path) -> None:
    note = "NTE|1||" + "x" * 60_000
    messages = [f"{each}\r{note}" for each in feed(80, NOW - timedelta(days=20))]
    assert run(write(tmp_path, "g.hl7", *messages)).counts["created"] == 20


def test_what_waits_is_applied_once_another_source_brings_the_visit(
    run: Import, tmp_path: Path, runtime: Runtime
) -> None:
    run(write(tmp_path, "a.hl7", adt("A03", pid(), pv1(discharged="20260305"), sent="20260305")))
    assert apply_waiting_messages(runtime) == 0
    table = tmp_path / "list.csv"
    table.write_text("mrn,visit_number,admitted_at\n1001,V1,2026-03-01 08:00\n", encoding="utf-8")
    run(table, stated_at=NOW - timedelta(days=9))
    assert (apply_waiting_messages(runtime), apply_waiting_messages(runtime)) == (1, 0)
    with runtime.engine.connect() as connection:
        assert connection.execute(text("SELECT status FROM encounter")).scalar_one() == "finished"


def test_a_discharge_whose_admission_never_comes_is_taken_after_a_day(
    run: Import, tmp_path: Path, runtime: Runtime, clock: FixedClock
) -> None:
    merge = adt("A40", pid("1"), "MRG|2", control="2")
    run(write(tmp_path, "a.hl7", adt("A03", pid(), pv1(discharged="20260305"), sent="20260305"), merge))
    clock.advance(timedelta(hours=23))
    assert apply_waiting_messages(runtime) == 0
    clock.advance(timedelta(hours=1))
    assert apply_waiting_messages(runtime) == 1
    with runtime.engine.connect() as connection:
        assert connection.execute(text("SELECT status FROM encounter")).scalar_one() == "finished"
        assert connection.execute(text("SELECT event FROM interface_message WHERE status = 'waiting'")).all() == [
            ("A40",)
        ]
