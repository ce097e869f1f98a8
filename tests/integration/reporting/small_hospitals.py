"""Small hospitals as Hypothesis makes them, as plain objects and as rows of the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.orm import Session

from hcrm.appointments.models import Appointment
from hcrm.followup.domain.attempts import Connection
from hcrm.followup.domain.task import TaskReason
from hcrm.followup.models import AttemptRow, TaskRow
from hcrm.patients.models import Encounter, Patient
from hcrm.survey.models import SurveyAnswer, SurveyResponse

ZONE = ZoneInfo("Asia/Shanghai")
BEGIN = datetime(2026, 1, 1, tzinfo=ZONE)
DAYS = 75
NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
DIAGNOSES = ("", "I21.0", "i210", "J44.1", "Z51.1", "O80 birth", "unwell")
STEPS = (
    ("welcome", None, "sms", None),
    ("clinical_call", 1, "phone", "CLIN_GEN"),
    ("survey", 2, "sms", "SAT_IP"),
    ("recall", 1, "phone", None),
    ("home_visit", 3, "home_visit", None),
)
QUESTIONS = ("overall", "nurse_comm", "recommend")


@dataclass(frozen=True)
class Person:
    id: int
    into: int
    born_on: date | None
    died_on: date | None


@dataclass(frozen=True)
class PlainStay:
    id: int
    patient: int
    kind: str
    status: str
    begins: datetime
    ends: datetime
    department: int | None
    clinician: int | None
    disposition: str
    diagnosis: str
    planned: bool | None
    return_plan: bool | None
    post_acute: bool

    @property
    def ended_on(self) -> date:
        return self.ends.astimezone(ZONE).date()


@dataclass(frozen=True)
class PlainTask:
    id: int
    stay: PlainStay
    step: str
    tier: int | None
    channel: str
    form: str | None
    department: int | None
    clinician: int | None
    assignee: int | None
    ended_by: int | None
    due_at: datetime
    status: str
    reason: str | None
    ended_at: datetime | None
    first_attempt_at: datetime | None
    reached_at: datetime | None
    completed_at: datetime | None

    @property
    def due_on(self) -> date:
        return self.due_at.astimezone(ZONE).date()


@dataclass(frozen=True)
class PlainTry:
    id: int
    task: PlainTask
    at: datetime
    connection: str
    by_patient: bool


@dataclass(frozen=True)
class PlainAnswer:
    question: str
    value: int | str
    mode: str
    at: datetime
    superseded: bool


@dataclass(frozen=True)
class PlainResponse:
    id: int
    stay: PlainStay
    department: int | None
    state: str
    invited_at: datetime
    delivered: bool
    answers: tuple[PlainAnswer, ...]


@dataclass(frozen=True)
class PlainVisit:
    patient: int
    department: int
    state: str
    booked_at: datetime
    starts_at: datetime


@dataclass(frozen=True)
class Hospital:
    people: tuple[Person, ...]
    stays: tuple[PlainStay, ...]
    tasks: tuple[PlainTask, ...]
    tries: tuple[PlainTry, ...]
    responses: tuple[PlainResponse, ...]
    visits: tuple[PlainVisit, ...]
    departments: tuple[int, ...] = field(default=())

    def person(self, patient: int) -> int:
        return next(each.into for each in self.people if each.id == patient)

    def died_on(self, patient: int) -> date | None:
        """The day of death as told by any record of the person."""
        days = [each.died_on for each in self.people if each.into == self.person(patient) and each.died_on]
        return min(days, default=None)


def _moments(first: int = 0, last: int = DAYS) -> st.SearchStrategy[datetime]:
    hours = st.integers(first * 24, last * 24)
    return st.builds(lambda hour: (BEGIN + timedelta(hours=hour)).astimezone(UTC), hours)


def _maybe(strategy: st.SearchStrategy[datetime]) -> st.SearchStrategy[datetime | None]:
    return st.one_of(st.none(), strategy)


@st.composite
def _people(draw: st.DrawFn) -> tuple[Person, ...]:
    number = draw(st.integers(1, 4))
    merged = draw(st.booleans()) and number > 1
    return tuple(
        Person(
            at,
            1 if merged and at == number else at,
            draw(st.sampled_from([None, date(1940, 2, 29), date(1990, 1, 20), date(2020, 6, 1)])),
            draw(st.sampled_from([None, None, None, date(2026, 1, 25)])),
        )
        for at in range(1, number + 1)
    )


@st.composite
def _stay(draw: st.DrawFn, at: int, people: int, places: tuple[int, ...], clinicians: tuple[int, ...]) -> PlainStay:
    begins = draw(_moments(0, 60))
    return PlainStay(
        id=at,
        patient=draw(st.integers(1, people)),
        kind=draw(st.sampled_from(["IMP", "IMP", "IMP", "EMER", "OBSENC", "SS"])),
        status=draw(st.sampled_from(["finished"] * 6 + ["in_progress", "cancelled"])),
        begins=begins,
        ends=begins + timedelta(hours=draw(st.sampled_from([0, 5, 24, 72, 200]))),
        department=draw(st.sampled_from([*places, None])),
        clinician=draw(st.sampled_from([*clinicians, None])),
        disposition=draw(st.sampled_from(["home"] * 4 + ["expired", "against_advice", "transfer_acute", "admitted"])),
        diagnosis=draw(st.sampled_from(DIAGNOSES)),
        planned=draw(st.sampled_from([None, True, False])),
        return_plan=draw(st.sampled_from([None, None, True, False])),
        post_acute=draw(st.integers(0, 9)) == 0,
    )


@st.composite
def _task(
    draw: st.DrawFn, at: int, stays: list[PlainStay], places: tuple[int, ...], staff: tuple[int, ...]
) -> PlainTask:
    step, tier, channel, form = draw(st.sampled_from(STEPS))
    stay, due_at = draw(st.sampled_from(stays)), draw(_moments(5, DAYS))
    around = st.builds(lambda hours: due_at + timedelta(hours=hours), st.sampled_from([-30, -1, 0, 1, 3, 30]))
    return PlainTask(
        id=at,
        stay=stay,
        step=step,
        tier=tier,
        channel=channel,
        form=form,
        department=draw(st.sampled_from([stay.department, *places, None])),
        clinician=stay.clinician,
        assignee=draw(st.sampled_from([None, *staff])),
        ended_by=draw(st.sampled_from([None, None, *staff])),
        due_at=due_at,
        status=draw(
            st.sampled_from(["open", "on_hold", "completed", "completed", "failed", "cancelled", "entered_in_error"])
        ),
        reason=draw(st.sampled_from([None, *TaskReason])),
        ended_at=draw(_maybe(around)),
        first_attempt_at=draw(_maybe(around)),
        reached_at=draw(_maybe(around)),
        completed_at=draw(_maybe(around)),
    )


@st.composite
def _response(draw: st.DrawFn, at: int, stays: list[PlainStay], places: tuple[int, ...]) -> PlainResponse:
    invited_at = draw(_moments(5, 60))
    answers = [
        PlainAnswer(
            question,
            draw(st.one_of(st.integers(1, 5), st.just("na"))) if question != "recommend" else draw(st.integers(0, 10)),
            draw(st.sampled_from(["sms", "web", "phone", "visit"])),
            invited_at + timedelta(hours=draw(st.integers(0, 240))),
            draw(st.integers(0, 6)) == 0,
        )
        for question in draw(st.lists(st.sampled_from(QUESTIONS), unique=True))
    ]
    stay = draw(st.sampled_from(stays))
    return PlainResponse(
        at,
        stay,
        draw(st.sampled_from([*places, None])),
        draw(st.sampled_from(["completed", "completed", "partial", "expired", "ineligible", "refused", "invited"])),
        invited_at,
        draw(st.booleans()),
        tuple(answers),
    )


@st.composite
def hospitals(
    draw: st.DrawFn, places: tuple[int, ...], clinicians: tuple[int, ...], staff: tuple[int, ...]
) -> Hospital:
    """A few people with their stays, tasks, tries, answers and visits; departments, clinicians and staff are given."""
    people = draw(_people())
    stays = [draw(_stay(at, len(people), places, clinicians)) for at in range(1, draw(st.integers(1, 9)) + 1)]
    tasks = [draw(_task(at, stays, places, staff)) for at in range(1, draw(st.integers(0, 9)) + 1)]
    tries = [
        PlainTry(at, draw(st.sampled_from(tasks)), draw(_moments()), draw(st.sampled_from(list(Connection))), again)
        for at, again in enumerate(draw(st.lists(st.booleans(), max_size=6)) if tasks else [], 1)
    ]
    responses = [draw(_response(at, stays, places)) for at in range(1, draw(st.integers(0, 7)) + 1)]
    visits = [
        PlainVisit(
            # One visit for each person: nobody can be in two places at once.
            person.id,
            draw(st.sampled_from(places)),
            draw(st.sampled_from(["booked", "arrived", "fulfilled", "noshow", "cancelled"])),
            draw(_moments(0, 60)),
            draw(_moments(0, DAYS)),
        )
        for person in people
        if draw(st.booleans())
    ]
    return Hospital(people, tuple(stays), tuple(tasks), tuple(tries), tuple(responses), tuple(visits), places)


def write(session: Session, facility: int, version: int, hospital: Hospital) -> None:
    """Put a hospital into the database, under the ids that its objects have."""
    _bulk(session, Patient, [_patient(facility, each) for each in hospital.people])
    _bulk(session, Encounter, [_encounter(facility, each) for each in hospital.stays])
    _bulk(session, TaskRow, [_task_row(facility, each) for each in hospital.tasks])
    _bulk(session, AttemptRow, [_attempt(facility, each) for each in hospital.tries])
    _bulk(session, SurveyResponse, [_response_row(facility, version, each) for each in hospital.responses])
    _bulk(session, SurveyAnswer, [row for each in hospital.responses for row in _answers(facility, each)])
    _bulk(session, Appointment, [_visit(facility, each) for each in hospital.visits])


def _bulk(session: Session, model: type, rows: list[dict[str, object]]) -> None:
    if rows:
        session.execute(insert(model), rows)


def _patient(facility: int, each: Person) -> dict[str, object]:
    return {
        "id": each.id, "facility_id": facility, "person_id": each.into, "full_name": f"P{each.id}",
        "name_sort_key": f"p{each.id}", "birth_date": each.born_on, "deceased_on": each.died_on, "language": "en",
        "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip


def _encounter(facility: int, each: PlainStay) -> dict[str, object]:
    over = each.status != "in_progress"
    return {
        "id": each.id, "facility_id": facility, "patient_id": each.patient, "source": "test",
        "visit_number": f"V{each.id}", "encounter_class": each.kind, "post_acute": each.post_acute,
        "status": each.status, "planned": each.planned, "admitted_at": each.begins,
        "admitted_on": each.begins.astimezone(ZONE).date(), "discharged_at": each.ends if over else None,
        "discharged_on": each.ended_on if over else None, "department_id": each.department,
        "clinician_id": each.clinician, "disposition": each.disposition, "principal_diagnosis": each.diagnosis,
        "readmission_plan_31d": each.return_plan, "head_hash": 0, "head_event_at": NOW, "created_at": NOW,
        "updated_at": NOW,
    }  # fmt: skip


def _task_row(facility: int, each: PlainTask) -> dict[str, object]:
    return {
        "id": each.id, "facility_id": facility, "encounter_id": each.stay.id, "patient_id": each.stay.patient,
        "department_id": each.department, "clinician_id": each.clinician, "step_code": each.step, "tier": each.tier,
        "channel": each.channel, "performer_role": "nurse", "assignee_user_id": each.assignee,
        "ended_by_user_id": each.ended_by, "questionnaire_code": each.form, "window_starts_at": each.due_at,
        "target_at": each.due_at, "due_at": each.due_at, "due_on": each.due_on, "discharged_on": each.stay.ended_on,
        "status": each.status, "reason": each.reason, "risk": "low", "attempt_count": 0,
        "first_attempt_at": each.first_attempt_at, "reached_at": each.reached_at, "completed_at": each.completed_at,
        "ended_at": each.ended_at, "condition": "always", "self_reported": False, "generation": 1, "created_at": NOW,
    }  # fmt: skip


def _attempt(facility: int, each: PlainTry) -> dict[str, object]:
    return {
        "id": each.id, "facility_id": facility, "task_id": each.task.id, "connection": each.connection, "note": "",
        "started_at": each.at, "self_reported": each.by_patient, "key": f"try{each.id}",
    }  # fmt: skip


def _response_row(facility: int, version: int, each: PlainResponse) -> dict[str, object]:
    return {
        "id": each.id, "facility_id": facility, "questionnaire_version_id": version, "patient_id": each.stay.patient,
        "encounter_id": each.stay.id, "department_id": each.department, "state": each.state,
        "respondent": "patient", "invited_at": each.invited_at,
        "delivered_at": each.invited_at if each.delivered else None, "expires_at": NOW, "help_sent": False,
    }  # fmt: skip


def _answers(facility: int, each: PlainResponse) -> list[dict[str, object]]:
    return [
        {
            "facility_id": facility, "response_id": each.id, "question_code": answer.question, "value": answer.value,
            "mode": answer.mode, "respondent": "patient", "answered_at": answer.at, "late": False,
            "superseded_at": answer.at if answer.superseded else None,
        }
        for answer in each.answers
    ]  # fmt: skip


def _visit(facility: int, each: PlainVisit) -> dict[str, object]:
    return {
        "facility_id": facility, "patient_id": each.patient, "department_id": each.department, "room": "",
        "starts_at": each.starts_at, "ends_at": each.starts_at + timedelta(minutes=20), "state": each.state,
        "booked_at": each.booked_at, "booked_via": "staff", "generation": 1, "declined": [],
    }  # fmt: skip
