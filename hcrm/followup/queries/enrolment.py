"""What enrolment and reconciliation read of stays, persons and consents, in sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Dialect,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    or_,
    select,
    true,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Session, aliased
from sqlalchemy.types import UserDefinedType

from hcrm.events import StayOutline
from hcrm.followup.domain.plan import PlanScope
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason
from hcrm.followup.models import EnrolmentRow
from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    EncounterClass,
    EncounterStatus,
)
from hcrm.patients.models import Consent, Encounter, Patient

LOOK_BACK_DAYS = 180

Candidate: TypeAlias = StayOutline
"""A discharge that has no plan yet."""

CANDIDATE_COLUMNS = (
    Encounter.id,
    Encounter.facility_id,
    Encounter.patient_id,
    Patient.person_id,
    type_coerce(Encounter.encounter_class, String),
    type_coerce(Encounter.disposition, String),
    Encounter.post_acute,
    Encounter.admitted_on,
    Encounter.discharged_on,
    Encounter.planned,
    Encounter.diagnoses,
    Encounter.principal_diagnosis,
    func.nullif(Encounter.procedures, literal_column("'[]'::jsonb"), type_=JSONB),
    Encounter.department_id,
    Encounter.clinician_id,
    Patient.open_dispute,
    type_coerce(Patient.deceased_state, String),
    Patient.deceased_on,
    Patient.birth_date,
)
"""The fields of a ``Candidate``, in their order."""


class _IdText(UserDefinedType[Collection[int]]):
    """Ids as the text of an array: the driver's own lists cost more to send than the ids to look up."""

    cache_ok = True

    def get_col_spec(self, **_options: Any) -> str:
        return "BIGINT[]"

    def bind_processor(self, dialect: Dialect) -> Callable[[Collection[int] | None], str | None]:  # noqa: ARG002
        return lambda ids: None if ids is None else "{" + ",".join(map(str, ids)) + "}"


def id_array(ids: Collection[int]) -> Any:
    """Ids as one array parameter: its length does not change the statement, and the planner sees it."""
    return cast(bindparam(None, ids, type_=_IdText()), ARRAY(BigInteger))


def candidates(session: Session, encounter_ids: Collection[int]) -> list[Candidate]:
    """What plans need to know of the finished stays among ``encounter_ids``.

    Left out are those that a plan was started for, except one that was entered in error.
    """
    started = (
        select(EnrolmentRow.id)
        .where(
            EnrolmentRow.encounter_id == Encounter.id,
            or_(
                EnrolmentRow.status != EnrolmentStatus.CANCELLED,
                EnrolmentRow.reason != TaskReason.ENTERED_IN_ERROR,
            ),
        )
        .exists()
    )
    rows = session.execute(
        select(*CANDIDATE_COLUMNS)
        .join(Patient, Patient.id == Encounter.patient_id)
        .where(
            Encounter.id == func.any(id_array(encounter_ids)),
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.discharged_on.is_not(None),
            Encounter.discharged_at.is_not(None),
            ~started,
        )
        .order_by(Encounter.id)
    )
    return [Candidate(*row) for row in rows]


def stays_with_ended_plans(session: Session, encounter_ids: Collection[int]) -> list[int]:
    """Those of the stays that had a plan which was cancelled."""
    return list(
        session.scalars(
            select(EnrolmentRow.encounter_id)
            .where(
                EnrolmentRow.encounter_id == func.any(id_array(encounter_ids)),
                EnrolmentRow.status == EnrolmentStatus.CANCELLED,
            )
            .distinct()
        )
    )


def running_patient_plans(session: Session, person_ids: Collection[int]) -> set[tuple[int, int]]:
    """Person and plan of the plans of the patient that run or pause for these persons, over all their records."""
    if not person_ids:
        return set()
    rows = session.execute(
        select(Patient.person_id, EnrolmentRow.plan_id)
        .join(EnrolmentRow, EnrolmentRow.patient_id == Patient.id)
        .where(
            Patient.person_id == func.any(id_array(person_ids)),
            EnrolmentRow.scope == literal_column("'patient'"),
            EnrolmentRow.status.in_((EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED)),
        )
    )
    return {(person_id, plan_id) for person_id, plan_id in rows}


def emergency_visits(session: Session, encounter_ids: Collection[int]) -> dict[int, int]:
    """Emergency visits of the person in the 180 days before each stay; stays without any are left out."""
    if not encounter_ids:
        return {}
    rows = session.execute(_emergency_visits(), {"encounter_ids": encounter_ids})
    return dict(rows.tuples().all())


@cache
def _emergency_visits() -> Select[tuple[int, int]]:
    """The statement, made once: putting it together takes longer than running it for one stay."""
    visit = aliased(Encounter)
    stays = _stays_of_persons(bindparam("encounter_ids", type_=_IdText())).cte("stays")
    earlier = (
        select(func.count().label("visits"))
        .where(
            visit.patient_id == stays.c.record_id,
            visit.encounter_class == EncounterClass.EMERGENCY,
            visit.status != EncounterStatus.CANCELLED,
            visit.id != stays.c.encounter_id,
            visit.admitted_on >= stays.c.admitted_on - timedelta(days=LOOK_BACK_DAYS),
            visit.admitted_on <= stays.c.admitted_on,
        )
        .offset(0)
        .lateral("earlier")
    )
    return (
        select(stays.c.encounter_id, cast(func.sum(earlier.c.visits), BigInteger))
        .select_from(stays.join(earlier, true()))
        .group_by(stays.c.encounter_id)
        .having(func.sum(earlier.c.visits) > 0)
    )


def stays_of_persons(encounter_ids: Collection[int]) -> Select[Any]:
    """These stays, each with every record of its person.

    Columns: ``encounter_id``, ``admitted_on``, ``person_id``, ``record_id``.

    Look-ups are lateral, with an offset that keeps them so: run by run through the indexes. As plain joins they are
    planned, while there are no statistics (a first import), as joins of whole tables.
    """
    return _stays_of_persons(bindparam(None, encounter_ids, type_=_IdText()))


def _stays_of_persons(encounter_ids: BindParameter[Collection[int]]) -> Select[Any]:
    wanted = select(func.unnest(cast(encounter_ids, ARRAY(BigInteger))).label("id")).subquery("wanted")
    own, same = aliased(Patient), aliased(Patient)
    stay = (
        select(Encounter.id, Encounter.patient_id, Encounter.admitted_on)
        .where(Encounter.id == wanted.c.id)
        .offset(0)
        .lateral("stay")
    )
    person = select(own.person_id).where(own.id == stay.c.patient_id).offset(0).lateral("person")
    record = select(same.id).where(same.person_id == person.c.person_id).offset(0).lateral("record")
    return select(
        stay.c.id.label("encounter_id"), stay.c.admitted_on, person.c.person_id, record.c.id.label("record_id")
    ).select_from(wanted.join(stay, true()).join(person, true()).join(record, true()))


class Refusal(NamedTuple):
    """A patient does not want to be contacted for this, this way."""

    patient_id: int
    purpose: ConsentPurpose
    channel: ConsentChannel


def refusals(session: Session, patient_ids: Collection[int]) -> list[Refusal]:
    """What these patients refused; the latest statement holds."""
    if not patient_ids:
        return []
    latest = (
        select(Consent.patient_id, Consent.purpose, Consent.channel, Consent.given)
        .distinct(Consent.patient_id, Consent.purpose, Consent.channel)
        .where(Consent.patient_id == func.any(id_array(patient_ids)))
        .order_by(Consent.patient_id, Consent.purpose, Consent.channel, Consent.recorded_at.desc(), Consent.id.desc())
        .subquery()
    )
    rows = session.execute(select(latest.c.patient_id, latest.c.purpose, latest.c.channel).where(~latest.c.given))
    return [Refusal._make(row) for row in rows]


class RunningPlan(NamedTuple):
    """A plan that runs, with the stay as the hospital records it now."""

    enrolment_id: int
    plan_version_id: int
    planned_for: date
    encounter_id: int
    facility_id: int
    encounter_class: EncounterClass
    disposition: Any
    post_acute: bool
    status: EncounterStatus
    discharged_on: date | None
    discharged_at: datetime | None
    department_id: int | None
    clinician_id: int | None
    risk: Any
    procedures: Sequence[Any]


def running_plans(session: Session, encounter_ids: Collection[int]) -> list[RunningPlan]:
    """The plans of these stays that were not cancelled.

    Joined with the ids and not compared with an array: while a first import grows the table faster than its statistics,
    the planner would compare each row with each id.
    """
    changed = select(func.unnest(id_array(encounter_ids)).label("encounter_id")).subquery("changed")
    rows = session.execute(
        select(
            EnrolmentRow.id,
            EnrolmentRow.plan_version_id,
            EnrolmentRow.discharged_on,
            Encounter.id,
            Encounter.facility_id,
            Encounter.encounter_class,
            Encounter.disposition,
            Encounter.post_acute,
            Encounter.status,
            Encounter.discharged_on,
            Encounter.discharged_at,
            Encounter.department_id,
            Encounter.clinician_id,
            EnrolmentRow.risk,
            Encounter.procedures,
        )
        .select_from(changed)
        .join(EnrolmentRow, EnrolmentRow.encounter_id == changed.c.encounter_id)
        .join(Encounter, Encounter.id == changed.c.encounter_id)
        .where(EnrolmentRow.status != EnrolmentStatus.CANCELLED)
    )
    return [RunningPlan._make(row) for row in rows]


class Readmission(NamedTuple):
    """A plan whose patient came back to a ward, with the first admission after the discharge."""

    enrolment_id: int
    admitted_at: datetime
    encounter_id: int


def readmissions(session: Session, encounter_ids: Collection[int]) -> list[Readmission]:
    """Running plans of a stay of these persons that a later admission to a ward interrupts."""
    if not encounter_ids:
        return []
    concerned = stays_of_persons(encounter_ids).subquery()
    persons = select(concerned.c.person_id, concerned.c.record_id).distinct().cte("persons")
    every = (
        select(
            Encounter.id,
            Encounter.admitted_at,
            Encounter.discharged_at,
            and_(
                Encounter.encounter_class == EncounterClass.INPATIENT,
                Encounter.status.in_((EncounterStatus.IN_PROGRESS, EncounterStatus.FINISHED)),
            ).label("on_ward"),
        )
        .where(Encounter.patient_id == persons.c.record_id)
        .offset(0)
        .lateral("every")
    )
    # The state is compared outside, or a planner without statistics reads the index of all running plans for each stay.
    plan = (
        select(EnrolmentRow.id, EnrolmentRow.status, EnrolmentRow.scope)
        .where(EnrolmentRow.encounter_id == every.c.id)
        .offset(0)
        .lateral("plan")
    )
    runs = and_(plan.c.status == EnrolmentStatus.ACTIVE, plan.c.scope == PlanScope.ENCOUNTER)
    rows = session.execute(
        select(
            persons.c.person_id,
            every.c.id,
            every.c.admitted_at,
            every.c.discharged_at,
            every.c.on_ward,
            case((runs, plan.c.id)),
        ).select_from(persons.join(every, true()).outerjoin(plan, true()))
    )
    return _first_returns([_PersonStay._make(row) for row in rows])


class _PersonStay(NamedTuple):
    """One stay of a person, and the plan that runs for it."""

    person_id: int
    encounter_id: int
    admitted_at: datetime | None
    discharged_at: datetime | None
    on_ward: bool
    enrolment_id: int | None


def _first_returns(stays: Sequence[_PersonStay]) -> list[Readmission]:
    """The first admission to a ward after each discharge that has a plan. Joined here: a planner without statistics
    compares every stay of a chunk with every other.
    """
    admissions: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for stay in stays:
        if stay.on_ward and stay.admitted_at is not None:
            admissions[stay.person_id].append((stay.admitted_at, stay.encounter_id))
    found = {}
    for stay in stays:
        if stay.enrolment_id is None or stay.discharged_at is None:
            continue
        later = [
            (admitted_at, encounter_id)
            for admitted_at, encounter_id in admissions[stay.person_id]
            if admitted_at >= stay.discharged_at and encounter_id != stay.encounter_id
        ]
        if later:
            found[stay.enrolment_id] = min(later)
    return [Readmission(enrolment_id, *admission) for enrolment_id, admission in sorted(found.items())]


def enrolments_of_patients(session: Session, patient_ids: Collection[int]) -> dict[int, int]:
    """Patient record by enrolment, for all enrolments of these records."""
    if not patient_ids:
        return {}
    rows = session.execute(
        select(EnrolmentRow.id, EnrolmentRow.patient_id).where(
            EnrolmentRow.patient_id == func.any(id_array(patient_ids))
        )
    )
    return dict(rows.tuples().all())


def enrolments_of_persons(session: Session, person_ids: Collection[int]) -> list[int]:
    """Ids of all enrolments of these persons, over all their records."""
    return list(
        session.scalars(
            select(EnrolmentRow.id)
            .join(Patient, Patient.id == EnrolmentRow.patient_id)
            .where(Patient.person_id == func.any(id_array(person_ids)))
        )
    )
