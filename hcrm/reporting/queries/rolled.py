"""Counts read from the daily roll-ups, and from the records themselves for days that have changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import astuple
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Select, cast, func, literal, select
from sqlalchemy.orm import Session

from hcrm.followup.domain.figures import FigureClass
from hcrm.reporting.domain.funnel import ClassifiedCount
from hcrm.reporting.domain.reports import ALL, Basis, By, Selection
from hcrm.reporting.models import AnswerDay, DischargeDay, InvitationDay, MarkKind, TaskDay
from hcrm.reporting.queries import answers as from_answers
from hcrm.reporting.queries import tasks as from_tasks
from hcrm.reporting.queries.answers import Answered, Responses
from hcrm.reporting.queries.day_rows import runs
from hcrm.reporting.queries.marks import Changed
from hcrm.reporting.queries.places import covered, facility_zones
from hcrm.reporting.queries.tasks import HUMAN_CHANNELS, RECALL_STEP, WEEK, Discharges, TaskFilter

Counts = dict[tuple[Any, ...], list[ClassifiedCount]]
_GROUPED = {By.DEPARTMENT, By.TIER, By.CHANNEL, By.MONTH, By.WEEK, By.DAY, By.STEP, By.NONE}
"""What the days of tasks can be grouped by."""

_FLAGS = ("still_open", "attempted", "reached", "completed", "in_time")


def only_on(selection: Selection, facility_id: int, first: date, last: date) -> Selection:
    """The selection in one facility and on some of its days."""
    scope = {facility_id: None} if selection.scope is None else {facility_id: selection.scope[facility_id]}
    return Selection(first, last, scope, selection.department_id)


def classified_counts(
    session: Session, changes: Changed, selection: Selection, only: TaskFilter, by: tuple[By, ...], now: datetime
) -> Counts:
    """What ``tasks.classified_counts`` gives, from the roll-up as far as it holds."""
    if only.basis is not Basis.WINDOW or not _GROUPED.issuperset(by):
        return from_tasks.classified_counts(session, selection, only, by, now)
    found: Counts = {}
    for facility_id, zone in facility_zones(session, selection).items():
        today = now.astimezone(ZoneInfo(zone)).date()
        live = changes.within(MarkKind.TASK, facility_id, selection.from_on, selection.to_on)
        for part in live_parts(selection, facility_id, live, today):
            _merge(found, from_tasks.classified_counts(session, part, only, by, now))
        if live is not None:
            _merge(found, _task_days(session, selection, only, by, facility_id, live | {today}, today))
    return found


def live_parts(
    selection: Selection, facility_id: int, live: frozenset[date] | None, *more: date
) -> Iterable[Selection]:
    """What has to be read from the records: all of it, or the changed days (and some more) as runs of days."""
    if live is None:
        scope = {facility_id: None} if selection.scope is None else {facility_id: selection.scope[facility_id]}
        return [Selection(selection.from_on, selection.to_on, scope, selection.department_id)]
    wanted = {
        day
        for day in {*live, *more}
        if (selection.from_on is None or selection.from_on <= day)
        and (selection.to_on is None or day <= selection.to_on)
    }
    return [only_on(selection, facility_id, first, last) for first, last in runs(wanted)]


def _merge(found: Counts, more: Mapping[tuple[Any, ...], list[ClassifiedCount]]) -> None:
    for key, counts in more.items():
        found.setdefault(key, []).extend(counts)


def _task_days(
    session: Session,
    selection: Selection,
    only: TaskFilter,
    by: tuple[By, ...],
    facility_id: int,
    without: frozenset[date],
    today: date,
) -> Counts:
    groups = [_group(each).label(f"group_{at}") for at, each in enumerate(by)]
    columns: list[Any] = [
        TaskDay.reason,
        _still_open(today).label("still_open"),
        TaskDay.attempted,
        TaskDay.reached,
        TaskDay.completed,
        TaskDay.in_time,
    ]
    statement = (
        select(*groups, *columns, func.sum(TaskDay.tasks))
        .where(*_conditions(selection, only, facility_id, without))
        .group_by(*(group.name for group in groups), *columns[:1], "still_open", *columns[2:])
    )
    found: Counts = {}
    for row in session.execute(statement):
        key, (reason, *flags, tasks) = tuple(row[: len(groups)]), row[len(groups) :]
        found.setdefault(key, []).append(_count(reason, tasks, **dict(zip(_FLAGS, flags, strict=True))))
    return found


def _still_open(today: date) -> ColumnElement[bool]:
    """Days before today are over, those after it are not; today itself is read from the tasks."""
    return TaskDay.pending & (TaskDay.due_on > today)


def _count(reason: str, tasks: Any, **flags: bool) -> ClassifiedCount:
    """So many tasks of a roll-up; ``still_open`` and the flags of due ones as they stand in it."""
    if reason:
        return ClassifiedCount(FigureClass.EXCLUDED, int(tasks), reason)
    kind = FigureClass.OPEN if flags.pop("still_open") else FigureClass.DUE
    return ClassifiedCount(kind, int(tasks), "", **flags)


def _group(by: By) -> ColumnElement[Any]:
    columns: dict[By, Any] = {
        By.DEPARTMENT: TaskDay.department_id.expression,
        By.TIER: TaskDay.tier.expression,
        By.CHANNEL: TaskDay.channel.expression,
        By.MONTH: func.to_char(TaskDay.due_on, "YYYY-MM"),
        By.STEP: TaskDay.step_code.expression,
        By.WEEK: func.to_char(TaskDay.due_on, WEEK),
        By.DAY: func.to_char(TaskDay.due_on, "YYYY-MM-DD"),
        By.NONE: literal(ALL),
    }
    column: ColumnElement[Any] = columns[by]
    return column


def _conditions(
    selection: Selection, only: TaskFilter, facility_id: int, without: frozenset[date]
) -> list[ColumnElement[bool]]:
    conditions = [TaskDay.facility_id == facility_id, covered(selection, TaskDay.facility_id, TaskDay.department_id)]
    conditions += _within(TaskDay.due_on, selection, without)
    if only.tier is not None:
        conditions.append(TaskDay.tier == only.tier)
    if only.without_recall:
        conditions.append(TaskDay.step_code != RECALL_STEP)
    if only.human:
        conditions.append(TaskDay.channel.in_(HUMAN_CHANNELS))
    if only.messages:
        conditions.append(TaskDay.channel.not_in(HUMAN_CHANNELS))
    return conditions


def _within(day: Any, selection: Selection, without: Iterable[date]) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if selection.from_on:
        conditions.append(day >= selection.from_on)
    if selection.to_on:
        conditions.append(day <= selection.to_on)
    if without:
        conditions.append(day.not_in(sorted(without)))
    return conditions


def weekly_counts(
    session: Session, changes: Changed, selection: Selection, only: TaskFilter, now: datetime
) -> dict[date, list[ClassifiedCount]]:
    """Classified tasks by the Monday of the week in which they count."""
    weeks: dict[date, list[ClassifiedCount]] = {}
    for facility_id, zone in facility_zones(session, selection).items():
        today = now.astimezone(ZoneInfo(zone)).date()
        live = changes.within(MarkKind.TASK, facility_id, selection.from_on, selection.to_on)
        for part in live_parts(selection, facility_id, live, today):
            for monday, counts in from_tasks.weekly_counts(session, part, only, now).items():
                weeks.setdefault(monday, []).extend(counts)
        if live is not None:
            for monday, count in _task_weeks(session, selection, only, facility_id, live | {today}, today):
                weeks.setdefault(monday, []).append(count)
    return weeks


def _task_weeks(
    session: Session,
    selection: Selection,
    only: TaskFilter,
    facility_id: int,
    without: frozenset[date],
    today: date,
) -> Iterable[tuple[date, ClassifiedCount]]:
    monday = cast(func.date_trunc("week", TaskDay.due_on), Date).label("monday")
    statement = (
        select(
            monday,
            TaskDay.reason,
            _still_open(today).label("still_open"),
            TaskDay.completed,
            TaskDay.in_time,
            func.sum(TaskDay.tasks),
        )
        .where(*_conditions(selection, only, facility_id, without))
        .group_by("monday", TaskDay.reason, "still_open", TaskDay.completed, TaskDay.in_time)
    )
    for week, reason, still_open, completed, in_time, tasks in session.execute(statement):
        yield week, _count(reason, tasks, still_open=still_open, completed=completed, in_time=in_time)


def live_discharges(session: Session, changes: Changed, selection: Selection, by: By) -> dict[Any, Discharges]:
    """What ``tasks.live_discharges`` gives, from the roll-up as far as it holds."""
    if by is By.CLINICIAN:
        return from_tasks.live_discharges(session, selection, by)
    found: dict[Any, Discharges] = {}
    for facility_id in facility_zones(session, selection):
        live = changes.within(MarkKind.STAY, facility_id, selection.from_on, selection.to_on)
        for part in live_parts(selection, facility_id, live):
            _add_discharges(found, from_tasks.live_discharges(session, part, by))
        if live is not None:
            _add_discharges(found, _discharge_days(session, selection, by, facility_id, live))
    return found


def _add_discharges(found: dict[Any, Discharges], more: Mapping[Any, Discharges]) -> None:
    for key, each in more.items():
        before = found.get(key, Discharges(0, 0))
        found[key] = Discharges(before.discharged + each.discharged, before.followed_up + each.followed_up)


def _discharge_days(
    session: Session, selection: Selection, by: By, facility_id: int, without: frozenset[date]
) -> dict[Any, Discharges]:
    columns: dict[By, Any] = {
        By.DEPARTMENT: DischargeDay.department_id,
        By.MONTH: func.to_char(DischargeDay.discharged_on, "YYYY-MM"),
        By.NONE: literal(ALL),
    }
    group = columns[by].label("figure_group")
    statement = (
        select(group, func.sum(DischargeDay.discharged), func.sum(DischargeDay.followed_up))
        .where(
            DischargeDay.facility_id == facility_id,
            covered(selection, DischargeDay.facility_id, DischargeDay.department_id),
            *_within(DischargeDay.discharged_on, selection, without),
        )
        .group_by("figure_group")
    )
    return {key: Discharges(int(all_of), int(followed)) for key, all_of, followed in session.execute(statement)}


def answer_counts(
    session: Session,
    changes: Changed,
    selection: Selection,
    questionnaire_code: str,
    by: By,
    *,
    since: date | None = None,
) -> dict[tuple[Any, str], Answered]:
    """What ``answers.answer_counts`` gives for questions with a score, from the roll-up as far as it holds."""
    found: dict[tuple[Any, str], Answered] = {}
    versions = from_answers.versions_of(session, questionnaire_code)
    for facility_id in facility_zones(session, selection):
        live = changes.within(MarkKind.ANSWER, facility_id, selection.from_on, selection.to_on)
        for part in live_parts(selection, facility_id, live):
            _add_answers(found, from_answers.answer_counts(session, part, questionnaire_code, by, since=since))
        if live is not None:
            statement = _answer_days(selection, versions, by, facility_id, live, since)
            for key, question, value, mode, number in session.execute(statement):
                answered = found.setdefault((key, question), Answered())
                answered.values[value] += int(number)
                answered.modes[mode] += int(number)
    return found


def _add_answers(found: dict[tuple[Any, str], Answered], more: Mapping[tuple[Any, str], Answered]) -> None:
    for key, each in more.items():
        answered = found.setdefault(key, Answered())
        answered.values.update(each.values)
        answered.modes.update(each.modes)


def _answer_days(
    selection: Selection,
    versions: list[int],
    by: By,
    facility_id: int,
    without: frozenset[date],
    since: date | None,
) -> Select[Any]:
    group = _day_group(by, AnswerDay) if since is None else AnswerDay.day >= since
    return (
        select(
            group.label("figure_group"),
            AnswerDay.question_code,
            AnswerDay.value,
            AnswerDay.mode,
            func.sum(AnswerDay.answers),
        )
        .where(
            AnswerDay.facility_id == facility_id,
            AnswerDay.questionnaire_version_id.in_(versions),
            covered(selection, AnswerDay.facility_id, AnswerDay.department_id),
            *_within(AnswerDay.day, selection, without),
        )
        .group_by("figure_group", AnswerDay.question_code, AnswerDay.value, AnswerDay.mode)
    )


def _day_group(by: By, table: type[AnswerDay | InvitationDay]) -> ColumnElement[Any]:
    if by is By.DEPARTMENT:
        return table.department_id.expression
    return func.to_char(table.day, "YYYY-MM") if by is By.MONTH else literal(ALL)


def response_counts(
    session: Session, changes: Changed, selection: Selection, questionnaire_code: str, by: By
) -> dict[Any, Responses]:
    """What ``answers.response_counts`` gives, from the roll-up as far as it holds."""
    found: dict[Any, Responses] = {}
    versions = from_answers.versions_of(session, questionnaire_code)
    for facility_id in facility_zones(session, selection):
        live = changes.within(MarkKind.INVITATION, facility_id, selection.from_on, selection.to_on)
        for part in live_parts(selection, facility_id, live):
            for key, each in from_answers.response_counts(session, part, questionnaire_code, by).items():
                found[key] = _sum(found.get(key), astuple(each))
        if live is not None:
            statement = _invitation_days(selection, versions, by, facility_id, live)
            for key, *counts in session.execute(statement):
                found[key] = _sum(found.get(key), counts)
    return found


def _sum(before: Responses | None, counts: Iterable[Any]) -> Responses:
    return Responses(*(one + int(more) for one, more in zip(astuple(before or Responses()), counts, strict=True)))


def _invitation_days(
    selection: Selection, versions: list[int], by: By, facility_id: int, without: frozenset[date]
) -> Select[Any]:
    return (
        select(
            _day_group(by, InvitationDay).label("figure_group"),
            func.sum(InvitationDay.invited),
            func.sum(InvitationDay.delivered),
            func.sum(InvitationDay.answered),
            func.sum(InvitationDay.answered_of_delivered),
        )
        .where(
            InvitationDay.facility_id == facility_id,
            InvitationDay.questionnaire_version_id.in_(versions),
            covered(selection, InvitationDay.facility_id, InvitationDay.department_id),
            *_within(InvitationDay.day, selection, without),
        )
        .group_by("figure_group")
    )
