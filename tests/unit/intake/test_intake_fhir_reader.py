"""Reading FHIR R4: what resources say, how they refer to each other, and what cannot be taken."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from hcrm.intake.domain import Chunk, FileRefused, Profile, RowError, Severity
from hcrm.intake.forms.labels import FILE_SENTENCES, ROW_SENTENCES, file_sentence, row_sentence
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.fhir import documents
from hcrm.intake.readers.formats import format_of, read_chunks, shape_of
from hcrm.intake.readers.hl7v2 import Action, Incoming
from hcrm.patients.domain import EXPLICIT_NULL, Disposition, EncounterClass, OwnerKind, RowKind, Sex, StayRow
from tests.conftest import NOW

Write = Callable[..., Path]
TERMS = "http://terminology.hl7.org/CodeSystem/"


def patient(number: str = "1001", **more: Any) -> dict[str, Any]:
    typed = {"coding": [{"system": f"{TERMS}v2-0203", "code": "MR"}]}
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [
            {"system": "http://hl7.org/fhir/sid/us-ssn", "value": "999-99-9999"},
            {"type": typed, "value": number},
        ],
        "name": [{"use": "old", "family": "Before"}, {"use": "official", "family": "Zhang", "given": ["San"]}],
        "gender": "female",
        "birthDate": "1960-02-03",
        **more,
    }


def encounter(number: str = "V1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": number,
        "status": "finished",
        "class": {"system": f"{TERMS}v3-ActCode", "code": "IMP"},
        "subject": {"reference": "Patient/p1001"},
        "period": {"start": "2026-02-01T08:00:00+08:00", "end": "2026-02-05T10:30:00+08:00"},
        **more,
    }


def bundle(*resources: dict[str, Any], kind: str = "transaction", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": each} for each in resources], **more}


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(*documents: Any, name: str = "a.json", indent: int | None = None) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(each, indent=indent) for each in documents), encoding="utf-8")
        return path

    return to_file


def chunks(path: Path, skip: int = 0, size: int = 1_000) -> list[Chunk]:
    shape = shape_of(path, Profile())
    assert format_of(shape) == "fhir"
    return list(read_chunks(Order(path, shape, Profile(), "Asia/Shanghai", "CN", NOW, size, skip)))


def rows(path: Path) -> list[StayRow]:
    return [row for chunk in chunks(path) for row in chunk.rows]


def errors(path: Path) -> list[RowError]:
    return [error for chunk in chunks(path) for error in chunk.errors]


def messages(path: Path) -> list[Incoming]:
    return [message for chunk in chunks(path) for message in chunk.messages]


def refused(path: Path) -> list[str]:
    found = [each for each in errors(path) if each.severity is Severity.REJECTED]
    assert all(row_sentence(each).endswith(".") for each in found)
    return [each.code for each in found]


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection", "message", "searchset"])
def test_a_bundle_of_any_type_gives_the_stay_with_its_patient(write: Write, kind: str) -> None:
    (row,) = rows(write(bundle(patient(), encounter(), kind=kind), indent=2))
    assert (row.mrn, row.visit_number, row.full_name, row.sex) == ("1001", "V1", "San Zhang", Sex.FEMALE)
    assert (row.encounter_class, row.birth_date) == (EncounterClass.INPATIENT, date(1960, 2, 3))
    assert row.admitted_at == datetime(2026, 2, 1, tzinfo=UTC)
    assert row.discharged_at == datetime(2026, 2, 5, 2, 30, tzinfo=UTC)
    assert row.event_at is None


def test_everything_a_stay_refers_to_is_found(write: Write) -> None:
    stay = encounter(
        subject={"reference": "urn:uuid:11111111-1111-1111-1111-111111111111"},
        serviceProvider={"reference": "Organization/med"},
        participant=[
            {"individual": {"reference": "Practitioner/d1"}},
            {
                "type": [{"coding": [{"code": "ATND"}]}],
                "individual": {"reference": "https://a.example/fhir/Practitioner/d2/_history/3"},
            },
        ],
        diagnosis=[
            {"condition": {"reference": "#own"}, "rank": 2},
            {"condition": {"reference": "Condition/c1"}, "rank": 1},
        ],
        contained=[{"resourceType": "Condition", "id": "own", "code": {"text": "Old scar"}}],
        hospitalization={
            "dischargeDisposition": {
                "coding": [
                    {"system": f"{TERMS}discharge-disposition", "code": "home"},
                    {"system": "https://a.example/disposition", "code": "home_care"},
                ]
            }
        },
        priority={"coding": [{"code": "EL"}]},
        meta={"lastUpdated": "2026-02-05T11:00:00+08:00", "security": [{"code": "R"}]},
    )
    content = bundle(
        stay,
        {"resourceType": "Organization", "id": "med", "identifier": [{"value": "MED"}], "name": "Medicine"},
        {"resourceType": "Practitioner", "id": "d1", "name": [{"text": "No"}]},
        {"resourceType": "Practitioner", "id": "d2", "name": [{"family": "Li", "given": ["Si"]}]},
        {
            "resourceType": "Condition",
            "id": "c1",
            "code": {
                "coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "I10", "display": "Hypertension"}]
            },
        },
    )
    content["entry"].append({"fullUrl": "urn:uuid:11111111-1111-1111-1111-111111111111", "resource": patient()})
    (row,) = rows(write(content))
    assert (row.mrn, row.department_code, row.department_name) == ("1001", "MED", "Medicine")
    assert (row.clinician_code, row.clinician_name) == ("d2", "Si Li")
    assert (row.principal_diagnosis, row.diagnoses) == ("I10 Hypertension", ("Old scar",))
    assert (row.disposition, row.planned, row.sensitive) == (Disposition.HOME_CARE, True, True)
    assert row.event_at == datetime(2026, 2, 5, 3, tzinfo=UTC)


def test_contacts_and_phones(write: Write) -> None:
    child = patient(
        telecom=[{"system": "email", "value": "a@b.example"}, {"system": "phone", "value": "138 0013 8000"}],
        contact=[
            {
                "relationship": [{"coding": [{"code": "MTH"}]}],
                "name": {"text": "Li Mei"},
                "telecom": [{"system": "phone", "value": "13900139000"}],
            }
        ],
        communication=[{"language": {"coding": [{"code": "zh-CN"}]}}],
        address=[{"line": ["Road 1"], "city": "Beijing"}],
    )
    (row,) = rows(write(bundle(child, encounter())))
    assert [(each.number, each.owner_kind, each.owner_name) for each in row.phones] == [
        ("+8613800138000", OwnerKind.PATIENT, ""),
        ("+8613900139000", OwnerKind.RELATIVE, "Li Mei"),
    ]
    assert (row.contact_relationship, row.language, row.address) == ("mother", "zh_Hans", "Road 1, Beijing")


def test_a_stay_that_goes_on_has_no_end_and_one_taken_back_is_cancelled(write: Write) -> None:
    stays = [encounter("A", status="in-progress"), encounter("B", status="entered-in-error"), encounter("C")]
    planned = encounter("D", status="planned")
    path = write(bundle(patient(), *stays, planned))
    going, taken_back, done = rows(path)
    assert (going.discharged_at, going.disposition) == (EXPLICIT_NULL, EXPLICIT_NULL)
    assert (taken_back.kind, done.kind) == (RowKind.CANCEL, RowKind.STAY)
    assert [chunk.skipped for chunk in chunks(path)] == [1]


def test_a_section_of_a_stay_is_no_stay_of_its_own(write: Write) -> None:
    part = encounter("W2", partOf={"reference": "Encounter/V1"})
    emergency = encounter("E1", partOf={"reference": "Encounter/V1"}, **{"class": {"code": "EMER"}})
    alone = encounter("X", partOf={"reference": "Encounter/elsewhere"})
    assert [row.visit_number for row in rows(write(bundle(patient(), encounter(), part, emergency, alone)))] == [
        "V1",
        "E1",
        "X",
    ]


def test_lines_of_ndjson_refer_to_each_other_in_any_order(write: Write) -> None:
    path = write(encounter(), {"resourceType": "Observation"}, patient(), encounter("V2"), name="a.ndjson")
    assert [(row.line, row.mrn, row.full_name) for row in rows(path)] == [
        (1, "1001", "San Zhang"),
        (4, "1001", "San Zhang"),
    ]
    (message,) = messages(path)
    assert message.instruction is not None
    assert (message.line, message.instruction.action) == (3, Action.PATIENT)


def test_a_merge_says_who_is_given_up_for_whom_once(write: Write) -> None:
    kept = patient("1", link=[{"other": {"reference": "Patient/p2"}, "type": "replaces"}])
    former = patient("2", link=[{"other": {"reference": "Patient/p1"}, "type": "replaced-by"}])
    for pair in ((kept, former), (former, kept)):
        told = [each.instruction for each in messages(write(bundle(*pair))) if each.instruction]
        merges = [merge for each in told for merge in each.merges]
        assert merges == [("2", "1")]
        assert "2" not in {row.mrn for each in told for row in each.patients}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"period": {"start": "0001-01-01T00:00:00Z"}}, "before_1900"),
        ({"period": {"start": "2026-02-01", "end": "2210-02-05"}}, "in_future"),
        ({"period": {"start": "2026-02-31", "end": "2026-03-01"}}, "no_such_day"),
        ({"period": {"start": "soon", "end": "2026-03-01"}}, "unreadable_date"),
        ({"period": {"start": "2026-02-05", "end": "2026-02-01"}}, "discharge_before_admission"),
        ({"period": {"start": "2026-02-05"}}, "missing_dates"),
        ({"period": {"start": "2026", "end": "2026"}}, "unreadable_date"),
        ({"period": []}, "missing_dates"),
        ({"subject": {"reference": "Patient/unknown"}}, "patient_missing"),
        ({"subject": {}}, "patient_missing"),
        ({"identifier": [{"value": "9" * 400}]}, "too_long"),
    ],
)
def test_stays_that_cannot_be(write: Write, change: dict[str, Any], code: str) -> None:
    path = write(bundle(patient(), encounter(**change), encounter("V2")))
    assert refused(path) == [code]
    assert [row.visit_number for row in rows(path)] == ["V2"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"birthDate": "0001-01-01"}, "before_1900"),
        ({"birthDate": "2210-01-01"}, "in_future"),
        ({"birthDate": "1876-01-01"}, "before_1900"),
        ({"deceasedDateTime": "2210-01-01"}, "in_future"),
        ({"identifier": [], "id": ""}, "missing_mrn"),
    ],
)
def test_patients_that_cannot_be(write: Write, change: dict[str, Any], code: str) -> None:
    found = refused(write(bundle(patient(**change), encounter(subject={"reference": "Patient/p1001"}))))
    assert code in found or found == ["patient_missing", code]


def test_a_stay_of_a_patient_known_by_a_number_alone(write: Write) -> None:
    (row,) = rows(write(bundle(encounter(subject={"identifier": {"value": "77"}, "display": "Who"}))))
    assert (row.mrn, row.full_name) == ("77", None)


def test_damaged_lines_cost_themselves_alone(write: Write, tmp_path: Path) -> None:
    good = json.dumps(bundle(patient(), encounter()))
    path = tmp_path / "b.ndjson"
    deep = '{"resourceType":' + "[" * 10_000 + "]" * 10_000 + "}"
    path.write_bytes("\n".join([good, good[:200], deep, "[1]", "", good]).encode() + b'\n{"resourceType":"\xff"}')
    found = [(each.line, each.code) for each in errors(path) if each.severity is Severity.REJECTED]
    assert found == [(2, "bad_json"), (3, "nested_too_deep"), (4, "no_resource"), (7, "bad_utf8")]
    assert [row.line for row in rows(path)] == [1, 6]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b'{"resourceType": "Bundle", "entry": [{"resource": {', "fhir_bad_json"),
        (b'{"resourceType": "Patient", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "fhir_nested_too_deep"),
        (b'{"resourceType": "Patient", "x": "\xff\xfe"}', "fhir_bad_utf8"),
    ],
)
def test_files_that_are_no_json_are_refused_with_a_sentence(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refusal:
        chunks(path)
    assert refusal.value.code == code
    assert "c.json" in file_sentence(refusal.value)


def test_one_document_that_memory_could_not_hold_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "LONGEST", 500)
    with pytest.raises(FileRefused) as refusal:
        chunks(write(bundle(patient(), encounter()), indent=2))
    assert refusal.value.code == "fhir_too_large"
    path = write(patient(), encounter(text={"div": "x" * 3_000}), encounter("V2"), name="d.ndjson")
    assert refused(path) == ["document_too_long"]
    assert [row.visit_number for row in rows(path)] == ["V2"]


def test_other_json_is_no_fhir(tmp_path: Path) -> None:
    path = tmp_path / "d.json"
    path.write_text('{"rows": [1, 2]}')
    for kind, code in (("auto", "other_kind"), ("fhir", "not_fhir_file")):
        with pytest.raises(FileRefused) as refusal:
            shape_of(path, Profile(), kind=kind)
        assert refusal.value.code == code


def test_runs_are_the_same_each_time_so_that_reading_goes_on(write: Write) -> None:
    kept = patient("1", link=[{"other": {"reference": "Patient/p2"}, "type": "replaces"}])
    people = [bundle(patient(str(at)), encounter(f"V{at}", subject={"reference": f"Patient/p{at}"})) for at in range(9)]
    path = write(*people[:5], bundle(kept, patient("2")), *people[5:], name="e.ndjson")
    whole = chunks(path, size=2)
    for at, chunk in enumerate(whole):
        assert chunks(path, skip=chunk.position, size=2) == whole[at + 1 :]
    assert not any(chunk.rows and chunk.messages for chunk in whole)


def test_anything_in_any_place_is_read_or_refused(write: Write) -> None:
    """Values of wrong types, at random places of a whole Bundle: no exception comes through."""
    source = random.Random(7)
    junk: list[Any] = [
        None,
        True,
        0,
        -1,
        1e300,
        "",
        "\0",
        "\ud83d\ude00" * 50,
        [],
        {},
        [[]],
        [None],
        {"a": {}},
        "9" * 5000,
    ]
    full = bundle(
        patient(telecom=[{"value": "1"}], contact=[{"name": {"text": "x"}}], link=[{"type": "replaces", "other": {}}]),
        encounter(diagnosis=[{"rank": 1, "condition": {"reference": "Condition/1"}}], participant=[{"individual": {}}]),
        {"resourceType": "Condition", "id": "1", "code": {"coding": [{"system": "icd", "code": "I10"}]}},
        timestamp="2026-02-05T11:00:00Z",
    )
    for _ in range(400):
        path = write(_mutated(full, source, junk))
        if b'"resourceType"' in path.read_bytes()[:60]:
            chunks(path)


def _mutated(value: Any, source: random.Random, junk: list[Any]) -> Any:
    if source.random() < 0.04:
        return source.choice(junk)
    if isinstance(value, dict):
        return {key: each if key == "resourceType" else _mutated(each, source, junk) for key, each in value.items()}
    return [_mutated(each, source, junk) for each in value] if isinstance(value, list) else value


def test_every_refusal_has_its_sentence() -> None:
    codes = {"bad_json", "bad_utf8", "nested_too_deep", "no_resource"}
    assert codes | {"patient_missing", "document_too_long"} <= ROW_SENTENCES.keys()
    assert {f"fhir_{code}" for code in codes} | {"fhir_too_large", "not_fhir_file"} <= FILE_SENTENCES.keys()
