"""Teams for home visits, the days on which they go, and what they bring back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.followup.domain.home_visits import NoVisit, district_of, plan_visits
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow, VisitBookingRow, VisitTeamRow
from hcrm.followup.queries.home_visits import taken, teams, waiting_visits
from hcrm.followup.service.responses import ensure_task_response
from hcrm.followup.service.tasks import UnknownTask, open_task
from hcrm.organization.queries import calendar, facility
from hcrm.patients.queries import patient_snapshots
from hcrm.survey import queries as surveys
from hcrm.survey import service as survey_service
from hcrm.survey.domain import Mode, Respondent, shown_questions


class DayFull(RuntimeError):
    """The team makes as many visits on this day as it can."""


class UnknownTeam(LookupError):
    """The facility has no such team."""


@dataclass(frozen=True, slots=True)
class TeamEntry:
    """A team as it is entered."""

    name: str
    districts: tuple[str, ...]
    per_day: int
    active: bool = True


def save_team(
    session: Session, *, facility_id: int, team_id: int | None, entry: TeamEntry, user_id: int, now: datetime
) -> int:
    """Make a team (``team_id`` None) or change one; its id. Raises ``UnknownTeam``."""
    row = VisitTeamRow(facility_id=facility_id) if team_id is None else _team(session, facility_id, team_id)
    row.name, row.districts = entry.name, list(entry.districts)
    row.per_day, row.active = entry.per_day, entry.active
    session.add(row)
    session.flush()
    record(
        session,
        now=now,
        action="visit_team.saved",
        actor_user_id=user_id,
        facility_id=facility_id,
        object_kind="facility",
        object_id=facility_id,
        details={"team": row.id},
    )
    return row.id


def _team(session: Session, facility_id: int, team_id: int) -> VisitTeamRow:
    row = session.scalar(select(VisitTeamRow).where(VisitTeamRow.id == team_id).with_for_update())
    if row is None or row.facility_id != facility_id:
        raise UnknownTeam(team_id)
    return row


def book_days(session: Session, *, facility_id: int, now: datetime) -> tuple[int, Mapping[int, NoVisit]]:
    """Give a day to every visit that waits for one, from today on; how many got one, and why the others did not."""
    session.scalars(
        select(VisitTeamRow.id)
        .where(VisitTeamRow.facility_id == facility_id)
        .order_by(VisitTeamRow.id)
        .with_for_update()
    ).all()
    today = now.astimezone(facility(session, facility_id).zone).date()
    waiting = [visit for _task, visit in waiting_visits(session, facility_id, now)]
    known, busy = teams(session, facility_id), taken(session, facility_id, today)
    booked, left = plan_visits(waiting, known, busy, calendar(session, facility_id), today)
    for task_id, booking in booked.items():
        _store(session, facility_id, task_id, booking.team_id, booking.day, booking.district)
    return len(booked), left


def move_visit(session: Session, *, task_id: int, team_id: int, day: date, user_id: int, now: datetime) -> None:
    """Book a visit for a team and day of somebody's choice. Raises ``UnknownTask``, ``UnknownTeam`` and ``DayFull``."""
    task = session.get(TaskRow, task_id)
    if task is None or task.channel is not StepChannel.HOME_VISIT or task.status is not TaskStatus.OPEN:
        raise UnknownTask(task_id)
    team = _team(session, task.facility_id, team_id)
    count = session.scalar(
        select(func.count()).where(
            VisitBookingRow.team_id == team_id, VisitBookingRow.day == day, VisitBookingRow.task_id != task_id
        )
    )
    if (count or 0) >= team.per_day:
        raise DayFull(day.isoformat())
    address = patient_snapshots(session, [task.patient_id])[task.patient_id].address
    place = district_of(address, teams(session, task.facility_id))
    _store(session, task.facility_id, task_id, team_id, day, place[1] if place else "")
    _audit(session, task, "visit.booked", user_id, now)


def free_visit(session: Session, *, task_id: int, user_id: int, now: datetime) -> None:
    """Take the day of a visit back. Raises ``UnknownTask``."""
    task = session.get(TaskRow, task_id)
    if task is None:
        raise UnknownTask(task_id)
    session.execute(delete(VisitBookingRow).where(VisitBookingRow.task_id == task_id))
    _audit(session, task, "visit.freed", user_id, now)


def _store(session: Session, facility_id: int, task_id: int, team_id: int, day: date, district: str) -> None:
    values = {"team_id": team_id, "day": day, "district": district}
    session.execute(
        insert(VisitBookingRow)
        .values(task_id=task_id, facility_id=facility_id, **values)
        .on_conflict_do_update(index_elements=["task_id"], set_=values)
    )


def _audit(session: Session, task: TaskRow, action: str, user_id: int, now: datetime) -> None:
    record(
        session,
        now=now,
        action=action,
        actor_user_id=user_id,
        facility_id=task.facility_id,
        object_kind="task",
        object_id=task.id,
        patient_id=task.patient_id,
    )


def answer_visit(
    session: Session,
    *,
    task_id: int,
    values: Mapping[str, object],
    respondent: Respondent,
    user_id: int,
    now: datetime,
) -> None:
    """Keep all answers of a visit at once. What its skip rules would not have asked is left out.

    Raises ``UnknownTask``, ``TaskHeld``, ``TaskClosed`` and what the survey raises.
    """
    open_task(session, task_id=task_id, user_id=user_id)
    task = session.get_one(TaskRow, task_id, populate_existing=True)
    if task.questionnaire_code is None or not values:
        return
    response_id = ensure_task_response(session, task, now)
    sheet = surveys.sheet(session, response_id, now)
    kept: dict[str, object] = dict(sheet.answers)
    for question in sheet.questionnaire.questions:
        shown = {each.code for each in shown_questions(sheet.questionnaire, kept, sheet.context)}  # type: ignore[arg-type]
        if question.code in values and question.code in shown:
            kept[question.code] = values[question.code]
    given = {code: value for code, value in kept.items() if code in values}
    if given:
        survey_service.record_answers(
            session,
            response_id=response_id,
            values=given,
            mode=Mode.VISIT,
            respondent=respondent,
            now=now,
            actor_user_id=user_id,
        )
