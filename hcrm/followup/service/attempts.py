"""What a call came to: recorded once, with everything that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.attempts import (
    REACHED,
    RETIRES_NUMBER,
    AttemptContext,
    AttemptInvalid,
    AttemptRecord,
    Connection,
    Consequence,
    Disposition,
    check_attempt,
    check_callback,
    consequence,
)
from hcrm.followup.domain.desk import ContactKind
from hcrm.followup.domain.figures import asks_satisfaction
from hcrm.followup.domain.plan import PlanScope
from hcrm.followup.domain.task import TaskReason, TaskStatus
from hcrm.followup.models import AttemptRow, EnrolmentRow, TaskRow
from hcrm.followup.queries.attempts import answered_at, attempt_records
from hcrm.followup.queries.enrolment import Refusal
from hcrm.followup.service.enrolment import leave_out
from hcrm.followup.service.going_on import go_on
from hcrm.followup.service.reconcile import end_plans
from hcrm.followup.service.responses import core_is_answered
from hcrm.followup.service.steps import after_end
from hcrm.followup.service.tasks import Ending, TaskHeld, UnknownTask, end_open
from hcrm.organization.queries import facility
from hcrm.patients.domain import ConsentChannel, ConsentPurpose, ContactSnapshot, RetiredReason
from hcrm.patients.queries import contacts
from hcrm.patients.service import record_consent, report_deceased, retire_contact


@dataclass(frozen=True, slots=True)
class AttemptReport:
    """A call as its caller reports it. ``key`` is made once per call screen: the same report twice counts once.

    ``contact_kind``: how they were in touch, when it was not a call from the list. ``interpreter``: who interpreted, or
    the language for which somebody is needed.
    """

    key: str
    connection: Connection
    disposition: Disposition | None
    started_at: datetime
    contact_point_id: int | None = None
    callback_at: datetime | None = None
    note: str = ""
    self_reported: bool = False
    contact_kind: ContactKind | None = None
    interpreter: str = ""


def propose(session: Session, *, task_id: int, report: AttemptReport) -> Consequence:
    """What would follow from the report, without recording it. Raises ``UnknownTask`` and ``AttemptInvalid``."""
    task = session.get(TaskRow, task_id)
    if task is None:
        raise UnknownTask(task_id)
    check_attempt(report.connection, report.disposition, report.callback_at)
    _check_callback(session, task, report)
    return consequence(_as_record(report), _context(session, task, report, _numbers(session, task, report)))


def _check_callback(session: Session, task: TaskRow, report: AttemptReport) -> None:
    """A call-back comes back to the list: not in the past, and not when the list has left the task behind."""
    if report.disposition is Disposition.CALLBACK_REQUESTED:
        shown = timedelta(days=facility(session, task.facility_id).settings.overdue_shown_days)
        check_callback(report.callback_at, report.started_at, task.due_at + shown)


def record_attempt(
    session: Session, *, task_id: int, report: AttemptReport, user_id: int, now: datetime
) -> Consequence | None:
    """Record a call and do what follows from it; None when it was recorded before or its task had ended meanwhile.

    Raises ``UnknownTask``, ``TaskHeld`` (somebody else is on this task) and ``AttemptInvalid``; a call is completed
    only when its core questions are answered (``core_missing``).
    """
    check_attempt(report.connection, report.disposition, report.callback_at)
    task = session.scalar(
        select(TaskRow).where(TaskRow.id == task_id).with_for_update().execution_options(populate_existing=True)
    )
    if task is None:
        raise UnknownTask(task_id)
    known = session.scalar(select(AttemptRow.id).where(AttemptRow.key == report.key))
    if known is not None:
        return None
    _check_holder(session, task, user_id)
    _check_callback(session, task, report)
    if report.disposition is Disposition.COMPLETED and not _may_be_complete(session, task, report, now):
        raise AttemptInvalid("core_missing")
    numbers = _numbers(session, task, report)
    context = _context(session, task, report, numbers)
    _insert(session, task, report, numbers, user_id, now)
    _audit(session, task, user_id, now)
    if task.status is not TaskStatus.OPEN:
        return None
    found = consequence(_as_record(report), context)
    _apply(session, task, report, found, user_id, now)
    _go_beyond(session, task, report, found, user_id, now)
    go_on(session, task, now)
    return found


def _may_be_complete(session: Session, task: TaskRow, report: AttemptReport, now: datetime) -> bool:
    """The core questions are answered; a contact without the call screen asks none and is marked as self-reported."""
    return report.self_reported or core_is_answered(session, task, now)


def _check_holder(session: Session, task: TaskRow, user_id: int) -> None:
    if task.lease_user_id is None or task.lease_user_id == user_id or task.lease_until is None:
        return
    if task.lease_until > session.execute(select(func.clock_timestamp())).scalar_one():
        raise TaskHeld(task.lease_user_id)


def _as_record(report: AttemptReport) -> AttemptRecord:
    return AttemptRecord(
        connection=report.connection,
        disposition=report.disposition,
        started_at=report.started_at,
        contact_point_id=report.contact_point_id,
        callback_at=report.callback_at,
    )


def _context(
    session: Session, task: TaskRow, report: AttemptReport, numbers: Sequence[ContactSnapshot]
) -> AttemptContext:
    at = facility(session, task.facility_id)
    usable = [each.id for each in numbers if each.usable]
    if report.connection in RETIRES_NUMBER:
        usable = [each for each in usable if each != report.contact_point_id]
    return AttemptContext(
        earlier=attempt_records(session, task.id),
        numbers=tuple(usable),
        due_at=task.due_at,
        zone=at.zone,
        calling_hours=at.settings.calling_hours,
        max_attempts=at.settings.max_attempts,
        answered_at=answered_at(session, task.patient_id),
    )


def _numbers(session: Session, task: TaskRow, report: AttemptReport) -> list[ContactSnapshot]:
    """The patient's numbers. Raises ``AttemptInvalid`` when the one that was dialled is somebody else's."""
    numbers = contacts(session, [task.patient_id]).get(task.patient_id, [])
    if report.contact_point_id is not None and all(each.id != report.contact_point_id for each in numbers):
        raise AttemptInvalid("number_of_another")
    return numbers


def _insert(
    session: Session,
    task: TaskRow,
    report: AttemptReport,
    numbers: Sequence[ContactSnapshot],
    user_id: int,
    now: datetime,
) -> None:
    contact = next((each for each in numbers if each.id == report.contact_point_id), None)
    session.execute(
        insert(AttemptRow).values(
            facility_id=task.facility_id,
            task_id=task.id,
            user_id=user_id,
            contact_point_id=None if contact is None else contact.id,
            number=None if contact is None else contact.number,
            owner_kind=None if contact is None else contact.owner_kind.value,
            connection=report.connection,
            disposition=report.disposition,
            callback_at=report.callback_at,
            note=report.note,
            duration_seconds=None if report.self_reported else max(0, int((now - report.started_at).total_seconds())),
            started_at=report.started_at,
            ended_at=None if report.self_reported else now,
            self_reported=report.self_reported,
            contact_kind=report.contact_kind,
            interpreter=report.interpreter or None,
            key=report.key,
        )
    )


def _audit(session: Session, task: TaskRow, user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action="task.attempted",
        actor_user_id=user_id,
        facility_id=task.facility_id,
        object_kind="task",
        object_id=task.id,
        patient_id=task.patient_id,
    )


def _apply(
    session: Session, task: TaskRow, report: AttemptReport, found: Consequence, user_id: int, now: datetime
) -> None:
    task.attempt_count += 1
    task.first_attempt_at = task.first_attempt_at or report.started_at
    task.last_attempt_at = report.started_at
    if report.connection in REACHED and report.disposition is not Disposition.PROXY_ONLY:
        task.reached_at = task.reached_at or now
    task.assignee_user_id = task.assignee_user_id or user_id
    task.status, task.reason = found.status, found.reason
    task.business_status, task.callback_at = found.business_status, found.callback_at
    task.lease_user_id = task.lease_until = None
    if found.status in (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELLED):
        task.ended_at, task.ended_by_user_id = now, user_id
    if found.status is TaskStatus.COMPLETED:
        task.completed_at, task.self_reported = now, report.self_reported
    session.flush()
    publish(session, TasksChanged(now=now, task_ids=(task.id,)))


def _go_beyond(
    session: Session, task: TaskRow, report: AttemptReport, found: Consequence, user_id: int, now: datetime
) -> None:
    """What the call says about more than its task: the number, the patient, the plan."""
    if found.retires_number and report.contact_point_id is not None:
        reason = RetiredReason(report.connection.value)
        retire_contact(session, contact_point_id=report.contact_point_id, reason=reason, now=now, actor_user_id=user_id)
    if found.patient_deceased:
        report_deceased(session, patient_id=task.patient_id, confirmed=False, now=now, actor_user_id=user_id)
    if found.opts_out:
        _opt_out(session, task, user_id, now)
    if found.reason is TaskReason.READMITTED and task.enrolment_id is not None:
        _end_plan_of_stay(session, task.enrolment_id, now)
    if found.status in (TaskStatus.COMPLETED, TaskStatus.FAILED):
        _drop_survey_by_text(session, task, found, now)
        after_end(session, task_ids=[task.id], now=now)


def _end_plan_of_stay(session: Session, enrolment_id: int, now: datetime) -> None:
    """In hospital again, says the patient: the plan of the stay is over. A plan of the patient goes on after it."""
    scope = session.scalar(select(EnrolmentRow.scope).where(EnrolmentRow.id == enrolment_id))
    if scope is PlanScope.ENCOUNTER:
        end_plans(session, [enrolment_id], TaskReason.READMITTED, now=now, happened_at=now)


def _opt_out(session: Session, task: TaskRow, user_id: int, now: datetime) -> None:
    """No more calls for this purpose; text messages are another matter."""
    purpose = ConsentPurpose.SURVEY if asks_satisfaction(task.questionnaire_code) else ConsentPurpose.CARE
    record_consent(
        session,
        patient_id=task.patient_id,
        purpose=purpose,
        channel=ConsentChannel.PHONE,
        given=False,
        how="phone",
        now=now,
        actor_user_id=user_id,
    )
    leave_out(session, Refusal(task.patient_id, purpose, ConsentChannel.PHONE), now)


def _drop_survey_by_text(session: Session, task: TaskRow, found: Consequence, now: datetime) -> None:
    """Who has answered by phone is not asked again by text."""
    if found.status is not TaskStatus.COMPLETED or task.after_step_code is None:
        return
    earlier = and_(
        TaskRow.enrolment_id == task.enrolment_id,
        TaskRow.step_code == task.after_step_code,
        TaskRow.sent_message_id.is_(None),
    )
    end_open(session, earlier, Ending(TaskStatus.CANCELLED, TaskReason.SUPERSEDED), now=now)
