"""What is being gathered from one resource: its dates and texts checked, and what is remarked about it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.dates import EARLIEST_YEAR
from hcrm.intake.readers.fhir.elements import Element, text
from hcrm.intake.readers.hl7v2.reading import Reading
from hcrm.intake.readers.hl7v2.times import Stamp, read_stamp

Values = dict[str, Any]
OLDEST_AGE: Final = 130
_AHEAD: Final = timedelta(days=1)
_EARLIEST: Final = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)


class Told:
    """One resource being read: how, when, and what is remarked about it."""

    def __init__(self, reading: Reading, now: datetime) -> None:
        self.reading = reading
        self.now = now
        self.remarks: list[tuple[str, str, dict[str, Any]]] = []

    def remark(self, field: str, code: str, **params: Any) -> None:
        self.remarks.append((field, code, params))

    def cut(self, value: str, limit: int, field: str) -> str:
        """``value`` with at most ``limit`` characters."""
        if len(value) > limit:
            self.remark(field, "text_cut", limit=limit)
        return value[:limit]

    def moment(self, parent: Element, name: str, field: str) -> Stamp | None:
        """A date or time of a stay. Raises ``RowRefused`` when it cannot be one."""
        stamp = self._stamp(text(parent, name), field)
        if stamp is None:
            return None
        if stamp.day is None:
            raise RowRefused("unreadable_date", field, value=text(parent, name)[:40])
        if stamp.begins > self.now + _AHEAD:
            raise RowRefused("in_future", field)
        return stamp

    def day(self, parent: Element, name: str, field: str) -> date | None:
        """A calendar day as it is written; one that names only a year or month is left out with a remark."""
        stamp = self._stamp(text(parent, name), field)
        if stamp is None:
            return None
        if stamp.day is None:
            self.remark(field, "unknown_word", value=text(parent, name)[:40])
            return None
        if stamp.begins > self.now + _AHEAD:
            raise RowRefused("in_future", field, value=stamp.day.isoformat())
        return stamp.day

    def recorded_at(self, parent: Element, name: str) -> datetime | None:
        """When something was recorded. A time in the future counts for nothing: it would outdo all that comes."""
        try:
            stamp = read_stamp(text(parent, name), self.reading.zone)
        except RowRefused:
            return None
        usable = stamp is not None and stamp.day is not None and _EARLIEST <= stamp.begins <= self.now + _AHEAD
        return stamp.begins if stamp is not None and usable else None

    def check_age(self, born: date | None, last: date) -> None:
        """Raises ``RowRefused`` (``age_over_130``) for who would have been too old on ``last``."""
        if born is None:
            return
        if last.year - born.year > OLDEST_AGE:
            raise RowRefused("age_over_130", "birth_date", age=last.year - born.year, value=born.isoformat())
        if born > last + _AHEAD:
            self.remark("birth_date", "birth_after_stay", value=born.isoformat())

    def _stamp(self, value: str, field: str) -> Stamp | None:
        year = value[:4]
        if year.isdigit() and year != "0000" and int(year) < EARLIEST_YEAR:
            raise RowRefused("before_1900", field, year=int(year))
        try:
            return read_stamp(value, self.reading.zone)
        except RowRefused as refusal:
            refusal.field = field
            raise
