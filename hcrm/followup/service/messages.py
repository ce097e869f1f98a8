"""Steps done by text message: handing them to the outbox when they are due, and what became of the message."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.orm import Session

from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.eligibility import PublishedPlan
from hcrm.followup.domain.figures import asks_satisfaction
from hcrm.followup.domain.plan import PerformerRole, StepChannel
from hcrm.followup.domain.task import BusinessStatus, TaskReason, TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.plans import plans_of_versions
from hcrm.followup.service.responses import ensure_task_response
from hcrm.followup.service.steps import after_end
from hcrm.followup.service.tasks import Ending, complete_task, complete_tasks, end_open, is_survey, of_patients
from hcrm.messaging.domain import MessageRequest, MessageSnapshot, MessageStatus, Purpose, Reason
from hcrm.messaging.queries import messages
from hcrm.messaging.service import enqueue_many
from hcrm.patients.queries import patients_with_number, records_of_persons
from hcrm.survey.service import opening_request

STATES_THAT_END = frozenset({"completed", "refused", "ineligible"})
"""States of a response that end the step which asked for it."""

_NO_SYNC = {"synchronize_session": False}
_ARRIVED = frozenset({MessageStatus.DELIVERED, MessageStatus.READ})
_NOT_SENT = frozenset({MessageStatus.PERMANENT_FAILURE, MessageStatus.EXPIRED, MessageStatus.SUPPRESSED})
_EXCLUSIONS: dict[Reason, TaskReason] = {
    Reason.OPTED_OUT: TaskReason.OPTED_OUT,
    Reason.NO_CONSENT: TaskReason.OPTED_OUT,
    Reason.DECEASED: TaskReason.DECEASED,
    Reason.FATIGUE_LIMIT: TaskReason.FATIGUE_LIMIT,
    Reason.DUPLICATE: TaskReason.SUPERSEDED,
}


class Due(NamedTuple):
    """A step whose text is due, with the version of its plan."""

    task: TaskRow
    plan_version_id: int | None


def release_due(session: Session, *, now: datetime, limit: int) -> int:
    """Hand up to ``limit`` due text messages to the outbox, in the transaction that marks their tasks; how many.

    Tasks that another worker has in hand are passed over. The key of a message is made of its task and generation, so
    it is stored once whatever happens.
    """
    due = _claim(session, now, limit)
    if not due:
        return 0
    plans = plans_of_versions(session, {each.plan_version_id for each in due if each.plan_version_id is not None})
    requests = {each.task.id: request_of(session, each, plans, now) for each in due}
    stored = enqueue_many(session, [request for request in requests.values() if request is not None], now=now)
    for each in due:
        request = requests[each.task.id]
        if request is None:
            each.task.status, each.task.reason = TaskStatus.FAILED, TaskReason.NOT_DELIVERED
            each.task.ended_at = now
        else:
            each.task.sent_message_id = stored[request.key]
    session.flush()
    return len(due)


def _claim(session: Session, now: datetime, limit: int) -> list[Due]:
    rows = session.execute(
        select(TaskRow, EnrolmentRow.plan_version_id)
        .outerjoin(EnrolmentRow, EnrolmentRow.id == TaskRow.enrolment_id)
        .where(
            TaskRow.status == TaskStatus.OPEN,
            TaskRow.channel == StepChannel.SMS,
            TaskRow.sent_message_id.is_(None),
            TaskRow.appointment_id.is_(None),
            TaskRow.window_starts_at <= now,
            TaskRow.due_at > now,
        )
        .order_by(TaskRow.due_at, TaskRow.id)
        .limit(limit)
        .with_for_update(of=TaskRow, skip_locked=True)
    )
    return [Due(task, version_id) for task, version_id in rows]


def request_of(session: Session, due: Due, plans: dict[int, PublishedPlan], now: datetime) -> MessageRequest | None:
    """The message of a step; None when its plan names neither a text nor a questionnaire."""
    task = due.task
    purpose = Purpose.SURVEY if asks_satisfaction(task.questionnaire_code) else Purpose.CARE
    key = f"{purpose.value}:task:{task.id}:{task.generation}"
    if task.questionnaire_code is not None:
        response_id = ensure_task_response(session, task, now)
        return opening_request(
            session, response_id=response_id, key=key, not_before=now, expires_at=task.due_at, now=now
        )
    published = None if due.plan_version_id is None else plans.get(due.plan_version_id)
    template = None if published is None else published.plan.step(task.step_code).template
    if template is None:
        return None
    return MessageRequest(
        facility_id=task.facility_id,
        patient_id=task.patient_id,
        encounter_id=task.encounter_id,
        task_id=task.id,
        purpose=purpose,
        template_code=template,
        values={},
        key=key,
        not_before=now,
        expires_at=task.due_at,
    )


def follow_messages(session: Session, *, message_ids: Collection[int], now: datetime) -> None:
    """Take over what became of messages into the steps that sent them."""
    changed = [each for each in messages(session, message_ids) if each.task_id is not None]
    arrived: dict[datetime, list[MessageSnapshot]] = defaultdict(list)
    for each in changed:
        if each.status in _ARRIVED:
            arrived[each.delivered_at or now].append(each)
    for at, together in arrived.items():
        _arrived(session, together, at, now)
    for each in changed:
        if each.status in _NOT_SENT:
            _not_sent(session, each, now)


def _arrived(session: Session, together: Collection[MessageSnapshot], at: datetime, now: datetime) -> None:
    """Messages delivered at one moment: each is an attempt; a step that only tells something is done by it."""
    attempted = session.execute(
        update(TaskRow)
        .where(
            TaskRow.id.in_([each.task_id for each in together]),
            TaskRow.sent_message_id.in_([each.id for each in together]),
            TaskRow.first_attempt_at.is_(None),
        )
        .values(attempt_count=TaskRow.attempt_count + 1, first_attempt_at=at, last_attempt_at=at)
        .returning(TaskRow.id, TaskRow.status, TaskRow.questionnaire_code),
        execution_options=_NO_SYNC,
    ).all()
    told = sorted(each.id for each in attempted if each.questionnaire_code is None)
    asked = sorted(
        each.id for each in attempted if each.questionnaire_code is not None and each.status is TaskStatus.OPEN
    )
    if told:
        complete_tasks(session, task_ids=told, now=at)
        after_end(session, task_ids=told, now=now)
    if asked:
        session.execute(
            update(TaskRow).where(TaskRow.id.in_(asked)).values(business_status=BusinessStatus.AWAITING_REPLY),
            execution_options=_NO_SYNC,
        )
        publish(session, TasksChanged(now=now, task_ids=tuple(asked)))


def _not_sent(session: Session, message: MessageSnapshot, now: datetime) -> None:
    """A message that was held back excludes its step; one that could not be delivered fails it."""
    exclusion = _EXCLUSIONS.get(message.reason) if message.reason is not None else None
    if exclusion is None:
        ending = Ending(TaskStatus.FAILED, TaskReason.NOT_DELIVERED)
    else:
        ending = Ending(TaskStatus.CANCELLED, exclusion)
    mine = and_(TaskRow.id == message.task_id, TaskRow.sent_message_id == message.id)
    ended = end_open(session, mine, ending, now=now, missed_too=True)
    after_end(session, task_ids=ended, now=now)


def follow_stop(session: Session, *, facility_id: int, number: str, now: datetime) -> None:
    """A number said STOP: clinical texts still to come become calls, surveys by text end ``opted_out``.

    A survey by phone that waits for the one by text stays.
    """
    persons = patients_with_number(session, facility_id, number)
    theirs = of_patients(records_of_persons(session, persons))
    by_text = and_(theirs, TaskRow.channel == StepChannel.SMS)
    end_open(session, and_(by_text, is_survey()), Ending(TaskStatus.CANCELLED, TaskReason.OPTED_OUT), now=now)
    _call_instead(session, and_(by_text, ~is_survey(), TaskRow.first_attempt_at.is_(None), TaskRow.due_at > now), now)


def _call_instead(session: Session, concerned: ColumnElement[bool], now: datetime) -> None:
    changed = list(
        session.scalars(
            update(TaskRow)
            .where(TaskRow.status == TaskStatus.OPEN, concerned)
            .values(channel=StepChannel.PHONE, performer_role=PerformerRole.NURSE, sent_message_id=None)
            .returning(TaskRow.id),
            execution_options=_NO_SYNC,
        )
    )
    if changed:
        publish(session, TasksChanged(now=now, task_ids=tuple(changed)))


def follow_response(session: Session, *, task_id: int, state: str, now: datetime) -> None:
    """A response to a survey by text or web changed: a completed one completes its step, a refused one ends it.

    A call is completed by its caller, who says how it ended, never by its last answer.
    """
    by_text = and_(TaskRow.id == task_id, TaskRow.channel.in_((StepChannel.SMS, StepChannel.WEB)))
    if session.scalar(select(TaskRow.id).where(by_text)) is None:
        return
    if state in ("refused", "ineligible"):
        reason = TaskReason.OPTED_OUT if state == "refused" else TaskReason.INELIGIBLE
        end_open(session, by_text, Ending(TaskStatus.CANCELLED, reason), now=now)
    elif state == "completed" and complete_task(session, task_id=task_id, now=now, reached_at=now):
        after_end(session, task_ids=[task_id], now=now)
