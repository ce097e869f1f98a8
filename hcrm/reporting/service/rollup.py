"""Keeps the daily roll-ups: works off the marks, adds up the days they point at, and checks what was added up.

One at a time (an advisory lock), because the one who reads later has to write later. A mark is taken and its day is
added up in one transaction: what is committed after the day was read leaves a mark of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import InstrumentedAttribute, Session

from hcrm.reporting.domain.measures import MEASURES
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.domain.revisits import outcomes
from hcrm.reporting.models import (
    AnswerDay,
    DayVersion,
    DischargeDay,
    InvitationDay,
    Mark,
    MarkKind,
    Progress,
    ReturnDay,
    TaskDay,
)
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
"""So many days of one roll-up are added up in one transaction, those that have waited longest first."""

CHECKED = 400
"""So many days are checked by one statement."""


def work_off(session: Session, now: datetime, *, days: int = DAYS) -> int:
    """Add up some of the days that have changed; returns how many, 0 when there are none or another one is at it."""
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    begun = _begun(session, now)
    looked_up = _look_up(session)
    if looked_up is not None and looked_up <= begun.mark_id:
        # The days of those persons have waited as long as they, but their marks are new.
        begun.mark_id = session.scalar(select(func.max(Mark.id))) or begun.mark_id
    zones = facility_zones(session, Selection())
    marked = select(Mark.kind, Mark.facility_id).where(Mark.day.is_not(None)).distinct()
    added_up = 0
    for kind, facility_id in session.execute(marked.order_by(Mark.kind, Mark.facility_id)).all():
        some = _taken(session, kind, facility_id, days)
        _ROLLED[kind](session, facility_id, zones[facility_id], some, now)
        _renew(session, kind, facility_id, some)
        added_up += len(some)
    _note(session, begun)
    return added_up


def _begun(session: Session, now: datetime) -> Progress:
    """The marks that are being worked off; all there are, where none were before."""
    progress = session.get(Progress, 1)
    newest = session.scalar(select(func.max(Mark.id))) or 0
    if progress is None:
        progress = Progress(id=1, mark_id=newest, noted_at=now, as_of=None)
        session.add(progress)
    elif progress.as_of is not None and progress.as_of >= progress.noted_at:
        progress.mark_id, progress.noted_at = newest, now
    return progress


def _note(session: Session, begun: Progress) -> None:
    """Where none of those marks is left, the roll-ups hold everything of the moment when they were the newest."""
    session.flush()
    oldest = session.scalar(select(func.min(Mark.id)))
    if oldest is None or oldest > begun.mark_id:
        begun.as_of = begun.noted_at


def _renew(session: Session, kind: MarkKind, facility_id: int, days: list[date]) -> None:
    """Give days a larger version than any had before."""
    if not days:
        return
    number = session.scalar(select(func.nextval(func.pg_get_serial_sequence(Mark.__tablename__, "id"))))
    rows = [{"facility_id": facility_id, "kind": kind, "day": day, "version": number} for day in days]
    statement = upsert(DayVersion)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["facility_id", "kind", "day"], set_={"version": statement.excluded.version}
        ),
        rows,
    )


def _look_up(session: Session) -> int | None:
    """Turn marks of persons and responses into marks of their days; the id of the oldest one taken."""
    wanted = select(Mark.id).where(Mark.subject_id.is_not(None)).order_by(Mark.id).limit(SUBJECTS)
    taken = session.execute(
        delete(Mark)
        .where(Mark.id.in_(wanted))
        .returning(Mark.kind, Mark.subject_id, Mark.id)
        .execution_options(synchronize_session=False)
    ).all()
    found = days_of(session, [(kind, subject) for kind, subject, _ in taken])
    rows = [
        {"kind": kind, "facility_id": facility_id, "day": day}
        for kind, by_facility in found.items()
        for facility_id, marked in by_facility.items()
        for day in marked
    ]
    if rows:
        session.execute(insert(Mark), rows)
    return min((number for _kind, _subject, number in taken), default=None)


def _taken(session: Session, kind: MarkKind, facility_id: int, days: int) -> list[date]:
    """Take the marks of the days that have waited longest; the days."""
    here = (Mark.kind == kind, Mark.facility_id == facility_id, Mark.day.is_not(None))
    waiting = select(Mark.day).where(*here).group_by(Mark.day).order_by(func.min(Mark.id)).limit(days)
    taken = session.execute(
        delete(Mark)
        .where(*here, Mark.day.in_(waiting))
        .returning(Mark.day)
        .execution_options(synchronize_session=False)
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


def _tries(session: Session, facility_id: int, zone: str, days: list[date], now: datetime) -> None:
    """Tries are not added up: results that are kept go by the versions of their days."""
    del session, facility_id, zone, days, now


_ROLLED = {
    MarkKind.TASK: _tasks,
    MarkKind.STAY: _stays,
    MarkKind.ANSWER: _answers,
    MarkKind.INVITATION: _invitations,
    MarkKind.TRY: _tries,
}
"""Who adds up the days of each kind; marks of persons and responses have been turned into days before."""
