"""Looking into resources: whatever has another JSON type than FHIR says counts as left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hcrm.intake.readers.csv_rows.values import clean

Element = Mapping[str, Any]
NOTHING: Final[Element] = {}


def element(parent: Element, name: str) -> Element:
    """The element called ``name``; an empty one when there is none."""
    value = parent.get(name)
    return value if isinstance(value, dict) else NOTHING


def elements(parent: Element, name: str) -> list[Element]:
    """The repetitions of an element; of a list what is no element is left out."""
    value = parent.get(name)
    if isinstance(value, dict):
        return [value]
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(parent: Element, name: str) -> str:
    """A primitive as one line of text; empty when there is none. Some senders write numbers where text belongs."""
    value = parent.get(name)
    if isinstance(value, str):
        return clean(value).strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def texts(parent: Element, name: str) -> list[str]:
    """A repeated primitive, such as the given names."""
    value = parent.get(name)
    return [clean(each).strip() for each in value if isinstance(each, str)] if isinstance(value, list) else []


def codings(concept: Element) -> list[Element]:
    """The codings of a CodeableConcept, in their order."""
    return elements(concept, "coding")


def codes(concept: Element) -> list[str]:
    """The codes of a CodeableConcept."""
    return [code for each in codings(concept) if (code := text(each, "code"))]


def words(concept: Element) -> str:
    """A CodeableConcept in words: its text, else the first display, else the first code."""
    shown = (text(each, "display") for each in codings(concept))
    return text(concept, "text") or next(filter(None, shown), "") or next(iter(codes(concept)), "")


def readings(concept: Element) -> Iterator[str]:
    """Everything a CodeableConcept can be looked up by: codes of the hospital's own systems first, words last."""
    ordered = sorted(codings(concept), key=lambda each: text(each, "system").startswith(_STANDARD))
    yield from (code for each in ordered if (code := text(each, "code")))
    yield from (shown for each in ordered if (shown := text(each, "display")))
    if text(concept, "text"):
        yield text(concept, "text")


_STANDARD: Final = ("http://terminology.hl7.org/", "http://hl7.org/", "https://www.nubc.org/", "http://snomed.info/")
