"""Made-up hospitals are believable: sizes, rhythms, cases, ages, returns, families and untidy records."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise
from math import sqrt
from pathlib import Path

import pytest

from hcrm.simulation.catalogue import ALL_DEPARTMENTS, DEPARTMENTS, GENERAL_WARDS
from hcrm.simulation.generate.drawing import Order
from hcrm.simulation.generate.files import write_feed
from hcrm.simulation.generate.numbers import of_stranger
from hcrm.simulation.generate.parameters import MOST_FACILITIES, Parameters, Rates, UnknownRate
from hcrm.simulation.generate.process import DrawingStopped, fetch, processes_for
from hcrm.simulation.generate.records import Event, Person, Record, Stay
from hcrm.simulation.generate.stream import Stream

FIRST = date(2026, 1, 5)
NONE = Rates().with_changes({"all": 0})
ROOT = Path(__file__).parents[3]
DRAWS = 4.5
"""Standard deviations that a share may be off: the seeds are fixed, so a test that passes passes always."""


def records(parameters: Parameters, days: int, *, admissions: bool = False) -> Iterator[Record]:
    for _, parts in Stream(parameters, admissions=admissions).days(FIRST, days):
        for part in parts:
            yield from part.records


@lru_cache(maxsize=1)
def year() -> list[Stay]:
    """A tidy year of a hospital with all departments."""
    parameters = Parameters(seed=3, per_day=40, kinds=ALL_DEPARTMENTS, rates=NONE)
    return [record.stay for record in records(parameters, 364)]


@lru_cache(maxsize=1)
def untidy() -> list[Record]:
    return list(records(Parameters(seed=5, per_day=150), 100))


def people(stays: list[Stay]) -> dict[str, Person]:
    return {stay.person.mrn: stay.person for stay in stays}


def assert_share(hits: int, of: int, share: float, at_least: int = 200) -> None:
    """``hits`` of ``of`` are as many as draws of this chance give."""
    assert of >= at_least
    assert abs(hits - of * share) <= DRAWS * sqrt(of * share * (1 - share)) + 1, (hits / of, share)


def leaving(stay: Stay) -> date:
    assert stay.discharged_at is not None
    return stay.discharged_at.date()


# Size, departments, rhythm


def test_a_hospital_discharges_as_many_as_ordered() -> None:
    weekdays = [stay for stay in year() if leaving(stay).weekday() < 5]
    assert len(weekdays) / 260 == pytest.approx(40, rel=0.05)


def test_departments_have_their_shares_and_lengths_of_stay() -> None:
    by_department = defaultdict(list)
    for stay in year():
        by_department[stay.department.code].append((leaving(stay) - stay.admitted_at.date()).days)
    total = sum(kind.share for kind in ALL_DEPARTMENTS)
    weekly = {kind.code: kind.share * (5 + 2 * kind.weekend) for kind in ALL_DEPARTMENTS}
    for kind in ALL_DEPARTMENTS:
        nights = by_department[kind.code]
        assert len(nights) == pytest.approx(52 * 40 * weekly[kind.code] / total, rel=0.4)
        if kind.mean_stay > 2:
            assert sum(nights) / len(nights) == pytest.approx(kind.mean_stay, rel=0.2)
    counts = {code: len(nights) for code, nights in by_department.items()}
    assert max(counts.values()) > 3 * min(counts.values())


def test_fewer_go_home_at_weekends_and_more_from_chest_wards_in_winter() -> None:
    days = Counter(leaving(stay).weekday() for stay in year() if stay.department.code in {"GS", "ORT"})
    assert days[5] + days[6] < 0.5 * (days[1] + days[2])
    chests = Counter(leaving(stay).month for stay in year() if stay.department.code == "RES")
    assert chests[1] + chests[12] > 1.3 * (chests[6] + chests[7])


def test_a_group_has_hospitals_of_different_sizes() -> None:
    parameters = Parameters(seed=2, per_day=6, facilities=12)
    counts = Counter(record.stay.facility for record in records(parameters, 40))
    assert set(counts) == set(range(12))
    assert max(counts.values()) > 2.5 * min(counts.values())
    assert counts.total() == pytest.approx(12 * 6 * 40 * 0.9, rel=0.25)


def test_the_largest_group_has_a_name_and_a_code_for_each_hospital() -> None:
    group = Parameters(facilities=MOST_FACILITIES).group()
    assert len({each.code for each in group}) == len({each.name for each in group}) == MOST_FACILITIES
    assert len({each.name_zh for each in group}) == MOST_FACILITIES


def test_one_ward_is_a_feed_too() -> None:
    stays = [record.stay for record in records(Parameters(per_day=0.5, kinds=DEPARTMENTS[3:4], rates=NONE), 100)]
    assert 20 < len(stays) < 90
    assert {stay.department.code for stay in stays} == {"RES"}


# Who and why


def test_diagnoses_fit_department_sex_and_age() -> None:
    fitting = {(kind.code, each.code): each for kind in ALL_DEPARTMENTS for each in kind.diagnoses}
    returns = {(kind.code, code) for kind in ALL_DEPARTMENTS for each in kind.diagnoses for code in each.returns}
    seen = 0
    for stay in year():
        key = (stay.department.code, stay.diagnosis)
        assert key in fitting or key in returns
        if key not in fitting:
            continue
        age = (leaving(stay) - stay.person.birth_date).days / 365.25
        assert fitting[key].sex in {"", stay.person.sex}
        # Somebody comes back for the same with a birthday in between.
        assert fitting[key].youngest <= age + 0.01
        assert age < fitting[key].oldest + 2
        seen += 1
    assert seen > 0.9 * len(year())


def test_patients_come_back_with_what_can_follow_from_what_they_had() -> None:
    follows = {(each.code, code) for kind in ALL_DEPARTMENTS for each in kind.diagnoses for code in each.returns}
    consequences = {code for _, code in follows} - {each.code for kind in ALL_DEPARTMENTS for each in kind.diagnoses}
    before = defaultdict(set)
    seen = 0
    for stay in year():
        had = before[stay.person.mrn]
        if stay.diagnosis in consequences:
            assert any((code, stay.diagnosis) in follows for code in had) or stay.diagnosis in had
            seen += 1
        had.add(stay.diagnosis)
    assert seen > 100


def test_children_are_reached_through_a_parent_who_has_another_name() -> None:
    children = [person for person in people(year()).values() if (FIRST - person.birth_date).days < 12 * 365]
    assert {person.phone_owner for person in children} == {"mother", "father"}
    assert all(person.contact_name and person.given_name not in person.contact_name.split() for person in children)


def test_nobody_leaves_before_coming_or_comes_before_birth() -> None:
    for stay in year():
        assert stay.discharged_at is not None
        assert stay.person.birth_date <= stay.admitted_at.date() <= stay.discharged_at.date()
        assert stay.admitted_at <= stay.discharged_at


def test_no_time_lies_in_the_hour_that_some_nights_lack_or_have_twice() -> None:
    for record in untidy():
        moments = (record.event_at, record.stay.admitted_at, record.stay.discharged_at)
        assert all(moment.hour not in {1, 2} for moment in moments if moment)


def test_visits_have_numbers_of_their_own_and_patients_do() -> None:
    visits = [stay.visit_number for stay in year()]
    assert len(set(visits)) == len(visits)
    names = {(stay.person.mrn, stay.person.birth_date, stay.person.given_name) for stay in year()}
    assert len(names) == len(people(year()))


def test_doctors_of_a_hospital_have_names_of_their_own() -> None:
    for parameters in (Parameters(kinds=ALL_DEPARTMENTS, rates=NONE), Parameters(kinds=ALL_DEPARTMENTS, style="zh")):
        names = defaultdict(set)
        for record in records(parameters, 60):
            code, name = record.stay.clinician
            names[name].add(code)
        assert len(names) > 40
        assert all(len(codes) == 1 for codes in names.values())


# What becomes of them


def test_patients_return_at_the_risk_of_their_department() -> None:
    stays = sorted(year(), key=lambda stay: stay.admitted_at)
    admissions = defaultdict(list)
    for stay in stays:
        admissions[stay.person.mrn].append(stay.admitted_at)
    for kind in DEPARTMENTS:
        index = [
            stay for stay in stays
            if stay.department is kind and stay.disposition in {"home", "home_care", "other_facility"}
            and leaving(stay) < FIRST + timedelta(days=300)
        ]  # fmt: skip
        back = sum(
            any(0 < (again.date() - leaving(stay)).days <= 30 for again in admissions[stay.person.mrn])
            for stay in index
        )
        assert_share(back, len(index), kind.return_risk)


def test_nobody_is_in_two_beds_of_a_hospital_at_once() -> None:
    last: dict[tuple[str, int], Stay] = {}
    for record in untidy():
        if record.event in {Event.DISCHARGED, Event.CORRECTED}:
            last[record.stay.visit_number, record.stay.facility] = record.stay
    stays = defaultdict(list)
    for stay in last.values():
        assert stay.discharged_at is not None
        stays[stay.person.mrn].append((stay.admitted_at, stay.discharged_at))
    for mine in stays.values():
        ordered = sorted(mine)
        assert all(left[1] <= right[0] for left, right in pairwise(ordered))
    assert sum(len(mine) > 1 for mine in stays.values()) > 100


def test_deaths_are_as_common_as_departments_say_and_the_dead_stay_away() -> None:
    mild = {(kind.code, each.code) for kind in ALL_DEPARTMENTS for each in kind.diagnoses if each.mild}
    expected = variance = deaths = 0.0
    died: dict[str, date] = {}
    for stay in year():
        if (stay.department.code, stay.diagnosis) in mild:
            assert stay.disposition != "expired"
        elif (leaving(stay) - stay.person.birth_date).days > 15 * 365:
            risk = stay.department.mortality
            expected, variance = expected + risk, variance + risk * (1 - risk)
            deaths += stay.disposition == "expired"
        if stay.disposition == "expired":
            assert stay.person.deceased_on == leaving(stay)
            died[stay.person.mrn] = leaving(stay)
    assert deaths > 50
    assert abs(deaths - expected) < DRAWS * sqrt(variance)
    assert not [stay for stay in year() if stay.person.mrn in died and leaving(stay) > died[stay.person.mrn]]


def test_some_of_the_emergency_room_are_admitted_to_a_ward_the_same_day() -> None:
    emergency = [stay for stay in year() if stay.department.encounter_class == "emergency"]
    admitted = {stay.person.mrn: stay for stay in emergency if stay.disposition == "admitted"}
    assert_share(len(admitted), len(emergency), 0.12)
    came = {
        stay.person.mrn: stay for stay in year()
        if stay.department.code in GENERAL_WARDS and stay.person.mrn in admitted
        and stay.admitted_at.date() == leaving(admitted[stay.person.mrn])
    }  # fmt: skip
    assert len(came) > 0.5 * len(admitted)


# How untidy it is


def first_seen(found: list[Record]) -> list[Person]:
    """Each adult as registered first; who came back or was registered twice is left out."""
    seen: dict[tuple[str, str, date], Person] = {}
    for record in found:
        person = record.stay.person
        if (FIRST - person.birth_date).days > 14 * 366:
            seen.setdefault((person.family_name, person.given_name, person.birth_date), person)
    return list(seen.values())


@pytest.mark.parametrize("rate", ["missing_phone", "impossible_phone", "wrong_number", "landline"])
def test_numbers_are_missing_impossible_wrong_or_landlines_as_often_as_ordered(rate: str) -> None:
    parameters = Parameters(seed=6, per_day=100, country="CN", style="zh", rates=NONE.with_changes({rate: 0.07}))
    found = first_seen(list(records(parameters, 30)))
    is_it = {
        "missing_phone": lambda person: not person.phone,
        "impossible_phone": lambda person: bool(person.phone) and not person.phone_kind,
        "wrong_number": lambda person: of_stranger(f"+86{person.phone}"),
        "landline": lambda person: person.phone_kind == "landline",
    }[rate]
    assert_share(sum(map(is_it, found)), len(found), 0.07)


def test_families_share_a_phone_as_often_as_ordered() -> None:
    rates = NONE.with_changes({"shared_phone": 0.08})
    parameters = Parameters(seed=6, per_day=100, country="CN", style="zh", kinds=DEPARTMENTS[:4], rates=rates)
    found = first_seen(list(records(parameters, 30)))
    homes = defaultdict(list)
    for person in found:
        homes[person.phone].append(person)
    assert_share(len(found) - len(homes), len(found), 0.08)
    for home in homes.values():
        assert len({(person.family_name, person.address) for person in home}) == 1


def test_stays_move_between_wards_as_often_as_ordered() -> None:
    parameters = Parameters(seed=6, per_day=100, rates=NONE.with_changes({"ward_transfer": 0.1}))
    could = [
        record.stay for record in records(parameters, 40)
        if record.stay.department.code in GENERAL_WARDS
        and (leaving(record.stay) - record.stay.admitted_at.date()).days > 1
        and (leaving(record.stay) - record.stay.person.birth_date).days > 18.1 * 365.25
    ]  # fmt: skip
    moved = [stay for stay in could if stay.earlier]
    assert_share(len(moved), len(could), 0.1)
    for stay in moved:
        assert stay.moved_at is not None
        assert stay.earlier[0][0] is not stay.department
        assert stay.discharged_at is not None
        assert stay.admitted_at < stay.moved_at < stay.discharged_at


def test_records_are_repeated_corrected_and_taken_back_as_often_as_ordered() -> None:
    defaults = Rates()
    found = untidy()
    by_visit = defaultdict(list)
    for record in found:
        by_visit[record.stay.visit_number].append(record)
    whole = {
        visit: told for visit, told in by_visit.items()
        if told[0].event is Event.DISCHARGED and told[0].event_at.date() < FIRST + timedelta(days=70)
    }  # fmt: skip
    events = [Counter(record.event for record in told) for told in whole.values()]
    assert_share(sum(each[Event.VISIT_CANCELLED] for each in events), len(events), defaults.cancelled_visit)
    again = sum(each[Event.DISCHARGE_CANCELLED] - each[Event.VISIT_CANCELLED] for each in events)
    assert_share(again, len(events), defaults.cancelled_discharge)
    repeated = sum(len(told) > len(set(told)) for told in whole.values())
    assert_share(repeated, len(events), defaults.duplicate)
    corrected = sum(each[Event.CORRECTED] for each in events)
    assert_share(corrected, len(events), defaults.correction + defaults.death_at_home)


def test_corrections_and_cancellations_come_late() -> None:
    discharged: dict[str, date] = {}
    late = defaultdict(list)
    for record in untidy():
        visit = record.stay.visit_number
        if record.event is Event.DISCHARGED:
            discharged.setdefault(visit, record.event_at.date())
        elif record.event is not Event.MERGED and visit in discharged:
            late[record.event].append((record.event_at.date() - discharged[visit]).days)
    assert max(late[Event.CORRECTED]) >= 18
    assert min(late[Event.CORRECTED]) >= 1
    assert 1 <= min(late[Event.VISIT_CANCELLED]) <= max(late[Event.VISIT_CANCELLED]) <= 10


def test_who_was_registered_twice_is_merged_for_the_most_part() -> None:
    rates = NONE.with_changes({"double_registration": 0.5, "merge": 0.8})
    found = list(records(Parameters(seed=8, per_day=150, rates=rates), 150))
    mrns = defaultdict(set)
    for record in found:
        if record.event is Event.DISCHARGED and record.event_at.date() < FIRST + timedelta(days=110):
            person = record.stay.person
            mrns[person.given_name, person.family_name, person.birth_date, person.phone].add(person.mrn)
    second = {mrn for numbers in mrns.values() if len(numbers) > 1 for mrn in sorted(numbers, key=int)[1:]}
    merged = {record.former_mrn for record in found if record.event is Event.MERGED}
    assert_share(len(second & merged), len(second), 0.8)


def test_deaths_at_home_are_told_and_the_dead_do_not_come_back() -> None:
    found = list(records(Parameters(seed=4, per_day=60, rates=NONE.with_changes({"death_at_home": 0.05})), 120))
    died = {
        record.stay.person.mrn: record.stay.person.deceased_on for record in found if record.event is Event.CORRECTED
    }
    assert len(died) > 100
    for record in found:
        on = died.get(record.stay.person.mrn)
        if on and record.event is Event.DISCHARGED:
            assert record.event_at.date() <= on


def test_a_tidy_feed_has_discharges_alone() -> None:
    assert {record.event for record in records(Parameters(rates=NONE), 60)} == {Event.DISCHARGED}


def test_rates_have_names_and_are_shares() -> None:
    for changes in ({"missing_phones": 0.1}, {"merge": 1.5}, {"landline": -0.1}):
        with pytest.raises(UnknownRate):
            Rates().with_changes(changes)
    assert Rates().with_changes({"all": 0, "merge": 0.3}) == replace(NONE, merge=0.3)


def test_the_guide_names_every_rate_with_its_default_and_every_department() -> None:
    guide = (ROOT / "docs" / "generate.md").read_text(encoding="utf-8")
    for rate in fields(Rates):
        assert f"| `{rate.name}` | {rate.default} |" in guide
    assert all(f"`{kind.code}` {kind.name}" in guide for kind in ALL_DEPARTMENTS)


# The same for the same seed


ORDER = Order(Parameters(seed=9, per_day=15, facilities=2), FIRST, 12)


def test_any_number_of_processes_writes_the_same_bytes(tmp_path: Path) -> None:
    alone = write_feed(replace(ORDER, format="hl7"), tmp_path / "1")
    shared = write_feed(replace(ORDER, format="hl7"), tmp_path / "3", processes=3)
    assert [path.read_bytes() for path in alone.files] == [path.read_bytes() for path in shared.files]
    assert alone.records == shared.records
    assert (tmp_path / "1" / "feed.json").read_bytes() == (tmp_path / "3" / "feed.json").read_bytes()


def test_another_interpreter_with_other_hashes_writes_the_same_bytes(tmp_path: Path) -> None:
    write_feed(ORDER, tmp_path / "here")
    program = (
        "import sys; from datetime import date; from pathlib import Path;"
        "from hcrm.simulation.generate.drawing import Order;"
        "from hcrm.simulation.generate.files import write_feed;"
        "from hcrm.simulation.generate.parameters import Parameters;"
        "write_feed(Order(Parameters(seed=9, per_day=15, facilities=2), date(2026, 1, 5), 12), Path(sys.argv[1]))"
    )
    for hashes in ("1", "77"):
        subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / hashes)],
            check=True,
            cwd=ROOT,
            env={"PYTHONHASHSEED": hashes},
        )
        for path in (tmp_path / "here").iterdir():
            assert (tmp_path / hashes / path.name).read_bytes() == path.read_bytes()


def test_admissions_change_nothing_about_discharges() -> None:
    parameters = Parameters(seed=9, per_day=30)
    plain = list(records(parameters, 20))
    more = list(records(parameters, 20, admissions=True))
    assert [each for each in more if each.event not in {Event.ADMITTED, Event.MOVED}] == plain
    assert len(more) > 1.7 * len(plain)


def test_a_process_that_dies_is_noticed() -> None:
    program = [sys.executable, "-c", "print('no day')"]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process, pytest.raises(DrawingStopped):
        fetch(process)


def test_small_feeds_and_workbooks_are_drawn_by_one_process() -> None:
    large = Order(Parameters(per_day=5_000), FIRST, 30)
    assert processes_for(large, 2) == 2
    assert processes_for(large, 64) == len(DEPARTMENTS)
    assert processes_for(replace(large, format="xlsx"), 2) == 1
    assert processes_for(ORDER, 2) == 1
