"""How stays get into the records: on time and once, or late, twice, corrected, taken back, under two numbers."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from operator import attrgetter
from random import Random

from hcrm.simulation.catalogue import GENERAL_WARDS, DepartmentKind
from hcrm.simulation.generate.cases import YEAR
from hcrm.simulation.generate.parameters import Rates
from hcrm.simulation.generate.records import Event, Person, Record, Stay

ADULT = 18 * YEAR
_MOMENT = attrgetter("event_at")
HOME = frozenset({"home", "home_care", "other_facility", "against_advice"})


class Untidy:
    """Takes stays as they were and keeps the records about them until the day on which each arrives.

    ``admissions``: also records of admissions and moves, not of discharges and what comes after alone.
    """

    def __init__(
        self,
        rates: Rates,
        rng: Random,
        wards: tuple[DepartmentKind, ...],
        *,
        admissions: bool,
    ) -> None:
        self._rng = rng
        self._chance = rng.random
        self._rates = rates
        self._wards = wards
        self._admissions = admissions
        self._arriving: dict[int, list[Record]] = defaultdict(list)
        self._duplicate = rates.duplicate
        self._correction = self._duplicate + rates.correction
        self._discharge = self._correction + rates.cancelled_discharge
        self._visit = self._discharge + rates.cancelled_visit
        self._death = self._visit + rates.death_at_home

    def arriving(self, day: int) -> list[Record]:
        """The records that arrive on ``day`` (ordinal), in the order of what they tell."""
        records = self._arriving.pop(day, [])
        records.sort(key=_MOMENT)
        return records

    def tell(self, stay: Stay, nights: int, age: int) -> bool:
        """Record a stay, neatly or not; ``age`` in days. False when the patient is not one who might come back."""
        if nights > 1 and age > ADULT and len(self._wards) > 1 and stay.department.code in GENERAL_WARDS:
            stay = self._moved(stay, nights)
        chance = self._chance()
        if chance >= self._death:
            self._discharge_told(stay)
            return True
        if chance < self._duplicate:
            self._discharge_told(stay)
            self._again(Record(Event.DISCHARGED, _end(stay), stay))
            return True
        if chance < self._correction:
            self._correct(stay)
            return True
        if stay.disposition not in HOME:
            self._discharge_told(stay)
            return True
        return self._taken_back(stay, chance, age)

    def merge(self, stay: Stay, person: Person) -> None:
        """Somebody finds that the patient of ``stay`` is ``person``, and gives the second number up."""
        found = _later(_end(stay), 3 + int(self._chance() * 27), self._chance())
        former = stay.person.mrn
        self._keep(Record(Event.MERGED, found, stay._replace(person=stay.person._replace(mrn=person.mrn)), former))

    def _moved(self, stay: Stay, nights: int) -> Stay:
        """The stay with a ward before the last one, for some."""
        if self._chance() >= self._rates.ward_transfer:
            return stay
        ward = self._wards[int(self._chance() * len(self._wards))]
        if ward is stay.department:
            ward = self._wards[self._wards.index(ward) - 1]
        day = 1 + int(self._chance() * (nights - 1))
        moved_at = _later(stay.admitted_at, day, self._chance())
        return stay._replace(earlier=((ward, stay.admitted_at),), moved_at=moved_at)

    def _taken_back(self, stay: Stay, chance: float, age: int) -> bool:
        if chance < self._discharge:
            self._cancel_discharge(stay)
            return False
        if chance < self._visit:
            self._cancel_visit(stay)
            return False
        if age <= ADULT:
            self._discharge_told(stay)
            return True
        self._die_at_home(stay)
        return False

    def _discharge_told(self, stay: Stay) -> None:
        if self._admissions:
            self._admission_told(stay)
        end = _end(stay)
        self._arriving[end.toordinal()].append(Record(Event.DISCHARGED, end, stay))

    def _admission_told(self, stay: Stay) -> None:
        there = stay._replace(discharged_at=None, disposition="", other_diagnoses=(), return_planned=False)
        there = there._replace(person=stay.person._replace(deceased_on=None))
        for ward, since in stay.earlier:
            self._keep(Record(Event.ADMITTED, since, there._replace(department=ward, earlier=(), moved_at=None)))
        if stay.moved_at is None:
            self._keep(Record(Event.ADMITTED, stay.admitted_at, there))
        else:
            self._keep(Record(Event.MOVED, stay.moved_at, there))

    def _again(self, record: Record) -> None:
        """The same record once more, today or on one of the next days."""
        self._arriving[record.event_at.toordinal() + int(self._chance() * 3)].append(record)

    def _correct(self, stay: Stay) -> None:
        """What was recorded first is wrong in one thing."""
        first = self._mistaken(stay)
        self._discharge_told(first)
        corrected_at = _later(max(_end(first), _end(stay)), 1 + int(self._chance() * 20), self._chance())
        self._keep(Record(Event.CORRECTED, corrected_at, stay))

    def _mistaken(self, stay: Stay) -> Stay:
        which = int(self._chance() * 4)
        if which == 0 and stay.person.phone:
            return stay._replace(person=stay.person._replace(phone="", phone_kind=""))
        if which == 1 and stay.disposition in HOME:
            return stay._replace(disposition="unknown")
        if which == 2:
            return stay._replace(diagnosis="R69")
        earlier = _end(stay) - timedelta(minutes=60)
        return stay._replace(discharged_at=max(earlier, stay.moved_at or stay.admitted_at, stay.admitted_at))

    def _cancel_discharge(self, stay: Stay) -> None:
        """The patient stays some days longer after all."""
        self._discharge_told(stay)
        end = _end(stay)
        there = stay._replace(discharged_at=None, disposition="")
        self._keep(Record(Event.DISCHARGE_CANCELLED, end + timedelta(minutes=45), there))
        leaves = end + timedelta(days=1 + int(self._chance() * 4))
        self._keep(Record(Event.DISCHARGED, leaves, stay._replace(discharged_at=leaves)))

    def _cancel_visit(self, stay: Stay) -> None:
        """The stay was entered in error; seen late."""
        self._discharge_told(stay)
        found = _later(_end(stay), 1 + int(self._chance() * 10), self._chance())
        there = stay._replace(discharged_at=None, disposition="")
        self._keep(Record(Event.DISCHARGE_CANCELLED, found, there))
        self._keep(Record(Event.VISIT_CANCELLED, found + timedelta(minutes=1), there))

    def _die_at_home(self, stay: Stay) -> None:
        self._discharge_told(stay)
        died = _later(_end(stay), 2 + int(self._chance() * 24), self._chance())
        person = stay.person._replace(deceased_on=died.date())
        self._keep(Record(Event.CORRECTED, died + timedelta(minutes=90), stay._replace(person=person)))

    def _keep(self, record: Record) -> None:
        self._arriving[record.event_at.toordinal()].append(record)


def _end(stay: Stay) -> datetime:
    assert stay.discharged_at is not None
    return stay.discharged_at


def _later(moment: datetime, days: int, chance: float) -> datetime:
    """Some days after ``moment``, in working hours."""
    day = moment + timedelta(days=days)
    return day.replace(hour=8 + int(chance * 9), minute=5 * int(chance * 900 % 12))
