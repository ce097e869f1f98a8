"""Reading HL7 v2: separators, escapes, encodings, times, files of many messages, and what each event comes to."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest

from hcrm.intake.domain import Profile, RowRefused
from hcrm.intake.readers.hl7v2 import (
    Action,
    Incoming,
    Instruction,
    MessageRefused,
    Reading,
    decode,
    is_hl7,
    parse,
    read_message,
    split_messages,
)
from hcrm.intake.readers.hl7v2.times import read_stamp
from hcrm.patients.domain import EXPLICIT_NULL, Disposition, EncounterClass, LineType, OwnerKind, RowKind, Sex, StayRow

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
CHINA = Reading.of(Profile(), "Asia/Shanghai", "CN")
AMERICA = Reading.of(Profile(), "America/New_York", "US")
PID = "PID|1||1001^^^HOSP^MR||Zhang^San||19600203|M"
PV1 = "PV1|1|I|MED^12^1|||||||||||||||||V1" + "|" * 25


def adt(event: str, *segments: str, sent: str = "20260305100000", control: str = "1", charset: str = "") -> str:
    header = f"MSH|^~\\&|HIS|HOSP|HCRM|HOSP|{sent}||ADT^{event}|{control}|P|2.5{'|' * 6}{charset}"
    return "\r".join((header, f"EVN|{event}|{sent}", *segments))


def pv1(admitted: str = "", discharged: str = "", **fields: str) -> str:
    values = {2: "I", 3: "MED^12^1", 19: "V1", 44: admitted, 45: discharged}
    values.update({int(name[1:]): value for name, value in fields.items()})
    return "PV1|" + "|".join(values.get(number, "") for number in range(1, 46))


def read(text: str, reading: Reading = CHINA, **options: Any) -> Incoming:
    return read_message(text.encode(), reading, NOW, **options)


def instruction(text: str, reading: Reading = CHINA) -> Instruction:
    incoming = read(text, reading)
    assert incoming.refusal is None, incoming.refusal
    assert incoming.instruction is not None
    return incoming.instruction


def stay(text: str, reading: Reading = CHINA) -> StayRow:
    (row,) = instruction(text, reading).stays
    return row


def patient(pid: str, *more: str, reading: Reading = CHINA) -> StayRow:
    (row,) = instruction(adt("A31", pid, *more), reading).patients
    return row


def refused(text: str) -> str:
    refusal = read(text).refusal
    assert refusal is not None
    return refusal.code


class TestSyntax:
    def test_a_message_names_its_own_separators(self) -> None:
        text = "MSH$*!?@$HIS$HOSP$$$20260305$$ADT*A01$1$P$2.5\rPID$1$$7*x!8*y$$A@B"
        message = parse(text)
        pid = message.first("PID")
        assert pid is not None
        assert [each[1] for each in pid.repetitions(3)] == ["7", "8"]
        assert (pid.text(5), pid.first(5).sub(1, 2), message.trigger) == ("A", "B", "A01")

    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            (r"Smith \T\ Sons", "Smith & Sons"),
            (r"a\F\b\S\c\R\d\E\e", "a|b^c~d\\e"),
            (r"\X E4\x", r"\X E4\x"),
            (r"\XE4BDA0E5A5BD\!", "你好!"),
            (r"\H\bold\N\ text", "bold text"),
            (r"C:\Users\Bob", r"C:\Users\Bob"),
            (r"line\.br\next", "line\nnext"),
        ],
    )
    def test_escapes_are_resolved_and_what_is_none_stays(self, written: str, meant: str) -> None:
        pid = parse(f"MSH|^~\\&|HIS||||||ADT^A01|1\rPID|1||{written}").first("PID")
        assert pid is not None
        assert pid.text(3) == meant

    def test_a_line_that_begins_no_segment_belongs_to_the_one_before(self) -> None:
        message = parse("MSH|^~\\&|HIS||||||ADT^A01|1\rZZZ|a\nb c\rPID|1||7")
        assert [name for name, _ in message.segments] == ["MSH", "ZZZ", "PID"]

    @pytest.mark.parametrize("text", ["", "PID|1", "MSH", "hello", "\x0b\x1c\r"])
    def test_what_is_no_message_is_refused(self, text: str) -> None:
        with pytest.raises(MessageRefused, match="not_hl7"):
            parse(text)

    @pytest.mark.parametrize("signs", ["||||", "|^^\\&", "|abcd", "|    "])
    def test_separators_that_cannot_be_told_apart_are_refused(self, signs: str) -> None:
        with pytest.raises(MessageRefused, match="bad_separators"):
            parse(f"MSH{signs}|HIS|||||||")


class TestEncodings:
    @pytest.mark.parametrize(
        ("charset", "encoding"),
        [
            ("", "utf-8"), ("UNICODE UTF-8", "utf-8"), ("8859/1", "utf-8"), ("GB 18030-2000", "gb18030"),
            ("", "gb18030"), ("UNICODE UTF-8", "gb18030"), ("BIG-5", "big5"), ("", "utf-8-sig"), ("", "utf-16"),
        ],
    )  # fmt: skip
    def test_chinese_names_are_read_whatever_msh_18_says(self, charset: str, encoding: str) -> None:
        text = adt("A31", "PID|1||7||張三丰" if encoding == "big5" else "PID|1||7||张三丰", charset=charset)
        found, _ = decode(text.encode(encoding))
        assert ("張三丰" in found) or ("张三丰" in found)

    @pytest.mark.parametrize("charset", ["8859/1", "", "nonsense"])
    def test_western_names_are_read_as_latin_1(self, charset: str) -> None:
        text = adt("A31", "PID|1||7||Müller^José", charset=charset)
        assert "Müller^José" in decode(text.encode("latin-1"))[0]

    def test_the_hospital_can_say_what_its_messages_leave_out(self) -> None:
        assert "Łódź" in decode(adt("A31", "PID|1||7||Łódź").encode("iso8859-2"), "iso8859-2")[0]


class TestTimes:
    @pytest.mark.parametrize(
        ("text", "begins"),
        [
            ("2026", datetime(2025, 12, 31, 16, tzinfo=UTC)),
            ("202603", datetime(2026, 2, 28, 16, tzinfo=UTC)),
            ("20260304", datetime(2026, 3, 3, 16, tzinfo=UTC)),
            ("2026030410", datetime(2026, 3, 4, 2, tzinfo=UTC)),
            ("202603041030", datetime(2026, 3, 4, 2, 30, tzinfo=UTC)),
            ("20260304103015", datetime(2026, 3, 4, 2, 30, 15, tzinfo=UTC)),
            ("20260304103015.1234", datetime(2026, 3, 4, 2, 30, 15, 123400, tzinfo=UTC)),
            ("20260304103015+0100", datetime(2026, 3, 4, 9, 30, 15, tzinfo=UTC)),
            ("202603041030-0330", datetime(2026, 3, 4, 14, 0, tzinfo=UTC)),
            ("20260304240000", datetime(2026, 3, 4, 16, tzinfo=UTC)),
            ("20260304235960", datetime(2026, 3, 4, 16, tzinfo=UTC)),
            ("2026-03-04T10:30:15Z", datetime(2026, 3, 4, 10, 30, 15, tzinfo=UTC)),
        ],
    )
    def test_any_precision_and_zone(self, text: str, begins: datetime) -> None:
        stamp = read_stamp(text, CHINA.zone)
        assert stamp is not None
        assert stamp.begins == begins

    @pytest.mark.parametrize("text", ["", "0000", "00000000000000"])
    def test_nothing_is_nothing(self, text: str) -> None:
        assert read_stamp(text, CHINA.zone) is None

    @pytest.mark.parametrize("text", ["20261301", "20260230", "yesterday", "2026030425", "20260304+2500", "99991231"])
    def test_what_cannot_be_is_refused(self, text: str) -> None:
        with pytest.raises(RowRefused):
            read_stamp(text, CHINA.zone)

    def test_the_zone_of_the_header_holds_for_the_whole_message(self) -> None:
        row = stay(adt("A01", PID, pv1("20260304080000"), sent="20260304090000-0500"))
        assert row.admitted_at == datetime(2026, 3, 4, 13, 0, tzinfo=UTC)

    def test_the_time_of_the_record_is_evn_2_and_msh_7_makes_it_exact(self) -> None:
        exact = adt("A31", PID).replace("EVN|A31|20260305100000", "EVN|A31|20260305")
        older = adt("A31", PID).replace("EVN|A31|20260305100000", "EVN|A31|20260301")
        ahead = adt("A31", PID).replace("EVN|A31|20260305100000", "EVN|A31|20290301")
        times = [instruction(each).patients[0].event_at for each in (exact, older, ahead)]
        assert times == [
            datetime(2026, 3, 5, 2, 0, tzinfo=UTC),
            datetime(2026, 2, 28, 16, 0, tzinfo=UTC),
            datetime(2026, 3, 5, 2, 0, tzinfo=UTC),
        ]


class TestFiles:
    @pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\n\r\n"])
    @pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf", b"\x0b", b"\r\n\r\n"])
    def test_messages_are_told_apart_with_any_line_ends(self, end: str, mark: bytes) -> None:
        text = "\r".join(["FHS|^~\\&", "BHS|^~\\&", adt("A01", PID), "", adt("A03", PID, "ZZZ|x"), "BTS|2", "FTS|1"])
        data = mark + text.replace("\r", end).encode()
        assert is_hl7(data[:100])
        found = [parse(decode(raw.data)[0]) for raw in split_messages(io.BytesIO(data))]
        assert [each.trigger for each in found] == ["A01", "A03"]
        assert [len(each.segments) for each in found] == [3, 4]

    def test_the_line_of_each_message_is_known(self) -> None:
        data = f"{adt('A01', PID)}\r\n\r\n{adt('A03', PID)}".replace("\r\n", "\n").replace("\r", "\n").encode()
        assert [raw.line for raw in split_messages(io.BytesIO(data))] == [1, 5]

    def test_a_file_in_utf_16(self) -> None:
        data = f"{adt('A01', PID)}\r\n{adt('A31', 'PID|1||7||张三')}".encode("utf-16")
        assert is_hl7(data[:64])
        assert ["张三" in decode(raw.data)[0] for raw in split_messages(io.BytesIO(data))] == [False, True]

    def test_a_message_of_any_length_costs_no_more_memory_than_is_allowed(self) -> None:
        data = f"{adt('A01', PID)}\r{'x' * 5000}\r{adt('A03', PID)}".encode()
        found = list(split_messages(io.BytesIO(data), longest=1000))
        assert [raw.too_long for raw in found] == [True, False]
        assert all(len(raw.data) <= 1000 for raw in found)

    @pytest.mark.parametrize("head", [b"mrn,visit", b"PK\x03\x04", b"", b"MSHA"])
    def test_other_files_are_no_hl7(self, head: bytes) -> None:
        assert not is_hl7(head)


class TestPatients:
    def test_the_mrn_is_chosen_by_its_type_and_others_are_kept_with_their_authority(self) -> None:
        pid = "PID|1||999^^^NHS^NH~1001^^^HOSP^MR~123456789^^^USSSA^SS~^^^^TEAM||Doe^Jane"
        found = instruction(adt("A31", pid))
        assert found.patients[0].mrn == "1001"
        assert found.identifiers == (("1001", "NHS", "999"),)

    def test_only_numbers_of_the_named_authority_are_the_hospitals(self) -> None:
        reading = CHINA._replace(authority="EAST")
        both = "PID|1||5^^^WEST^MR~7^^^EAST^MR||Doe^Jane"
        assert patient(both, reading=reading).mrn == "7"
        assert patient("PID|1||5^^^WEST^MR||Doe^Jane", reading=reading).mrn == "5^WEST"

    @pytest.mark.parametrize("pid", ["PID|1|7|||Doe^Jane", "PID|1|||7|Doe^Jane", 'PID|1|7|""||Doe^Jane'])
    def test_old_messages_hold_the_number_elsewhere(self, pid: str) -> None:
        assert patient(pid).mrn == "7"

    def test_names_of_both_scripts(self) -> None:
        assert patient("PID|1||7||欧阳娜娜")[6:9] == ("欧阳", "娜娜", "欧阳娜娜")
        assert patient("PID|1||7||张^三")[6:9] == ("张", "三", "张三")
        assert patient("PID|1||7||van Dam&van&Dam^Jo^^^^^L~^Joke^^^^^N")[6:9] == ("van Dam", "Jo", "Jo van Dam")

    def test_every_number_of_pid_13_with_its_owner_and_kind(self) -> None:
        pid = PID + "|||||13800138000^PRN^PH~021-62345678~^NET^Internet^a@b.cn~13800138000^ORN^CP|010-87654321"
        row = patient(pid, "NK1|1|Zhang^Li|SPO^Spouse||13900139000^^CP")
        assert [(each.number, each.owner_kind, each.line_type) for each in row.phones] == [
            ("+8613800138000", OwnerKind.PATIENT, LineType.MOBILE),
            ("+862162345678", OwnerKind.PATIENT, LineType.LANDLINE),
            ("+861087654321", OwnerKind.PATIENT, LineType.LANDLINE),
            ("+8613900139000", OwnerKind.RELATIVE, LineType.MOBILE),
        ]

    def test_a_mobile_is_told_by_its_equipment_where_the_number_does_not_tell(self) -> None:
        row = patient(PID + "|||||(919)555-0007^PRN^CP^^1^919^5550007", reading=AMERICA)
        assert row.phones[0][:3] == ("(919)555-0007", "+19195550007", LineType.MOBILE)

    def test_two_quotes_delete_and_nothing_says_nothing(self) -> None:
        said = patient('PID|1||7||Doe^Jane||""|F|||""' + "|" * 18 + '""|""')
        assert (said.birth_date, said.address, said.deceased_on) == (EXPLICIT_NULL,) * 3
        silent = patient("PID|1||7||Doe^Jane||||||")
        assert (silent.birth_date, silent.address, silent.deceased_on, silent.sex) == (None,) * 4

    @pytest.mark.parametrize(("died", "flag", "day"), [("20260304", "Y", 4), ("", "Y", 5), ("", "N", 0), ("", "", 0)])
    def test_a_death(self, died: str, flag: str, day: int) -> None:
        row = patient(PID + "|" * 21 + f"{died}|{flag}")
        assert row.deceased_on == (date(2026, 3, day) if day else None)

    @pytest.mark.parametrize(
        ("pid", "code"),
        [
            ("PID|1||||Doe^Jane", "missing_mrn"), ("PID|1||7||Doe||21000101", "in_future"),
            ("PID|1||7||Doe||18650101", "before_1900"), ("PID|1||7||Doe||19000101", "ok"),
            ("PID|1||7||Doe||00010101", "no_such_day"), ("PID|1||" + "9" * 200, "too_long"),
            ("ZZZ|1", "missing_segment"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused(self, pid: str, code: str) -> None:
        refusal = read(adt("A31", pid)).refusal
        assert (refusal.code if refusal else "ok") == code


class TestStays:
    def test_everything_a_discharge_says(self) -> None:
        row = stay(
            adt(
                "A03",
                PID,
                pv1("202603010805", "20260305100000", f36="4", f4="C", f7="D1^Wang^Yi~D2", f3="CARD^1^2^^^^^^心内科"),
                "PV2" + "|" * 22 + "Y",
                "DG1|1||I10^Hypertension^I10||20260301|W",
                "DG1|2||I21.0^急性心肌梗死^I10||20260301|F|||||||||1",
                "PR1|1||36.06^Stent||20260302",
                "IN1|1|A||基本医疗保险",
            )
        )  # fmt: skip
        assert (row.mrn, row.visit_number, row.source, row.kind) == ("1001", "V1", "file", RowKind.STAY)
        assert row.admitted_at == datetime(2026, 3, 1, 0, 5, tzinfo=UTC)
        assert row.discharged_at == datetime(2026, 3, 5, 2, 0, tzinfo=UTC)
        assert (row.encounter_class, row.planned, row.sensitive) == (EncounterClass.INPATIENT, True, True)
        assert (row.department_code, row.department_name) == ("CARD", "心内科")
        assert (row.clinician_code, row.clinician_name) == ("D1", "Yi Wang")
        assert (row.principal_diagnosis, row.diagnoses) == ("I21.0 急性心肌梗死", ("I10 Hypertension",))
        assert row.procedures == (("36.06", "Stent", date(2026, 3, 2)),)
        assert (row.disposition, row.payer, row.sex) == (Disposition.AGAINST_ADVICE, "基本医疗保险", Sex.MALE)

    @pytest.mark.parametrize(("answer", "planned"), [("Y^Yes", True), ("N", False), ("有", True), ('""', None)])
    def test_whether_another_stay_is_planned(self, answer: str, planned: object) -> None:
        row = stay(adt("A03", "PID|||1001", pv1("20260301", "20260305"), f"OBX|1|CE|RP31^Planned^L||{answer}||||||F"))
        assert row.readmission_plan_31d == (EXPLICIT_NULL if planned is None else planned)

    @pytest.mark.parametrize(
        ("code", "china", "america"),
        [
            ("5", Disposition.EXPIRED, Disposition.TRANSFER_ACUTE), ("01", Disposition.HOME, Disposition.HOME),
            ("20", Disposition.EXPIRED, Disposition.EXPIRED),
            ("07", Disposition.AGAINST_ADVICE, Disposition.AGAINST_ADVICE),
        ],
    )  # fmt: skip
    def test_a_disposition_is_read_by_the_table_of_the_country(
        self, code: str, china: Disposition, america: Disposition
    ) -> None:
        text = adt("A03", PID, pv1("20260301", "20260305", f36=code))
        assert (stay(text).disposition, stay(text, AMERICA).disposition) == (china, america)

    @pytest.mark.parametrize(("word", "planned"), [("I", None), ("P", True), ("E", None), ("O", None)])
    def test_classes(self, word: str, planned: object) -> None:
        row = stay(adt("A01", PID, pv1("20260301", f2=word)))
        classes = {"I": "IMP", "E": "EMER"}
        assert (row.encounter_class, row.planned) == (classes.get(word, "AMB"), planned)

    def test_an_admission_without_a_time_is_when_it_happened(self) -> None:
        row = stay(adt("A01", PID, pv1()).replace("EVN|A01|20260305100000", "EVN|A01|20260305100000||||20260305093000"))
        assert row.admitted_at == datetime(2026, 3, 5, 1, 30, tzinfo=UTC)
        assert row.event_at == datetime(2026, 3, 5, 2, 0, tzinfo=UTC)

    @pytest.mark.parametrize("event", ["A02", "A03", "A06", "A08", "A11", "A13"])
    def test_what_refers_to_a_visit_without_telling_its_beginning_needs_it(self, event: str) -> None:
        assert instruction(adt(event, PID, pv1())).needs_visit == "V1"
        assert instruction(adt(event, PID, pv1("20260301"))).needs_visit == ""

    def test_a_discharge_taken_back_has_no_end_and_no_outcome(self) -> None:
        row = stay(adt("A13", PID, pv1("20260301", "20260305", f36="1")))
        assert (row.discharged_at, row.disposition, row.kind) == (EXPLICIT_NULL, EXPLICIT_NULL, RowKind.STAY)

    def test_a_visit_taken_back(self) -> None:
        assert stay(adt("A11", PID, pv1("20260301"))).kind is RowKind.CANCEL

    @pytest.mark.parametrize(
        ("segments", "number"),
        [
            ((PID, pv1("20260301", f19="")), "1001@20260228T1600Z"),
            ((PID + "|" * 10 + "ACC7", pv1("20260301", f19="")), "ACC7"),
            ((PID, pv1("20260301", f19="7890^Stewart^Daniel")), "1001@20260228T1600Z"),
        ],
    )
    def test_the_number_of_a_visit(self, segments: tuple[str, ...], number: str) -> None:
        assert stay(adt("A01", *segments)).visit_number == number

    def test_an_update_that_names_no_visit_is_about_the_patient(self) -> None:
        found = instruction(adt("A08", PID, pv1(f19="")))
        assert (found.action, len(found.patients), found.stays) == (Action.PATIENT, 1, ())

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            (adt("A01", PID), "missing_segment"), (adt("A02", PID, pv1(f19="")), "missing_visit"),
            (adt("A03", PID, pv1("20260305", "20260301")), "discharge_before_admission"),
            (adt("A03", PID, pv1("20260305", "22100101")), "in_future"),
            (adt("A01", PID, pv1("00010101")), "no_such_day"),
            (adt("A01", PID, pv1("2026")), "unreadable_date"), (adt("A01", PID, pv1("soon")), "unreadable_date"),
            ("MSH|^~\\&|||||||ADT^A31|1\r" + PID, "missing_event_time"), ("hello", "not_hl7"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_is_refused(self, text: str, code: str) -> None:
        assert refused(text) == code


class TestMergesAndOthers:
    @pytest.mark.parametrize("event", ["A34", "A40"])
    def test_each_mrg_is_merged_into_the_pid_before_it(self, event: str) -> None:
        text = adt(event, "PID|1||1^^^H^MR", "MRG|2^^^H^MR", "PID|1||3^^^H^MR", "MRG|4^^^H^MR")
        found = instruction(text)
        assert (found.action, found.merges) == (Action.MERGE, (("2", "1"), ("4", "3")))
        assert found.needs_patients == ("2", "1", "4", "3")

    def test_a_visit_moves_to_the_patient_of_the_pid(self) -> None:
        found = instruction(adt("A45", PID, "MRG|2^^^H^MR||||V1", pv1()))
        assert (found.stays[0].mrn, found.stays[0].visit_number, found.needs_visit) == ("1001", "V1", "V1")
        assert refused(adt("A45", PID, "MRG|2||||V9", pv1())) == "visit_renumbered"

    @pytest.mark.parametrize("kind", ["ADT^A60", "ORU^R01", "ADT^Z99", "SIU^S17^SIU_S12"])
    def test_an_unknown_event_asks_for_nothing(self, kind: str) -> None:
        incoming = read(f"MSH|^~\\&|HIS||||20260305||{kind}|9|P|2.5\rPID|1||7")
        assert incoming.instruction is not None
        assert (incoming.instruction.action, incoming.control_id) == (Action.IGNORE, "9")

    def test_what_is_sent_again_is_recognised_by_all_but_its_header(self) -> None:
        first, again, other = (read(adt("A31", PID, sent=sent)) for sent in ("20260305", "20260305", "20260306"))
        later = read(adt("A31", PID, sent="20260305").replace("|20260305||ADT", "|20260307||ADT"))
        assert first.digest == again.digest == later.digest != other.digest
        assert (first.sender, first.control_id, first.event) == ("HIS|HOSP", "1", "A31")

    def test_a_message_that_was_cut_off_is_refused(self) -> None:
        incoming = read(adt("A31", PID), too_long=True)
        assert incoming.refusal is not None
        assert (incoming.refusal.code, incoming.control_id) == ("message_too_long", "1")
