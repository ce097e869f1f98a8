"""Reading workbooks: the sheet with the records, cells of every kind, and archives that are not to be opened."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from hcrm.intake.domain import Chunk, FileRefused, Profile, Severity
from hcrm.intake.forms.labels import FILE_SENTENCES, file_sentence, row_sentence
from hcrm.intake.readers import xlsx_archive
from hcrm.intake.readers.csv_rows import Order
from hcrm.intake.readers.files import cells_at
from hcrm.intake.readers.formats import format_of, read_chunks, shape_of
from hcrm.patients.domain import StayRow
from tests.conftest import NOW

HEADS = ("病案号", "姓名", "联系电话", "入院日期", "出院日期")
Sheets = dict[str, Sequence[Sequence[Any]]]
Write = Callable[..., Path]


class Formula(str):
    """A formula; its value follows behind ``=>``, none when it was never computed."""

    __slots__ = ()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def to_file(sheets: Sheets, formats: dict[int, str] | None = None) -> Path:
        path = tmp_path / "a.xlsx"
        with xlsxwriter.Workbook(str(path)) as book:
            named = {at: book.add_format({"num_format": code}) for at, code in (formats or {}).items()}
            day = book.add_format({"num_format": "yyyy-mm-dd"})
            moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
            for title, rows in sheets.items():
                sheet = book.add_worksheet(title)
                for line, row in enumerate(rows):
                    for at, cell in enumerate(row):
                        kind = day if type(cell) is date else moment if isinstance(cell, datetime) else named.get(at)
                        put(sheet, (line, at), cell, kind if line else None)
        return path

    return to_file


def put(sheet: Any, place: tuple[int, int], cell: Any, kind: Any) -> None:
    if isinstance(cell, Formula):
        text, _, value = cell.partition("=>")
        sheet.write_formula(*place, text, None, value)
    elif isinstance(cell, date):
        sheet.write_datetime(*place, cell, kind)
    elif cell is not None:
        sheet.write(*place, cell, kind)


def chunks(path: Path, profile: Profile | None = None) -> list[Chunk]:
    profile = profile or Profile()
    shape = shape_of(path, profile)
    assert format_of(shape) == "xlsx"
    return list(read_chunks(Order(path, shape, profile, "Asia/Shanghai", "CN", NOW)))


def rows(path: Path, profile: Profile | None = None) -> list[StayRow]:
    return [row for chunk in chunks(path, profile) for row in chunk.rows]


def remarks(path: Path) -> list[tuple[int, str, str, str]]:
    found = [error for chunk in chunks(path) for error in chunk.errors]
    assert all(row_sentence(each).endswith(".") for each in found)
    return [(each.line, each.field, each.code, each.severity.value) for each in found]


def stay(number: Any = "0101", phone: Any = "13800138000", **dates: Any) -> tuple[Any, ...]:
    return (
        number,
        "张三",
        phone,
        dates.get("admitted", datetime(2026, 2, 1, 8, 30)),
        dates.get("discharged", date(2026, 2, 5)),
    )


def refusal_of(path: Path, profile: Profile | None = None, kind: str = "auto") -> str:
    with pytest.raises(FileRefused) as refusal:
        shape_of(path, profile or Profile(), kind=kind)
    assert refusal.value.code in FILE_SENTENCES
    return file_sentence(refusal.value)


def test_titles_above_totals_below_and_gaps_between(write: Write) -> None:
    path = write({"七月": [("二〇二六年二月出院患者",), (), HEADS, stay(), (), stay("0102"), ("合计", 2)]})
    found = rows(path)
    assert [(row.line, row.mrn, row.full_name) for row in found] == [(4, "0101", "张三"), (6, "0102", "张三")]
    assert found[0].admitted_at == datetime(2026, 2, 1, 0, 30, tzinfo=UTC)
    assert found[0].discharged_at == datetime(2026, 2, 4, 16, tzinfo=UTC)
    assert [chunk.skipped for chunk in chunks(path)] == [1]


def test_dates_as_cells_and_as_text(write: Write) -> None:
    texts = ("2026年2月5日", "2026/2/5", "20260205", 20260205, "2026-02-05 00:00")
    found = rows(write({"a": [HEADS, *(stay(f"{at}", discharged=each) for at, each in enumerate(texts))]}))
    assert {row.discharged_at for row in found} == {datetime(2026, 2, 4, 16, tzinfo=UTC)}


def test_ambiguous_dates_are_asked_about_by_all_rows(write: Write) -> None:
    rows_ = [stay(str(at), admitted="01/01/2026", discharged="03/02/2026") for at in range(80)]
    assert "--dates" in refusal_of(write({"a": [HEADS, *rows_]}))
    certain = write({"a": [HEADS, *rows_, stay("99", admitted="01/01/2026", discharged="25/02/2026")]})
    assert rows(certain, Profile())[0].discharged_at == datetime(2026, 2, 2, 16, tzinfo=UTC)


def test_numbers_are_read_as_people_write_them(write: Write) -> None:
    path = write({"a": [HEADS, stay(1001, 13800138000), stay(1002.0, "13800138000")]})
    assert [(row.mrn, row.phones[0].number) for row in rows(path)] == [
        ("1001", "+8613800138000"),
        ("1002", "+8613800138000"),
    ]
    assert remarks(path) == []
    padded = write({"a": [HEADS, stay(7)]}, {0: "0000000"})
    assert rows(padded)[0].mrn == "0000007"


def test_numbers_that_lost_digits_are_warned_about(write: Write) -> None:
    path = write({"a": [HEADS, stay(101), stay("0102"), stay(1234567890123456789)]})
    assert remarks(path) == [(2, "mrn", "zeros_lost", "warning"), (4, "mrn", "digits_lost", "warning")]


def test_formulas_are_never_computed(write: Write) -> None:
    path = write({"a": [HEADS, stay(Formula("=1+1=>0103")), stay(Formula("=A1&B1=>")), stay(Formula("=A9=>#REF!"))]})
    assert [row.mrn for row in rows(path)] == ["0103"]
    assert remarks(path) == [
        (2, "mrn", "formula_value", "warning"),
        (3, "mrn", "formula_not_computed", "rejected"),
        (4, "mrn", "cell_error", "rejected"),
    ]


def test_the_sheet_with_the_heads_is_read_or_the_one_that_is_named(write: Write) -> None:
    path = write({"说明": [("请填写",), ("谢谢", "再见")], "数据": [HEADS, stay()], "空": []})
    assert [row.mrn for row in rows(path)] == ["0101"]
    both = write({"一月": [HEADS, stay("1")], "二月": [HEADS, stay("2")]})
    assert "一月, 二月" in refusal_of(both)
    assert [row.mrn for row in rows(both, Profile(sheet="二月"))] == ["2"]
    assert "三月" in refusal_of(both, Profile(sheet="三月"))
    assert "a, b" in refusal_of(write({"a": [("x", "y"), (1, 2)], "b": [("z", "w"), (1, 2)]}))
    assert "is empty" in refusal_of(write({"a": []}))
    assert "lacks a column" in refusal_of(write({"a": [("x", "y"), (1, 2)]}))


def test_cells_of_rows_come_back_by_their_number(write: Write) -> None:
    path = write({"a": [HEADS, stay(), stay("0102")]})
    found = cells_at(path, shape_of(path, Profile()), [3])
    assert found == {3: ("0102", "张三", "13800138000", "2026-02-01 08:30:00", "2026-02-05")}


def test_the_sample_is_taken_and_the_other_refused_by_name(shared_data: Path) -> None:
    (chunk,) = chunks(shared_data / "csv-hazards" / "zh_title_row_mixed_dates.xlsx")
    assert (len(chunk.rows), chunk.skipped) == (120, 1)
    assert not [each for each in chunk.errors if each.severity is Severity.REJECTED]
    assert "not this one" in refusal_of(shared_data / "csv-hazards" / "csvkit_sheets.xlsx")


def changed(path: Path, name: str, content: bytes) -> Path:
    """The archive with one part replaced or added."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, held in {**parts, name: content}.items():
            archive.writestr(part, held)
    return path


SHEET = "xl/worksheets/sheet1.xml"
WORKSHEET = (
    b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
    b"<sheetData>%s</sheetData></worksheet>"
)


def test_what_would_unpack_to_a_flood_is_not_opened(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"a": [HEADS, stay()]}
    assert "unpack" in refusal_of(changed(write(good), SHEET, b" " * (20 << 20)))
    assert "unpack" in refusal_of(changed(write(good), "xl/media/image1.png", b"\0" * (20 << 20)))
    monkeypatch.setattr(xlsx_archive, "LARGEST_PART", 1_000)
    assert "unpack" in refusal_of(changed(write(good), "xl/styles.xml", bytes(range(256)) * 5))


def test_a_part_that_says_less_than_it_holds_is_damaged(write: Write) -> None:
    path = write({"a": [HEADS, stay()]})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(SHEET.encode()))
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    path.write_bytes(data)
    assert "damaged" in refusal_of(path)


def test_entities_are_not_expanded(write: Write) -> None:
    bomb = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    assert "entities" in refusal_of(changed(write({"a": [HEADS, stay()]}), SHEET, bomb))


@pytest.mark.parametrize(
    "content",
    [
        b"<worksheet><sheetData><row",
        b"",
        WORKSHEET % b'<row r="x"/>',
        WORKSHEET % b'<row r="1"><c r="A1" t="s"><v>99999</v></c></row>',
    ],
)
def test_damaged_sheets_are_refused(write: Write, content: bytes) -> None:
    assert "damaged" in refusal_of(changed(write({"a": [HEADS, stay()]}), SHEET, content))


def test_a_row_far_below_costs_nothing(write: Write) -> None:
    far = WORKSHEET % b'<row r="99999999999"><c t="inlineStr"><is><t>x</t></is></c></row>'
    assert "is empty" in refusal_of(changed(write({"a": [HEADS, stay()]}), SHEET, far))


def test_other_files_are_no_workbooks(tmp_path: Path, write: Write) -> None:
    plain = tmp_path / "a.txt"
    plain.write_text("mrn,discharged\n1,2026-01-01\n")
    assert "not an Excel workbook" in refusal_of(plain, kind="xlsx")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    plain.write_bytes(packed.getvalue())
    assert "archive but not" in refusal_of(plain)
    plain.write_bytes(write({"a": [HEADS, stay()]}).read_bytes()[:1_500])
    assert "damaged" in refusal_of(plain)
