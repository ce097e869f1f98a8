"""What the mapping of a message needs to know besides the message, and the values that it gathers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hcrm.intake.domain import Profile, RowRefused
from hcrm.intake.readers.csv_rows.dates import EARLIEST_YEAR
from hcrm.intake.readers.csv_rows.phones import Parsed, number_reader
from hcrm.intake.readers.csv_rows.rows import class_reader
from hcrm.intake.readers.csv_rows.values import clean
from hcrm.intake.readers.hl7v2.segments import Message, Segment
from hcrm.intake.readers.hl7v2.tables import disposition_reader, sex_reader
from hcrm.intake.readers.hl7v2.times import Stamp, read_stamp
from hcrm.patients.domain import EXPLICIT_NULL, Disposition, EncounterClass, ExplicitNull, Sex

Values = dict[str, Any]
_EARLIEST: Final = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(days=1)


class Reading(NamedTuple):
    """How the messages of one hospital are read; made once by ``reading_of``.

    ``authority`` names whose numbers in PID-3 are the hospital's MRNs; empty takes any.
    """

    zone: ZoneInfo
    region: str
    source: str
    authority: str
    phone: Callable[[str], Parsed]
    encounter_class: Callable[[str], tuple[EncounterClass, bool, bool, bool]]
    disposition: Callable[[str], Disposition | None]
    sex: Callable[[str], Sex | None]

    @classmethod
    def of(cls, profile: Profile, timezone: str, region: str, authority: str = "") -> Reading:
        """For a hospital in ``timezone`` whose numbers are dialled in ``region``."""
        return cls(
            zone=ZoneInfo(profile.timezone or timezone),
            region=region,
            source=profile.source,
            authority=authority,
            phone=number_reader(region),
            encounter_class=class_reader(profile),
            disposition=disposition_reader(profile, region),
            sex=sex_reader(profile),
        )


class Gathering:
    """One message being read: its reader, what is remarked about it, and the times that hold for all of it."""

    def __init__(self, message: Message, reading: Reading, now: datetime) -> None:
        self.message = message
        self.reading = reading
        self.now = now
        self.remarks: list[tuple[str, str, dict[str, Any]]] = []
        sent = self._stamp_or_none(message.header.text(7), reading.zone)
        self._sent = sent
        self._event_at: datetime | None = None
        self.zone: tzinfo = sent.zone if sent is not None and sent.zone is not None else reading.zone

    def remark(self, field: str, code: str, **params: Any) -> None:
        self.remarks.append((field, code, params))

    def text(self, segment: Segment, number: int, limit: int, field: str) -> str | ExplicitNull | None:
        """The first component of a field as one line: None when it is left out, ``EXPLICIT_NULL`` when deleted."""
        if segment.is_null(number):
            return EXPLICIT_NULL
        return self.cut(segment.text(number), limit, field) or None

    def cut(self, text: str, limit: int, field: str) -> str:
        """``text`` as one line of at most ``limit`` characters."""
        line = clean(text)
        if len(line) > limit:
            self.remark(field, "text_cut", limit=limit)
        return line[:limit]

    def moment(self, segment: Segment, number: int, field: str) -> datetime | ExplicitNull | None:
        """A time in a field. Raises ``RowRefused`` when it cannot be one of a stay."""
        if segment.is_null(number):
            return EXPLICIT_NULL
        stamp = self._stamp(segment.text(number), field)
        if stamp is None:
            return None
        if stamp.day is None:
            raise RowRefused("unreadable_date", field, value=segment.text(number)[:40])
        if stamp.begins < _EARLIEST:
            raise RowRefused("before_1900", field, year=stamp.begins.year)
        if stamp.begins > self.now + _AHEAD:
            raise RowRefused("in_future", field)
        return stamp.begins

    def day(self, segment: Segment, number: int, field: str) -> Any:
        """A calendar day in a field; one that names only a year or month is left out with a remark."""
        if segment.is_null(number):
            return EXPLICIT_NULL
        stamp = self._stamp(segment.text(number), field)
        if stamp is not None and stamp.day is None:
            self.remark(field, "unknown_word", value=segment.text(number)[:40])
        return None if stamp is None else stamp.day

    def event_at(self) -> datetime:
        """When the sender recorded what the message says: EVN-2, else MSH-7.

        Where EVN-2 names only a day or an hour, MSH-7 within it is more exact. Times in the future count for nothing,
        for they would outdo all that is true until then. Raises ``RowRefused`` (``missing_event_time``).
        """
        if self._event_at is None:
            self._event_at = self._find_event_at()
        return self._event_at

    def _find_event_at(self) -> datetime:
        event = self.message.first("EVN")
        recorded = self._stamp_or_none(event.text(2), self.zone) if event is not None else None
        usable = [each for each in (recorded, self._sent) if each is not None and self._is_past(each)]
        if not usable:
            raise RowRefused("missing_event_time", "event_time")
        first, last = usable[0], usable[-1]
        return last.begins if first.begins <= last.begins < first.ends else first.begins

    def happened_at(self) -> datetime:
        """When the event itself was: EVN-6, else when it was recorded."""
        event = self.message.first("EVN")
        occurred = self._stamp_or_none(event.text(6), self.zone) if event is not None else None
        return occurred.begins if occurred is not None and self._is_past(occurred) else self.event_at()

    def _is_past(self, stamp: Stamp) -> bool:
        return stamp.day is not None and _EARLIEST <= stamp.begins <= self.now + _AHEAD

    def _stamp(self, text: str, field: str) -> Stamp | None:
        try:
            return read_stamp(text, self.zone)
        except RowRefused as refusal:
            refusal.field = field
            raise

    def _stamp_or_none(self, text: str, zone: tzinfo) -> Stamp | None:
        try:
            return read_stamp(text, zone)
        except RowRefused:
            return None
