"""Registers made-up patients: who they are, where they live, whose phone they give."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import date

from hcrm.simulation.generate.cases import CHILD_AGE, YEAR, Case
from hcrm.simulation.generate.names import FAMILY, GIVEN, STREETS, STREETS_ZH
from hcrm.simulation.generate.numbers import landline, mobile, wrong_number
from hcrm.simulation.generate.parameters import Facility, Parameters
from hcrm.simulation.generate.records import Person

FIRST_MRN = 200_000
IMPOSSIBLE = ("12345", "000", "call ward", "11111", "ask son")
IMPOSSIBLE_ZH = ("12345", "000", "问家属", "11111", "无手机")
OLD_AGE = 75
RELATIVE_ANSWERS = 0.15
"""The share of patients of ``OLD_AGE`` whose daughter or son gave a number for them."""
REMEMBERED = 200
"""How many of the last patients a family member may live with."""

_CHILD_DAYS = int(CHILD_AGE * YEAR)
_OLD_DAYS = int(OLD_AGE * YEAR)


class Registry:
    """The patients of one department of one hospital, in the order of their registration.

    ``index`` and ``step`` keep the numbers of all departments of a group apart.
    """

    def __init__(
        self, parameters: Parameters, facility: Facility, chance: Callable[[], float], index: int, step: int
    ) -> None:
        self._chance = chance
        self._index = index
        self._step = step
        self._count = self._visits = 0
        self._country = parameters.country
        self._chinese_share = 1.0 if parameters.style == "zh" else parameters.chinese_share
        self._chinese_address = parameters.country == "CN" and parameters.style == "zh"
        self._impossible = IMPOSSIBLE_ZH if parameters.style == "zh" else IMPOSSIBLE
        self._town = facility.town_zh if self._chinese_address else facility.town
        rates = parameters.rates
        self._shared = rates.shared_phone
        self._missing = rates.missing_phone
        self._no_number = self._missing + rates.impossible_phone
        self._wrong = self._no_number + rates.wrong_number
        self._landline = self._wrong + rates.landline
        self._households: deque[Person] = deque(maxlen=REMEMBERED)

    def visit(self) -> int:
        """The number of a stay, one of its own in the whole group."""
        self._visits += 1
        return self._visits * self._step + self._index

    def _number(self) -> int:
        self._count += 1
        return (self._count - 1) * self._step + self._index

    def register(self, case: Case, day: int) -> Person:
        """A patient who comes with ``case`` and is there on ``day`` (ordinal)."""
        chance = self._chance
        number = self._number()
        sex = case.sex or ("female" if chance() < 0.5 else "male")
        age = case.age(chance())
        born = date.fromordinal(day - age)
        if age < _CHILD_DAYS:
            return self._child(number, sex, born)
        if self._households and chance() < self._shared:
            return self._relative(number, sex, born)
        language = "zh" if chance() < self._chinese_share else "en"
        families, given = FAMILY[language], GIVEN[language, sex]
        phone, kind = self._phone(number)
        person = Person(
            f"{FIRST_MRN + number}",
            families[int(chance() * len(families))],
            given[int(chance() * len(given))],
            sex,
            born,
            language,
            phone,
            kind,
            "patient",
            "",
            "",
            self._address(),
        )
        if age > _OLD_DAYS and chance() < RELATIVE_ANSWERS:
            return self._through_relative(person)
        if kind == "mobile":
            self._households.append(person)
        return person

    def again(self, person: Person) -> Person:
        """The same patient under another number: registered twice, or in another hospital."""
        return person._replace(mrn=f"{FIRST_MRN + self._number()}")

    def _relative(self, number: int, sex: str, born: date) -> Person:
        """Somebody from the home of an earlier patient, with the same phone."""
        home = self._households[int(self._chance() * len(self._households))]
        given = GIVEN[home.language, sex]
        return home._replace(
            mrn=f"{FIRST_MRN + number}",
            given_name=given[int(self._chance() * len(given))],
            sex=sex,
            birth_date=born,
        )

    def _child(self, number: int, sex: str, born: date) -> Person:
        language = "zh" if self._chance() < self._chinese_share else "en"
        phone, kind = self._phone(number)
        child = Person(
            f"{FIRST_MRN + number}", self._one_of(FAMILY[language]), self._one_of(GIVEN[language, sex]), sex, born,
            language, phone, kind, "patient", "", "", self._address(),
        )  # fmt: skip
        return self._called(child, *(("mother", "female") if self._chance() < 0.7 else ("father", "male")))

    def _through_relative(self, person: Person) -> Person:
        return self._called(person, *(("daughter", "female") if self._chance() < 0.6 else ("son", "male")))

    def _called(self, person: Person, relationship: str, sex: str) -> Person:
        """Make the phone that of a relative with a name of their own."""
        names = GIVEN[person.language, sex]
        at = int(self._chance() * len(names))
        given = names[at] if names[at] != person.given_name else names[at - 1]
        family = person.family_name
        if relationship == "mother" and person.language == "zh":
            family = self._one_of(FAMILY["zh"])
        name = f"{family}{given}" if person.language == "zh" else f"{given} {family}"
        return person._replace(phone_owner=relationship, contact_name=name, contact_relationship=relationship)

    def _one_of(self, values: tuple[str, ...]) -> str:
        return values[int(self._chance() * len(values))]

    def _phone(self, number: int) -> tuple[str, str]:
        """A number that is nobody's and its kind; now and then none, or one that cannot be a number."""
        chance = self._chance()
        if chance >= self._landline:
            return mobile(self._country, number), "mobile"
        if chance < self._missing:
            return "", ""
        if chance < self._no_number:
            return self._one_of(self._impossible), ""
        if chance < self._wrong:
            return wrong_number(self._country, number), "mobile"
        return landline(self._country, number), "landline"

    def _address(self) -> str:
        place = int(self._chance() * 20_000)
        if self._chinese_address:
            street = STREETS_ZH[place % len(STREETS_ZH)]
            return f"{self._town}{street}{place // 20 % 180 + 1}号{place % 30 + 1}幢{place // 100 + 1}室"
        return f"{place // 20 % 180 + 1} {STREETS[place % len(STREETS)]}, {self._town}"
