"""A feed as HL7 v2.5.1 ADT messages: A01, A02, A03, A08, A11, A13 and A40.

Segments end with CR, messages stand one after the other. Times are local to the hospital. What HL7 leaves to the site:
PV1-2 ``SS`` for day cases (table 0004), PV1-36 by codes of the claim form UB-04 and words (table 0112), and an
observation ``RP31`` that says whether another stay within 31 days is planned.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import blake2b

from hcrm.simulation.catalogue import DepartmentKind
from hcrm.simulation.generate.names import split_clinician
from hcrm.simulation.generate.parameters import Facility, Style
from hcrm.simulation.generate.records import Event, Person, Record, Stay
from hcrm.simulation.generate.rows import CHINESE

STRUCTURES = {
    Event.ADMITTED: "ADT_A01",
    Event.MOVED: "ADT_A02",
    Event.DISCHARGED: "ADT_A03",
    Event.CORRECTED: "ADT_A01",
    Event.VISIT_CANCELLED: "ADT_A09",
    Event.DISCHARGE_CANCELLED: "ADT_A01",
    Event.MERGED: "ADT_A39",
}
CLASSES = {"inpatient": "I", "emergency": "E", "day case": "SS"}
ENDS = {
    "home": "01", "transfer_acute": "02", "other_facility": "03", "home_care": "06", "against_advice": "07",
    "admitted": "ADMIT", "expired": "20", "hospice": "50", "unknown": "UNKNOWN", "left_without_being_seen": "LWBS",
    "left_before_completion": "ELOPED",
}  # fmt: skip
LANGUAGES = {"en": "eng^English^ISO639", "zh": "zho^Chinese^ISO639"}
RELATIONSHIPS = {"mother": "MTH", "father": "FTH", "daughter": "CHD", "son": "CHD"}
EQUIPMENT = {"mobile": "PRN^CP", "landline": "PRN^PH", "": "PRN"}
NULL = '""'
_ENDED = frozenset({Event.DISCHARGED, Event.CORRECTED})
_WITH_RELATIVES = frozenset({Event.ADMITTED, Event.DISCHARGED, Event.CORRECTED, Event.DISCHARGE_CANCELLED})
_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})


class Messages:
    """Writes the records of one hospital as messages."""

    def __init__(self, facility: Facility, style: Style) -> None:
        self._code = facility.code
        self._chinese = style == "zh"

    def text(self, records: Iterable[Record]) -> str:
        return "".join(self._message(record) for record in records)

    def _message(self, record: Record) -> str:
        event, _, stay, _ = record
        segments = [self._header(record), self._event(record), self._patient(stay.person)]
        if event is Event.MERGED:
            segments.append(_segment("MRG", {1: self._identifier(record.former_mrn, "MR")}))
        else:
            segments += self._visit(event, stay)
        return "".join(f"{segment}\r" for segment in segments)

    def _visit(self, event: Event, stay: Stay) -> list[str]:
        segments = []
        if event in _WITH_RELATIVES and stay.person.contact_name:
            segments.append(self._relative(stay.person))
        segments.append(self._stay(event, stay))
        segments.append(_segment("PV2", {22: "Y" if stay.department.sensitive else "N"}))
        if event in _WITH_RELATIVES or event is Event.VISIT_CANCELLED:
            ended = event in _ENDED
            # A discharge (ADT_A03) has its diagnoses before its observations, the others after them.
            diagnoses, plan = _diagnoses(stay, ended=ended), _return_plan(stay) if ended else []
            segments += diagnoses + plan if event is Event.DISCHARGED else plan + diagnoses
        return segments

    def _header(self, record: Record) -> str:
        event = record.event
        return (
            f"MSH|^~\\&|HIS|{self._code}|HCRM|{self._code}|{_time(record.event_at)}||ADT^{event}^{STRUCTURES[event]}|"
            f"{control_id(record)}|P|2.5.1||||||UNICODE UTF-8"
        )

    @staticmethod
    def _event(record: Record) -> str:
        at = _time(record.event_at)
        return _segment("EVN", {1: record.event, 2: at, 6: at})

    def _patient(self, person: Person) -> str:
        own = person.phone_owner == "patient"
        died = person.deceased_on
        return _segment(
            "PID",
            {
                1: "1",
                3: self._identifier(person.mrn, "MR"),
                5: f"{_text(person.family_name)}^{_text(person.given_name)}^^^^^L",
                7: _day(person.birth_date),
                8: "F" if person.sex == "female" else "M",
                11: _text(person.address),
                13: _phone(person) if own else "",
                15: LANGUAGES[person.language],
                29: _day(died) if died else "",
                30: "Y" if died else "",
            },
        )

    def _relative(self, person: Person) -> str:
        given, _, family = person.contact_name.rpartition(" ")
        if not given:
            family, given = person.contact_name[:1], person.contact_name[1:]
        relationship = person.contact_relationship
        word = CHINESE[relationship] if self._chinese else relationship
        return _segment(
            "NK1",
            {
                1: "1",
                2: f"{_text(family)}^{_text(given)}^^^^^L",
                3: f"{RELATIONSHIPS[relationship]}^{word}^HL70063",
                5: _phone(person) if person.phone_owner != "patient" else "",
            },
        )

    def _stay(self, event: Event, stay: Stay) -> str:
        taken_back = event in {Event.DISCHARGE_CANCELLED, Event.VISIT_CANCELLED}
        gone = stay.discharged_at
        nothing = NULL if taken_back else ""
        code, name = stay.clinician
        return _segment(
            "PV1",
            {
                1: "1",
                2: CLASSES[stay.department.encounter_class],
                3: self._place(stay.department),
                4: "C" if stay.planned else "E" if stay.department.encounter_class == "emergency" else "U",
                6: self._place(stay.earlier[-1][0]) if event is Event.MOVED and stay.earlier else "",
                7: "^".join((code, *map(_text, split_clinician(name)))),
                10: stay.department.code,
                19: self._identifier(stay.visit_number, "VN"),
                36: ENDS[stay.disposition] if stay.disposition else nothing,
                44: _time(stay.admitted_at),
                45: _time(gone) if gone else nothing,
            },
        )

    def _place(self, ward: DepartmentKind) -> str:
        return f"{ward.code}^^^{self._code}^^^^^{_text(ward.name_zh if self._chinese else ward.name)}"

    def _identifier(self, value: str, kind: str) -> str:
        return f"{value}^^^{self._code}^{kind}"


def control_id(record: Record) -> str:
    """MSH-10: the same for the same message, so that one that is sent twice is seen to be one."""
    event, event_at, stay, former = record
    told = (
        event,
        event_at,
        stay.visit_number,
        stay.person,
        stay.discharged_at,
        stay.disposition,
        stay.diagnosis,
        former,
    )
    return blake2b(repr(told).encode(), digest_size=8).hexdigest().upper()


def _diagnoses(stay: Stay, *, ended: bool) -> list[str]:
    kind = "F" if ended else "A"
    return [
        _segment("DG1", {1: str(at), 3: f"{code}^^I10", 6: kind, 15: str(at)})
        for at, code in enumerate((stay.diagnosis, *stay.other_diagnoses), start=1)
    ]


def _return_plan(stay: Stay) -> list[str]:
    answer = "Y^Yes^HL70136" if stay.return_planned else "N^No^HL70136"
    return [_segment("OBX", {1: "1", 2: "CE", 3: "RP31^Another stay within 31 days planned^L", 5: answer, 11: "F"})]


def _phone(person: Person) -> str:
    return f"{_text(person.phone)}^{EQUIPMENT[person.phone_kind]}" if person.phone else ""


def _segment(name: str, fields: dict[int, str]) -> str:
    return "|".join((name, *(fields.get(at, "") for at in range(1, max(fields) + 1)))).rstrip("|")


def _text(text: str) -> str:
    return text.translate(_ESCAPES)


def _time(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M}"


def _day(day: date) -> str:
    return f"{day:%Y%m%d}"
