"""Profiles: how one kind of file is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

SOURCE = "file"
"""The source system of records in files, unless a profile names another."""


@dataclass(frozen=True, slots=True)
class Profile:
    """How one kind of file is read. Empty means: find out from the file.

    ``columns`` maps a field to the heads (or ``#3`` for the third column) whose cells make it up; ``classes``,
    ``dispositions`` and ``sexes`` map the file's words to our codes; ``header_row`` counts records from 1.
    """

    name: str = ""
    encoding: str = ""
    delimiter: str = ""
    header_row: int = 0
    date_formats: tuple[str, ...] = ()
    timezone: str = ""
    facility: str = ""
    source: str = SOURCE
    class_default: str = ""
    sheet: str = ""
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    classes: Mapping[str, str] = field(default_factory=dict)
    dispositions: Mapping[str, str] = field(default_factory=dict)
    sexes: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Only what is set."""
        values = asdict(self)
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items() if value}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The inverse of ``to_json``; unknown keys are left out."""
        known = {item.name for item in fields(cls)}
        kept = {key: value for key, value in values.items() if key in known}
        if "date_formats" in kept:
            kept["date_formats"] = tuple(kept["date_formats"])
        if "columns" in kept:
            kept["columns"] = {name: tuple(heads) for name, heads in kept["columns"].items()}
        return cls(**kept)

    def with_changes(self, **changes: Any) -> Self:
        """A copy in which ``changes`` that are not empty replace what was there."""
        return replace(self, **{key: value for key, value in changes.items() if value})


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """A profile that was kept under a name in one facility."""

    id: int
    facility_id: int
    name: str
    profile: Profile
    created_at: datetime
    updated_at: datetime
