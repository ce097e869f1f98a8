"""Endings taken back: by a person, or because what had caused them is no longer so.

Whatever is opened again is held to everything else that is known at once: a stay that was cancelled meanwhile, another
admission, a death, a refusal, a STOP, a record of the same person. So the order of events does not matter.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.task import BusinessStatus, EnrolmentStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.enrolment import id_array, refusals
from hcrm.followup.queries.twins import (
    can_go_on,
    is_twin,
    of_same_person,
    persons_with_several_records,
    stays_of_records,
)
from hcrm.followup.queries.ward_stays import interrupted_plans
from hcrm.followup.service.enrolment import leave_out
from hcrm.followup.service.messages import follow_stop
from hcrm.followup.service.pausing import pause_plans
from hcrm.followup.service.reconcile import (
    end_deceased,
    end_readmitted,
    join_persons,
    reconcile_encounters,
)
from hcrm.followup.service.tasks import of_patients
from hcrm.messaging.domain import HANDED_OVER
from hcrm.messaging.queries import messages, stopped_numbers
from hcrm.patients.domain import DeceasedState
from hcrm.patients.queries import contacts, patient_snapshots, records_of_persons

_NO_SYNC = {"synchronize_session": False}
_OF_A_STAY = (
    TaskReason.ENTERED_IN_ERROR,
    TaskReason.INELIGIBLE,
    TaskReason.TRANSFERRED,
    TaskReason.READMITTED,
    TaskReason.DUPLICATE_MERGED,
)
"""Ended so, a step says nothing about the same step of another stay."""

_TAKEN_BACK = (TaskStatus.CANCELLED, TaskStatus.ON_HOLD, TaskStatus.ENTERED_IN_ERROR)


def undo_cancellation(session: Session, *, task_ids: Collection[int], now: datetime) -> list[int]:
    """Open cancelled or held tasks again, by the will of a person; the ids of those that were opened.

    Not where there is nobody or nothing to follow up: after a death, for a stay that is cancelled or not finished, for
    a step that has been planned anew, and for one that another record of the same person keeps.
    """
    wanted = TaskRow.id == func.any(id_array(task_ids))
    rows = session.execute(select(TaskRow.id, TaskRow.patient_id).where(wanted, can_go_on())).all()
    people = patient_snapshots(session, {patient_id for _, patient_id in rows})
    alive = [task_id for task_id, patient_id in rows if people[patient_id].deceased_state is DeceasedState.NONE]
    return _reopen(session, TaskRow.id == func.any(id_array(alive)), now=now, by_hand=True)


def resume_interrupted(session: Session, *, encounter_ids: Collection[int], now: datetime) -> list[int]:
    """Go on with plans that one of these stays had ended as an admission, where it is one no longer; ids of the steps.

    The stay was cancelled, moved, or is not one of a ward, or the discharge before it is recorded later than it now.
    Another admission since then ends them again, from its own day on.
    """
    if not encounter_ids:
        return []
    ended = interrupted_plans(session, encounter_ids)
    if not ended:
        return []
    concerned = _of_admission([enrolment_id for enrolment_id, _ in ended])
    return _resume(session, concerned, {patient_id for _, patient_id in ended}, now)


def _of_admission(enrolment_ids: Collection[int]) -> ColumnElement[bool]:
    """What an admission ended in these plans, not what a person cancelled or reported."""
    return and_(
        TaskRow.enrolment_id == func.any(id_array(enrolment_ids)),
        TaskRow.reason == TaskReason.READMITTED,
        TaskRow.ended_by_user_id.is_(None),
    )


def pause_or_go_on(session: Session, *, encounter_ids: Collection[int], now: datetime) -> None:
    """Plans of the patient pause while one of these persons is on a ward, and go on after the stay."""
    going_on = pause_plans(session, encounter_ids=encounter_ids, now=now)
    if going_on.task_ids:
        concerned = TaskRow.id == func.any(id_array(going_on.task_ids))
        _resume(session, concerned, going_on.patient_ids, now)


def keep_one(session: Session, *, encounter_ids: Collection[int], now: datetime) -> None:
    """Where a person of these stays has several records: open the steps that another record was to keep and does not
    any more, and let no step be open twice.
    """
    persons = persons_with_several_records(session, encounter_ids)
    if not persons:
        return
    records = records_of_persons(session, persons)
    other = aliased(TaskRow)
    stands = and_(of_same_person(other), is_twin(other), or_(other.reason.is_(None), other.reason.not_in(_OF_A_STAY)))
    concerned = and_(
        of_patients(records),
        TaskRow.reason == TaskReason.DUPLICATE_MERGED,
        TaskRow.ended_by_user_id.is_(None),
        ~select(other.id).where(stands).exists(),
    )
    _resume(session, concerned, records, now)
    for person_id in sorted(persons):
        join_persons(session, person_id=person_id, now=now)


def restore_living(session: Session, *, patient_id: int, now: datetime) -> list[int]:
    """The report of a death was wrong: what it held or cancelled is open again; the ids of these tasks."""
    theirs = of_patients(records_of_persons(session, [patient_id]))
    return _resume(session, and_(theirs, TaskRow.reason == TaskReason.DECEASED), [patient_id], now)


def part_persons(session: Session, *, patient_ids: Collection[int], now: datetime) -> list[int]:
    """After a merge was taken back: what only the other record had ended is open again; the ids of these tasks."""
    records = records_of_persons(session, patient_ids)
    people = patient_snapshots(session, records)
    living = [each for each in records if people[each].deceased_state is DeceasedState.NONE]
    interrupted = session.scalars(
        select(EnrolmentRow.id).where(
            EnrolmentRow.patient_id == func.any(id_array(records)), EnrolmentRow.ended_by_encounter_id.is_not(None)
        )
    ).all()
    by_event = TaskRow.ended_by_user_id.is_(None)
    concerned = or_(
        and_(of_patients(records), by_event, TaskRow.reason == TaskReason.DUPLICATE_MERGED),
        and_(of_patients(living), by_event, TaskRow.reason == TaskReason.DECEASED),
        _of_admission(interrupted),
    )
    return _resume(session, concerned, records, now)


def _resume(session: Session, concerned: ColumnElement[bool], patient_ids: Collection[int], now: datetime) -> list[int]:
    """Open what is ``concerned`` in plans that were not ended for another reason, and hold it to the facts."""
    going_on = select(EnrolmentRow.id).where(
        EnrolmentRow.id == TaskRow.enrolment_id,
        or_(EnrolmentRow.status != EnrolmentStatus.CANCELLED, EnrolmentRow.ended_by_encounter_id.is_not(None)),
    )
    open_plans = or_(TaskRow.enrolment_id.is_(None), going_on.exists())
    opened = _reopen(session, and_(concerned, open_plans), now=now)
    if not opened:
        return []
    hold_to_facts(session, patient_ids=patient_ids, now=now)
    still = select(TaskRow.id).where(TaskRow.id == func.any(id_array(opened)), TaskRow.status == TaskStatus.OPEN)
    return list(session.scalars(still))


def hold_to_facts(session: Session, *, patient_ids: Collection[int], now: datetime) -> None:
    """End or hold what is open for these persons, over all their records, as everything known by now demands."""
    records = records_of_persons(session, patient_ids)
    stays = stays_of_records(session, records)
    reconcile_encounters(session, encounter_ids=stays, now=now)
    end_readmitted(session, encounter_ids=stays, now=now)
    pause_or_go_on(session, encounter_ids=stays, now=now)
    end_deceased(session, patient_ids=records, now=now)
    for person_id in sorted({each.person_id for each in patient_snapshots(session, records).values()}):
        join_persons(session, person_id=person_id, now=now)
    for refusal in refusals(session, records):
        leave_out(session, refusal, now)
    _follow_stops(session, records, now)


def _follow_stops(session: Session, patient_ids: Sequence[int], now: datetime) -> None:
    """Texts to numbers that said STOP are not sent."""
    people = patient_snapshots(session, patient_ids)
    numbers = {
        (people[patient_id].facility_id, each.number)
        for patient_id, listed in contacts(session, patient_ids).items()
        for each in listed
        if each.number is not None
    }
    for facility_id, number in sorted(stopped_numbers(session, numbers)):
        follow_stop(session, facility_id=facility_id, number=number, now=now)


def _reopen(session: Session, concerned: ColumnElement[bool], *, now: datetime, by_hand: bool = False) -> list[int]:
    """Take endings back: the tasks are open again. A new generation lets a message be sent anew, unless it was sent."""
    missed = and_(TaskRow.status == TaskStatus.FAILED, TaskRow.business_status == BusinessStatus.MISSED_WINDOW)
    rows = session.execute(
        select(TaskRow.id, TaskRow.sent_message_id)
        .where(concerned, or_(TaskRow.status.in_(_TAKEN_BACK), missed))
        .order_by(TaskRow.id)
        .with_for_update()
    ).all()
    if not rows:
        return []
    sent = messages(session, {message_id for _, message_id in rows if message_id is not None})
    out = {each.id for each in sent if each.status in HANDED_OVER}
    _open(session, [task_id for task_id, message_id in rows if message_id not in out], now, by_hand, again=True)
    _open(session, [task_id for task_id, message_id in rows if message_id in out], now, by_hand, again=False)
    opened = [task_id for task_id, _ in rows]
    enrolments = select(TaskRow.enrolment_id).where(TaskRow.id == func.any(id_array(opened)))
    session.execute(
        update(EnrolmentRow)
        .where(EnrolmentRow.id.in_(enrolments), EnrolmentRow.status != EnrolmentStatus.ACTIVE)
        .values(status=EnrolmentStatus.ACTIVE, reason=None, ended_at=None, ended_by_encounter_id=None),
        execution_options=_NO_SYNC,
    )
    publish(session, TasksChanged(now=now, task_ids=tuple(opened)))
    return opened


def _open(session: Session, task_ids: Collection[int], now: datetime, by_hand: bool, *, again: bool) -> None:  # noqa: FBT001  # named by its callers' own argument
    values: dict[str, object] = {
        "status": TaskStatus.OPEN,
        "reason": None,
        "business_status": None if again else BusinessStatus.AWAITING_REPLY,
        "ended_at": None,
        "ended_by_user_id": None,
        "generation": TaskRow.generation + 1,
    }
    if again:
        values["sent_message_id"] = None
    if by_hand:
        values["reopened_at"] = now
    if task_ids:
        session.execute(
            update(TaskRow).where(TaskRow.id == func.any(id_array(task_ids))).values(**values),
            execution_options=_NO_SYNC,
        )
