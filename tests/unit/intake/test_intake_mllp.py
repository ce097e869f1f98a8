"""Frames of MLLP and the answers to messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcrm.intake.domain import MessageStatus, Outcome, Profile
from hcrm.intake.mllp import END, START, FrameReader
from hcrm.intake.mllp.acks import acknowledgment
from hcrm.intake.readers.hl7v2 import Incoming, Reading, read_message
from tests.hl7_messages import adt, pid, pv1

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
READING = Reading.of(Profile(), "Asia/Shanghai", "CN")
APPLIED = Outcome(MessageStatus.APPLIED)


def frame(message: bytes) -> bytes:
    return START + message + END


def incoming(message: str, encoding: str = "utf-8") -> Incoming:
    return read_message(message.encode(encoding), READING, NOW)


def answer(message: str, outcome: Outcome, encoding: str = "utf-8") -> list[list[str]]:
    text = acknowledgment(incoming(message, encoding), outcome, NOW).decode(encoding)
    return [segment.split("|") for segment in text.strip("\r").split("\r")]


class TestFrames:
    @given(st.lists(st.binary(min_size=1, max_size=40)), st.lists(st.integers(1, 20), min_size=1))
    def test_messages_come_out_as_they_went_in_however_the_bytes_arrive(
        self, messages: list[bytes], cuts: list[int]
    ) -> None:
        plain = [each.translate(None, START + END) or b"x" for each in messages]
        stream = b"\r\n".join(map(frame, plain))
        reader = FrameReader(1000)
        found: list[bytes] = []
        at = turn = 0
        while at < len(stream):
            size = cuts[turn % len(cuts)]
            found += reader.feed(stream[at : at + size])
            at, turn = at + size, turn + 1
        assert found == plain
        assert not reader.begun

    def test_a_frame_that_was_cut_off_is_dropped_when_the_next_begins(self) -> None:
        reader = FrameReader(1000)
        assert reader.feed(START + b"half" + frame(b"whole")) == [b"whole"]
        assert reader.dropped == 1
        assert reader.feed(START + b"ha") == reader.feed(b"lf") == []
        assert reader.feed(frame(b"next")) == [b"next"]

    def test_a_sender_that_forgets_the_last_cr(self) -> None:
        reader = FrameReader(1000)
        assert reader.feed(START + b"one\x1c" + START + b"two\x1c") == [b"one"]
        assert reader.finish() == [b"two"]

    def test_what_is_never_finished_is_no_message(self) -> None:
        reader = FrameReader(1000)
        assert reader.feed(b"noise" + START + b"MSH|") == []
        assert reader.begun
        assert reader.finish() == []

    def test_a_frame_that_is_too_long_is_noticed_before_it_ends(self) -> None:
        reader = FrameReader(10)
        assert reader.feed(START + b"x" * 11) == []
        assert reader.too_long
        assert reader.beginning == b"x" * 10

    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_signs_of_the_frame_inside_characters_of_utf_16(self, encoding: str) -> None:
        message = "MSH|东\u0b0b\u0b41张".encode(encoding)
        assert FrameReader(1000).feed(frame(message)) == [message]


class TestAnswers:
    def test_taken(self) -> None:
        header, answered = answer(adt("A01", pid(), pv1("20260301"), control="C7"), APPLIED)
        assert header[:6] == ["MSH", "^~\\&", "HCRM", "HOSP", "HIS", "HOSP"]
        assert (header[6], header[8], header[10], header[11]) == ("20260310020000+0000", "ACK^A01^ACK", "P", "2.5")
        assert answered == ["MSA", "AA", "C7", ""]

    @pytest.mark.parametrize("status", [MessageStatus.WAITING, MessageStatus.IGNORED])
    def test_what_is_kept_or_passed_over_is_taken_too(self, status: MessageStatus) -> None:
        assert answer(adt("A40"), Outcome(status, "unknown_patient"))[1][1] == "AA"

    @pytest.mark.parametrize(
        ("code", "answered", "number"),
        [
            ("missing_mrn", "AE", "101"), ("in_future", "AE", "103"), ("no_such_day", "AE", "102"),
            ("missing_segment", "AE", "100"), ("unavailable", "AR", "206"), ("internal_error", "AE", "207"),
        ],
    )  # fmt: skip
    def test_refused_with_a_sentence(self, code: str, answered: str, number: str) -> None:
        outcome = Outcome(MessageStatus.REFUSED, code, "mrn", {"segment": "PV1", "value": "a secret"})
        _, told, error = answer(adt("A01", control="C7"), outcome)
        assert told[:3] == ["MSA", answered, "C7"]
        assert error[3].split("^") == [number, error[3].split("^")[1], "HL70357"]
        assert (error[4], error[8]) == ("E", told[3])
        assert told[3].endswith(".")
        assert "secret" not in "".join(told + error)

    def test_what_is_no_message_is_rejected(self) -> None:
        header, told, error = answer("hello", Outcome(MessageStatus.REFUSED, "not_hl7"))
        assert (header[0], told[:3], error[0]) == ("MSH", ["MSA", "AR", ""], "ERR")

    def test_an_answer_speaks_as_the_sender_does(self) -> None:
        text = "MSH$*!?@$HIS$HOSP$$$20260305$$ADT*A01$C$9$P$2.3$$$$$$UNICODE UTF-16".replace("C$9", "C9")
        told = acknowledgment(incoming(text, "utf-16-le"), APPLIED, NOW).decode("utf-16-le")
        header, answered, *_ = told.split("\r")
        assert header.startswith("MSH$*!?@$$$HIS$HOSP$")
        assert header.endswith("$2.3$$$$$$UNICODE UTF-16")
        assert answered == "MSA$AA$C9$"
