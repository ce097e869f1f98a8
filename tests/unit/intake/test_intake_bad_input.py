"""Whatever a file holds: it is read, or refused with a sentence; never half, never for ever, never out of memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from hcrm.intake.domain import Chunk, FileRefused, Profile
from hcrm.intake.forms.labels import FILE_SENTENCES, ROW_SENTENCES, file_sentence
from hcrm.intake.readers.csv_rows import Order, text
from hcrm.intake.readers.formats import read_chunks, shape_of
from hcrm.patients.domain import StayRow

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
HEAD = "mrn,visit_number,name,birth_date,admitted_at,discharged_at\n"
GOOD = "{n},V{n},Ann,1960-02-03,2026-03-01 08:00,2026-03-02 10:00\n"


def chunks(path: Path, profile: Profile | None = None) -> Iterator[Chunk]:
    profile = profile or Profile()
    return read_chunks(Order(path, shape_of(path, profile), profile, "UTC", "CN", NOW))


def codes(path: Path) -> list[tuple[int, str]]:
    return [(each.line, each.code) for chunk in chunks(path) for each in chunk.errors if each.severity == "rejected"]


def read_or_refused(path: Path) -> str:
    """What becomes of a file: ``read``, or the sentence of its refusal."""
    try:
        said = {each.code for chunk in chunks(path) for each in chunk.errors}
    except FileRefused as refusal:
        return str(FILE_SENTENCES[refusal.code]) and file_sentence(refusal)
    assert said <= set(ROW_SENTENCES)
    return "read"


def test_every_shared_file_is_read_or_refused_with_a_sentence(shared_data: Path) -> None:
    """Among them companions, notes and phone numbers, which are no records: they are told by name."""
    files = sorted(path for path in shared_data.rglob("*") if path.is_file())
    became = {path.relative_to(shared_data).as_posix(): read_or_refused(path) for path in files}
    records = [
        name for name in became if name.startswith(("fhir/", "hl7v2/", "csv-hazards/zh_")) or "/encounters" in name
    ]
    assert {became[name] for name in records} == {"read"}
    assert len(records) > 30
    assert "read" not in {became[name] for name in became if name.startswith("text/") or name.endswith(".md")}


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_line_longer_than_memory_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quote: str
) -> None:
    monkeypatch.setattr(text, "LONGEST_LINE", 2_000)
    path = tmp_path / "list.csv"
    long = f"2,V2,{quote}{'x' * 50_000}{quote},,2026-03-01,2026-03-02\n"
    path.write_text(HEAD + GOOD.format(n=1) + long + GOOD.format(n=3))
    (chunk,) = chunks(path)
    assert [(row.mrn, row.line) for row in chunk.rows] == [("1", 2), ("3", 4)]
    assert [(each.line, each.code) for each in chunk.errors if each.severity == "rejected"] == [(3, "line_too_long")]


def test_a_long_line_inside_a_quoted_cell_refuses_that_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "LONGEST_LINE", 2_000)
    path = tmp_path / "list.csv"
    broken = f'2,V2,"two\n{"x" * 9_000}",1960-02-03,2026-03-01,2026-03-02\n'
    path.write_text(HEAD + GOOD.format(n=1) + broken + GOOD.format(n=4))
    (chunk,) = chunks(path)
    assert [row.mrn for row in chunk.rows] == ["1", "4"]
    assert all(isinstance(row, StayRow) for row in chunk.rows)


@pytest.mark.parametrize(
    ("born", "admitted", "discharged", "code"),
    [
        ("0001-01-01", "2026-03-01", "2026-03-02", "age_over_130"),
        ("1876-01-01", "2026-03-01", "2026-03-02", "age_over_130"),
        ("1960-01-01", "0001-01-01", "2026-03-02", "before_1900"),
        ("1960-01-01", "2026-03-01", "2210-03-02", "in_future"),
        ("2210-01-01", "2026-03-01", "2026-03-02", "in_future"),
        ("1960-01-01", "2026-02-30", "2026-03-02", "no_such_day"),
    ],
)
def test_times_that_cannot_be(tmp_path: Path, born: str, admitted: str, discharged: str, code: str) -> None:
    path = tmp_path / "list.csv"
    path.write_text(f"{HEAD}1,V1,Ann,{born},{admitted},{discharged}\n")
    assert codes(path) == [(2, code)]


def test_resources_of_a_bulk_export_find_each_other_in_their_files(tmp_path: Path) -> None:
    patient = {"resourceType": "Patient", "id": "p1", "identifier": [{"value": "1001"}], "name": [{"text": "Ada"}]}
    stay = {
        "resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "IMP"},
        "subject": {"reference": "Patient/p1"}, "period": {"start": "2026-03-01", "end": "2026-03-02"},
    }  # fmt: skip
    for name, resource in (("1.Patient.ndjson", patient), ("Encounter.000.ndjson", stay)):
        (tmp_path / name).write_text(f"{json.dumps(resource)}\n{json.dumps(resource | {'id': 'other'})}\n")
    rows = [row for chunk in chunks(tmp_path / "Encounter.000.ndjson") for row in chunk.rows]
    assert [(row.mrn, row.full_name) for row in rows] == [("1001", "Ada")] * 2
    (tmp_path / "1.Patient.ndjson").unlink()
    assert codes(tmp_path / "Encounter.000.ndjson") == [(1, "patient_missing"), (2, "patient_missing")]


def workbook() -> bytes:
    book = Workbook()
    for row in (HEAD.strip().split(","), ["1", "V1", "Ann", "1960-02-03", "2026-03-01", "2026-03-02"]):
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


BOOK = workbook()
BUNDLE = json.dumps(
    {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": {"resourceType": "Patient", "id": "1"}}]}
).encode()


@pytest.mark.parametrize(("content", "suffix"), [(BOOK, ".xlsx"), (BUNDLE, ".json")], ids=["xlsx", "fhir"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_files_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, suffix: str, data: Any
) -> None:
    raw = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
    path = tmp_path_factory.mktemp("damaged") / f"a{suffix}"
    path.write_bytes(bytes(raw[: data.draw(st.integers(1, len(raw)))]))
    assert "%(" not in read_or_refused(path)
