"""Records that another system posts: with a token, taken once, answered by an OperationOutcome."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.clock import FixedClock
from hcrm.intake import queries
from hcrm.intake import webhooks as module
from hcrm.intake.domain import Severity
from hcrm.unit_of_work import Runtime, unit_of_work

STAYS = text("SELECT count(*) FROM encounter")


def patient(number: str = "1001", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": f"p{number}",
        "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": number}],
        "name": [{"text": "Ada Byron"}],
        **more,
    }


def encounter(number: str = "V1", of: str = "p1001", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": number,
        "identifier": [{"type": {"coding": [{"code": "VN"}]}, "value": number}],
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": {"reference": f"Patient/{of}"},
        "period": {"start": "2026-03-01T08:00:00+08:00", "end": "2026-03-05T10:00:00+08:00"},
        **more,
    }


def bundle(*resources: dict[str, Any], kind: str = "collection") -> dict[str, Any]:
    entries = [{"fullUrl": f"{each['resourceType']}/{each['id']}", "resource": each} for each in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


@pytest.fixture
def token(client: Any, login: Any) -> str:
    """A token made on the page, by an administrator who then leaves."""
    login("administrator")
    page = client.post("/imports/access", data={"name": "Ward system"}).get_data(as_text=True)
    found = re.search(r"hcrm_[\w-]{43}", page)
    assert found
    client.post("/logout")
    return found[0]


def post(client: Any, token: str, body: Any, kind: str = "application/fhir+json") -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/fhir", data=data, headers={"Authorization": f"Bearer {token}"}, content_type=kind)


def codes(response: Any) -> list[str]:
    body = json.loads(response.get_data())
    assert body["resourceType"] == "OperationOutcome"
    assert response.content_type.startswith("application/fhir+json")
    return [each["details"]["coding"][0]["code"] for each in body["issue"]]


def stays(runtime: Runtime) -> int:
    with unit_of_work(runtime.sessions) as session:
        return int(session.scalar(STAYS) or 0)


def test_what_is_posted_is_stored_once_and_listed_among_the_imports(
    client: Any, token: str, runtime: Runtime, facility: int
) -> None:
    body = bundle(patient(), encounter())
    first, again = post(client, token, body), post(client, token, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert codes(first)[0] == "stored"
    assert codes(again) == ["repeated"]
    assert post(client, token, bundle(patient(), encounter("V2"), encounter("V3"))).status_code == 201
    assert stays(runtime) == 3
    with unit_of_work(runtime.sessions) as session:
        (batch,) = queries.batches(session, frozenset({facility}), limit=5)
        kept = session.execute(text("SELECT token_hash, last_used_at FROM access_token")).one()
    assert (batch.file_name, batch.counts["created"], batch.user_id) == ("POST /fhir · Ward system", 3, None)
    assert token not in str(kept)
    assert kept.last_used_at is not None


def test_records_without_a_time_are_about_the_moment_of_their_first_post(
    client: Any, token: str, runtime: Runtime, clock: FixedClock
) -> None:
    """A repetition that comes late, because an answer was lost, does not overrule what came since."""
    old, new = bundle(patient(), encounter()), bundle(patient(name=[{"text": "Ada King"}]), encounter())
    for body in (old, new, old):
        assert post(client, token, body).status_code in {200, 201}
        clock.advance(timedelta(minutes=1))
    with unit_of_work(runtime.sessions) as session:
        assert session.scalar(text("SELECT full_name FROM patient")) == "Ada King"


def test_a_bundle_is_taken_as_a_whole_or_not_at_all_and_a_batch_entry_by_entry(
    client: Any, token: str, runtime: Runtime, facility: int
) -> None:
    bad = encounter("V9", of="nobody")
    refused = post(client, token, bundle(patient(), encounter(), bad, kind="transaction"))
    assert refused.status_code == 422
    assert codes(refused) == ["patient_missing"]
    assert json.loads(refused.get_data())["issue"][0]["expression"] == ["Bundle.entry[2]"]
    assert stays(runtime) == 0
    taken = post(client, token, bundle(patient(), encounter(), bad, kind="batch"))
    answer = json.loads(taken.get_data())
    assert (taken.status_code, answer["type"]) == (200, "batch-response")
    assert [each["response"]["status"][:3] for each in answer["entry"]] == ["200", "200", "422"]
    assert stays(runtime) == 1
    with unit_of_work(runtime.sessions) as session:
        (batch,) = queries.batches(session, frozenset({facility}), limit=5)
        kept = list(queries.row_errors(session, batch.id, Severity.REJECTED))
    assert [each.code for each in kept] == ["patient_missing", "patient_missing"]
    assert "V9" in kept[0].cells[0]


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/fhir+json", 400, "bad_json"),
        (b"[1]", "application/json", 400, "no_resource"),
        (b"{}", "application/json", 400, "no_resource"),
        (b'{"resourceType":"Patient","name":"\xff"}', "application/fhir+json", 400, "bad_utf8"),
        (b'{"entry":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "application/json", 400, "nested_too_deep"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "application/json", 400, "nested_too_deep"),
        (b"x=1", "application/x-www-form-urlencoded", 415, "wrong_type"),
        (b"<Patient/>", "application/fhir+xml", 415, "wrong_type"),
    ],
)  # fmt: skip
def test_what_is_no_fhir_is_refused_with_a_sentence(
    client: Any, token: str, body: bytes, kind: str, status: int, code: str
) -> None:
    response = post(client, token, body, kind)
    assert (response.status_code, codes(response)) == (status, [code])


def test_a_body_that_is_too_large_is_not_read(client: Any, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1_000)
    response = post(client, token, b" " * 1_001)
    assert (response.status_code, codes(response)) == (413, ["too_large"])


def test_without_a_token_in_force_nothing_is_taken(client: Any, token: str, login: Any, runtime: Runtime) -> None:
    for wrong in ("", "hcrm_wrong", token[:-1]):
        assert post(client, wrong, bundle(patient(), encounter())).status_code == 401
    login("group_administrator")
    page = client.get("/imports/access").get_data(as_text=True)
    assert token not in page
    revoke = re.search(r"/imports/access/\d+/revoke", page)
    assert revoke
    client.post(revoke[0])
    response = post(client, token, bundle(patient(), encounter()))
    assert (response.status_code, codes(response)) == (401, ["unauthorized"])
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert stays(runtime) == 0


def test_a_merge_waits_for_whom_it_needs_and_what_is_of_no_concern_is_acknowledged(client: Any, token: str) -> None:
    link = {"link": [{"type": "replaced-by", "other": {"identifier": {"value": "2002"}}}]}
    waits = post(client, token, patient(**link))
    assert waits.status_code == 200
    assert "waits" in json.loads(waits.get_data())["issue"][0]["details"]["text"]
    other = post(client, token, {"resourceType": "Observation", "id": "o"})
    assert (other.status_code, codes(other)) == (200, ["stored"])


def test_the_sentences_are_in_the_language_that_the_system_asks_for(client: Any, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "zh-CN"}
    response = client.post("/fhir", data=b"{", headers=headers, content_type="application/json")
    assert "JSON" in json.loads(response.get_data())["issue"][0]["details"]["text"]
    assert re.search("[一-鿿]", json.loads(response.get_data())["issue"][0]["details"]["text"])
