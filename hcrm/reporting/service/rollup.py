"""Keeps the daily roll-ups: works off the marks, adds up the days they point at, and checks what was added up.

One at a time (an advisory lock), because the one who reads later has to write later. A mark is taken and its day is
added up in one transaction: what is committed after the day was read leaves a mark of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm.reporting.domain.measures import MEASURES
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.domain.revisits import outcomes
from hcrm.reporting.models import AnswerDay, DischargeDay, InvitationDay, Mark, MarkKind, ReturnDay, TaskDay
from hcrm.reporting.queries import day_rows
from hcrm.reporting.queries.day_differences import SQL_ROLLED, differing, known_days
from hcrm.reporting.queries.marks import Changed, changed, days_of
from hcrm.reporting.queries.places import facility_zones
from hcrm.reporting.queries.return_days import ROLLED, ReturnRow, kept_returns, return_rows
from hcrm.reporting.queries.stays import stays

LOCK = 4_817_236_006
"""Advisory lock of the database: one works off marks at a time."""

SUBJECTS = 200_000
"""So many persons and responses are looked up in one transaction."""

DAYS = 31
"""So many days of one roll-up are added up in one transaction, the newest first: people look at those."""

CHECKED = 400
"""So many days are checked by one statement."""


def work_off(session: Session, now: datetime, *, days: int = DAYS) -> int:
    """Add up some of the days that have changed; returns how many, 0 when there are none or another one is at it."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    _look_up(session)
    zones = facility_zones(session, Selection())
    newest = select(Mark.kind, Mark.facility_id, func.max(Mark.day)).where(Mark.day.is_not(None))
    newest = newest.group_by(Mark.kind, Mark.facility_id)
    added_up = 0
    for kind, facility_id, last in session.execute(newest).all():
        some = _taken(session, kind, facility_id, last, days)
        _ROLLED[kind](session, facility_id, zones[facility_id], some, now)
        added_up += len(some)
    return added_up


def _look_up(session: Session) -> None:
    """Turn marks of persons and responses into marks of their days."""
    wanted = select(Mark.id).where(Mark.subject_id.is_not(None)).limit(SUBJECTS)
    taken = session.execute(
        delete(Mark)
        .where(Mark.id.in_(wanted))
        .returning(Mark.kind, Mark.subject_id)
        .execution_options(synchronize_session=False)
    ).all()
    found = days_of(session, [(kind, subject) for kind, subject in taken])
    rows = [
        {"kind": kind, "facility_id": facility_id, "day": day}
        for kind, by_facility in found.items()
        for facility_id, marked in by_facility.items()
        for day in marked
    ]
    if rows:
        session.execute(insert(Mark), rows)


def _taken(session: Session, kind: MarkKind, facility_id: int, last: date, days: int) -> list[date]:
    """Take the marks of the newest days up to ``last``; the days."""
    here = (Mark.kind == kind, Mark.facility_id == facility_id, Mark.day.is_not(None))
    newest = select(Mark.day).where(*here, Mark.day <= last).distinct().order_by(Mark.day.desc()).limit(days)
    taken = session.execute(
        delete(Mark).where(*here, Mark.day.in_(newest)).returning(Mark.day).execution_options(synchronize_session=False)
    )
    return sorted({day for (day,) in taken if day is not None})


def portions(days: Iterable[date], size: int) -> Iterable[list[date]]:
    """Days in their order, so many at a time."""
    ordered = sorted(days)
    return [ordered[at : at + size] for at in range(0, len(ordered), size)]


def _replace(
    session: Session, day: InstrumentedAttribute[date], facility_id: int, days: list[date], rows: Select[Any]
) -> None:
    """Put the rows that a statement gives in place of those of some days."""
    table = day.class_
    session.execute(
        delete(table)
        .where(table.facility_id == facility_id, day.in_(days))
        .execution_options(synchronize_session=False)
    )
    session.execute(insert(table).from_select([column.name for column in rows.selected_columns], rows))


def wrong_rows(session: Session, now: datetime) -> list[tuple[str, int, int]]:
    """Each roll-up with how many rows its unmarked days should have, and how many are missing, too many or wrong."""
    changes = changed(session)
    found = []
    for name, (kind, _day, _make) in SQL_ROLLED.items():
        rows = wrong = 0
        for facility_id, zone, days in _unmarked(session, changes, kind):
            here = differing(session, name, facility_id, zone, days)
            rows, wrong = rows + here[0], wrong + here[1]
        found.append((name, rows, wrong))
    rows = wrong = 0
    for facility_id, _zone, days in _unmarked(session, changes, MarkKind.STAY):
        expected = set(returns_of(session, facility_id, days, now).items())
        kept = kept_returns(session, facility_id, days)
        rows, wrong = rows + len(expected), wrong + len(expected ^ kept)
    return [*found, ("returns", rows, wrong)]


def _unmarked(session: Session, changes: Changed, kind: MarkKind) -> Iterable[tuple[int, str, list[date]]]:
    """The days of each facility whose rows have to be right, some at a time."""
    if changes.everything:
        return
    for facility_id, zone in facility_zones(session, Selection()).items():
        marked = changes.days.get(kind, {}).get(facility_id, set())
        for days in portions(known_days(session, kind, facility_id, zone) - marked, CHECKED):
            yield facility_id, zone, days


def _tasks(session: Session, facility_id: int, zone: str, days: list[date], now: datetime) -> None:
    del now
    _replace(session, TaskDay.due_on, facility_id, days, day_rows.task_days(facility_id, zone, days))


def _stays(session: Session, facility_id: int, zone: str, days: list[date], now: datetime) -> None:
    del zone
    _replace(session, DischargeDay.discharged_on, facility_id, days, day_rows.discharge_days(facility_id, days))
    session.execute(
        delete(ReturnDay)
        .where(ReturnDay.facility_id == facility_id, ReturnDay.discharged_on.in_(days))
        .execution_options(synchronize_session=False)
    )
    found = returns_of(session, facility_id, days, now)
    if found:
        session.execute(insert(ReturnDay), [{**row._asdict(), "episodes": number} for row, number in found.items()])


def returns_of(session: Session, facility_id: int, days: list[date], now: datetime) -> Mapping[ReturnRow, int]:
    """What became of the episodes that ended on some days of a facility, added up."""
    wanted = set(days)
    found: dict[ReturnRow, int] = {}
    for code in ROLLED:
        measure = MEASURES[code]
        for first, last in day_rows.runs(days):
            selection = Selection(first, last, {facility_id: None})
            records = stays(session, selection, measure, grouped=True)
            here = (
                each
                for each in outcomes(records, measure, from_on=first, to_on=last, now=now)
                if each.index.facility_id == facility_id and each.index.discharged_on in wanted
            )
            for row, number in return_rows(code, here).items():
                found[row] = found.get(row, 0) + number
    return found


def _answers(session: Session, facility_id: int, zone: str, days: list[date], now: datetime) -> None:
    del now
    _replace(session, AnswerDay.day, facility_id, days, day_rows.answer_days(facility_id, zone, days))


def _invitations(session: Session, facility_id: int, zone: str, days: list[date], now: datetime) -> None:
    del now
    _replace(session, InvitationDay.day, facility_id, days, day_rows.invitation_days(facility_id, zone, days))


_ROLLED = {
    MarkKind.TASK: _tasks,
    MarkKind.STAY: _stays,
    MarkKind.ANSWER: _answers,
    MarkKind.INVITATION: _invitations,
}
"""Who adds up the days of each kind; marks of persons and responses have been turned into days before."""
