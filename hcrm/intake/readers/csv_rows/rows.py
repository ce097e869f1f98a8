"""From a record's cells to a validated row: compiled once per file, so that each cell costs one call.

Raises ``RowRefused`` for a row that cannot be taken; remarks about rows that are taken are collected in ``remarks``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from hcrm.intake.domain import CsvShape, Profile, RowRefused
from hcrm.intake.readers.csv_rows import words
from hcrm.intake.readers.csv_rows.dates import EARLIEST_YEAR, DateReader, stated_patterns
from hcrm.intake.readers.csv_rows.people import PhoneColumns, read_names
from hcrm.intake.readers.csv_rows.values import (
    Remembered,
    WordTable,
    clean,
    identifier,
    procedures,
    several,
    short_code,
)
from hcrm.intake.readers.csv_rows.words import fold
from hcrm.patients.domain import Disposition, EncounterClass, RowKind, Sex, StayRow

INDEX: Final[Mapping[str, int]] = {name: position for position, name in enumerate(StayRow._fields)}
OLDEST_AGE: Final = 130

Convert = Callable[[str], Any]
Values = list[Any]

MRN, VISIT, LINE, EVENT = INDEX["mrn"], INDEX["visit_number"], INDEX["line"], INDEX["event_at"]
ADMITTED, DISCHARGED, BIRTH, DECEASED = (
    INDEX[name] for name in ("admitted_at", "discharged_at", "birth_date", "deceased_on")
)
DISPOSITION, PHONES, CONTACT, RELATIONSHIP = (
    INDEX[name] for name in ("disposition", "phones", "contact_name", "contact_relationship")
)
CLASS, POST_ACUTE, PLANNED, REVIEW = (
    INDEX[name] for name in ("encounter_class", "post_acute", "planned", "needs_review")
)

KIND: Final = INDEX["kind"]

_TEXT_LIMITS: Final = {
    "nurse": 200,
    "payer": 200,
    "contact_name": 200,
    "contact_relationship": 64,
    "principal_diagnosis": 400,
    "address": 1000,
}
_TARGETS: Final = {"deceased_at": "deceased_on", "event_time": "event_at"}


class TableRows:
    """Builds rows of one file. ``region`` is the country in which its phone numbers are dialled."""

    def __init__(self, shape: CsvShape, profile: Profile, zone: ZoneInfo, region: str, now: datetime) -> None:
        self.remarks: list[tuple[str, str, dict[str, Any]]] = []
        self.columns = shape.columns
        self.zone = zone
        self._profile = profile
        self._orders = shape.date_orders
        self._latest = now + timedelta(days=1)
        self._earliest = datetime(EARLIEST_YEAR, 1, 1, tzinfo=UTC)
        self._defaults: Values = [StayRow._field_defaults.get(name) for name in StayRow._fields]
        self._defaults[INDEX["source"]] = profile.source
        self._plan = [
            (positions[0], INDEX[_TARGETS.get(field, field)], convert, field)
            for field, convert in self._converters().items()
            if len(positions := self.columns.get(field, ())) == 1
        ]
        self._joined = [
            (positions, INDEX[_TARGETS.get(field, field)], convert, field)
            for field, convert in self._converters().items()
            if len(positions := self.columns.get(field, ())) > 1
        ]
        self._phones = PhoneColumns(self.columns, region, self.remark)
        self._steps = self._compile_steps()

    def build(self, line: int, cells: Sequence[str]) -> StayRow:
        """The row of one record; ``cells`` are stripped and as many as there are columns."""
        values = self._defaults.copy()
        values[LINE] = line
        name = cell = ""
        try:
            for position, index, convert, name in self._plan:
                cell = cells[position]
                if cell:
                    value = values[index] = convert(cell)
                    if value is None:
                        self.remark(name, "unknown_word", value=cell[:80])
            for positions, index, convert, name in self._joined:  # noqa: B007
                cell = " ".join(dict.fromkeys(cells[position] for position in positions if cells[position]))
                if cell:
                    values[index] = convert(cell)
        except RowRefused as refusal:
            refusal.field = name
            refusal.params.setdefault("value", cell[:80])
            raise
        for step in self._steps:
            step(values, cells)
        self._check(values, cells)
        return StayRow._make(values)

    def remark(self, field: str, code: str, **params: Any) -> None:
        """Note something about the row being built."""
        self.remarks.append((field, code, params))

    def _converters(self) -> dict[str, Convert]:
        profile = self._profile
        sexes = {word: Sex(code) for word, code in profile.sexes.items()}
        dispositions = {word: Disposition(code) for word, code in profile.dispositions.items()}
        converters: dict[str, Convert] = {
            "mrn": identifier,
            "visit_number": identifier,
            "sex": WordTable(words.SEXES, sexes).__getitem__,
            "birth_date": self._dates("birth_date").day,
            "deceased_at": self._dates("deceased_at").day,
            "admitted_at": self._dates("admitted_at").moment,
            "discharged_at": self._dates("discharged_at").moment,
            "event_time": self._dates("event_time").moment,
            "language": WordTable(words.LANGUAGES).__getitem__,
            "disposition": WordTable(words.DISPOSITIONS, dispositions).__getitem__,
            "planned": WordTable(words.PLANNED).__getitem__,
            "readmission_plan_31d": WordTable(words.PLAN_31D).__getitem__,
            "sensitive": WordTable(words.SENSITIVE).__getitem__,
            "diagnoses": several,
            "procedures": procedures,
        }
        converters.update({field: self._text(field, limit) for field, limit in _TEXT_LIMITS.items()})
        return converters

    def _dates(self, field: str) -> DateReader:
        return DateReader(self.zone, self._orders.get(field), stated_patterns(self._profile.date_formats))

    def _text(self, field: str, limit: int) -> Convert:
        def convert(cell: str) -> str:
            text = clean(cell)
            if len(text) > limit:
                self.remark(field, "text_cut", limit=limit)
                return text[:limit]
            return text

        return convert

    def _compile_steps(self) -> list[Callable[[Values, Sequence[str]], None]]:
        columns = self.columns
        steps: list[Callable[[Values, Sequence[str]], None]] = []
        if names := read_names(columns, INDEX):
            steps.append(names)
        steps.append(self._class_step())
        if "department" in columns or "department_code" in columns:
            steps.append(self._place_step("department", columns.get("department_code", columns.get("department", ()))))
        if "clinician" in columns:
            steps.append(self._place_step("clinician", columns["clinician"]))
        if "died" in columns:
            steps.append(self._died_step(columns["died"][0]))
        if "status" in columns:
            steps.append(self._status_step(columns["status"][0]))
        if self._phones.any:
            steps.append(self._phone_step)
        return steps

    def _phone_step(self, values: Values, cells: Sequence[str]) -> None:
        values[PHONES] = self._phones.read(cells, values[CONTACT] or "", values[RELATIONSHIP] or "")

    def _class_step(self) -> Callable[[Values, Sequence[str]], None]:
        table = Remembered(class_reader(self._profile))
        position = self.columns.get("class", (-1,))[0]
        if position < 0:
            fixed = EncounterClass(self._profile.class_default or EncounterClass.INPATIENT)

            def by_default(values: Values, _cells: Sequence[str]) -> None:
                values[CLASS], values[POST_ACUTE] = fixed, False

            return by_default

        def by_word(values: Values, cells: Sequence[str]) -> None:
            values[CLASS], values[POST_ACUTE], planned, values[REVIEW] = table[cells[position]]
            if planned and values[PLANNED] is None:
                values[PLANNED] = True
            if values[REVIEW]:
                self.remark("class", "unknown_class", value=cells[position][:80])

        return by_word

    def _place_step(self, kind: str, codes: Sequence[int]) -> Callable[[Values, Sequence[str]], None]:
        """Code and name of a department or clinician; each stands in for the other where the source has one only."""
        code_at = codes[0]
        name_at = self.columns.get(kind, codes)[0]
        code_index, name_index = INDEX[f"{kind}_code"], INDEX[f"{kind}_name"]
        shorten = Remembered(short_code)
        name_of = Remembered(lambda cell: clean(cell)[:200])

        def place(values: Values, cells: Sequence[str]) -> None:
            code, name = cells[code_at], cells[name_at]
            if code or name:
                values[code_index] = shorten[code or name]
                values[name_index] = name_of[name or code]

        return place

    def _died_step(self, position: int) -> Callable[[Values, Sequence[str]], None]:
        table = WordTable(words.DIED)

        def died(values: Values, cells: Sequence[str]) -> None:
            cell = cells[position]
            if not cell:
                return
            answer = table[cell]
            if answer is None:
                self.remark("died", "unknown_word", value=cell[:80])
            elif answer:
                values[DISPOSITION] = Disposition.EXPIRED

        return died

    def _status_step(self, position: int) -> Callable[[Values, Sequence[str]], None]:
        """A stay that the table calls cancelled is taken back; how else it stands follows from its dates."""
        cancelled = Remembered(words.is_cancelled)

        def status(values: Values, cells: Sequence[str]) -> None:
            if cancelled[cells[position]]:
                values[KIND] = RowKind.CANCEL

        return status

    def _check(self, values: Values, cells: Sequence[str]) -> None:
        admitted, discharged = values[ADMITTED], values[DISCHARGED]
        if not values[MRN]:
            raise RowRefused("missing_mrn", "mrn")
        if admitted is None and discharged is None:
            raise RowRefused("missing_dates", "discharged_at")
        self._check_moments(admitted, discharged, values[EVENT])
        if admitted is not None and discharged is not None and discharged < admitted:
            values[DISCHARGED] = discharged = self._end_of_same_day(admitted, discharged, cells)
        if values[BIRTH] is not None or values[DECEASED] is not None:
            self._check_life(values, discharged or admitted)
        if values[DISPOSITION] is Disposition.EXPIRED and values[DECEASED] is None and discharged is not None:
            values[DECEASED] = discharged.astimezone(self.zone).date()
        if not values[VISIT]:
            start = admitted or discharged
            values[VISIT] = f"{values[MRN][:100]}@{start.strftime('%Y%m%dT%H%MZ')}"

    def _check_moments(self, admitted: datetime | None, discharged: datetime | None, event: datetime | None) -> None:
        earliest, latest = self._earliest, self._latest
        if admitted is not None and not earliest <= admitted <= latest:
            self._refuse_moment(admitted, "admitted_at")
        if discharged is not None and not earliest <= discharged <= latest:
            self._refuse_moment(discharged, "discharged_at")
        if event is not None and not earliest <= event <= latest:
            self._refuse_moment(event, "event_time")

    def _refuse_moment(self, moment: datetime, field: str) -> None:
        if moment < self._earliest:
            raise RowRefused("before_1900", field, year=moment.year)
        raise RowRefused("in_future", field)

    def _end_of_same_day(self, admitted: datetime, discharged: datetime, cells: Sequence[str]) -> datetime:
        """A discharge without a time of day, on the day of admission, is not before it; nor is the second 01:30."""
        text = cells[self.columns["discharged_at"][0]]
        local = discharged.astimezone(self.zone)
        if ":" not in text and "时" not in text and local.date() == admitted.astimezone(self.zone).date():
            return admitted
        later = local.replace(fold=1).astimezone(UTC)
        if later >= admitted and local.fold == 0 and "+" not in text and "Z" not in text:
            return later
        raise RowRefused("discharge_before_admission", "discharged_at", value=text[:80])

    def _check_life(self, values: Values, last: datetime) -> None:
        born, died = values[BIRTH], values[DECEASED]
        if born is not None:
            age = last.year - born.year
            if age > OLDEST_AGE:
                raise RowRefused("age_over_130", "birth_date", age=age, value=born.isoformat())
            if born.year < EARLIEST_YEAR:
                raise RowRefused("before_1900", "birth_date", year=born.year)
            if age < 0 and born > self._latest.date():
                raise RowRefused("in_future", "birth_date", value=born.isoformat())
            if age <= 0 and born > (last + timedelta(days=1)).date():
                self.remark("birth_date", "birth_after_stay", value=born.isoformat())
        if died is not None and died > self._latest.date():
            raise RowRefused("in_future", "deceased_at", value=died.isoformat())


def class_reader(profile: Profile) -> Callable[[str], tuple[EncounterClass, bool, bool, bool]]:
    """Reads a class word as (class, post-acute, planned, needs review); an unknown one is AMB, to be reviewed."""
    own = {fold(word): EncounterClass(code) for word, code in profile.classes.items()}

    def read(text: str) -> tuple[EncounterClass, bool, bool, bool]:
        word = fold(text)
        if word in own:
            return own[word], False, False, False
        if not word and profile.class_default:
            return EncounterClass(profile.class_default), False, False, False
        known = words.CLASSES.get(word)
        if known is None:
            return EncounterClass.AMBULATORY, False, False, True
        return known, word in words.POST_ACUTE_WORDS, word in words.PREADMIT_WORDS, False

    return read
