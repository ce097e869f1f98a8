"""The same step in two plans of one person, and what may still be followed up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from hcrm.followup.domain.task import EnrolmentStatus, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array, stays_of_persons
from hcrm.patients.domain import EncounterStatus
from hcrm.patients.models import Encounter, Patient


def is_twin(other: type[TaskRow]) -> ColumnElement[bool]:
    """``other`` is the same step for the same time in another plan."""
    return and_(
        other.enrolment_id != TaskRow.enrolment_id,
        other.step_code == TaskRow.step_code,
        other.window_starts_at < TaskRow.due_at,
        other.due_at > TaskRow.window_starts_at,
    )


def is_kept(other: type[TaskRow]) -> ColumnElement[bool]:
    """Of twins, ``other`` is the one that is kept: the one that is completed, else the earlier one."""
    waits = other.status.in_((TaskStatus.OPEN, TaskStatus.ON_HOLD))
    return or_(other.status == TaskStatus.COMPLETED, and_(waits, other.enrolment_id < TaskRow.enrolment_id))


def of_same_person(other: type[TaskRow]) -> ColumnElement[bool]:
    """``other`` belongs to a record of the same person."""
    own, same = aliased(Patient), aliased(Patient)
    records = select(same.id).join(own, own.person_id == same.person_id).where(own.id == TaskRow.patient_id)
    return other.patient_id.in_(records.correlate(TaskRow))


def can_go_on() -> ColumnElement[bool]:
    """Tasks of a finished stay, whose plan was not made anew and whose step no other plan of the person has in hand."""
    own, other, kept = aliased(EnrolmentRow), aliased(EnrolmentRow), aliased(TaskRow)
    finished = select(Encounter.id).where(
        Encounter.id == TaskRow.encounter_id,
        Encounter.status == EncounterStatus.FINISHED,
        Encounter.discharged_on.is_not(None),
    )
    anew = (
        select(other.id)
        .join(own, and_(own.encounter_id == other.encounter_id, own.plan_id == other.plan_id, own.id != other.id))
        .where(own.id == TaskRow.enrolment_id, other.status != EnrolmentStatus.CANCELLED)
    )
    done_or_waiting = kept.status.in_((TaskStatus.COMPLETED, TaskStatus.OPEN, TaskStatus.ON_HOLD))
    doubled = select(kept.id).where(of_same_person(kept), is_twin(kept), done_or_waiting)
    return and_(finished.exists(), ~anew.exists(), ~doubled.exists())


def persons_with_several_records(session: Session, encounter_ids: Collection[int]) -> Sequence[int]:
    """Persons of these stays that more than one record stands for."""
    if not encounter_ids:
        return []
    stays = stays_of_persons(encounter_ids).subquery()
    return session.scalars(
        select(stays.c.person_id)
        .group_by(stays.c.person_id)
        .having(func.min(stays.c.record_id) != func.max(stays.c.record_id))
        .order_by(stays.c.person_id)
    ).all()


def stays_of_records(session: Session, patient_ids: Collection[int]) -> Sequence[int]:
    """Ids of all stays of these records."""
    return session.scalars(select(Encounter.id).where(Encounter.patient_id == func.any(id_array(patient_ids)))).all()
