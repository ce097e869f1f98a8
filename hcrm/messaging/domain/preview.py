"""How a wording would look on a phone: filled in with what is known of a patient, and with examples for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hcrm.messaging.domain.requests import TemplateValue
from hcrm.messaging.domain.segments import Length, measure
from hcrm.messaging.domain.templates import placeholders, render
from hcrm.messaging.domain.wording import SAMPLE, revealing_words

NOTHING_KNOWN: Mapping[str, TemplateValue] = {}


@dataclass(frozen=True, slots=True)
class Preview:
    """A text as the phone shows it, and its length.

    ``examples`` are the placeholders that hold a made-up value because nothing is known for them, ``revealing`` the
    words that could tell a diagnosis, a department or who the patient is.
    """

    shown: str
    length: Length
    examples: tuple[str, ...] = ()
    revealing: tuple[str, ...] = ()


def preview_of(
    body: str,
    language: str,
    *,
    known: Mapping[str, TemplateValue] = NOTHING_KNOWN,
    names: tuple[str, ...] = (),
) -> Preview:
    """``body`` with the values that are ``known`` and examples for the others; ``names`` is what people are called.

    A placeholder that nobody knows stays as it is written.
    """
    used = placeholders(body)
    values = {name: known.get(name) or SAMPLE.get(name, "{" + name + "}") for name in used}
    shown = render(body, values, language).whole
    return Preview(
        shown=shown,
        length=measure(shown),
        examples=tuple(sorted(name for name in used if not known.get(name))),
        revealing=revealing_words(shown, names),
    )
