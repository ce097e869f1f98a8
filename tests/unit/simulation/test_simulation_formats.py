"""The four formats of a made-up feed carry the same stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest

from hcrm.simulation.catalogue import ALL_DEPARTMENTS
from hcrm.simulation.generate.drawing import Format, Order
from hcrm.simulation.generate.files import write_feed
from hcrm.simulation.generate.parameters import Parameters, Rates, Style
from tests.feed_readers import Facts, Hospital, hl7_messages, read_csv, read_fhir, read_hl7, read_xlsx

OFTEN = Rates(
    ward_transfer=0.3, hospital_transfer=0.1, correction=0.1, cancelled_discharge=0.03, cancelled_visit=0.03,
    duplicate=0.05, double_registration=0.5, death_at_home=0.02,
)  # fmt: skip
PARAMETERS = Parameters(seed=11, per_day=14, facilities=2, kinds=ALL_DEPARTMENTS, rates=OFTEN)
FIRST = date(2026, 3, 10)
ORDER = Order(PARAMETERS, FIRST, 40, all_rows=True)
RELATIVES = {"mother": "MTH", "father": "FTH", "daughter": "CHD", "son": "CHD"}


def write(order: Order, folder: Path, format_: Format, style: Style = "en") -> Path:
    order = replace(order, format=format_, style=style)
    return write_feed(order, folder / f"{format_}-{style}").files[1]


@pytest.fixture(scope="module")
def feeds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Hospital]:
    folder = tmp_path_factory.mktemp("feeds")
    return {
        "csv": read_csv(write(ORDER, folder, "csv")),
        "csv zh": read_csv(write(ORDER, folder, "csv", "zh")),
        "xlsx": read_xlsx(write(ORDER, folder, "xlsx")),
        "xlsx zh": read_xlsx(write(ORDER, folder, "xlsx", "zh")),
        "hl7": read_hl7(write(ORDER, folder, "hl7")),
        "fhir": read_fhir(write(ORDER, folder, "fhir"), "Europe/London"),
    }


def comparable(facts: Facts) -> Facts:
    """A message names a daughter a child, and says of a number only that it is not the patient's."""
    contact, phone = facts.get("contact"), facts.get("phone")
    said = dict(facts)
    if contact:
        said["contact"] = (contact[0], RELATIVES.get(contact[1], contact[1]))
    if phone and phone[1] != "patient":
        said["phone"] = (phone[0], "relative")
    return said


def test_messages_and_bundles_end_in_the_same_hospital(feeds: dict[str, Hospital]) -> None:
    hl7, fhir = feeds["hl7"], feeds["fhir"]
    assert {visit: comparable(facts) for visit, facts in hl7.visits.items()} == {
        visit: comparable(facts) for visit, facts in fhir.visits.items()
    }
    assert (hl7.cancelled, hl7.merged) == (fhir.cancelled, fhir.merged)
    for visit, wards in hl7.wards.items():
        came_before = hl7.visits[visit]["admitted_at"] < FIRST.isoformat()
        assert wards == fhir.wards[visit] or (came_before and wards == fhir.wards[visit][-len(wards) :])


@pytest.mark.parametrize("table", ["csv", "csv zh", "xlsx", "xlsx zh"])
def test_a_table_carries_the_stays_that_were_not_taken_back(feeds: dict[str, Hospital], table: str) -> None:
    hl7, rows = feeds["hl7"], feeds[table]
    assert set(rows.visits) == set(hl7.visits)
    stand = {visit for visit, facts in hl7.visits.items() if visit not in hl7.cancelled}
    again_open = {
        visit for visit in stand if rows.visits[visit].get("discharged_at") and "discharged_at" not in hl7.visits[visit]
    }
    for visit in stand - again_open:
        assert comparable(rows.visits[visit]) == comparable(hl7.visits[visit])
        assert rows.wards[visit] == hl7.wards[visit]
    assert len(again_open) < len(stand) * 0.02


def test_a_feed_is_as_untidy_as_it_was_ordered(feeds: dict[str, Hospital]) -> None:
    hl7 = feeds["hl7"]
    assert hl7.cancelled
    assert hl7.merged
    assert hl7.repeated
    assert hl7.corrected
    assert any(len(wards) > 1 for wards in hl7.wards.values())
    assert any("discharged_at" not in facts for facts in hl7.visits.values())


def test_who_is_given_up_in_a_merge_is_the_same_person(feeds: dict[str, Hospital]) -> None:
    hl7 = feeds["hl7"]
    by_mrn = {facts["mrn"]: facts for facts in hl7.visits.values()}
    for former, kept in hl7.merged.items():
        assert former != kept
        if kept in by_mrn:
            assert [by_mrn[former][key] for key in ("name", "born", "sex")] == [
                by_mrn[kept][key] for key in ("name", "born", "sex")
            ]


def test_a_patient_moved_to_another_hospital_is_admitted_there(tmp_path: Path) -> None:
    order = replace(ORDER, parameters=replace(PARAMETERS, rates=replace(OFTEN, hospital_transfer=0.4)))
    here, there = (read_csv(path) for path in write_feed(order, tmp_path).files)
    left = {
        facts["name"] + (facts["born"],)
        for facts in here.visits.values()
        if facts.get("disposition") == "transfer_acute"
    }
    came = {facts["name"] + (facts["born"],) for facts in there.visits.values()}
    assert len(left & came) > len(left) / 3
    assert not {facts["mrn"] for facts in here.visits.values()} & {facts["mrn"] for facts in there.visits.values()}


def test_messages_have_an_identity_that_only_repeated_ones_share(tmp_path: Path) -> None:
    seen: dict[str, dict[str, list[list[str]]]] = {}
    repeated = 0
    for message in hl7_messages(write(ORDER, tmp_path, "hl7")):
        control = message["MSH"][0][10]
        repeated += control in seen
        assert seen.setdefault(control, message) == message
    assert repeated


def test_events_of_messages_come_in_the_order_of_time_for_each_patient(tmp_path: Path) -> None:
    last: dict[str, str] = {}
    discharged: dict[str, str] = {}
    for message in hl7_messages(write(ORDER, tmp_path, "hl7")):
        event, at, mrn = message["EVN"][0][1], message["EVN"][0][6], message["PID"][0][3]
        if event == "A03" and discharged.get(mrn) == message["MSH"][0][10]:
            continue
        assert at >= last.get(mrn, "")
        last[mrn] = at
        if event == "A03":
            discharged[mrn] = message["MSH"][0][10]


@pytest.mark.parametrize("format_", ["csv", "xlsx", "hl7", "fhir"])
def test_same_seed_same_bytes(tmp_path: Path, format_: Format) -> None:
    order = replace(ORDER, count=5, format=format_)
    one, two = (write_feed(order, tmp_path / name).files for name in ("one", "two"))
    other = write_feed(replace(order, parameters=replace(PARAMETERS, seed=12)), tmp_path / "other").files
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert one[0].read_bytes() != other[0].read_bytes()


def test_a_workbook_says_nothing_of_when_it_was_made(tmp_path: Path) -> None:
    path = write(replace(ORDER, count=2), tmp_path, "xlsx")
    with ZipFile(path) as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        assert b"2000-01-01T00:00:00Z" in archive.read("docProps/core.xml")


def test_a_file_for_each_day_holds_the_same_rows(tmp_path: Path) -> None:
    whole = write_feed(replace(ORDER, count=4), tmp_path / "whole").files[0].read_text().splitlines()
    daily = [
        path.read_text().splitlines()
        for path in write_feed(replace(ORDER, count=4, daily=True), tmp_path / "daily").files
        if "H002" not in path.name
    ]
    assert len(daily) == 4
    assert whole[1:] == [row for day in daily for row in day[1:]]


def test_a_longer_feed_begins_like_a_shorter_one(tmp_path: Path) -> None:
    short = write_feed(replace(ORDER, count=5, format="hl7"), tmp_path / "short").files[0].read_bytes()
    assert write_feed(replace(ORDER, count=8, format="hl7"), tmp_path / "long").files[0].read_bytes().startswith(short)
