"""Periods a person can choose: the last complete 30 days, or a month; their code is kept in the address."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

LAST_30_DAYS = "30d"
MONTHS_OFFERED = 13
QUARTERS_OFFERED = 8
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_QUARTER = re.compile(r"(\d{4})-Q([1-4])")

YEARS = range(1990, 2200)
"""Days of other years are slips of the hand."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days ``from_on`` to ``to_on``, both included; ``code`` is ``30d`` or ``YYYY-MM``."""

    code: str
    from_on: date
    to_on: date

    @property
    def is_month(self) -> bool:
        return self.code != LAST_30_DAYS


def last_30_days(today: date) -> Period:
    """The 30 days that ended yesterday."""
    return Period(LAST_30_DAYS, today - timedelta(days=30), today - timedelta(days=1))


def month(year: int, number: int) -> Period:
    """A calendar month. Raises ``ValueError`` for a month or year that does not exist."""
    first = date(year, number, 1)
    following = date(year + number // 12, number % 12 + 1, 1)
    return Period(f"{year:04d}-{number:02d}", first, following - timedelta(days=1))


def last_month(today: date) -> Period:
    """The calendar month before this one."""
    before = today.replace(day=1) - timedelta(days=1)
    return month(before.year, before.month)


def last_complete_month(today: date) -> Period:
    """The newest calendar month that ended at least a month ago: windows of 30 days have run out."""
    return last_month(last_month(today).from_on)


def quarter_of(code: str, today: date) -> Period:
    """The quarter with this code (``2026-Q1``); for nonsense the one before the present one."""
    found = _QUARTER.fullmatch(code)
    year, number = (int(found[1]), int(found[2])) if found else _quarter_before(today)
    try:
        first, last = month(year, 3 * number - 2), month(year, 3 * number)
    except ValueError:
        return quarter_of("", today)
    return Period(f"{year:04d}-Q{number}", first.from_on, last.to_on)


def quarters_offered(today: date) -> list[Period]:
    """What the picker of quarters offers: this one and those before it."""
    periods = [quarter_of(f"{today.year:04d}-Q{(today.month + 2) // 3}", today)]
    while len(periods) < QUARTERS_OFFERED:
        periods.append(quarter_of("", periods[-1].from_on))
    return periods


def _quarter_before(today: date) -> tuple[int, int]:
    number = (today.month - 1) // 3
    return (today.year, number) if number else (today.year - 1, 4)


def offered(today: date) -> list[Period]:
    """What the picker offers: the last 30 days, this month and those before it."""
    periods = [last_30_days(today)]
    first = today.replace(day=1)
    for _ in range(MONTHS_OFFERED):
        periods.append(month(first.year, first.month))
        first = (first - timedelta(days=1)).replace(day=1)
    return periods


def chosen(code: str, today: date) -> Period | None:
    """The period with this code; None for nonsense."""
    if code == LAST_30_DAYS:
        return last_30_days(today)
    found = _MONTH.fullmatch(code)
    if found is None:
        return None
    try:
        return month(int(found[1]), int(found[2]))
    except ValueError:
        return None
