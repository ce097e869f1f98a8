"""The pages of imports: from a dropped file to its refused rows, with nothing but HTML."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hcrm.audit.models import AuditEntry
from hcrm.clock import FixedClock
from hcrm.intake import queries
from hcrm.intake.domain import STORED_WARNINGS, BatchStatus, Profile
from hcrm.intake.jobs import run_pending_batches
from hcrm.intake.models import ImportBatch
from hcrm.intake.readers.hl7v2 import Reading, read_message
from hcrm.intake.service import Place, apply_messages
from hcrm.organization.service import ensure_facility
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.hl7_messages import adt, pid, pv1

TABLE = (
    "病案号,住院号,姓名,性别,出生日期,出院科室,入院时间,出院时间,离院方式,联系电话,床号\n"
    "1001,Z1,张伟,男,1960-02-03,内科,2026-03-01 08:00,2026-03-05 10:00,医嘱离院,13800138000,12\n"
    "1002,Z2,欧阳娜娜,女,1980-12-01,内科,2026-03-01 08:00,2026-02-05 10:00,1,13900139000,13\n"
    ",Z3,无名,女,1980-12-01,外科,2026-03-01 08:00,2026-03-05 10:00,1,13900139000,14\n"
)


def upload(client: Any, text: str = TABLE, name: str = "出院登记.csv", **fields: str) -> Any:
    return client.post(
        "/imports", data={"file": (io.BytesIO(text.encode()), name), **fields}, content_type="multipart/form-data"
    )


def batch_id_of(response: Any) -> int:
    assert response.status_code == 303, response.get_data(as_text=True)
    return int(response.headers["Location"].split("/")[2])


def columns_of(client: Any, batch_id: int) -> dict[str, str]:
    """The mapping as the page proposes it."""
    page = client.get(f"/imports/{batch_id}/mapping").get_data(as_text=True)
    found = {}
    for name, body in re.findall(r'<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', body)
        found[name] = chosen[1] if chosen else ""
    return found


@pytest.fixture
def administrator(login: Any) -> int:
    return int(login("administrator"))


def preview(client: Any, text: str = TABLE) -> int:
    batch_id = batch_id_of(upload(client, text))
    form = columns_of(client, batch_id) | {"with_plans": "y"}
    response = client.post(f"/imports/{batch_id}/mapping", data=form)
    assert response.headers["Location"] == f"/imports/{batch_id}"
    return batch_id


@pytest.mark.usefixtures("administrator")
def test_the_page_says_what_the_columns_mean(client: Any) -> None:
    found = columns_of(client, batch_id_of(upload(client)))
    assert found["column_0"] == "mrn"
    assert found["column_1"] == "visit_number"
    assert found["column_7"] == "discharged_at"
    assert found["column_10"] == "-"


@pytest.mark.usefixtures("administrator")
def test_a_preview_tells_new_and_refused_rows_and_writes_nothing(client: Any, runtime: Runtime, facility: int) -> None:
    page = client.get(f"/imports/{preview(client)}").get_data(as_text=True)
    assert "3 rows, 1 of them would be written" in page
    assert "The discharge is before the admission." in page
    assert "张伟" in page
    with unit_of_work(runtime.sessions) as session:
        (batch,) = queries.batches(session, frozenset({facility}), limit=5)
    assert batch.status is BatchStatus.UPLOADED
    assert batch.position == 0


def test_a_confirmed_file_is_imported_by_the_worker_and_audited(
    client: Any, runtime: Runtime, administrator: int
) -> None:
    batch_id = preview(client)
    client.post(f"/imports/{batch_id}/confirm")
    waiting = client.get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "The import starts in a few seconds." in waiting
    assert client.get(f"/imports/{batch_id}/progress").get_json()["waiting"] is True

    assert run_pending_batches(runtime) == 1

    assert client.get(f"/imports/{batch_id}/progress").get_json() == {
        "waiting": False,
        "share": 100,
        "text": "3 rows read, 2 of them refused.",
    }
    page = client.get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "3 rows read" in page
    assert "Fill in the MRN." in page
    assert list((runtime.settings.instance_dir / "uploads").iterdir()) == []
    with unit_of_work(runtime.sessions) as session:
        entries = session.query(AuditEntry).filter(AuditEntry.object_kind == "import_batch").all()
        assert {entry.action for entry in entries} >= {"import.uploaded", "import.queued", "import.finished"}
        assert {entry.actor_user_id for entry in entries} == {administrator}


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize("confirmed", [False, True])
def test_refused_rows_can_be_fetched_corrected_and_brought_again(
    client: Any, runtime: Runtime, *, confirmed: bool
) -> None:
    batch_id = preview(client)
    if confirmed:
        client.post(f"/imports/{batch_id}/confirm")
        run_pending_batches(runtime)
    fetched = client.get(f"/imports/{batch_id}/refused.csv").get_data().decode("utf-8-sig")
    lines = fetched.splitlines()
    assert lines[0].endswith("床号,line,field,code,message")
    assert len(lines) == 3
    corrected = fetched.replace("2026-02-05 10:00", "2026-03-05 10:00").replace("\n,Z3", "\n1003,Z3")
    page = client.get(f"/imports/{preview(client, corrected)}").get_data(as_text=True)
    assert "2 rows, 2 of them would be written" in page


@pytest.mark.usefixtures("administrator")
def test_a_file_that_is_no_table_is_refused_with_a_sentence(client: Any, runtime: Runtime) -> None:
    response = upload(client, "PK\x03\x04 nothing", "list.xlsx")
    assert response.status_code == 422
    assert "The workbook list.xlsx is damaged." in response.get_data(as_text=True)
    assert list((runtime.settings.instance_dir / "uploads").iterdir()) == []


@pytest.mark.usefixtures("administrator")
@pytest.mark.parametrize(
    ("name", "kind", "rows"),
    [
        ("csv-hazards/zh_title_row_mixed_dates.xlsx", "xlsx", 120),
        ("fhir/synthea_Liz_Conn_27c911c6-f045-4ffa-af5d-6eba57ac94b2.json", "fhir", 7),
        ("hl7v2/ms_ADT-A03-01.hl7", "hl7", 1),
    ],
)
def test_other_kinds_of_files_take_the_same_way(
    client: Any, runtime: Runtime, shared_data: Path, name: str, kind: str, rows: int
) -> None:
    content = io.BytesIO((shared_data / name).read_bytes())
    data = {"file": (content, Path(name).name)}
    batch_id = batch_id_of(client.post("/imports", data=data, content_type="multipart/form-data"))
    form = columns_of(client, batch_id) | {"with_plans": "y", "delimiter": ","} if kind == "xlsx" else {}
    response = client.open(f"/imports/{batch_id}/mapping", method="POST" if form else "GET", data=form)
    assert response.headers["Location"] == f"/imports/{batch_id}"
    assert client.get(f"/imports/{batch_id}").status_code == 200
    client.post(f"/imports/{batch_id}/confirm")
    run_pending_batches(runtime)
    with unit_of_work(runtime.sessions) as session:
        found = queries.batch(session, batch_id)
    assert found is not None
    assert (found.format, found.status, found.counts["rows_read"]) == (kind, BatchStatus.FINISHED, rows)
    assert client.get(f"/imports/{batch_id}").status_code == 200


@pytest.mark.usefixtures("administrator")
def test_no_file_at_all_is_said_at_the_field(client: Any) -> None:
    response = client.post("/imports", data={}, content_type="multipart/form-data")
    assert response.status_code == 422
    assert "Choose a file." in response.get_data(as_text=True)


@pytest.mark.usefixtures("administrator")
def test_unknown_columns_are_mapped_by_hand(client: Any) -> None:
    batch_id = batch_id_of(upload(client, "a,b,c\n7,2026-03-01 10:00,x\n"))
    form = columns_of(client, batch_id)
    refused = client.post(f"/imports/{batch_id}/mapping", data=form)
    assert refused.status_code == 422
    assert "Choose the column that holds the MRN." in refused.get_data(as_text=True)
    form |= {"column_0": "mrn", "column_1": "discharged_at"}
    assert client.post(f"/imports/{batch_id}/mapping", data=form).status_code == 303
    page = client.get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "1 rows, 1 of them would be written" in page


@pytest.mark.usefixtures("administrator")
def test_dates_that_can_be_read_in_two_ways_are_asked_about(client: Any) -> None:
    batch_id = batch_id_of(upload(client, "MRN,Discharge date\n7,04/03/2026\n"))
    assert "Dates can be read in two ways." in client.get(f"/imports/{batch_id}/mapping").get_data(as_text=True)
    form = columns_of(client, batch_id)
    refused = client.post(f"/imports/{batch_id}/mapping", data=form)
    assert refused.status_code == 422
    client.post(f"/imports/{batch_id}/mapping", data=form | {"dates": "DD/MM/YYYY"})
    page = client.get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "Wed" in page or "4" in page
    assert "1 rows, 1 of them would be written" in page


@pytest.mark.usefixtures("administrator")
def test_a_discarded_upload_is_gone(client: Any, runtime: Runtime) -> None:
    batch_id = preview(client)
    client.post(f"/imports/{batch_id}/discard")
    assert list((runtime.settings.instance_dir / "uploads").iterdir()) == []
    assert "出院登记.csv" not in client.get("/imports").get_data(as_text=True)
    assert run_pending_batches(runtime) == 0


@pytest.mark.usefixtures("administrator")
def test_a_batch_is_decided_once(client: Any, runtime: Runtime) -> None:
    batch_id = preview(client)
    client.post(f"/imports/{batch_id}/confirm")
    run_pending_batches(runtime)
    response = client.post(f"/imports/{batch_id}/discard", follow_redirects=True)
    assert "This import has already been decided." in response.get_data(as_text=True)


@pytest.mark.usefixtures("administrator")
def test_the_mapping_of_a_confirmed_batch_is_closed(client: Any) -> None:
    batch_id = preview(client)
    client.post(f"/imports/{batch_id}/confirm")
    assert client.get(f"/imports/{batch_id}/mapping").status_code == 409


def test_nurses_do_not_import(client: Any, login: Any) -> None:
    login("nurse")
    assert client.get("/imports").status_code == 403
    assert upload(client).status_code == 403


@pytest.mark.usefixtures("administrator")
def test_batches_of_other_facilities_do_not_exist(client: Any, runtime: Runtime) -> None:
    batch_id = preview(client)
    with unit_of_work(runtime.sessions) as session:
        other = ensure_facility(
            session, code="OTHER", name="Other", timezone="UTC", country="GB", now=runtime.clock.now()
        )
        session.get_one(ImportBatch, batch_id).facility_id = other
    for address in (f"/imports/{batch_id}", f"/imports/{batch_id}/refused.csv", f"/imports/{batch_id}/progress"):
        assert client.get(address).status_code == 404


@pytest.mark.usefixtures("administrator")
def test_the_list_shows_what_came_of_each_file(client: Any, runtime: Runtime) -> None:
    batch_id = preview(client)
    client.post(f"/imports/{batch_id}/confirm")
    run_pending_batches(runtime)
    page = client.get("/imports").get_data(as_text=True)
    assert "出院登记.csv" in page
    assert "Finished" in page


@pytest.mark.usefixtures("administrator")
def test_a_preview_says_what_would_change_and_what_happens(client: Any, runtime: Runtime, clock: FixedClock) -> None:
    client.post(f"/imports/{preview(client)}/confirm")
    run_pending_batches(runtime)
    clock.advance(timedelta(minutes=10))
    changed = TABLE.replace("2026-03-05 10:00,医嘱离院,13800138000", "2026-03-06 09:30,2,13800138777").replace(
        "外科", "骨科"
    )
    page = client.get(f"/imports/{preview(client, changed)}").get_data(as_text=True)
    assert "1 row changes what is known" in page
    assert "2 rows are left out." in page
    assert "It can be undone as a whole" in page
    (table,) = re.findall(r'<table class="grid cards changes">.*?</table>', page, re.DOTALL)
    values = re.findall(r"<(?:del|ins)[^>]*>([^<]*)<", table)
    assert values == [
        "Thu 5 Mar 2026, 10:00",
        "Fri 6 Mar 2026, 09:30",
        "went home",
        "was moved to another hospital",
        "…8000",
        "…8777, …8000",
    ]
    assert "13800138777" not in table
    assert "Follow-ups that have not begun move with it." in table


@pytest.mark.usefixtures("administrator")
def test_a_file_that_says_nothing_new_promises_nothing(client: Any, runtime: Runtime) -> None:
    client.post(f"/imports/{preview(client)}/confirm")
    run_pending_batches(runtime)
    page = client.get(f"/imports/{preview(client)}").get_data(as_text=True)
    assert "Nothing would be written." in page
    assert "What would change" not in page
    assert "It can be undone as a whole" not in page


@pytest.mark.usefixtures("administrator")
def test_every_bad_file_is_refused_at_the_field_and_leaves_nothing_behind(client: Any, runtime: Runtime) -> None:
    refused = {
        b"": "is empty",
        b"\0" * 5_000: "is empty",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)): "is not a CSV file but a picture",
        bytes(range(128, 256)) * 9: "The encoding of list.csv cannot be told",
        b"x" * 100_000: "has no row of column heads",
    }
    for content, sentence in refused.items():
        data = {"file": (io.BytesIO(content), "list.csv")}
        response = client.post("/imports", data=data, content_type="multipart/form-data")
        assert (response.status_code, sentence in response.text) == (422, True), sentence
    assert list((runtime.settings.instance_dir / "uploads").iterdir()) == []
    taken = io.BytesIO(TABLE.replace("张伟", "张\0伟").encode("utf-16"))
    response = client.post("/imports", data={"file": (taken, "list.csv")}, content_type="multipart/form-data")
    assert response.status_code == 303


@pytest.mark.usefixtures("administrator")
def test_messages_that_wait_or_were_refused_are_shown_until_they_are_settled(
    client: Any, runtime: Runtime, facility: int
) -> None:
    reading = Reading.of(Profile(), "Asia/Shanghai", "CN")
    sent = [
        adt("A40", pid("1"), "MRG|2^^^HOSP^MR", control="C40"),
        adt("A01", "PID|1||", pv1("20260301"), control="C01"),
        adt("A28", pid("7"), control="C28"),
    ]
    with unit_of_work(runtime.sessions) as session:
        read = [read_message(each.encode(), reading, runtime.clock.now()) for each in sent]
        apply_messages(session, Place(facility, "Asia/Shanghai"), read, now=runtime.clock.now())
    page = client.get("/imports/messages").get_data(as_text=True)
    assert "1 message waits" in page
    assert "1 refused message" in page
    assert "Patients are to be merged of whom one is not known yet." in page
    assert "MRN 2" in page
    assert "C28" not in page
    for action in re.findall(r'action="(/imports/messages/\d+/leave-out)"', page):
        assert client.post(action).status_code == 303
        assert client.post(action, follow_redirects=True).status_code == 200
    page = client.get("/imports/messages").get_data(as_text=True)
    assert "Nothing waits" in page
    assert "Nothing was refused" in page
    assert client.post("/imports/messages/999/leave-out").status_code == 404


@pytest.mark.usefixtures("administrator")
def test_an_import_is_undone_on_its_page_or_the_page_says_why_not(client: Any, runtime: Runtime) -> None:
    batch_id = preview(client)
    assert "Only an import that is finished" in client.post(f"/imports/{batch_id}/undo", follow_redirects=True).text
    client.post(f"/imports/{batch_id}/confirm")
    run_pending_batches(runtime)
    assert "Yes, undo the whole import" in client.get(f"/imports/{batch_id}").text
    page = client.post(f"/imports/{batch_id}/undo", follow_redirects=True).text
    assert "The import is undone: 1 stays and 1 patients are gone" in page
    assert "Yes, undo the whole import" not in page


@pytest.mark.usefixtures("administrator")
def test_each_kind_of_remark_is_counted_also_where_not_all_of_them_are_kept(client: Any, runtime: Runtime) -> None:
    head, *_ = TABLE.splitlines()
    rows = "".join(
        f"{each},Z{each},张伟,男,1960-02-03,内科,2026-03-01 08:00,2026-03-05 10:00,医嘱离院,,12\n"
        for each in range(STORED_WARNINGS + 3)
    )
    batch_id = preview(client, f"{head}\n{rows}")
    client.post(f"/imports/{batch_id}/confirm")
    run_pending_batches(runtime)
    page = client.get(f"/imports/{batch_id}").get_data(as_text=True)
    table = page[page.index('id="kinds"') :]
    counted = [int(each.replace(",", "")) for each in re.findall(r'<td class="num"[^>]*>([\d,]+)</td>', table)]
    assert [STORED_WARNINGS + 3, STORED_WARNINGS] in [counted[at : at + 2] for at in range(0, len(counted), 2)]
