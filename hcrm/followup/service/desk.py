"""Who does what: tasks given to people, absences with stand-ins, the accounts of physicians."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Action, Actor
from hcrm.audit.service import record
from hcrm.followup.domain.desk import Absence, AbsenceInvalid, check_absence
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AbsenceRow, ClinicianAccountRow, TaskRow
from hcrm.followup.queries.desk import Colleague, colleagues
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.today import is_for, not_own_check
from hcrm.organization.models import Clinician

_NO_SYNC = {"synchronize_session": False}


class NotAColleague(LookupError):
    """This person does not work where the actor gives out tasks."""


def assign_tasks(
    session: Session, *, task_ids: Collection[int], to_user_id: int | None, actor: Actor, action: Action, now: datetime
) -> int:
    """Give open tasks to somebody, or (None) back to everybody; how many.

    Left as they are: tasks that the actor does not see, that somebody else has open, that the person may not do, and
    re-calls of the person's own calls. Raises ``NotAColleague``.
    """
    allowed = [TaskRow.id == func.any(id_array(task_ids)), TaskRow.status == TaskStatus.OPEN, is_for(actor)]
    if to_user_id is not None:
        person = _colleague(session, actor, action, to_user_id)
        allowed += [TaskRow.performer_role.in_(sorted(person.performs)), not_own_check(to_user_id)]
    free = (TaskRow.lease_until.is_(None)) | (TaskRow.lease_until <= func.clock_timestamp())
    held_by_actor = TaskRow.lease_user_id == actor.user_id
    given = session.execute(
        update(TaskRow)
        .where(*allowed, free | held_by_actor)
        .values(assignee_user_id=to_user_id, lease_user_id=None, lease_until=None)
        .returning(TaskRow.id, TaskRow.facility_id, TaskRow.patient_id),
        execution_options=_NO_SYNC,
    ).all()
    for task_id, facility_id, patient_id in given:
        record(
            session,
            now=now,
            action="task.assigned",
            actor_user_id=actor.user_id,
            facility_id=facility_id,
            object_kind="task",
            object_id=task_id,
            patient_id=patient_id,
            details={"to": to_user_id or 0},
        )
    return len(given)


def _colleague(session: Session, actor: Actor, action: Action, user_id: int) -> Colleague:
    found = next((each for each in colleagues(session, actor, action) if each.user_id == user_id), None)
    if found is None:
        raise NotAColleague(user_id)
    return found


def add_absence(session: Session, *, facility_id: int, absence: Absence, actor: Actor, now: datetime) -> int:
    """Enter that somebody is away; the id. Raises ``AbsenceInvalid`` and ``NotAColleague``."""
    check_absence(absence)
    for user_id in (absence.user_id, absence.stand_in):
        if user_id is not None:
            _colleague(session, actor, Action.ASSIGN_TASKS, user_id)
    overlapping = session.scalar(
        select(AbsenceRow.id).where(
            AbsenceRow.facility_id == facility_id,
            AbsenceRow.user_id == absence.user_id,
            AbsenceRow.from_on <= absence.until_on,
            AbsenceRow.until_on >= absence.from_on,
        )
    )
    if overlapping is not None:
        raise AbsenceInvalid("away_already")
    row = AbsenceRow(
        facility_id=facility_id,
        user_id=absence.user_id,
        from_on=absence.from_on,
        until_on=absence.until_on,
        stand_in_user_id=absence.stand_in,
        entered_by=actor.user_id,
        entered_at=now,
    )
    session.add(row)
    session.flush()
    _audit(session, "absence.entered", facility_id, actor, absence.user_id, now)
    return row.id


def remove_absence(session: Session, *, facility_id: int, absence_id: int, actor: Actor, now: datetime) -> bool:
    """Take an absence out; False when there is none with the id of somebody to whom the actor gives out tasks."""
    own = [each.user_id for each in colleagues(session, actor, Action.ASSIGN_TASKS)]
    user_id = session.scalar(
        delete(AbsenceRow)
        .where(AbsenceRow.id == absence_id, AbsenceRow.facility_id == facility_id, AbsenceRow.user_id.in_(own))
        .returning(AbsenceRow.user_id)
    )
    if user_id is not None:
        _audit(session, "absence.removed", facility_id, actor, user_id, now)
    return user_id is not None


def name_doctors(
    session: Session, *, facility_id: int, accounts: Mapping[int, int | None], actor: Actor, now: datetime
) -> None:
    """Keep which account each of these clinicians has (None: none)."""
    known = set(
        session.scalars(
            select(Clinician.id).where(Clinician.facility_id == facility_id, Clinician.id.in_(list(accounts)))
        )
    )
    for clinician_id in sorted(known):
        user_id = accounts[clinician_id]
        if user_id is None:
            session.execute(delete(ClinicianAccountRow).where(ClinicianAccountRow.clinician_id == clinician_id))
            continue
        values = {"clinician_id": clinician_id, "facility_id": facility_id, "user_id": user_id}
        session.execute(
            insert(ClinicianAccountRow)
            .values(values)
            .on_conflict_do_update(index_elements=["clinician_id"], set_={"user_id": user_id})
        )
    if known:
        _audit(session, "doctors.named", facility_id, actor, None, now)


def _audit(session: Session, action: str, facility_id: int, actor: Actor, user_id: int | None, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=actor.user_id,
        facility_id=facility_id,
        object_kind="user" if user_id is not None else "facility",
        object_id=user_id if user_id is not None else facility_id,
    )
