"""A record as it is written: its fact, and the columns of a stay, a patient and numbers that follow from it alone.

Most records tell of a new visit and nothing that contradicts what is known. What such a *plain* record makes of the
tables depends on nothing but itself, so it is worked out where the file is read, beside the import. All others are
turned back into rows and folded with what is known.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from hcrm.patients.domain.codes import EXPLICIT_NULL, Disposition, ExplicitNull, Language, RowKind
from hcrm.patients.domain.facts import (
    EncounterState,
    PatientState,
    content_hash,
    content_text,
    first_patient,
    first_state,
    typed_fields,
)
from hcrm.patients.domain.lines import (
    BOOLEAN,
    NULL,
    copy_cells,
    day_text,
    json_list,
    moment_text,
    text_array,
)
from hcrm.patients.domain.names import is_han, name_sort_key
from hcrm.patients.domain.rows import NO_NUMBER, PhoneEntry, StayRow

STAY_COLUMNS: Final = (
    "class",
    "post_acute",
    "status",
    "planned",
    "admitted_at",
    "discharged_at",
    "admitted_on",
    "discharged_on",
    "nurse",
    "disposition",
    "principal_diagnosis",
    "diagnoses",
    "procedures",
    "readmission_plan_31d",
    "sensitive",
    "payer",
    "contact_name",
    "contact_relationship",
    "needs_review",
)
"""Columns of a stay that follow from its state alone, in the order of ``stay_cells``."""

PATIENT_COLUMNS: Final = (
    "family_name",
    "given_name",
    "full_name",
    "name_sort_key",
    "sex",
    "birth_date",
    "language",
    "deceased_on",
    "address",
)
"""Columns of a patient that follow from the records' state alone, in the order of ``patient_cells``."""

NUMBER_COLUMNS: Final = (
    "number",
    "number_reversed",
    "raw",
    "line_type",
    "owner_kind",
    "owner_name",
    "relationship",
    "rank",
)
"""Columns of a phone number that follow from its entry alone, in the order of ``number_cells``."""


class PreparedNumber(NamedTuple):
    """A phone number of a record: what it is known by, whose it is, its ``NUMBER_COLUMNS`` as ``COPY`` reads them."""

    key: str
    owner: tuple[str, str, str]
    text: str


class PlanFacts(NamedTuple):
    """What of a stay decides about its plan, in plain values; days in the zone of the stay as ISO text, "" for none."""

    encounter_class: str
    disposition: str
    post_acute: bool
    finished: bool
    admitted_on: str
    discharged_on: str
    planned: bool | None
    diagnoses: tuple[str, ...]
    principal_diagnosis: str
    procedures: tuple[tuple[str, str], ...]


class PreparedStay(NamedTuple):
    """A record with its fact (``fact`` is the canonical JSON) and, where it is plain, the columns that follow from it.

    ``event_at`` is ISO text, "" when the record has no time of its own; ``identified`` says that it names its patient
    by further numbers. ``stay``, ``patient`` and ``numbers`` are values of ``STAY_COLUMNS``, ``PATIENT_COLUMNS`` and
    ``NUMBER_COLUMNS`` as ``COPY`` reads them; ``born`` is the day of birth as ISO text, or "". ``row`` is the
    ``StayRow`` itself where it was kept.
    """

    line: int
    source: str
    visit_number: str
    mrn: str
    event_at: str
    content_hash: int
    kind: str
    fact: str
    department_code: str | None
    department_name: str | None
    clinician_code: str | None
    clinician_name: str | None
    plain: bool
    identified: bool
    stay: str = ""
    patient: str = ""
    numbers: tuple[PreparedNumber, ...] = ()
    born: str = ""
    plan: PlanFacts | None = None
    row: Any = None


def prepare(row: StayRow, zone: ZoneInfo, *, keep_row: bool = False) -> PreparedStay:
    """``row`` as it is written; ``zone`` gives the calendar days of the stay.

    ``keep_row`` is for few rows, most of which are going to be folded.
    """
    text = content_text(row)
    plain = _is_plain(row, text)
    return PreparedStay(
        row.line,
        row.source,
        row.visit_number,
        row.mrn,
        "" if row.event_at is None else moment_text(row.event_at),
        content_hash(row.kind, text),
        row.kind,
        text.decode(),
        _named(row.department_code),
        row.department_name,
        _named(row.clinician_code),
        row.clinician_name,
        plain,
        bool(row.identifiers),
        *(_columns(row, zone) if plain else _NO_COLUMNS),
        row if keep_row else None,
    )


def _named(code: str | ExplicitNull | None) -> str | None:
    return None if code is EXPLICIT_NULL else code


def _is_plain(row: StayRow, text: bytes) -> bool:
    """A stay that nothing is taken away from, that did not end in death, of somebody known by one number."""
    return (
        row.kind is RowKind.STAY
        and row.disposition is not Disposition.EXPIRED
        and row.deceased_on is None
        and not row.identifiers
        and _EMPTIED not in text
        and NO_NUMBER not in row.phones
    )


_EMPTIED: Final = b":null"
"""Stands in the text of a fact for each field that it empties. A text that says so itself does no harm."""


def _columns(row: StayRow, zone: ZoneInfo) -> tuple[str, str, tuple[PreparedNumber, ...], str, PlanFacts | None]:
    state = first_state(row, _ANY_TIME)
    stay, patient = stay_cells(state, zone), patient_cells(first_patient(row))
    admitted_on, discharged_on, born = stay[6], stay[7], patient[5]
    plan = PlanFacts(
        state.encounter_class,
        state.disposition,
        state.post_acute,
        state.discharged_at is not None,
        "" if admitted_on == NULL else admitted_on,
        "" if discharged_on == NULL else discharged_on,
        state.planned,
        state.diagnoses,
        state.principal_diagnosis,
        tuple([(code, text) for code, text, _ in state.procedures]) if state.procedures else (),
    )
    numbers = _numbers(row.phones) if row.phones else ()
    return copy_cells(stay), copy_cells(patient), numbers, "" if born == NULL else born, plan


def stay_cells(state: EncounterState, zone: ZoneInfo) -> tuple[str, ...]:
    """Values of ``STAY_COLUMNS`` as ``COPY`` reads them."""
    admitted_at, discharged_at = state.admitted_at, state.discharged_at
    discharged_on = NULL if discharged_at is None else day_text(discharged_at.astimezone(zone).date())
    return (
        state.encounter_class,
        BOOLEAN[state.post_acute],
        state.status,
        BOOLEAN[state.planned],
        moment_text(admitted_at),
        moment_text(discharged_at),
        discharged_on if admitted_at is None else day_text(admitted_at.astimezone(zone).date()),
        discharged_on,
        state.nurse,
        state.disposition,
        state.principal_diagnosis,
        text_array(state.diagnoses),
        json_list(state.procedures),
        BOOLEAN[state.readmission_plan_31d],
        BOOLEAN[state.sensitive],
        state.payer,
        state.contact_name,
        state.contact_relationship,
        BOOLEAN[state.needs_review],
    )


def language_of(state: PatientState) -> Language:
    """The language the records name; where none does, the script of the name tells."""
    if state.language is not None:
        return state.language
    return Language.CHINESE if any(map(is_han, state.full_name)) else Language.ENGLISH


def patient_cells(state: PatientState) -> tuple[str, ...]:
    """Values of ``PATIENT_COLUMNS`` as ``COPY`` reads them."""
    family, given, full, sex, birth_date, _, address, deceased_on = state
    return (
        family,
        given,
        full,
        name_sort_key(family, given, full),
        sex,
        day_text(birth_date),
        language_of(state),
        day_text(deceased_on),
        address,
    )


def number_cells(entry: PhoneEntry, rank: int) -> tuple[str, ...]:
    """Values of ``NUMBER_COLUMNS`` as ``COPY`` reads them."""
    raw, number, line_type, owner_kind, owner_name, relationship = entry
    return (
        NULL if number is None else number,
        reversed_digits(number),
        raw,
        line_type,
        owner_kind,
        owner_name,
        relationship,
        str(rank),
    )


def reversed_digits(number: str | None) -> str:
    """The digits of a number backwards: numbers that end alike stand together."""
    return "" if number is None else number.lstrip("+")[::-1]


def _numbers(phones: Sequence[PhoneEntry]) -> tuple[PreparedNumber, ...]:
    """The numbers of a record, each as it is named last."""
    if len(phones) == 1:
        return (_number(phones[0], 0),)
    return tuple({each.key: each for each in map(_number, phones, range(len(phones)))}.values())


def _number(entry: PhoneEntry, rank: int) -> PreparedNumber:
    owner = (entry.owner_kind, entry.owner_name, entry.relationship)
    return PreparedNumber(entry.number or entry.raw, owner, copy_cells(number_cells(entry, rank)))


def row_of(prepared: PreparedStay) -> StayRow:
    """The row that was prepared; it makes the same fact."""
    if prepared.row is not None:
        row: StayRow = prepared.row
        return row
    return StayRow(
        visit_number=prepared.visit_number,
        source=prepared.source,
        line=prepared.line,
        event_at=datetime.fromisoformat(prepared.event_at) if prepared.event_at else None,
        kind=RowKind(prepared.kind),
        **typed_fields(_decode(prepared.fact)),
    )


def packed(rows: Sequence[PreparedStay]) -> bytes:
    """``rows`` without their ``row``, to be handed to another process."""
    return _pack([each._replace(row=None) if each.row is not None else each for each in rows])


def unpacked(data: bytes) -> list[PreparedStay]:
    """The inverse of ``packed``."""
    return _unpack(data)


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[PreparedStay]).decode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_NO_COLUMNS = ("", "", (), "", None)
_ANY_TIME = datetime.fromisoformat("2000-01-01T00:00:00+00:00")
