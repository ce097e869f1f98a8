"""What re-calls say about the calls that they check, and records that look as if nobody had called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.domain import Role
from hcrm.accounts.queries import user_names, users
from hcrm.followup.domain.attempts import Disposition
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.recall import (
    Difference,
    Oddity,
    RecordedCall,
    Verdict,
    differences,
    oddities,
    verdict,
)
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import AttemptRow, RecallReviewRow, TaskRow
from hcrm.followup.queries.enrolment import id_array
from hcrm.followup.queries.today import RECALL
from hcrm.organization.domain import DepartmentSnapshot
from hcrm.organization.queries import departments
from hcrm.patients.domain import PatientSnapshot
from hcrm.patients.queries import patient_snapshots
from hcrm.survey import queries as surveys
from hcrm.survey.models import SurveyAnswer

MOST = 500
"""So many of the newest calls are looked at for odd records."""


@dataclass(frozen=True, slots=True)
class CheckedCall:
    """A call of a ward with what a re-call or its own record says about it. ``called_by``: who made it."""

    task: TaskRow
    patient: PatientSnapshot
    department: DepartmentSnapshot | None
    called_by: str
    called_at: datetime | None
    seconds: int | None
    answers: int
    verdict: Verdict | None
    differences: tuple[Difference, ...]
    oddities: tuple[Oddity, ...]
    said_when: str
    review: RecallReviewRow | None
    reviewed_by: str


@dataclass(frozen=True, slots=True)
class Recalls:
    """Calls that were re-called and calls with odd records, the newest first, of one facility."""

    recalled: tuple[CheckedCall, ...]
    odd: tuple[CheckedCall, ...]

    def count(self, wanted: Verdict) -> int:
        return sum(each.verdict is wanted for each in self.recalled)

    @property
    def to_look_into(self) -> tuple[CheckedCall, ...]:
        """Re-called ones that differ from the record, those that nobody has looked into first."""
        found = [each for each in self.recalled if each.differences]
        return tuple(sorted(found, key=lambda each: each.review is not None))


def recalls(session: Session, facility_id: int, *, since: datetime) -> Recalls:
    """The calls that were re-called since a moment, and the odd ones among those completed since then."""
    pairs = _pairs(session, facility_id, since)
    recent = _recent(session, facility_id, since)
    known = {each.id: each for each in (*recent, *(checked for _recall, checked in pairs))}
    accounts = _answers(session, [recall.id for recall, _checked in pairs])
    looked_at = _checked(session, facility_id, list(known.values()), {c.id: accounts.get(r.id, {}) for r, c in pairs})
    recalled = tuple(looked_at[checked.id] for _recall, checked in pairs)
    odd = tuple(looked_at[each.id] for each in recent if looked_at[each.id].oddities)
    return Recalls(recalled, odd)


def _pairs(session: Session, facility_id: int, since: datetime) -> list[tuple[TaskRow, TaskRow]]:
    """(re-call, call that it checks) of the re-calls completed since a moment."""
    checked = aliased(TaskRow)
    rows = session.execute(
        select(TaskRow, checked)
        .join(
            checked,
            and_(
                checked.enrolment_id == TaskRow.enrolment_id,
                checked.step_code == TaskRow.after_step_code,
                checked.status != TaskStatus.ENTERED_IN_ERROR,
            ),
        )
        .where(
            TaskRow.facility_id == facility_id,
            TaskRow.completed_at >= since,
            TaskRow.step_code == RECALL,
        )
        .order_by(TaskRow.completed_at.desc(), TaskRow.id)
        .limit(MOST)
    )
    return [(recall, call) for recall, call in rows]


def _recent(session: Session, facility_id: int, since: datetime) -> list[TaskRow]:
    return list(
        session.scalars(
            select(TaskRow)
            .where(
                TaskRow.facility_id == facility_id,
                TaskRow.completed_at >= since,
                TaskRow.channel == StepChannel.PHONE,
                TaskRow.step_code != RECALL,
                TaskRow.questionnaire_code.is_not(None),
            )
            .order_by(TaskRow.completed_at.desc(), TaskRow.id)
            .limit(MOST)
        )
    )


def _answers(session: Session, task_ids: Collection[int]) -> dict[int, dict[str, object]]:
    """Current answers by task, in the order in which they were given."""
    responses = {each.id: task_id for task_id, each in surveys.responses_of_tasks(session, task_ids).items()}
    rows = session.execute(
        select(SurveyAnswer.response_id, SurveyAnswer.question_code, SurveyAnswer.value)
        .where(SurveyAnswer.response_id == func.any(id_array(list(responses))), SurveyAnswer.superseded_at.is_(None))
        .order_by(SurveyAnswer.response_id, SurveyAnswer.answered_at, SurveyAnswer.id)
    )
    found: dict[int, dict[str, object]] = defaultdict(dict)
    for response_id, code, value in rows:
        found[responses[response_id]][code] = value
    return found


def _last_attempts(session: Session, task_ids: Collection[int]) -> dict[int, AttemptRow]:
    """The attempt that ended each task: the one that completed it, else its last."""
    rows = session.scalars(
        select(AttemptRow)
        .where(AttemptRow.task_id == func.any(id_array(task_ids)))
        .order_by(AttemptRow.task_id, AttemptRow.disposition.is_not_distinct_from(Disposition.COMPLETED), AttemptRow.id)
    )
    return {row.task_id: row for row in rows}


def _checked(
    session: Session, facility_id: int, tasks: Sequence[TaskRow], accounts: Mapping[int, Mapping[str, object]]
) -> dict[int, CheckedCall]:
    ids = [each.id for each in tasks]
    answers, attempts = _answers(session, ids), _last_attempts(session, ids)
    reviews = {
        row.task_id: row
        for row in session.scalars(select(RecallReviewRow).where(RecallReviewRow.task_id == func.any(id_array(ids))))
    }
    callers = {each.user_id for each in attempts.values() if each.user_id is not None}
    known = _Known(
        answers=answers,
        attempts=attempts,
        accounts=accounts,
        names=user_names(session, callers | {each.reviewed_by for each in reviews.values()}),
        doctors=_doctors(session, facility_id),
        people=patient_snapshots(session, {each.patient_id for each in tasks}),
        wards=departments(session, facility_id),
        reviews=reviews,
    )
    return {task.id: _one(task, known) for task in tasks}


def _doctors(session: Session, facility_id: int) -> frozenset[int]:
    return frozenset(
        each.user_id
        for each in users(session, [facility_id])
        if any(one.role is Role.PHYSICIAN for one in each.memberships)
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read for many calls at once, by the id of the task, user, patient or department."""

    answers: Mapping[int, Mapping[str, object]]
    attempts: Mapping[int, AttemptRow]
    accounts: Mapping[int, Mapping[str, object]]
    names: Mapping[int, str]
    doctors: frozenset[int]
    people: Mapping[int, PatientSnapshot]
    wards: Mapping[int, DepartmentSnapshot]
    reviews: Mapping[int, RecallReviewRow]

    def recorded(self, task: TaskRow) -> RecordedCall:
        """The call as its record tells it."""
        attempt = self.attempts.get(task.id)
        caller = ""
        if attempt is not None and attempt.user_id is not None:
            caller = "doctor" if attempt.user_id in self.doctors else "nurse"
        return RecordedCall(
            completed=task.status is TaskStatus.COMPLETED,
            caller=caller,
            seconds=None if attempt is None else attempt.duration_seconds,
            answers=list(self.answers.get(task.id, {}).values()),
            self_reported=task.self_reported,
        )


def _one(task: TaskRow, known: _Known) -> CheckedCall:
    attempt, review, account = known.attempts.get(task.id), known.reviews.get(task.id), known.accounts.get(task.id)
    recorded = known.recorded(task)
    return CheckedCall(
        task=task,
        patient=known.people[task.patient_id],
        department=known.wards.get(task.department_id or 0),
        called_by="" if attempt is None else known.names.get(attempt.user_id or 0, ""),
        called_at=None if attempt is None else attempt.started_at,
        seconds=recorded.seconds,
        answers=len(recorded.answers),
        verdict=None if account is None else verdict(recorded, account),
        differences=() if account is None else differences(recorded, account),
        oddities=oddities(recorded),
        said_when=str((account or {}).get("called_when") or ""),
        review=review,
        reviewed_by="" if review is None else known.names.get(review.reviewed_by, ""),
    )
