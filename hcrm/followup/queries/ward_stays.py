"""Plans of the patient, with the stays on a ward since they began, and their steps that a stay may hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, literal_column, or_, select, true
from sqlalchemy.orm import Session, aliased

from hcrm.followup.domain.pausing import WardStay
from hcrm.followup.domain.task import EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array, stays_of_persons
from hcrm.patients.domain import EncounterClass, EncounterStatus
from hcrm.patients.models import Encounter, Patient


@dataclass(frozen=True, slots=True)
class PatientPlan:
    """A plan of the patient that runs or pauses, with the stays on a ward since the discharge it began with."""

    enrolment_id: int
    patient_id: int
    status: EnrolmentStatus
    stays: tuple[WardStay, ...]


def patient_plans(session: Session, encounter_ids: Collection[int]) -> list[PatientPlan]:
    """The running and paused plans of the persons of these stays."""
    if not encounter_ids:
        return []
    concerned = stays_of_persons(encounter_ids).subquery()
    persons = select(concerned.c.person_id, concerned.c.record_id).distinct().cte("persons")
    plan = (
        select(EnrolmentRow.id, EnrolmentRow.patient_id, EnrolmentRow.status, EnrolmentRow.encounter_id)
        .where(EnrolmentRow.patient_id == persons.c.record_id, EnrolmentRow.scope == literal_column("'patient'"))
        .offset(0)
        .lateral("plan")
    )
    rows = session.execute(
        select(plan.c.id, plan.c.patient_id, plan.c.status, Encounter.id, Encounter.discharged_at, persons.c.person_id)
        .select_from(persons.join(plan, true()).join(Encounter, Encounter.id == plan.c.encounter_id))
        .where(plan.c.status.in_((EnrolmentStatus.ACTIVE, EnrolmentStatus.PAUSED)))
        .order_by(plan.c.id)
    ).all()
    stays = _stays(session, {row.person_id for row in rows})
    return [
        PatientPlan(
            enrolment_id,
            patient_id,
            status,
            tuple(
                each
                for each in stays[person_id]
                if each.encounter_id != own and left_at is not None and each.admitted_at >= left_at
            ),
        )
        for enrolment_id, patient_id, status, own, left_at, person_id in rows
    ]


def _stays(session: Session, person_ids: Collection[int]) -> Mapping[int, list[WardStay]]:
    found: dict[int, list[WardStay]] = defaultdict(list)
    if not person_ids:
        return found
    person = select(func.unnest(id_array(person_ids)).label("id")).subquery("person")
    record = select(Patient.id).where(Patient.person_id == person.c.id).offset(0).lateral("record")
    stay = (
        select(Encounter.id, Encounter.status, Encounter.admitted_at, Encounter.discharged_at)
        .where(
            Encounter.patient_id == record.c.id,
            Encounter.encounter_class == EncounterClass.INPATIENT,
            Encounter.status.in_((EncounterStatus.IN_PROGRESS, EncounterStatus.FINISHED)),
            Encounter.admitted_at.is_not(None),
        )
        .offset(0)
        .lateral("stay")
    )
    rows = session.execute(
        select(person.c.id, stay.c.id, stay.c.status, stay.c.admitted_at, stay.c.discharged_at).select_from(
            person.join(record, true()).join(stay, true())
        )
    )
    for person_id, encounter_id, status, admitted_at, left_at in rows:
        gone = left_at if status is EncounterStatus.FINISHED else None
        if status is EncounterStatus.IN_PROGRESS or gone is not None:
            found[person_id].append(WardStay(encounter_id, admitted_at, gone))
    return found


@dataclass(frozen=True, slots=True)
class WaitingStep:
    """A step that nobody has done: open, or held or left out because of a stay on a ward."""

    task_id: int
    enrolment_id: int
    status: TaskStatus
    due_at: datetime
    ended_at: datetime | None
    reopened_at: datetime | None


def waiting_steps(session: Session, enrolment_ids: Collection[int]) -> Sequence[WaitingStep]:
    """The steps of these plans that a stay on a ward may hold, leave out or give back."""
    by_stay = and_(
        TaskRow.status.in_((TaskStatus.ON_HOLD, TaskStatus.CANCELLED)),
        TaskRow.reason == TaskReason.READMITTED,
        TaskRow.ended_by_user_id.is_(None),
    )
    rows = session.execute(
        select(TaskRow.id, TaskRow.enrolment_id, TaskRow.status, TaskRow.due_at, TaskRow.ended_at, TaskRow.reopened_at)
        .where(
            TaskRow.enrolment_id == func.any(id_array(enrolment_ids)),
            TaskRow.status != literal_column("'entered_in_error'"),
            or_(TaskRow.status == TaskStatus.OPEN, by_stay),
        )
        .order_by(TaskRow.id)
    )
    return [WaitingStep(task_id, enrolment_id or 0, *rest) for task_id, enrolment_id, *rest in rows]


def interrupted_plans(session: Session, encounter_ids: Collection[int]) -> list[tuple[int, int]]:
    """Id and patient of plans that an admission among these had ended, and of plans of these stays whose discharge
    is now recorded after the admission that had ended them.
    """
    by_admission = select(EnrolmentRow.id, EnrolmentRow.patient_id).where(
        EnrolmentRow.ended_by_encounter_id == func.any(id_array(encounter_ids)),
        EnrolmentRow.status == EnrolmentStatus.CANCELLED,
    )
    own, admission = aliased(Encounter), aliased(Encounter)
    overtaken = (
        select(EnrolmentRow.id, EnrolmentRow.patient_id)
        .join(own, own.id == EnrolmentRow.encounter_id)
        .join(admission, admission.id == EnrolmentRow.ended_by_encounter_id)
        .where(
            EnrolmentRow.encounter_id == func.any(id_array(encounter_ids)),
            EnrolmentRow.ended_by_encounter_id.is_not(None),
            EnrolmentRow.status == EnrolmentStatus.CANCELLED,
            own.discharged_at > admission.admitted_at,
        )
    )
    rows = session.execute(by_admission.union(overtaken))
    return [(enrolment_id, patient_id) for enrolment_id, patient_id in rows]
