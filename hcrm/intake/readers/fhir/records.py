"""From a document to what it records: stays as rows, patients without stays and merges as messages."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from hcrm.intake.domain import RowError, RowRefused, Severity
from hcrm.intake.readers.fhir.documents import Document
from hcrm.intake.readers.fhir.elements import NOTHING, Element, element, elements, text
from hcrm.intake.readers.fhir.people import mrn_of, patient_values, says_died
from hcrm.intake.readers.fhir.references import Scope, Shelf, is_found
from hcrm.intake.readers.fhir.schedules import appointment_of
from hcrm.intake.readers.fhir.stays import PLANNED, TAKEN_BACK, stay_values, visit_number
from hcrm.intake.readers.fhir.told import Told, Values
from hcrm.intake.readers.hl7v2 import Action, Incoming, Instruction, Reading
from hcrm.patients.domain import Disposition, RowKind, StayRow

KEPT: Final = 20_000
"""Characters kept of a refused resource."""
MOST_BUNDLES: Final = 10
"""How deep Bundles may lie in Bundles."""
_EVENTS: Final = {Action.MERGE: "A40", Action.APPOINTMENT: "SIU^S12"}
"""What a resource is the equivalent of in HL7 v2; all others are updates of a patient."""

_LINKS: Final = ("replaced-by", "replaces")
Entry = tuple[int, str, Element]
"""Number in the Bundle, full address, resource."""


class Found(NamedTuple):
    """What one resource gives: a row or a message or nothing, and what is to be said about it."""

    record: StayRow | Incoming | None
    remarks: list[RowError]


def records_of(document: Document, reading: Reading, now: datetime, shelf: Shelf | None) -> Iterator[Found]:
    """Everything that a document records. ``shelf`` holds what other documents of the file are referred to by."""
    if document.refusal is not None:
        shown = document.raw[:KEPT].decode("utf-8", "replace")
        yield Found(None, [_refused(document.line, document.refusal, shown)])
        return
    yield from _Bundle(document, reading, now, shelf).records()


def entries_of(content: Element, depth: int = 0) -> Iterator[tuple[str, Element]]:
    """The resources of a Bundle with their addresses, or the single resource."""
    if text(content, "resourceType") != "Bundle":
        if content:
            yield "", content
        return
    for entry in elements(content, "entry"):
        resource = element(entry, "resource")
        if text(resource, "resourceType") == "Bundle" and depth < MOST_BUNDLES:
            yield from entries_of(resource, depth + 1)
        elif resource:
            yield text(entry, "fullUrl"), resource


class _Bundle:
    """One document being read."""

    def __init__(self, document: Document, reading: Reading, now: datetime, shelf: Shelf | None) -> None:
        self._line = document.line
        self._of_lines = shelf is not None
        self._reading = reading
        self._now = now
        self._content = document.content
        pairs = list(entries_of(document.content))
        self._entries: list[Entry] = [(at, url, resource) for at, (url, resource) in enumerate(pairs, start=1)]
        self._scope = Scope(pairs, shelf)
        self._told_of: set[str] = set()
        self._merged: set[tuple[str, str]] = set()

    def records(self) -> Iterator[Found]:
        for at, url, resource in self._entries:
            if text(resource, "resourceType") == "Encounter":
                yield self._taken(at, resource, lambda told, r=resource, u=url, a=at: self._stay(told, r, u, a))
        for at, _url, resource in self._entries:
            if text(resource, "resourceType") == "Patient":
                found = self._taken(at, resource, lambda told, r=resource, a=at: self._patient(told, r, a))
                if found.record is not None or found.remarks:
                    yield found
        for at, _url, resource in self._entries:
            if text(resource, "resourceType") == "Appointment":
                yield self._taken(at, resource, lambda told, r=resource, a=at: self._appointment(told, r, a))

    def _taken(self, at: int, resource: Element, read: Any) -> Found:
        """What ``read`` makes of a resource, or why it was refused."""
        told, line = Told(self._reading, self._now), self._line_of(at)
        try:
            record = read(told)
        except RowRefused as refusal:
            shown = msgspec.json.encode(resource).decode("utf-8", "replace")[:KEPT]
            return Found(None, [_refused(line, refusal, shown)])
        if record is None:
            return Found(None, [])
        return Found(record, [RowError(line, *each[:2], Severity.WARNING, each[2]) for each in told.remarks])

    def _line_of(self, at: int) -> int:
        """The line of a file of lines; in a file of one Bundle, the number of the entry."""
        return self._line if self._of_lines else at

    def _recorded_at(self, told: Told, resource: Element) -> datetime | None:
        own = told.recorded_at(element(resource, "meta"), "lastUpdated")
        return own or told.recorded_at(self._content, "timestamp")

    def _stay(self, told: Told, encounter: Element, url: str, at: int) -> StayRow | None:
        if text(encounter, "status") == PLANNED or self._is_part(encounter):
            return None
        patient = self._scope.find(element(encounter, "subject"), encounter)
        if not is_found(patient) and not elements(patient, "identifier"):
            raise RowRefused("patient_missing", "mrn")
        mrn, visit = mrn_of(patient), visit_number(encounter)
        self._told_of.add(mrn)
        values = {**self._person(told, patient), **stay_values(told, encounter, url, self._scope)}
        taken_back = text(encounter, "status") in TAKEN_BACK
        if not taken_back and not values.keys() & {"admitted_at", "discharged_at"}:
            raise RowRefused("missing_dates", "discharged_at")
        event_at = self._recorded_at(told, encounter)
        _complete(told, patient, values, event_at)
        return StayRow(
            mrn,
            visit or _made_number(mrn, values),
            self._reading.source,
            line=self._line_of(at),
            event_at=event_at,
            kind=RowKind.CANCEL if taken_back else RowKind.STAY,
            **values,
        )

    def _appointment(self, told: Told, resource: Element, at: int) -> Incoming:
        """An appointment of a patient who has to be known."""
        event_at = self._recorded_at(told, resource) or self._now
        record = appointment_of(resource, self._scope, self._reading, event_at)
        instruction = Instruction(Action.APPOINTMENT, appointments=(record,), needs_patients=(record.mrn,))
        return _message(self._line_of(at), resource, instruction, event_at)

    def _person(self, told: Told, patient: Element) -> Values:
        return patient_values(told, patient) if is_found(patient) else {}

    def _is_part(self, encounter: Element) -> bool:
        """A section of a stay of the same class that the file holds too: the stay itself is counted."""
        reference = element(encounter, "partOf")
        whole = self._scope.find(reference, encounter) if reference else NOTHING
        return is_found(whole) and text(element(whole, "class"), "code") == text(element(encounter, "class"), "code")

    def _patient(self, told: Told, patient: Element, at: int) -> Incoming | None:
        """A merge, or a patient of whom no stay in this document has told already."""
        mrn = mrn_of(patient)
        merges = tuple(pair for pair in self._merges(patient, mrn) if pair not in self._merged)
        self._merged.update(merges)
        given_up = any(leaving == mrn for leaving, _ in (*merges, *self._merged))
        if not merges and (given_up or mrn in self._told_of):
            return None
        row = StayRow(mrn, "", self._reading.source, line=self._line_of(at), **self._alone(told, patient))
        row = row._replace(event_at=self._recorded_at(told, patient), contact_name=None, contact_relationship=None)
        if merges:
            needed = tuple(dict.fromkeys(number for pair in merges for number in pair))
            patients = () if given_up else (row,)
            instruction = Instruction(Action.MERGE, patients=patients, merges=merges, needs_patients=needed)
        else:
            instruction = Instruction(Action.PATIENT, patients=(row,))
        return _message(self._line_of(at), patient, instruction, row.event_at)

    def _alone(self, told: Told, patient: Element) -> Values:
        values = patient_values(told, patient)
        _complete(told, patient, values, self._recorded_at(told, patient))
        return values

    def _merges(self, patient: Element, mrn: str) -> Iterator[tuple[str, str]]:
        """(given up, kept) numbers of what the Patient is linked to."""
        for link in elements(patient, "link"):
            kind = text(link, "type")
            if kind not in _LINKS:
                continue
            other = self._scope.find(element(link, "other"), patient)
            if not is_found(other) and not elements(other, "identifier"):
                raise RowRefused("patient_missing", "mrn")
            pair = (mrn, mrn_of(other)) if kind == "replaced-by" else (mrn_of(other), mrn)
            if pair[0] != pair[1]:
                yield pair


def _complete(told: Told, patient: Element, values: Values, event_at: datetime | None) -> None:
    """When a patient died of whom only that is known; whether the dates of a life can be."""
    ended = values.get("discharged_at")
    last = ended if isinstance(ended, datetime) else values.get("admitted_at") or told.now
    if "deceased_on" not in values:
        if values.get("disposition") is Disposition.EXPIRED and isinstance(ended, datetime):
            values["deceased_on"] = _local(told, ended)
        elif says_died(patient) and event_at is not None:
            values["deceased_on"] = _local(told, event_at)
        elif says_died(patient):
            told.remark("deceased_at", "unknown_word", value="deceasedBoolean")
    told.check_age(values.get("birth_date"), _local(told, last))


def _local(told: Told, moment: datetime) -> date:
    return moment.astimezone(told.reading.zone).date()


def _made_number(mrn: str, values: Values) -> str:
    held = (values.get(name) for name in ("admitted_at", "discharged_at"))
    start = next((each for each in held if isinstance(each, datetime)), None)
    if start is None:
        raise RowRefused("missing_dates", "discharged_at")
    return f"{mrn[:100]}@{start.strftime('%Y%m%dT%H%MZ')}"


def _message(line: int, patient: Element, instruction: Instruction, event_at: datetime | None) -> Incoming:
    """What is not about a stay goes the way of messages, which can wait for what they need."""
    body = msgspec.json.encode(patient, order="sorted")
    return Incoming(
        line=line,
        message=None,
        sender="FHIR",
        control_id=f"{text(patient, 'resourceType')}/{text(patient, 'id')}"[:200],
        event=_EVENTS.get(instruction.action, "A31"),
        digest=blake2b(body, digest_size=16).digest(),
        event_at=event_at,
        instruction=instruction,
        refusal=None,
        text=body.decode("utf-8", "replace")[:KEPT],
        encoding="utf-8",
    )


def _refused(line: int, refusal: RowRefused, shown: str) -> RowError:
    return RowError(line, refusal.field, refusal.code, Severity.REJECTED, dict(refusal.params), (shown,))
