"""``hcrm import``: what it prints, what it writes, how it ends."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hcrm.cli.importing import as_object, as_text, choose_facility, country_of_zone, exit_code, import_command
from hcrm.intake.domain import FileRefused, ImportReport
from hcrm.intake.forms.labels import (
    FIELD_LABELS,
    FILE_SENTENCES,
    NOTE_SENTENCES,
    ROW_ADVICE,
    ROW_SENTENCES,
    file_sentence,
)
from hcrm.organization.service import ensure_facility
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import newest_schema
from tests.databases import DatabaseServer

HEAD = "mrn,visit_number,name,admitted_at,discharged_at,phone\n"
GOOD = "1,V1,Ann Lee,2026-03-01 08:00,2026-03-02 10:00,13800138000\n"
BAD = "2,V2,=Bo,2026-03-05 08:00,2026-03-02 10:00,13800138000\n"


@pytest.fixture
def command(database_server: DatabaseServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command on a database with the newest schema and no facility."""
    name = database_server.create(newest_schema(database_server))
    monkeypatch.setenv("DATABASE_URL", database_server.url(name))
    monkeypatch.setenv("HCRM_INSTANCE_DIR", str(tmp_path / "instance"))
    monkeypatch.setenv("SECRET_KEY", "a secret key that only tests know")
    monkeypatch.setenv("HOSPITAL_TIMEZONE", "Asia/Shanghai")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(import_command, list(arguments))

    yield run
    database_server.drop_later(name)


def write(folder: Path, text: str, name: str = "list.csv") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_one_object_with_everything_in_it(command: Any, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    path = write(tmp_path, HEAD + GOOD + BAD)
    result = command(path, "--json", "--no-plans", "--rejects", str(rejects))
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["files"] == ["list.csv"]
    assert {key: told[key] for key in ("rows_read", "created", "updated", "unchanged", "rejected", "skipped")} == {
        "rows_read": 2,
        "created": 1,
        "updated": 0,
        "unchanged": 0,
        "rejected": 1,
        "skipped": 0,
    }
    assert (told["pending"], told["patients_created"], told["encounters_created"]) == (0, 1, 1)
    assert (told["merged"], told["cancelled"]) == (0, 0)
    assert told["errors"] == [
        {
            "file": "list.csv",
            "line": 3,
            "field": "discharged_at",
            "code": "discharge_before_admission",
            "message": "The discharge is before the admission.",
        }
    ]
    assert told["seconds"] >= 0
    assert {note["code"] for note in told["notes"]} == {"facility_created", "no_class_column"}
    rows = list(csv.reader(rejects.read_text(encoding="utf-8-sig").splitlines()))
    assert rows[0] == [*HEAD.strip().split(","), "line", "field", "code", "message"]
    assert rows[1][:3] == ["2", "V2", "'=Bo"]

    again = command(path, "--json", "--no-plans")
    assert [json.loads(again.stdout)[key] for key in ("created", "updated", "unchanged")] == [0, 0, 1]


def test_a_dry_run_counts_and_writes_nothing(command: Any, tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + GOOD)
    for _ in range(2):
        result = command(path, "--dry-run", "--json")
        assert (result.exit_code, json.loads(result.stdout)["created"]) == (0, 1)
    text = command(path, "--dry-run").stdout
    assert "Dry run: nothing was written." in text
    assert "1 rows read: 1 created, 0 updated" in text


def test_the_first_facility_is_made_by_the_import_that_stores_something(command: Any, tmp_path: Path) -> None:
    path = write(tmp_path, HEAD + GOOD.replace("13800138000", "07700 900016"))
    command(str(tmp_path / "nothing.csv"))
    rehearsed = json.loads(command(path, "--timezone", "America/New_York", "--dry-run", "--json").stdout)
    assert [each["code"] for each in rehearsed["warnings"] if each["field"] == "phone"] == ["impossible_phone"]
    told = json.loads(command(path, "--timezone", "Europe/London", "--json").stdout)
    assert "facility_created" in {note["code"] for note in told["notes"]}
    assert [each for each in told["warnings"] if each["field"] == "phone"] == []
    assert "facility_created" not in {note["code"] for note in json.loads(command(path, "--json").stdout)["notes"]}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["{folder}/nothing.csv"], "There is no file nothing.csv."),
        (["{folder}/empty.csv"], "The file empty.csv is empty."),
        (["{folder}/wrong.csv"], "The file wrong.csv lacks a column for: Medical record number (MRN), Discharge."),
        (["{folder}/list.csv", "--facility", "WEST"], "There is no facility with the code WEST."),
        (["{folder}/list.csv", "--timezone", "Mars/Base"], "There is no time zone Mars/Base."),
        (["{folder}/list.csv", "--profile", "west"], "There is no profile west."),
        (["{folder}/list.csv", "--dates", "soonish"], "soonish is no date format"),
        (["{folder}/list.csv", "--encoding", "klingon"], "There is no encoding called klingon."),
        (["{folder}/list.csv", "--format", "fhir"], "The file list.csv holds no FHIR resources in JSON."),
        (["{folder}/either.csv"], "Say which with --dates DD/MM/YYYY or --dates MM/DD/YYYY"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(command: Any, tmp_path: Path, arguments: list[str], sentence: str) -> None:
    write(tmp_path, "", "empty.csv")
    write(tmp_path, "a,b\n1,2\n", "wrong.csv")
    write(tmp_path, HEAD + GOOD)
    write(tmp_path, "mrn,discharged_at\n1,03/04/2025\n", "either.csv")
    result = command(*(argument.format(folder=tmp_path) for argument in arguments))
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.output


def test_dates_can_be_stated(command: Any, tmp_path: Path) -> None:
    path = write(tmp_path, "mrn,discharged_at\n1,03/04/2025\n")
    assert command(path, "--dates", "DD/MM/YYYY").exit_code == 0


def test_files_that_cannot_be_read_do_not_hold_up_the_others(command: Any, tmp_path: Path) -> None:
    write(tmp_path, HEAD + GOOD, "good.csv")
    write(tmp_path, "a,b\n1,2\n", "wrong.csv")
    result = command(str(tmp_path), "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert (told["files"], told["created"]) == (["good.csv", "wrong.csv"], 1)
    assert [each["code"] for each in told["refused_files"]] == ["columns_missing"]


def test_the_facility_is_the_only_one_or_has_to_be_named(runtime: Runtime, facility: int) -> None:
    assert choose_facility(runtime, "", "") == (facility, False)
    with unit_of_work(runtime.sessions) as session:
        east = ensure_facility(session, code="EAST", name="East", timezone="UTC", country="GB", now=runtime.clock.now())
    assert choose_facility(runtime, "EAST", "") == (east, False)
    with pytest.raises(FileRefused) as refusal:
        choose_facility(runtime, "", "")
    assert file_sentence(refusal.value) == "There are several facilities (TEST, EAST): say which with --facility."


@pytest.mark.parametrize(("zone", "country"), [("Asia/Shanghai", "CN"), ("Europe/London", "GB"), ("UTC", "US")])
def test_the_country_of_a_new_facility_follows_its_zone(zone: str, country: str) -> None:
    assert country_of_zone(zone) == country


def test_reports_of_nothing() -> None:
    report = ImportReport()
    assert exit_code(report) == 0
    assert as_object(report)["rows_read"] == 0
    assert as_text(report, dry_run=False).startswith("Nothing was imported.")


@pytest.mark.parametrize("labels", [FIELD_LABELS, ROW_SENTENCES, ROW_ADVICE, FILE_SENTENCES, NOTE_SENTENCES])
def test_every_label_is_there(labels: dict[str, object]) -> None:
    assert all(str(label) for label in labels.values())


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
BAD_FILES = {
    "wrong columns": (b"foo,bar\n1,2\n", 2, "lacks a column for: Medical record number (MRN), Discharge."),
    "empty": (b"", 2, "is empty"),
    "nothing but NUL": (b"\0" * 5_000, 2, "is empty"),
    "a picture": (PNG, 2, "is not a CSV file but a picture"),
    "noise": (bytes(range(128, 256)) * 9, 2, "encoding of list.csv cannot be told"),
    "one endless line": (b"x" * 100_000, 2, "has no row of column heads"),
    "heads only": (HEAD.encode(), 0, "There is no record below the column heads"),
    "NUL in a name": ((HEAD + GOOD.replace("Lee", "L\0ee")).encode(), 0, "The row held NUL characters"),
    "UTF-16": ((HEAD + GOOD.replace("Ann Lee", "张伟")).encode("utf-16"), 0, "1 created"),
    "UTF-16 without its mark": ((HEAD + GOOD.replace("Ann Lee", "张伟")).encode("utf-16-be"), 0, "1 created"),
    "discharge before admission": ((HEAD + GOOD + BAD).encode(), 1, "The discharge is before the admission."),
    "in the future": (
        (HEAD + GOOD + GOOD.replace("1,V1", "2,V2").replace("2026-03-02", "2061-03-02")).encode(),
        1,
        "The date is in the future.",
    ),
    "no phone": ((HEAD + GOOD.replace("13800138000", "")).encode(), 0, "There is no phone number"),
    "impossible phone": ((HEAD + GOOD.replace("13800138000", "12")).encode(), 0, "This cannot be a phone number."),
    "the same row twice": ((HEAD + GOOD + GOOD).encode(), 0, "The row is an exact repetition"),
}


def test_every_bad_file_gets_a_sentence_and_takes_nothing_with_it(command: Any, tmp_path: Path) -> None:
    """One after the other into one database: the good rows are there in the end, whatever came between."""
    path = tmp_path / "list.csv"
    wrong = {}
    for name, (content, code, sentence) in BAD_FILES.items():
        path.write_bytes(content)
        result = command(str(path), "--no-plans", "--dry-run")
        if (result.exit_code, sentence in result.output, "Traceback" in result.output) != (code, True, False):
            wrong[name] = (result.exit_code, result.output)
    assert wrong == {}
    good = write(tmp_path, HEAD + GOOD, "good.csv")
    path.write_bytes(PNG)
    both = command(str(path), good, "--no-plans", "--json")
    assert (both.exit_code, json.loads(both.stdout)["created"]) == (1, 1)


def test_a_folder_without_tables_is_refused(command: Any, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "picture.png").write_bytes(PNG)
    result = command(str(folder))
    assert (result.exit_code, "holds no CSV file" in result.output) == (2, True)


@pytest.mark.parametrize("method", ["open", "iterdir"])
def test_what_may_not_be_read_is_said(
    command: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    folder = tmp_path / "closed"
    folder.mkdir()
    file = write(folder, HEAD + GOOD)

    usual = getattr(type(tmp_path), method)

    def refuse(path: Path, *arguments: Any, **options: Any) -> Any:
        if path in {Path(file), folder}:
            raise PermissionError(13, "Permission denied")
        return usual(path, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(type(tmp_path), method, refuse)
        result = command(file if method == "open" else str(folder))
    assert (result.exit_code, "cannot be opened: check its permissions" in result.output) == (2, True)
