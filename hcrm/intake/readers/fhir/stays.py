"""What an Encounter says, with the Conditions, Organizations, Locations and Practitioners that it refers to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.values import identifier, join_name, short_code
from hcrm.intake.readers.fhir.elements import (
    NOTHING,
    Element,
    codes,
    codings,
    element,
    elements,
    readings,
    text,
    texts,
    words,
)
from hcrm.intake.readers.fhir.references import Scope
from hcrm.intake.readers.fhir.told import Told, Values
from hcrm.intake.readers.hl7v2.times import Stamp
from hcrm.patients.domain import EXPLICIT_NULL, Disposition

GOING_ON: Final = frozenset({"arrived", "triaged", "in-progress", "onleave"})
TAKEN_BACK: Final = frozenset({"cancelled", "entered-in-error"})
PLANNED: Final = "planned"
FINISHED: Final = "finished"
_PRIORITIES: Final = {"EL": True, "R": True, "P": True, "UR": False, "EM": False, "A": False, "S": False}
"""ActPriority: elective and routine admissions are planned, urgent ones are not."""
_DISPOSITIONS: Final = {
    "home": Disposition.HOME, "alt-home": Disposition.HOME, "other-hcf": Disposition.OTHER_FACILITY,
    "hosp": Disposition.HOSPICE, "long": Disposition.OTHER_FACILITY, "aadvice": Disposition.AGAINST_ADVICE,
    "exp": Disposition.EXPIRED, "psy": Disposition.OTHER_FACILITY, "rehab": Disposition.OTHER_FACILITY,
    "snf": Disposition.OTHER_FACILITY, "oth": Disposition.UNKNOWN,
}  # fmt: skip
"""The value set discharge-disposition."""
_STANDARD: Final = "discharge-disposition"
_CONFIDENTIAL: Final = frozenset({"R", "V"})
_ATTENDING: Final = ("ATND", "PPRF", "CON", "ADM")
_RETURN_PLAN: Final = "readmission-planned-31d"
_WARD: Final = frozenset({"wa", "lvl", "wi"})


def visit_number(encounter: Element) -> str:
    """The number of a stay: the identifier of type VN, else the first, else the id; empty when it has none."""
    held = [each for each in elements(encounter, "identifier") if text(each, "value") and text(each, "use") != "old"]
    chosen = min(held, key=lambda each: "VN" not in codes(element(each, "type")), default=NOTHING)
    try:
        return identifier(text(chosen, "value") or text(encounter, "id"))
    except RowRefused as refusal:
        refusal.field = "visit_number"
        raise


def stay_values(told: Told, encounter: Element, full_url: str, scope: Scope) -> Values:
    """The fields of a row that an Encounter mentions. Raises ``RowRefused``."""
    values: Values = {
        **_times(told, encounter),
        **_class(told, encounter),
        **_place(told, encounter, scope),
        **_clinician(told, encounter, scope),
        **_diagnoses(told, encounter, full_url, scope),
        "readmission_plan_31d": _return_plan(encounter),
        "sensitive": _sensitive(encounter),
    }
    values.setdefault("disposition", _disposition(told, encounter))
    return {name: value for name, value in values.items() if value is not None}


def _times(told: Told, encounter: Element) -> Values:
    """When the stay began and ended; one that goes on has no end, whatever its period expects."""
    period, status = element(encounter, "period"), text(encounter, "status")
    began = told.moment(period, "start", "admitted_at")
    if status in GOING_ON:
        _expect(began)
        return {"admitted_at": _begins(began), "discharged_at": EXPLICIT_NULL, "disposition": EXPLICIT_NULL}
    ended = told.moment(period, "end", "discharged_at")
    if status == FINISHED:
        _expect(ended)
    return {"admitted_at": _begins(began), "discharged_at": _end(told, began, ended)}


def _expect(stamp: Stamp | None) -> None:
    if stamp is None:
        raise RowRefused("missing_dates", "discharged_at")


def _begins(stamp: Stamp | None) -> datetime | None:
    return None if stamp is None else stamp.begins


def _end(told: Told, began: Stamp | None, ended: Stamp | None) -> datetime | None:
    """A discharge without a time of day, on the day of admission, is not before it."""
    if began is None or ended is None or ended.begins >= began.begins:
        return _begins(ended)
    zone = told.reading.zone
    names_day = ended.ends - ended.begins > timedelta(hours=20)
    if names_day and began.begins.astimezone(zone).date() == ended.begins.astimezone(zone).date():
        return began.begins
    raise RowRefused("discharge_before_admission", "discharged_at")


def _class(told: Told, encounter: Element) -> Values:
    held = elements(encounter, "class")
    word = text(held[0], "code") or text(held[0], "display") if held else ""
    encounter_class, post_acute, planned, review = told.reading.encounter_class(word)
    if review:
        told.remark("class", "unknown_class", value=word[:80])
    urgency = next((_PRIORITIES[code] for code in codes(element(encounter, "priority")) if code in _PRIORITIES), None)
    return {
        "encounter_class": encounter_class,
        "post_acute": post_acute,
        "planned": True if planned else urgency,
        "needs_review": review,
    }


def _place(told: Told, encounter: Element, scope: Scope) -> Values:
    """The department: a service provider that is one, else the ward where the patient is or was last, else whoever
    provides the care.
    """
    provider_reference = element(encounter, "serviceProvider")
    provider = scope.find(provider_reference, encounter)
    ward = _ward(encounter, scope)
    chosen = provider if _is_department(provider) or not ward else ward
    code = _code(chosen) or text(chosen, "name") or text(provider_reference, "display")
    if not code:
        return {}
    name = text(chosen, "name") or text(provider_reference, "display") or code
    return {"department_code": short_code(code), "department_name": told.cut(name, 200, "department")}


def _is_department(organization: Element) -> bool:
    kinds = {code for each in elements(organization, "type") for code in codes(each)}
    return bool(kinds & {"dept", "team"})


def _ward(encounter: Element, scope: Scope) -> Element:
    places = [scope.find(element(each, "location"), encounter) for each in elements(encounter, "location")]
    wards = [each for each in places if _WARD & set(codes(element(each, "physicalType")))]
    return wards[-1] if wards else NOTHING


def _code(resource: Element) -> str:
    """What a department or clinician is called by: its first identifier, else its id."""
    held = (text(each, "value") for each in elements(resource, "identifier") if text(each, "use") != "old")
    return next(filter(None, held), "") or text(resource, "id")


def _clinician(told: Told, encounter: Element, scope: Scope) -> Values:
    """The attending physician, else the first who took part."""
    present = [each for each in elements(encounter, "participant") if element(each, "individual")]
    if not present:
        return {}
    reference = element(min(present, key=_part), "individual")
    person = scope.find(reference, encounter)
    if text(person, "resourceType") == "PractitionerRole":
        reference = element(person, "practitioner")
        person = scope.find(reference, encounter)
    name = _person_name(person) or text(reference, "display")
    code = _code(person) or name
    if not code:
        return {}
    return {"clinician_code": short_code(code), "clinician_name": told.cut(name or code, 200, "clinician")}


def _part(participant: Element) -> int:
    kinds = [code for each in elements(participant, "type") for code in codes(each) if code in _ATTENDING]
    return min(map(_ATTENDING.index, kinds), default=len(_ATTENDING))


def _person_name(person: Element) -> str:
    if text(person, "name"):
        return text(person, "name")
    name = next(iter(elements(person, "name")), NOTHING)
    return text(name, "text") or join_name(text(name, "family"), " ".join(texts(name, "given")))


def _disposition(told: Told, encounter: Element) -> Disposition | None:
    """Codes of the hospital's own first, for those of the standard are coarser."""
    concept = element(element(encounter, "hospitalization"), "dischargeDisposition")
    standard = [text(each, "code") for each in codings(concept) if _STANDARD in text(each, "system")]
    own = (told.reading.disposition(word) for word in readings(concept) if word not in standard)
    coarse = (_DISPOSITIONS.get(code) for code in standard)
    known = next(filter(None, own), None) or next(filter(None, coarse), None)
    if known is None and words(concept):
        told.remark("disposition", "unknown_word", value=words(concept)[:80])
    return known


def _diagnoses(told: Told, encounter: Element, full_url: str, scope: Scope) -> Values:
    """The diagnoses of the Encounter by their rank, else Conditions that refer to it, else the reason for it."""
    listed = sorted(elements(encounter, "diagnosis"), key=_rank)
    conditions: Iterable[Element] = [scope.find(element(each, "condition"), encounter) for each in listed]
    named = _named(told, (element(each, "code") or each for each in conditions))
    named = named or _named(told, elements(encounter, "reasonCode"))
    named = named or _named(told, (element(each, "code") for each in scope.about(encounter, full_url)))
    if not named:
        return {}
    return {"principal_diagnosis": named[0], "diagnoses": tuple(named[1:])}


def _rank(diagnosis: Element) -> int:
    rank = diagnosis.get("rank")
    return rank if isinstance(rank, int) and not isinstance(rank, bool) else 1_000


def _named(told: Told, concepts: Iterable[Element]) -> list[str]:
    found = (told.cut(_diagnosis(each), 400, "diagnoses") for each in concepts)
    return list(dict.fromkeys(filter(None, found)))


def _diagnosis(concept: Element) -> str:
    """Code and words of ICD; of another system the words, because its numbers would pass for codes of ICD."""
    icd = next((each for each in codings(concept) if "icd" in text(each, "system").casefold()), NOTHING)
    spoken = text(icd, "display") or words(concept) or text(concept, "name")
    return " ".join(dict.fromkeys(filter(None, (text(icd, "code"), spoken))))


def _return_plan(encounter: Element) -> bool | None:
    held = (each for each in elements(encounter, "extension") if text(each, "url").endswith(_RETURN_PLAN))
    planned = next(held, NOTHING).get("valueBoolean")
    return planned if isinstance(planned, bool) else None


def _sensitive(encounter: Element) -> bool | None:
    labels = elements(element(encounter, "meta"), "security")
    return True if any(text(each, "code") in _CONFIDENTIAL for each in labels) else None
