"""No number of a made-up feed could belong to a person.

The ranges are written down here once more, from the regulators' lists, so that a slip in the generator is seen; and
libphonenumber, which knows what each country has assigned, is asked about those that no list keeps for fiction.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm.intake.readers.csv_rows.phones import number_reader, split_numbers
from hcrm.patients.domain import LineType
from hcrm.simulation.catalogue import ALL_DEPARTMENTS
from hcrm.simulation.generate.numbers import (
    CITIES,
    RESERVED,
    US_AREAS,
    Country,
    landline,
    mobile,
    nobodys,
    of_stranger,
    wrong_number,
)
from hcrm.simulation.generate.parameters import Parameters, Rates
from hcrm.simulation.generate.records import Person
from hcrm.simulation.generate.stream import Stream

OFCOM_DRAMA = (
    ("+44113496", 0, 999), ("+44114496", 0, 999), ("+44115496", 0, 999), ("+44116496", 0, 999),
    ("+44117496", 0, 999), ("+44118496", 0, 999), ("+44121496", 0, 999), ("+44131496", 0, 999),
    ("+44141496", 0, 999), ("+44151496", 0, 999), ("+44161496", 0, 999), ("+44191498", 0, 999),
    ("+44207946", 0, 999), ("+44289649", 6000, 6999), ("+44292018", 0, 999), ("+441632", 960000, 960999),
    ("+447700", 900000, 900999),
)  # fmt: skip
COUNTRIES: tuple[Country, ...] = ("GB", "US", "CN")
ANYBODY = st.integers(0, 200_000_000)


def kept_for_fiction(number: str) -> bool:
    """In Ofcom's list for drama, or 555-0100 to 555-0199 of an area code of North America."""
    for prefix, first, last in OFCOM_DRAMA:
        rest = number.removeprefix(prefix)
        if rest != number and len(number) == 13 and first <= int(rest) <= last:
            return True
    return re.fullmatch(r"\+1[2-9][0-8]\d55501\d\d", number) is not None


def cannot_be_assigned(number: str) -> bool:
    """British 04, area codes with 9 in the middle, the Chinese 154 block, Chinese landlines that begin with 0."""
    return re.fullmatch(r"\+444\d{9}|\+1[2-9]9\d[2-9]\d{6}|\+86154\d{8}|\+865710\d{7}", number) is not None


def assert_nobodys(text: str, country: Country) -> str:
    parsed = phonenumbers.parse(text, country)
    number = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    assert nobodys(number), text
    assert kept_for_fiction(number) or cannot_be_assigned(number), text
    if cannot_be_assigned(number) and not number.startswith("+86571"):
        assert not phonenumbers.is_valid_number(parsed), text
    return number


@given(country=st.sampled_from(COUNTRIES), person=ANYBODY)
def test_no_number_could_belong_to_a_person(country: Country, person: int) -> None:
    assert_nobodys(mobile(country, person), country)
    assert_nobodys(landline(country, person), country)
    assert of_stranger(assert_nobodys(wrong_number(country, person), country))


@given(country=st.sampled_from(COUNTRIES), person=ANYBODY)
def test_an_import_takes_each_as_a_number_that_can_be_called(country: Country, person: int) -> None:
    read = number_reader(country)
    for text in (mobile(country, person), landline(country, person), wrong_number(country, person)):
        parsed = read(text)
        assert parsed.number is not None
        assert nobodys(parsed.number)
    if country != "US":
        assert read(landline(country, person)).line_type is LineType.LANDLINE
    assert read(mobile(country, person)).line_type is not LineType.LANDLINE


@given(country=st.sampled_from(COUNTRIES), people=st.sets(st.integers(0, 40_000_000), min_size=2, max_size=50))
def test_two_people_never_have_the_same_mobile_by_chance(country: Country, people: set[int]) -> None:
    numbers = {mobile(country, person) for person in people}
    assert len(numbers) == len(people)
    assert not any(of_stranger(assert_nobodys(number, country)) for number in numbers)


def test_neighbouring_people_have_mobiles_of_their_own() -> None:
    for country in COUNTRIES:
        assert len({mobile(country, person) for person in range(60_000)}) == 60_000


def test_every_range_names_its_source_and_every_landline_of_the_list_is_used() -> None:
    assert all(each.reason and each.source for each in RESERVED)
    assert len({landline("GB", person) for person in range(len(CITIES) * 1000)}) == 14_000
    assert all(re.fullmatch(r"[2-9][0-8]\d", area) for area in US_AREAS)
    assert len(set(US_AREAS)) == len(US_AREAS)


def feeds() -> Iterator[tuple[Country, Person]]:
    rates = Rates(shared_phone=0.1, missing_phone=0.1, impossible_phone=0.1, wrong_number=0.1, landline=0.1)
    for country in COUNTRIES:
        for style in ("en", "zh"):
            parameters = Parameters(
                per_day=60, country=country, style=style, facilities=2, kinds=ALL_DEPARTMENTS, rates=rates
            )
            for _, parts in Stream(parameters).days(date(2026, 1, 1), 20):
                for part in parts:
                    yield from ((country, record.stay.person) for record in part.records)


def test_all_numbers_of_whole_feeds_are_nobodys() -> None:
    seen = 0
    for country, person in set(feeds()):
        if person.phone_kind:
            assert_nobodys(person.phone, country)
            seen += 1
        else:
            read = number_reader(country)
            assert [read(text).number for text in split_numbers(person.phone)] in ([], [None])
    assert seen > 5_000


@pytest.mark.parametrize(
    "number", ["+447911123456", "+12125551234", "+12025550200", "+8613800138000", "+865718888888", "+442079470000"]
)
def test_numbers_of_people_are_not_taken_for_nobodys(number: str) -> None:
    assert not nobodys(number)
