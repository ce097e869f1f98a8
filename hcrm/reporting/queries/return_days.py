"""What became of indexes, added up by day, and read back as outcomes with a weight."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.reporting.domain.measures import Exclusion, Measure
from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.domain.revisits import Outcome, Stay, again
from hcrm.reporting.models import ReturnDay
from hcrm.reporting.queries.places import covered, facility_zones

ROLLED = ("readmit_30d",)
"""The measures that are added up by day: those that pages show without being asked. Their windows count days."""


class ReturnRow(NamedTuple):
    """What episodes that are added up have in common."""

    measure: str
    facility_id: int
    discharged_on: date
    department_id: int | None
    excluded: str
    days: int | None
    deceased_on: date | None


def return_rows(measure: str, found: Iterable[Outcome]) -> dict[ReturnRow, int]:
    """Episodes by what became of them; a death matters only where it cuts short the time without a return."""
    rows: dict[ReturnRow, int] = {}
    for each in found:
        index = each.index
        assert index.discharged_on is not None
        watched = each.excluded is None and each.revisit is None
        row = ReturnRow(
            measure,
            index.facility_id,
            index.discharged_on,
            index.department_id,
            each.excluded.value if each.excluded else "",
            each.days,
            index.deceased_on if watched else None,
        )
        rows[row] = rows.get(row, 0) + index.weight
    return rows


def kept_returns(session: Session, facility_id: int, days: Iterable[date]) -> set[tuple[ReturnRow, int]]:
    """The rows of some days as they are kept."""
    statement = select(
        ReturnDay.measure,
        ReturnDay.facility_id,
        ReturnDay.discharged_on,
        ReturnDay.department_id,
        ReturnDay.excluded,
        ReturnDay.days,
        ReturnDay.deceased_on,
        ReturnDay.episodes,
    ).where(ReturnDay.facility_id == facility_id, ReturnDay.discharged_on.in_(sorted(days)))
    return {(ReturnRow(*row), episodes) for *row, episodes in session.execute(statement)}


def rolled_outcomes(
    session: Session, measure: Measure, selection: Selection, facility_id: int, without: Iterable[date], now: datetime
) -> list[Outcome]:
    """The episodes of a selection, but for some days, as outcomes that stand for as many as were added up."""
    zone = ZoneInfo(facility_zones(session, selection)[facility_id])
    statement = select(
        ReturnDay.discharged_on,
        ReturnDay.department_id,
        ReturnDay.excluded,
        ReturnDay.days,
        ReturnDay.deceased_on,
        func.sum(ReturnDay.episodes),
    ).where(
        ReturnDay.facility_id == facility_id,
        ReturnDay.measure == measure.code,
        covered(selection, ReturnDay.facility_id, ReturnDay.department_id),
    )
    if selection.from_on:
        statement = statement.where(ReturnDay.discharged_on >= selection.from_on)
    if selection.to_on:
        statement = statement.where(ReturnDay.discharged_on <= selection.to_on)
    skipped = sorted(without)
    if skipped:
        statement = statement.where(ReturnDay.discharged_on.not_in(skipped))
    statement = statement.group_by(
        ReturnDay.discharged_on, ReturnDay.department_id, ReturnDay.excluded, ReturnDay.days, ReturnDay.deceased_on
    )
    found = []
    for day, department_id, excluded, days, deceased_on, episodes in session.execute(statement):
        at = datetime.combine(day, time(), UTC)
        index = Stay(
            0,
            0,
            facility_id,
            zone,
            "",
            at,
            day,
            at,
            day,
            None,
            "",
            "",
            None,
            deceased_on,
            department_id,
            None,
            0,
            int(episodes),
        )
        found.append(again(index, measure, Exclusion(excluded) if excluded else None, days, now))
    return found
