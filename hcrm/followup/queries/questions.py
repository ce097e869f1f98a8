"""The questions of a call as they stand: what was answered, what is asked now, what remains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AlertRow, TaskRow
from hcrm.survey import queries as surveys
from hcrm.survey.domain import (
    Answers,
    AnswerSnapshot,
    AskContext,
    Completeness,
    Question,
    Questionnaire,
    Respondent,
    completeness,
    next_question,
    shown_questions,
)


@dataclass(frozen=True, slots=True)
class QuestionPanel:
    """The questionnaire of a call with its answers. ``current`` is None when everything was asked."""

    questionnaire: Questionnaire
    shown: tuple[Question, ...]
    answers: dict[str, AnswerSnapshot]
    current: Question | None
    alerts: tuple[AlertRow, ...]
    complete: bool
    respondent: Respondent
    response_id: int | None
    saved_at: datetime | None

    @property
    def answered(self) -> tuple[Question, ...]:
        """Answered questions in their order, without the current one."""
        return tuple(each for each in self.shown if each.code in self.answers and each is not self.current)

    @property
    def to_ask(self) -> tuple[Question, ...]:
        return tuple(each for each in self.shown if each.code not in self.answers and each is not self.current)

    def position(self, question: Question) -> int:
        """The number of a question, from 1."""
        return self.shown.index(question) + 1

    def alerts_of(self, question: Question) -> tuple[AlertRow, ...]:
        """Alerts that the answer to this question raised."""
        return tuple(each for each in self.alerts if each.question_code == question.code)


def response_of(session: Session, task: TaskRow) -> surveys.ResponseSnapshot | None:
    """The response that belongs to a task: its own, or that of the earlier step whose questions it asks again."""
    own = surveys.response_of_task(session, task.id)
    earlier = _earlier(session, task) if own is None else None
    return own if earlier is None else surveys.response_of_task(session, earlier)


def sheet_of(session: Session, task: TaskRow, now: datetime) -> surveys.Sheet | None:
    """The sheet of the response that belongs to a task, as ``response_of`` has it."""
    own = surveys.sheet_of_task(session, task.id, now)
    earlier = _earlier(session, task) if own is None else None
    return own if earlier is None else surveys.sheet_of_task(session, earlier, now)


def _earlier(session: Session, task: TaskRow) -> int | None:
    """The earlier step whose questions a task asks again, if it does."""
    if task.after_step_code is None or task.enrolment_id is None:
        return None
    return session.scalar(
        select(TaskRow.id)
        .where(
            TaskRow.enrolment_id == task.enrolment_id,
            TaskRow.step_code == task.after_step_code,
            TaskRow.questionnaire_code == task.questionnaire_code,
            TaskRow.status != TaskStatus.ENTERED_IN_ERROR,
        )
        .limit(1)
    )


def question_panel(
    session: Session, task: TaskRow, *, now: datetime, code: str | None = None, after: str | None = None
) -> QuestionPanel | None:
    """The questions of this task; ``code`` asks for one question, ``after`` for the one that follows.

    Without either it is the first unanswered one. What was passed over is asked again only when the call cannot be
    completed without it. None when the task has no questionnaire.
    """
    if task.questionnaire_code is None:
        return None
    sheet = sheet_of(session, task, now)
    found = None if sheet is None else sheet.response
    if sheet is None:
        questionnaire = surveys.questionnaire(session, task.questionnaire_code)
        context, answers = AskContext(), {}
    else:
        questionnaire, context = sheet.questionnaire, sheet.context
        answers = {each.question_code: each for each in sheet.snapshots}
    values = {key: each.value for key, each in answers.items()}
    shown = shown_questions(questionnaire, values, context)
    return QuestionPanel(
        questionnaire=questionnaire,
        shown=shown,
        answers={key: each for key, each in answers.items() if any(key == one.code for one in shown)},
        current=_current(questionnaire, shown, values, context, code, after),
        alerts=() if found is None else _alerts(session, found.id),
        complete=completeness(questionnaire, values, context) is Completeness.COMPLETE,
        respondent=context.respondent if found is None else found.respondent,
        response_id=None if found is None else found.id,
        saved_at=max((each.answered_at for each in answers.values()), default=None),
    )


def _current(
    questionnaire: Questionnaire,
    shown: tuple[Question, ...],
    values: Answers,
    context: AskContext,
    code: str | None,
    after: str | None,
) -> Question | None:
    wanted = next((each for each in shown if each.code == code), None)
    if wanted is not None:
        return wanted
    following = next_question(questionnaire, values, context, after=after)
    return following or next((each for each in shown if each.core and each.code not in values), None)


def _alerts(session: Session, response_id: int) -> tuple[AlertRow, ...]:
    """The newest alert of each rule that the answers of this response have raised."""
    rows = session.scalars(select(AlertRow).where(AlertRow.response_id == response_id).order_by(AlertRow.id))
    return tuple({(row.question_code, row.rule): row for row in rows}.values())
