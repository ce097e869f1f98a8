"""How a stay and a patient follow from the records about them.

Records count by event time, not by arrival: the state is a fold over facts in the order of (event time, rank of the
source, content hash), so any order and any repetition of the same facts ends in the same state. A field that a fact
does not mention keeps its value; one that it empties on purpose loses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from hashlib import blake2b
from itertools import compress, repeat
from operator import is_not
from typing import Any, NamedTuple

import msgspec

from hcrm.patients.domain.codes import (
    EXPLICIT_NULL,
    Disposition,
    EncounterClass,
    EncounterStatus,
    ExplicitNull,
    Language,
    LineType,
    OwnerKind,
    RowKind,
    Sex,
)
from hcrm.patients.domain.names import full_name_of
from hcrm.patients.domain.rows import PhoneEntry, Procedure, StayRow

Place = tuple[datetime, int, int]
"""Where a fact stands in the order of facts: event time, rank of its source, content hash."""

_FIRST_CONTENT_FIELD = StayRow._fields.index("kind") + 1
_CONTENT_FIELDS = StayRow._fields[_FIRST_CONTENT_FIELD:]
HASH_BYTES = 8
"""Facts are told apart within one visit and moment only, so 64 bits are plenty, and an index stays small."""


class Fact(NamedTuple):
    """One record about a visit; ``fields`` holds what it mentions, ``EXPLICIT_NULL`` where it empties a field."""

    event_at: datetime
    source_rank: int
    content_hash: int
    kind: RowKind
    fields: Mapping[str, Any]

    @property
    def place(self) -> Place:
        return self.event_at, self.source_rank, self.content_hash


class EncounterState(NamedTuple):
    """What the facts about one visit add up to.

    ``earlier_departments`` are (code, since) of wards before the present one; ``department_since`` is the event time
    of the fact that first named the present one.
    """

    mrn: str = ""
    encounter_class: EncounterClass = EncounterClass.AMBULATORY
    post_acute: bool = False
    cancelled: bool = False
    planned: bool | None = None
    admitted_at: datetime | None = None
    discharged_at: datetime | None = None
    department: str = ""
    clinician: str = ""
    nurse: str = ""
    disposition: Disposition = Disposition.UNKNOWN
    principal_diagnosis: str = ""
    diagnoses: tuple[str, ...] = ()
    procedures: tuple[Procedure, ...] = ()
    readmission_plan_31d: bool | None = None
    sensitive: bool = False
    payer: str = ""
    contact_name: str = ""
    contact_relationship: str = ""
    needs_review: bool = False
    earlier_departments: tuple[tuple[str, datetime], ...] = ()
    department_since: datetime | None = None

    @property
    def status(self) -> EncounterStatus:
        if self.cancelled:
            return EncounterStatus.CANCELLED
        if self.discharged_at is not None:
            return EncounterStatus.FINISHED
        return EncounterStatus.PLANNED if self.admitted_at is None else EncounterStatus.IN_PROGRESS


class PatientState(NamedTuple):
    """What the facts of a patient's visits say about the patient; ``language`` None when none says."""

    family_name: str = ""
    given_name: str = ""
    full_name: str = ""
    sex: Sex = Sex.UNKNOWN
    birth_date: date | None = None
    language: Language | None = None
    address: str = ""
    deceased_on: date | None = None


_NOTHING = EncounterState()
_NOBODY = PatientState()
_SAME_NAME = tuple(name for name in EncounterState._fields if name in StayRow._fields and name not in ("mrn", "kind"))
_ANY_TIME = datetime.min.replace(tzinfo=UTC)
_STATE_FIELDS = tuple(enumerate(EncounterState._fields))
_FOLLOWED = tuple((index, name) for index, name in _STATE_FIELDS if name in _SAME_NAME)
_INDEX = {name: index for index, name in _STATE_FIELDS}
_PATIENT_FIELDS = tuple(enumerate(PatientState._fields))
_KINDS = {kind: kind.value.encode() for kind in RowKind}


def fields_of(row: StayRow) -> dict[str, Any]:
    """What ``row`` mentions about the visit and its patient, in the order of the row's fields."""
    values = row[_FIRST_CONTENT_FIELD:]
    mentioned = list(map(is_not, values, repeat(None)))
    fields = dict(zip(compress(_CONTENT_FIELDS, mentioned), compress(values, mentioned), strict=True))
    fields["mrn"] = row.mrn
    if not row.phones:
        del fields["phones"]
    if not row.identifiers:
        del fields["identifiers"]
    return fields


_encode = msgspec.json.Encoder().encode


def canonical(content: Mapping[str, Any] | Sequence[Any] | datetime) -> bytes:
    """``content`` as JSON, the same for the same content: times in ISO 8601, null for what is emptied."""
    return _encode(content)


_Content = msgspec.defstruct(
    "_Content",
    [*((name, Any, StayRow._field_defaults[name]) for name in _CONTENT_FIELDS), ("mrn", Any, None)],
    omit_defaults=True,
)


def content_text(row: StayRow) -> bytes:
    """``canonical(fields_of(row))``, made in one go."""
    return _encode(_Content(*row[_FIRST_CONTENT_FIELD:], row.mrn))


def content_hash(kind: RowKind, text: bytes) -> int:
    """The hash of a fact's kind and canonical text, as a signed 64-bit number."""
    return int.from_bytes(blake2b(text, digest_size=HASH_BYTES, person=_KINDS[kind]).digest(), "big", signed=True)


def fact_of(row: StayRow, *, stated_at: datetime, source_rank: int) -> tuple[Fact, bytes]:
    """The fact in ``row`` and its canonical text; without an event time of its own the batch's stated time counts."""
    fields = fields_of(row)
    text = canonical(fields)
    return Fact(row.event_at or stated_at, source_rank, content_hash(row.kind, text), row.kind, fields), text


def typed_fields(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a fact as they were before they were written as JSON."""
    return {name: _typed(name, value) for name, value in stored.items()}


def _typed(name: str, value: Any) -> Any:
    if value is None:
        return EXPLICIT_NULL
    reader = _READERS.get(name)
    return value if reader is None else reader(value)


def _phones(value: list[list[str]]) -> tuple[PhoneEntry, ...]:
    return tuple(
        PhoneEntry(raw, number, LineType(line_type), OwnerKind(owner_kind), owner_name, relationship)
        for raw, number, line_type, owner_kind, owner_name, relationship in value
    )


def procedures_of(stored: Iterable[tuple[str, str, str | None]]) -> tuple[Procedure, ...]:
    """Procedures as they were before they were written as JSON."""
    return tuple(Procedure(code, text, date.fromisoformat(day) if day else None) for code, text, day in stored)


_READERS: Mapping[str, Any] = {
    "sex": Sex,
    "birth_date": date.fromisoformat,
    "deceased_on": date.fromisoformat,
    "phones": _phones,
    "language": Language,
    "encounter_class": EncounterClass,
    "admitted_at": datetime.fromisoformat,
    "discharged_at": datetime.fromisoformat,
    "disposition": Disposition,
    "diagnoses": tuple,
    "procedures": procedures_of,
    "identifiers": lambda pairs: tuple((system, value) for system, value in pairs),
}


def department_named(fields: Mapping[str, Any]) -> str | None:
    """The code of the department that a fact names (its name where it has no code); None when it names none."""
    code: str | ExplicitNull | None = fields.get("department_code") or fields.get("department_name")
    return "" if code is EXPLICIT_NULL else code


def clinician_named(fields: Mapping[str, Any]) -> str | None:
    """The code of the clinician that a fact names (the name where there is no code); None when it names none."""
    code: str | ExplicitNull | None = fields.get("clinician_code") or fields.get("clinician_name")
    return "" if code is EXPLICIT_NULL else code


def advance(state: EncounterState, fact: Fact) -> EncounterState:
    """``state`` after one more fact, which must not be older than those before it."""
    mentioned = fact.fields.get
    values: list[Any] = list(state)
    for index, name in _FOLLOWED:
        value = mentioned(name)
        if value is not None:
            values[index] = _NOTHING[index] if value is EXPLICIT_NULL else value
    values[_INDEX["mrn"]] = fact.fields["mrn"]
    values[_INDEX["cancelled"]] = fact.kind is RowKind.CANCEL
    clinician = clinician_named(fact.fields)
    if clinician is not None:
        values[_INDEX["clinician"]] = clinician
    department = department_named(fact.fields)
    after = EncounterState._make(values)
    if department is None or department == state.department:
        return after
    return after._replace(**_moved(state, department, fact.event_at))


def _moved(state: EncounterState, department: str, since: datetime) -> dict[str, Any]:
    left = ((state.department, state.department_since or since),) if state.department else ()
    return {
        "department": department,
        "department_since": since,
        "earlier_departments": state.earlier_departments + left,
    }


def in_order(facts: Iterable[Fact]) -> list[Fact]:
    """``facts`` by their place, each once."""
    return [fact for _, fact in sorted({fact.place: fact for fact in facts}.items())]


def fold(facts: Iterable[Fact]) -> EncounterState:
    """What the facts about one visit add up to, whatever their order and however often they came.

    A cancellation holds until a later record says how the visit stands.
    """
    state = _NOTHING
    for fact in in_order(facts):
        state = advance(state, fact)
    return state


def first_state(row: StayRow, event_at: datetime) -> EncounterState:
    """What ``fold`` makes of the one fact in ``row``, for the many visits that have but one."""
    if EXPLICIT_NULL in row:
        return advance(_NOTHING, Fact(event_at, 0, 0, row.kind, fields_of(row)))
    department = row.department_code or row.department_name or ""
    return EncounterState(
        row.mrn,
        row.encounter_class or EncounterClass.AMBULATORY,
        row.post_acute or False,
        row.kind is RowKind.CANCEL,
        row.planned,  # type: ignore[arg-type]  # nothing in the row is emptied, here and below
        row.admitted_at,  # type: ignore[arg-type]
        row.discharged_at,  # type: ignore[arg-type]
        department,  # type: ignore[arg-type]
        row.clinician_code or row.clinician_name or "",  # type: ignore[arg-type]
        row.nurse or "",  # type: ignore[arg-type]
        row.disposition or Disposition.UNKNOWN,  # type: ignore[arg-type]
        row.principal_diagnosis or "",  # type: ignore[arg-type]
        row.diagnoses or (),
        row.procedures or (),
        row.readmission_plan_31d,  # type: ignore[arg-type]
        row.sensitive or False,
        row.payer or "",  # type: ignore[arg-type]
        row.contact_name or "",  # type: ignore[arg-type]
        row.contact_relationship or "",  # type: ignore[arg-type]
        row.needs_review or False,
        (),
        event_at if department else None,
    )


def first_patient(row: StayRow) -> PatientState:
    """What ``fold_patient`` makes of the one fact in ``row``."""
    if EXPLICIT_NULL in row:
        return advance_patient(_NOBODY, Fact(_ANY_TIME, 0, 0, row.kind, fields_of(row)))
    family, given = row.family_name or "", row.given_name or ""
    full = full_name_of(family, given) if row.full_name is None else row.full_name
    return PatientState(
        family,
        given,
        full,
        row.sex or Sex.UNKNOWN,
        row.birth_date,  # type: ignore[arg-type]  # nothing in the row is emptied
        row.language,
        row.address or "",  # type: ignore[arg-type]
        row.deceased_on,  # type: ignore[arg-type]
    )


def advance_patient(state: PatientState, fact: Fact) -> PatientState:
    """What is known of a patient after one more fact of any of their visits, not older than those before it."""
    mentioned = fact.fields.get
    values: list[Any] = list(state)
    for index, name in _PATIENT_FIELDS:
        value = mentioned(name)
        if value is not None:
            values[index] = _NOBODY[index] if value is EXPLICIT_NULL else value
    after = PatientState._make(values)
    if "full_name" not in fact.fields and (after.family_name, after.given_name) != state[:2]:
        return after._replace(full_name=full_name_of(after.family_name, after.given_name))
    return after


def fold_patient(facts: Iterable[Fact]) -> PatientState:
    """What the facts of all visits of one patient say about the patient."""
    state = _NOBODY
    for fact in in_order(facts):
        state = advance_patient(state, fact)
    return state
