"""The questionnaire of a task: one response, whatever channels it is answered through."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.models import TaskRow
from hcrm.followup.queries.questions import response_of, sheet_of
from hcrm.followup.service.tasks import UnknownTask, open_task
from hcrm.survey import service as survey_service
from hcrm.survey.domain import AskContext, Completeness, Mode, Respondent, completeness
from hcrm.survey.queries import questionnaire

CALL_STAYS_OPEN = timedelta(days=2)
"""How long the questions of a call that is made after its window stay open at least."""


class NothingToAsk(LookupError):
    """The task has no questionnaire."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as the caller noted it; ``value`` None takes an answer back."""

    question_code: str
    value: object
    respondent: Respondent | None = None


def ensure_task_response(session: Session, task: TaskRow, now: datetime) -> int:
    """The response of a task, made when there is none yet. Raises ``NothingToAsk``."""
    if task.questionnaire_code is None:
        raise NothingToAsk(task.id)
    known = response_of(session, task)
    if known is not None:
        return known.id
    return survey_service.ensure_response(
        session,
        facility_id=task.facility_id,
        questionnaire_code=task.questionnaire_code,
        patient_id=task.patient_id,
        encounter_id=task.encounter_id,
        task_id=task.id,
        department_id=task.department_id,
        expires_at=task.due_at if task.channel is StepChannel.SMS else max(task.due_at, now + CALL_STAYS_OPEN),
        now=now,
    )


def answer_question(session: Session, *, task_id: int, answer: Answer, user_id: int, now: datetime) -> int:
    """Save one answer of a call at once and keep the lease alive; the id of the response.

    Raises ``UnknownTask``, ``TaskHeld``, ``TaskClosed``, ``NothingToAsk`` and what the survey raises.
    """
    open_task(session, task_id=task_id, user_id=user_id)
    task = session.get(TaskRow, task_id, populate_existing=True)
    if task is None:
        raise UnknownTask(task_id)
    response_id = ensure_task_response(session, task, now)
    if answer.value is None:
        survey_service.clear_answer(session, response_id=response_id, question_code=answer.question_code, now=now)
        return response_id
    survey_service.record_answer(
        session,
        response_id=response_id,
        question_code=answer.question_code,
        value=answer.value,
        mode=Mode.VISIT if task.channel is StepChannel.HOME_VISIT else Mode.PHONE,
        respondent=answer.respondent,
        now=now,
        actor_user_id=user_id,
    )
    return response_id


def core_is_answered(session: Session, task: TaskRow, now: datetime) -> bool:
    """Whether a call may count as completed: its core questions are answered, or it asks none."""
    if task.questionnaire_code is None:
        return True
    found = sheet_of(session, task, now)
    if found is None:
        form, answers, context = questionnaire(session, task.questionnaire_code), {}, AskContext()
    else:
        form, answers, context = found.questionnaire, found.answers, found.context
    return completeness(form, answers, context) is Completeness.COMPLETE


def note_first_answer(session: Session, *, task_id: int, now: datetime) -> None:
    """The patient answered something: the task is reached and attempted."""
    session.execute(
        update(TaskRow)
        .where(TaskRow.id == task_id)
        .values(
            first_attempt_at=func.coalesce(TaskRow.first_attempt_at, now),
            reached_at=func.coalesce(TaskRow.reached_at, now),
        ),
        execution_options={"synchronize_session": False},
    )
