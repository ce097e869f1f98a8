"""Reading discharge records from CSV: what is recognised, what is refused, and where."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hcrm.intake.domain import DateOrder, FileRefused, Layout, Profile, RowError, Severity
from hcrm.intake.readers.csv_rows import Order, read, read_chunks, sniff
from hcrm.patients.domain import Disposition, EncounterClass, Language, LineType, OwnerKind, RowKind, Sex, StayRow

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
HEAD = "mrn,visit_number,admitted_at,discharged_at"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, text: str | bytes, encoding: str = "utf-8") -> Path:
    path = folder / "list.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def rows_of(
    path: Path, profile: Profile | None = None, zone: str = "Asia/Shanghai", region: str = "CN"
) -> list[StayRow]:
    return [item for item in read(path, profile, zone, NOW, region) if isinstance(item, StayRow)]


def remarks_of(path: Path, severity: Severity = Severity.REJECTED) -> list[tuple[int, str, str]]:
    found = [item for item in read(path, None, "Asia/Shanghai", NOW) if isinstance(item, RowError)]
    return [(item.line, item.field, item.code) for item in found if item.severity is severity]


def one(folder: Path, head: str, row: str, region: str = "CN") -> StayRow:
    (found,) = rows_of(write(folder, f"{HEAD},{head}\n1,V1,2026-03-01 08:00,2026-03-05 10:00,{row}\n"), region=region)
    return found


class TestHeads:
    def test_chinese_heads(self, folder: Path) -> None:
        text = (
            "病案号,住院号,姓名,性别,出生日期,就诊类型,出院科室,主管医师,责任护士,入院时间,出院时间,离院方式,主要诊断编码,主要诊断,"
            "联系电话,联系人,与患者关系,联系人电话,31天内再住院计划\n"
            "1001,Z1,欧阳娜娜,女,1980年2月3日,住院,心血管内科,王医生,李护士,2026年3月1日 8时5分,2026/3/5 10:00,4,I21.0,"
            "急性前壁心肌梗死,13800138000,欧阳锋,父亲,13900139000,2\n"
        )
        (row,) = rows_of(write(folder, text))
        assert (row.mrn, row.visit_number, row.line) == ("1001", "Z1", 2)
        assert (row.family_name, row.given_name, row.full_name) == ("欧阳", "娜娜", "欧阳娜娜")
        assert (row.sex, row.birth_date) == (Sex.FEMALE, date(1980, 2, 3))
        assert row.encounter_class is EncounterClass.INPATIENT
        assert (row.department_name, row.clinician_name, row.nurse) == ("心血管内科", "王医生", "李护士")
        assert row.admitted_at == datetime(2026, 3, 1, 0, 5, tzinfo=UTC)
        assert row.discharged_at == datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
        assert row.disposition is Disposition.AGAINST_ADVICE
        assert row.principal_diagnosis == "I21.0 急性前壁心肌梗死"
        own, relative = row.phones
        assert (own.number, own.line_type, own.owner_kind) == ("+8613800138000", LineType.MOBILE, OwnerKind.PATIENT)
        assert (relative.number, relative.owner_kind) == ("+8613900139000", OwnerKind.RELATIVE)
        assert (relative.owner_name, relative.relationship) == ("欧阳锋", "父亲")
        assert row.readmission_plan_31d is True

    def test_english_heads_in_any_spelling(self, folder: Path) -> None:
        heads = "Patient ID;Surname;First Name;Date of Birth;Date of admission;Discharge Date (local)"
        text = f"{heads}\n7;Doe;Jo;1990-01-02;2026-03-01;2026-03-02\n"
        (row,) = rows_of(write(folder, text))
        assert (row.mrn, row.full_name, row.birth_date) == ("7", "Jo Doe", date(1990, 1, 2))

    def test_title_rows_above_and_totals_below_are_no_records(self, folder: Path) -> None:
        text = (
            f"出院病人登记表,,,\n2026年3月,,,\n{HEAD}\n1,V1,2026-03-01,2026-03-02\n{HEAD}\n2,V2,2026-03-01,2026-03-02\n"
            "合计,2,,\n制表人：王,,,\n,,,\n"
        )
        path = write(folder, text)
        assert [(row.mrn, row.line) for row in rows_of(path)] == [("1", 4), ("2", 6)]
        assert remarks_of(path) == []
        assert sniff(path).header_line == 3

    def test_a_patient_called_total_is_not_a_total(self, folder: Path) -> None:
        path = write(folder, "name,mrn,discharged_at\nTotal Recall,,2026-03-02\n")
        assert remarks_of(path) == [(2, "mrn", "missing_mrn")]

    def test_wrong_columns_are_named(self, folder: Path) -> None:
        with pytest.raises(FileRefused) as refusal:
            rows_of(write(folder, "a,b,c\n1,2,3\n"))
        assert refusal.value.code == "columns_missing"
        assert refusal.value.params["fields"] == ["mrn", "discharged_at"]
        assert refusal.value.params["heads"] == ["a", "b", "c"]

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    def test_delimiters(self, folder: Path, delimiter: str) -> None:
        text = f"{HEAD}\n1,V1,2026-03-01 08:00,2026-03-02 09:00\n".replace(",", delimiter)
        path = write(folder, text)
        assert sniff(path).delimiter == delimiter
        assert len(rows_of(path)) == 1


class TestEncodings:
    TEXT = "病案号,姓名,入院时间,出院时间\n1,张伟,2026-03-01,2026-03-02\n"

    @pytest.mark.parametrize(
        "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "utf-32"]
    )
    def test_what_can_be_told_is_read(self, folder: Path, encoding: str) -> None:
        text = self.TEXT * 1 + "2,王芳,2026-03-01,2026-03-02\n" * 5
        assert rows_of(write(folder, text, encoding))[0].full_name == "张伟"

    def test_western_text_is_not_taken_for_chinese(self, folder: Path) -> None:
        text = "mrn,name,discharged_at\n1,Jürgen Müller,2026-03-02\n2,Zoë Gänßler,2026-03-02\n"
        with pytest.raises(FileRefused) as refusal:
            rows_of(write(folder, text, "latin-1"))
        assert refusal.value.code == "unknown_encoding"
        (first, _second) = rows_of(write(folder, text, "latin-1"), Profile(encoding="latin-1"))
        assert first.full_name == "Jürgen Müller"

    def test_a_stated_encoding_that_does_not_fit_is_refused(self, folder: Path) -> None:
        with pytest.raises(FileRefused) as refusal:
            rows_of(write(folder, self.TEXT, "gb18030"), Profile(encoding="utf-8"))
        assert refusal.value.code == "wrong_encoding"

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b"PK\x03\x04rest", "xlsx"),
            (b"MSH|^~\\&|A", "hl7"),
            (b'{"resourceType": 1}', "json"),
            (b"<html>", "xml"),
            (b"%PDF-1", "pdf"),
        ],
    )
    def test_other_kinds_of_file_are_named(self, folder: Path, content: bytes, kind: str) -> None:
        with pytest.raises(FileRefused) as refusal:
            sniff(write(folder, content))
        assert refusal.value.params["kind"] == kind

    @pytest.mark.parametrize("content", [b"", b"  \n\r\n", b"\xef\xbb\xbf", b"\n,,,\n"])
    def test_empty_files(self, folder: Path, content: bytes) -> None:
        with pytest.raises(FileRefused) as refusal:
            sniff(write(folder, content))
        assert refusal.value.code == "empty_file"


class TestLines:
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_lines_are_counted_as_an_editor_does(self, folder: Path, end: str) -> None:
        text = f'{HEAD},address\n\n1,V1,2026-03-01,2026-03-02,"two\nlines"\n2,V2,2026-03-05,2026-03-02,x\n'
        path = write(folder, text.replace("\n", end))
        assert [(row.line, row.address) for row in rows_of(path)] == [(3, "two lines")]
        assert remarks_of(path) == [(5, "discharged_at", "discharge_before_admission")]

    def test_a_quote_that_is_never_closed_costs_one_line(self, folder: Path) -> None:
        good = "".join(f"{number},V{number},2026-03-01,2026-03-02,x\n" for number in range(3, 60))
        path = write(folder, f'{HEAD},name\n1,V1,2026-03-01,2026-03-02,x\n2,V2,2026-03-01,2026-03-02,"x\n{good}')
        assert remarks_of(path) == [(3, "", "unclosed_quote")]
        assert [row.line for row in rows_of(path)] == [2, *range(4, 61)]

    def test_nul_characters_are_taken_out_and_said(self, folder: Path) -> None:
        path = write(folder, f"{HEAD},name\n1,V1,2026-03-01,2026-03-02,A\0B\n")
        assert rows_of(path)[0].full_name == "AB"
        assert remarks_of(path, Severity.WARNING) == [(2, "", "nul_removed")]

    def test_more_cells_than_heads_refuse_the_row_fewer_warn(self, folder: Path) -> None:
        path = write(folder, f"{HEAD},name,nurse\n1,V1,2026-03-01,2026-03-02,a,b,c\n2,V2,2026-03-01,2026-03-02\n")
        assert remarks_of(path) == [(2, "", "too_many_cells")]
        assert remarks_of(path, Severity.WARNING) == [(3, "", "short_row")]

    def test_runs_are_the_same_wherever_reading_begins(self, folder: Path) -> None:
        rows = "".join(f"{number},V{number},2026-03-01,2026-03-02\n" for number in range(25))
        path = write(folder, f"{HEAD}\n{rows}")
        order = Order(path, sniff(path), Profile(), "UTC", "CN", NOW, 10)
        whole = list(read_chunks(order))
        assert [chunk.position for chunk in whole] == [10, 20, 25]
        assert list(read_chunks(order._replace(skip=10))) == whole[1:]
        assert list(read_chunks(order._replace(skip=25))) == []


class TestDates:
    def test_day_and_month_are_told_apart_by_all_values(self, folder: Path) -> None:
        rows = "".join(f"{number},V{number},03/04/2025,04/04/2025\n" for number in range(200))
        path = write(folder, f"{HEAD}\n{rows}999,V999,13/04/2025,14/04/2025\n")
        assert sniff(path).date_orders["admitted_at"] is DateOrder.DAY_FIRST
        assert rows_of(path, zone="UTC")[0].admitted_at == datetime(2025, 4, 3, tzinfo=UTC)

    def test_month_first(self, folder: Path) -> None:
        path = write(folder, f"{HEAD}\n1,V1,03/14/2025 2:05 PM,03/15/2025 12:00 AM\n")
        row = rows_of(path, zone="UTC")[0]
        assert (row.admitted_at, row.discharged_at) == (
            datetime(2025, 3, 14, 14, 5, tzinfo=UTC),
            datetime(2025, 3, 15, tzinfo=UTC),
        )

    def test_what_can_be_read_both_ways_is_refused_and_can_be_stated(self, folder: Path) -> None:
        path = write(folder, f"{HEAD}\n1,V1,03/04/2025,04/04/2025\n")
        with pytest.raises(FileRefused) as refusal:
            rows_of(path)
        assert refusal.value.code == "ambiguous_dates"
        assert refusal.value.params["heads"] == ["admitted_at"]
        stated = rows_of(path, Profile(date_formats=("MM/DD/YYYY",)), "UTC")
        assert stated[0].admitted_at == datetime(2025, 3, 4, tzinfo=UTC)

    def test_the_same_day_and_month_need_no_answer(self, folder: Path) -> None:
        assert rows_of(write(folder, f"{HEAD}\n1,V1,03/03/2025,04/04/2025\n"), zone="UTC")

    def test_both_orders_in_one_column_are_refused(self, folder: Path) -> None:
        path = write(folder, f"{HEAD}\n1,V1,13/04/2025,14/04/2025\n2,V2,04/13/2025,14/04/2025\n")
        with pytest.raises(FileRefused) as refusal:
            rows_of(path)
        assert refusal.value.code == "mixed_dates"

    @pytest.mark.parametrize(
        ("text", "utc"),
        [
            ("2026-03-01T08:00:00+08:00", (2026, 3, 1, 0, 0)),
            ("2026-03-01T00:00:00Z", (2026, 3, 1, 0, 0)),
            ("2026/3/1 8:00", (2026, 3, 1, 0, 0)),
            ("2026年3月1日8时0分", (2026, 3, 1, 0, 0)),
            ("２０２６－０３－０１　０８：００", (2026, 3, 1, 0, 0)),
            ("01.03.2026 08:00", (2026, 3, 1, 0, 0)),
            ("20260301080000", (2026, 3, 1, 0, 0)),
            ("20260301", (2026, 2, 28, 16, 0)),
            ("2026-02-28 24:00", (2026, 2, 28, 16, 0)),
            ("2026-03-01", (2026, 2, 28, 16, 0)),
        ],
    )
    def test_forms(self, folder: Path, text: str, utc: tuple[int, ...]) -> None:
        (row,) = rows_of(write(folder, f"{HEAD}\n1,V1,{text},2026-03-05 10:00\n"))
        assert row.admitted_at == datetime(*utc, tzinfo=UTC)  # type: ignore[misc, arg-type]

    @pytest.mark.parametrize(
        ("admitted", "discharged", "field", "code"),
        [
            ("2026-02-30 08:00", "2026-03-02", "admitted_at", "no_such_day"),
            ("2026-03-01 25:00", "2026-03-02", "admitted_at", "no_such_day"),
            ("yesterday", "2026-03-02", "admitted_at", "unreadable_date"),
            ("01/02/26", "2026-03-02", "admitted_at", "unreadable_date"),
            ("2026-03-03", "2026-03-02", "discharged_at", "discharge_before_admission"),
            ("2026-03-03", "2026-03-13", "discharged_at", "in_future"),
            ("1899-12-30", "2026-03-02", "admitted_at", "before_1900"),
            ("", "", "discharged_at", "missing_dates"),
        ],
    )
    def test_bad_dates(self, folder: Path, admitted: str, discharged: str, field: str, code: str) -> None:
        path = write(folder, f"{HEAD}\n1,V1,{admitted},{discharged}\n")
        assert remarks_of(path) == [(2, field, code)]

    def test_a_discharge_without_a_time_on_the_day_of_admission(self, folder: Path) -> None:
        (row,) = rows_of(write(folder, f"{HEAD}\n1,V1,2026-03-01 14:00,2026-03-01\n"))
        assert row.discharged_at == row.admitted_at

    def test_a_night_in_which_the_clocks_go_back(self, folder: Path) -> None:
        (row,) = rows_of(write(folder, f"{HEAD}\n1,V1,2025-10-26 01:50,2025-10-26 01:10\n"), zone="Europe/London")
        assert row.admitted_at == datetime(2025, 10, 26, 0, 50, tzinfo=UTC)
        assert row.discharged_at == datetime(2025, 10, 26, 1, 10, tzinfo=UTC)

    @pytest.mark.parametrize(("born", "code"), [("1890-01-01", "age_over_130"), ("1899-01-01", "before_1900")])
    def test_impossible_ages(self, folder: Path, born: str, code: str) -> None:
        path = write(folder, f"{HEAD},birth_date\n1,V1,2026-03-01,2026-03-02,{born}\n")
        assert remarks_of(path) == [(2, "birth_date", code)]

    def test_a_strptime_pattern(self, folder: Path) -> None:
        path = write(folder, f"{HEAD}\n1,V1,04Mar26,05Mar26\n")
        assert rows_of(path, Profile(date_formats=("%d%b%y",)), "UTC")[0].admitted_at == datetime(
            2026, 3, 4, tzinfo=UTC
        )


class TestRows:
    def test_a_row_without_mrn_or_visit_number(self, folder: Path) -> None:
        path = write(folder, "mrn,admitted_at,discharged_at\n7,2026-03-01 08:00,2026-03-02\n,2026-03-01,2026-03-02\n")
        assert rows_of(path)[0].visit_number == "7@20260301T0000Z"
        assert remarks_of(path) == [(3, "mrn", "missing_mrn")]

    def test_one_visit_number_for_two_patients_is_refused(self, folder: Path) -> None:
        path = write(
            folder, f"{HEAD}\n1,V1,2026-03-01,2026-03-02\n2,V1,2026-03-01,2026-03-02\n1,V1,2026-03-01,2026-03-03\n"
        )
        assert remarks_of(path) == [(3, "visit_number", "visit_of_another_patient")]
        assert len(rows_of(path)) == 2

    def test_a_repeated_row_is_taken_with_a_warning(self, folder: Path) -> None:
        path = write(folder, f"{HEAD}\n1,V1,2026-03-01,2026-03-02\n1,V1,2026-03-01,2026-03-02\n")
        assert remarks_of(path, Severity.WARNING) == [(3, "", "duplicate_row")]
        assert len(rows_of(path)) == 2

    @pytest.mark.parametrize(
        ("word", "expected", "post_acute", "review"),
        [
            ("inpatient", EncounterClass.INPATIENT, False, False),
            ("住院", EncounterClass.INPATIENT, False, False),
            ("急诊", EncounterClass.EMERGENCY, False, False),
            ("留观", EncounterClass.OBSERVATION, False, False),
            ("日间", EncounterClass.SHORT_STAY, False, False),
            ("urgentcare", EncounterClass.AMBULATORY, False, False),
            ("门诊", EncounterClass.AMBULATORY, False, False),
            ("ACUTE", EncounterClass.INPATIENT, False, False),
            ("snf", EncounterClass.AMBULATORY, True, False),
            ("hospice", EncounterClass.AMBULATORY, True, False),
            ("home", EncounterClass.AMBULATORY, True, False),
            ("spaceship", EncounterClass.AMBULATORY, False, True),
        ],
    )
    def test_classes(
        self, folder: Path, word: str, expected: EncounterClass, *, post_acute: bool, review: bool
    ) -> None:
        row = one(folder, "class", word)
        assert (row.encounter_class, row.post_acute, row.needs_review) == (expected, post_acute, review)

    def test_without_a_class_column_stays_are_inpatient(self, folder: Path) -> None:
        path = write(folder, f"{HEAD}\n1,V1,2026-03-01,2026-03-02\n")
        assert rows_of(path)[0].encounter_class is EncounterClass.INPATIENT
        assert "no_class_column" in sniff(path).notes

    @pytest.mark.parametrize(
        ("word", "expected"),
        [
            ("1", "home"),
            ("2", "transfer_acute"),
            ("3", "other_facility"),
            ("4", "against_advice"),
            ("5", "expired"),
            ("9", "unknown"),
            ("医嘱离院", "home"),
            ("医嘱转院", "transfer_acute"),
            ("非医嘱离院", "against_advice"),
            ("死亡", "expired"),
            ("left_without_being_seen", "left_without_being_seen"),
            ("admitted", "admitted"),
        ],
    )
    def test_dispositions(self, folder: Path, word: str, expected: str) -> None:
        assert one(folder, "disposition", word).disposition is Disposition(expected)

    def test_who_died_in_hospital_is_deceased(self, folder: Path) -> None:
        assert one(folder, "disposition", "死亡").deceased_on == date(2026, 3, 5)
        by_flag = one(folder, "died", "是")
        assert (by_flag.disposition, by_flag.deceased_on) == (Disposition.EXPIRED, date(2026, 3, 5))

    def test_words_nobody_knows_leave_the_field_empty_with_a_warning(self, folder: Path) -> None:
        path = write(folder, f"{HEAD},sex,planned,language\n1,V1,2026-03-01,2026-03-02,?,maybe,Klingon\n")
        (row,) = rows_of(path)
        assert (row.sex, row.planned, row.language) == (None, None, None)
        assert remarks_of(path, Severity.WARNING) == [
            (2, field, "unknown_word") for field in ("sex", "language", "planned")
        ]

    def test_a_stay_that_is_called_cancelled_is_taken_back(self, folder: Path) -> None:
        path = folder / "list.csv"
        path.write_text(
            "mrn,visit,admitted,discharged,就诊状态\n1,A,2026-03-01,2026-03-02,已取消\n2,B,2026-03-01,2026-03-02,出院\n"
        )
        rows = [each for each in read(path, None, "UTC", NOW) if isinstance(each, StayRow)]
        assert [row.kind for row in rows] == [RowKind.CANCEL, RowKind.STAY]

    def test_language_and_payer(self, folder: Path) -> None:
        row = one(folder, "language,payer,sensitive,planned", "中文,城镇职工,否,择期")
        assert (row.language, row.payer, row.sensitive, row.planned) == (Language.CHINESE, "城镇职工", False, True)

    def test_a_spreadsheets_quoting_of_numbers_is_taken_off(self, folder: Path) -> None:
        path = write(folder, 'mrn,visit_number,discharged_at,name\n"=""00123""",\'0077,2026-03-02,\'=1+1\n')
        (row,) = rows_of(path)
        assert (row.mrn, row.visit_number, row.full_name) == ("00123", "0077", "=1+1")

    def test_procedures_and_diagnoses(self, folder: Path) -> None:
        row = one(folder, "diagnoses,procedures", "I10;E11.9,36.06001 冠状动脉支架置入术 (2026-03-02)；换药")
        assert row.diagnoses == ("I10", "E11.9")
        assert row.procedures is not None
        assert [tuple(each) for each in row.procedures] == [
            ("36.06001", "冠状动脉支架置入术", date(2026, 3, 2)),
            ("", "换药", None),
        ]

    def test_names_too_long_for_anybody_are_cut_codes_refused(self, folder: Path) -> None:
        path = write(
            folder, f"{HEAD},nurse\n1,V1,2026-03-01,2026-03-02,{'n' * 300}\n{'9' * 200},V2,2026-03-01,2026-03-02,x\n"
        )
        assert remarks_of(path, Severity.WARNING) == [(2, "nurse", "text_cut")]
        assert remarks_of(path) == [(3, "mrn", "too_long")]

    def test_long_department_names_get_a_code_of_their_own(self, folder: Path) -> None:
        row = one(folder, "department", "很" * 100)
        assert isinstance(row.department_code, str)
        assert len(row.department_code) == 64
        assert row.department_name == "很" * 100


class TestPhones:
    def test_several_numbers_in_a_cell(self, folder: Path) -> None:
        row = one(folder, "phone", "13800138000/13900139000、010-62345678")
        assert [entry.number for entry in row.phones] == ["+8613800138000", "+8613900139000", "+861062345678"]
        assert [entry.line_type for entry in row.phones] == [LineType.MOBILE, LineType.MOBILE, LineType.LANDLINE]

    def test_a_relatives_phone(self, folder: Path) -> None:
        row = one(folder, "phone,phone_owner,contact_name", "13800138000,女儿,王小红")
        assert row.phones[0][3:] == (OwnerKind.RELATIVE, "王小红", "女儿")

    def test_possible_but_unassigned_numbers_are_kept_without_a_warning(self, folder: Path) -> None:
        row = one(folder, "phone", "555-856-9091", region="US")
        assert (row.phones[0].number, row.phones[0].line_type) == ("+15558569091", LineType.UNKNOWN)

    def test_no_phone_and_impossible_phones_warn(self, folder: Path) -> None:
        path = write(folder, f"{HEAD},phone\n1,V1,2026-03-01,2026-03-02,无\n2,V2,2026-03-01,2026-03-02,12\n")
        assert remarks_of(path, Severity.WARNING) == [(2, "phone", "no_phone"), (3, "phone", "impossible_phone")]
        assert rows_of(path)[1].phones[0] == ("12", None, LineType.UNKNOWN, OwnerKind.PATIENT, "", "")


class TestSynthea:
    def write(self, folder: Path, patients: str = "") -> Path:
        (folder / "encounters.csv").write_text(
            "Id,START,STOP,PATIENT,ORGANIZATION,PROVIDER,ENCOUNTERCLASS,CODE\n"
            "e1,2020-01-01T10:00:00Z,2020-01-03T10:00:00Z,p1,o1,d1,inpatient,1\n"
            "e2,2020-02-01T10:00:00Z,2020-02-03T10:00:00Z,p2,o2,,snf,1\n",
            encoding="utf-8",
        )
        if patients:
            (folder / "patients.csv").write_text(patients, encoding="utf-8")
            (folder / "organizations.csv").write_text("ID,NAME\no1,GENERAL\n", encoding="utf-8")
            (folder / "providers.csv").write_text("Id,NAME\n,\nd1,Dr. One\n", encoding="utf-8")
        return folder / "encounters.csv"

    def test_joins_the_files_beside_it(self, folder: Path) -> None:
        patients = (
            "Id,BIRTHDATE,DEATHDATE,FIRST,LAST,GENDER,MRN,PHONE\np1,1950-05-05,2020-01-02,Ann,Lee,F,M1,555-123-4567\n"
        )
        first, second = rows_of(self.write(folder, patients), zone="UTC", region="US")
        assert (first.mrn, first.visit_number, first.full_name) == ("M1", "e1", "Ann Lee")
        assert (first.deceased_on, first.disposition) == (date(2020, 1, 2), None)
        assert (first.department_code, first.department_name) == ("o1", "GENERAL")
        assert (first.clinician_code, first.clinician_name) == ("d1", "Dr. One")
        assert (second.mrn, second.full_name, second.post_acute) == ("p2", None, True)
        assert second.department_name == "o2"

    def test_stands_alone_with_notes(self, folder: Path) -> None:
        path = self.write(folder)
        assert sniff(path).layout is Layout.SYNTHEA
        assert set(sniff(path).notes) == {"no_patients_file", "no_organizations_file", "no_providers_file"}
        assert rows_of(path)[0].mrn == "p1"

    def test_a_patient_who_cannot_be_read_refuses_their_stays(self, folder: Path) -> None:
        path = self.write(folder, "Id,BIRTHDATE,DEATHDATE,FIRST,LAST,GENDER\np1,long ago,,Ann,Lee,F\n")
        assert remarks_of(path) == [(2, "birth_date", "unreadable_date")]
