"""The published revisit counts of the Synthea samples, straight from their CSV files, without a database."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from hcrm.reporting.domain.measures import MEASURES
from hcrm.reporting.domain.revisits import Stay, count, outcomes

CLASSES = {"inpatient": "IMP", "emergency": "EMER"}
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def synthea_stays(folder: Path) -> list[Stay]:
    deaths = {row["Id"]: row["DEATHDATE"][:10] for row in _rows(folder / "patients.csv")}
    people: dict[str, int] = {}
    stays = []
    for number, row in enumerate(_rows(folder / "encounters.csv")):
        if row["ENCOUNTERCLASS"] not in CLASSES:
            continue
        person = people.setdefault(row["PATIENT"], len(people))
        admitted, discharged = _moment(row["START"]), _moment(row["STOP"])
        died = deaths[row["PATIENT"]]
        stays.append(
            Stay(
                id=number,
                person_id=person,
                facility_id=1,
                zone=ZoneInfo("UTC"),
                encounter_class=CLASSES[row["ENCOUNTERCLASS"]],
                admitted_at=admitted,
                admitted_on=admitted.date(),
                discharged_at=discharged,
                discharged_on=discharged.date(),
                deceased_on=date.fromisoformat(died) if died else None,
            )
        )
    return stays


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("sample", "measure", "revisits", "indexes"),
    [
        ("synthea-a", "readmit_30d_raw", 90, 404),
        ("synthea-a", "readmit_7d", 1, None),
        ("synthea-a", "readmit_2_31d", 104, None),
        ("synthea-a", "acute_return_30d", 93, 404),
        ("synthea-a", "ed_return_7d", 15, 609),
        ("synthea-c", "readmit_30d", 2, 40),
        ("synthea-c", "readmit_30d_raw", 4, 45),
        ("synthea-c", "ed_return_72h", 1, 250),
    ],
)
def test_sample_gives_the_published_count(
    shared_data: Path, sample: str, measure: str, revisits: int, indexes: int | None
) -> None:
    definition = MEASURES[measure]
    found = outcomes(synthea_stays(shared_data / sample), definition, from_on=None, to_on=None, now=NOW)
    counts = count(found, definition, lambda _: "all")["all"]
    assert counts.numerator == revisits
    assert indexes is None or counts.denominator == indexes
