"""Results that are kept: found by what was asked, with the newest version of the days that they are made of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from hcrm.reporting.models import DayVersion, Kept, MarkKind


@dataclass(frozen=True, slots=True)
class KeptResult:
    """A result, the version of its days when it was made, and when it was made and last asked for."""

    result: Any
    version: int
    made_at: datetime
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for: a figure of some days of one facility, or of some of its departments.

    ``arguments`` are the figure's own. ``departments`` None is all of them; ``department_id`` narrows to one.
    """

    figure: str
    facility_id: int
    departments: tuple[int, ...] | None
    department_id: int | None
    from_on: date
    to_on: date
    arguments: tuple[tuple[str, str], ...]


def version_of(session: Session, facility_id: int, kinds: Iterable[MarkKind], from_on: date, to_on: date) -> int:
    """The largest version of these days; 0 where nothing was ever added up. It grows with each change."""
    statement = select(func.max(DayVersion.version)).where(
        DayVersion.facility_id == facility_id, DayVersion.kind.in_(list(kinds)), DayVersion.day.between(from_on, to_on)
    )
    return session.scalar(statement) or 0


def kept_result(session: Session, key: str) -> KeptResult | None:
    """The result that is kept under a key."""
    columns = select(Kept.result, Kept.version, Kept.made_at, Kept.asked_at).where(Kept.key == key)
    row = session.execute(columns).one_or_none()
    return None if row is None else KeptResult(*row)


def wanted(session: Session, *, asked_since: datetime, made_before: datetime, limit: int) -> list[tuple[str, Asked]]:
    """Results that were asked for lately and were made some time ago, the oldest first: key, and what was asked."""
    statement = (
        select(Kept.key, Kept.figure, Kept.facility_id, Kept.asked)
        .where(Kept.asked_at >= asked_since, Kept.made_at < made_before)
        .order_by(Kept.made_at)
        .limit(limit)
    )
    return [(key, _asked(figure, facility, words)) for key, figure, facility, words in session.execute(statement)]


def in_words(asked: Asked) -> dict[str, Any]:
    """What was asked as a JSON object."""
    return {
        "departments": None if asked.departments is None else list(asked.departments),
        "department": asked.department_id,
        "from": asked.from_on.isoformat(),
        "to": asked.to_on.isoformat(),
        "arguments": dict(asked.arguments),
    }


def _asked(figure: str, facility_id: int, words: dict[str, Any]) -> Asked:
    departments = words["departments"]
    return Asked(
        figure,
        facility_id,
        None if departments is None else tuple(departments),
        words["department"],
        date.fromisoformat(words["from"]),
        date.fromisoformat(words["to"]),
        tuple(sorted(words["arguments"].items())),
    )


LONGEST = timedelta(days=36_600)
"""Results over longer times are not kept."""
