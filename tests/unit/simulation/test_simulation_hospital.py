"""The made-up hospital that simulations use: its stays day by day, and its records as they arrive."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

from hcrm.simulation.feed import Feed, write_csv
from hcrm.simulation.generate.records import Event
from hcrm.simulation.hospital import Country, Hospital, Stay
from tests.feed_readers import read_csv

FIRST = date(2026, 3, 2)


def stays(seed: int = 1, days: int = 60, per_day: int = 20, country: Country = "GB") -> list[Stay]:
    return [
        stay for _, of_day in Hospital(seed=seed, per_day=per_day, country=country).days(FIRST, days) for stay in of_day
    ]


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", stays(seed=4))
    write_csv(tmp_path / "b.csv", stays(seed=4))
    write_csv(tmp_path / "c.csv", stays(seed=5))
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "c.csv").read_bytes()


def test_visit_numbers_are_unique_and_nobody_leaves_before_arriving() -> None:
    made = stays()
    assert len({stay.visit_number for stay in made}) == len(made)
    assert all(stay.admitted_at <= stay.discharged_at for stay in made)


def test_patients_come_back_and_the_dead_do_not() -> None:
    made = stays(days=120)
    visits = Counter(stay.person.mrn for stay in made)
    assert sum(1 for count in visits.values() if count > 1) > len(visits) * 0.03
    died_on = {stay.person.mrn: stay.discharged_at for stay in made if stay.disposition == "expired"}
    later = [stay for stay in made if stay.person.mrn in died_on and stay.discharged_at > died_on[stay.person.mrn]]
    assert later == []


def test_weekends_discharge_fewer() -> None:
    by_weekday = Counter(stay.discharged_at.weekday() for stay in stays(days=140))
    weekday_mean = sum(by_weekday[d] for d in range(5)) / 5
    assert (by_weekday[5] + by_weekday[6]) / 2 < weekday_mean * 0.8


def test_diagnoses_fit_sex_and_age() -> None:
    for stay in stays(days=120):
        if stay.department.code == "OBG":
            assert stay.person.sex == "female"
        if stay.department.code == "PAE" and stay.person.phone:
            assert stay.person.phone_owner in {"mother", "father"}


def test_records_arrive_on_the_day_of_what_they_tell(tmp_path: Path) -> None:
    days = list(Hospital(seed=2, per_day=40).records(FIRST, 40, admissions=True))
    assert [day for day, _ in days] == [FIRST + timedelta(days=at) for at in range(40)]
    repeated = 0
    for day, records in days:
        late = [record for record in records if record.event_at.date() != day]
        assert all(record.event is Event.DISCHARGED and record.event_at.date() < day for record in late)
        repeated += len(late)
    assert repeated > 0
    assert {record.event for _, records in days for record in records} >= set(Event) - {Event.MERGED}


def test_records_of_a_day_can_be_written_as_a_table(tmp_path: Path) -> None:
    feed = Feed(lambda: Hospital(seed=2, per_day=40), "csv")
    told = [record for _, records in feed.records(FIRST, 40) for record in records]
    assert {record.event for record in told} == {Event.DISCHARGED, Event.CORRECTED}
    path = feed.write(tmp_path, "rows", told)
    assert path.read_text(encoding="utf-8").count("\n") == len(told) + 1
    assert len(read_csv(path).visits) == len({record.stay.visit_number for record in told})
