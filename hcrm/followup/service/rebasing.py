"""Another calendar moves what is planned: windows of open steps are counted anew, by combination and not one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    SmallInteger,
    String,
    and_,
    cast,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from hcrm.events import TasksChanged, publish
from hcrm.followup.domain.eligibility import PublishedPlan
from hcrm.followup.domain.expansion import PlannedTask, plan_occurrences
from hcrm.followup.domain.plan import Trigger
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import EnrolmentRow, TaskRow
from hcrm.followup.queries.plans import plans_of_versions
from hcrm.organization.domain import Calendar
from hcrm.organization.queries import calendar, facility

_NO_SYNC = {"synchronize_session": False}


class _Alike(NamedTuple):
    """What the dates of a step depend on."""

    plan_version_id: int
    step_code: str
    occurrence: int
    day_zero: date


def follow_calendar(session: Session, *, facility_id: int, now: datetime) -> list[int]:
    """Count the windows of a hospital's steps anew that nobody has begun and that are not over; ids of what moved.

    What was missed stays missed, and a window that would be over by now under the new calendar is left as it is.
    """
    zone, workdays = facility(session, facility_id).zone, calendar(session, facility_id)
    moved: list[int] = []
    for trigger, day_zero in _day_zeros(zone).items():
        waiting = and_(
            TaskRow.facility_id == facility_id,
            or_(TaskRow.status == literal_column("'open'"), TaskRow.status == TaskStatus.ON_HOLD),
            TaskRow.attempt_count == 0,
            TaskRow.sent_message_id.is_(None),
            TaskRow.due_at > now,
        )
        alike = _alike(session, waiting, day_zero)
        plans = plans_of_versions(session, {each.plan_version_id for each in alike})
        dated = list(_dated(plans, alike, trigger, workdays, zone))
        if dated:
            moved += _move(session, waiting, day_zero, dated, now)
    if moved:
        publish(session, TasksChanged(now=now, task_ids=tuple(moved)))
    return moved


def _day_zeros(zone: ZoneInfo) -> dict[Trigger, ColumnElement[date]]:
    """From which day a step counts: the discharge, or the day on which the earlier step ended."""
    ended: ColumnElement[date] = cast(func.timezone(zone.key, TaskRow.created_at), Date)
    return {Trigger.DISCHARGE: TaskRow.discharged_on.expression, Trigger.STEP_ENDED: ended}


def _alike(session: Session, waiting: ColumnElement[bool], day_zero: ColumnElement[date]) -> list[_Alike]:
    rows = session.execute(
        select(EnrolmentRow.plan_version_id, TaskRow.step_code, TaskRow.occurrence, day_zero)
        .join(EnrolmentRow, EnrolmentRow.id == TaskRow.enrolment_id)
        .where(waiting)
        .distinct()
    )
    return [_Alike._make(row) for row in rows.tuples()]


def _dated(
    plans: dict[int, PublishedPlan], alike: Sequence[_Alike], trigger: Trigger, workdays: Calendar, zone: ZoneInfo
) -> Iterator[tuple[_Alike, PlannedTask]]:
    for each in alike:
        steps = [step for step in plans[each.plan_version_id].plan.steps if step.code == each.step_code]
        for step in steps:
            if step.trigger is trigger:
                found = plan_occurrences(step, each.day_zero, workdays, zone)
                yield from ((each, planned) for planned in found if planned.occurrence == each.occurrence)


def _move(
    session: Session,
    waiting: ColumnElement[bool],
    day_zero: ColumnElement[date],
    dated: Sequence[tuple[_Alike, PlannedTask]],
    now: datetime,
) -> list[int]:
    columns: dict[str, tuple[Any, list[Any]]] = {
        "plan_version_id": (BigInteger(), [each.plan_version_id for each, _ in dated]),
        "step_code": (String(), [each.step_code for each, _ in dated]),
        "occurrence": (SmallInteger(), [each.occurrence for each, _ in dated]),
        "day_zero": (Date(), [each.day_zero for each, _ in dated]),
        "window_starts_at": (DateTime(timezone=True), [planned.window_starts_at for _, planned in dated]),
        "target_at": (DateTime(timezone=True), [planned.target_at for _, planned in dated]),
        "due_at": (DateTime(timezone=True), [planned.due_at for _, planned in dated]),
        "due_on": (Date(), [planned.due_on for _, planned in dated]),
    }
    new = select(
        *(func.unnest(cast(values, ARRAY(kind))).label(name) for name, (kind, values) in columns.items())
    ).subquery("new")
    differs = or_(
        TaskRow.window_starts_at != new.c.window_starts_at,
        TaskRow.target_at != new.c.target_at,
        TaskRow.due_at != new.c.due_at,
    )
    rows = session.scalars(
        update(TaskRow)
        .where(
            waiting,
            EnrolmentRow.id == TaskRow.enrolment_id,
            EnrolmentRow.plan_version_id == new.c.plan_version_id,
            TaskRow.step_code == new.c.step_code,
            TaskRow.occurrence == new.c.occurrence,
            day_zero == new.c.day_zero,
            new.c.due_at > now,
            differs,
        )
        .values(
            window_starts_at=new.c.window_starts_at,
            target_at=new.c.target_at,
            due_at=new.c.due_at,
            due_on=new.c.due_on,
        )
        .returning(TaskRow.id),
        execution_options=_NO_SYNC,
    )
    return list(rows)
