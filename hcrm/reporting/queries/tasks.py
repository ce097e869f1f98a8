"""Follow-up tasks, classified and counted in SQL; and the live discharges they are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, Text, cast, func, literal, literal_column, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm.followup.domain.figures import FigureClass, FigureFacts
from hcrm.followup.domain.plan import StepChannel
from hcrm.followup.domain.task import TaskStatus
from hcrm.followup.models import TaskRow
from hcrm.followup.queries import figures
from hcrm.patients.models import Encounter
from hcrm.patients.queries import left_a_bed_alive
from hcrm.reporting.domain.funnel import ClassifiedCount
from hcrm.reporting.domain.reports import ALL, UNKNOWN, Basis, By, Group, Selection
from hcrm.reporting.queries.places import covered, facility_zones

HUMAN_CHANNELS = (StepChannel.PHONE, StepChannel.HOME_VISIT)
"""Contact by a person; messages are reported apart."""

RECALL_STEP = "recall"
"""The service centre's check of calls that others made: beside the one call of each discharge."""

WEEK = 'IYYY-"W"IW'


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks: all, those of a tier, those done by a person or those sent, those that check no other call.

    ``None`` and False do not narrow.
    """

    basis: Basis = Basis.WINDOW
    tier: int | None = None
    human: bool = False
    messages: bool = False
    without_recall: bool = False


def day_of(basis: Basis) -> InstrumentedAttribute[date]:
    """The day that decides in which period a task counts."""
    return TaskRow.due_on if basis is Basis.WINDOW else TaskRow.discharged_on


def task_conditions(selection: Selection, only: TaskFilter) -> list[ColumnElement[bool]]:
    """Which tasks the selection and the filter take in."""
    conditions = [covered(selection, TaskRow.facility_id, TaskRow.department_id)]
    conditions += _between(day_of(only.basis), selection)
    if only.tier is not None:
        conditions.append(TaskRow.tier == only.tier)
    if only.without_recall:
        conditions.append(TaskRow.step_code != RECALL_STEP)
    if only.human:
        conditions.append(figures.by_people())
    if only.messages:
        conditions.append(TaskRow.channel.not_in(HUMAN_CHANNELS))
    return conditions


def _between(day: InstrumentedAttribute[Any], selection: Selection) -> list[ColumnElement[bool]]:
    conditions = []
    if selection.from_on:
        conditions.append(day >= selection.from_on)
    if selection.to_on:
        conditions.append(day <= selection.to_on)
    return conditions


def group_column(by: By, basis: Basis) -> ColumnElement[Any]:
    """The column that a grouping groups by; months as ``YYYY-MM``, weeks as ``2026-W07`` (ISO 8601).

    A member of the staff is who ended the task, or, while nobody has, who it is assigned to.
    """
    columns: dict[By, Any] = {
        By.DEPARTMENT: TaskRow.department_id,
        By.TIER: TaskRow.tier,
        By.CHANNEL: TaskRow.channel,
        By.CLINICIAN: TaskRow.clinician_id,
        By.MONTH: func.to_char(day_of(basis), "YYYY-MM"),
        By.STEP: TaskRow.step_code,
        By.STAFF: func.coalesce(TaskRow.ended_by_user_id, TaskRow.assignee_user_id),
        By.WEEK: func.to_char(day_of(basis), WEEK),
        By.DAY: func.to_char(day_of(basis), "YYYY-MM-DD"),
        By.NONE: literal(ALL),
    }
    return type_coerce(columns[by], columns[by].type)


def in_group(column: ColumnElement[Any], group: Group | None) -> list[ColumnElement[bool]]:
    """The condition that a record is in a group of the grouping that a column stands for; none without a group."""
    if group is None:
        return []
    return [column.is_(None) if group.key == UNKNOWN else cast(column, Text) == group.key]


def classified_counts(
    session: Session, selection: Selection, only: TaskFilter, by: tuple[By, ...], now: datetime
) -> dict[tuple[Any, ...], list[ClassifiedCount]]:
    """Counts of classified tasks by the groups of one or several groupings."""
    groups = [group_column(each, only.basis) for each in by]
    return _counted(session, selection, only, groups, now)


def weekly_counts(
    session: Session, selection: Selection, only: TaskFilter, now: datetime
) -> dict[date, list[ClassifiedCount]]:
    """Classified tasks by the Monday of the week in which they count; without the reasons of excluded ones, and who was
    tried or reached.

    Counted day by day in the order of the index, which takes half as long as a group for each kind of task.
    """
    weeks: dict[date, list[ClassifiedCount]] = {}
    day = day_of(only.basis).expression
    for facility_id, zone in facility_zones(session, selection).items():
        kinds = (figures.excluded(), figures.still_open(now), figures.completed(), figures.completed_in_time(zone))
        statement = (
            select(day, func.count(), *(func.count().filter(kind) for kind in kinds))
            .where(TaskRow.facility_id == facility_id, *task_conditions(selection, only))
            .group_by(day)
        )
        for counted_on, tasks, excluded, still_open, completed, in_time in session.execute(statement):
            weeks.setdefault(counted_on - timedelta(days=counted_on.weekday()), []).extend(
                (
                    ClassifiedCount(FigureClass.EXCLUDED, excluded),
                    ClassifiedCount(FigureClass.OPEN, still_open),
                    ClassifiedCount(FigureClass.DUE, tasks - excluded - still_open - completed),
                    ClassifiedCount(FigureClass.DUE, completed - in_time, completed=True),
                    ClassifiedCount(FigureClass.DUE, in_time, completed=True, in_time=True),
                )
            )
    return weeks


def _counted(
    session: Session, selection: Selection, only: TaskFilter, groups: list[Any], now: datetime
) -> dict[tuple[Any, ...], list[ClassifiedCount]]:
    """One statement for each facility, because its calendar decides what was in time."""
    found: dict[tuple[Any, ...], list[ClassifiedCount]] = {}
    for facility_id, zone in facility_zones(session, selection).items():
        statement = _classified(groups, zone, now).where(
            TaskRow.facility_id == facility_id, *task_conditions(selection, only)
        )
        for row in session.execute(statement):
            key, values = tuple(row[: len(groups)]), row[len(groups) :]
            found.setdefault(key, []).append(_count(values))
    return found


def _classified(groups: list[Any], zone: str, now: datetime) -> Select[Any]:
    columns = [group.label(f"group_{at}") for at, group in enumerate(groups)]
    columns += [
        figures.figure_class(now).label("figure_class"),
        figures.excluded_reason().label("excluded_reason"),
        figures.attempted().label("attempted"),
        figures.reached().label("reached"),
        figures.completed().label("completed"),
        figures.completed_in_time(zone).label("in_time"),
    ]
    return select(*columns, func.count()).group_by(*(column.name for column in columns))


def _count(values: Sequence[Any]) -> ClassifiedCount:
    figure_class, reason, attempted, reached, completed, in_time, tasks = values
    return ClassifiedCount(FigureClass(figure_class), tasks, reason, attempted, reached, completed, bool(in_time))


@dataclass(frozen=True, slots=True)
class Discharges:
    """Live discharges of a group, and those of them with a completed contact by a person."""

    discharged: int
    followed_up: int


def live_discharges(session: Session, selection: Selection, by: By) -> dict[Any, Discharges]:
    """Live discharges in the period by group (department, clinician, month or all of them)."""
    group = discharge_column(by).label("figure_group")
    statement = (
        select(group, func.count(), func.count().filter(has_contact()))
        .where(*discharge_conditions(selection))
        .group_by(group.name)
    )
    return {key: Discharges(discharged, followed) for key, discharged, followed in session.execute(statement)}


def discharge_column(by: By) -> ColumnElement[Any]:
    """The column that live discharges are grouped by."""
    columns: dict[By, Any] = {
        By.DEPARTMENT: Encounter.department_id,
        By.CLINICIAN: Encounter.clinician_id,
        By.MONTH: func.to_char(Encounter.discharged_on, "YYYY-MM"),
        By.NONE: literal(ALL),
    }
    column: ColumnElement[Any] = columns[by]
    return column


def has_contact() -> ColumnElement[bool]:
    """Whether a discharge has a completed contact by a person."""
    completed = TaskRow.status == literal_column(f"'{TaskStatus.COMPLETED}'")
    return select(TaskRow.id).where(TaskRow.encounter_id == Encounter.id, completed, figures.by_people()).exists()


def discharge_conditions(selection: Selection) -> list[ColumnElement[bool]]:
    """Stays in a bed that ended in the selection and that the patient left alive."""
    return [
        covered(selection, Encounter.facility_id, Encounter.department_id),
        *_between(Encounter.discharged_on, selection),
        *left_a_bed_alive(),
    ]


def figure_facts(session: Session) -> Iterator[FigureFacts]:
    """Every task as the pure classification wants it, a thousand at a time."""
    zones = {facility: ZoneInfo(name) for facility, name in facility_zones(session, Selection()).items()}
    statement = select(
        TaskRow.facility_id,
        TaskRow.status,
        TaskRow.reason,
        TaskRow.due_at,
        TaskRow.due_on,
        TaskRow.ended_at,
        TaskRow.first_attempt_at,
        TaskRow.reached_at,
        TaskRow.completed_at,
        TaskRow.questionnaire_code,
    ).execution_options(yield_per=1000)
    for row in session.execute(statement):
        yield FigureFacts(
            status=row.status,
            reason=row.reason,
            due_at=row.due_at,
            due_on=row.due_on,
            zone=zones[row.facility_id],
            ended_at=row.ended_at,
            first_attempt_at=row.first_attempt_at,
            reached_at=row.reached_at,
            completed_at=row.completed_at,
            questionnaire_code=row.questionnaire_code,
        )
