"""Finding what a resource refers to: in its Bundle, contained in itself, or elsewhere in the file."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from typing import Final, Self

import msgspec

from hcrm.intake.readers.fhir.elements import NOTHING, Element, element, elements, text

KEPT: Final = frozenset({"Patient", "Organization", "Practitioner", "PractitionerRole", "Location", "Condition",
                         "Encounter"})  # fmt: skip
"""Types of resources that others are looked up in."""
_LAST: Final = re.compile(r"(?:^|/)([A-Za-z]+)/([^/?#]+)(?:/_history/[^/]*)?$")
_ASKED: Final = re.compile(r"(?:^|/)([A-Za-z]+)\?identifier=([^&]*)")
_LONGEST_KEY: Final = 500
_encode = msgspec.json.encode


class Shelf:
    """Resources of a file of many lines, kept in a temporary file, so that memory does not grow with them."""

    def __init__(self) -> None:
        self._store = sqlite3.connect("")
        self._store.executescript(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16000;"
            "CREATE TABLE shelf (key TEXT NOT NULL, body BLOB NOT NULL); CREATE INDEX by_key ON shelf (key);"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._store.close()

    def put(self, resource: Element) -> None:
        """Keep a resource; of several with one id the last counts."""
        rows = [(key, _encode(resource)) for key in _keys(resource)]
        self._store.executemany("INSERT INTO shelf VALUES (?, ?)", rows)

    def last(self, key: str) -> Element | None:
        """The resource with this key."""
        row = self._store.execute("SELECT body FROM shelf WHERE key = ? ORDER BY rowid DESC LIMIT 1", (key,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def all(self, key: str) -> list[Element]:
        """All resources with this key."""
        rows = self._store.execute("SELECT body FROM shelf WHERE key = ? ORDER BY rowid LIMIT 100", (key,))
        return [msgspec.json.decode(body) for (body,) in rows]


class Scope:
    """The resources of one Bundle, and behind them those of the whole file."""

    def __init__(self, entries: Iterable[tuple[str, Element]], shelf: Shelf | None = None) -> None:
        self._shelf = shelf
        self._known: dict[str, list[Element]] = {}
        for full_url, resource in entries:
            for key in dict.fromkeys((*([full_url] if full_url else []), *_keys(resource))):
                self._known.setdefault(key, []).append(resource)

    def find(self, reference: Element, owner: Element = NOTHING) -> Element:
        """What ``reference`` means.

        What is not in the file comes as far as the reference itself tells: its id, identifier and display; empty when
        there is no reference at all.
        """
        address = text(reference, "reference")
        if address.startswith("#"):
            return next((each for each in elements(owner, "contained") if text(each, "id") == address[1:]), NOTHING)
        for key in _addresses(address):
            found = self._last(key)
            if found is not None:
                return found
        return _stub(reference, address)

    def about(self, encounter: Element, full_url: str) -> list[Element]:
        """The Conditions that refer to an encounter."""
        keys = dict.fromkeys(key for key in (full_url, *_addresses(f"Encounter/{text(encounter, 'id')}")) if key)
        found = [each for key in keys for each in self._all(f"about {key}")]
        return [each for each in found if text(each, "resourceType") == "Condition"]

    def _last(self, key: str) -> Element | None:
        known = self._known.get(key)
        if known:
            return known[-1]
        return self._shelf.last(key) if self._shelf is not None else None

    def _all(self, key: str) -> list[Element]:
        return self._known.get(key) or (self._shelf.all(key) if self._shelf is not None else [])


def _addresses(address: str) -> Iterator[str]:
    """How the resource at ``address`` may be known: as it is written, by type and id, by the id of a UUID."""
    if not address or len(address) > _LONGEST_KEY:
        return
    yield address
    found = _LAST.search(address)
    if found:
        yield f"{found[1]}/{found[2]}"
    if address.startswith("urn:uuid:"):
        yield f"id {address[9:]}"
    asked = _ASKED.search(address)
    if asked:
        yield f"{asked[1]}?{asked[2]}"


def _keys(resource: Element) -> list[str]:
    """Under what a resource is looked up."""
    kind, own = text(resource, "resourceType"), text(resource, "id")
    keys = [f"{kind}/{own}", f"id {own}"] if own else []
    keys += [f"{kind}?{text(each, 'system')}|{text(each, 'value')}" for each in elements(resource, "identifier")]
    if kind == "Condition":
        keys += [f"about {key}" for key in _addresses(text(element(resource, "encounter"), "reference"))]
    return [key for key in keys if len(key) <= _LONGEST_KEY]


def is_found(resource: Element) -> bool:
    """Whether the file holds the resource itself, not only a reference to it."""
    return "resourceType" in resource


def _stub(reference: Element, address: str) -> Element:
    asked, found = _ASKED.search(address), _LAST.search(address)
    stub: dict[str, object] = {}
    if asked:
        system, _, value = asked[2].rpartition("|")
        stub["identifier"] = [{"system": system, "value": value}]
    elif found:
        stub["id"] = found[2]
    if text(element(reference, "identifier"), "value"):
        stub["identifier"] = [element(reference, "identifier")]
    if text(reference, "display"):
        stub["name"] = text(reference, "display")
    return stub
