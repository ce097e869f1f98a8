"""Profiles made in the browser: kept from an import, chosen for the next file, exported, used by commands."""

from __future__ import annotations

import io
import re
import tomllib
from typing import Any

import pytest

from hcrm.cli.importing import named_profile
from hcrm.intake import queries
from hcrm.intake.domain import FileRefused, Profile
from hcrm.intake.readers.profiles import parse_profile
from hcrm.intake.readers.saving import kept_profile, profile_toml
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.web.intake.test_intake_pages import batch_id_of, columns_of, upload

pytestmark = pytest.mark.usefixtures("administrator")

TABLE = "医院月报\n序,甲,乙,丙,床号\n1,1001,2026-03-01,2026-03-05,12\n2,1002,2026-03-02,2026-03-06,13\n"
MEANT = {"column_1": "mrn", "column_2": "admitted_at", "column_3": "discharged_at"}


@pytest.fixture
def administrator(login: Any) -> int:
    return int(login("administrator"))


def preview(client: Any, table: str = TABLE, **fields: str) -> int:
    batch_id = batch_id_of(upload(client, table))
    form = columns_of(client, batch_id) | MEANT | {"with_plans": "y"} | fields
    assert client.post(f"/imports/{batch_id}/mapping", data=form).headers["Location"] == f"/imports/{batch_id}"
    return batch_id


def keep(client: Any, batch_id: int, name: str = "月报") -> str:
    response = client.post(f"/imports/{batch_id}/profile", data={"name": name}, follow_redirects=True)
    return str(response.get_data(as_text=True))


def test_what_was_said_about_one_file_reads_the_next(client: Any, runtime: Runtime, facility: int) -> None:
    assert "is kept" in keep(client, preview(client))
    with unit_of_work(runtime.sessions) as session:
        (kept,) = queries.stored_profiles(session, frozenset({facility}))
    assert kept.profile.columns == {"mrn": ("甲",), "admitted_at": ("乙",), "discharged_at": ("丙",)}
    assert (kept.profile.header_row, kept.profile.delimiter) == (0, "")

    moved = "丙;床号;甲;乙\n2026-04-05;1;2001;2026-04-01\n"
    batch_id = batch_id_of(upload(client, moved, profile=str(kept.id)))
    assert columns_of(client, batch_id) | {} == {
        "column_0": "discharged_at", "column_1": "-", "column_2": "mrn", "column_3": "admitted_at",
        "delimiter": ";", "header_row": "1", "dates": "",
    }  # fmt: skip
    refused = upload(client, "甲,乙\n1,2026-04-01\n", profile=str(kept.id))
    assert refused.status_code == 422
    assert "The file has no column 丙, which the profile names." in refused.get_data(as_text=True)


def test_profiles_are_listed_renamed_exported_and_thrown_away(client: Any, runtime: Runtime, facility: int) -> None:
    batch_id = preview(client)
    keep(client, batch_id)
    assert "already" in keep(client, batch_id)
    assert "Give the profile a name." in keep(client, batch_id, " ")
    with unit_of_work(runtime.sessions) as session:
        (kept,) = queries.stored_profiles(session, frozenset({facility}))
    client.post(f"/imports/profiles/{kept.id}/rename", data={"name": "每月"})
    assert "每月" in client.get("/imports/profiles").get_data(as_text=True)
    document = client.get(f"/imports/profiles/{kept.id}.toml").get_data(as_text=True)
    assert tomllib.loads(document)["columns"]["mrn"] == "甲"
    assert parse_profile(document, "每月").columns == kept.profile.columns
    client.post(f"/imports/profiles/{kept.id}/drop")
    assert "No profile is kept yet" in client.get("/imports/profiles").get_data(as_text=True)


def test_commands_find_what_was_kept_on_the_page(client: Any, runtime: Runtime) -> None:
    keep(client, preview(client))
    found = named_profile(runtime, "月报")
    assert (found.columns["mrn"], found.facility, found.name) == (("甲",), "TEST", "月报")
    with pytest.raises(FileRefused, match="profile_not_found"):
        named_profile(runtime, "月报", "OTHER")
    with pytest.raises(FileRefused, match="profile_not_found"):
        named_profile(runtime, "other")


def test_a_file_without_columns_makes_no_profile(client: Any) -> None:
    message = "MSH|^~\\&|A|B|||20260301||ADT^A04|1|P|2.5\rPID|||1||X\rPV1||O\r"
    file = {"file": (io.BytesIO(message.encode()), "a.hl7")}
    location = client.post("/imports", data=file, content_type="multipart/form-data").headers["Location"]
    batch_id = int(re.findall(r"\d+", location)[0])
    client.get(f"/imports/{batch_id}/mapping")
    assert client.post(f"/imports/{batch_id}/profile", data={"name": "x"}).status_code == 404


@pytest.mark.usefixtures("client")
def test_columns_without_a_head_of_their_own_keep_their_number() -> None:
    profile = Profile(columns={"mrn": ("#1",), "phone": ("#2", "#3"), "-": ("#4", "#5")}, sexes={'"x"\x7f': "other"})
    kept = kept_profile(profile, ["No", "tel", "Tel", "note", "姓名"], "n")
    assert kept.columns == {"mrn": ("No",), "phone": ("#2", "#3"), "-": ("姓名",)}
    assert parse_profile(profile_toml(kept), "n") == kept


def test_the_words_of_a_profile_are_edited_in_the_browser_and_read_the_next_file(
    client: Any, runtime: Runtime, facility: int
) -> None:
    table = "MRN,Visit,Class,Sex,Out,Admitted,Discharged\n1,V1,station,w,heim,2026-03-01,2026-03-05\n"
    batch_id = batch_id_of(upload(client, table))
    columns = columns_of(client, batch_id) | {"column_4": "disposition", "with_plans": "y"}
    client.post(f"/imports/{batch_id}/mapping", data=columns)
    keep(client, batch_id, "own")
    with unit_of_work(runtime.sessions) as session:
        (kept,) = queries.stored_profiles(session, frozenset({facility}))
    address = f"/imports/profiles/{kept.id}/words"
    assert address in client.get("/imports/profiles").text
    assert "Usual words" in client.get(address).text
    told = {
        "classes_word_0": " station ", "classes_code_0": "IMP", "dispositions_word_0": "heim",
        "dispositions_code_0": "home", "sexes_word_0": "w", "sexes_code_0": "female",
    }  # fmt: skip
    assert client.post(address, data=told).status_code == 303
    with unit_of_work(runtime.sessions) as session:
        profile = queries.stored_profile(session, kept.id).profile
    assert (profile.classes, profile.dispositions, profile.sexes) == (
        {"station": "IMP"},
        {"heim": "home"},
        {"w": "female"},
    )
    assert profile.columns == kept.profile.columns
    assert parse_profile(profile_toml(profile), "own") == profile
    batch_id = batch_id_of(upload(client, table, profile=str(kept.id)))
    client.post(f"/imports/{batch_id}/mapping", data=columns_of(client, batch_id) | {"with_plans": "y"})
    assert "unknown" not in client.get(f"/imports/{batch_id}").text.casefold().replace("kept until what", "")
    assert client.post(address, data={"classes_word_0": "", "classes_code_0": ""}).status_code == 303
    with unit_of_work(runtime.sessions) as session:
        assert queries.stored_profile(session, kept.id).profile.classes == {}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"classes_word_0": "x", "classes_code_0": ""}, "Choose what this word means."),
        ({"classes_word_0": "", "classes_code_0": "IMP"}, "Write the word that means this."),
        (
            {"sexes_word_0": "Ｗ", "sexes_code_0": "female", "sexes_word_1": "w", "sexes_code_1": "male"},
            "This word stands here twice.",
        ),
        ({"classes_word_0": "x", "classes_code_0": "moon"}, "Look at the marked lines."),
    ],
)
def test_words_that_say_nothing_or_two_things_are_not_saved(
    client: Any, runtime: Runtime, facility: int, data: dict[str, str], said: str
) -> None:
    keep(client, preview(client))
    with unit_of_work(runtime.sessions) as session:
        (kept,) = queries.stored_profiles(session, frozenset({facility}))
    response = client.post(f"/imports/profiles/{kept.id}/words", data=data)
    assert (response.status_code, said in response.text) == (422, True)
    with unit_of_work(runtime.sessions) as session:
        assert queries.stored_profile(session, kept.id).profile == kept.profile
