"""What a FHIR Appointment says: when, for whom, with whom and where."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from hcrm.appointments.domain.records import AppointmentRecord
from hcrm.appointments.domain.states import AppointmentState
from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.values import clean, short_code
from hcrm.intake.readers.fhir.elements import Element, element, elements, text
from hcrm.intake.readers.fhir.people import mrn_of
from hcrm.intake.readers.fhir.references import Scope, is_found
from hcrm.intake.readers.hl7v2.reading import Reading
from hcrm.intake.readers.hl7v2.times import read_stamp

STATES: Final[Mapping[str, AppointmentState]] = {
    **{state.value: state for state in AppointmentState},
    "checked-in": AppointmentState.ARRIVED,
    "entered-in-error": AppointmentState.CANCELLED,
}
USUAL_MINUTES: Final = 15
_MINUTES: Final = re.compile("[0-9]{1,4}")


def appointment_of(resource: Element, scope: Scope, reading: Reading, event_at: datetime) -> AppointmentRecord:
    """The appointment of a resource. Raises ``RowRefused`` for one without id, patient, place or time."""
    state = STATES.get(text(resource, "status"))
    if state is None:
        raise RowRefused("unknown_word", "status", value=text(resource, "status")[:40])
    key = next((text(each, "value") for each in elements(resource, "identifier") if text(each, "value")), "")
    key = key or text(resource, "id")
    if not key:
        raise RowRefused("missing_visit", "visit_number")
    people = _participants(resource, scope)
    patient = people.get("Patient")
    if patient is None or (not is_found(patient) and not elements(patient, "identifier") and not text(patient, "id")):
        raise RowRefused("patient_missing", "mrn")
    starts_at, ends_at = _times(resource, reading)
    if starts_at is None and state is not AppointmentState.CANCELLED:
        raise RowRefused("missing_dates", "start")
    department = _department(resource, people, scope)
    return AppointmentRecord(
        mrn=mrn_of(patient),
        key=key[:128],
        source=reading.source,
        state=state,
        event_at=event_at,
        starts_at=starts_at,
        ends_at=ends_at,
        department_code=department[0],
        department_name=department[1],
        clinician_code=_code(people.get("Practitioner")),
        clinician_name=_name(people.get("Practitioner")),
        room=_name(people.get("Location"))[:80],
    )


def _participants(resource: Element, scope: Scope) -> dict[str, Element]:
    """The first participant of each type, as the file knows it."""
    found: dict[str, Element] = {}
    for each in elements(resource, "participant"):
        reference = element(each, "actor")
        address = text(reference, "reference")
        kind = text(reference, "type") or (address.split("/")[-2] if "/" in address else "")
        who = scope.find(reference, resource)
        found.setdefault(text(who, "resourceType") or kind, who)
    return found


def _times(resource: Element, reading: Reading) -> tuple[datetime | None, datetime | None]:
    begins = read_stamp(text(resource, "start"), reading.zone) if text(resource, "start") else None
    ends = read_stamp(text(resource, "end"), reading.zone) if text(resource, "end") else None
    if begins is None:
        return None, None
    if ends is not None and ends.begins > begins.begins:
        return begins.begins, ends.begins
    minutes = text(resource, "minutesDuration")
    length = int(minutes) if _MINUTES.fullmatch(minutes) and 0 < int(minutes) <= 24 * 60 else USUAL_MINUTES
    return begins.begins, begins.begins + timedelta(minutes=length)


def _department(resource: Element, people: Mapping[str, Element], scope: Scope) -> tuple[str, str]:
    """The organization that manages the place, else the place, else the specialty or kind of service."""
    place = people.get("Location")
    owner = scope.find(element(place, "managingOrganization"), place) if place else None
    for each in (owner, place):
        if each and (_code(each) or _name(each)):
            return short_code(_code(each) or _name(each)), (_name(each) or _code(each))[:200]
    for name in ("specialty", "serviceType", "serviceCategory"):
        for concept in elements(resource, name):
            coding = next(iter(elements(concept, "coding")), {})
            code, words = text(coding, "code"), text(coding, "display") or text(concept, "text")
            if code or words:
                return short_code(code or words), (words or code)[:200]
    raise RowRefused("missing_segment", "participant", segment="participant.actor (Location)")


def _code(resource: Element | None) -> str:
    if not resource:
        return ""
    held = next((text(each, "value") for each in elements(resource, "identifier") if text(each, "value")), "")
    return short_code(held or text(resource, "id")) if held or text(resource, "id") else ""


def _name(resource: Element | None) -> str:
    if not resource:
        return ""
    own = text(resource, "name") or text(resource, "display")
    if own:
        return clean(own)[:200]
    name = next(iter(elements(resource, "name")), {})
    given = " ".join(str(each) for each in (name.get("given") or []) if isinstance(each, str))
    parts = " ".join(part for part in (given, text(name, "family")) if part)
    return clean(text(name, "text") or parts)[:200]
