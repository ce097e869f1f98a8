"""Tries to reach patients: by hour of the week, and how many it took."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.attempts import REACHED
from hcrm.followup.models import AttemptRow, TaskRow
from hcrm.reporting.domain.reach import Hour
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.queries.places import covered, facility_zones
from hcrm.reporting.queries.tasks import TaskFilter, task_conditions


def tries_by_hour(session: Session, selection: Selection) -> list[Hour]:
    """Tries that began in the period by hour of the facility's week; contacts that patients began are none."""
    found: dict[tuple[int, int], Hour] = {}
    for facility_id, zone in facility_zones(session, selection).items():
        local = func.timezone(zone, AttemptRow.started_at)
        weekday = cast(func.extract("isodow", local), Integer).label("weekday")
        hour = cast(func.extract("hour", local), Integer).label("hour")
        reached = func.count().filter(AttemptRow.connection.in_(sorted(REACHED)))
        statement = (
            select(weekday, hour, func.count(), reached)
            .join(TaskRow, TaskRow.id == AttemptRow.task_id)
            .where(
                AttemptRow.facility_id == facility_id,
                AttemptRow.self_reported.is_(False),
                AttemptRow.started_at >= _begin(selection, zone),
                AttemptRow.started_at < _end(selection, zone),
                covered(selection, TaskRow.facility_id, TaskRow.department_id),
            )
            .group_by("weekday", "hour")
        )
        for day, at, tries, good in session.execute(statement):
            before = found.get((day - 1, at), Hour(day - 1, at, 0, 0))
            found[day - 1, at] = Hour(day - 1, at, before.tries + tries, before.reached + good)
    return [found[place] for place in sorted(found)]


def _begin(selection: Selection, zone: str) -> datetime:
    if selection.from_on is None:
        return datetime.min.replace(tzinfo=UTC, year=1900)
    return datetime.combine(selection.from_on, time(), ZoneInfo(zone))


def _end(selection: Selection, zone: str) -> datetime:
    if selection.to_on is None or selection.to_on.year >= 9999:
        return datetime.max.replace(tzinfo=UTC, year=9000)
    return datetime.combine(selection.to_on + timedelta(days=1), time(), ZoneInfo(zone))


def tries_of_tasks(session: Session, selection: Selection) -> tuple[list[int], dict[int, int]]:
    """For tasks of people in the period: by which try each was reached, and how many had a first, second … try.

    Contacts that patients began are no tries.
    """
    numbered = (
        select(
            AttemptRow.task_id,
            AttemptRow.connection,
            func.row_number()
            .over(partition_by=AttemptRow.task_id, order_by=(AttemptRow.started_at, AttemptRow.id))
            .label("number"),
        )
        .join(TaskRow, TaskRow.id == AttemptRow.task_id)
        .where(*task_conditions(selection, TaskFilter(human=True)), AttemptRow.self_reported.is_(False))
        .subquery()
    )
    made = select(numbered.c.number, func.count()).group_by(numbered.c.number)
    first = (
        select(func.min(numbered.c.number))
        .where(numbered.c.connection.in_(sorted(REACHED)))
        .group_by(numbered.c.task_id)
    )
    counts = {number: tasks for number, tasks in session.execute(made)}  # noqa: C416 - rows are no tuples
    return list(session.scalars(first)), counts
