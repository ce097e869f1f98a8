"""Rows of the roll-ups that are not what the records add up to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import Date, Select, cast, distinct, func, select, union, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm.followup.models import TaskRow
from hcrm.patients.models import Encounter
from hcrm.reporting.models import AnswerDay, DischargeDay, InvitationDay, MarkKind, ReturnDay, TaskDay
from hcrm.reporting.queries import day_rows
from hcrm.survey.models import SurveyAnswer, SurveyResponse

Rows = Callable[[int, str, Iterable[date]], Select[Any]]
"""The statement that adds up some days of a facility, whose zone it takes."""

SQL_ROLLED: Mapping[str, tuple[MarkKind, InstrumentedAttribute[date], Rows]] = {
    "tasks": (MarkKind.TASK, TaskDay.due_on, day_rows.task_days),
    "discharges": (
        MarkKind.STAY,
        DischargeDay.discharged_on,
        lambda facility_id, _zone, days: day_rows.discharge_days(facility_id, days),
    ),
    "answers": (MarkKind.ANSWER, AnswerDay.day, day_rows.answer_days),
    "invitations": (MarkKind.INVITATION, InvitationDay.day, day_rows.invitation_days),
}
"""The roll-ups that a statement makes: their marks, their day, and the statement."""


def known_days(session: Session, kind: MarkKind, facility_id: int, zone: str) -> set[date]:
    """Every day that has records or rows of a roll-up."""

    def local(at: InstrumentedAttribute[Any]) -> Any:
        return cast(func.timezone(zone, at), Date)

    sources: Mapping[MarkKind, list[Select[Any]]] = {
        MarkKind.TASK: [
            select(distinct(TaskRow.due_on)).where(TaskRow.facility_id == facility_id),
            select(distinct(TaskDay.due_on)).where(TaskDay.facility_id == facility_id),
        ],
        MarkKind.STAY: [
            select(distinct(Encounter.discharged_on)).where(Encounter.facility_id == facility_id),
            select(distinct(DischargeDay.discharged_on)).where(DischargeDay.facility_id == facility_id),
            select(distinct(ReturnDay.discharged_on)).where(ReturnDay.facility_id == facility_id),
        ],
        MarkKind.ANSWER: [
            select(distinct(local(SurveyAnswer.answered_at))).where(SurveyAnswer.facility_id == facility_id),
            select(distinct(AnswerDay.day)).where(AnswerDay.facility_id == facility_id),
        ],
        MarkKind.INVITATION: [
            select(distinct(local(SurveyResponse.invited_at))).where(SurveyResponse.facility_id == facility_id),
            select(distinct(InvitationDay.day)).where(InvitationDay.facility_id == facility_id),
        ],
    }
    return {day for day in session.scalars(union(*sources[kind])) if day is not None}


def differing(session: Session, name: str, facility_id: int, zone: str, days: list[date]) -> tuple[int, int]:
    """How many rows some days of a roll-up should have, and how many rows are missing, too many or wrong."""
    _kind, day, make = SQL_ROLLED[name]
    expected = make(facility_id, zone, days).subquery()
    columns = [column.name for column in expected.c]
    table = day.class_
    wanted = select(*(expected.c[column] for column in columns))
    found = select(*(getattr(table, column) for column in columns)).where(
        table.facility_id == facility_id, day.in_(days)
    )
    wrong = union_all(wanted.except_all(found), found.except_all(wanted)).subquery()
    rows = session.scalar(select(func.count()).select_from(expected)) or 0
    return rows, session.scalar(select(func.count()).select_from(wrong)) or 0
