"""Old Excel workbooks give the rows that the same table gives as CSV; what is no table is refused with a sentence."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import pytest
import xlwt
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hcrm.intake.domain import FileRefused, Layout, Profile
from hcrm.intake.forms.labels import file_sentence
from hcrm.intake.readers import xls
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.formats import read_chunks, shape_of
from tests.conftest import NOW

HEAD = ["MRN", "Visit", "Name", "Admitted", "Discharged", "Phone"]
ROWS = [
    ["M1", "V1", "李梅", datetime(2026, 3, 1, 8, 30), datetime(2026, 3, 2), "13800138000"],
    [10045, 7, "O'Hara\nAnn", "2026-03-03 09:00", datetime(2026, 3, 4, 10, 15), 13800138001],
]
DATE = xlwt.easyxf(num_format_str="YYYY-MM-DD HH:MM")


def workbook(path: Path, sheets: dict[str, list[list[object]]], hidden: str = "") -> Path:
    book = xlwt.Workbook()
    for title, rows in sheets.items():
        sheet = book.add_sheet(title)
        sheet.visibility = int(title == hidden)
        for at, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(at, column, value, *([DATE] if isinstance(value, datetime) else []))
    book.save(str(path))
    return path


def read(path: Path) -> list[object]:
    order = Order(path, shape_of(path, Profile()), Profile(), "Asia/Shanghai", "CN", NOW)
    return [row for chunk in read_chunks(order) for row in chunk.rows]


def test_it_gives_the_rows_of_the_same_table_as_csv(tmp_path: Path) -> None:
    old = workbook(tmp_path / "list.xls", {"Leer": [], "出院": [["出院名单"], HEAD, *ROWS], "Notes": [["x"]]}, "Notes")
    table = tmp_path / "list.csv"
    table.write_text(
        "出院名单,,,,,\n" + ",".join(HEAD) + "\n"
        'M1,V1,李梅,2026-03-01 08:30,2026-03-02,13800138000\n10045,7,"O\'Hara\nAnn",2026-03-03 09:00,2026-03-04 10:15,'
        "13800138001\n",
        encoding="utf-8",
    )
    shape = shape_of(old, Profile())
    assert (shape.layout, shape.sheet, shape.header_row) == (Layout.WORKBOOK, "出院", 2)
    assert read(old) == read(table)
    assert len(read(old)) == 2


def test_an_error_in_a_cell_refuses_the_row(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    for at, row in enumerate([HEAD, *ROWS]):
        for column, value in enumerate(row):
            sheet.write(at, column, value, *([DATE] if isinstance(value, datetime) else []))
    sheet.row(3).set_cell_text(0, "M3")
    sheet.row(3).set_cell_error(4, "#REF!")
    book.save(str(tmp_path / "a.xls"))
    assert len(read(tmp_path / "a.xls")) == 2


def test_a_far_away_cell_costs_nothing(tmp_path: Path) -> None:
    path = workbook(tmp_path / "far.xls", {"a": [HEAD, *ROWS]})
    book = xlwt.Workbook()
    sheet = book.add_sheet("a")
    for column, value in enumerate(HEAD):
        sheet.write(0, column, value)
    sheet.write(65_535, 255, "x")
    book.save(str(path))
    rows = list(xls.Book(path).worksheets[0].iter_rows(1 << 20))
    assert sum(map(len, rows)) <= 6 + 256


def test_what_is_too_large_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "large.xls"
    with path.open("wb") as file:
        file.write(xls.MAGIC)
        file.truncate(xls.LARGEST + 1)
    with pytest.raises(FileRefused) as refused:
        shape_of(path, Profile())
    assert refused.value.code == "xls_too_large"


@pytest.mark.parametrize("content", [xls.MAGIC, xls.MAGIC + bytes(2_000), xls.MAGIC + b"\xff" * 5_000])
def test_another_document_is_refused_with_a_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.doc"
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        shape_of(path, Profile())
    assert refused.value.code in {"xls_no_table", "xlsx_broken"}
    assert "letter.doc" in str(file_sentence(refused.value))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return workbook(tmp_path_factory.mktemp("xls") / "a.xls", {"a": [HEAD, *ROWS]}).read_bytes()


@settings(max_examples=150, deadline=2_000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_workbook_is_read_or_refused_and_never_crashes(
    data: st.DataObject, whole: bytes, tmp_path: Path
) -> None:
    content = bytearray(whole[: data.draw(st.integers(len(whole) // 2, len(whole)))])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=12)):
        content[at] = value
    path = tmp_path / "damaged.xls"
    path.write_bytes(content)
    with suppress(FileRefused):
        read(path)


def test_sheets_that_are_one_and_the_same_are_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "same.xls", {"stays": [HEAD, *ROWS], "notes": [["x"]]})
    content = bytearray(path.read_bytes())
    first, second = (content.index(title) - 8 for title in (b"stays", b"notes"))
    assert content[first - 4 : first - 2] == content[second - 4 : second - 2] == b"\x85\x00"
    content[second : second + 4] = content[first : first + 4]
    path.write_bytes(content)
    with pytest.raises(FileRefused) as refused:
        shape_of(path, Profile())
    assert refused.value.code == "xlsx_broken"


def test_only_one_sheet_is_in_memory_at_a_time(tmp_path: Path) -> None:
    book = xls.Book(workbook(tmp_path / "two.xls", {"a": [HEAD], "b": [["x"]]}))
    assert [len(list(sheet.iter_rows(10))) for sheet in book.worksheets] == [1, 1]
    assert [book._book.sheet_loaded(at) for at in (0, 1)] == [False, True]
    book.close()
