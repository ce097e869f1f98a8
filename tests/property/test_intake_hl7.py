"""HL7 v2: messages in any order and number end in the same state, and no bytes whatever stop the reader."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from hcrm.intake.domain import Profile
from hcrm.intake.mllp import FrameReader
from hcrm.intake.readers.hl7v2 import Reading, read_message, split_messages
from hcrm.intake.service import Place, apply_messages
from tests.hl7_messages import adt, pid, pv1

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
READING = Reading.of(Profile(), "Asia/Shanghai", "CN")
START = datetime(2026, 2, 1, 8)
NULL = '""'

STATE = (
    (
        "SELECT i.value, s.value, p.family_name, p.given_name, p.sex, p.birth_date, p.address, p.deceased_on,"
        " p.deceased_state FROM patient p JOIN patient_identifier i ON i.patient_id = p.id AND i.system = 'mrn'"
        " JOIN patient_identifier s ON s.patient_id = p.person_id AND s.system = 'mrn'"
    ),
    (
        "SELECT c.number, i.value, c.owner_kind, c.retired_at, c.retired_reason FROM contact_point c"
        " JOIN patient_identifier i ON i.patient_id = c.patient_id AND i.system = 'mrn'"
    ),
    (
        "SELECT e.visit_number, i.value, e.class, e.status, e.admitted_at, e.discharged_at, d.code, e.disposition,"
        " e.principal_diagnosis, e.diagnoses, e.payer, e.planned FROM encounter e"
        " JOIN patient_identifier i ON i.patient_id = e.patient_id AND i.system = 'mrn'"
        " LEFT JOIN department d ON d.id = e.department_id"
    ),
    (
        "SELECT e.visit_number, d.code, l.from_at FROM encounter_location l JOIN encounter e ON e.id = l.encounter_id"
        " JOIN department d ON d.id = l.department_id"
    ),
    "SELECT event, status, waits_on FROM interface_message",
)
"""Everything that messages lead to; the moment of a number's arrival is none of it."""

events = st.sampled_from(["A01", "A02", "A03", "A04", "A06", "A08", "A11", "A13", "A28", "A31"])
times = st.integers(0, 200).map(lambda hours: START + timedelta(hours=hours))


@st.composite
def histories(draw: st.DrawFn) -> list[str]:
    """Messages of one person with two records and two visits, each with an id of its own."""
    messages: list[str] = []
    for number in range(draw(st.integers(1, 7))):
        event, at, visit = draw(events), draw(times), draw(st.sampled_from("12"))
        person = pid(
            f"M{visit}",
            draw(st.sampled_from(["Zhang^San", "Zhang^Sanfeng", "张^三丰", ""])),
            draw(st.sampled_from(["19600203", "", NULL])),
            f11=draw(st.sampled_from(["1 Main St", "", NULL])),
            f13=draw(st.sampled_from(["13800138000", "13900139000", "", NULL])),
            f30=draw(st.sampled_from(["", "", "Y", NULL])),
        )
        stay = pv1(
            draw(st.sampled_from(["", f"{START:%Y%m%d%H%M}"])),
            draw(st.sampled_from(["", f"{at:%Y%m%d%H%M}"])),
            visit=f"V{visit}",
            f2=draw(st.sampled_from(["I", "E", "P"])),
            f3=draw(st.sampled_from(["MED^1", "SUR^1", "", NULL])),
            f36=draw(st.sampled_from(["", "1", "5", NULL])),
        )
        diagnosis = draw(st.sampled_from(["DG1|1||I21.0", "DG1|1||I10^High", f"DG1|1||{NULL}", "ZZZ|1"]))
        messages.append(adt(event, person, stay, diagnosis, sent=f"{at:%Y%m%d%H%M%S}", control=str(number)))
    for number, at in enumerate(draw(st.lists(times, max_size=2))):
        messages.append(adt("A40", pid("M1"), "MRG|M2^^^HOSP^MR", sent=f"{at:%Y%m%d%H%M%S}", control=f"M{number}"))
    return messages


@st.composite
def mixed(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """A history, and the same messages in another order, some of them twice, in several runs."""
    history = draw(histories())
    again = draw(st.permutations(history + draw(st.lists(st.sampled_from(history), max_size=3))))
    cut = draw(st.integers(0, len(again)))
    return history, [list(part) for part in (again[:cut], again[cut:]) if part]


def state_after(session: Session, facility: int, runs: Sequence[Sequence[str]]) -> list[list[Any]]:
    """What is known after these runs of messages; it is taken back."""
    savepoint = session.begin_nested()
    for run in runs:
        read = [read_message(each.encode(), READING, NOW) for each in run]
        apply_messages(session, Place(facility, "Asia/Shanghai"), read, now=NOW)
    state = [sorted(map(repr, session.execute(text(query)).tuples())) for query in STATE]
    savepoint.rollback()
    session.expire_all()
    return state


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(both=mixed())
def test_any_order_and_repetition_ends_in_the_same_state(
    session: Session, facility: int, both: tuple[list[str], list[list[str]]]
) -> None:
    history, runs = both
    assert state_after(session, facility, runs) == state_after(session, facility, [history])


def samples(folder: Path) -> list[bytes]:
    return [path.read_bytes()[:20_000] for path in sorted((folder / "hl7v2").glob("*.hl7"))]


def test_damaged_messages_are_read_or_refused(shared_data: Path) -> None:
    chance = random.Random(7)
    originals = samples(shared_data)
    for _ in range(400):
        data = bytearray(chance.choice(originals))
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(data))
            damage = chance.randrange(4)
            if damage == 0:
                data[at] = chance.randrange(256)
            elif damage == 1:
                del data[at : at + chance.randint(1, 50)]
            elif damage == 2:
                data[at:at] = chance.choice(
                    [b"|", b"^", b"~", b"\\", b"&", b"\r", b"\0", b"\xff", b"MSH|", b'""', b"9" * 99]
                )
            else:
                data[at:at] = data[at : at + chance.randint(1, 500)]
        for raw in split_messages(io.BytesIO(data)):
            incoming = read_message(raw.data, READING, NOW, line=raw.line)
            assert (incoming.instruction is None) == (incoming.refusal is not None)


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80), st.sampled_from(["utf-8", "utf-16", "gb18030"]))
def test_any_text_is_read_or_refused(anything: str, encoding: str) -> None:
    for message in (anything, f"MSH{anything}", adt("A01", pid(f11=anything), pv1("20260301", f3=anything), anything)):
        incoming = read_message(message.encode(encoding), READING, NOW)
        assert (incoming.instruction is None) == (incoming.refusal is not None)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_bytes_go_through_the_frames(blocks: list[bytes]) -> None:
    frames = FrameReader(100)
    for block in blocks:
        for message in frames.feed(block):
            read_message(message, READING, NOW)
    frames.finish()


def naughty(folder: Path) -> list[str]:
    """Strings that break programs, without the signs that separate fields."""
    signs = str.maketrans(dict.fromkeys("|^~\\&\r\n", " "))
    strings: list[str] = json.loads((folder / "text" / "blns.json").read_text(encoding="utf-8"))
    return [each.translate(signs) for each in strings]


def test_naughty_strings_in_every_text_field_are_stored(session: Session, facility: int, shared_data: Path) -> None:
    messages = [
        adt(
            "A01",
            pid(f"N{number}", f"{each}^{each}", f11=each, f13=each, f15=each),
            f"NK1|1|{each}|{each}||{each}",
            pv1("20260301", visit=f"NV{number}", f3=f"{each}^1^2^^^^^^{each}", f7=f"{each}^{each}", f36=each),
            f"DG1|1||{each}^{each}",
            f"PR1|1||{each}^{each}",
            f"IN1|1|||{each}",
            control=str(number),
        )
        for number, each in enumerate(naughty(shared_data))
    ]
    read = [read_message(each.encode("utf-8", "replace"), READING, NOW) for each in messages]
    done = apply_messages(session, Place(facility, "Asia/Shanghai"), read, now=NOW)
    assert [
        (each.code, each.params, messages[at]) for at, each in enumerate(done.outcomes) if each.status != "applied"
    ] == []


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_files_are_split_alike_however_they_are_read(shared_data: Path, size: int) -> None:
    data = (shared_data / "hl7v2" / "mirth_A31_blank_lines.hl7").read_bytes()[: 300 if size == 1 else 20_000]
    whole = [(each.line, each.data) for each in split_messages(io.BytesIO(data))]
    assert [(each.line, each.data) for each in split_messages(io.BytesIO(data), block=size)] == whole
