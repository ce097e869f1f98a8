"""Everything that the screen of one call shows, read together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import and_, cast, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.queries import user_names
from hcrm.followup.domain.alerts import QUALITY, AlertStatus
from hcrm.followup.domain.attempts import number_to_dial
from hcrm.followup.domain.plan import PerformerRole
from hcrm.followup.domain.risk import RiskAssessment, assess_risk
from hcrm.followup.domain.task import TaskFacts, TaskState, task_state
from hcrm.followup.models import AlertRow, AttemptRow, EnrolmentRow, PlanVersionRow, TaskRow
from hcrm.followup.queries.attempts import as_record
from hcrm.followup.queries.enrolment import emergency_visits, id_array
from hcrm.followup.queries.rows import shared_numbers
from hcrm.followup.queries.state import is_leased
from hcrm.followup.queries.today import RECALL, made_first_call
from hcrm.messaging.domain import MessageSnapshot
from hcrm.messaging.queries import messages_of_tasks
from hcrm.organization.domain import DepartmentSnapshot, FacilitySnapshot
from hcrm.organization.models import Clinician, Department, Facility
from hcrm.organization.queries import department_snapshot
from hcrm.organization.queries import snapshot as facility_snapshot
from hcrm.patients.domain import ContactSnapshot, EncounterSnapshot, PatientSnapshot
from hcrm.patients.models import Encounter, EncounterLocation, Patient
from hcrm.patients.queries import contacts, encounter_snapshots, patient_snapshots

_Same = aliased(Patient)
_EARLIER_WARDS = (
    select(EncounterLocation.department_id)
    .where(EncounterLocation.encounter_id == TaskRow.encounter_id)
    .correlate(TaskRow)
    .scalar_subquery()
)


@dataclass(frozen=True, slots=True)
class TaskAccess:
    """What decides who may open a task."""

    facility_id: int
    patient_id: int
    encounter_id: int
    performer_role: PerformerRole
    department_ids: frozenset[int]
    own_check: bool


@dataclass(frozen=True, slots=True)
class PastAttempt:
    """One call made before, on any task of this stay."""

    at: datetime
    attempt: AttemptRow
    step_code: str
    user: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its owner, what calls to it came to, how many persons share it; ``first``: to be tried first."""

    contact: ContactSnapshot
    last: AttemptRow | None
    shared_by: int
    first: bool = False


@dataclass(frozen=True, slots=True)
class CallView:
    """One task with its patient, stay and history. ``state`` is the derived state; ``held_by`` names the holder."""

    task: TaskRow
    state: TaskState
    held_by: str | None
    held_by_user_id: int | None
    ended_by: str | None
    facility: FacilitySnapshot
    department: DepartmentSnapshot | None
    clinician: str | None
    patient: PatientSnapshot
    stay: EncounterSnapshot
    procedures: tuple[str, ...]
    step_name: tuple[str, str]
    numbers: tuple[Number, ...]
    attempts: tuple[PastAttempt, ...]
    messages: tuple[tuple[str, MessageSnapshot], ...]
    alerts: tuple[AlertRow, ...]
    risk: RiskAssessment

    @property
    def earlier(self) -> list[tuple[datetime, str, MessageSnapshot | None, PastAttempt | None]]:
        """What was before, newest first: when, the step's code, and the text or the call."""
        texts = [(text.sent_at or text.created_at, code, text, None) for code, text in self.messages]
        calls = [(call.at, call.step_code, None, call) for call in self.attempts]
        return sorted([*texts, *calls], key=lambda each: each[0], reverse=True)

    @property
    def language_needed(self) -> str:
        """The language in which somebody has to speak with the patient, as an earlier caller found."""
        said = [each.attempt.interpreter for each in self.attempts if each.attempt.interpreter]
        return said[-1] if said else ""

    @property
    def zone(self) -> ZoneInfo:
        return self.facility.zone

    def days_since(self, now: datetime) -> int:
        """Calendar days since the discharge; the day of discharge is day 0."""
        return (now.astimezone(self.zone).date() - self.task.discharged_on).days

    def age(self, now: datetime) -> int | None:
        return self.patient.age_on(now.astimezone(self.zone).date())


def task_access(session: Session, task_id: int, user_id: int) -> TaskAccess | None:
    """Who may open this task; None when there is no such task. ``own_check``: a re-call of this person's own call."""
    row = session.execute(
        select(
            TaskRow.facility_id,
            TaskRow.patient_id,
            TaskRow.encounter_id,
            TaskRow.performer_role,
            Encounter.department_id,
            func.array(_EARLIER_WARDS),
            (TaskRow.step_code == RECALL) & made_first_call(user_id),
        )
        .join(Encounter, Encounter.id == TaskRow.encounter_id)
        .where(TaskRow.id == task_id)
    ).one_or_none()
    if row is None:
        return None
    facility_id, patient_id, encounter_id, performer, last_ward, earlier_wards, own_check = row
    wards = frozenset(each for each in (last_ward, *earlier_wards) if each is not None)
    return TaskAccess(facility_id, patient_id, encounter_id, performer, wards, own_check)


class _Facts(NamedTuple):
    """A task with what hangs on it alone: one row."""

    task: TaskRow
    leased: bool | None
    facility: Facility
    department: Department | None
    clinician: str | None
    procedures: Sequence[Sequence[str]]
    step: Mapping[str, str] | None


def _facts(session: Session, task_id: int) -> _Facts:
    """Raises ``LookupError`` when there is no such task."""
    with_this_code = cast("$.steps[*] ? (@.code == $code)", JSONPATH)
    code = func.jsonb_build_object("code", TaskRow.step_code)
    step = func.jsonb_path_query_first(PlanVersionRow.definition, with_this_code, code)
    row = session.execute(
        select(TaskRow, is_leased(), Facility, Department, Clinician.name, Encounter.procedures, step)
        .join(Facility, Facility.id == TaskRow.facility_id)
        .join(Encounter, Encounter.id == TaskRow.encounter_id)
        .outerjoin(Department, and_(Department.id == TaskRow.department_id, Department.active))
        .outerjoin(Clinician, Clinician.id == TaskRow.clinician_id)
        .outerjoin(EnrolmentRow, EnrolmentRow.id == TaskRow.enrolment_id)
        .outerjoin(PlanVersionRow, PlanVersionRow.id == EnrolmentRow.plan_version_id)
        .where(TaskRow.id == task_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise LookupError(task_id)
    return _Facts(*row)


def call_view(session: Session, task_id: int, *, now: datetime) -> CallView:
    """What the call screen of this task shows. Raises ``LookupError`` when there is no such task."""
    found = _facts(session, task_id)
    task, leased = found.task, bool(found.leased)
    all_tasks = _tasks(session, task)
    attempts = _attempts(session, all_tasks)
    names = user_names(session, _users(task, attempts))
    stay = encounter_snapshots(session, [task.encounter_id])[0]
    return CallView(
        task=task,
        state=task_state(TaskFacts(task.status, task.window_starts_at, task.due_at, leased=leased), now),
        held_by=names.get(task.lease_user_id or 0) if leased else None,
        held_by_user_id=task.lease_user_id if leased else None,
        ended_by=names.get(task.ended_by_user_id or 0),
        facility=facility_snapshot(found.facility),
        department=None if found.department is None else department_snapshot(found.department),
        clinician=found.clinician,
        patient=patient_snapshots(session, [task.patient_id])[task.patient_id],
        stay=stay,
        procedures=tuple(_procedure(entry) for entry in found.procedures if entry),
        step_name=(found.step["name_en"], found.step["name_zh"]) if found.step else (task.step_code, task.step_code),
        numbers=_numbers(session, task, attempts),
        attempts=tuple(
            PastAttempt(each.started_at, each, _step_code(all_tasks, each.task_id), names.get(each.user_id or 0, ""))
            for each in attempts
        ),
        messages=_messages(session, all_tasks),
        alerts=_open_alerts(session, task),
        risk=_risk(session, stay),
    )


def _users(task: TaskRow, attempts: Sequence[AttemptRow]) -> set[int]:
    known = {task.lease_user_id, task.ended_by_user_id, *(each.user_id for each in attempts)}
    return {each for each in known if each is not None}


def _tasks(session: Session, task: TaskRow) -> list[TaskRow]:
    """The tasks of all plans of the stay and of the plans of the patient, and single ones of the stay, this one too.

    Who calls has to know of every call and text, whichever plan it came from.
    """
    of_stay = and_(EnrolmentRow.encounter_id == task.encounter_id, EnrolmentRow.status != literal_column("'cancelled'"))
    of_patient = and_(EnrolmentRow.patient_id == task.patient_id, EnrolmentRow.scope == literal_column("'patient'"))
    runs = select(EnrolmentRow.id).where(or_(of_stay, of_patient, EnrolmentRow.id == task.enrolment_id))
    in_runs = TaskRow.enrolment_id == func.any(func.array(runs.scalar_subquery()))
    single = and_(TaskRow.enrolment_id.is_(None), TaskRow.encounter_id == task.encounter_id)
    found = session.scalars(
        select(TaskRow)
        .where(or_(in_runs, single), TaskRow.status != literal_column("'entered_in_error'"))
        .order_by(TaskRow.window_starts_at, TaskRow.id)
    ).all()
    return [*found] if task in found else [task, *found]


def _procedure(entry: Sequence[str]) -> str:
    """What was done in words, else its code."""
    return str(entry[1] or entry[0]) if len(entry) > 1 else str(entry[0])


def _attempts(session: Session, tasks: Sequence[TaskRow]) -> list[AttemptRow]:
    return list(
        session.scalars(
            select(AttemptRow)
            .where(AttemptRow.task_id == func.any(id_array([each.id for each in tasks])))
            .order_by(AttemptRow.started_at, AttemptRow.id)
        )
    )


def _step_code(tasks: Sequence[TaskRow], task_id: int) -> str:
    return next((each.step_code for each in tasks if each.id == task_id), "")


def _numbers(session: Session, task: TaskRow, attempts: Sequence[AttemptRow]) -> tuple[Number, ...]:
    known = contacts(session, [task.patient_id]).get(task.patient_id, [])
    last = {each.contact_point_id: each for each in attempts}
    shared = shared_numbers(session, known)
    earlier = tuple(as_record(each) for each in attempts)
    first = number_to_dial(tuple(each.id for each in known if each.usable), earlier)
    numbers = [Number(each, last.get(each.id), shared.get(each.number or "", 0), each.id == first) for each in known]
    return tuple(sorted(numbers, key=lambda number: not number.first))


def _messages(session: Session, tasks: Sequence[TaskRow]) -> tuple[tuple[str, MessageSnapshot], ...]:
    by_task = messages_of_tasks(session, [each.id for each in tasks])
    found = [(_step_code(tasks, task_id), each) for task_id, sent in by_task.items() for each in sent]
    return tuple(sorted(found, key=lambda entry: entry[1].created_at))


def _open_alerts(session: Session, task: TaskRow) -> tuple[AlertRow, ...]:
    person = select(Patient.person_id).where(Patient.id == task.patient_id).scalar_subquery()
    records = select(_Same.id).where(_Same.person_id == person)
    return tuple(
        session.scalars(
            select(AlertRow)
            .where(
                AlertRow.patient_id.in_(records),
                AlertRow.status != AlertStatus.RESOLVED,
                AlertRow.owner_role != QUALITY,
            )
            .order_by(AlertRow.due_at, AlertRow.id)
        )
    )


def _risk(session: Session, stay: EncounterSnapshot) -> RiskAssessment:
    """The parts of the risk, as known today; the level that the plan was made with is the enrolment's."""
    admitted: date | None = stay.admitted_on
    nights = None if admitted is None or stay.discharged_on is None else (stay.discharged_on - admitted).days
    acute = stay.encounter_class.value in ("EMER", "OBSENC")
    return assess_risk(
        days_in_hospital=nights,
        planned=False if acute else stay.planned,
        diagnoses=(stay.principal_diagnosis, *stay.diagnoses),
        emergency_visits=emergency_visits(session, [stay.id]).get(stay.id, 0),
    )
