"""Whatever is in a file: the reader ends, loses no row, and what it takes is sound."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hcrm.intake.domain import FileRefused, Profile, RowError, RowRefused, Severity
from hcrm.intake.forms.rejects import rejects_csv, safe_cell
from hcrm.intake.readers.csv_rows import Order, read, read_chunks, sniff
from hcrm.intake.readers.csv_rows.dates import DateReader, OrderEvidence
from hcrm.intake.readers.csv_rows.phones import by_library, number_reader
from hcrm.intake.readers.csv_rows.values import clean, join_name, split_name
from hcrm.patients.domain import StayRow

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
HEADS = (
    "mrn",
    "visit_number",
    "name",
    "sex",
    "birth_date",
    "class",
    "department",
    "admitted_at",
    "discharged_at",
    "phone",
)
bounded = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read_bytes(content: bytes, profile: Profile | None = None) -> tuple[list[StayRow], list[RowError]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(content)
        items = list(read(path, profile, "Asia/Shanghai", NOW))
    rows = [item for item in items if isinstance(item, StayRow)]
    return rows, [item for item in items if isinstance(item, RowError)]


def check_row(row: StayRow) -> None:
    """What every row that is taken promises to the bulk writer."""
    assert row.mrn
    assert len(row.mrn) <= 128
    assert row.visit_number
    assert len(row.visit_number) <= 128
    moments = [moment for moment in (row.admitted_at, row.discharged_at) if isinstance(moment, datetime)]
    assert moments
    assert moments == sorted(moments)
    assert all(moment.utcoffset() == timedelta(0) and moment.year >= 1900 for moment in moments)
    assert all(moment <= NOW + timedelta(days=1) for moment in moments)
    for value in row:
        if isinstance(value, str):
            assert "\0" not in value
            value.encode("utf-8")


@bounded
@given(st.binary(max_size=3_000))
@example(b'\xff\xfe"\x00')
@example(b"mrn,discharged_at\n" + b'"' * 50)
@example(b"mrn,discharged_at\r\r\n\n\r1,2026-01-01\x00")
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    try:
        rows, _ = read_bytes(content)
    except FileRefused:
        return
    for row in rows:
        check_row(row)


_alphabet = st.sampled_from("0123456789-/:. ,;\"'\n\r\t\0年月日张Aé=+@无\u200b\u202e😀\ufeff")
_cell = st.text(_alphabet, max_size=25)


@bounded
@given(st.lists(st.lists(_cell, min_size=1, max_size=12), max_size=15))
def test_no_row_of_a_table_is_lost(table: list[list[str]]) -> None:
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(HEADS)
    writer.writerows(table)
    try:
        rows, remarks = read_bytes(buffer.getvalue().encode("utf-8"))
    except FileRefused as refusal:
        assert refusal.code in {"ambiguous_dates", "mixed_dates", "broken_quotes"}  # noqa: PT017 - one of the allowed ends
        return
    for row in rows:
        check_row(row)
    refused = {remark.line for remark in remarks if remark.severity is Severity.REJECTED}
    assert not refused & {row.line for row in rows}
    told = len(rows) + len(refused)
    meant = sum(1 for row in table if any(cell.replace("\0", "").strip() for cell in row))
    totals = sum(1 for row in table if row == list(HEADS))
    assert told >= meant - totals


@bounded
@given(st.lists(st.lists(_cell, min_size=10, max_size=10), min_size=1, max_size=30), st.integers(1, 7))
def test_reading_in_runs_is_reading_at_once(table: list[list[str]], size: int) -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([HEADS, *table])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        path.write_bytes(buffer.getvalue().encode("utf-8"))
        try:
            order = Order(path, sniff(path), Profile(), "UTC", "CN", NOW)
            whole = list(read_chunks(order))
            parts = list(read_chunks(order._replace(size=size)))
            later = list(read_chunks(order._replace(size=size, skip=size)))
        except FileRefused:
            return
    assert [row for chunk in parts for row in chunk.rows] == [row for chunk in whole for row in chunk.rows]
    assert [error for chunk in parts for error in chunk.errors] == [error for chunk in whole for error in chunk.errors]
    assert later == parts[1:]


def test_naughty_strings_in_text_fields_are_kept(shared_data: Path) -> None:
    strings = json.loads((shared_data / "text" / "blns.json").read_text(encoding="utf-8"))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([*HEADS, "address", "nurse"])
    for number, text in enumerate(strings):
        writer.writerow(
            [number, f"V{number}", text, "", "", "住院", text, "2026-03-01", "2026-03-02", text, text, text]
        )
    rows, remarks = read_bytes(buffer.getvalue().encode("utf-8", "replace"))
    assert [remark for remark in remarks if remark.severity is Severity.REJECTED] == []
    assert len(rows) == len(strings)
    for row in rows:
        check_row(row)


@pytest.mark.parametrize("field", ["mrn", "visit_number", "birth_date", "admitted_at", "class", "sex"])
def test_naughty_strings_in_other_fields_never_crash(shared_data: Path, field: str) -> None:
    strings = json.loads((shared_data / "text" / "blns.json").read_text(encoding="utf-8"))
    sound = {"mrn": "1", "admitted_at": "2026-03-01", "discharged_at": "2026-03-02"}
    for text in strings:
        buffer = io.StringIO()
        writer = csv.writer(buffer)
        writer.writerow(HEADS)
        values = sound | {field: text}
        writer.writerow([values.get(head, "") for head in HEADS])
        try:
            rows, _remarks = read_bytes(buffer.getvalue().encode("utf-8", "replace"))
        except FileRefused:
            continue
        for row in rows:
            check_row(row)


ZONES = ("Asia/Shanghai", "Europe/London", "UTC", "America/St_Johns")


@bounded
@given(st.datetimes(datetime(1900, 1, 2), datetime(2037, 12, 31)), st.sampled_from(ZONES))
def test_times_are_read_as_the_zone_says(moment: datetime, zone: str) -> None:
    local = ZoneInfo(zone)
    reader = DateReader(local)
    expected = moment.replace(microsecond=0, tzinfo=local).astimezone(UTC)
    for form in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y年%m月%d日 %H:%M:%S"):
        assert reader.moment(moment.strftime(form)) == expected
    assert reader.moment(moment.strftime("%d.%m.%Y %H:%M:%S")) == expected


@bounded
@given(st.lists(st.dates(date(1990, 1, 1), date(2030, 1, 1)), min_size=1, max_size=20), st.booleans())
def test_an_order_is_only_found_when_it_is_certain(days: list[date], day_first: bool) -> None:  # noqa: FBT001 - drawn
    form = "%d/%m/%Y" if day_first else "%m/%d/%Y"
    evidence = OrderEvidence()
    for day in days:
        evidence.see(day.strftime(form))
    assert not evidence.mixed
    if evidence.order is not None:
        reader = DateReader(ZoneInfo("UTC"), evidence.order)
        assert [reader.day(day.strftime(form)) for day in days] == days
    elif not evidence.ambiguous:
        assert all(day.day == day.month for day in days)


REGIONS = ("CN", "US", "GB", "DE", "FR", "IN", "AU", "HK", "SG", "JP", "CA", "IT", "BR")


def _digits(region: str) -> st.SearchStrategy[str]:
    mobile = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
    known = str(mobile.national_number)
    endings = st.text("0123456789", min_size=len(known), max_size=len(known))
    near = st.builds(lambda kept, ending: known[:kept] + ending[kept:], st.integers(1, len(known)), endings)
    return st.one_of(near, st.text("0123456789", min_size=3, max_size=14), near.map(lambda digits: f"0{digits}"))


@pytest.mark.parametrize("region", REGIONS)
def test_the_short_cut_agrees_with_the_library(region: str) -> None:
    read_number: Callable[[str], object] = number_reader(region)

    @settings(max_examples=200, deadline=None)
    @given(_digits(region))
    def agrees(digits: str) -> None:
        assert read_number(digits) == by_library(digits, region)

    agrees()


@bounded
@given(st.text(max_size=60))
def test_cleaned_text_is_one_line_and_clean(text: str) -> None:
    cleaned = clean(text.strip())
    assert not any(sign in cleaned for sign in "\0\n\r\t\x1b")
    assert clean(safe_cell(cleaned).strip()) in {cleaned, cleaned.lstrip("'")} or cleaned[:1] in "='"


@bounded
@given(st.text("赵钱孙李周吴欧阳司马诸葛伟芳娜", min_size=2, max_size=4))
def test_chinese_names_are_taken_apart_and_put_together(name: str) -> None:
    family, given_name = split_name(name)
    assert family
    assert given_name
    assert join_name(family, given_name) == name


@bounded
@given(st.lists(st.lists(st.text(max_size=12), min_size=3, max_size=5), max_size=5))
def test_refused_rows_never_hold_formulas(rows: list[list[str]]) -> None:
    errors = [RowError(7, "mrn", "missing_mrn", Severity.REJECTED, {}, tuple(row)) for row in rows]
    text = "".join(rejects_csv(["a", "=b", "c"], errors)).removeprefix("\ufeff")
    table = list(csv.reader(io.StringIO(text, newline="")))
    assert len(table) == len(rows) + 1
    for row in table:
        assert len(row) == 7
        assert not any(cell[:1] in {"=", "@"} for cell in row if cell)


def test_a_refused_cell_says_nothing_in_its_exception() -> None:
    with pytest.raises(RowRefused) as refusal:
        DateReader(ZoneInfo("UTC")).day("张三 13800138000")
    assert "张三" not in str(refusal.value)
