"""The wording that the program ships with."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from hcrm.messaging.domain import LANGUAGES, Purpose


@dataclass(frozen=True, slots=True)
class ShippedTemplate:
    """One text in one language."""

    code: str
    kind: Purpose
    language: str
    body: str


@cache
def shipped_templates() -> tuple[ShippedTemplate, ...]:
    """All texts of ``content/templates.toml``, in the order of the file, each in every language."""
    data = tomllib.loads(files(__package__).joinpath("content/templates.toml").read_text(encoding="utf-8"))
    return tuple(
        ShippedTemplate(code=code, kind=Purpose(entry["kind"]), language=language, body=entry[language])
        for code, entry in data.items()
        for language in LANGUAGES
    )
