"""What a Patient resource says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.values import identifier, join_name, split_name
from hcrm.intake.readers.csv_rows.words import LANGUAGES, fold
from hcrm.intake.readers.fhir.elements import Element, codes, element, elements, readings, text, texts, words
from hcrm.intake.readers.fhir.told import Told, Values
from hcrm.intake.readers.hl7v2.tables import NO_IDENTIFIERS, NUMBER_TYPES
from hcrm.patients.domain import LineType, OwnerKind, PhoneEntry

NAME_LENGTH: Final = 100
Owner = tuple[OwnerKind, str, str]
_CALLED: Final = frozenset({"phone", "sms", ""})
_SECRET: Final = "us-ssn"  # noqa: S105 - part of the name of a system
_RELATIONSHIPS: Final = {
    "MTH": "mother", "FTH": "father", "DAUC": "daughter", "SONC": "son", "WIFE": "wife", "HUSB": "husband",
    "SPS": "spouse", "CHILD": "child", "PRN": "parent", "SIB": "sibling", "GUARD": "guardian",
}  # fmt: skip
_ADDRESS: Final = ("district", "city", "state", "postalCode", "country")


def mrn_of(patient: Element) -> str:
    """The hospital's number of a patient: the identifier of type MR or one like it, else the first, else the id.

    Raises ``RowRefused`` (``missing_mrn``).
    """
    held = [each for each in elements(patient, "identifier") if text(each, "value") and text(each, "use") != "old"]
    own = [each for each in held if _likeness(each) < len(NUMBER_TYPES)]
    number = text(min(own, key=_likeness), "value") if own else text(patient, "id")
    if not number:
        raise RowRefused("missing_mrn", "mrn")
    try:
        return identifier(number)
    except RowRefused as refusal:
        refusal.field = "mrn"
        raise


def _likeness(number: Element) -> int:
    kinds = [code.upper() for code in codes(element(number, "type"))] or [""]
    if _SECRET in text(number, "system") or NO_IDENTIFIERS & set(kinds):
        return len(NUMBER_TYPES)
    return min(NUMBER_TYPES.index(kind) if kind in NUMBER_TYPES else len(NUMBER_TYPES) for kind in kinds)


def patient_values(told: Told, patient: Element) -> Values:
    """The fields of a row that a Patient mentions. Raises ``RowRefused``."""
    values: Values = {
        **_names(told, patient),
        **_contact(told, patient),
        "sex": _sex(told, text(patient, "gender")),
        "birth_date": told.day(patient, "birthDate", "birth_date"),
        "deceased_on": told.day(patient, "deceasedDateTime", "deceased_at"),
        "address": _address(told, patient),
        "language": _language(patient),
    }
    values["phones"] = _phones(told, patient, values)
    return {name: value for name, value in values.items() if value is not None}


def says_died(patient: Element) -> bool:
    """Whether the patient is dead without a date."""
    return patient.get("deceasedBoolean") is True


def _names(told: Told, patient: Element) -> Values:
    """The official name, else the usual one, else the first that is still in use."""
    uses = ("official", "usual", "")
    held = [each for each in elements(patient, "name") if text(each, "use") not in {"old", "maiden", "nickname"}]
    held = [each for each in held if text(each, "family") or texts(each, "given") or text(each, "text")]
    if not held:
        return {}
    name = min(held, key=lambda each: uses.index(text(each, "use")) if text(each, "use") in uses else len(uses))
    family = told.cut(text(name, "family"), NAME_LENGTH, "name")
    given = told.cut(" ".join(texts(name, "given")), NAME_LENGTH, "name")
    if family or given:
        return {"family_name": family or None, "given_name": given or None, "full_name": join_name(family, given)}
    full = told.cut(text(name, "text"), NAME_LENGTH, "name")
    first, last = split_name(full)
    return {"family_name": first, "given_name": last, "full_name": join_name(first or "", last or "") or full}


def _sex(told: Told, word: str) -> object:
    sex = told.reading.sex(word) if word else None
    if word and sex is None:
        told.remark("sex", "unknown_word", value=word[:80])
    return sex


def _language(patient: Element) -> object:
    """The preferred language, else the first; one that nobody here writes is left out."""
    spoken = sorted(elements(patient, "communication"), key=lambda each: each.get("preferred") is not True)
    known = (_known_language(word) for each in spoken for word in readings(element(each, "language")))
    return next(filter(None, known), None)


def _known_language(word: str) -> object:
    return LANGUAGES.get(fold(word)) or LANGUAGES.get(word.partition("-")[0].casefold())


def _address(told: Told, patient: Element) -> object:
    held = [each for each in elements(patient, "address") if text(each, "use") != "old"]
    if not held:
        return None
    home = min(held, key=lambda each: text(each, "use") != "home")
    parts = dict.fromkeys((*texts(home, "line"), *(text(home, name) for name in _ADDRESS)))
    return told.cut(text(home, "text") or ", ".join(filter(None, parts)), 1000, "address") or None


def _contact(told: Told, patient: Element) -> Values:
    """The first person to be contacted who has a name."""
    contact = _first_contact(patient)
    name = element(contact, "name")
    written = text(name, "text") or join_name(text(name, "family"), " ".join(texts(name, "given")))
    relationship = next((word for each in elements(contact, "relationship") if (word := _relation(each))), "")
    return {
        "contact_name": told.cut(written, NAME_LENGTH, "contact_name") or None,
        "contact_relationship": told.cut(relationship, 64, "contact_relationship") or None,
    }


def _first_contact(patient: Element) -> Element:
    contacts = elements(patient, "contact")
    return next((each for each in contacts if element(each, "name")), contacts[0] if contacts else {})


def _relation(concept: Element) -> str:
    return (
        text(concept, "text") or next((_RELATIONSHIPS.get(code, "") for code in codes(concept)), "") or words(concept)
    )


def _phones(told: Told, patient: Element, values: Values) -> tuple[PhoneEntry, ...]:
    """The patient's numbers, then those of the person to be contacted, each once."""
    own: Owner = (OwnerKind.PATIENT, "", "")
    theirs: Owner = (
        OwnerKind.RELATIVE,
        values.get("contact_name") or "",
        values.get("contact_relationship") or "",
    )
    named = [(each, own) for each in _numbers(patient)]
    named += [(each, theirs) for each in _numbers(_first_contact(patient))]
    entries: dict[str, PhoneEntry] = {}
    for number, owner in named:
        entry = _phone(told, number, owner)
        if entry is not None:
            entries.setdefault(entry.number or entry.raw, entry)
    if not entries:
        told.remark("phone", "no_phone")
    return tuple(entries.values())


def _numbers(holder: Element) -> Iterator[Element]:
    """What can be called, the preferred one first."""
    held = [each for each in elements(holder, "telecom") if text(each, "system") in _CALLED]
    ranked = sorted(held, key=_rank)
    yield from (each for each in ranked if text(each, "use") != "old" and text(each, "value"))


def _rank(number: Element) -> int:
    rank = number.get("rank")
    return rank if isinstance(rank, int) and not isinstance(rank, bool) else 1_000


def _phone(told: Told, number: Element, owner: Owner) -> PhoneEntry | None:
    raw = text(number, "value").removeprefix("tel:")[:200]
    if not any(map(str.isdigit, raw)):
        return None
    parsed = told.reading.phone(raw)
    if parsed.number is None:
        told.remark("phone", "impossible_phone", value=raw[:80])
    line = parsed.line_type
    if line is LineType.UNKNOWN and parsed.number is not None and text(number, "use") == "mobile":
        line = LineType.MOBILE
    return PhoneEntry(raw, parsed.number, line, *owner)
