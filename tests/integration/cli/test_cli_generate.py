"""``hcrm generate``: what it writes, what it says, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hcrm.cli import main
from tests.feed_readers import read_csv, read_fhir, read_hl7, read_xlsx


def generate(out: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["generate", "--days", "6", "--seed", "3", "--out", str(out), *arguments])


def test_all_formats_of_one_seed_have_the_same_discharges(tmp_path: Path) -> None:
    for format_ in ("csv", "xlsx", "hl7", "fhir"):
        result = generate(tmp_path / format_, "--format", format_)
        assert result.exit_code == 0, result.output
        assert "discharges, seed 3" in result.output
    feeds = [
        read_csv(tmp_path / "csv" / "discharges.csv"),
        read_xlsx(tmp_path / "xlsx" / "discharges.xlsx"),
        read_hl7(tmp_path / "hl7" / "discharges.hl7"),
        read_fhir(tmp_path / "fhir" / "discharges.ndjson", "Europe/London"),
    ]
    ended = [{visit for visit, facts in feed.visits.items() if facts.get("disposition") == "home"} for feed in feeds]
    assert ended[0]
    assert ended[0] == ended[1]
    assert ended[2] == ended[3] <= ended[0]


def test_the_feed_describes_itself(tmp_path: Path) -> None:
    generate(tmp_path, "--facilities", "3", "--country", "CN", "--rate", "duplicate=0.2", "--rate", "merge=0")
    told = json.loads((tmp_path / "feed.json").read_text(encoding="utf-8"))
    assert (told["seed"], told["days"], told["style"], told["country"]) == (3, 6, "zh", "CN")
    assert (told["rates"]["duplicate"], told["rates"]["merge"]) == (0.2, 0)
    assert [each["code"] for each in told["facilities"]] == ["AVH", "H002", "H003"]
    assert sorted(path.name for path in tmp_path.glob("*.csv")) == [
        f"discharges-{each['code']}.csv" for each in told["facilities"]
    ]


def test_departments_can_be_chosen(tmp_path: Path) -> None:
    generate(tmp_path, "--department", "PSY", "--department", "RES", "--rate", "all=0")
    feed = read_csv(tmp_path / "discharges.csv")
    assert {ward for wards in feed.wards.values() for ward in wards} == {"RES", "PSY"}
    assert {facts["sensitive"] for facts in feed.visits.values()} == {True, False}


@pytest.mark.parametrize("rate", ["missing_phone", "no_such=0.1", "merge=2", "merge=often"])
def test_a_rate_that_is_none_is_refused_in_a_sentence(tmp_path: Path, rate: str) -> None:
    result = generate(tmp_path / "feed", "--rate", rate)
    assert result.exit_code == 2
    assert "rate" in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "feed").exists()


@pytest.mark.parametrize("format_", ["csv", "xlsx"])
def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path, format_: str) -> None:
    (tmp_path / "file").touch()
    result = generate(tmp_path / "file" / "below", "--format", format_)
    assert result.exit_code == 2
    assert result.output.startswith("The feed could not be written into ")
    assert "Traceback" not in result.output
