"""The discharges of some days with what became of the question how satisfied the patients were."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import and_, false, or_, select
from sqlalchemy.orm import Session

from hcrm.accounts.domain import Scope
from hcrm.followup.domain.expansion import is_sampled
from hcrm.followup.domain.figures import SURVEY_PREFIX, asks_satisfaction
from hcrm.followup.domain.invitations import Invitation, StayAsked, SurveyStep, SurveyTask, invitation
from hcrm.followup.domain.plan import RiskLevel
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.plans import plans_of_versions
from hcrm.patients.domain import Disposition, EncounterStatus
from hcrm.patients.models import Encounter, Patient
from hcrm.survey.models import SurveyResponse


@dataclass(frozen=True, slots=True)
class InvitationRow:
    """One discharge: who, where, when, and the verdict; ``response_id`` and ``state`` of its survey, if any."""

    encounter_id: int
    facility_id: int
    patient_id: int
    patient: str
    department_id: int | None
    discharged_on: date
    verdict: Invitation
    response_id: int | None
    state: str | None
    reminded_at: datetime | None
    link_open: bool


def invitations(
    session: Session,
    scope: Scope,
    *,
    from_on: date,
    to_on: date,
    now: datetime,
    department_id: int | None = None,
    offset: int = 0,
    limit: int = 50,
) -> list[InvitationRow]:
    """Finished stays that ended on these days, both included, the newest first."""
    rows = session.execute(
        select(Encounter, Patient.full_name)
        .join(Patient, Patient.id == Encounter.patient_id)
        .where(
            Encounter.status == EncounterStatus.FINISHED,
            Encounter.discharged_on.between(from_on, to_on),
            or_(false(), *_parts(scope)),
            *([] if department_id is None else [Encounter.department_id == department_id]),
        )
        .order_by(Encounter.discharged_at.desc(), Encounter.id.desc())
        .offset(offset)
        .limit(limit)
    ).all()
    stays = [row.Encounter for row in rows]
    facts = _Facts(session, [stay.id for stay in stays])
    return [_row(stay, name, facts, now) for stay, name in rows]


def _parts(scope: Scope) -> Iterable[Any]:
    for facility_id, departments in sorted(scope.departments.items()):
        here = Encounter.facility_id == facility_id
        yield here if departments is None else and_(here, Encounter.department_id.in_(sorted(departments)))


class _Facts:
    """Enrolments, survey tasks and responses of some stays, read in three statements."""

    def __init__(self, session: Session, encounter_ids: Sequence[int]) -> None:
        enrolled = session.scalars(select(EnrolmentRow).where(EnrolmentRow.encounter_id.in_(encounter_ids))).all()
        self.enrolments: dict[int, list[EnrolmentRow]] = defaultdict(list)
        for row in enrolled:
            self.enrolments[row.encounter_id].append(row)
        self.plans = plans_of_versions(session, {row.plan_version_id for row in enrolled})
        self.tasks: dict[int, list[TaskRow]] = defaultdict(list)
        asking = TaskRow.questionnaire_code.startswith(SURVEY_PREFIX, autoescape=True)
        for task in session.scalars(
            select(TaskRow).where(TaskRow.encounter_id.in_(encounter_ids), asking).order_by(TaskRow.id)
        ):
            self.tasks[task.encounter_id].append(task)
        of_tasks = [task.id for tasks in self.tasks.values() for task in tasks]
        self.responses: dict[int, SurveyResponse] = {
            int(response.encounter_id or 0): response
            for response in session.scalars(
                select(SurveyResponse).where(SurveyResponse.task_id.in_(of_tasks)).order_by(SurveyResponse.id)
            )
        }


def _row(stay: Encounter, name: str, facts: _Facts, now: datetime) -> InvitationRow:
    response = facts.responses.get(stay.id)
    assert stay.discharged_on is not None
    known = StayAsked(
        died=stay.disposition is Disposition.EXPIRED,
        post_acute=stay.post_acute,
        enrolled=bool(facts.enrolments[stay.id]),
        steps=tuple(step for row in facts.enrolments[stay.id] for step in _steps(row, facts)),
        tasks=tuple(_task(task) for task in facts.tasks[stay.id]),
        answered_at=response.started_at if response else None,
    )
    return InvitationRow(
        encounter_id=stay.id,
        facility_id=stay.facility_id,
        patient_id=stay.patient_id,
        patient=name,
        department_id=stay.department_id,
        discharged_on=stay.discharged_on,
        verdict=invitation(known, now),
        response_id=response.id if response else None,
        state=response.state.value if response else None,
        reminded_at=response.reminded_at if response else None,
        link_open=response is not None and response.closed_at is None and response.expires_at > now,
    )


def _steps(row: EnrolmentRow, facts: _Facts) -> Iterable[SurveyStep]:
    published = facts.plans[row.plan_version_id]
    for step in published.plan.steps:
        if any(asks_satisfaction(code) for _, code in step.questionnaires):
            yield SurveyStep(
                code=step.code,
                channel=step.channel,
                share=step.sample,
                sampled=is_sampled(step, published.label, row.encounter_id),
                for_risk=RiskLevel(row.risk) in step.risks,
            )


def _task(row: TaskRow) -> SurveyTask:
    return SurveyTask(
        channel=row.channel,
        status=row.status,
        reason=row.reason,
        starts_at=row.window_starts_at,
        due_at=row.due_at,
        tried_at=row.first_attempt_at,
    )
