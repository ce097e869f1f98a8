"""One department of one hospital, day by day: who goes home, who comes back, and what is recorded of it.

Each department draws from a stream of its own, so that departments can be made in any order or in several processes
and are always the same. Days are drawn in order, because patients come back.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta
from math import exp
from random import Random
from typing import NamedTuple

from hcrm.simulation.catalogue import COMORBIDITIES, GENERAL_WARDS, DepartmentKind
from hcrm.simulation.generate.cases import CHILD_AGE, YEAR, Drawn, drawn
from hcrm.simulation.generate.names import FAMILY, GIVEN
from hcrm.simulation.generate.parameters import Facility, Parameters
from hcrm.simulation.generate.people import Registry
from hcrm.simulation.generate.records import Person, Stay
from hcrm.simulation.generate.untidy import Untidy

COMES_BACK_LATER = 0.1
"""The chance of another stay one to ten months later."""
RETURN_AFTER = 9.0
"""Mean days until an early return; none of these comes after ``LATEST_RETURN``."""
LATEST_RETURN = 30
PLANNED = 0.6
"""The share of surgical stays that were planned."""
RETURN_PLANNED = 0.25
"""The share of early returns to surgery and oncology that were planned when the patient left."""
DOCTORS = 4
"""Per department."""
FOLLOWED_ELSEWHERE = 0.8
"""The share of transfers to another hospital that go to one of the group."""
_CHILDHOOD = int(CHILD_AGE * YEAR)
_FIFTY_YEARS = int(50 * YEAR)
_EARLIEST = timedelta(hours=3, minutes=5)


class Coming(NamedTuple):
    """A stay that is known beforehand: a return, or what follows a transfer."""

    person: Person
    drawn: Drawn
    facility: int
    diagnosis: str
    nights: int
    planned: bool
    admitted_at: datetime | None = None
    known: bool = True


class Department:
    """One department's stream of records.

    ``index`` of ``step`` departments of the group. Call ``play`` for days in order; what is ready is in ``untidy``.
    """

    def __init__(
        self,
        parameters: Parameters,
        group: tuple[Facility, ...],
        facility: Facility,
        place: int,
        index: int,
        step: int,
        *,
        admissions: bool,
    ) -> None:
        kind = facility.kinds[place]
        rng = Random(f"{parameters.seed}:{facility.index}:{kind.code}")
        self._chance = rng.random
        self._rng = rng
        self._group = group
        self._facility = facility
        self._own = drawn(kind)
        self._expected = parameters.per_day * facility.weight * kind.share / sum(each.share for each in facility.kinds)
        self._registry = Registry(parameters, facility, rng.random, index, step)
        self._rates = parameters.rates
        self._doctors = {each.code: _doctors(each, at, parameters.style) for at, each in enumerate(facility.kinds)}
        self._style = parameters.style
        self._wards = tuple(each for each in facility.kinds if each.code in GENERAL_WARDS)
        self._coming: dict[int, list[Coming]] = defaultdict(list)
        self.untidy = Untidy(parameters.rates, rng, self._wards, admissions=admissions)

    def play(self, day: int) -> None:
        """Draw the stays that end on ``day`` (ordinal)."""
        self._day = date.fromordinal(day)
        self._midnight = datetime.combine(self._day, datetime.min.time())
        self._ordinal = day
        self._month = f"{self._day:%y%m}"
        back = self._coming.pop(day, ())
        for coming in back:
            self._come(coming)
        expected = self._expected * self._own.pace(self._day)
        own, cases, register = self._own, self._own.cases, self._registry.register
        for _ in range(self._count(expected) - len(back)):
            case = cases[int(self._chance() * len(cases))]
            planned = own.kind.surgical and self._chance() < PLANNED
            nights = own.nights[int(self._chance() * len(own.nights))]
            person = register(case, day)
            self._end(Coming(person, own, self._facility.index, case.code, nights, planned))

    def _count(self, expected: float) -> int:
        """A Poisson number."""
        if expected > 30:
            return max(0, round(self._rng.gauss(expected, expected**0.5)))
        limit, product, count = exp(-expected), self._chance(), 0
        while product > limit:
            product *= self._chance()
            count += 1
        return count

    def _come(self, coming: Coming) -> None:
        """Somebody who is known; at times the desk does not see it and registers them once more."""
        if coming.known and self._chance() < self._rates.double_registration:
            second = self._registry.again(coming.person)
            stay = self._end(coming._replace(person=second, known=False))
            if self._chance() < self._rates.merge:
                self.untidy.merge(stay, coming.person)
            return
        self._end(coming)

    def _end(self, coming: Coming) -> Stay:
        """A stay that ends today."""
        chance = self._chance
        person, own, facility, diagnosis, nights, planned, admitted_at, _ = coming
        kind = own.kind
        discharged_at = datetime.combine(self._day, own.times[int(chance() * len(own.times))])
        if admitted_at is None:
            admitted_at = self._admission(own, discharged_at, nights)
        age = self._ordinal - person.birth_date.toordinal()
        disposition = self._disposition(own, diagnosis, age)
        if disposition == "expired":
            person = person._replace(deceased_on=discharged_at.date())
        back = self._return(person, own, coming) if disposition != "expired" else None
        stay = Stay(
            person,
            f"{self._group[facility].code}-{self._month}-{self._registry.visit():06d}",
            kind,
            self._doctor(kind, facility),
            admitted_at,
            discharged_at,
            disposition,
            diagnosis,
            planned,
            self._others(diagnosis) if age > _FIFTY_YEARS else (),
            back is not None and back[1].planned,
            (),
            None,
            facility,
        )
        if self.untidy.tell(stay, nights, age) and disposition != "expired":
            self._go_on(stay, back)
        return stay

    def _admission(self, own: Drawn, discharged_at: datetime, nights: int) -> datetime:
        if nights:
            arrival = own.arrivals[int(self._chance() * len(own.arrivals))]
            return datetime.combine(date.fromordinal(self._ordinal - nights), arrival)
        arrived = discharged_at - timedelta(minutes=90 + 5 * int(self._chance() * 75))
        return max(arrived, self._midnight + _EARLIEST)

    def _disposition(self, own: Drawn, diagnosis: str, age: int) -> str:
        chance = self._chance()
        if chance < own.kind.mortality and age > _CHILDHOOD and diagnosis not in own.mild:
            return "expired"
        if not own.emergency and chance > 1 - self._rates.hospital_transfer:
            return "transfer_acute"
        return own.ends[int(self._chance() * len(own.ends))]

    def _others(self, diagnosis: str) -> tuple[str, ...]:
        at = int(self._chance() * 24)
        if at >= len(COMORBIDITIES):
            return () if at > 16 else tuple(each for each in COMORBIDITIES[:2] if each != diagnosis)
        return () if COMORBIDITIES[at] == diagnosis else (COMORBIDITIES[at],)

    def _doctor(self, kind: DepartmentKind, facility: int) -> tuple[str, str]:
        if facility == self._facility.index:
            doctors = self._doctors[kind.code]
        else:
            doctors = _doctors(kind, self._group[facility].kinds.index(kind), self._style)
        return doctors[int(self._chance() * DOCTORS)]

    def _return(self, person: Person, own: Drawn, coming: Coming) -> tuple[int, Coming] | None:
        """The day of discharge and the stay of a patient who will come back; None for most."""
        chance = self._chance()
        kind = own.kind
        if chance < kind.return_risk:
            gap = min(LATEST_RETURN, max(1, round(self._rng.expovariate(1 / RETURN_AFTER))))
            planned = (kind.surgical or kind.code == "ONC") and self._chance() < RETURN_PLANNED
            codes = own.returns.get(coming.diagnosis) or (coming.diagnosis,)
            diagnosis = codes[int(self._chance() * len(codes))]
        elif chance < kind.return_risk + COMES_BACK_LATER and kind.code in GENERAL_WARDS:
            gap = 40 + int(self._chance() * 260)
            planned = False
            own, diagnosis = self._another_case(person, own, coming.diagnosis)
        else:
            return None
        nights = own.nights[int(self._chance() * len(own.nights))]
        back = Coming(person, own, coming.facility, diagnosis, nights, planned)
        return self._ordinal + gap + nights, back

    def _another_case(self, person: Person, own: Drawn, diagnosis: str) -> tuple[Drawn, str]:
        """What somebody comes back with months later, perhaps to another ward."""
        ward = own
        if self._wards and self._chance() < 0.5:
            ward = drawn(self._wards[int(self._chance() * len(self._wards))])
        years = int((self._ordinal - person.birth_date.toordinal()) / YEAR)
        case = ward.cases[int(self._chance() * len(ward.cases))]
        return (ward, case.code) if case.fits(person.sex, years) else (own, diagnosis)

    def _go_on(self, stay: Stay, back: tuple[int, Coming] | None) -> None:
        """What follows the stay: a ward after the emergency room, another hospital, or a return."""
        if stay.disposition == "admitted":
            self._admit(stay)
        elif stay.disposition == "transfer_acute":
            self._transfer(stay)
        elif back is not None and stay.disposition != "hospice":
            ordinal, coming = back
            self._coming[ordinal].append(coming)

    def _admit(self, stay: Stay) -> None:
        """From the emergency room to a ward of the same hospital."""
        if self._wards and stay.person.phone_owner == "patient":
            ward = drawn(self._wards[int(self._chance() * len(self._wards))])
            self._follow(stay, ward, stay.facility, stay.person)

    def _transfer(self, stay: Stay) -> None:
        """To the same department of another hospital of the group, where the patient gets another number."""
        others = [each for each in self._group if each.index != stay.facility and stay.department in each.kinds]
        if others and self._chance() < FOLLOWED_ELSEWHERE:
            other = others[int(self._chance() * len(others))]
            self._follow(stay, drawn(stay.department), other.index, self._registry.again(stay.person))

    def _follow(self, stay: Stay, ward: Drawn, facility: int, person: Person) -> None:
        assert stay.discharged_at is not None
        nights = max(1, ward.nights[int(self._chance() * len(ward.nights))])
        years = int((self._ordinal - person.birth_date.toordinal()) / YEAR)
        fitting = [case.code for case in ward.cases if case.fits(person.sex, years)]
        if facility == stay.facility and not fitting:
            return
        diagnosis = stay.diagnosis if facility != stay.facility else fitting[int(self._chance() * len(fitting))]
        begins = stay.discharged_at + timedelta(minutes=30 if facility == stay.facility else 90)
        if begins.date() != self._day:
            begins = stay.discharged_at
        self._coming[self._ordinal + nights].append(
            Coming(person, ward, facility, diagnosis, nights, planned=False, admitted_at=begins, known=False)
        )


def _doctors(kind: DepartmentKind, place: int, style: str) -> tuple[tuple[str, str], ...]:
    """Codes and names of a department's doctors; no two of a hospital have the same name."""
    return tuple((f"{kind.code}{each + 1}", _doctor_name(place * DOCTORS + each, style)) for each in range(DOCTORS))


def _doctor_name(number: int, style: str) -> str:
    families = FAMILY[style]
    family = families[number * 7 % len(families)]
    if style == "zh":
        given = GIVEN["zh", "male" if number % 2 else "female"]
        return f"{family}{given[number // 2 % len(given)]}"
    return f"Dr {chr(ord('A') + number * 5 % 23)}. {family}"
