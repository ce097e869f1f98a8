"""The stay that a contact without the list belongs to, and the open calls that it may settle."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Actor
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.today import is_for, not_own_check
from hcrm.organization.models import Facility
from hcrm.patients.domain import EncounterSnapshot, PatientSnapshot
from hcrm.patients.models import Encounter
from hcrm.patients.queries import (
    departments_of_person,
    encounter_snapshots,
    patient_snapshots,
    person_of,
    records_of_persons,
)


@dataclass(frozen=True, slots=True)
class StayToCall:
    """A stay with its patient and the departments that decide who may see it."""

    stay: EncounterSnapshot
    patient: PatientSnapshot
    department_ids: frozenset[int]


def stay_of_patient(session: Session, patient_id: int) -> StayToCall | None:
    """The latest stay of a person; None for somebody without one. The departments are those of all stays."""
    person_id = person_of(session, patient_id)
    if person_id is None:
        return None
    records = records_of_persons(session, [person_id])
    encounter_id = session.scalar(
        select(Encounter.id)
        .where(Encounter.patient_id == func.any(id_array(records)))
        .order_by(
            func.coalesce(Encounter.discharged_at, Encounter.admitted_at).desc().nulls_last(), Encounter.id.desc()
        )
        .limit(1)
    )
    if encounter_id is None:
        return None
    return _to_call(session, encounter_id, departments_of_person(session, person_id))


def stay_by_visit(session: Session, facility_code: str, visit_number: str) -> StayToCall | None:
    """The stay with this visit number; None when there is none, or when two sources have one each."""
    found = session.scalars(
        select(Encounter.id)
        .join(Facility, Facility.id == Encounter.facility_id)
        .where(Facility.code == facility_code, Encounter.visit_number == visit_number)
        .limit(2)
    ).all()
    return _to_call(session, found[0], None) if len(found) == 1 else None


def _to_call(session: Session, encounter_id: int, wards: frozenset[int] | None) -> StayToCall:
    stay = encounter_snapshots(session, [encounter_id])[0]
    patient = patient_snapshots(session, [stay.patient_id])[stay.patient_id]
    return StayToCall(stay, patient, stay.department_ids if wards is None else wards)


def open_calls_of(session: Session, of: StayToCall, actor: Actor, now: datetime) -> list[TaskRow]:
    """The calls to this patient that are open in their window and that the actor may make, the earliest end first."""
    records = id_array(records_of_persons(session, [of.stay.patient_id]))
    runs = select(EnrolmentRow.id).where(EnrolmentRow.patient_id == func.any(records))
    single = and_(TaskRow.enrolment_id.is_(None), TaskRow.patient_id == func.any(records))
    return list(
        session.scalars(
            select(TaskRow)
            .where(
                or_(TaskRow.enrolment_id.in_(runs), single),
                TaskRow.patient_id == of.stay.patient_id,
                TaskRow.status == TaskStatus.OPEN,
                TaskRow.channel == StepChannel.PHONE,
                TaskRow.window_starts_at <= now,
                is_for(actor),
                not_own_check(actor.user_id),
            )
            .order_by(TaskRow.due_at, TaskRow.id)
        )
    )
