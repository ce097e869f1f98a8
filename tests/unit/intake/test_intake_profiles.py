"""Profiles: TOML files that say how one hospital writes its exports."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from hcrm.intake.domain import FileRefused, Profile
from hcrm.intake.readers.csv_rows import read
from hcrm.intake.readers.profiles import load_profile, parse_profile
from hcrm.patients.domain import Disposition, EncounterClass, Sex, StayRow

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)

PROFILE = """
encoding = "gb18030"
delimiter = ";"
header_row = 2
date_formats = ["MM/DD/YYYY"]
timezone = "Asia/Shanghai"
facility = "EAST"
source = "his-east"

[columns]
mrn = "编号"
visit_number = ["编号", "次数"]
name = ["X", "M"]
admitted_at = "#4"
discharged_at = "去"
"-" = "备注"

[values.class]
"特" = "OBSENC"
[values.disposition]
"甲" = "home"
[values.sex]
"x" = "other"
"""


def test_a_whole_profile(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(
        "登记表;;;;;;;;;\n编号;次数;X;M;来;去;就诊类型;离院方式;性别;备注\n7;2;王;芳;03/04/2026;03/05/2026;特;甲;x;秘密\n".encode(
            "gb18030"
        )
    )
    profile = parse_profile(PROFILE.replace('"#4"', '"#5"'), "east")
    (row,) = read(path, profile, "UTC", NOW)
    assert isinstance(row, StayRow)
    assert (row.mrn, row.source, row.full_name) == ("7", "his-east", "王 芳")
    assert row.visit_number == "7 2"
    assert row.admitted_at == datetime(2026, 3, 3, 16, tzinfo=UTC)
    assert (row.encounter_class, row.disposition, row.sex) == (EncounterClass.OBSERVATION, Disposition.HOME, Sex.OTHER)


def test_a_profile_survives_the_database() -> None:
    profile = parse_profile(PROFILE, "east")
    assert Profile.from_json(profile.to_json()) == profile


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("= 1", "profile_not_toml"),
        ("colour = 'red'", "profile_unknown_key"),
        ("header_row = 'two'", "profile_bad_value"),
        ("delimiter = ';;'", "profile_bad_value"),
        ("[columns]\nshoe_size = 'x'", "profile_unknown_field"),
        ("[values.class]\nx = 'SPACE'", "profile_unknown_code"),
        ("[values.shoe]\nx = 'SPACE'", "profile_bad_value"),
        ("class_default = 'SPACE'", "profile_unknown_code"),
        ("date_formats = 'sometime'", "bad_date_format"),
        ("timezone = 'Mars/Olympus'", "unknown_zone"),
    ],
)
def test_mistakes_are_named(text: str, code: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        parse_profile(text, "p")
    assert refusal.value.code == code


def test_a_profile_is_found_by_name_or_path(tmp_path: Path) -> None:
    (tmp_path / "east.toml").write_text("delimiter = ';'", encoding="utf-8")
    assert load_profile("east", tmp_path).delimiter == ";"
    assert load_profile(str(tmp_path / "east.toml"), Path("/nowhere")).name == "east"
    for missing in ("west", "../east", str(tmp_path / "west.toml")):
        with pytest.raises(FileRefused):
            load_profile(missing, tmp_path)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("mrn,discharged_at\n1,2026-03-01\n", encoding="utf-8")
    with pytest.raises(FileRefused) as refusal:
        list(read(path, Profile(name="p", columns={"mrn": ("Nummer",)}), "UTC", NOW))
    assert (refusal.value.code, refusal.value.params["head"]) == ("profile_column_missing", "Nummer")
