"""The work list of a day: which tasks, in which order, and how many.

Everything comes from the partial index on open tasks (facility, channel, end of window): the list never looks at what
is done or long past. Names, numbers and last attempts are read for the rows shown only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, false, func, literal, literal_column, or_, select, union_all
from sqlalchemy.orm import Session, aliased

from hcrm.accounts.domain import Actor, MembershipSnapshot, Role
from hcrm.followup.domain.plan import PerformerRole, RiskLevel, StepChannel
from hcrm.followup.domain.task import BusinessStatus, TaskStatus
from hcrm.followup.domain.worklist import GROUP_OF_STATE, PERFORMERS, WorkFilters, WorkGroup, WorkState
from hcrm.followup.models import AttemptRow, TaskRow
from hcrm.followup.queries.desk import Desk, Load, attempts_and_done, desk_of, is_own, kept_by_others
from hcrm.followup.queries.state import is_leased, waits_for_people
from hcrm.organization.domain import FacilitySnapshot
from hcrm.patients.models import EncounterLocation

BY_PEOPLE = (StepChannel.PHONE, StepChannel.HOME_VISIT)
RECALL = "recall"
_Checked = aliased(TaskRow)
_DONE = 0
"""Stands for what is done, beside the numbers of the groups."""


@dataclass(frozen=True, slots=True)
class Day:
    """The facility's day that the list is for; an overdue task is shown for ``overdue_shown``."""

    now: datetime
    begins: datetime
    ends: datetime
    overdue_shown: timedelta


def day_of(facility: FacilitySnapshot, now: datetime) -> Day:
    """The day that it is at the facility."""
    today = now.astimezone(facility.zone).date()
    begins = datetime.combine(today, time(), tzinfo=facility.zone).astimezone(UTC)
    ends = datetime.combine(today + timedelta(days=1), time(), tzinfo=facility.zone).astimezone(UTC)
    return Day(now, begins, ends, timedelta(days=facility.settings.overdue_shown_days))


@dataclass(frozen=True, slots=True)
class WorkCounts:
    """How many tasks wait, by group, and how many were completed today."""

    by_group: dict[WorkGroup, int] = field(default_factory=dict)
    done: int = 0

    @property
    def due_today(self) -> int:
        return self.by_group.get(WorkGroup.CALLBACK, 0) + self.by_group.get(WorkGroup.TODAY, 0)

    @property
    def overdue(self) -> int:
        return self.by_group.get(WorkGroup.OVERDUE, 0)

    @property
    def to_do(self) -> int:
        return sum(self.by_group.values())


class Listed(NamedTuple):
    """One task of the list with its group (None for a finished or held one)."""

    task: TaskRow
    group: WorkGroup | None
    held_by: int | None


def is_for(actor: Actor) -> ColumnElement[bool]:
    """Tasks that belong on this person's list: by facility, by who does the step, and by the wards of the stay."""
    return or_(false(), *(_is_for_member(each) for each in actor.memberships if each.role in PERFORMERS))


def _is_for_member(member: MembershipSnapshot) -> ColumnElement[bool]:
    mine = and_(
        TaskRow.facility_id == member.facility_id,
        TaskRow.performer_role.in_(sorted(PERFORMERS[member.role])),
    )
    return mine if member.department_id is None else and_(mine, in_department(member.department_id))


def in_department(department_id: int) -> ColumnElement[bool]:
    """The stay ended in this department or touched it earlier.

    The stays are given as an array: so the planner goes through the open tasks of the ward and of these stays, and not
    through those of the whole hospital.
    """
    touched = select(EncounterLocation.encounter_id).where(EncounterLocation.department_id == department_id)
    return or_(
        TaskRow.department_id == department_id, TaskRow.encounter_id == func.any(func.array(touched.scalar_subquery()))
    )


def work_group_expression(day: Day) -> ColumnElement[int]:
    """The twin of ``domain.worklist.work_group``."""
    now, ends = literal(day.now), literal(day.ends)
    asked_for = TaskRow.business_status == BusinessStatus.CALLBACK_SCHEDULED
    return case(
        (and_(TaskRow.callback_at > now, TaskRow.callback_at < ends), WorkGroup.TODAY.value),
        (TaskRow.callback_at > now, WorkGroup.LATER.value),
        (and_(TaskRow.callback_at.is_not(None), asked_for), WorkGroup.CALLBACK.value),
        (TaskRow.due_at < now, WorkGroup.OVERDUE.value),
        (func.least(TaskRow.due_at, TaskRow.target_at) < ends, WorkGroup.TODAY.value),
        else_=WorkGroup.LATER.value,
    )


def _is_open_now(day: Day, facility_ids: Sequence[int]) -> ColumnElement[bool]:
    return and_(
        TaskRow.facility_id.in_(facility_ids),
        waits_for_people(),
        TaskRow.due_at > day.now - day.overdue_shown,
        TaskRow.window_starts_at <= day.now,
    )


def _narrowed(
    session: Session, actor: Actor, filters: WorkFilters, now: datetime, desk: Desk | None = None
) -> ColumnElement[bool]:
    desk = desk or desk_of(session, actor, now)
    conditions = [is_for(actor), not_own_check(actor.user_id)]
    if not _oversees(actor):
        conditions.append(~kept_by_others(desk, now))
    if filters.department_id is not None:
        conditions.append(in_department(filters.department_id))
    if filters.tier is not None:
        conditions.append(TaskRow.tier == filters.tier)
    if filters.mine:
        holding = and_(TaskRow.lease_user_id == actor.user_id, is_leased())
        conditions.append(or_(is_own(desk), holding))
    return and_(*conditions)


def _oversees(actor: Actor) -> bool:
    """Heads and managers see also what waits for somebody else."""
    return bool({Role.DEPARTMENT_HEAD, Role.MANAGER} & set(actor.roles))


def not_own_check(user_id: int) -> ColumnElement[bool]:
    """A re-call is never made by who made the call that it checks."""
    return or_(TaskRow.step_code != RECALL, ~made_first_call(user_id))


def made_first_call(user_id: int) -> ColumnElement[bool]:
    """This person made a call of the same plan in the tier that a re-call checks.

    Asked as a value and not with EXISTS, which the planner would answer by reading all calls that the person ever made.
    """
    return (
        select(literal(value=True))
        .join_from(_Checked, AttemptRow, AttemptRow.task_id == _Checked.id)
        .where(
            AttemptRow.user_id == user_id,
            _Checked.enrolment_id == TaskRow.enrolment_id,
            _Checked.status != literal_column(f"'{TaskStatus.ENTERED_IN_ERROR}'"),
            _Checked.performer_role.in_((PerformerRole.NURSE, PerformerRole.PHYSICIAN)),
        )
        .limit(1)
        .correlate(TaskRow)
        .scalar_subquery()
        .is_not(None)
    )


_RISK_ORDER = case(
    (TaskRow.risk == RiskLevel.HIGH, 0),
    (TaskRow.risk == RiskLevel.MEDIUM, 1),
    else_=2,
)


def work_list(session: Session, actor: Actor, filters: WorkFilters, day: Day, desk: Desk | None = None) -> list[Listed]:
    """The tasks to show, most important first: one more than ``filters.rows`` when there are more. ``desk`` is given
    where it was read already.
    """
    if filters.state is WorkState.DONE:
        return _finished(session, actor, filters, day)
    if filters.state is WorkState.ON_HOLD:
        return _held(session, actor, filters, day)
    group = work_group_expression(day)
    wanted = GROUP_OF_STATE.get(filters.state)
    holder = case((is_leased(), TaskRow.lease_user_id))
    query = (
        select(TaskRow, group.label("work_group"), holder.label("held_by"))
        .where(_is_open_now(day, actor.facility_ids), _narrowed(session, actor, filters, day.now, desk))
        .order_by(
            group,
            case((group == WorkGroup.CALLBACK.value, TaskRow.callback_at), else_=TaskRow.due_at),
            _RISK_ORDER,
            TaskRow.id,
        )
        .limit(filters.rows + 1)
    )
    if wanted is not None:
        query = query.where(group == wanted.value)
    return [Listed(task, WorkGroup(number), held_by) for task, number, held_by in session.execute(query)]


def _finished(session: Session, actor: Actor, filters: WorkFilters, day: Day) -> list[Listed]:
    rows = session.scalars(
        select(TaskRow)
        .where(_is_done_today(day, actor.facility_ids), _narrowed(session, actor, filters, day.now))
        .order_by(TaskRow.completed_at.desc(), TaskRow.id)
        .limit(filters.rows + 1)
    )
    return [Listed(task, None, None) for task in rows]


def _held(session: Session, actor: Actor, filters: WorkFilters, day: Day) -> list[Listed]:
    rows = session.scalars(
        select(TaskRow)
        .where(
            TaskRow.facility_id.in_(actor.facility_ids),
            TaskRow.status == TaskStatus.ON_HOLD,
            TaskRow.channel.in_(BY_PEOPLE),
            _narrowed(session, actor, filters, day.now),
        )
        .order_by(TaskRow.due_at, TaskRow.id)
        .limit(filters.rows + 1)
    )
    return [Listed(task, None, None) for task in rows]


def _is_done_today(day: Day, facility_ids: Sequence[int]) -> ColumnElement[bool]:
    return and_(
        TaskRow.facility_id.in_(facility_ids),
        TaskRow.completed_at >= day.begins,
        TaskRow.completed_at < day.ends,
        TaskRow.channel.in_(BY_PEOPLE),
    )


def work_counts(session: Session, actor: Actor, filters: WorkFilters, day: Day, desk: Desk | None = None) -> WorkCounts:
    """The counts over the list, whatever state it is narrowed to."""
    narrowed = _narrowed(session, actor, filters, day.now, desk)
    group = work_group_expression(day).label("work_group")
    open_now = select(group).where(_is_open_now(day, actor.facility_ids), narrowed)
    done = select(literal(_DONE)).where(_is_done_today(day, actor.facility_ids), narrowed)
    every = union_all(open_now, done).subquery()
    rows = session.execute(select(every.c.work_group, func.count()).group_by(every.c.work_group))
    counts: dict[int, int] = dict(rows.tuples().all())
    finished = counts.pop(_DONE, 0)
    return WorkCounts(by_group={WorkGroup(number): count for number, count in counts.items()}, done=finished)


def next_task_id(session: Session, actor: Actor, day: Day, *, after_task_id: int) -> int | None:
    """The first task of the list that nobody holds, other than this one and those that wait for a later time."""
    group = work_group_expression(day)
    return session.scalar(
        select(TaskRow.id)
        .where(
            _is_open_now(day, actor.facility_ids),
            _narrowed(session, actor, WorkFilters(), day.now),
            TaskRow.id != after_task_id,
            ~func.coalesce(is_leased(), literal(value=False)),
            or_(TaskRow.callback_at.is_(None), TaskRow.callback_at <= day.now),
        )
        .order_by(
            group,
            case((group == WorkGroup.CALLBACK.value, TaskRow.callback_at), else_=TaskRow.due_at),
            _RISK_ORDER,
            TaskRow.id,
        )
        .limit(1)
    )


def loads(session: Session, actor: Actor, day: Day) -> list[Load]:
    """What each person of the actor's wards has to do (None: given to nobody), and did today."""
    group = work_group_expression(day).label("work_group")
    inner = (
        select(TaskRow.assignee_user_id, group)
        .where(_is_open_now(day, actor.facility_ids), _narrowed(session, actor, WorkFilters(), day.now))
        .subquery()
    )
    number = inner.c.work_group
    rows = session.execute(
        select(
            inner.c.assignee_user_id,
            func.count(),
            func.count().filter(number.in_((WorkGroup.CALLBACK.value, WorkGroup.TODAY.value))),
            func.count().filter(number == WorkGroup.OVERDUE.value),
        ).group_by(inner.c.assignee_user_id)
    )
    open_now = {user_id: (total, today, late) for user_id, total, today, late in rows}
    attempts, done = attempts_and_done(session, actor.facility_ids, day.begins)
    people = {None, *open_now, *attempts, *done} - {0}
    return [_load(each, open_now.get(each, (0, 0, 0)), attempts, done) for each in people]


def _load(
    user_id: int | None, open_now: tuple[int, int, int], attempts: Mapping[int, int], done: Mapping[int, int]
) -> Load:
    total, today, late = open_now
    return Load(user_id, total, today, late, attempts.get(user_id or -1, 0), done.get(user_id or -1, 0))


def tasks_of_person(session: Session, actor: Actor, day: Day, user_id: int | None, *, rows: int) -> list[Listed]:
    """The open tasks that were given to a person (None: to nobody), most important first."""
    group = work_group_expression(day)
    query = (
        select(TaskRow, group.label("work_group"), case((is_leased(), TaskRow.lease_user_id)).label("held_by"))
        .where(
            _is_open_now(day, actor.facility_ids),
            _narrowed(session, actor, WorkFilters(), day.now),
            TaskRow.assignee_user_id.is_(None) if user_id is None else TaskRow.assignee_user_id == user_id,
        )
        .order_by(group, TaskRow.due_at, _RISK_ORDER, TaskRow.id)
        .limit(rows)
    )
    return [Listed(task, WorkGroup(number), held_by) for task, number, held_by in session.execute(query)]
