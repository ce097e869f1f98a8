"""The short way into the records: new visits of patients about whom they say nothing that is not known.

What such records make of the tables was worked out when they were prepared. Here ids are put before it, and it is
handed on to ``COPY``. A record goes this way only if folding it with everything known would come to the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Table
from sqlalchemy.orm import Session

from hcrm.events import StayOutline
from hcrm.patients.domain import OwnerKind, PatientState, PreparedStay, age_in_years
from hcrm.patients.domain.lines import BOOLEAN, copy_cells, moment_text, number_text, text_list
from hcrm.patients.domain.prepared import (
    NUMBER_COLUMNS,
    PATIENT_COLUMNS,
    STAY_COLUMNS,
    PreparedNumber,
    patient_cells,
)
from hcrm.patients.models import ContactPoint, Encounter, EncounterFact, Patient, PatientIdentifier
from hcrm.patients.service.bulk import copy_lines, fetch, reserve_ids
from hcrm.patients.service.numbers import REACHED_THROUGH_PARENTS_BEFORE, change_owners, known_numbers
from hcrm.patients.service.people import LANGUAGES, MRN_SYSTEM, SEXES
from hcrm.patients.service.visits import Head, Key

ENCOUNTER: Table = Encounter.__table__  # type: ignore[assignment]
FACT: Table = EncounterFact.__table__  # type: ignore[assignment]
PATIENT: Table = Patient.__table__  # type: ignore[assignment]
IDENTIFIER: Table = PatientIdentifier.__table__  # type: ignore[assignment]
CONTACT_POINT: Table = ContactPoint.__table__  # type: ignore[assignment]


class KnownPatient(NamedTuple):
    """A patient record that a number names: ``text`` are its ``PATIENT_COLUMNS`` as ``COPY`` would read them."""

    patient_id: int
    person_id: int
    text: str
    open_dispute: bool
    deceased_state: str
    deceased_on: date | None


class Sorted(NamedTuple):
    """The records of a run: how many say nothing new, those that go the short way, and those that do not.

    ``known`` are the patients of ``plain`` that are there already, by MRN.
    """

    unchanged: int
    plain: list[PreparedStay]
    known: dict[str, KnownPatient]
    others: list[PreparedStay]


class Marks(NamedTuple):
    """What all records of a run have in common."""

    facility_id: int
    batch_id: int | None
    source_rank: int
    stated_at: datetime
    now: datetime


def sort_out(session: Session, facility_id: int, rows: Sequence[PreparedStay], heads: Mapping[Key, Head]) -> Sorted:
    """Tell records that say nothing new from those that go the short way and from all others.

    All records about one patient go the same way.
    """
    news = [row for row in rows if not _is_newest(heads, row)] if heads else list(rows)
    unchanged = len(rows) - len(news)
    if any(row.identified for row in news):
        return Sorted(unchanged, [], {}, news)
    times = Counter([(row.source, row.visit_number) for row in news])
    known = _known_patients(session, facility_id, {row.mrn for row in news if row.plain})
    first: dict[str, PreparedStay] = {}
    long_way: set[str] = set()
    for row in news:
        key = (row.source, row.visit_number)
        if not row.plain or times[key] > 1 or key in heads or _differs(row, first, known):
            long_way.add(row.mrn)
    if not long_way:
        return Sorted(unchanged, news, known, [])
    plain = [row for row in news if row.mrn not in long_way]
    return Sorted(unchanged, plain, known, [row for row in news if row.mrn in long_way])


def _is_newest(heads: Mapping[Key, Head], row: PreparedStay) -> bool:
    """A record that says what the newest fact of its visit says, at the same time or at none of its own."""
    head = heads.get((row.source, row.visit_number))
    if head is None or head.place[2] != row.content_hash:
        return False
    return not row.event_at or head.place[0] == datetime.fromisoformat(row.event_at)


def _differs(row: PreparedStay, first: dict[str, PreparedStay], known: Mapping[str, KnownPatient]) -> bool:
    """Whether a record says something else of its patient than the first in the run, or than what is known."""
    earlier = first.setdefault(row.mrn, row)
    if earlier is not row:
        return row.patient != earlier.patient or row.numbers != earlier.numbers
    patient = known.get(row.mrn)
    return patient is not None and patient.text != row.patient


def _known_patients(session: Session, facility_id: int, mrns: Iterable[str]) -> dict[str, KnownPatient]:
    found = fetch(
        session,
        """
        SELECT wanted.value, p.id, p.person_id, p.family_name, p.given_name, p.full_name, p.sex, p.birth_date,
               p.language, p.address, p.deceased_on, p.open_dispute, p.deceased_state
        FROM unnest(string_to_array(%s, chr(1))) AS wanted(value)
        CROSS JOIN LATERAL (
            SELECT patient_id FROM patient_identifier
            WHERE facility_id = %s AND value = wanted.value AND system = %s OFFSET 0
        ) AS i
        CROSS JOIN LATERAL (SELECT * FROM patient WHERE id = i.patient_id OFFSET 0) AS p
        """,
        text_list(mrns),
        facility_id,
        MRN_SYSTEM,
    )
    return {row[0]: _known_patient(row) for row in found}


def _known_patient(row: Sequence[Any]) -> KnownPatient:
    family, given, full, sex, birth_date, language, address, deceased_on, dispute, deceased_state = row[3:]
    state = PatientState(family, given, full, SEXES[sex], birth_date, LANGUAGES[language], address, deceased_on)
    return KnownPatient(row[1], row[2], copy_cells(patient_cells(state)), dispute, deceased_state, deceased_on)


def write_plain(
    session: Session,
    marks: Marks,
    rows: Sequence[PreparedStay],
    known: Mapping[str, KnownPatient],
    departments: Mapping[str, int],
    clinicians: Mapping[str, int],
) -> tuple[Sequence[int], list[StayOutline], int]:
    """Store ``rows``: the ids of their stays, what plans need to know of those that are finished, new patients.

    ``departments`` and ``clinicians`` are ids by code. Raises ``BulkWriteFailed``.
    """
    if not rows:
        return (), [], 0
    times = Counter([row.mrn for row in rows])
    firsts: dict[str, PreparedStay] = {}
    for row in rows:
        if row.mrn not in known:
            firsts.setdefault(row.mrn, row)
    newest = _newest(rows, marks.stated_at) if len(times) < len(rows) else {}
    again = {known[row.mrn].patient_id: row for row in rows if row.mrn in known} if known else {}
    # What has to be asked for comes first: from here on rows are stored while the next are made.
    patient_ids = dict(zip(firsts, reserve_ids(session, PATIENT, len(firsts)), strict=True))
    numbers = [(row, patient_ids[mrn], number) for mrn, row in firsts.items() for number in row.numbers]
    numbers += _new_numbers(session, marks, again, newest)
    number_ids = reserve_ids(session, CONTACT_POINT, len(numbers))
    ids = reserve_ids(session, ENCOUNTER, len(rows))
    _write_patients(session, marks, firsts, patient_ids)
    _write_numbers(session, marks, number_ids, numbers, newest)
    everyone = {**{mrn: each.patient_id for mrn, each in known.items()}, **patient_ids}
    places = [_place(row, everyone, departments, clinicians) for row in rows]
    _write_stays(session, marks, rows, ids, places)
    _write_facts(session, marks, rows)
    outlines = [
        _outline(marks, row, stay_id, place, known.get(row.mrn), alone=times[row.mrn] == 1 and row.mrn not in known)
        for row, stay_id, place in zip(rows, ids, places, strict=True)
        if row.plan is not None and row.plan.finished
    ]
    return ids, outlines, len(firsts)


class _Place(NamedTuple):
    """Whose stay it is, and where it ended."""

    patient_id: int
    department_id: int | None
    clinician_id: int | None


def _place(
    row: PreparedStay, patients: Mapping[str, int], departments: Mapping[str, int], clinicians: Mapping[str, int]
) -> _Place:
    return _Place(
        patients[row.mrn],
        departments.get(row.department_code or row.department_name or ""),
        clinicians.get(row.clinician_code or row.clinician_name or ""),
    )


def _newest(rows: Sequence[PreparedStay], stated_at: datetime) -> dict[str, str]:
    """The latest event time of the records of each patient who has several."""
    newest: dict[str, tuple[datetime, str]] = {}
    for row in rows:
        moment = datetime.fromisoformat(row.event_at) if row.event_at else stated_at
        if row.mrn not in newest or newest[row.mrn][0] < moment:
            newest[row.mrn] = (moment, row.event_at)
    return {mrn: event_at for mrn, (_, event_at) in newest.items()}


def _write_patients(session: Session, marks: Marks, firsts: Mapping[str, PreparedStay], ids: Mapping[str, int]) -> None:
    now = moment_text(marks.now)
    end = f"\t{marks.facility_id}\tnone\tf\tf\tf\t{now}\t{now}\n"
    copy_lines(
        session,
        PATIENT,
        ("id", "person_id", *PATIENT_COLUMNS, *_PATIENT_END),
        [f"{ids[mrn]}\t{ids[mrn]}\t{row.patient}{end}" for mrn, row in firsts.items()],
    )
    end = f"\t{marks.facility_id}\t{MRN_SYSTEM}\n"
    columns = ("patient_id", "value", "facility_id", "system")
    copy_lines(session, IDENTIFIER, columns, [f"{ids[mrn]}\t{copy_cells((mrn,))}{end}" for mrn in firsts])


_PATIENT_END = (
    "facility_id",
    "deceased_state",
    "diagnosis_not_told",
    "open_dispute",
    "loss_of_baby",
    "created_at",
    "updated_at",
)


def _write_numbers(
    session: Session,
    marks: Marks,
    ids: Sequence[int],
    new: Sequence[tuple[PreparedStay, int, PreparedNumber]],
    newest: Mapping[str, str],
) -> None:
    stated_at, today = moment_text(marks.stated_at), marks.now.date()
    lines = (
        f"{number_id}\t{marks.facility_id}\t{patient_id}\t{newest.get(row.mrn, row.event_at) or stated_at}"
        f"\t{BOOLEAN[_may_discuss_health(number, row.born, today)]}\t{number.text}\n"
        for number_id, (row, patient_id, number) in zip(ids, new, strict=True)
    )
    columns = ("id", "facility_id", "patient_id", "valid_from", "may_discuss_health", *NUMBER_COLUMNS)
    copy_lines(session, CONTACT_POINT, columns, lines)


def _may_discuss_health(number: PreparedNumber, born: str, today: date) -> bool:
    """With the patient; with a relative when the patient is a child. For others a person decides."""
    if number.owner[0] == OwnerKind.PATIENT:
        return True
    age = age_in_years(date.fromisoformat(born), today) if born else None
    return age is not None and age < REACHED_THROUGH_PARENTS_BEFORE


def _new_numbers(
    session: Session, marks: Marks, again: Mapping[int, PreparedStay], newest: Mapping[str, str]
) -> list[tuple[PreparedStay, int, PreparedNumber]]:
    """Numbers that are new for patients who are not; the owner of one that nobody verified follows the records."""
    stored = known_numbers(session, list(again))
    new = []
    owners = {}
    for patient_id, row in again.items():
        for number in row.numbers:
            found = stored.get((patient_id, number.key))
            if found is None:
                new.append((row, patient_id, number))
            elif found[1] is None and found[2] != number.owner:
                text = newest.get(row.mrn, row.event_at)
                event_at = datetime.fromisoformat(text) if text else marks.stated_at
                if event_at >= found[3]:
                    owners[found[0]] = number.owner
    change_owners(session, owners)
    return new


def _write_stays(
    session: Session, marks: Marks, rows: Sequence[PreparedStay], ids: Iterable[int], places: Iterable[_Place]
) -> None:
    now, stated_at = moment_text(marks.now), moment_text(marks.stated_at)
    end = f"\t{marks.facility_id}\t{marks.source_rank}\t{now}\t{now}\n"
    lines = (
        f"{stay_id}\t{patient_id}\t{number_text(department)}\t{number_text(clinician)}\t{key}\t{row.stay}"
        f"\t{row.content_hash}\t{row.event_at or stated_at}{end}"
        for row, key, stay_id, (patient_id, department, clinician) in zip(rows, _keys(rows), ids, places, strict=True)
    )
    columns = ("id", "patient_id", "department_id", "clinician_id", "source", "visit_number", *STAY_COLUMNS)
    copy_lines(session, ENCOUNTER, (*columns, *_STAY_END), lines)


_STAY_END = ("head_hash", "head_event_at", "facility_id", "head_rank", "created_at", "updated_at")


def _keys(rows: Iterable[PreparedStay]) -> Iterator[str]:
    return (copy_cells((row.source, row.visit_number)) for row in rows)


def _write_facts(session: Session, marks: Marks, rows: Sequence[PreparedStay]) -> None:
    stated_at = moment_text(marks.stated_at)
    end = f"\t{marks.facility_id}\t{marks.source_rank}\t{moment_text(marks.now)}\t{number_text(marks.batch_id)}\n"
    lines = (
        f"{key}\t{row.event_at or stated_at}\t{row.content_hash}\t{row.kind}\t{_escaped(row.fact)}{end}"
        for row, key in zip(rows, _keys(rows), strict=True)
    )
    columns = ("source", "visit_number", "event_at", "content_hash", "kind", "fields")
    copy_lines(session, FACT, (*columns, "facility_id", "source_rank", "arrived_at", "batch_id"), lines)


def _escaped(document: str) -> str:
    """JSON holds no sign that ``COPY`` reads as the end of something, but backslashes."""
    return document.replace("\\", "\\\\") if "\\" in document else document


_day = lru_cache(maxsize=50_000)(date.fromisoformat)


def _outline(
    marks: Marks, row: PreparedStay, stay_id: int, place: _Place, known: KnownPatient | None, *, alone: bool
) -> StayOutline:
    plan = row.plan
    assert plan is not None
    patient_id, department_id, clinician_id = place
    return StayOutline(
        stay_id,
        marks.facility_id,
        patient_id,
        patient_id if known is None else known.person_id,
        plan.encounter_class,
        plan.disposition,
        plan.post_acute,
        _day(plan.admitted_on) if plan.admitted_on else None,
        _day(plan.discharged_on),
        plan.planned,
        plan.diagnoses,
        plan.principal_diagnosis,
        plan.procedures,
        department_id,
        clinician_id,
        known is not None and known.open_dispute,
        "none" if known is None else known.deceased_state,
        None if known is None else known.deceased_on,
        _day(row.born) if row.born else None,
        alone,
    )
