"""Ids of other people's things in what a browser sends: nobody reaches with them what they may not see."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.models import Membership
from hcrm.accounts.service import create_user
from hcrm.followup.models import AlertRow, AttemptRow, PlanRow
from hcrm.followup.service import begin_draft
from hcrm.intake.models import ImportBatch, MappingProfile
from hcrm.messaging.service import receive, take
from hcrm.organization.models import Facility
from hcrm.patients.models import ContactPoint, Patient, PatientIdentifier, PossibleDuplicate
from hcrm.reporting.domain.reports import Rate
from hcrm.reporting.domain.targets import Targeted
from hcrm.reporting.service.improvements import begin_improvement
from hcrm.reporting.service.review import appeal_review
from hcrm.survey.models import SurveyResponse
from hcrm.tokens.domain import TokenPurpose
from hcrm.tokens.models import AccessToken
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.conftest import PASSWORD
from tests.factories_appointments import Clinic
from tests.factories_followup import discharge, discharged, install_content, tasks_of
from tests.factories_messaging import MessagingFactory
from tests.factories_patients import PHONE

Login = Callable[..., int]

pytestmark = pytest.mark.database


@pytest.fixture
def call_id(runtime: Runtime, facility: int) -> int:
    """The clinical call of M1; the record of M2 stands beside it."""
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged("M1", "V1"), now=runtime.clock.now())
        task_id = tasks_of(session)["clinical_call"].id
        discharge(session, facility, discharged("M2", "V2", full_name="李强"), now=runtime.clock.now())
    return task_id


def number_of(runtime: Runtime, mrn: str) -> ContactPoint:
    with runtime.sessions() as session:
        return session.scalars(
            select(ContactPoint)
            .join(PatientIdentifier, PatientIdentifier.patient_id == ContactPoint.patient_id)
            .where(PatientIdentifier.value == mrn)
        ).one()


def test_a_call_retires_no_number_of_another_patient(
    client: Any, login: Login, runtime: Runtime, call_id: int, departments: dict[str, int]
) -> None:
    login("nurse", departments["MED"])
    others = number_of(runtime, "M2")
    page = client.get(f"/calls/{call_id}").text
    key = re.search(r'name="key"[^>]*value="([^"]+)"', page)
    assert key is not None
    answer = client.post(
        f"/calls/{call_id}/outcome",
        data={"key": key[1], "connection": "not_in_service", "contact_point_id": others.id},
    )

    assert answer.status_code == 422
    assert number_of(runtime, "M2").retired_at is None
    with runtime.sessions() as session:
        assert session.scalars(select(AttemptRow.id)).all() == []


# ── another hospital, another ward ────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def ids(client: Any, login: Login, runtime: Runtime, facility: int, departments: dict[str, int]) -> Mapping[str, int]:
    """One thing of every kind in the hospital TEST, of a patient of MED, by the name that addresses give its id."""
    with unit_of_work(runtime.sessions) as session:
        install_content(session, runtime.clock.now())
        discharge(session, facility, discharged("M1", "V1"), now=runtime.clock.now())
        call, patient = tasks_of(session)["clinical_call"].id, session.scalars(select(Patient.id)).one()
        contact = session.scalars(select(ContactPoint.id)).one()
        make = MessagingFactory(session, runtime.clock.now(), facility)
        message = make.message(make.request(patient))
        inbound = receive(
            session, facility_id=facility, provider="console", provider_message_id="t1", from_number=PHONE.number or "",
            to_number=f"1069{facility:06d}", body="痛", now=runtime.clock.now(),
        )  # fmt: skip
        take(session, inbound, now=runtime.clock.now())
    nurse = login("physician", departments["MED"])
    with unit_of_work(runtime.sessions) as session:
        shipped = session.scalars(select(PlanRow.id).where(PlanRow.code == "three_level")).one()
        plan = begin_draft(session, plan_id=shipped, facility_id=facility, actor_user_id=nurse, now=runtime.clock.now())
    with unit_of_work(runtime.sessions) as session:
        clinic = Clinic(session, runtime.clock.now(), facility, departments["MED"])
        clinician = clinic.clinician("V9", "Dr Visits")
        clinic.publish(clinician_id=clinician)
        visit, sitting = clinic.book(patient, clinic.slots()[0].id), clinic.sittings()[0].id
    client.get(f"/calls/{call}")
    who = {"who": "patient", "said_name": "y", "said_second": "y", "contact_point_id": contact}
    client.post(f"/calls/{call}/identity", data=who)
    client.post(f"/calls/{call}/answers", data={"question": "danger", "value": ["chest_pain"]})
    client.post("/logout")
    login("group_administrator")
    table = b"MRN,Visit,Admitted,Discharged\nM1,V1,2026-03-01,2026-03-02\n"
    client.post("/imports", data={"file": (io.BytesIO(table), "a.csv")})
    client.post("/imports/access", data={"name": "engine"})
    with runtime.sessions() as session:
        batch = session.scalars(select(ImportBatch.id)).one()
    client.post(f"/imports/{batch}/profile", data={"name": "monthly"})
    client.post("/figures/views", data={"name": "mine", "page": "overview_page"})
    client.post("/figures/access", data={"name": "dashboard", "reports": ["followup"], "department": ""})
    client.post("/logout")
    with runtime.sessions() as session:
        alert = session.scalars(select(AlertRow.id)).one()
        profile = session.scalars(select(MappingProfile.id)).one()
        token = session.scalars(select(AccessToken.id).where(AccessToken.purpose == TokenPurpose.RECORDS)).one()
    with unit_of_work(runtime.sessions) as session:
        pair = PossibleDuplicate(
            facility_id=facility,
            first_id=patient,
            second_id=patient,
            reasons=[],
            weight=0,
            found_at=runtime.clock.now(),
        )
        session.add(pair)
        session.flush()
        pair_id = pair.id
        response = session.scalars(select(SurveyResponse.id)).one()
        figure_token = session.scalars(select(AccessToken.id).where(AccessToken.purpose == TokenPurpose.FIGURES)).one()
    with unit_of_work(runtime.sessions) as session:
        improvement = begin_improvement(
            session, facility_id=facility, department_id=departments["MED"], figure=Targeted.SATISFIED, month="2026-03",
            before=Rate(1, 2), problem="p", step="s", owner="o", due_on=date(2026, 4, 1), now=runtime.clock.now(),
            actor_user_id=nurse,
        )  # fmt: skip
        appeal_review(
            session, facility_id=facility, month="2026-02", words="w", now=runtime.clock.now(), actor_user_id=nurse
        )
    with runtime.sessions() as session:
        membership = session.scalars(select(Membership.id).where(Membership.user_id == nurse)).one()
    return {
        "patient_id": patient, "other_id": patient, "merge_id": 1, "contact_id": contact, "task_id": call,
        "alert_id": alert, "text_id": inbound, "message_id": message, "phone_id": 1, "batch_id": batch,
        "response_id": response, "token_id": token, "profile_id": profile, "pair_id": pair_id,
        "figure_token_id": figure_token,
        "view_id": 1, "appeal_id": 1, "improvement_id": improvement,
        "user_id": nurse, "membership_id": membership, "department_id": departments["MED"],
        "visit_id": visit, "sitting_id": sitting, "clinician_id": clinician,
        "facility_id": facility, "year": 2026, "plan_id": plan, "version": 1, "where": "up", "what": "retire",
    }  # fmt: skip


def reached(app: Any, client: Any, ids: Mapping[str, int]) -> list[str]:
    """The addresses of these things that answer with anything but 403 or 404."""
    with app.test_request_context():
        calls = [
            (method, app.url_for(rule.endpoint, **{name: ids.get(name, "leave") for name in rule.arguments}))
            for rule in app.url_map.iter_rules()
            if rule.arguments & set(ids) and not rule.rule.startswith("/webhooks")
            for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        ]
    assert len(calls) > 40
    found = []
    for method, address in calls:
        status = client.open(address, method=method, buffered=True).status_code
        if status not in {403, 404}:
            found.append(f"{method} {address}: {status}")
    return found


@pytest.mark.usefixtures("demonstration")
@pytest.mark.parametrize("role", ["service_agent", "administrator", "department_head", "group_administrator"])
def test_nothing_of_another_hospital_exists(app: Any, client: Any, runtime: Runtime, ids: Any, role: str) -> None:
    with unit_of_work(runtime.sessions) as session:
        other = Facility(
            code="OTHER", name="Other", name_zh="", timezone="Asia/Shanghai", country="CN", phone="",
            settings={}, created_at=runtime.clock.now(),
        )  # fmt: skip
        session.add(other)
        session.flush()
        create_user(
            session, username="stranger", password=PASSWORD, display_name="s", language="en",
            memberships=[MembershipSnapshot(other.id, Role(role))], now=runtime.clock.now(),
        )  # fmt: skip
    client.post("/login", data={"username": "stranger", "password": PASSWORD})

    assert reached(app, client, ids) == []
    for page in (
        "/today",
        "/alerts",
        "/inbox",
        "/imports",
        "/users",
        "/overview",
        "/figures/patients?figure=tasks&part=planned",
    ):
        answer = client.get(page)
        assert answer.status_code in {200, 403}
        assert "王小明" not in answer.text
    assert "王小明" not in client.post("/patients", data={"q": "M1"}).text


@pytest.mark.parametrize("role", ["nurse", "department_head"])
def test_nothing_of_another_ward_is_open(
    app: Any, client: Any, login: Login, ids: Any, departments: dict[str, int], role: str
) -> None:
    login(role, departments["SUR"])
    assert reached(app, client, ids) == []
    for page in ("/today", "/alerts", "/inbox", "/overview", "/figures/patients?figure=tasks&part=planned"):
        assert "王小明" not in client.get(page).text
    department = departments["MED"]
    assert client.get(f"/figures/patients?figure=tasks&part=planned&department={department}").status_code in {403, 404}
    assert "王小明" not in client.get(f"/today?department={department}").text


IMPOSSIBLE = ("9" * 30, "a" * 5000)


def test_no_argument_of_an_address_breaks_a_page(client: Any, login: Login, ids: Any, runtime: Runtime) -> None:
    pages = {
        "manager": [
            "/today?department={}", "/today?tier={}", "/today?rows={}", "/today?state={}", "/alerts?whose={}",
            "/visits?view={}", "/visits?on={}", "/visits?department={0}&clinician={0}", "/visits/day-list?on={}",
            "/visits/figures?from={}", "/visits/figures?to={}",
            "/alerts?cause={}", "/overview?period={}", "/overview?department={}", "/overview?facility={}",
            "/figures/patients?figure=tasks&part=planned&page={}",
            "/figures/patients?figure=tasks&part=planned&tier={}",
            "/figures/patients?figure=tasks&part=planned&reason={}",
            "/figures/patients?figure=revisits&part=excluded&reason={}",
            "/figures/patients?figure=answers&question={}", "/figures/patients?figure=answers&questionnaire={}",
            "/figures/patients?figure={}", "/figures/patients?figure=revisits&part=numerator&measure={}",
            "/figures/followup.csv?tier={}", "/figures/followup.csv?by={}", "/figures/departments?sort={}",
            f"/patients/{ids['patient_id']}?show={{}}",
        ],
        "auditor": [
            "/audit?before={}", "/audit?patient={}", "/audit?who={}", "/audit?since={}", "/audit?until={}",
            "/audit?action={}",
        ],
        "service_agent": [
            "/inbox?page={}", f"/calls/{ids['task_id']}?question={{}}", "/visits/book?patient={}",
            f"/visits/book?patient={ids['patient_id']}&encounter={{}}",
            f"/visits/book?patient={ids['patient_id']}&department={{0}}&clinician={{0}}&from={{0}}&moving={{0}}",
        ],
        "administrator": ["/imports?page={}"],
    }  # fmt: skip
    broken = []
    for role, addresses in pages.items():
        login(role)
        for address in addresses:
            for value in (*IMPOSSIBLE, *(("0001-01-01", "9999-12-31") if role == "auditor" else ())):
                status = client.get(address.format(value)).status_code
                if status >= 500:
                    broken.append(f"{address.format(value)[:90]}: {status}")
        client.post("/logout")

    assert broken == []


def test_no_value_of_a_form_breaks_a_call(
    client: Any, login: Login, ids: Any, departments: dict[str, int], runtime: Runtime
) -> None:
    login("nurse", departments["MED"])
    task, patient = ids["task_id"], ids["patient_id"]
    broken = []
    for text in (*IMPOSSIBLE, "0001-01-01T00:00", "9999-12-31T23:59", "\ud800"):
        value = text.encode("utf-8", "surrogatepass")
        forms = {
            f"/calls/{task}/outcome": {"key": value, "connection": "answered_patient",
                "disposition": "callback_requested", "callback_at": value, "note": value},
            f"/calls/{task}/proposal": {"key": value, "connection": "no_answer", "contact_point_id": value},
            f"/calls/{task}/identity": {"who": "proxy", "contact_point_id": value},
            f"/calls/{task}/answers": {"question": value, "value": value},
            f"/patients/{patient}/numbers": {"number": value, "owner_kind": "relative", "owner_name": value,
                "relationship": value},
            f"/patients/{patient}/numbers/{ids['contact_id']}": {"owner_kind": "relative", "owner_name": value,
                "relationship": value},
            f"/visits/{ids['visit_id']}": {"do": "move", "slot": value, "comment": value, "back": value},
            "/visits/book": {"slot": value, "patient": value, "encounter": value, "back": value},
            "/visits/wait": {"patient": value, "department": value, "first_on": value, "last_on": value},
            f"/alerts/{ids['alert_id']}/resolve": {"cause": value, "action": value, "note": value},
            f"/inbox/{ids['text_id']}/close": {"outcome": value, "note": value},
            f"/inbox/{ids['text_id']}/hand-over": {"colleague": value},
            f"/inbox/{ids['text_id']}/whose": {"patient": value},
            f"/inbox/{ids['text_id']}/answer": {"answer": value},
            "/patients": {"q": value},
            "/facility": {"facility": value},
            "/login": {"username": value, "password": value},
        }  # fmt: skip
        for address, form in forms.items():
            status = client.post(address, data=form).status_code
            if status >= 500:
                broken.append(f"{address} {value[:20]!r}: {status}")

    assert broken == []
