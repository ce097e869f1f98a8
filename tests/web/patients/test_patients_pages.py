"""The patients' pages: who finds and sees whom, what can be changed, and what the audit keeps."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy import text

from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    ContactSnapshot,
    DeceasedState,
    Language,
    OwnerKind,
    PatientFlag,
    PatientSnapshot,
    RetiredReason,
    StayRow,
)
from hcrm.patients.jobs import find_duplicates
from hcrm.patients.queries import (
    consents_by_purpose,
    contacts,
    merges,
    patient_snapshots,
    person_of,
    records_by_patient,
)
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.factories_followup import discharge, discharged
from tests.factories_patients import apply_rows, stay_row

Login = Callable[..., int]


@pytest.fixture
def bring(runtime: Runtime, facility: int) -> Callable[[Sequence[StayRow]], dict[str, int]]:
    """Store rows; gives patient ids by MRN."""

    def bring_rows(rows: Sequence[StayRow]) -> dict[str, int]:
        with unit_of_work(runtime.sessions) as session:
            apply_rows(session, facility, rows, now=runtime.clock.now())
            found = session.execute(text("SELECT value, patient_id FROM patient_identifier")).tuples().all()
        return dict(found)

    return bring_rows


@pytest.fixture
def wang(bring: Callable[[Sequence[StayRow]], dict[str, int]]) -> int:
    """A patient of internal medicine."""
    return bring([stay_row()])["M1"]


def snapshot(runtime: Runtime, patient_id: int) -> PatientSnapshot:
    with unit_of_work(runtime.sessions) as session:
        return patient_snapshots(session, [patient_id])[patient_id]


def numbers(runtime: Runtime, patient_id: int) -> list[ContactSnapshot]:
    with unit_of_work(runtime.sessions) as session:
        return contacts(session, [patient_id])[patient_id]


@pytest.mark.parametrize("typed", ["王小", "wang xiao", "M1", "5678", "小明"])
def test_a_patient_is_found_by_name_pinyin_mrn_and_phone(client: Any, login: Login, wang: int, typed: str) -> None:
    login("nurse")

    page = client.post("/patients", data={"q": typed}).text

    assert f'href="/patients/{wang}"' in page


def test_a_search_that_finds_nobody_says_what_to_try(client: Any, login: Login, wang: int) -> None:
    login("nurse")

    assert "Nobody found" in client.post("/patients", data={"q": "Zhao"}).text
    assert "Whom are you looking for?" in client.get("/patients").text


def test_a_nurse_finds_and_sees_only_patients_of_her_departments(
    client: Any, login: Login, wang: int, departments: dict[str, int]
) -> None:
    login("nurse", departments["SUR"])

    assert "Nobody found" in client.post("/patients", data={"q": "M1"}).text
    assert client.get(f"/patients/{wang}").status_code == 403


def test_a_ward_that_the_patient_has_left_still_sees_them(
    client: Any,
    login: Login,
    bring: Callable[..., dict[str, int]],
    wang: int,
    departments: dict[str, int],
    runtime: Runtime,
) -> None:
    moved = stay_row(department_code="SUR", event_at=runtime.clock.now())
    bring([moved])
    login("nurse", departments["MED"])

    assert client.get(f"/patients/{wang}").status_code == 200


def test_the_page_shows_who_it_is_and_what_happened_and_the_look_is_audited(
    client: Any, login: Login, wang: int, runtime: Runtime
) -> None:
    user_id = login("nurse")

    page = client.get(f"/patients/{wang}").text

    for words in ("王小明", "MRN M1", "65 years", "Discharged", "Friday 6 March 2026", "139 1234 5678", "I50.9"):
        assert words in page
    with unit_of_work(runtime.sessions) as session:
        looks = session.execute(
            text("SELECT actor_user_id, patient_id FROM audit_entry WHERE action = 'patient.viewed'")
        ).all()
    assert looks == [(user_id, wang)]


def test_the_page_speaks_chinese(client: Any, login: Login, wang: int) -> None:
    login("nurse", language="zh_Hans")

    assert client.get(f"/patients/{wang}").status_code == 200


def test_only_one_kind_of_entry_can_be_shown(client: Any, login: Login, wang: int) -> None:
    login("nurse")

    assert "Nothing of this kind" in client.get(f"/patients/{wang}?show=alerts").text
    assert "Discharged" in client.get(f"/patients/{wang}?show=stays").text


def test_a_sensitive_stay_is_shown_to_its_own_department_only(
    client: Any, login: Login, bring: Callable[..., dict[str, int]], departments: dict[str, int]
) -> None:
    rows = [stay_row(), stay_row(visit_number="V2", department_code="SUR", sensitive=True, principal_diagnosis="B20")]
    patient_id = bring(rows)["M1"]
    login("nurse", departments["MED"])
    page = client.get(f"/patients/{patient_id}").text
    client.post("/logout")
    login("nurse", departments["SUR"])
    own = client.get(f"/patients/{patient_id}").text

    assert "B20" not in page
    assert "B20" in own
    assert "own number only" in own


def test_a_number_is_added_checked_and_retired(client: Any, login: Login, wang: int, runtime: Runtime) -> None:
    login("nurse")
    client.post(
        f"/patients/{wang}/numbers",
        data={
            "number": "138 0013 8000",
            "owner_kind": "relative",
            "owner_name": "王芳",
            "relationship": "daughter",
            "may_discuss_health": "y",
            "verified": "y",
        },
    )
    added, own = numbers(runtime, wang)
    client.post(f"/patients/{wang}/numbers/{own.id}/retire", data={"reason": "wrong_number"})
    client.post(f"/patients/{wang}/numbers/{added.id}", data={"owner_kind": "patient"})
    changed, retired = numbers(runtime, wang)

    assert (added.number, added.owner_name, added.may_discuss_health) == ("+8613800138000", "王芳", True)
    assert added.verified_on == date(2026, 3, 10)
    assert (changed.owner_kind, changed.owner_name) == (OwnerKind.PATIENT, "")
    assert retired.retired_reason is RetiredReason.WRONG_NUMBER


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"number": "12"}, "This is no phone number that can be dialled."),
        ({"owner_kind": "relative"}, "Say whose number it is."),
        ({"number": ""}, "Enter a phone number."),
    ],
)
def test_a_number_that_cannot_be_saved_says_why(
    client: Any, login: Login, wang: int, changes: dict[str, str], sentence: str
) -> None:
    login("nurse")

    page = client.post(
        f"/patients/{wang}/numbers", data={"number": "13800138000", "owner_kind": "patient"} | changes
    ).text

    assert sentence in page


def test_another_patients_number_cannot_be_retired_here(
    client: Any, login: Login, bring: Callable[..., dict[str, int]], runtime: Runtime
) -> None:
    ids = bring([stay_row(), stay_row("M2", "V2")])
    (other,) = numbers(runtime, ids["M2"])
    login("nurse")

    response = client.post(f"/patients/{ids['M1']}/numbers/{other.id}/retire", data={"reason": "wrong_number"})

    assert response.status_code == 404
    assert numbers(runtime, ids["M2"])[0].retired_at is None


def test_consent_is_recorded_only_where_it_differs(client: Any, login: Login, wang: int, runtime: Runtime) -> None:
    login("nurse")

    client.post(
        f"/patients/{wang}/consent",
        data={"how": "phone", "care_sms": "y", "care_phone": "y", "care_home_visit": "y", "survey_phone": "y"},
    )

    with unit_of_work(runtime.sessions) as session:
        records, both = records_by_patient(session, [wang]), (ConsentPurpose.SURVEY, ConsentPurpose.CARE)
        given = consents_by_purpose(session, records, both, ConsentChannel.SMS)
        assert given == {(wang, ConsentPurpose.SURVEY): False, (wang, ConsentPurpose.CARE): True}
        assert session.scalar(text("SELECT count(*) FROM consent")) == 1
    assert "Does not want to be contacted" in client.get(f"/patients/{wang}").text


def test_language_and_notes_are_changed(client: Any, login: Login, wang: int, runtime: Runtime) -> None:
    login("nurse")

    client.post(f"/patients/{wang}/language", data={"language": "en"})
    client.post(f"/patients/{wang}/flags", data={"diagnosis_not_told": "y"})

    changed = snapshot(runtime, wang)
    assert (changed.language, changed.flags) == (Language.ENGLISH, (PatientFlag.DIAGNOSIS_NOT_TOLD,))
    assert "Diagnosis not told to the patient" in client.get(f"/patients/{wang}").text


def test_a_death_is_reported_confirmed_and_taken_back(client: Any, login: Login, wang: int, runtime: Runtime) -> None:
    login("nurse")
    client.post(f"/patients/{wang}/death")
    states = [snapshot(runtime, wang).deceased_state]
    login("physician")
    for decision in ("confirm", "withdraw"):
        client.post(f"/patients/{wang}/death/{decision}")
        states.append(snapshot(runtime, wang).deceased_state)

    assert states == [DeceasedState.PENDING, DeceasedState.CONFIRMED, DeceasedState.NONE]


@pytest.mark.parametrize("role", ["nurse", "service_agent", "outreach_worker"])
def test_who_reports_a_death_neither_confirms_it_nor_takes_it_back(
    client: Any, login: Login, wang: int, runtime: Runtime, role: str
) -> None:
    login(role)
    client.post(f"/patients/{wang}/death")
    page = client.get(f"/patients/{wang}").text
    answers = [client.post(f"/patients/{wang}/death/{decision}").status_code for decision in ("confirm", "withdraw")]

    assert answers == [403, 403]
    assert "/death/" not in page
    assert snapshot(runtime, wang).deceased_state is DeceasedState.PENDING


@pytest.mark.parametrize("role", ["physician", "department_head", "manager"])
def test_physicians_heads_and_managers_are_offered_the_decision(
    client: Any, login: Login, wang: int, role: str
) -> None:
    login("nurse")
    client.post(f"/patients/{wang}/death")
    login(role)
    page = client.get(f"/patients/{wang}").text

    assert f"/patients/{wang}/death/confirm" in page
    assert f"/patients/{wang}/death/withdraw" in page


def test_a_physician_of_another_ward_does_not_decide(
    client: Any, login: Login, wang: int, departments: dict[str, int], runtime: Runtime
) -> None:
    login("nurse")
    client.post(f"/patients/{wang}/death")
    login("physician", departments["EMR"])

    assert client.post(f"/patients/{wang}/death/withdraw").status_code == 403
    assert snapshot(runtime, wang).deceased_state is DeceasedState.PENDING


def test_two_records_are_compared_merged_and_taken_apart(
    client: Any, login: Login, bring: Callable[..., dict[str, int]], runtime: Runtime
) -> None:
    ids = bring([stay_row(), stay_row("M2", "V2")])
    first, second = ids["M1"], ids["M2"]
    login("service_agent")
    chosen = client.get(f"/patients/{first}/merge").text
    compared = client.get(f"/patients/{first}/merge/{second}").text
    client.post(f"/patients/{first}/merge/{second}", data={"keep": str(second), "reason": "registered_twice"})
    moved = client.get(f"/patients/{first}")
    with unit_of_work(runtime.sessions) as session:
        (entry,) = merges(session, first)
    merged_page = client.get(f"/patients/{second}").text
    client.post(f"/patients/{second}/merges/{entry.id}/undo")

    assert f"/patients/{first}/merge/{second}" in chosen
    assert "Are these one person?" in compared
    assert moved.headers["Location"].endswith(f"/patients/{second}")
    assert "2 records are this person." in merged_page
    with unit_of_work(runtime.sessions) as session:
        assert (person_of(session, first), person_of(session, second)) == (first, second)


def test_who_may_only_look_sees_no_forms_and_cannot_change(client: Any, login: Login, wang: int) -> None:
    login("auditor")

    page = client.get(f"/patients/{wang}").text

    assert "Change what the patient agreed to" not in page
    assert "Merge records" not in page
    assert client.post(f"/patients/{wang}/language", data={"language": "en"}).status_code == 403


def test_a_patient_who_does_not_exist_is_not_found(client: Any, login: Login) -> None:
    login("nurse")

    assert client.get("/patients/987654").status_code == 404


def test_possible_duplicates_are_compared_told_apart_and_listed_again(
    client: Any, login: Any, runtime: Runtime, facility: int
) -> None:
    with unit_of_work(runtime.sessions) as session:
        for mrn in ("M1", "M2"):
            discharge(session, facility, discharged(mrn, f"V{mrn}"), now=runtime.clock.now())
    assert find_duplicates(runtime) == 1
    login("quality_officer")
    assert "Possible duplicates" in client.get("/patients").text
    page = client.get("/patients/duplicates").text
    assert "1 pair waits for a decision" in page
    assert "Same name and date of birth" in page
    with unit_of_work(runtime.sessions) as session:
        listed = session.scalar(text("SELECT details FROM audit_entry WHERE action = 'patient.found'"))
    assert len(listed["patients"]) == 2
    compare = re.search(r"/patients/\d+/merge/\d+", page)
    assert compare
    assert "They are two persons" in client.get(compare[0]).text
    page = client.post(f"{compare[0]}/different", follow_redirects=True).text
    assert "0 pairs wait for a decision" in page
    undo = re.search(r"/patients/duplicates/\d+/undo", page)
    assert undo
    assert "1 pair waits for a decision" in client.post(undo[0], follow_redirects=True).text
